//! The contract of every store: each rule runs over each back-end.
//!
//! A new back-end joins by a variant of `AnyStore` (ADR 11) and a line in each of `house::over_all` and
//! `bench::over_all_stores`; one that keeps done jobs in memory also in `house::over_volatile`. It must
//! pass everything there, and needs for that:
//!
//! - a clock that is handed in, and `poke`, after which it looks at it;
//! - one order of events per caller: what a call was told counts for each call made after it, `stats`
//!   included, which the rules use as "one round more";
//! - leases that come back when they are dropped, with the mark if their mail had begun, and a fence: the
//!   settlement of a lease that ended is ignored;
//! - the jumps of its clock, told by `Clock::steady` (`engine::jump`): what waits, comes in, is done or has a key
//!   keeps the time it had left, and a schedule its date (`jumps`);
//! - with each deferral, whether it was counted, for `hurry` (`relays`);
//! - `unfiled` in its `Stats`, 0 where it keeps no history.
//!
//! What only a store with files can do (restarts, damage, history, bodies, segments) is in files of its
//! own; a store that survives its process needs its like of `crash` and `restart`.

use crate::house::{
    House, all, failed, finals, job, jobs, over_all, over_volatile, retry_in, sent, settings, to,
};
use postrider_queue::{
    ActError, Action, ContentError, Filter, Idempotency, InsertError, Inserted, JobId, LeaseAsk, NewJob,
    Next, Priority, RecipientState, Status, Store, StoreSettings,
};
use std::time::Duration;

macro_rules! contract {
    ($($name:ident($house:ident) $body:block)+) => {
        $(#[tokio::test]
        async fn $name() {
            over_all(settings(), |$house: House| async move { $body }).await;
        })+
    };
}

/// Whether a lease call finds nothing right now: it is dropped after another command was answered.
async fn nothing_due(house: &House) -> bool {
    let mut asking = Box::pin(house.store.lease(LeaseAsk::new("default", 9)));
    tokio::select! {
        biased;
        _ = &mut asking => false,
        _ = house.store.stats() => true,
    }
}

contract! {
    what_is_inserted_can_be_leased_whole(h) {
        let new = to(job("one"), &["b@example.org", "c@example.org"]);
        let (header, body, envelope) = (new.header.clone(), new.body.clone(), new.envelope.clone());
        let id = h.insert(vec![new]).await[0];
        assert_eq!(h.status(id).await, Status::Queued);
        let lease = h.lease_one().await;
        assert_eq!((&lease.job.header, &lease.job.body, &lease.job.envelope), (&header, &body, &envelope));
        assert_eq!((lease.job.id, lease.job.open.clone(), lease.job.attempts), (id, vec![0, 1], 0));
        assert!(!lease.job.possible_duplicate);
        assert_eq!(h.status(id).await, Status::Sending);
    }

    a_lease_waits_for_mail(h) {
        let waiting = h.store.lease(LeaseAsk::new("default", 1));
        let (leases, ids) = tokio::join!(waiting, h.insert(jobs(&["one"])));
        assert_eq!(leases.unwrap()[0].job.id, ids[0]);
    }

    a_leased_job_is_leased_once(h) {
        h.insert(jobs(&["one"])).await;
        let lease = h.lease_one().await;
        assert!(nothing_due(&h).await);
        drop(lease);
        assert!(!h.lease_one().await.job.possible_duplicate, "a lease that was dropped leaves no mark");
    }

    a_lease_dropped_after_its_mail_had_begun_leaves_the_mark(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        lease.begun().set();
        drop(lease);
        assert!(h.lease_one().await.job.possible_duplicate);
        assert!(h.view(id).await.possible_duplicate);
    }

    a_lease_call_that_is_cancelled_loses_nothing(h) {
        for _ in 0..20 {
            assert!(nothing_due(&h).await);
        }
        let id = h.insert(jobs(&["one"])).await[0];
        assert_eq!(h.lease_one().await.job.id, id);
    }

    a_sent_job_is_final(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
        let view = h.view(id).await;
        assert_eq!((view.status, view.recipients[0].status), (Status::Sent, Status::Sent));
        assert_eq!(view.attempts.len(), 1);
        assert_eq!(view.attempts[0].remote_id.as_deref(), Some("remote-ok"));
        for action in [Action::Cancel, Action::Retry, Action::Hold(String::new()), Action::Release] {
            assert!(matches!(h.store.act(id, action).await, Err(ActError::TooLate(_))));
        }
        assert!(nothing_due(&h).await);
    }

    a_deferred_job_waits_for_its_time(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, retry_in(60)).await;
        assert_eq!(h.status(id).await, Status::Deferred);
        h.pass(59);
        assert!(nothing_due(&h).await);
        h.pass(2);
        let lease = h.lease_one().await;
        assert_eq!((lease.job.id, lease.job.attempts), (id, 1));
    }

    a_scheduled_job_waits_for_its_time(h) {
        let mut new = job("later");
        new.due_at = h.now().checked_add(Duration::from_secs(3600)).unwrap();
        let id = h.insert(vec![new]).await[0];
        assert_eq!(h.status(id).await, Status::Scheduled);
        assert!(nothing_due(&h).await);
        h.pass(3600);
        assert_eq!(h.lease_one().await.job.id, id);
    }

    only_open_recipients_are_tried_again(h) {
        let id = h.insert(vec![to(job("one"), &["a@x.org", "b@x.org", "c@x.org"])]).await[0];
        let lease = h.lease_one().await;
        let some = [(0, RecipientState::Sent), (2, RecipientState::Failed)];
        h.settle(lease, finals(&some, Next::RetryIn(Duration::ZERO))).await;
        let lease = h.lease_one().await;
        assert_eq!(lease.job.open, [1]);
        h.settle(lease, finals(&[(1, RecipientState::Sent), (2, RecipientState::Sent)], Next::RetryIn(Duration::ZERO))).await;
        let view = h.view(id).await;
        let states: Vec<_> = view.recipients.iter().map(|r| r.state).collect();
        assert_eq!(states, [RecipientState::Sent, RecipientState::Sent, RecipientState::Failed]);
        assert_eq!(view.status, Status::Partial, "a final recipient never changes back");
    }

    a_failed_job_can_be_tried_again_by_hand(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, failed()).await;
        assert_eq!(h.status(id).await, Status::Failed);
        assert_eq!(h.store.act(id, Action::Retry).await.unwrap(), Status::Queued);
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
        assert_eq!(h.status(id).await, Status::Sent);
    }

    regress_a_deferred_job_tried_now_leaves_its_refused_recipients(h) {
        let id = h.insert(vec![to(job("one"), &["a@x.org", "b@x.org"])]).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, finals(&[(0, RecipientState::Failed)], Next::RetryIn(Duration::from_secs(3600)))).await;
        assert_eq!(h.store.act(id, Action::Retry).await.unwrap(), Status::Queued);
        assert_eq!(h.lease_one().await.job.open, [1]);
    }

    an_operator_holds_releases_cancels_and_purges(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        assert_eq!(h.store.act(id, Action::Hold("why".into())).await.unwrap(), Status::Held);
        assert_eq!(h.view(id).await.held_because.as_deref(), Some("why"));
        assert!(nothing_due(&h).await);
        assert!(matches!(h.store.act(id, Action::Purge).await, Err(ActError::TooLate(_))));
        assert_eq!(h.store.act(id, Action::Release).await.unwrap(), Status::Queued);
        assert_eq!(h.store.act(id, Action::Cancel).await.unwrap(), Status::Cancelled);
        assert!(nothing_due(&h).await);
        h.store.act(id, Action::Purge).await.unwrap();
        assert!(h.store.get(id).await.unwrap().is_none());
        assert!(matches!(h.store.act(id, Action::Cancel).await, Err(ActError::NotFound)));
    }

    a_held_job_goes_back_to_where_its_time_says(h) {
        let mut new = job("later");
        new.due_at = h.now().checked_add(Duration::from_secs(3600)).unwrap();
        let ids = h.insert(vec![new, job("now")]).await;
        for (id, status) in [(ids[0], Status::Scheduled), (ids[1], Status::Queued)] {
            h.store.act(id, Action::Hold(String::new())).await.unwrap();
            assert_eq!(h.store.act(id, Action::Release).await.unwrap(), status);
        }
    }

    a_job_past_its_life_expires(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        h.pass(5 * 86_400);
        assert!(nothing_due(&h).await);
        assert_eq!(h.status(id).await, Status::Expired);
    }

    a_job_leased_at_its_end_expires_when_it_comes_back(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.pass(5 * 86_400);
        assert_eq!(h.status(id).await, Status::Sending, "who works on it may finish");
        h.settle(lease, retry_in(0)).await;
        assert!(nothing_due(&h).await);
        assert_eq!(h.status(id).await, Status::Expired);
    }

    projects_take_turns(h) {
        let of = |project: &str, text: &str| NewJob { project: project.into(), ..job(text) };
        let mut many: Vec<_> = (0..50).map(|n| of("loud", &format!("loud{n}"))).collect();
        many.push(of("quiet", "quiet"));
        h.insert(many).await;
        let leases = h.lease(4).await;
        let projects: Vec<_> = leases.iter().map(|l| l.job.project.to_string()).collect();
        assert!(projects.contains(&"quiet".to_owned()), "{projects:?}");
    }

    urgent_mail_goes_first_and_bulk_is_not_starved(h) {
        let with = |priority, text: &str| NewJob { priority, ..job(text) };
        let mut many: Vec<_> = (0..40).map(|n| with(Priority::Normal, &format!("normal{n}"))).collect();
        many.push(with(Priority::Bulk, "bulk"));
        many.push(with(Priority::Urgent, "urgent"));
        h.insert(many).await;
        let leases = h.lease(10).await;
        let subjects: Vec<_> = leases.iter().map(|l| l.job.meta.subject.as_str()).collect();
        assert_eq!(subjects[0], "urgent");
        assert!(subjects.contains(&"bulk"), "{subjects:?}");
    }

    routes_do_not_mix(h) {
        h.insert(vec![NewJob { route: "other".into(), ..job("one") }]).await;
        assert!(nothing_due(&h).await);
        let leases = h.store.lease(LeaseAsk::new("other", 1)).await.unwrap();
        assert_eq!(leases.len(), 1);
    }

    a_key_is_taken_once_per_project(h) {
        let keyed = |text: &str, fingerprint: u8| {
            let idempotency = Some(Idempotency { key: "k".into(), fingerprint: [fingerprint; 32], index: 0 });
            NewJob { idempotency, ..job(text) }
        };
        let first = h.insert(vec![keyed("one", 1)]).await[0];
        assert_eq!(h.store.insert(vec![keyed("again", 1)]).await.unwrap(), [Inserted::Repeat(first)]);
        let other = h.store.insert(vec![keyed("other", 2)]).await;
        assert!(matches!(other, Err(InsertError::KeyReused(id)) if id == first));
        let elsewhere = NewJob { project: "elsewhere".into(), ..keyed("two", 2) };
        assert!(matches!(h.store.insert(vec![elsewhere]).await.unwrap()[0], Inserted::New(_)));
        h.pass(24 * 3600 + 1);
        assert!(matches!(h.store.insert(vec![keyed("next day", 2)]).await.unwrap()[0], Inserted::New(_)));
    }

    a_call_is_stored_whole_or_not_at_all(h) {
        let key = Some(Idempotency { key: "k".into(), fingerprint: [1; 32], index: 0 });
        h.insert(vec![NewJob { idempotency: key, ..job("one") }]).await;
        let clash = Some(Idempotency { key: "k".into(), fingerprint: [2; 32], index: 0 });
        let batch = vec![job("two"), NewJob { idempotency: clash, ..job("three") }, job("four")];
        assert!(h.store.insert(batch).await.is_err());
        assert_eq!(h.list(all()).await.len(), 1);
    }

    lists_are_newest_first_filtered_and_paged(h) {
        let ids = h.insert(jobs(&["red", "green", "blue", "dark red"])).await;
        assert_eq!(h.list(all()).await, [ids[3], ids[2], ids[1], ids[0]]);
        assert_eq!(h.list(Filter { subject: Some("RED".into()), ..all() }).await, [ids[3], ids[0]]);
        assert_eq!(h.list(Filter { external_id: Some("ext-green".into()), ..all() }).await, [ids[1]]);
        assert_eq!(h.list(Filter { to: Some("b@example".into()), ..all() }).await.len(), 4);
        assert_eq!(h.list(Filter { status: Some(Status::Sent), ..all() }).await, []);
        assert_eq!(h.list(Filter { project: Some("none".into()), ..all() }).await, []);
        assert_eq!(h.list(Filter { q: Some(ids[2].to_string()), ..all() }).await, [ids[2]]);
        let page = h.store.list(Filter { limit: 3, ..Filter::default() }).await.unwrap();
        assert!(page.has_more);
        assert_eq!(h.list(Filter { after: Some(page.jobs[2].id), ..all() }).await, [ids[0]]);
        assert_eq!(h.list(Filter { before: Some(ids[2]), ..all() }).await, [ids[3]]);
    }

    bytes_are_read_back_as_they_came(h) {
        let new = job("one");
        let (header, body) = (new.header.clone(), new.body.clone());
        let id = h.insert(vec![new]).await[0];
        let content = h.store.content(id).await.unwrap();
        assert_eq!((content.header, content.body), (header, body));
        let nobody = JobId(uuid::Uuid::nil());
        assert!(matches!(h.store.content(nobody).await, Err(ContentError::NotFound)));
    }

    bytes_of_a_sent_job_go_when_their_time_is_over(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
        assert!(h.store.content(id).await.is_ok());
        h.pass(3601);
        assert!(matches!(h.store.content(id).await, Err(ContentError::Gone)));
        assert_eq!(h.status(id).await, Status::Sent);
    }

    changes_are_told_in_order(h) {
        let mut changes = h.store.changes();
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
        let mut seen = Vec::new();
        while seen.last() != Some(&Status::Sent) {
            let change = changes.recv().await.unwrap();
            assert_eq!(change.id, id);
            seen.push(change.status);
        }
        assert_eq!(seen, [Status::Queued, Status::Sending, Status::Sent]);
    }

    a_stale_lease_settles_nothing(h) {
        let id = h.insert(jobs(&["one"])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, retry_in(0)).await;
        let second = h.lease_one().await;
        assert_eq!(h.status(id).await, Status::Sending);
        drop(second);
        assert_eq!(h.lease_one().await.job.id, id);
    }
}

#[tokio::test]
async fn length_bounds_what_waits() {
    let settings = StoreSettings { length: Some(2), ..settings() };
    over_all(settings, |h| async move {
        let key = || Some(Idempotency { key: "k".into(), fingerprint: [1; 32], index: 0 });
        let first = h.insert(vec![NewJob { idempotency: key(), ..job("one") }, job("two")]).await[0];
        assert!(matches!(h.store.insert(jobs(&["three"])).await, Err(InsertError::Crowded(_))));
        let again = NewJob { idempotency: key(), ..job("one") };
        assert_eq!(
            h.store.insert(vec![again]).await.unwrap(),
            [Inserted::Repeat(first)],
            "a repeat needs no room"
        );
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
        assert_eq!(h.insert(jobs(&["three"])).await.len(), 1, "a settled job makes room");
    })
    .await;
}

#[tokio::test]
async fn bytes_go_with_the_settlement_unless_kept() {
    let settings = StoreSettings { keep_body: Duration::ZERO, ..settings() };
    over_all(settings, |h| async move {
        let ids = h.insert(jobs(&["one", "two"])).await;
        for settlement in [sent(), failed()] {
            let lease = h.lease_one().await;
            h.settle(lease, settlement).await;
        }
        assert!(matches!(h.store.content(ids[0]).await, Err(ContentError::Gone)));
        assert!(h.store.content(ids[1]).await.is_ok(), "a failed message is kept");
    })
    .await;
}

#[tokio::test]
async fn history_in_memory_is_bounded_by_number_and_age() {
    // On disk done jobs cost no memory: they are bounded by the age of their day (`history`).
    let settings = StoreSettings { history_count: 3, keep_history: Duration::from_secs(100), ..settings() };
    over_volatile(settings, |h| async move {
        let ids = h.insert(jobs(&["a", "b", "c", "d", "e"])).await;
        for _ in 0..5 {
            let lease = h.lease_one().await;
            h.settle(lease, sent()).await;
        }
        assert_eq!(h.list(all()).await, [ids[4], ids[3], ids[2]]);
        h.pass(101);
        h.store.stats().await.unwrap();
        assert_eq!(h.list(all()).await, []);
    })
    .await;
}
