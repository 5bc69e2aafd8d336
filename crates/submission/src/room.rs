//! The share of the doors' byte budget that one message holds.

use crate::intake::Intake;
use postrider::Permit;

/// What a message of unknown size is granted first.
const FIRST: usize = 64 * 1024;
/// The least it grows by.
const STEP: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Room {
    permits: Vec<Permit>,
    granted: usize,
}

impl Room {
    /// Room for a body, or for a chunk more of one that holds `held`.
    pub(crate) fn begin(&mut self, intake: &impl Intake, held: usize, announced: Option<u64>) -> bool {
        let announced = announced.map_or(0, |octets| usize::try_from(octets).unwrap_or(usize::MAX));
        self.ensure(intake, held.saturating_add(announced).max(FIRST))
    }

    /// Room for as much as is held now.
    pub(crate) fn keep(&mut self, intake: &impl Intake, held: usize) -> bool {
        if held <= self.granted { true } else { self.ensure(intake, held.max(self.granted + STEP)) }
    }

    fn ensure(&mut self, intake: &impl Intake, octets: usize) -> bool {
        let missing = octets.saturating_sub(self.granted);
        if missing == 0 {
            return true;
        }
        let Some(permit) = intake.room(missing) else { return false };
        self.permits.push(permit);
        self.granted += missing;
        true
    }

    pub(crate) fn give_back(&mut self) {
        *self = Self::default();
    }
}
