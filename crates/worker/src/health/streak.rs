//! Refusals for good in a row: when many recipients of several mails are refused and none is taken
//! in between, it is the relay that is wrong and not each of them (a blocked sender, a broken map).

use queue::JobId;

/// Recipients refused in a row that make a mass failure.
pub(crate) const RECIPIENTS: usize = 20;
/// Mails they must be spread over.
pub(crate) const MAILS: usize = 5;

/// The row of refusals at one relay.
#[derive(Debug, Default, Clone)]
pub(crate) struct Streak {
    recipients: usize,
    mails: usize,
    last: Option<JobId>,
}

impl Streak {
    /// The relay took a mail for somebody.
    pub(crate) fn broken(&mut self) {
        *self = Self::default();
    }

    /// Whether refusing so many recipients more of this mail makes it a mass failure. Counted only
    /// when it does not, so that a relay held for it fails the next mail no better.
    pub(crate) fn refused(&mut self, id: JobId, recipients: usize) -> bool {
        let mails = self.mails + usize::from(self.last != Some(id));
        if self.recipients + recipients > RECIPIENTS && mails >= MAILS {
            return true;
        }
        (self.recipients, self.mails, self.last) = (self.recipients + recipients, mails, Some(id));
        false
    }

    pub(crate) fn recipients(&self) -> usize {
        self.recipients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> JobId {
        format!("{n:032x}").parse().unwrap()
    }

    #[test]
    fn twenty_recipients_of_five_mails_in_a_row() {
        let check = |sizes: &[usize], want: Option<usize>| {
            let mut streak = Streak::default();
            let found =
                (0..).zip(sizes).find(|(n, size)| streak.refused(id(*n), **size)).map(|(n, _)| n as usize);
            assert_eq!(found, want, "{sizes:?}");
        };
        check(&[1; 20], None);
        check(&[1; 21], Some(20));
        check(&[10; 4], None);
        check(&[10; 5], Some(4));
        check(&[1_000], None);
        check(&[4, 4, 4, 4, 4], None);
        check(&[4, 4, 4, 4, 5], Some(4));
    }

    #[test]
    fn a_success_in_between_and_one_mail_alone_make_none() {
        let mut streak = Streak::default();
        for n in 0..100 {
            assert!(!streak.refused(id(n), 19));
            streak.broken();
        }
        for _ in 0..100 {
            assert!(!streak.refused(id(1), 1), "one mail refused again and again is one mail");
        }
    }
}
