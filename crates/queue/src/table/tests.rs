//! The moves a job may make.

use crate::State;
use crate::lifecycle::may;

#[test]
fn every_move_is_allowed_or_refused_as_the_table_says() {
    use State::{Dead, Deferred, Held, Leased, Ready, Scheduled, Settled};
    let all = [Scheduled, Ready, Leased, Deferred, Held, Settled, Dead];
    let table: [(State, &[State]); 7] = [
        (Scheduled, &[Scheduled, Ready, Held, Settled, Dead]),
        (Ready, &[Leased, Held, Settled, Dead]),
        (Leased, &[Ready, Deferred, Held, Settled, Dead]),
        (Deferred, &[Ready, Held, Settled, Dead]),
        (Held, &[Scheduled, Ready, Deferred, Settled, Dead]),
        (Settled, &[Ready]),
        (Dead, &[Ready]),
    ];
    for (from, allowed) in table {
        for to in all {
            assert_eq!(may(from, to), allowed.contains(&to), "{from:?} to {to:?}");
        }
    }
}

#[test]
fn a_waiting_job_costs_less_than_a_hundred_octets() {
    // Its entry and its place in a lane.
    let octets = size_of::<(crate::JobId, super::Entry)>() + size_of::<crate::JobId>();
    assert!(octets <= 88, "{octets}");
}
