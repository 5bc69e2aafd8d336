//! The ini dialect, sentence by sentence.

use super::*;

/// What `k` of the root section is after reading `k = <written>`.
fn check(written: &str, expected: &str) {
    let (lines, bad) = parse(&format!("k = {written}\n"));
    assert_eq!(bad, [], "{written}");
    assert_eq!(lines.len(), 1, "{written}: {lines:?}");
    assert_eq!(lines[0].value, expected, "{written}");
}

fn check_bad(text: &str, number: usize, fragment: &str) {
    let (_, bad) = parse(text);
    assert_eq!(bad.len(), 1, "{text}: {bad:?}");
    assert_eq!(bad[0].number, number, "{text}");
    assert!(bad[0].problem.contains(fragment), "{text}: {}", bad[0].problem);
}

#[test]
fn comments_begin_anywhere_in_an_unquoted_value() {
    check("x;y", "x");
    check("a#b", "a");
    check("x ; y", "x");
    check("\"x;y\"", "\"x");
    check("# nothing", "");
    check("", "");
}

#[test]
fn protecting_quotes_keep_everything() {
    check("`x;y#z`", "x;y#z");
    check("\"\"\"x;y#z\"\"\"", "x;y#z");
    check("`a`b`", "a`b");
    check("`a` # `b`", "a` # `b");
    check("`it's \"so\"`", "it's \"so\"");
    check("``", "");
    check("\"\"\"one\ntwo;2\n\"\"\"", "one\ntwo;2\n");
    check("`one\ntwo`", "one\ntwo");
}

#[test]
fn surrounding_quotes_go_only_when_they_occur_nowhere_else() {
    check("\"plain\"", "plain");
    check("'plain'", "plain");
    check("\"Gitea\" <a@b.c>", "\"Gitea\" <a@b.c>");
    check("\"--\" ; comment", "--");
    check("\"a\" and \"b\"", "\"a\" and \"b\"");
    check("\"it's\"", "it's");
    check("\"", "\"");
    check("'a", "'a");
    check("\"\"", "");
}

#[test]
fn backslashes_dollars_and_percents_are_letters() {
    check("C:\\mail\\", "C:\\mail\\");
    check("50%%", "50%%");
    check("$x", "$x");
    check("%(K)s", "%(K)s");
}

#[test]
fn a_trailing_backslash_does_not_continue_the_line() {
    let (lines, _) = parse("a = x\\\nb = y\n");
    let read: Vec<_> = lines.iter().map(|l| (l.key.as_str(), l.value.as_str(), l.number)).collect();
    assert_eq!(read, [("a", "x\\", 1), ("b", "y", 2)]);
}

#[test]
fn sections_keys_delimiters_and_numbers() {
    let text = "\u{feff}APP_NAME = Forge\r\n\r\n# c\n  ; c\n[mailer]\nENABLED: true\n  FROM=a@b.c\nenabled = no\n\
                [mailer.override_header] ; x\n`a=b` = c\n\"q:r\" : s\nX-M = `l1\nl2`\nLAST = 1";
    let (lines, bad) = parse(text);
    assert_eq!(bad, []);
    let read: Vec<_> =
        lines.iter().map(|l| (l.section.as_str(), l.key.as_str(), l.value.as_str(), l.number)).collect();
    assert_eq!(
        read,
        [
            ("", "APP_NAME", "Forge", 1),
            ("mailer", "ENABLED", "true", 6),
            ("mailer", "FROM", "a@b.c", 7),
            ("mailer", "enabled", "no", 8),
            ("mailer.override_header", "a=b", "c", 10),
            ("mailer.override_header", "q:r", "s", 11),
            ("mailer.override_header", "X-M", "l1\nl2", 12),
            ("mailer.override_header", "LAST", "1", 14),
        ]
    );
}

#[test]
fn a_section_named_default_is_the_root() {
    let (lines, bad) = parse("[mailer]\nA = 1\n[DEFAULT]\nAPP_NAME = x\n");
    assert_eq!(bad, []);
    let read: Vec<_> = lines.iter().map(|l| (l.section.as_str(), l.key.as_str())).collect();
    assert_eq!(read, [("mailer", "A"), ("", "APP_NAME")]);
}

#[test]
fn a_value_knows_its_last_line() {
    let (lines, _) = parse("a = `x\ny\nz`\nb = \"\"\"q\n\"\"\" ; c\nd = 1\n");
    let read: Vec<_> = lines.iter().map(|l| (l.key.as_str(), l.number, l.last)).collect();
    assert_eq!(read, [("a", 1, 3), ("b", 4, 5), ("d", 6, 6)]);
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    check_bad("a = 1\nk = `x\ny = z\n", 2, "closing quote");
    check_bad("a = 1\n\nnonsense\n", 3, "KEY = VALUE");
    check_bad("[mailer\n", 1, "closing \"]\"");
    check_bad("= x\n", 1, "no key");
    check_bad("`k = x\n", 1, "closing quote");
}
