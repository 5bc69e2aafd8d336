//! A relay that refuses everything for good holds its mail instead of losing it.

use crate::bench::{Answer, Bench, accepted, bench, job, refused};
use queue::{Status, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn count(bench: &Bench, status: Status) -> u64 {
    let stats = bench.store.stats().await.unwrap();
    stats.by_status.into_iter().find(|(name, _)| *name == status.word()).unwrap().1
}

/// 2,000 mails, the relay refuses them all for good; mended, it takes the rest.
async fn check(reply: (u16, &'static str), most: u64) {
    let broken = Arc::new(AtomicBool::new(true));
    let answers = broken.clone();
    let mut bench = bench(move |_, _| match answers.load(Ordering::SeqCst) {
        true => Answer::All(refused(reply.0, reply.1)),
        false => Answer::All(accepted()),
    });
    bench.submit_all((0..2_000).map(|_| job(&["b@example.org"])).collect()).await;
    // Long after it was held.
    bench.taken(60).await;
    let failed = count(&bench, Status::Failed).await;
    assert!(failed <= most, "{reply:?}: {failed} of 2,000 failed");
    let relay = &bench.worker.relays().status()[0];
    assert!(relay.trouble.as_ref().unwrap().contains(reply.1), "{:?}", relay.trouble);
    bench.submit(&["b@example.org"]).await;

    broken.store(false, Ordering::SeqCst);
    // What was put off need not wait for its time: the store's clock stands still.
    assert!(bench.worker.relays().resume("default"));
    while count(&bench, Status::Sent).await < 2_001 - failed {
        bench.changed().await;
    }
    assert_eq!(count(&bench, Status::Failed).await, failed);
}

#[tokio::test(start_paused = true)]
async fn two_thousand_mails_and_a_relay_that_denies_relaying() {
    check((554, "5.7.1 Relay access denied"), 0).await;
}

#[tokio::test(start_paused = true)]
async fn two_thousand_mails_and_a_relay_that_knows_no_recipient() {
    check((550, "5.1.1 User unknown"), 20).await;
}

#[tokio::test(start_paused = true)]
async fn unknown_users_among_good_mail_fail_as_ever() {
    let mut bench = bench(|mail, _| match mail.to[0].address.local() {
        "gone" => Answer::All(refused(550, "5.1.1 User unknown")),
        _ => Answer::All(accepted()),
    });
    let to = |n: usize| if n.is_multiple_of(10) { "b@example.org" } else { "gone@example.org" };
    let ids: Vec<_> = (0..300).map(|n| job(&[to(n)])).map(|j| (j.id, j)).collect();
    let (ids, jobs): (Vec<_>, Vec<_>) = ids.into_iter().unzip();
    bench.submit_all(jobs).await;
    for id in ids.iter().rev().take(30) {
        while !matches!(bench.view(*id).await.status, Status::Sent | Status::Failed) {
            bench.changed().await;
        }
    }
    assert_eq!(bench.worker.relays().status()[0].trouble, None);
}
