//! What a relay does with one mail, by its mode and chance.

use super::chance::Chance;
use crate::bench::{accepted, trouble};
use envelope::{Class, EnhancedStatus, Reply};
use send::{Phase, RecipientOutcome, TroubleKind};
use std::time::Duration;

/// How a relay fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Takes all.
    Well,
    /// Anything may happen.
    Wild,
    Down(TroubleKind),
    /// `554 Relay access denied` to all.
    Denies,
    /// Refuses each recipient for good.
    Bounces,
    /// `421` to all.
    Leaves,
    /// Does nothing until it is broken off.
    Hangs,
}

/// How it ends with a mail.
pub(crate) enum End {
    Answer(Vec<RecipientOutcome>),
    Hang,
    Panic,
    /// The sender forgets it.
    Silence,
}

/// What becomes of one mail.
pub(crate) struct Script {
    pub(crate) before: Duration,
    /// For whom the relay takes it.
    pub(crate) takes: Vec<bool>,
    pub(crate) after: Duration,
    pub(crate) end: End,
}

fn refused(phase: Phase, code: u16, text: &str) -> RecipientOutcome {
    RecipientOutcome::Refused { phase, reply: Reply::new(code, text) }
}

fn not_attempted(kind: TroubleKind, phase: Phase) -> RecipientOutcome {
    RecipientOutcome::NotAttempted(trouble(kind, phase))
}

fn unknown() -> RecipientOutcome {
    RecipientOutcome::Unknown(trouble(TroubleKind::Lost, Phase::End))
}

/// The same outcome for all.
fn all(outcome: RecipientOutcome, many: usize) -> End {
    End::Answer(vec![outcome; many])
}

impl Script {
    pub(crate) fn of(mode: Mode, many: usize, chance: &mut Chance) -> Self {
        let end = match mode {
            Mode::Well => all(accepted(), many),
            Mode::Wild => return Self::wild(many, chance),
            Mode::Down(kind) => all(not_attempted(kind, Phase::Connect), many),
            Mode::Denies => all(refused(Phase::Rcpt, 554, "5.7.1 <x>: Relay access denied"), many),
            Mode::Bounces => all(refused(Phase::Rcpt, 550, "5.1.1 no such user"), many),
            Mode::Leaves => all(refused(Phase::Mail, 421, "4.3.2 closing"), many),
            Mode::Hangs => End::Hang,
        };
        Self::ending(end, many, chance)
    }

    /// Taken for whom the answer says so.
    fn ending(end: End, many: usize, chance: &mut Chance) -> Self {
        let takes = match &end {
            End::Answer(outcomes) => {
                let taken = |n| match outcomes.get(n) {
                    Some(RecipientOutcome::Accepted(_)) => true,
                    None | Some(RecipientOutcome::Unknown(_)) => chance.percent(60),
                    Some(_) => false,
                };
                (0..many).map(taken).collect()
            }
            End::Hang | End::Panic | End::Silence => vec![chance.percent(50); many],
        };
        let most = Duration::from_secs(20);
        Self { before: chance.time(most), takes, after: chance.time(most), end }
    }

    fn wild(many: usize, chance: &mut Chance) -> Self {
        let end = match chance.below(100) {
            0..40 => all(accepted(), many),
            40..55 => End::Answer((0..many).map(|_| at_rcpt(chance)).collect()),
            55..66 => all(whole(chance), many),
            66..72 => all(broken(chance), many),
            72..82 => all(unknown(), many),
            82..86 => End::Answer((0..many).map(|_| at_end(chance)).collect()),
            86..89 => End::Panic,
            89..91 => End::Silence,
            91..93 => End::Hang,
            93..95 => End::Answer((1..many).map(|_| accepted()).collect()),
            95..97 => {
                let status = EnhancedStatus { class: Class::Permanent, subject: 6, detail: 7 };
                all(RecipientOutcome::Undeliverable { status, text: "needs SMTPUTF8".into() }, many)
            }
            _ => {
                let mut slow = Self::ending(all(unknown(), many), many, chance);
                slow.after = Duration::from_secs(600);
                return slow;
            }
        };
        Self::ending(end, many, chance)
    }
}

/// One recipient among several, answered at RCPT or with the mail.
fn at_rcpt(chance: &mut Chance) -> RecipientOutcome {
    let refusals =
        [(550, "5.1.1 gone"), (450, "4.2.0 greylisted"), (452, "4.5.3 too many"), (552, "5.5.3 too many")];
    if chance.percent(60) {
        return accepted();
    }
    let (code, text) = chance.of(&refusals);
    refused(Phase::Rcpt, code, text)
}

/// One recipient in LMTP's manner, answered after the data.
fn at_end(chance: &mut Chance) -> RecipientOutcome {
    match chance.below(4) {
        0 | 1 => accepted(),
        2 => unknown(),
        _ => refused(Phase::End, chance.of(&[452, 552, 554]), "no room"),
    }
}

/// The whole mail refused.
fn whole(chance: &mut Chance) -> RecipientOutcome {
    let phase = chance.of(&[Phase::Mail, Phase::Rcpt, Phase::Data, Phase::End]);
    let replies = [
        (421, "4.3.2 shutting down"),
        (450, "4.7.1 rate limit exceeded, try again in 30 seconds"),
        (451, "4.3.0 later"),
        (452, "4.3.1 disk full"),
        (530, "5.7.0 authentication required"),
        (550, "5.7.1 spam"),
        (554, "5.7.1 Relay access denied"),
        (554, "5.6.0 no"),
    ];
    let (code, text) = chance.of(&replies);
    refused(phase, code, text)
}

/// The line or the login failed before anything was in doubt.
fn broken(chance: &mut Chance) -> RecipientOutcome {
    match chance.below(6) {
        0 => refused(Phase::Auth, 535, "5.7.8 authentication failed"),
        1 => not_attempted(TroubleKind::Lost, Phase::Data),
        2 => not_attempted(TroubleKind::Lost, Phase::Mail),
        3 => not_attempted(TroubleKind::Timeout, Phase::Hello),
        4 => not_attempted(TroubleKind::Busy, Phase::Greeting),
        _ => not_attempted(TroubleKind::Tls, Phase::Tls),
    }
}
