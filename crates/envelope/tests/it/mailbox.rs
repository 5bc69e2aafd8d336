//! Mailboxes and lists of them: the table of accepted and refused forms.

use postrider_envelope::{Mailbox, MailboxError};
use proptest::prelude::*;

fn check(text: &str, name: &str, address: &str) {
    let got = Mailbox::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    assert_eq!((got.name.as_deref().unwrap_or(""), got.address.as_str()), (name, address), "{text:?}");
}

fn refused(text: &str) -> MailboxError {
    match Mailbox::parse(text) {
        Ok(got) => panic!("{text:?} became {got:?}"),
        Err(e) => e,
    }
}

#[test]
fn forms_that_go_takes() {
    check("a@b.c", "", "a@b.c");
    check(" a@b.c ", "", "a@b.c");
    check("<a@b.c>", "", "a@b.c");
    check("\"X Y\" <a@b.c>", "X Y", "a@b.c");
    check("X Y <a@b.c>", "X Y", "a@b.c");
    check("Néel Inst <g@x.y>", "Néel Inst", "g@x.y");
    check("a@b.c (Name)", "Name", "a@b.c");
    check("a@b", "", "a@b");
    check("jürgen@föö.de", "", "jürgen@xn--f-1gaa.de");
}

#[test]
fn a_quoted_local_part_keeps_its_quotes() {
    check("\"a b\"@c.d", "", "\"a b\"@c.d");
    check("X <\"a b\"@c.d>", "X", "\"a b\"@c.d");
}

#[test]
fn forms_that_go_refuses() {
    assert!(refused("").to_string().contains("empty"));
    assert!(refused("Gitea.35").to_string().contains("no \"@\""));
    assert!(refused("a@b.c, d@e.f").to_string().contains("single address"));
    assert_eq!(refused("Gitea: Git <g@x.y>"), MailboxError::Group);
}

/// Go refuses a literal; RFC 5321 4.1.3 has it, so it is taken.
#[test]
fn an_address_literal_is_taken() {
    check("x@[127.0.0.1]", "", "x@[127.0.0.1]");
    check("X <x@[IPv6:::1]>", "X", "x@[IPv6:::1]");
}

#[test]
fn names() {
    check("\"Eve, E.\" <e@x.y>", "Eve, E.", "e@x.y");
    check("\"a \\\"b\\\" \\\\c\" <e@x.y>", "a \"b\" \\c", "e@x.y");
    check("=?utf-8?q?J=C3=BCrgen?= <j@b.c>", "Jürgen", "j@b.c");
    check("=?utf-8?q?J?= =?utf-8?q?=C3=BC?= X <j@b.c>", "Jü X", "j@b.c");
    check("\"=?utf-8?q?J?=\" <j@b.c>", "=?utf-8?q?J?=", "j@b.c");
    check("Dr. J. Doe <j@b.c>", "Dr. J. Doe", "j@b.c");
    check("a (x) b (y) <j@b.c> (z)", "a b", "j@b.c");
    check("<j@b.c> (z)", "z", "j@b.c");
    check("j@b.c (a (nested \\) b))", "a (nested ) b)", "j@b.c");
    check("\"\" <j@b.c>", "", "j@b.c");
    check("X<j@b.c>", "X", "j@b.c");
}

#[test]
fn refused_mailboxes() {
    for text in [
        ",",
        "a@b.c,",
        "<>",
        "X <>",
        "<a@b.c",
        "a@b.c>",
        "X <a@b.c> Y",
        "X a@b.c",
        "a@b.c <d@e.f>",
        "<a@b.c><d@e.f>",
        "\"X <a@b.c>",
        "(x a@b.c",
        "x) <a@b.c>",
        "\"X\r\nBcc: y@z\" <a@b.c>",
        "X\r\n <a@b.c>",
        "X\0 <a@b.c>",
        "=?utf-8?q?a=0D=0ABcc:?= <a@b.c>",
        "a@b.c (x\ny)",
        "<@r.x:a@b.c>",
        "<-a@b.c>",
        "a [b] <a@b.c>",
        "@b.c",
    ] {
        refused(text);
    }
    for group in ["g: a@b.c;", "g:;", "undisclosed-recipients:;", "a@b.c;", "a@b.c; d@e.f"] {
        assert_eq!(refused(group), MailboxError::Group, "{group:?}");
    }
}

#[test]
fn lists_split_at_commas_outside_quotes() {
    let list = Mailbox::parse_list("\"Eve, E.\" <e@x.y>, b@c.d (x, y),<f@g.h>").unwrap();
    let names: Vec<_> = list.iter().map(|m| (m.name.as_deref().unwrap_or(""), m.address.as_str())).collect();
    assert_eq!(names, [("Eve, E.", "e@x.y"), ("x, y", "b@c.d"), ("", "f@g.h")]);
    assert!(Mailbox::parse_list("a@b.c,,d@e.f").is_err());
    assert!(Mailbox::parse_list(" , a@b.c").is_err());
}

#[test]
fn b7_115_hostile_text_ends() {
    for unit in ["(", ",", "a@b(c)", "=?utf-8?q?=", "=?utf-8?b?a?=", "a@[", "g:", "\"", "<", "\\"] {
        let text = unit.repeat(1_000_000 / unit.len());
        assert!(Mailbox::parse_list(&text).is_err(), "{unit:?}");
    }
}

proptest! {
    #[test]
    fn a_quoted_name_survives(name in "[^\\p{Cc}\u{2028}\u{2029}]{1,20}") {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let got = Mailbox::parse(&format!("\"{quoted}\" <a@b.c>")).unwrap();
        prop_assert_eq!(got.name.as_deref().unwrap_or(""), name.trim());
    }

    #[test]
    fn no_text_panics(text in "[a@b.,;:<>()\\[\\]\"\\\\ =?é]{0,40}") {
        drop(Mailbox::parse_list(&text));
    }
}
