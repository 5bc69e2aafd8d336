//! What a relay has earned: how much may be in doubt on a connection, and how carefully it is spoken to.

use super::limits::WINDOWS;
use smtp::client::{Failure, FailureKind, Phase};
use std::sync::atomic::{AtomicU32, Ordering};

/// Kept while the process lives, for all connections of a relay.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Mails that were answered in order.
    answered: AtomicU32,
    caution: AtomicU32,
}

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caution {
    /// The next mail's commands may go behind a text that is not answered.
    None,
    /// One mail at a time.
    OneMail,
    /// One command at a time.
    OneCommand,
}

impl Trust {
    pub(super) fn answered(&self) {
        if self.answered.load(Ordering::Relaxed) < u32::MAX / 2 {
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Texts that may be unanswered at once.
    pub(super) fn window(&self, most: usize) -> usize {
        let earned = u32::try_from(most).map_or(u32::MAX, |most| most.saturating_mul(WINDOWS));
        if self.answered.load(Ordering::Relaxed) >= earned { most.max(1) } else { 1 }
    }

    pub(super) fn caution(&self) -> Caution {
        match self.caution.load(Ordering::Relaxed) {
            0 => Caution::None,
            1 => Caution::OneMail,
            _ => Caution::OneCommand,
        }
    }

    /// A connection ended with so many mails in doubt. Whether the relay is spoken to more carefully
    /// from now on, so that what it did not take may be tried again at once.
    pub(super) fn ended(&self, peer: &str, failure: &Failure, in_doubt: usize) -> bool {
        let before = self.caution();
        let after = match failure.kind {
            FailureKind::Misbehaved if before == Caution::None => Caution::OneMail,
            FailureKind::Misbehaved => Caution::OneCommand,
            // A text went behind a MAIL that was never answered: Dovecot's submission falls over that when its
            // relay refuses the sender, so the text waits the next time, and the refusal is heard.
            FailureKind::Lost | FailureKind::Timeout
                if in_doubt > 1 || in_doubt == 1 && failure.phase == Phase::Mail =>
            {
                before.max(Caution::OneMail)
            }
            _ => before,
        };
        if after == before {
            return false;
        }
        self.caution.store(after as u32, Ordering::Relaxed);
        let words = match after {
            Caution::None | Caution::OneMail => "one mail at a time",
            Caution::OneCommand => "one command at a time",
        };
        tracing::error!(%peer, in_doubt, cause = %failure.text, "the relay is sent {words} from now on");
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_earned_and_caution_only_grows() {
        let trust = Trust::default();
        let windows: Vec<_> = (0..18).map(|_| (trust.window(8), trust.answered()).0).collect();
        assert_eq!(windows, [vec![1; 16], vec![8; 2]].concat());
        assert_eq!((trust.window(1), Trust::default().window(1)), (1, 1));

        let ended = |kind, in_doubt| {
            let failure = Failure::new(kind, Phase::End, None, "");
            (trust.ended("relay", &failure, in_doubt), trust.caution())
        };
        assert_eq!(ended(FailureKind::Lost, 1), (false, Caution::None));
        assert_eq!(ended(FailureKind::Busy, 8), (false, Caution::None));
        assert_eq!(ended(FailureKind::Timeout, 2), (true, Caution::OneMail));
        assert_eq!(ended(FailureKind::Lost, 8), (false, Caution::OneMail));
        assert_eq!(ended(FailureKind::Misbehaved, 0), (true, Caution::OneCommand));
        assert_eq!(ended(FailureKind::Misbehaved, 0), (false, Caution::OneCommand));
    }

    #[test]
    fn a_text_behind_a_mail_command_that_was_never_answered_waits_the_next_time() {
        for (phase, in_doubt, after) in [
            (Phase::Mail, 0, Caution::None),
            (Phase::Mail, 1, Caution::OneMail),
            (Phase::Rcpt, 1, Caution::None),
            (Phase::End, 1, Caution::None),
        ] {
            let trust = Trust::default();
            trust.ended("relay", &Failure::new(FailureKind::Lost, phase, None, ""), in_doubt);
            assert_eq!(trust.caution(), after, "{phase:?}, {in_doubt} in doubt");
        }
    }
}
