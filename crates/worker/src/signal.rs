//! A value that many wait to see changed. As `tokio::sync::watch`, but who waits is woken in turn: that one wakes
//! by chance, and no run of a simulation could be had twice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

struct Shared<T> {
    /// How often it was changed, and what it is.
    value: Mutex<(u64, T)>,
    changed: Notify,
}

impl<T> Shared<T> {
    fn value(&self) -> MutexGuard<'_, (u64, T)> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who changes it.
pub(crate) struct Signal<T>(Arc<Shared<T>>);

/// Who looks at it.
pub(crate) struct Watcher<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

impl<T> Clone for Watcher<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T: Copy> Signal<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Shared { value: Mutex::new((0, value)), changed: Notify::new() }))
    }

    /// A watcher that has seen what is.
    pub(crate) fn watch(&self) -> Watcher<T> {
        Watcher { shared: self.0.clone(), seen: self.0.value().0 }
    }

    pub(crate) fn set(&self, value: T) {
        {
            let mut now = self.0.value();
            *now = (now.0 + 1, value);
        }
        self.0.changed.notify_waiters();
    }
}

impl<T: Copy> Watcher<T> {
    pub(crate) fn get(&self) -> T {
        self.shared.value().1
    }

    /// What is now is not news.
    pub(crate) fn mark_seen(&mut self) {
        self.seen = self.shared.value().0;
    }

    /// Waits until it was set since it was last seen, and sees it. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        loop {
            // From here on it is woken, so that nothing falls between look and wait.
            let changed = self.shared.changed.notified();
            let now = self.shared.value().0;
            if now != self.seen {
                self.seen = now;
                return;
            }
            changed.await;
        }
    }

    /// Waits until it is so.
    pub(crate) async fn until(&mut self, so: impl Fn(T) -> bool) {
        while !so(self.get()) {
            self.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn who_waits_hears_of_each_change_and_of_none_twice() {
        let signal = Signal::new(0);
        let (mut early, mut other) = (signal.watch(), signal.watch());
        signal.set(1);
        early.changed().await;
        other.mark_seen();
        let mut idle = Box::pin(other.changed());
        assert!((&mut idle).now_or_never().is_none(), "seen already");
        assert!(early.changed().now_or_never().is_none(), "heard already");
        signal.set(2);
        idle.await;
        early.until(|n| n == 2).await;
        let mut waits = Box::pin(early.until(|n| n == 4));
        signal.set(3);
        assert!((&mut waits).now_or_never().is_none());
        signal.set(4);
        waits.await;
    }
}
