//! Jobs by id in blocks, so that a job costs its entry and little more; ids mostly come in order.

use super::Entry;
use crate::JobId;

/// Jobs in a block before it is halved.
const FULL: usize = 128;
/// A block with fewer takes in what the next one has.
const FEW: usize = FULL / 4;

/// Entries in order of their ids.
#[derive(Default)]
pub(super) struct Shelf {
    blocks: Vec<Block>,
    jobs: usize,
}

#[derive(Default)]
struct Block {
    /// In order; never empty.
    jobs: Vec<(JobId, Entry)>,
    /// No job of the block has something to do before this.
    soonest: i64,
}

impl Block {
    fn new(jobs: Vec<(JobId, Entry)>) -> Self {
        let mut block = Self { jobs, soonest: i64::MAX };
        block.look();
        block
    }

    fn look(&mut self) {
        self.soonest = self.jobs.iter().map(|(_, e)| e.next_time()).min().unwrap_or(i64::MAX);
    }

    fn first(&self) -> Option<JobId> {
        self.jobs.first().map(|(id, _)| *id)
    }
}

impl Shelf {
    pub(super) fn is_empty(&self) -> bool {
        self.jobs == 0
    }

    /// The block that holds the id, or would.
    fn block_of(&self, id: JobId) -> usize {
        self.blocks.partition_point(|b| b.first().is_some_and(|first| first <= id)).saturating_sub(1)
    }

    fn find(&self, id: JobId) -> Option<(usize, usize)> {
        let block = self.block_of(id);
        let place = self.blocks.get(block)?.jobs.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some((block, place))
    }

    pub(super) fn get(&self, id: JobId) -> Option<&Entry> {
        let (block, place) = self.find(id)?;
        self.blocks.get(block)?.jobs.get(place).map(|(_, e)| e)
    }

    /// After a change of its state or times: `touch`.
    pub(super) fn get_mut(&mut self, id: JobId) -> Option<&mut Entry> {
        let (block, place) = self.find(id)?;
        self.blocks.get_mut(block)?.jobs.get_mut(place).map(|(_, e)| e)
    }

    pub(super) fn touch(&mut self, id: JobId) {
        let Some((block, place)) = self.find(id) else { return };
        let Some(block) = self.blocks.get_mut(block) else { return };
        let time = block.jobs.get(place).map_or(i64::MAX, |(_, e)| e.next_time());
        block.soonest = block.soonest.min(time);
    }

    pub(super) fn insert(&mut self, id: JobId, entry: Entry) {
        let at = self.block_of(id);
        let last = at + 1 == self.blocks.len();
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(Block::new(vec![(id, entry)]));
            self.jobs += 1;
            return;
        };
        match block.jobs.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(place) => {
                if let Some(slot) = block.jobs.get_mut(place) {
                    slot.1 = entry;
                }
            }
            Err(place) if place == block.jobs.len() && last && place >= FULL => {
                block.jobs.shrink_to_fit();
                self.blocks.push(Block::new(vec![(id, entry)]));
                self.jobs += 1;
                return;
            }
            Err(place) => {
                block.jobs.insert(place, (id, entry));
                self.jobs += 1;
                if block.jobs.len() > FULL {
                    let half = Block::new(block.jobs.split_off(FULL / 2));
                    block.jobs.shrink_to_fit();
                    block.look();
                    self.blocks.insert(at + 1, half);
                }
            }
        }
        self.touch(id);
    }

    pub(super) fn remove(&mut self, id: JobId) -> Option<Entry> {
        let (at, place) = self.find(id)?;
        let block = self.blocks.get_mut(at)?;
        let (_, entry) = block.jobs.remove(place);
        self.jobs -= 1;
        let left = block.jobs.len();
        if left == 0 {
            self.blocks.remove(at);
        } else if left < FEW && self.blocks.get(at + 1).is_some_and(|next| next.jobs.len() + left <= FULL) {
            let next = self.blocks.remove(at + 1);
            if let Some(block) = self.blocks.get_mut(at) {
                block.jobs.extend(next.jobs);
                block.soonest = block.soonest.min(next.soonest);
            }
        }
        Some(entry)
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (JobId, &Entry)> {
        self.blocks.iter().flat_map(|b| b.jobs.iter()).map(|(id, e)| (*id, e))
    }

    /// After changes of states or times: `look_again`.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (JobId, &mut Entry)> {
        self.blocks.iter_mut().flat_map(|b| b.jobs.iter_mut()).map(|(id, e)| (*id, e))
    }

    /// Newest first, of those older than this one.
    pub(super) fn newest(&self, older_than: Option<JobId>) -> impl Iterator<Item = (JobId, &Entry)> {
        let last = older_than.map_or(self.blocks.len(), |id| self.block_of(id) + 1);
        let blocks = self.blocks.get(..last.min(self.blocks.len())).unwrap_or_default();
        let older = move |id: JobId| older_than.is_none_or(|end| id < end);
        let jobs = blocks.iter().rev().flat_map(|b| b.jobs.iter().rev());
        jobs.map(|(id, e)| (*id, e)).filter(move |(id, _)| older(*id))
    }

    /// No job has something to do before this.
    pub(super) fn soonest(&self) -> i64 {
        self.blocks.iter().map(|b| b.soonest).min().unwrap_or(i64::MAX)
    }

    /// Jobs of the blocks that may have something to do by now.
    pub(super) fn ripe(&self, now: i64) -> impl Iterator<Item = (JobId, &Entry)> {
        let blocks = self.blocks.iter().filter(move |b| b.soonest <= now);
        blocks.flat_map(|b| b.jobs.iter()).map(|(id, e)| (*id, e))
    }

    /// Looks at those blocks again, after what was due was done; says what `soonest` is then.
    pub(super) fn look_again(&mut self, now: i64) -> i64 {
        for block in self.blocks.iter_mut().filter(|b| b.soonest <= now) {
            block.look();
        }
        self.soonest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Names;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn entry(due: i64) -> Entry {
        Entry::for_test(&mut Names::default(), due)
    }

    fn id(n: u16) -> JobId {
        JobId(uuid::Uuid::from_u128(n.into()))
    }

    proptest! {
        #[test]
        fn a_shelf_is_a_map(steps in proptest::collection::vec((0..4_u8, 0..600_u16, 0..1000_i64), 1..3000)) {
            let (mut shelf, mut map) = (Shelf::default(), BTreeMap::new());
            for (what, n, due) in steps {
                match what {
                    0 => {
                        shelf.remove(id(n));
                        map.remove(&n);
                    }
                    1 => {
                        let now = shelf.look_again(due);
                        prop_assert_eq!(now, shelf.soonest());
                    }
                    _ => {
                        shelf.insert(id(n), entry(due));
                        map.insert(n, due);
                    }
                }
                let soonest = map.values().min().copied().unwrap_or(i64::MAX);
                prop_assert!(shelf.soonest() <= soonest);
            }
            let all: Vec<(JobId, i64)> = map.iter().map(|(n, due)| (id(*n), *due)).collect();
            let seen = |(id, e): (JobId, &Entry)| (id, e.next_time());
            prop_assert_eq!(shelf.iter().map(seen).collect::<Vec<_>>(), all.clone());
            for end in [0, 1, 100, 333, 599, 600] {
                let want: Vec<_> = all.iter().rev().filter(|(n, _)| *n < id(end)).copied().collect();
                prop_assert_eq!(shelf.newest(Some(id(end))).map(seen).collect::<Vec<_>>(), want);
            }
            let due: Vec<_> = shelf.ripe(500).map(seen).filter(|(_, due)| *due <= 500).collect();
            prop_assert_eq!(due, all.into_iter().filter(|(_, due)| *due <= 500).collect::<Vec<_>>());
            prop_assert!(shelf.blocks.iter().all(|b| !b.jobs.is_empty() && b.jobs.len() <= FULL));
        }
    }
}
