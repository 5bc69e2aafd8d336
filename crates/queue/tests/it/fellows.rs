//! What nodes do together at a relay: one rate, one hold, one probe.

use crate::house::{clock, place, settings};
use postrider_queue::{Hold, Ration, RedisSettings, RedisStore};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Flavour, ManualClock, Redis};

const SECOND: Duration = Duration::from_secs(1);

async fn nodes(flavour: Flavour) -> ([RedisStore; 2], Arc<ManualClock>) {
    let (clock, place) = (clock(), place(Redis::shared(flavour)));
    let open = || RedisStore::open_by(place.clone(), settings(), RedisSettings::default(), clock.clone());
    ([open().await.unwrap(), open().await.unwrap()], clock)
}

#[tokio::test]
async fn nodes_have_one_rate_together() {
    for flavour in Flavour::ALL {
        for (mails, per, want) in [(1, 1, 5), (100, 60, 64), (30, 3600, 1), (5_000, 1, 64), (7, 10, 3)] {
            let ([one, two], clock) = nodes(flavour).await;
            let rate = (mails, per * SECOND);
            let (mut sent, mut passed) = (0usize, Duration::ZERO);
            for turn in 0..120 {
                let node = if turn % 2 == 0 { &one } else { &two };
                match node.ration("a", rate, want).await.unwrap() {
                    Ration::Mails(n) => {
                        assert!((1..=want).contains(&n));
                        sent += n;
                    }
                    Ration::After(wait) => {
                        assert!(wait > Duration::ZERO, "a wait that is none");
                        clock.advance(wait);
                        passed += wait;
                    }
                }
                let burst = f64::from(mails) / rate.1.as_secs_f64();
                let due = passed.as_secs_f64() * burst + burst.max(1.0);
                assert!(sent as f64 <= due + 1e-3, "{rate:?}: {sent} sent where {due} were due");
                if passed > Duration::ZERO {
                    assert!(
                        sent as f64 + 1.0 >= passed.as_secs_f64() * burst,
                        "{rate:?}: {sent} are too few"
                    );
                }
            }
            assert!(passed > Duration::ZERO, "{rate:?} was never too fast");
        }
    }
}

#[tokio::test]
async fn what_one_node_does_not_use_the_other_may() {
    let ([one, two], clock) = nodes(Flavour::Redis).await;
    let rate = (10, SECOND);
    assert_eq!(one.ration("a", rate, 64).await.unwrap(), Ration::Mails(10));
    assert!(matches!(two.ration("a", rate, 1).await.unwrap(), Ration::After(_)));
    assert_eq!(two.ration("b", rate, 64).await.unwrap(), Ration::Mails(10), "another relay");
    one.give_back("a", rate, 7).await.unwrap();
    assert_eq!(two.ration("a", rate, 64).await.unwrap(), Ration::Mails(7));
    one.give_back("a", rate, 1_000).await.unwrap();
    assert_eq!(two.ration("a", rate, 64).await.unwrap(), Ration::Mails(10), "it does not overfill");
    clock.advance(3600 * SECOND);
    assert_eq!(one.ration("a", rate, 64).await.unwrap(), Ration::Mails(10), "no burst after an idle hour");
}

/// No mail went out until the clock was where it had been.
#[tokio::test]
async fn regress_a_rate_goes_on_when_the_clock_is_set_back() {
    let ([one, two], clock) = nodes(Flavour::Redis).await;
    let rate = (10, SECOND);
    assert_eq!(one.ration("a", rate, 64).await.unwrap(), Ration::Mails(10));
    clock.jump(jiff::SignedDuration::from_hours(-2));
    let Ration::After(wait) = two.ration("a", rate, 64).await.unwrap() else { panic!("too many") };
    assert!(wait <= SECOND, "{wait:?}");
    clock.advance(SECOND);
    assert_eq!(two.ration("a", rate, 64).await.unwrap(), Ration::Mails(10));
}

#[tokio::test]
async fn a_hold_is_known_to_all_and_one_probes() {
    for flavour in Flavour::ALL {
        let ([one, two], clock) = nodes(flavour).await;
        let mut told = two.told_of_holds();
        let held = Hold {
            relay: "a b".into(),
            wait: 60 * SECOND,
            kind: "login".into(),
            failures: 3,
            cause: "535 no: it says  \"no\"".into(),
        };
        one.hold(&held).await.unwrap();
        told.changed().await.unwrap();
        assert_eq!(two.holds().await.unwrap(), std::slice::from_ref(&held));
        clock.advance(59 * SECOND);
        assert_eq!(two.holds().await.unwrap(), [Hold { wait: SECOND, ..held.clone() }]);
        clock.advance(9 * SECOND);
        assert_eq!(one.holds().await.unwrap(), [Hold { wait: Duration::ZERO, ..held.clone() }]);
        assert!(two.may_probe("a b").await.unwrap() && two.may_probe("a b").await.unwrap());
        assert!(!one.may_probe("a b").await.unwrap(), "another node probes");
        one.end_probe("a b").await.unwrap();
        assert!(!one.may_probe("a b").await.unwrap(), "it ended another's probe");
        two.end_probe("a b").await.unwrap();
        assert!(one.may_probe("a b").await.unwrap());
        one.hold(&held).await.unwrap();
        assert!(two.may_probe("a b").await.unwrap(), "the probe of the other ended in trouble");
        told.mark_unchanged();
        one.release("a b").await.unwrap();
        told.changed().await.unwrap();
        assert_eq!(two.holds().await.unwrap(), []);
    }
}
