//! A message written step by step: what arrives, and which step a mistake is charged to.

use crate::bench::{builder, recorder};
use mail_parser::{MessageParser, MimeHeaders};
use postrider::{Attachment, Mailer, Message, SubmitError, Timestamp};

async fn mailer() -> Mailer {
    builder(&recorder()).memory().open().await.unwrap()
}

#[tokio::test]
async fn every_step_is_found_in_the_mail() {
    let at: Timestamp = "2030-01-31T08:00:00Z".parse().unwrap();
    let message = Message::new()
        .from(("Jürgen, the first", "j@example.com"))
        .to("Ada <ada@example.org>, b@example.org")
        .to(String::from("c@example.org"))
        .cc("d@example.org")
        .bcc("e@example.org")
        .reply_to("help@example.com")
        .subject("Grüße")
        .html("<p>Hello <img src=\"cid:logo\"></p>")
        .header("X-Order", "1")
        .header("x-order", "2")
        .header("Message-ID", "<own@example.com>")
        .attach("a.txt", "text")
        .attach_inline("logo", "logo.png", &b"\x89PNG"[..])
        .date(at);
    let mail = mailer().await.compose(&message).unwrap();
    let to: Vec<_> = mail.envelope.to.iter().map(|r| r.address.as_str()).collect();
    assert_eq!(to, ["ada@example.org", "b@example.org", "c@example.org", "d@example.org", "e@example.org"]);
    let raw = [&mail.header[..], &mail.body[..]].concat();
    let read = MessageParser::default().parse(&raw).unwrap();
    let from = read.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Jürgen, the first"), Some("j@example.com")));
    assert_eq!((read.subject(), read.message_id()), (Some("Grüße"), Some("own@example.com")));
    assert_eq!(read.date().unwrap().to_timestamp(), at.as_second());
    assert!(read.bcc().is_none() && read.cc().is_some());
    let head = String::from_utf8(mail.header.to_vec()).unwrap();
    assert!(head.contains("X-Order: 1, 2\r\n"), "{head}");
    assert_eq!(read.body_text(0).unwrap().trim(), "Hello");
    let files: Vec<_> = read.attachments().map(|file| (file.attachment_name(), file.content_id())).collect();
    assert_eq!(files, [(Some("logo.png"), Some("logo")), (Some("a.txt"), None)]);
}

#[tokio::test]
async fn a_mistake_is_charged_to_its_step() {
    let mailer = mailer().await;
    let good = || Message::new().to("a@example.org").subject("x").text("x");
    let check = async |message: Message, field: &str| {
        let Err(SubmitError::Invalid(mistakes)) = mailer.submit(message).await else {
            panic!("{field}: taken")
        };
        let fields: Vec<_> = mistakes.iter().map(|m| m.field.as_str()).collect();
        assert_eq!(fields, [field], "{mistakes:?}");
        assert!(!mistakes[0].problem.is_empty());
    };
    let past: Timestamp = "2000-01-01T00:00:00Z".parse().unwrap();
    check(good().from("nobody"), "from").await;
    check(Message::new().subject("x").text("x"), "to").await;
    check(good().to("a@b@c"), "to[1]").await;
    check(good().cc("x y"), "cc").await;
    check(good().bcc("@example.org"), "bcc").await;
    check(good().reply_to("a@"), "reply_to").await;
    check(good().subject("a\r\nBcc: b@example.org"), "subject").await;
    check(good().header("X Y", "z"), "headers.X Y").await;
    check(good().header("X-Y", "a\nb"), "headers.X-Y").await;
    check(good().header("To", "b@example.org"), "headers.To").await;
    let kind = |kind: &str| Attachment {
        filename: None,
        content: "x".into(),
        content_type: Some(kind.into()),
        content_id: None,
    };
    check(good().attachment(kind("no type")), "attachments[0].content_type").await;
    check(good().attach_inline("a b", "x.png", "x"), "attachments[0].content_id").await;
    check(good().expires(past), "expires_at").await;
    check(good().idempotency_key(""), "idempotency_key").await;
    check(good().external_id("a\nb"), "external_id").await;
    check(good().metadata("x".repeat(20_001)), "metadata").await;
    check(good().relay("nowhere"), "relay").await;
}

#[tokio::test]
async fn options_are_found_with_the_mail() {
    let mailer = mailer().await;
    // The store keeps no nanoseconds.
    let at = Timestamp::from_second(Timestamp::now().as_second() + 3600).unwrap();
    let message = Message::new()
        .to("a@example.org")
        .text("x")
        .tag("kind", "welcome")
        .schedule(at)
        .priority(postrider::Priority::Bulk)
        .external_id("user-7")
        .metadata("{\"user\":7}")
        .info("UID: 7, registration notify");
    let id = mailer.submit(message).await.unwrap();
    let seen = mailer.wait(id, std::time::Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(seen.status, postrider::Status::Scheduled);
    assert_eq!((seen.due_at, seen.priority), (at, postrider::Priority::Bulk));
    assert_eq!(seen.meta.tags, [("kind".to_owned(), "welcome".to_owned())]);
    assert_eq!(seen.meta.external_id.as_deref(), Some("user-7"));
    assert_eq!(seen.meta.metadata.as_deref(), Some("{\"user\":7}"));
    assert_eq!(seen.meta.info.as_deref(), Some("UID: 7, registration notify"));
}
