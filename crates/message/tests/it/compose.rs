//! Mistakes of a draft, hostile values, and the round trip through an independent parser.

use mail_parser::{MessageParser, MimeHeaders};
use postrider_message::{
    Attachment, Composed, Draft, MessageIdStyle, Profile, SharedBody, Written, compose, compose_around,
};
use proptest::prelude::*;

fn draft() -> Draft {
    Draft {
        from: Some(Written::Text("A <a@b.c>".into())),
        to: vec![Written::Text("d@e.f".into())],
        text: Some("t".into()),
        ..Draft::default()
    }
}

fn build(draft: &Draft) -> Composed {
    compose(draft, &Profile::default(), jiff::Timestamp::UNIX_EPOCH, 7).unwrap_or_else(|e| panic!("{e}"))
}

/// The bytes, checked for line ends, line length and 7 bits.
fn wire(mail: &Composed) -> Vec<u8> {
    let raw = [&mail.header[..], &mail.body[..]].concat();
    for line in raw.split_inclusive(|b| *b == b'\n') {
        assert!(line.len() <= 1000 && line.ends_with(b"\r\n") && !line[..line.len() - 2].contains(&b'\r'));
    }
    assert!(raw.is_ascii());
    let head = std::str::from_utf8(&mail.header).unwrap();
    let words = head.split([' ', '\r', '\n', '\t']).filter(|w| w.starts_with("=?"));
    assert!(words.clone().all(|w| w.len() <= 75), "a long encoded word");
    raw
}

#[test]
fn b3_61_a_long_line_of_ours_travels_in_short_ones() {
    for octets in [998, 999, 10_000_000] {
        let mail = build(&Draft { text: Some("x".repeat(octets)), ..draft() });
        let raw = wire(&mail);
        let seen = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(seen.body_text(0).unwrap().trim_end().len(), octets);
    }
}

fn faults(change: impl FnOnce(&mut Draft, &mut Profile)) -> Vec<String> {
    let (mut draft, mut profile) = (draft(), Profile::default());
    change(&mut draft, &mut profile);
    let got = compose(&draft, &profile, jiff::Timestamp::UNIX_EPOCH, 7);
    got.map(|m| panic!("composed {:?}", m.header))
        .unwrap_or_else(|e| e.0.into_iter().map(|f| f.field).collect())
}

#[test]
fn every_mistake_names_its_field() {
    let header = |n: &str, v: &str| (n.to_owned(), vec![v.to_owned()]);
    assert_eq!(faults(|d, _| d.from = None), ["from"]);
    assert_eq!(faults(|d, _| d.to.clear()), ["to"]);
    assert_eq!(faults(|d, _| d.from = Some(Written::Text("a@b.c, d@e.f".into()))), ["from"]);
    assert_eq!(faults(|d, _| d.subject = "a\r\nBcc: x@y.z".into()), ["subject"]);
    assert_eq!(faults(|d, _| d.subject = "=?utf-8?q?a=0D=0ABcc:?=".into()), ["subject"]);
    assert_eq!(faults(|d, _| d.headers = vec![header("X-Y", "a\nb")]), ["headers.X-Y"]);
    assert_eq!(faults(|d, _| d.headers = vec![header("X Y", "a")]), ["headers.X Y"]);
    assert_eq!(faults(|d, _| d.headers = vec![header("to", "a@b.c")]), ["headers.to"]);
    assert_eq!(
        faults(|d, _| d.headers = vec![header("Message-ID", &"x".repeat(1000))]),
        ["headers.Message-ID"]
    );
    assert_eq!(faults(|_, p| p.override_headers = vec![header("Cc", "x")]), ["override_header.Cc"]);
    assert_eq!(
        faults(|d, _| {
            d.to = vec![Written::Text("a@b.c".into()), Written::Text("nobody".into())];
            d.cc = vec![Written::Parts { name: Some("x\0".into()), address: "a@b.c".into() }];
            d.attachments = vec![Attachment {
                filename: None,
                content: "".into(),
                content_type: Some("x\r\ny".into()),
                content_id: Some("a b".into()),
            }];
        }),
        ["to[1]", "cc", "attachments[0].content_type", "attachments[0].content_id"]
    );
}

#[test]
fn overrides_come_last() {
    let one = |n: &str, v: &[&str]| (n.to_owned(), v.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>());
    let profile = Profile {
        override_headers: vec![
            one("sender", &["s@t.u"]),
            one("BCC", &["h@i.j"]),
            one("cc", &["k@l.m", "n@o.p"]),
            one("x-auto-response-suppress", &[]),
            one("message-id", &[""]),
        ],
        message_id: MessageIdStyle::Autogen { domain: "x".into() },
        ..Profile::default()
    };
    let mail = compose(&draft(), &profile, jiff::Timestamp::UNIX_EPOCH, 7).unwrap();
    assert_eq!(mail.envelope.from.as_str(), "s@t.u");
    let to: Vec<_> = mail.envelope.to.iter().map(|r| r.address.as_str()).collect();
    assert_eq!(to, ["d@e.f", "k@l.m", "n@o.p", "h@i.j"]);
    let head = std::str::from_utf8(&mail.header).unwrap().to_ascii_lowercase();
    assert!(!head.contains("bcc") && !head.contains("suppress") && !head.contains("message-id"), "{head}");
    assert_eq!(mail.message_id, "");
}

#[test]
fn b7_119_long_non_ascii_subject() {
    for unit in ["ü", "山", "👩‍👩‍👧‍👦", "e\u{301}", "a b ", "=?", "w"] {
        let subject: String = unit.repeat(5000).chars().take(5000).collect();
        let subject = subject.trim().to_owned();
        let mail = build(&Draft { subject: subject.clone(), ..draft() });
        let raw = wire(&mail);
        assert_eq!(MessageParser::default().parse(&raw).unwrap().subject(), Some(subject.as_str()), "{unit}");
    }
}

#[test]
fn b7_120_filenames() {
    let check = |name: &str, want: Option<&str>| {
        let file = Attachment {
            filename: Some(name.into()),
            content: "x".into(),
            content_type: None,
            content_id: None,
        };
        let raw = wire(&build(&Draft { attachments: vec![file], ..draft() }));
        let mail = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(mail.attachment(0).unwrap().attachment_name(), want, "{name:?}");
    };
    let (long, korean) = ("l".repeat(1000), "한".repeat(300));
    check(&long, Some(&long));
    check(&korean, Some(&korean));
    check("a \"b\" 'c'; d.pdf", Some("a \"b\" 'c'; d.pdf"));
    check("../../etc/passwd", Some("passwd"));
    check("C:\\x\\y.doc", Some("y.doc"));
    check("exe\u{202e}fdp.x", Some("exefdp.x"));
    check("a\0\r\nb", Some("ab"));
    check("..", Some("attachment"));
    check("", Some("attachment"));
}

#[test]
fn b7_121_bodies_come_back_whole() {
    let boundary = format!("--=_a{:032x}--", 7);
    let long = "x".repeat(10_000);
    for body in
        [boundary.as_str(), "a  \nb\t\n", "From x\n.\n..\n", &long, "é \u{fffd}\u{1}\u{7f}\n", "=3D=\n"]
    {
        let raw = wire(&build(&Draft { html: Some(body.into()), text: Some(body.into()), ..draft() }));
        let mail = MessageParser::default().parse(&raw).unwrap();
        let same = |got: &str| assert_eq!(got.replace("\r\n", "\n"), body);
        same(&mail.body_text(0).unwrap());
        same(&mail.body_html(0).unwrap());
    }
}

proptest! {
    #[test]
    fn what_is_built_parses_back(
        subject in "[^\\p{C}\\p{Z}]{0,20}( [^\\p{C}\\p{Z}]{1,60}){0,6}",
        name in "[^\\p{C}\\p{Z}]{1,20}( [^\\p{C}\\p{Z}]{1,90}){0,3}",
        text in "[^\\p{C}]{0,200}(\n[^\\p{C}]{1,90}){0,5}",
        content in proptest::collection::vec(any::<u8>(), 1..300),
    ) {
        prop_assume!(!subject.contains("=?") && !subject.is_empty());
        let file =
            Attachment { filename: Some("f".into()), content: content.clone().into(), content_type: None, content_id: None };
        let mail = build(&Draft {
            from: Some(Written::Parts { name: Some(name.clone()), address: "a@b.c".into() }),
            subject: subject.clone(),
            text: Some(format!("{text}.")),
            attachments: vec![file],
            ..draft()
        });
        let raw = wire(&mail);
        let back = MessageParser::default().parse(&raw).unwrap();
        prop_assert_eq!(back.subject(), Some(subject.as_str()));
        let from = back.from().and_then(|f| f.first()).unwrap();
        prop_assert_eq!(from.name.as_deref(), Some(name.as_str()));
        prop_assert_eq!(from.address.as_deref(), Some("a@b.c"));
        let got = back.body_text(0).unwrap().replace("\r\n", "\n");
        prop_assert_eq!(got.trim_end_matches('\n'), format!("{text}."));
        prop_assert_eq!(back.attachment(0).unwrap().contents(), content);
    }
}

#[test]
fn around_a_shared_body_a_message_is_what_it_would_be_alone() {
    let id = |domain: &str| MessageIdStyle::Autogen { domain: domain.into() };
    for plain_text in [false, true] {
        let profile = Profile { plain_text, message_id: id("b.c"), ..Profile::default() };
        let whole = Draft { html: Some("<p>Grüße</p>".into()), subject: "s".into(), ..draft() };
        let shared = SharedBody::compose(&whole, &profile, 7).unwrap();
        let alone = compose(&whole, &profile, jiff::Timestamp::UNIX_EPOCH, 7).unwrap();
        let head = Draft { html: None, text: None, ..whole.clone() };
        let around = compose_around(&shared, &head, &profile, jiff::Timestamp::UNIX_EPOCH, 7).unwrap();
        assert_eq!(around, alone);
        let other = Draft { to: vec![Written::Text("x@y.z".into())], ..head };
        let other = compose_around(&shared, &other, &profile, jiff::Timestamp::UNIX_EPOCH, 8).unwrap();
        assert_eq!(other.body.as_ptr(), around.body.as_ptr(), "one body, by reference");
        assert_ne!(other.message_id, around.message_id);
        wire(&other);
    }
    let file =
        Attachment { filename: None, content: "x".into(), content_type: Some("y".into()), content_id: None };
    let broken = SharedBody::compose(&Draft { attachments: vec![file], ..draft() }, &Profile::default(), 7);
    assert_eq!(broken.unwrap_err().0[0].field, "attachments[0].content_type");
}
