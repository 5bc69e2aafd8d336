//! How many calls each project may have under way, so that one that floods us leaves room for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the calls of each project. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Shares {
    /// Calls of one project at a time.
    most: usize,
    /// Only projects with a call: bounded by the door's number of connections.
    open: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

/// One call's place; free again when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    project: Arc<str>,
    shares: Shares,
}

impl Shares {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// A place for one call more; `None`: the project has its share.
    pub(crate) fn take(&self, project: &Arc<str>) -> Option<Share> {
        let mut open = self.open();
        let count = open.entry(project.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { project: project.clone(), shares: self.clone() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut open = self.shares.open();
        if let Some(count) = open.get_mut(&self.project) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.project);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_takes_its_share_and_nobody_is_remembered_who_went() {
        let shares = Shares::new(2);
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let (first, second) = (shares.take(&a), shares.take(&a));
        assert!(first.is_some() && second.is_some() && shares.take(&a).is_none());
        assert!(shares.take(&b).is_some(), "another project");
        drop(first);
        assert!(shares.take(&a).is_some(), "free again");
        drop(second);
        assert!(shares.open().is_empty());
    }
}
