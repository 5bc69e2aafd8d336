//! The ways out that send nothing.

use crate::peer::{mail, shown};
use envelope::Reply;
use futures_util::{FutureExt, StreamExt, stream};
use postrider_send::dummy::Step;
use postrider_send::{DummySender, InboxSender, Phase, Sender, Trouble, TroubleKind};

#[tokio::test]
async fn the_dummy_follows_its_script_then_accepts() {
    let trouble =
        Trouble { kind: TroubleKind::Busy, phase: Phase::Connect, reply: None, text: "down".into() };
    let steps = vec![Step::Accept, Step::Refuse(Reply::new(550, "no")), Step::Trouble(trouble)];
    let sender = DummySender::script(steps);
    let mails: Vec<_> = (0..4).map(|n| mail(n, &["b@example.com"], "x\r\n")).collect();
    let outcomes: Vec<_> = sender.send_batch(stream::iter(mails).boxed()).collect().await;
    let all: Vec<String> = outcomes.iter().flat_map(shown).collect();
    let want = [
        "accepted 250 2.0.0 Ok",
        "refused End 550 no",
        "not attempted Busy Connect",
        "accepted 250 2.0.0 Ok",
    ];
    assert_eq!(all, want);
    assert_eq!(outcomes.iter().map(|o| o.ticket).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(sender.calls().len(), 4);
}

#[tokio::test]
async fn a_hanging_dummy_gives_no_outcome() {
    let sender = DummySender::script(vec![Step::Hang]);
    assert!(sender.send(mail(1, &["b@example.com"], "x\r\n")).now_or_never().is_none());
}

#[tokio::test]
async fn the_inbox_takes_everything() {
    let outcome = InboxSender.send(mail(7, &["a@example.com", "b@example.com"], "x\r\n")).await.unwrap();
    assert_eq!(outcome.ticket, 7);
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok", "accepted 250 2.0.0 Ok"]);
}
