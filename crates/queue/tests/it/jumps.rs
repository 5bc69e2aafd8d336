//! The wall clock is set while mail waits.

use crate::house::{House, disk, failed, finals, job, over_own_clock, retry_in, settings};
use jiff::SignedDuration;
use postrider_queue::{
    Action, AnyStore, ContentError, Idempotency, JobView, NewJob, Next, Settlement, Status, Store,
    StoreSettings,
};
use std::time::Duration;

/// A deferred, a scheduled and a ready job, and a clock that jumps.
async fn check(h: House, jump: SignedDuration) {
    let later = |seconds| h.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let deferred = h.insert(vec![job("deferred")]).await[0];
    let lease = h.lease_one().await;
    h.settle(lease, retry_in(600)).await;
    let scheduled = h.insert(vec![NewJob { due_at: later(7_200), ..job("scheduled") }]).await[0];
    let held = h.insert(vec![job("held")]).await[0];
    let lease = h.lease_one().await;
    h.settle(lease, finals(&[], Next::Hold("x".into()))).await;
    let date = h.view(scheduled).await.due_at;

    h.clock.jump(jump);
    h.pass(0);
    for id in [deferred, held] {
        let view = h.view(id).await;
        let left = view.expires_at.duration_since(h.now());
        assert_eq!(left, SignedDuration::from_hours(120), "{jump:?}: {:?}", view.status);
        assert!(!view.status.is_final());
    }
    assert_eq!(h.view(scheduled).await.due_at, date, "a schedule is a date");
    h.pass(599);
    assert_eq!(h.status(deferred).await, Status::Deferred, "{jump:?}");
    h.pass(1);
    assert_eq!(h.status(deferred).await, Status::Queued, "{jump:?}: no stall");
    h.store.close().await.unwrap();
}

#[tokio::test]
async fn b1_18_a_clock_that_is_set_expires_nothing_and_stalls_nothing() {
    for hours in [2, -2, 24 * 3650] {
        over_own_clock(settings(), |h| check(h, SignedDuration::from_hours(hours))).await;
    }
}

#[tokio::test]
async fn b1_18_a_clock_set_right_while_we_are_down_stalls_nothing() {
    for years in [1, 10] {
        let h = disk(settings());
        let ahead = SignedDuration::from_hours(years * 24 * 365);
        let later = |seconds| h.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        let deferred = h.insert(vec![job("deferred")]).await[0];
        let lease = h.lease_one().await;
        h.clock.jump(ahead);
        h.settle(lease, retry_in(600)).await;
        let new = NewJob { created_at: h.now(), due_at: h.now(), expires_at: later(7_200), ..job("new") };
        let new = h.insert(vec![new]).await[0];
        let date = later(3_600);
        let dated = NewJob { created_at: h.now(), due_at: date, expires_at: later(7_200), ..job("dated") };
        let dated = h.insert(vec![dated]).await[0];
        h.store.close().await.unwrap();
        h.clock.jump(-ahead);
        let (store, report) = AnyStore::open_disk(h.path(), settings(), h.clock.clone()).unwrap();
        assert_eq!(report.unsettled, 3);
        let view = store.get(dated).await.unwrap().unwrap();
        assert_eq!((view.due_at, view.expires_at), (date, date + SignedDuration::from_secs(3_600)), "a date");
        let view = store.get(deferred).await.unwrap().unwrap();
        assert_eq!((view.status, view.due_at), (Status::Deferred, later(600)), "{years}");
        store.poke();
        let view = store.get(new).await.unwrap().unwrap();
        assert_eq!((view.status, view.expires_at), (Status::Queued, later(7_200)), "{years}");
        store.close().await.unwrap();
    }
}

/// Jumps of the clock, each noticed before the next.
async fn set(h: &House, hours: &[i64]) {
    for hours in hours {
        h.clock.jump(SignedDuration::from_hours(*hours));
        h.pass(1);
        h.store.stats().await.unwrap();
    }
}

/// A mail comes in after these jumps; its times were reckoned when so many of them had been.
async fn on_its_way_in(h: House, jumps: &[i64], before: usize) {
    let (early, late) = jumps.split_at(before);
    set(&h, early).await;
    let stamped = |job: NewJob| {
        let (created_at, expires_at) = (h.now(), h.now() + SignedDuration::from_hours(48));
        NewJob { created_at, due_at: created_at, expires_at, ..job }
    };
    let date = h.now() + SignedDuration::from_hours(24);
    let scheduled =
        NewJob { due_at: date, expires_at: date + SignedDuration::from_hours(48), ..stamped(job("x")) };
    let mails = vec![stamped(job("at once")), scheduled];
    set(&h, late).await;
    let ids = h.insert(mails).await;
    h.pass(0);
    let at_once = h.view(ids[0]).await;
    let case = format!("{jumps:?}, {before} before");
    assert_eq!(at_once.status, Status::Queued, "{case}");
    let age = h.now().duration_since(at_once.created_at);
    assert_eq!(age, SignedDuration::from_secs(late.len() as i64), "{case}");
    assert_eq!(at_once.due_at, at_once.created_at, "{case}");
    let life = |view: &JobView| view.expires_at.duration_since(view.created_at);
    assert_eq!(life(&at_once), SignedDuration::from_hours(48), "{case}");
    let scheduled = h.view(ids[1]).await;
    let left = scheduled.expires_at.duration_since(date.max(scheduled.created_at));
    assert_eq!((scheduled.due_at, left), (date, SignedDuration::from_hours(48)), "{case}");
    assert!(h.lease(9).await.iter().any(|lease| lease.job.id == ids[0]), "{case}");
    h.store.close().await.unwrap();
}

#[tokio::test]
async fn b1_18_mail_on_its_way_in_when_the_clock_is_set_has_its_whole_life() {
    let cases: &[&[i64]] =
        &[&[], &[2], &[-4], &[80_000], &[-80_000], &[2, -4, 80_000, -79_998], &[80_000, -80_000]];
    for jumps in cases {
        for before in 0..=jumps.len() {
            over_own_clock(settings(), |h| on_its_way_in(h, jumps, before)).await;
        }
    }
}

#[tokio::test]
async fn b1_18_a_jump_of_long_ago_makes_old_mail_no_younger() {
    over_own_clock(settings(), |h| async move {
        set(&h, &[100]).await;
        h.pass(3_601);
        let created_at = h.now() - SignedDuration::from_hours(100);
        let old = NewJob { created_at, due_at: created_at, expires_at: h.now(), ..job("old") };
        let id = h.insert(vec![old]).await[0];
        assert_eq!((h.view(id).await.created_at, h.status(id).await), (created_at, Status::Expired));
    })
    .await;
}

#[tokio::test]
async fn b1_18_mail_from_the_future_is_mail_of_now() {
    over_own_clock(settings(), |h| async move {
        let hours = |hours| h.now() + SignedDuration::from_hours(hours);
        let early = NewJob {
            created_at: hours(80_000),
            due_at: hours(80_000),
            expires_at: hours(80_048),
            ..job("x")
        };
        let id = h.insert(vec![early]).await[0];
        let view = h.view(id).await;
        assert_eq!((view.status, view.due_at, view.expires_at), (Status::Queued, h.now(), hours(48)));
    })
    .await;
}

#[tokio::test]
async fn b1_18_a_retry_on_its_way_in_when_the_clock_is_set_keeps_its_wait() {
    for hours in [2, -4, 80_000, -80_000] {
        over_own_clock(settings(), |h| async move {
            let id = h.insert(vec![job("one")]).await[0];
            let lease = h.lease_one().await;
            let settlement = retry_in(600);
            h.clock.jump(SignedDuration::from_hours(hours));
            h.settle(lease, settlement).await;
            assert_eq!(h.view(id).await.due_at, h.now() + SignedDuration::from_secs(600), "{hours}");
            h.pass(600);
            assert_eq!(h.status(id).await, Status::Queued, "{hours}");
        })
        .await;
    }
}

#[tokio::test]
async fn b1_18_a_clock_that_is_set_forgets_no_key() {
    for hours in [48, -48, 80_000] {
        over_own_clock(settings(), |h| async move {
            let keyed = |text: &str| {
                let idempotency = Some(Idempotency { key: "k".into(), fingerprint: [1; 32], index: 0 });
                NewJob { created_at: h.now(), due_at: h.now(), idempotency, ..job(text) }
            };
            let first = h.insert(vec![keyed("first")]).await;
            set(&h, &[hours]).await;
            assert_eq!(h.insert(vec![keyed("again")]).await, first, "{hours}");
            h.pass(24 * 3600);
            assert_ne!(h.insert(vec![keyed("a day later")]).await, first, "{hours}");
        })
        .await;
    }
}

#[tokio::test]
async fn b1_18_a_clock_that_is_set_takes_no_bytes_of_failed_mail() {
    let keep = Duration::from_secs(3_600);
    for hours in [48, -48, 80_000, -80_000] {
        over_own_clock(StoreSettings { keep_failed: keep, ..settings() }, |h| async move {
            let id = h.insert(vec![job("one")]).await[0];
            let lease = h.lease_one().await;
            h.settle(lease, failed()).await;
            set(&h, &[hours]).await;
            h.pass(3_590);
            h.store.stats().await.unwrap();
            assert!(h.store.content(id).await.is_ok(), "{hours}");
            h.pass(30);
            assert!(matches!(h.store.content(id).await, Err(ContentError::Gone)), "{hours}");
        })
        .await;
    }
}

/// A mail for a date, perhaps held, and a clock that is set: it goes at its date, or at once, and lives on from then.
#[tokio::test]
async fn b1_18_a_date_is_outlived_however_the_clock_is_set() {
    for (hours, held) in [-80_000, -200, -2, 1, 3, 80_000].into_iter().flat_map(|h| [(h, false), (h, true)]) {
        over_own_clock(settings(), |h| async move {
            let later = |hours| h.now() + SignedDuration::from_hours(hours);
            let (date, case) = (later(2), (hours, held));
            let id = h.insert(vec![NewJob { due_at: date, expires_at: later(50), ..job("x") }]).await[0];
            if held {
                h.store.act(id, Action::Hold("x".into())).await.unwrap();
            }
            set(&h, &[hours]).await;
            if held {
                h.store.act(id, Action::Release).await.unwrap();
            }
            let waits = date > h.now();
            let from = if waits { date } else { h.now() };
            let view = h.view(id).await;
            let left = view.expires_at.duration_since(from);
            let off = (left - SignedDuration::from_hours(48)).abs();
            assert!(off <= SignedDuration::from_secs(1), "{case:?}: {left:?}");
            assert_eq!(view.status, if waits { Status::Scheduled } else { Status::Queued }, "{case:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn b1_18_held_mail_is_released_at_once_after_the_clock_was_set_back() {
    over_own_clock(settings(), |h| async move {
        let ids = h.insert(vec![job("ready"), job("put off")]).await;
        h.store.act(ids[0], Action::Hold("x".into())).await.unwrap();
        let lease = h.lease_one().await;
        h.settle(lease, Settlement { counted: false, ..retry_in(60) }).await;
        h.store.act(ids[1], Action::Hold("x".into())).await.unwrap();
        set(&h, &[-80_000]).await;
        for (id, status) in [(ids[0], Status::Queued), (ids[1], Status::Deferred)] {
            assert_eq!(h.store.act(id, Action::Release).await.unwrap(), status);
        }
        h.pass(60);
        assert_eq!(h.status(ids[1]).await, Status::Queued);
    })
    .await;
}
