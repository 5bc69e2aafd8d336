//! Letters: what a slip says, leaves open, or says wrongly.

use super::*;
use postrider::{Limits, Mailbox, Profile};
use std::time::Duration;

fn house(from: &str) -> MailerSettings {
    MailerSettings {
        profile: Profile { from: Mailbox::parse(from).ok(), ..Profile::default() },
        limits: Limits::default(),
        expire_after: Duration::from_secs(60),
        relays: Vec::new(),
        hostname: "host.example".into(),
        first_try: Duration::ZERO,
    }
}

fn slip(to: &[&str]) -> Slip {
    let to = to.iter().map(|t| (*t).to_owned()).collect();
    Slip { key: "k".into(), user: "www".into(), uid: 33, to, ..Slip::default() }
}

fn read(slip: &Slip, from: &str) -> Result<RawSubmission, String> {
    let letter = Bytes::from(slip.letter(b"Subject: x\n\nbody\n").unwrap());
    read_letter(&letter, &house(from)).map_err(|faults| format!("{faults:?}"))
}

#[test]
fn what_the_slip_leaves_open_is_the_houses_own() {
    let mail = read(&slip(&["root", "Ada <a@b.example>"]), "Shop <shop@s.example>").unwrap();
    let to: Vec<_> = mail.envelope.to.iter().map(|r| r.address.as_str()).collect();
    assert_eq!((mail.envelope.from.as_str(), to), ("shop@s.example", vec!["root@s.example", "a@b.example"]));
    assert_eq!((mail.from.as_deref(), &mail.raw[..]), (Some("shop@s.example"), &b"Subject: x\n\nbody\n"[..]));
    assert_eq!(mail.options.idempotency_key.as_deref(), Some("letter:k"));
    let mail = read(&slip(&["root"]), "").unwrap();
    assert_eq!(mail.envelope.from.as_str(), "www@host.example");
    assert_eq!(mail.envelope.to[0].address.as_str(), "root@host.example");
}

#[test]
fn senders_and_options_are_taken() {
    let full = Slip {
        from: Some("app".into()),
        name: Some("The \"App\"".into()),
        notify: Some("SUCCESS,delay".into()),
        ret: Some("hdrs".into()),
        envid: Some("id-1".into()),
        ..slip(&["a@b.example"])
    };
    let mail = read(&full, "shop@s.example").unwrap();
    assert_eq!(mail.envelope.from.as_str(), "app@s.example");
    assert_eq!(mail.from.as_deref(), Some("\"The \\\"App\\\"\" <app@s.example>"));
    let notify = mail.envelope.to[0].notify;
    assert!(notify.success && notify.delay && !notify.failure && !notify.never);
    assert_eq!((mail.envelope.ret, mail.envelope.envid.as_deref()), (Some(Ret::Headers), Some("id-1")));
    for nobody in ["", "<>"] {
        let mail = read(&Slip { from: Some(nobody.into()), ..full.clone() }, "shop@s.example").unwrap();
        assert_eq!(mail.envelope.from, ReversePath(None));
    }
}

#[test]
fn mistakes_are_told() {
    let check = |slip: Slip, said: &str| {
        let refused = read(&slip, "shop@s.example").unwrap_err();
        assert!(refused.contains(said), "{said}: {refused}");
    };
    check(slip(&[]), "is missing");
    check(slip(&["nobody:;"]), "names nobody");
    check(slip(&["a@b@c"]), "a@b@c");
    let good = || slip(&["a@b.example"]);
    check(Slip { from: Some("a@b, c@d".into()), ..good() }, "one address");
    check(Slip { notify: Some("never,delay".into()), ..good() }, "must be never");
    check(Slip { ret: Some("half".into()), ..good() }, "full or hdrs");
    check(Slip { envid: Some("a b".into()), ..good() }, "printable");
    for letter in ["", "{}", "{}\nx", "{\"key\":1}\n", "Subject: x\n\n"] {
        assert!(read_letter(&Bytes::from(letter), &house("")).is_err(), "{letter:?}");
    }
}
