//! What many callers want at one moment is asked as one: Redis syncs once for it, and reads it in one piece. While a
//! question is under way the next one gathers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// A wish, what it weighs, and where its answer goes.
struct Wish<T, R> {
    what: T,
    weight: usize,
    answer: oneshot::Sender<R>,
}

pub(super) struct Gather<T, R> {
    inner: Mutex<Inner<T, R>>,
    /// Of one question, unless one wish weighs more.
    most: usize,
    /// A wish whose owner went away is asked all the same.
    to_the_end: bool,
}

struct Inner<T, R> {
    wishes: VecDeque<Wish<T, R>>,
    /// Somebody asks, and will ask for these too.
    busy: bool,
}

/// The wishes of one question.
pub(super) type Wishes<T, R> = Vec<(T, oneshot::Sender<R>)>;

impl<T, R> Gather<T, R> {
    /// Wishes that are void without their owner.
    pub(super) fn new(most: usize) -> Self {
        Self { inner: Mutex::new(Inner { wishes: VecDeque::new(), busy: false }), most, to_the_end: false }
    }

    /// Wishes that are asked whether their owner is there or not.
    pub(super) fn to_the_end(most: usize) -> Self {
        Self { to_the_end: true, ..Self::new(most) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<T, R>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a wish; `true`: nobody asks yet, so the caller must see that somebody does, until `next` has no more.
    pub(super) fn add(&self, what: T, weight: usize) -> (oneshot::Receiver<R>, bool) {
        let (answer, receiver) = oneshot::channel();
        let mut inner = self.lock();
        inner.wishes.push_back(Wish { what, weight, answer });
        let first = !std::mem::replace(&mut inner.busy, true);
        (receiver, first)
    }

    /// What is to be asked next; `None`: nothing, and nobody asks any more.
    pub(super) fn next(&self) -> Option<Wishes<T, R>> {
        let mut inner = self.lock();
        let (mut wishes, mut weight) = (Vec::new(), 0);
        while let Some(wish) = inner.wishes.front() {
            if !wishes.is_empty() && weight + wish.weight > self.most {
                break;
            }
            weight += wish.weight;
            let wish = inner.wishes.pop_front();
            let wish = wish.filter(|w| self.to_the_end || !w.answer.is_closed());
            wishes.extend(wish.map(|w| (w.what, w.answer)));
        }
        if wishes.is_empty() {
            inner.busy = false;
            return None;
        }
        Some(wishes)
    }
}

#[cfg(test)]
mod tests {
    use super::Gather;

    fn check(weights: &[usize], gone: &[usize], want: &[&[usize]]) {
        check_of(Gather::new(10), weights, gone, want);
    }

    fn check_of(gather: Gather<usize, ()>, weights: &[usize], gone: &[usize], want: &[&[usize]]) {
        let mut receivers: Vec<_> = Vec::new();
        for (n, weight) in weights.iter().enumerate() {
            let (receiver, first) = gather.add(n, *weight);
            assert_eq!(first, n == 0);
            receivers.push(Some(receiver));
        }
        for n in gone {
            receivers[*n] = None;
        }
        let questions: Vec<Vec<usize>> = std::iter::from_fn(|| gather.next())
            .map(|wishes| wishes.into_iter().map(|(n, _)| n).collect())
            .collect();
        assert_eq!(questions, want, "{weights:?}");
        assert!(gather.add(0, 1).1, "nobody asks any more");
    }

    #[test]
    fn wishes_are_asked_in_turn_and_together() {
        check(&[1, 1, 1], &[], &[&[0, 1, 2]]);
        check(&[6, 6, 4], &[], &[&[0], &[1, 2]]);
        check(&[30, 1], &[], &[&[0], &[1]]);
        check(&[1, 1, 1], &[1], &[&[0, 2]]);
        check(&[1, 1], &[0, 1], &[]);
        check_of(Gather::to_the_end(10), &[1, 1, 1], &[1], &[&[0, 1, 2]]);
    }
}
