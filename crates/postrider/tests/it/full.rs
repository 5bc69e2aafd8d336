//! A queue of LENGTH, and how long a message lives that does not say.

use crate::bench::{builder, message, recorder, scripted};
use postrider::dummy::Step;
use postrider::{Priority, SubmitError};
use std::time::Duration;

#[tokio::test]
async fn who_finds_the_queue_full_waits_for_room() {
    let sender = recorder();
    let mailer = builder(&sender).memory().length(1).open().await.unwrap();
    let mut all = tokio::task::JoinSet::new();
    for n in 0..50 {
        let mailer = mailer.clone();
        all.spawn(async move { mailer.submit(message(&n.to_string())).await });
    }
    while let Some(taken) = all.join_next().await {
        taken.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_stays_full_refuses_and_says_why() {
    let sender = scripted(vec![Step::Hang]);
    let mailer = builder(&sender).memory().length(1).open().await.unwrap();
    mailer.submit(message("one")).await.unwrap();
    let Err(SubmitError::Busy(text)) = mailer.submit(message("two")).await else { panic!("taken") };
    assert_eq!(text, "1 messages are waiting, which is LENGTH; try again later");
}

#[tokio::test]
async fn urgent_mail_is_given_up_early_and_bulk_mail_before_others() {
    let sender = recorder();
    let check = async |priority, expire: u64, want: i64| {
        let mailer = builder(&sender).memory().expire(Duration::from_secs(expire)).open().await.unwrap();
        let id = mailer.submit(message("one").priority(priority)).await.unwrap();
        let seen = mailer.wait(id, crate::bench::PATIENCE).await.unwrap().unwrap();
        let lifetime = seen.expires_at.duration_since(seen.created_at).as_secs();
        assert_eq!(lifetime, want, "{priority:?} {expire}");
    };
    let day = 86_400;
    check(Priority::Urgent, 5 * day, 900).await;
    check(Priority::Normal, 5 * day, 5 * 86_400).await;
    check(Priority::Bulk, 5 * day, 2 * 86_400).await;
    check(Priority::Urgent, 60, 60).await;
    check(Priority::Bulk, day, 86_400).await;
}
