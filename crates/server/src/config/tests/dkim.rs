//! `[postrider.dkim]`: whose keys sign, and what stops the start.

use super::*;
use message::dkim::{KeyKind, SigningKey};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

/// A folder with a good key in `good.pem`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (_, pem) = SigningKey::generate(KeyKind::Ed25519).unwrap();
    write(&folder, "good.pem", &pem);
    folder
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str) {
    let file =
        std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(folder.path().join(name));
    std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
}

fn read_in(folder: &tempfile::TempDir, lines: &str) -> Outcome {
    let text = format!("[postrider.relay]\nURL = dummy://\n{lines}\n");
    read(text.as_bytes(), Path::new("app.ini"), folder.path().to_owned(), &around())
}

const GOOD: &str = "DOMAIN = example.com\nSELECTOR = s1\nKEY_FILE = good.pem\n";

#[test]
fn keys_are_read_each_with_its_domain() {
    let folder = folder();
    let lines = format!(
        "[postrider.dkim]\n{GOOD}EXPIRE = 7d\nCHECK = false\nRESOLVER = 192.0.2.1, [2001:db8::1]:5353\n\
         [postrider.dkim.second]\nSELECTOR = s2\nKEY_FILE = good.pem\nDOMAIN = B\u{fc}cher.example\nREQUIRED = true\n"
    );
    let dkim = settings(read_in(&folder, &lines)).dkim;
    let seen: Vec<_> =
        dkim.keys.iter().map(|k| (k.domain.as_str(), k.selector.as_str(), k.expires, k.required)).collect();
    let week = Some(7 * 86_400);
    let want = [("example.com", "s1", week, false), ("xn--bcher-kva.example", "s2", week, true)];
    assert_eq!(seen, want);
    assert!(!dkim.check);
    let resolvers: Vec<String> = dkim.resolvers.iter().map(ToString::to_string).collect();
    assert_eq!(resolvers, ["192.0.2.1:53", "[2001:db8::1]:5353"]);
    assert!(settings(read_in(&folder, "")).dkim.keys.is_empty());
    // What the named ones inherit is no key by itself.
    let lines = format!("[postrider.dkim]\nEXPIRE = 2d\n[postrider.dkim.one]\n{GOOD}");
    let dkim = settings(read_in(&folder, &lines)).dkim;
    assert_eq!((dkim.keys.len(), dkim.keys[0].expires, dkim.check), (1, Some(2 * 86_400), true));
}

#[test]
fn b7_130_a_key_that_is_missing_or_will_not_do_stops_the_start() {
    let folder = folder();
    write(&folder, "no.pem", "hello");
    let check = |lines: &str, expected: &[&str]| {
        check_mistakes(&read_in(&folder, &format!("[postrider.dkim]\n{lines}")), expected);
    };
    let of = |file: &str| GOOD.replace("good.pem", file);
    check(&of("gone.pem"), &["KEY_FILE: the file"]);
    check(&of("no.pem"), &["it holds no private key"]);
    check(
        "DOMAIN = example.com\n",
        &["SELECTOR: is missing", "KEY_FILE: is missing; `postrider dkim keygen`"],
    );
    check(&GOOD.replace("example.com", "localhost"), &["no domain that receivers can look up"]);
    check(&GOOD.replace("example.com", "a b.example"), &["DOMAIN: \"a b.example\""]);
    check(&GOOD.replace("s1", "s 1"), &["is no selector"]);
    check(&format!("{GOOD}EXPIRE = 1h\n"), &["too short"]);
    check(&format!("{GOOD}RESOLVER = dns.example\n"), &["no address of a DNS server"]);
    check(
        &format!("{GOOD}[postrider.dkim.twin]\n{GOOD}"),
        &["another section names the same domain and selector"],
    );
    check(
        &format!("CHECK = true\n[postrider.dkim.one]\n{GOOD}CHECK = false\n"),
        &["write it in [postrider.dkim]"],
    );
    check("REQUIRED = true\n", &["REQUIRED: says nothing without a key"]);
    check(&format!("{GOOD}KEYFILE = x\n"), &["did you mean KEY_FILE"]);
}

#[test]
fn a_key_that_everybody_may_read_is_told() {
    let folder = folder();
    let file = folder.path().join("good.pem");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let outcome = read_in(&folder, &format!("[postrider.dkim]\n{GOOD}"));
    let told: Vec<String> = outcome.findings.warnings.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("chmod o-r")), "{told:?}");
}

#[test]
fn a_relay_says_what_is_signed_on_its_way() {
    for (word, want) in [
        ("", SignedHeader::All),
        ("DKIM = without-date-and-id", SignedHeader::WithoutDateAndId),
        ("DKIM = OFF", SignedHeader::Off),
    ] {
        let read = ini(&format!("[postrider.relay]\nURL = dummy://\n{word}\n"));
        assert_eq!(settings(read).relays[0].signed, want);
    }
    let read = ini("[postrider.relay]\nURL = dummy://\nDKIM = some\n");
    check_mistakes(&read, &["DKIM: \"some\" is none of all, without-date-and-id, off"]);
}
