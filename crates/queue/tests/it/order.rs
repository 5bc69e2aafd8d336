//! Who is leased first.

use crate::bench::{Bench, Open, job, over_all_stores, settings};
use postrider_queue::{JobId, NewJob, Priority, Store};

over_all_stores! {
    first_in_is_first_out
    projects_take_turns
    urgent_is_first
    bulk_is_last_but_not_starved
    urgent_mail_without_end_starves_nobody
    many_mails_of_one_project_delay_nobody_else
}

async fn insert(bench: &Bench, project: &str, priority: Priority, count: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(bench.insert(NewJob { project: project.into(), priority, ..job() }).await);
    }
    ids
}

async fn leased_ids(bench: &Bench, limit: usize) -> Vec<JobId> {
    let leases = bench.lease(limit).await;
    // Kept to the end of the test: what is leased must not come back.
    std::mem::ManuallyDrop::new(leases).iter().map(|l| l.job.id).collect()
}

async fn first_in_is_first_out(open: &Open) {
    let bench = open(settings()).await;
    let ids = insert(&bench, "a", Priority::Normal, 5).await;
    assert_eq!(leased_ids(&bench, 2).await, ids[..2]);
    assert_eq!(leased_ids(&bench, 9).await, ids[2..]);
}

async fn projects_take_turns(open: &Open) {
    let bench = open(settings()).await;
    let many = insert(&bench, "a", Priority::Normal, 20).await;
    let few = insert(&bench, "b", Priority::Normal, 2).await;
    assert_eq!(leased_ids(&bench, 4).await, [many[0], few[0], many[1], few[1]]);
}

async fn urgent_is_first(open: &Open) {
    let bench = open(settings()).await;
    insert(&bench, "a", Priority::Bulk, 3).await;
    insert(&bench, "a", Priority::Normal, 3).await;
    let urgent = insert(&bench, "a", Priority::Urgent, 3).await;
    assert_eq!(leased_ids(&bench, 3).await, urgent);
}

async fn bulk_is_last_but_not_starved(open: &Open) {
    let bench = open(settings()).await;
    let bulk = insert(&bench, "a", Priority::Bulk, 8).await;
    insert(&bench, "a", Priority::Normal, 64).await;
    let first = leased_ids(&bench, 48).await;
    let share = first.iter().filter(|id| bulk.contains(id)).count();
    assert_eq!(share, 48 / 8);
    assert!(!bulk.contains(&first[0]));
}

async fn urgent_mail_without_end_starves_nobody(open: &Open) {
    let bench = open(settings()).await;
    let bulk = insert(&bench, "a", Priority::Bulk, 2).await;
    let normal = insert(&bench, "a", Priority::Normal, 20).await;
    insert(&bench, "b", Priority::Urgent, 200).await;
    let first = leased_ids(&bench, 160).await;
    let share = |ids: &[JobId]| first.iter().filter(|id| ids.contains(id)).count();
    assert_eq!((share(&normal), share(&bulk)), (18, 2));
}

async fn many_mails_of_one_project_delay_nobody_else(open: &Open) {
    let bench = open(settings()).await;
    let many = |_| NewJob { project: "many".into(), ..job() };
    for _ in 0..20 {
        bench.store.insert((0..1_000).map(many).collect()).await.unwrap();
    }
    let few = insert(&bench, "few", Priority::Normal, 10).await;
    let first = leased_ids(&bench, 20).await;
    assert_eq!(first.iter().filter(|id| few.contains(id)).count(), 10, "one for one");
}
