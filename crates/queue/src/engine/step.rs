//! An engine without a thread: whoever asks does the work, one command a round. The same calls in the
//! same order make the same run.

use super::{Engine, Works};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::settings::StoreSettings;
use crate::table::Table;
use std::sync::{Arc, Mutex, PoisonError};

/// What waits is done when this is called.
pub(super) type Step = Mutex<Box<dyn FnMut() + Send>>;

impl Engine {
    /// As `start_or_closed`, in step with its callers.
    pub(crate) fn in_step<J: Journal>(journal: J, settings: StoreSettings, clock: Arc<dyn Clock>) -> Self {
        let (mut engine, works) = Self::build(journal, Table::default(), 0, settings, clock);
        let mut works = Some(works);
        engine.step =
            Some(Arc::new(Mutex::new(Box::new(move || works = works.take().and_then(Works::step)))));
        engine
    }

    /// Does what waits, if no thread does.
    pub(super) fn step(&self) {
        if let Some(step) = &self.step {
            (*step.lock().unwrap_or_else(PoisonError::into_inner))();
        }
    }
}

impl<J: Journal> Works<J> {
    /// Works until nothing waits; `None`: closed.
    fn step(mut self) -> Option<Self> {
        while let Ok(command) = self.commands.try_recv() {
            self.round(vec![command]);
            if self.closing.is_some() {
                self.close();
                return None;
            }
        }
        Some(self)
    }
}
