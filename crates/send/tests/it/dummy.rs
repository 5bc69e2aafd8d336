//! The ways out that send nothing.

use crate::peer::{mail, shown};
use envelope::Reply;
use futures_util::{FutureExt, StreamExt, stream};
use postrider_send::dummy::Step;
use postrider_send::{DummyScript, DummySender, InboxSender, Phase, Sender, Trouble, TroubleKind};

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
async fn a_script_of_the_settings_is_followed_once_or_again_and_again() {
    let check = async |script: &str, want: [&str; 5]| {
        let sender = DummySender::follow(DummyScript::parse(script).unwrap());
        for want in want {
            let outcome = sender.send(mail(1, &["b@example.com"], "x\r\n")).await.unwrap();
            assert_eq!(shown(&outcome), [want], "{script}");
        }
        assert_eq!(sender.calls().len(), 0, "nothing is kept");
    };
    let (ok, refused) = ("accepted 250 2.0.0 Ok", "refused End 452 4.0.0 refused, as its script says");
    let (down, lost) = ("not attempted Unreachable Connect", "unknown Lost End");
    check("", [ok; 5]).await;
    check("script=refuse:452,down,lost", [refused, down, lost, ok, ok]).await;
    check("script=refuse:452,accept&repeat=yes", [refused, ok, refused, ok, refused]).await;
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
