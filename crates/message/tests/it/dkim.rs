//! DKIM: the RFC's own vector, what a change breaks, keys and records.

use crate::corpus;
use crate::python::{self, MAILS};
use postrider_message::dkim::{
    BodyHash, DkimFault, KeyError, KeyKind, SignError, SignedFields, Signer, SigningKey, record_name, sign,
    verify, zone_line,
};
use postrider_message::{Profile, compose};
use std::path::PathBuf;
use std::process::Command;

fn at(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(seconds).unwrap()
}

const HEADER: &str = "From: A <a@x.example>\r\nTo: b@y.example\r\nSubject: two  blanks\r\n folded\r\n\
    List-Unsubscribe: <https://x.example/u>\r\nX-Other: free\r\n\r\n";
const BODY: &str = "Hello  there \r\n\r\nline\r\n\r\n";

fn hash(body: &str) -> [u8; 32] {
    let mut hash = BodyHash::default();
    hash.update(body.as_bytes());
    hash.finish()
}

fn signer<'a>(key: &'a SigningKey, selector: &'a str) -> Signer<'a> {
    Signer { domain: "x.example", selector, key, expires: Some(60) }
}

fn key(kind: KeyKind) -> SigningKey {
    SigningKey::generate(kind).unwrap().0
}

/// What verifying says, at the second after signing.
fn outcomes(header: &str, body: &str, records: &[(&str, &str)]) -> Vec<Result<KeyKind, DkimFault>> {
    let lookup = |name: &str| {
        let found = records.iter().find(|(selector, _)| record_name(selector, "x.example") == name);
        found.map(|(_, record)| (*record).to_owned())
    };
    verify(header.as_bytes(), body.as_bytes(), at(1001), lookup).into_iter().map(|one| one.outcome).collect()
}

/// RFC 8463, appendix A.
#[test]
fn the_rfcs_own_mail() {
    let field = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
        i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : \
        message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
        b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n \
        Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n";
    let header = "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n";
    let body = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    let record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let lookup = |name: &str| (name == "brisbane._domainkey.football.example.com").then(|| record.to_owned());
    let seen = verify(format!("{field}{header}").as_bytes(), body.as_bytes(), at(1_528_637_910), lookup);
    assert_eq!(seen[0].outcome, Ok(KeyKind::Ed25519));
    assert_eq!((seen[0].domain.as_str(), seen[0].selector.as_str()), ("football.example.com", "brisbane"));
}

#[test]
fn two_keys_sign_and_every_change_shows() {
    let (rsa, ed) = (key(KeyKind::Rsa), key(KeyKind::Ed25519));
    let signers = [signer(&rsa, "r1"), signer(&ed, "e1")];
    let fields = sign(HEADER.as_bytes(), hash(BODY), &signers, &SignedFields::default(), at(1000)).unwrap();
    let fields = String::from_utf8(fields).unwrap();
    assert!(fields.split("\r\n").all(|line| line.len() <= 78) && fields.ends_with("\r\n"), "{fields}");
    assert!(!fields.contains(" l="), "{fields}");
    let (rsa, ed) = (rsa.record(), ed.record());
    let records = [("r1", rsa.as_str()), ("e1", ed.as_str())];
    let check = |header: &str, body: &str, want: Result<KeyKind, DkimFault>| {
        let both = outcomes(header, body, &records);
        let want = match want {
            Ok(_) => [Ok(KeyKind::Rsa), Ok(KeyKind::Ed25519)],
            Err(fault) => [Err(fault.clone()), Err(fault)],
        };
        assert_eq!(both, want, "{header}{body}");
    };
    let whole = format!("{fields}{HEADER}");
    let good = Ok(KeyKind::Rsa);
    let changed = |from: &str, to: &str| fields.clone() + &HEADER.replacen(from, to, 1);
    check(&whole, BODY, good.clone());
    check(&whole, "Hello there\r\n\r\nline\r\n", good.clone());
    check(&format!("Received: by z\r\n{whole}"), BODY, good.clone());
    check(&changed("two  blanks\r\n folded", "two blanks folded "), BODY, good.clone());
    check(&changed("X-Other: free", "X-Other: changed"), BODY, good);
    check(&whole, "Hello there!\r\n\r\nline\r\n", Err(DkimFault::Body));
    check(&changed("blanks", "words"), BODY, Err(DkimFault::Signature));
    check(&changed("/u>", "/v>"), BODY, Err(DkimFault::Signature));
    for added in
        ["From: c@z.example", "subject: x", "Cc: c@z.example", "Reply-To: c@z.example", "Content-Type: x/y"]
    {
        check(&format!("{added}\r\n{whole}"), BODY, Err(DkimFault::Signature));
        check(&format!("{fields}{added}\r\n{HEADER}"), BODY, Err(DkimFault::Signature));
    }
}

#[test]
fn the_set_of_signed_fields_is_the_callers() {
    let key = key(KeyKind::Ed25519);
    let header = format!("Date: x\r\nMessage-ID: <y>\r\n{HEADER}");
    let record = key.record();
    let check = |set: &SignedFields, want: bool| {
        let fields = sign(header.as_bytes(), hash(BODY), &[signer(&key, "e1")], set, at(1000)).unwrap();
        let rewritten = header.replace("Date: x", "Date: z").replace("<y>", "<other>");
        let seen = outcomes(&(String::from_utf8(fields).unwrap() + &rewritten), BODY, &[("e1", &record)]);
        assert_eq!(seen[0].is_ok(), want);
    };
    check(&SignedFields::default(), false);
    check(&SignedFields::without_date_and_id(), true);
    // From is signed whatever the set says (RFC 6376 5.4).
    let none = SignedFields { oversigned: Vec::new(), signed: Vec::new() };
    check(&none, true);
    let fields = sign(header.as_bytes(), hash(BODY), &[signer(&key, "e1")], &none, at(1000)).unwrap();
    assert!(String::from_utf8(fields).unwrap().contains("h=From:From;"));
}

#[test]
fn what_cannot_be_signed() {
    let key = key(KeyKind::Ed25519);
    let check = |header: &str, domain: &str, selector: &str, want: SignError| {
        let one = Signer { domain, selector, key: &key, expires: None };
        let got = sign(header.as_bytes(), [0; 32], &[one], &SignedFields::default(), at(1000));
        assert_eq!(got, Err(want));
    };
    check("To: a@b.c\r\n\r\n", "x.example", "s", SignError::NoFrom);
    check(HEADER, "müller.example", "s", SignError::Domain);
    check(HEADER, "x.example; l=0", "s", SignError::Domain);
    check(HEADER, "localhost", "s", SignError::Domain);
    check(HEADER, "x.example", "s\r\nX: y", SignError::Selector);
    check(HEADER, "x.example", "", SignError::Selector);
}

#[test]
fn keys_are_read_as_they_were_made() {
    for kind in [KeyKind::Rsa, KeyKind::Ed25519] {
        let (key, pem) = SigningKey::generate(kind).unwrap();
        assert!(pem.lines().all(|line| line.len() <= 64));
        let again = SigningKey::from_pem(&pem).unwrap();
        assert_eq!((again.kind(), again.record()), (kind, key.record()));
        assert_eq!(format!("{again:?}"), format!("SigningKey({kind:?})"));
        let line = zone_line("s1", "x.example", &key.record());
        let text: String = line.split('"').skip(1).step_by(2).collect();
        assert_eq!(text, key.record());
        assert!(line.split('"').skip(1).step_by(2).all(|part| part.len() <= 255), "{line}");
        assert!(line.starts_with("s1._domainkey.x.example. IN TXT ( \"v=DKIM1; k="), "{line}");
    }
}

#[test]
fn b7_130_a_key_that_will_not_do_is_refused() {
    let check = |pem: &str, want: KeyError| assert_eq!(SigningKey::from_pem(pem).map(|_| ()), Err(want));
    check("", KeyError::NoKey);
    check("-----BEGIN PRIVATE KEY-----\nMC4=", KeyError::NoKey);
    check("-----BEGIN PUBLIC KEY-----\nMC4=\n-----END PUBLIC KEY-----\n", KeyError::NoKey);
    check("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n", KeyError::Unusable);
    check(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        KeyError::Encrypted,
    );
    check(SHORT_RSA, KeyError::Unusable);
}

/// RSA of 1024 bits, made for this test.
const SHORT_RSA: &str = include_str!("short_rsa.pem");

#[test]
fn records_that_do_not_do() {
    let key = key(KeyKind::Ed25519);
    let fields =
        sign(HEADER.as_bytes(), hash(BODY), &[signer(&key, "s")], &SignedFields::default(), at(1000))
            .unwrap();
    let whole = String::from_utf8(fields).unwrap() + HEADER;
    let good = key.record();
    let public = good.rsplit("p=").next().unwrap();
    let check = |record: &str, want: bool| {
        let seen = outcomes(&whole, BODY, &[("s", record)]);
        assert_eq!(seen[0].is_ok(), want, "{record}: {seen:?}");
    };
    check(&good, true);
    check(&format!("k=ed25519; s=tlsrpt:email; t=y:s; h=sha1:sha256; p={public} ;"), true);
    check(&format!("v=DKIM1; k=ed25519; s=tlsrpt; p={public}"), false);
    check(&format!("v=DKIM1; k=ed25519; h=sha1; p={public}"), false);
    check(&format!("k=ed25519; v=DKIM1; p={public}"), false);
    check(&format!("v=DKIM2; k=ed25519; p={public}"), false);
    check(&format!("v=DKIM1; p={public}"), false);
    check("v=DKIM1; k=ed25519; p=", false);
    check("v=DKIM1; k=ed25519; p=AAAA", false);
    check("v=DKIM1; k=ed25519", false);
    check("", false);
    assert_eq!(outcomes(&whole, BODY, &[]), [Err(DkimFault::NoRecord)]);
    let late = verify(whole.as_bytes(), BODY.as_bytes(), at(1061), |_| Some(good.clone()));
    assert_eq!(late[0].outcome, Err(DkimFault::Expired));
}

#[test]
fn hostile_signature_fields_are_malformed() {
    let check = |field: &str| {
        let seen = verify(format!("{field}\r\n{HEADER}").as_bytes(), b"", at(0), |_| Some("p=x".into()));
        assert!(seen.iter().all(|one| one.outcome.is_err()), "{field}");
        seen.len()
    };
    let base = "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=AA==; b=AA==";
    for extra in ["", "; l=0", "; x=soon", "; c=strict", "; q=ldap", "; i=@y.example", "; v=1", ";;;"] {
        assert_eq!(check(&format!("{base}{extra}")), 1);
    }
    check("DKIM-Signature:");
    check("DKIM-Signature: v=2");
    check("DKIM-Signature");
    check(&format!("DKIM-Signature: v=1; h={}", "from:".repeat(20_000)));
    let many = vec!["DKIM-Signature: v=1; a=rsa-sha256"; 100].join("\r\n");
    assert_eq!(check(&many), 8, "looked at more signatures than the limit");
}

/// dkimpy, an implementation of its own, unpacked by `cargo xtask peers`.
#[test]
fn dkimpy_verifies_500_varied_mails() {
    let (rsa, ed) = (key(KeyKind::Rsa), key(KeyKind::Ed25519));
    let signers = [signer(&rsa, "r1"), signer(&ed, "e1")].map(|one| Signer { expires: None, ..one });
    let names = ["r1", "e1"].map(|selector| record_name(selector, "x.example"));
    let mut lines = format!("{}\n", serde_json::json!({&names[0]: rsa.record(), &names[1]: ed.record()}));
    for seed in 0..MAILS {
        let (draft, _) = corpus::draft(seed);
        let mail = compose(&draft, &Profile::default(), at(1000), 7).unwrap();
        let mut hash = BodyHash::default();
        mail.body.chunks(100).for_each(|piece| hash.update(piece));
        let fields = sign(&mail.header, hash.finish(), &signers, &SignedFields::default(), at(1000)).unwrap();
        let change = if seed % 10 == 0 { &b"Subject: another\r\n"[..] } else { b"" };
        let whole = [change, &fields, &mail.header, &mail.body].concat();
        let hex: String = whole.iter().map(|b| format!("{b:02x}")).collect();
        lines += &format!("{}\n", serde_json::json!({"seed": seed, "mail": hex, "good": change.is_empty()}));
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/dkim_referee.py");
    let said = python::run(Command::new("python3").arg(script).env("PYTHONPATH", peers()), lines.into());
    assert_eq!(said, format!("{} signatures\n", MAILS * 2));
}

/// The folder of the Python packages.
fn peers() -> PathBuf {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers");
    let peers = std::env::var_os("POSTRIDER_PEERS").map_or_else(|| PathBuf::from(here), PathBuf::from);
    let python = peers.join("python");
    assert!(python.join("dkim").exists(), "dkimpy is missing; run `cargo xtask peers`");
    python
}
