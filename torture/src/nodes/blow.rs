//! What befell the nodes and Redis, and which repeats that explains.

use crate::judge::Explain;
use crate::ledger::Delivery;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// SIGKILL, and a start some time later.
    Kill,
    /// SIGSTOP for longer than the lease, then SIGCONT.
    Pause,
    /// The network to Redis swallows everything for a while.
    Cut,
    /// The connections to Redis end, and for a moment there are no new ones.
    Sever,
    /// SIGTERM, and a start some time later.
    Stop,
    /// SIGKILL to Redis, and a start on the same data.
    RedisKill,
    /// SIGSTOP to Redis for some seconds.
    RedisPause,
    /// SIGKILL to Redis and to all nodes at once.
    AllKill,
}

impl Kind {
    /// Those that are dealt; `AllKill` ends a round.
    pub(crate) const PACK: [Self; 7] =
        [Self::Kill, Self::Pause, Self::Cut, Self::Sever, Self::Stop, Self::RedisKill, Self::RedisPause];
}

/// From a blow until all is as before.
#[derive(Debug)]
pub(crate) struct Blow {
    pub(crate) kind: Kind,
    /// Whom it struck; `None`: Redis, and so all.
    pub(crate) node: Option<usize>,
    pub(crate) begin: Instant,
    pub(crate) end: Option<Instant>,
    /// Ids that were leased by those whom it struck, shortly before or after.
    pub(crate) leased: BTreeSet<String>,
}

/// A delivery so long before a blow is recorded, and one so long after its end is known to be nobody else's.
const RECORDED: Duration = Duration::from_secs(2);

impl Blow {
    /// Whether this delivery of a mail may have been one that nobody recorded, or one too many.
    fn explains(&self, id: &str, delivery: &Delivery) -> bool {
        // What befalls Redis befalls all that is leased.
        let struck = self.node.is_none_or(|node| node == delivery.by && self.leased.contains(id));
        let began = self.begin <= delivery.at + RECORDED;
        struck && began && self.end.is_none_or(|end| delivery.at <= end + RECORDED)
    }
}

/// All of a round.
#[derive(Debug, Default)]
pub(crate) struct Blows {
    pub(crate) all: Vec<Blow>,
    /// Ids of mails by their tokens, as the nodes said when they accepted them.
    pub(crate) ids: BTreeMap<String, String>,
}

impl Explain for Blows {
    /// Of several deliveries one needs no reason; each other was made by a node that had the mail and was struck
    /// just then.
    fn explain(&self, token: &str, deliveries: &[Delivery]) -> Vec<Option<u32>> {
        let id = self.ids.get(token).map(String::as_str).unwrap_or_default();
        let why = |delivery: &Delivery| {
            // The node's own blow before one of Redis.
            let all = (0..).zip(&self.all).filter(|(_, blow)| blow.explains(id, delivery));
            all.min_by_key(|(_, blow)| blow.node.is_none()).map(|(number, _)| number)
        };
        let mut why: Vec<Option<u32>> = deliveries.iter().map(why).collect();
        why.sort_unstable();
        why.split_off(1.min(why.len()))
    }
}

impl Blows {
    pub(crate) fn kinds(&self) -> BTreeMap<Kind, u64> {
        let mut count = BTreeMap::new();
        for blow in &self.all {
            *count.entry(blow.kind).or_default() += 1;
        }
        count
    }

    /// The most that was leased at one blow.
    pub(crate) fn most_leased(&self) -> u64 {
        self.all.iter().map(|blow| blow.leased.len() as u64).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_wants_a_blow_at_one_of_its_deliveries() {
        let start = Instant::now();
        let at = |seconds: u64, by| Delivery { fault: 0, at: start + Duration::from_secs(seconds), by };
        let blow = |kind, node, from: u64, to: u64| Blow {
            kind,
            node,
            begin: start + Duration::from_secs(from),
            end: Some(start + Duration::from_secs(to)),
            leased: BTreeSet::from(["id".to_owned()]),
        };
        let all = vec![blow(Kind::RedisKill, None, 50, 51), blow(Kind::Pause, Some(1), 20, 50)];
        let ids = BTreeMap::from([("leased".to_owned(), "id".to_owned())]);
        let blows = Blows { all, ids };
        for (deliveries, repeats) in [
            (vec![at(5, 1)], vec![]),
            (vec![at(19, 1), at(38, 2)], vec![Some(1)]),
            // The paused node sends to the end what another sent meanwhile.
            (vec![at(38, 2), at(51, 1)], vec![Some(1)]),
            // Another node, or long before.
            (vec![at(19, 0), at(38, 2)], vec![None]),
            (vec![at(5, 1), at(38, 2)], vec![None]),
            (vec![at(49, 0), at(60, 2)], vec![Some(0)]),
            (vec![at(19, 1), at(38, 2), at(45, 0)], vec![None, Some(1)]),
        ] {
            assert_eq!(blows.explain("leased", &deliveries), repeats, "{deliveries:?}");
        }
        assert_eq!(blows.explain("another", &[at(19, 1), at(38, 2)]), [None]);
        assert_eq!(blows.explain("another", &[at(50, 1), at(70, 2)]), [Some(0)]);
    }
}
