//! History: done jobs leave memory for one file a day, and lists do not show the border.

use crate::house::{House, all, disk, failed, job, jobs, memory, retry_in, sent, settings, to};
use postrider_queue::{
    ActError, Action, AnyStore, ContentError, Filter, JobId, NewJob, Status, Store, StoreSettings,
};
use std::path::PathBuf;
use std::time::Duration;

const DAY: u64 = 86_400;

fn brief() -> StoreSettings {
    StoreSettings { keep_body: Duration::ZERO, keep_failed: Duration::ZERO, ..settings() }
}

fn days(h: &House) -> Vec<String> {
    let names = std::fs::read_dir(h.path().join("history")).unwrap();
    let mut names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn file(h: &House, day: &str) -> PathBuf {
    h.path().join("history").join(format!("{day}.db"))
}

async fn send(h: &House, texts: &[&str]) -> Vec<JobId> {
    let ids = h.insert(jobs(texts)).await;
    for lease in h.lease(texts.len()).await {
        h.settle(lease, sent()).await;
    }
    ids
}

async fn reopen(h: House) -> House {
    h.store.close().await.unwrap();
    let House { store, clock, folder } = h;
    drop(store);
    let store = AnyStore::open_disk(folder.as_ref().unwrap().path(), brief(), clock.clone()).unwrap().0;
    House { store, clock, folder }
}

#[tokio::test]
async fn a_done_job_is_the_same_in_memory_and_in_history() {
    let h = disk(brief());
    let ids = h.insert(vec![to(job("one"), &["a@x.org", "b@x.org"]), job("two")]).await;
    let mut leases = h.lease(2).await.into_iter();
    h.settle(leases.next().unwrap(), retry_in(0)).await;
    h.settle(leases.next().unwrap(), failed()).await;
    let lease = h.lease_one().await;
    h.settle(
        lease,
        crate::house::finals(
            &[(0, postrider_queue::RecipientState::Sent), (1, postrider_queue::RecipientState::Failed)],
            postrider_queue::Next::RetryIn(Duration::ZERO),
        ),
    )
    .await;
    let before: Vec<String> =
        [h.view(ids[0]).await, h.view(ids[1]).await].iter().map(|v| format!("{v:?}")).collect();
    h.file().await;
    assert_eq!(h.store.stats().await.unwrap().filed, 2);
    assert_eq!(days(&h), ["2026-01-01.db"]);
    let h = reopen(h).await;
    for (id, before) in ids.iter().zip(before) {
        assert_eq!(format!("{:?}", h.view(*id).await), before);
    }
    let counts = h.store.stats().await.unwrap().by_status;
    assert!(counts.contains(&("partial", 1)) && counts.contains(&("failed", 1)), "{counts:?}");
}

#[tokio::test]
async fn lists_do_not_show_the_border() {
    let h = disk(brief());
    let mut ids = Vec::new();
    // A job that waits is older than some that are in history, and younger than others.
    for (n, done) in [true, false, true, true, false, true, false].into_iter().enumerate() {
        let text = format!("mail {n}");
        let id = h.insert(jobs(&[&text])).await[0];
        let lease = h.lease_one().await;
        h.settle(lease, if done { sent() } else { retry_in(40 * DAY) }).await;
        ids.push(id);
        if n % 2 == 0 {
            h.pass(DAY / 2);
            h.file().await;
        }
    }
    let h = reopen(h).await;
    assert_eq!(days(&h).len(), 2);
    ids.reverse();
    // Whatever the page's length, the pages in a row are the whole.
    for limit in 1..=8 {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = h.store.list(Filter { limit, after, ..Filter::default() }).await.unwrap();
            paged.extend(page.jobs.iter().map(|j| j.id));
            after = paged.last().copied();
            if !page.has_more {
                break;
            }
        }
        assert_eq!(paged, ids, "{limit} a page");
    }
    let newer = Filter { before: Some(ids[4]), ..all() };
    assert_eq!(h.list(newer).await, ids[..4]);
}

#[tokio::test]
async fn history_is_found_by_all_that_a_live_job_is_found_by() {
    let h = disk(brief());
    let id = send(&h, &["One"]).await[0];
    let other = h.insert(vec![NewJob { project: "other".into(), ..to(job("Two"), &["c@x.org"]) }]).await[0];
    let check = async |filter: Filter, want: &[JobId]| {
        let filter = Filter { limit: 9, ..filter };
        assert_eq!(h.list(filter.clone()).await, want, "{filter:?}");
    };
    let text = |text: &str| Some(text.to_owned());
    for _ in 0..2 {
        check(Filter { status: Some(Status::Sent), ..all() }, &[id]).await;
        check(Filter { project: Some("default".into()), ..all() }, &[id]).await;
        check(Filter { project: Some("other".into()), ..all() }, &[other]).await;
        check(Filter { to: text("B@EXAMPLE"), ..all() }, &[id]).await;
        check(Filter { subject: text("one"), ..all() }, &[id]).await;
        check(Filter { external_id: text("ext-One"), ..all() }, &[id]).await;
        check(Filter { external_id: text("ext-one"), ..all() }, &[]).await;
        check(Filter { message_id: text("<One@example.com>"), ..all() }, &[id]).await;
        check(Filter { remote_id: text("remote-ok"), ..all() }, &[id]).await;
        check(Filter { remote_id: text("remote"), ..all() }, &[]).await;
        for tag in ["kind", "test", "kind:test"] {
            check(Filter { tag: text(tag), ..all() }, &[other, id]).await;
        }
        check(Filter { tag: text("kin"), ..all() }, &[]).await;
        for q in ["ONE@example.com", "remote-o", "one", &id.to_string()] {
            check(Filter { q: text(q), ..all() }, &[id]).await;
        }
        check(Filter { q: text("example"), ..all() }, &[other, id]).await;
        h.file().await;
    }
}

#[tokio::test]
async fn a_job_of_history_can_be_purged_and_nothing_else() {
    let h = disk(brief());
    let ids = send(&h, &["one", "two", "three"]).await;
    h.file().await;
    for action in [Action::Cancel, Action::Retry, Action::Hold(String::new()), Action::Release] {
        assert!(matches!(h.store.act(ids[0], action).await, Err(ActError::TooLate(_))));
    }
    assert!(matches!(h.store.content(ids[0]).await, Err(ContentError::Gone)));
    assert_eq!(h.store.act(ids[0], Action::Purge).await.unwrap(), Status::Sent);
    assert!(matches!(h.store.act(ids[0], Action::Purge).await, Err(ActError::NotFound)));
    assert_eq!(h.list(all()).await, [ids[2], ids[1]]);
    // Neither a restart nor a file that is rebuilt brings it back.
    std::fs::remove_file(file(&h, "2026-01-01")).unwrap();
    let h = reopen(h).await;
    h.file().await;
    assert_eq!(h.list(all()).await, [ids[2], ids[1]]);
}

#[tokio::test]
async fn a_deleted_file_comes_back_as_far_as_the_log_reaches() {
    let h = disk(brief());
    let ids = send(&h, &["one", "two"]).await;
    h.file().await;
    std::fs::remove_file(file(&h, "2026-01-01")).unwrap();
    assert_eq!(h.list(all()).await, [], "what is deleted under us is not there");
    let later = send(&h, &["three"]).await;
    h.file().await;
    assert_eq!(h.list(all()).await, later, "and what follows goes into a new file");
    let h = reopen(h).await;
    h.file().await;
    assert_eq!(h.list(all()).await, [later[0], ids[1], ids[0]]);
    assert!(h.store.stats().await.unwrap().by_status.contains(&("sent", 3)));
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_rebuilt() {
    let h = disk(brief());
    let ids = send(&h, &["one", "two"]).await;
    h.file().await;
    h.store.close().await.unwrap();
    std::fs::write(file(&h, "2026-01-01"), vec![7; 9000]).unwrap();
    let h = reopen(h).await;
    h.file().await;
    assert_eq!(h.list(all()).await, [ids[1], ids[0]]);
    assert!(h.path().join("quarantine/history-2026-01-01.db").exists());
}

#[tokio::test]
async fn old_days_are_unlinked_whole() {
    let h = disk(StoreSettings { keep_history: Duration::from_secs(2 * DAY), ..brief() });
    let first = send(&h, &["one"]).await;
    h.file().await;
    h.pass(DAY);
    let second = send(&h, &["two"]).await;
    h.file().await;
    assert_eq!(days(&h), ["2026-01-01.db", "2026-01-02.db"]);
    h.pass(2 * DAY);
    h.until(|stats| stats.by_status.contains(&("sent", 1))).await;
    assert_eq!(h.list(all()).await, second);
    assert!(h.store.get(first[0]).await.unwrap().is_none());
    assert_eq!(days(&h), ["2026-01-02.db"]);
}

#[tokio::test]
async fn a_crash_between_file_and_record_files_a_job_once() {
    let h = disk(brief());
    let ids = send(&h, &["one", "two"]).await;
    let crashed = crate::house::copy(h.path());
    h.file().await;
    // The file is there, the log does not know of it.
    std::fs::create_dir(crashed.path().join("history")).unwrap();
    std::fs::copy(file(&h, "2026-01-01"), crashed.path().join("history/2026-01-01.db")).unwrap();
    let store = AnyStore::open_disk(crashed.path(), brief(), h.clock.clone()).unwrap().0;
    let again = House { store, clock: h.clock.clone(), folder: Some(crashed) };
    assert_eq!(again.list(all()).await, [ids[1], ids[0]]);
    again.file().await;
    assert_eq!(again.list(all()).await, [ids[1], ids[0]]);
    assert!(again.store.stats().await.unwrap().by_status.contains(&("sent", 2)));
}

#[tokio::test]
async fn a_failed_job_waits_with_its_bytes_outside_history() {
    let h = disk(settings());
    let id = h.insert(jobs(&["one"])).await[0];
    let lease = h.lease_one().await;
    h.settle(lease, failed()).await;
    h.file().await;
    assert_eq!((h.store.stats().await.unwrap().filed, days(&h).len()), (0, 0));
    assert_eq!(h.store.act(id, Action::Retry).await.unwrap(), Status::Queued);
}

#[tokio::test]
async fn an_older_copy_of_a_file_lacks_what_was_filed_since_and_gets_it() {
    let h = disk(brief());
    let first = send(&h, &["one"]).await;
    h.file().await;
    let older = std::fs::read(file(&h, "2026-01-01")).unwrap();
    let second = send(&h, &["two"]).await;
    h.file().await;
    h.store.close().await.unwrap();
    std::fs::write(file(&h, "2026-01-01"), older).unwrap();
    let h = reopen(h).await;
    assert_eq!(h.list(all()).await, [second[0], first[0]]);
    h.file().await;
    assert_eq!(h.list(all()).await, [second[0], first[0]]);
}

/// It was counted when its row was written, and only then taken out again.
#[tokio::test]
async fn regress_a_mail_purged_on_its_way_into_history_is_counted_by_nobody() {
    let h = disk(StoreSettings { segment_octets: 2048, ..brief() });
    for round in 0..40 {
        let ids = send(&h, &["one", "two", "three", "four"]).await;
        for (purged, id) in ids.iter().enumerate() {
            // Already filed, or still on the way: either way it is gone.
            h.store.act(*id, Action::Purge).await.unwrap();
            let stats = h.store.stats().await.unwrap();
            let counted: u64 = stats.by_status.iter().map(|(_, n)| n).sum();
            assert_eq!(counted, 3 - purged as u64, "round {round}");
        }
    }
}

#[tokio::test]
async fn b1_18_a_clock_set_ahead_unlinks_no_history() {
    let h = disk(brief());
    let ids = send(&h, &["one", "two"]).await;
    h.file().await;
    let years = jiff::SignedDuration::from_hours(9 * 365 * 24);
    h.clock.jump(years);
    h.pass(0);
    h.store.stats().await.unwrap();
    // It goes the way that the unlinking of old days goes, behind it.
    h.store.act(ids[0], Action::Purge).await.unwrap();
    assert_eq!(h.status(ids[1]).await, Status::Sent);
    h.clock.jump(-years);
    h.pass(0);
    assert_eq!(h.list(all()).await, [ids[1]]);
}

#[tokio::test]
async fn b1_18_a_clock_set_back_forgets_no_history() {
    for h in [disk(brief()), memory(brief())] {
        h.clock.jump(jiff::SignedDuration::from_hours(-9 * 365 * 24));
        h.pass(0);
        let ids = send(&h, &["one", "two"]).await;
        h.file().await;
        // It goes the way that the unlinking of old days goes, behind it.
        h.store.act(ids[0], Action::Purge).await.unwrap();
        assert_eq!(h.list(all()).await, [ids[1]]);
    }
}

#[tokio::test]
async fn b1_18_a_clock_that_is_set_holds_up_no_filing() {
    for hours in [48, -48, 80_000, -80_000] {
        let h = disk(brief());
        send(&h, &["at the start"]).await;
        h.file().await;
        send(&h, &["one"]).await;
        h.store.stats().await.unwrap();
        h.clock.jump(jiff::SignedDuration::from_hours(hours));
        h.pass(0);
        h.file().await;
        assert_eq!(h.store.stats().await.unwrap().filed, 2, "{hours}");
    }
}
