//! Addresses: the canonical form, what is refused, and the round trip.

use postrider_envelope::{Address, AddressError};
use proptest::prelude::*;

fn check(text: &str, want: &str) {
    assert_eq!(Address::parse(text).as_ref().map(Address::as_str), Ok(want), "{text:?}");
}

fn refused(text: &str) {
    let got = Address::parse(text);
    assert!(got.is_err(), "{text:?} became {got:?}");
    assert!(got.unwrap_err().to_string().len() > 10);
}

#[test]
fn accepted_addresses_have_one_form() {
    check("a@b.c", "a@b.c");
    check("a@b", "a@b");
    check("o'hara@Example.IE", "o'hara@example.ie");
    check("User+Tag@x.y", "User+Tag@x.y");
    check("\"a b\"@c.d", "\"a b\"@c.d");
    check("\"ab\"@c.d", "ab@c.d");
    check("\"a.b\"@c.d", "a.b@c.d");
    check("\"a..b\"@c.d", "\"a..b\"@c.d");
    check("\"a\\b\"@c.d", "ab@c.d");
    check("\"a\\\"b@\\\\\"@c.d", "\"a\\\"b@\\\\\"@c.d");
    check("\"\"@c.d", "\"\"@c.d");
    check("jürgen@föö.de", "jürgen@xn--f-1gaa.de");
    check("a@bücher.example", "a@xn--bcher-kva.example");
    check("a@BÜCHER.example", "a@xn--bcher-kva.example");
    check("a@[127.0.0.1]", "a@[127.0.0.1]");
    check("a@[ipv6:2001:DB8:0::1]", "a@[IPv6:2001:db8::1]");
    check("a@r3---sn.example", "a@r3---sn.example");
    check(&format!("{}@x.y", "l".repeat(64)), &format!("{}@x.y", "l".repeat(64)));
}

#[test]
fn refused_addresses() {
    for text in [
        "",
        "@",
        "a",
        "a@",
        "@b",
        "a@b@c",
        "a b@c.d",
        " a@b.c",
        "a@b.c ",
        ".a@b",
        "a.@b",
        "a..b@c",
        "a@b..c",
        "a@.b",
        "a@b.",
        "-a@b.c",
        "\"-a\"@b.c",
        "\"-a b\"@b.c",
        "a@-b.c",
        "a@b-.c",
        "a@b_c.d",
        "a\0@b.c",
        "a\r\nb@c.d",
        "\"a\nb\"@c.d",
        "\"a\\\nb\"@c.d",
        "a@b\n.c",
        "a@b\0c",
        "a\u{85}b@c.d",
        "a\u{2028}@c.d",
        "\"a@b.c",
        "\"a\"b@c.d",
        "a@[1.2.3]",
        "a@[1.2.3.4",
        "a@[IPv6:1.2.3.4]",
        "a@[tag:x]",
        "a@[]",
        "<a@b.c>",
        "a,b@c.d",
        "a(b)@c.d",
        "a@b(c)",
        "a\u{a0}b@c.d",
        "a@b/c.d",
        "a@b%c",
    ] {
        refused(text);
    }
    refused(&format!("{}@x.y", "l".repeat(65)));
    refused(&format!("a@{}.y", "l".repeat(64)));
    refused(&format!("a@{}y", "abcdefghi.".repeat(26)));
    assert_eq!(Address::parse(&format!("a@{}", "ü".repeat(100_000))), Err(AddressError::TooLong(255)));
}

#[test]
fn b7_122_a_domain_has_one_form_or_is_refused() {
    check("a@b。example", "a@b.example");
    check("a@ｅxample.com", "a@example.com");
    check("a@pаypal.example", "a@xn--pypal-4ve.example");
    for text in [
        "a@b.example。",
        "a@xn--abc-.example",
        "a@xn--a.example",
        "a@xn--ü.example",
        "a@\u{200b}",
        "a@a\u{202e}b.c",
    ] {
        refused(text);
    }
}

#[test]
fn a_domain_is_shown_in_unicode_and_parses_back() {
    let shown = |text: &str, want: &str| {
        let address = Address::parse(text).unwrap();
        assert_eq!(address.display(), want);
        assert_eq!(Address::parse(&address.display()).unwrap(), address);
    };
    shown("a@xn--bcher-kva.example", "a@bücher.example");
    shown("\"x y\"@BÜCHER.example", "\"x y\"@bücher.example");
    shown("a@b.c", "a@b.c");
}

#[test]
fn only_the_local_part_asks_for_smtputf8() {
    assert!(!Address::parse("a@bücher.example").unwrap().needs_smtputf8());
    assert!(Address::parse("ü@b.example").unwrap().needs_smtputf8());
}

proptest! {
    #[test]
    fn what_parses_is_canonical(text in "(\"(\\\\?.){0,8}\"|[-a-zä.+'\"]{0,8})@[a-zü0-9.\\-\\[\\]]{0,12}") {
        if let Ok(address) = Address::parse(&text) {
            prop_assert_eq!(Address::parse(address.as_str()), Ok(address.clone()));
            prop_assert_eq!(Address::parse(&address.display()), Ok(address.clone()));
            prop_assert_eq!(format!("{}@{}", address.local(), address.domain()), address.to_string());
            prop_assert!(!address.as_str().starts_with('-'));
            prop_assert!(!address.as_str().chars().any(char::is_control));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        drop(Address::parse(&text));
    }
}
