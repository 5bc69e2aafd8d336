//! Compares what the outside knows with what was delivered and with what the service says of it.

use crate::ledger::{Books, Delivery};
use crate::subject::Said;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A mail that was delivered and left alone so long before a fault is recorded as such.
const RECORDED: Duration = Duration::from_secs(2);

/// What a run came to; rounds add up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sum {
    pub(crate) faults: u64,
    pub(crate) attempted: u64,
    pub(crate) accepted: u64,
    pub(crate) lost: u64,
    pub(crate) altered: u64,
    /// Delivered, but never sent by anybody.
    pub(crate) strange: u64,
    /// Deliveries more than one.
    pub(crate) repeats: u64,
    /// The most repeats that one fault caused.
    pub(crate) most: u64,
    /// Repeats that bear no mark.
    pub(crate) unmarked: u64,
    /// Repeats of mail that was recorded long before the fault.
    pub(crate) idle: u64,
    /// Marked, but delivered once: in flight at a fault, and nobody could know.
    pub(crate) marked_once: u64,
    /// Accepted, delivered or not, and the service says otherwise.
    pub(crate) untrue: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, other: &Self) {
        self.faults += other.faults;
        self.attempted += other.attempted;
        self.accepted += other.accepted;
        self.lost += other.lost;
        self.altered += other.altered;
        self.strange += other.strange;
        self.repeats += other.repeats;
        self.most = self.most.max(other.most);
        self.unmarked += other.unmarked;
        self.idle += other.idle;
        self.marked_once += other.marked_once;
        self.untrue += other.untrue;
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.lost + self.altered + self.strange + self.unmarked + self.idle + self.untrue == 0
    }

    pub(crate) fn line(&self) -> String {
        let s = self;
        format!(
            "faults {}, attempted {}, accepted {}, lost {}, altered {}, strange {}, untrue {}; repeats {} (at most {} a \
         fault, unmarked {}, idle {}), marked without repeat {}",
            s.faults,
            s.attempted,
            s.accepted,
            s.lost,
            s.altered,
            s.strange,
            s.untrue,
            s.repeats,
            s.most,
            s.unmarked,
            s.idle,
            s.marked_once
        )
    }
}

/// Lines of a round that say what is wrong.
const SHOWN: u32 = 8;

#[derive(Default)]
struct Told(u32);

impl Told {
    fn say(&mut self, what: String) {
        self.0 += 1;
        if self.0 <= SHOWN {
            eprintln!("{what}");
        }
    }
}

/// Which fault explains each delivery more than one.
pub(crate) trait Explain {
    /// One for each delivery but one; `None`: no fault does.
    fn explain(&self, token: &str, deliveries: &[Delivery]) -> Vec<Option<u32>>;
}

/// The faults of one service, one after the other.
impl Explain for [Instant] {
    fn explain(&self, _token: &str, deliveries: &[Delivery]) -> Vec<Option<u32>> {
        let repeated = deliveries.iter().take(deliveries.len().saturating_sub(1));
        repeated.map(|delivery| is_near(delivery, self).then_some(delivery.fault)).collect()
    }
}

/// `accounts`: what the service says of each mail, where it keeps an account.
pub(crate) fn compare<E: Explain + ?Sized>(
    books: &Books,
    accounts: Option<&BTreeMap<String, Said>>,
    faults: &E,
) -> Sum {
    let mut told = Told::default();
    let mut by_fault: BTreeMap<u32, u64> = BTreeMap::new();
    let mut sum = Sum {
        faults: books.faults.len() as u64,
        attempted: books.attempted.len() as u64,
        accepted: books.accepted.len() as u64,
        altered: books.altered.len() as u64,
        ..Sum::default()
    };
    for why in books.altered.iter().take(3) {
        told.say(format!("altered: {why}"));
    }
    for token in books.accepted.difference(&books.delivered.keys().cloned().collect()) {
        sum.lost += 1;
        told.say(format!("lost: {token}; the service says {:?}", accounts.map(|said| said.get(token))));
    }
    for (token, deliveries) in &books.delivered {
        sum.strange += u64::from(!books.attempted.contains(token));
        let more = deliveries.len() as u64 - 1;
        sum.repeats += more;
        if let Some(said) = accounts {
            account(said.get(token), token, deliveries, books, (&mut sum, &mut told));
        }
        for fault in faults.explain(token, deliveries) {
            let Some(fault) = fault else {
                sum.idle += 1;
                let when = when(deliveries, &books.faults);
                told.say(format!("repeated, though it was delivered long before a fault: {token}; {when}"));
                continue;
            };
            *by_fault.entry(fault).or_default() += 1;
        }
    }
    sum.most = by_fault.values().copied().max().unwrap_or(0);
    sum
}

/// What the service says of one delivered mail beside what is known of it.
fn account(
    said: Option<&Said>,
    token: &str,
    deliveries: &[Delivery],
    books: &Books,
    (sum, told): (&mut Sum, &mut Told),
) {
    let Some(said) = said else {
        sum.untrue += 1;
        let when = when(deliveries, &books.faults);
        told.say(format!("delivered, and the service does not know it: {token}; {when}"));
        return;
    };
    if !said.sent {
        sum.untrue += 1;
        told.say(format!("delivered, and the service says it was not: {token}"));
    }
    let more = deliveries.len() as u64 - 1;
    sum.marked_once += u64::from(more == 0 && said.marked);
    if more > 0 && !said.marked {
        sum.unmarked += more;
        told.say(format!("delivered {} times and not marked: {token}", more + 1));
    }
}

/// A delivery's time beside the faults.
fn when(deliveries: &[Delivery], faults: &[Instant]) -> String {
    let apart = |delivery: &Delivery, fault: &Instant| match delivery.at.checked_duration_since(*fault) {
        Some(after) => format!("{after:?} after"),
        None => format!("{:?} before", *fault - delivery.at),
    };
    let all = deliveries.iter().map(|d| {
        let near: Vec<_> = faults.iter().map(|fault| apart(d, fault)).collect();
        format!("delivered {} the faults", near.join(", "))
    });
    all.collect::<Vec<_>>().join("; ")
}

/// Whether a fault came so soon after the delivery that it may not have been recorded.
fn is_near(delivery: &Delivery, faults: &[Instant]) -> bool {
    // The octets of a killed client may still arrive.
    let early = Duration::from_secs(1);
    faults.iter().any(|fault| delivery.at <= *fault + early && *fault <= delivery.at + RECORDED)
}
