//! The states of a job and the moves between them. The table is the source; ARCHITECTURE.md shows it.
//!
//! ```text
//! state      proof in the store           shown as            next                              after a crash
//! Scheduled  Accepted, due in the future  scheduled           Ready (due), Held, Dead           the same
//! Ready      Accepted, due <= now         queued              Leased, Held, Dead                the same
//! Leased     Leased without outcome       sending             Ready, Deferred, Settled, Dead    Ready, possible_duplicate
//! Deferred   Deferred, due in the future  deferred            Ready (due), Held, Dead           the same
//! Held       Control hold                 held                Ready or back to waiting, Dead    the same
//! Settled    every recipient final        sent, partial       purged                            the same
//! Dead       every recipient final        failed, expired,    Ready (retry by hand), purged     the same
//!            and none sent                cancelled, suppressed
//! ```

use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    Scheduled,
    Ready,
    Leased,
    Deferred,
    Held,
    Settled,
    Dead,
}

/// Where one recipient of a job stands. All but `Open` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RecipientState {
    Open,
    Sent,
    Failed,
    Expired,
    Cancelled,
    Suppressed,
}

/// The words shown to people, the same in API, command line and metrics (contract 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Scheduled,
    Queued,
    Sending,
    Deferred,
    Held,
    Sent,
    Partial,
    Failed,
    Expired,
    Cancelled,
    Suppressed,
}

impl Status {
    pub const ALL: [Self; 11] = [
        Self::Scheduled,
        Self::Queued,
        Self::Sending,
        Self::Deferred,
        Self::Held,
        Self::Sent,
        Self::Partial,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Suppressed,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Deferred => "deferred",
            Self::Held => "held",
            Self::Sent => "sent",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Suppressed => "suppressed",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Sent | Self::Partial | Self::Failed | Self::Expired | Self::Cancelled | Self::Suppressed
        )
    }
}

/// The state a job is in once every recipient is final, and the word for it: `sent` when all were,
/// `partial` when some were, else the gravest of what happened.
pub fn conclude(recipients: &[RecipientState]) -> (State, Status) {
    let has = |state| recipients.contains(&state);
    let sent = has(RecipientState::Sent);
    let all_sent = recipients.iter().all(|r| *r == RecipientState::Sent);
    match () {
        () if all_sent => (State::Settled, Status::Sent),
        () if sent => (State::Settled, Status::Partial),
        () if has(RecipientState::Failed) => (State::Dead, Status::Failed),
        () if has(RecipientState::Expired) => (State::Dead, Status::Expired),
        () if has(RecipientState::Suppressed) => (State::Dead, Status::Suppressed),
        () => (State::Dead, Status::Cancelled),
    }
}

/// Whether a job may move from one state to another.
pub fn may(from: State, to: State) -> bool {
    use State::{Dead, Deferred, Held, Leased, Ready, Scheduled, Settled};
    match from {
        Scheduled => matches!(to, Scheduled | Ready | Held | Settled | Dead),
        Ready => matches!(to, Leased | Held | Settled | Dead),
        Leased => matches!(to, Ready | Deferred | Held | Settled | Dead),
        Deferred => matches!(to, Ready | Held | Settled | Dead),
        Held => matches!(to, Scheduled | Ready | Deferred | Settled | Dead),
        // By hand only: refused recipients are tried again.
        Settled | Dead => matches!(to, Ready),
    }
}
