//! Pages, filters and counts.

use crate::bench::{Bench, Open, address, at, job, job_to, over_all_stores, sent, settings};
use postrider_queue::{Filter, JobId, NewJob, Status, Store};

over_all_stores! {
    pages_go_from_new_to_old
    filters_choose
    counts_add_up
}

async fn ids(bench: &Bench, filter: Filter) -> (Vec<JobId>, bool) {
    let page = bench.store.list(filter).await.unwrap();
    (page.jobs.iter().map(|j| j.id).collect(), page.has_more)
}

async fn pages_go_from_new_to_old(open: &Open) {
    let bench = open(settings()).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(bench.insert(job()).await);
    }
    all.reverse();
    let page = |limit, after, before| Filter { limit, after, before, ..Filter::default() };
    assert_eq!(ids(&bench, page(5, None, None)).await, (all.clone(), false));
    assert_eq!(ids(&bench, page(2, None, None)).await, (all[..2].to_vec(), true));
    assert_eq!(ids(&bench, page(2, Some(all[1]), None)).await, (all[2..4].to_vec(), true));
    assert_eq!(ids(&bench, page(2, Some(all[3]), None)).await, (all[4..].to_vec(), false));
    assert_eq!(ids(&bench, page(9, None, Some(all[2]))).await, (all[..2].to_vec(), false));
    assert_eq!(ids(&bench, page(9, Some(all[4]), None)).await, (Vec::new(), false));
}

async fn filters_choose(open: &Open) {
    let bench = open(settings()).await;
    let plain = bench.insert(job()).await;
    bench.work(sent()).await;
    let mut special = job_to(&["Hidden@Example.org"]);
    special.project = "shop".into();
    special.meta.subject = "Your ORDER 17".into();
    special.meta.external_id = Some("order-17".into());
    special.due_at = at(60);
    assert_eq!(special.envelope.to[0].address, address("Hidden@example.org"));
    let special = bench.insert(special).await;
    let none = Filter { limit: 10, ..Filter::default() };
    let text = |t: &str| Some(t.to_owned());
    let check = async |filter: Filter, want: &[JobId]| {
        assert_eq!(ids(&bench, filter.clone()).await.0, want, "{filter:?}");
    };
    check(none.clone(), &[special, plain]).await;
    check(Filter { project: Some("shop".into()), ..none.clone() }, &[special]).await;
    check(Filter { status: Some(Status::Sent), ..none.clone() }, &[plain]).await;
    check(Filter { status: Some(Status::Failed), ..none.clone() }, &[]).await;
    check(Filter { to: text("hidden@"), ..none.clone() }, &[special]).await;
    check(Filter { subject: text("order"), ..none.clone() }, &[special]).await;
    check(Filter { external_id: text("order-17"), ..none.clone() }, &[special]).await;
    check(Filter { q: text("4xyz"), ..none.clone() }, &[plain]).await;
    check(Filter { q: text("HELLO"), ..none.clone() }, &[plain]).await;
    check(Filter { q: text(&special.to_string()), ..none.clone() }, &[special]).await;
    check(Filter { q: text("alice"), ..none.clone() }, &[special, plain]).await;
    check(Filter { q: text("nowhere"), ..none }, &[]).await;
}

async fn counts_add_up(open: &Open) {
    let bench = open(settings()).await;
    let oldest = NewJob { created_at: at(-5), due_at: at(9), ..job() };
    bench.insert(oldest).await;
    for _ in 0..3 {
        bench.insert(job()).await;
    }
    bench.work(sent()).await;
    let lease = bench.one().await;
    let stats = bench.store.stats().await.unwrap();
    let check = |status: Status, count: u64| {
        assert!(stats.by_status.contains(&(status.word(), count)), "{status:?} {:?}", stats.by_status);
    };
    check(Status::Scheduled, 1);
    check(Status::Queued, 1);
    check(Status::Sending, 1);
    check(Status::Sent, 1);
    check(Status::Failed, 0);
    assert_eq!((stats.unsettled, stats.accepted, stats.corrupt), (3, 4, 0));
    assert_eq!(stats.oldest_unsettled, Some(at(-5)));
    assert_eq!(stats.by_status.len(), Status::ALL.len());
    drop(lease);
}
