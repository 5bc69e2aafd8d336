//! The table is whole, and what is generated from it loads and says what the program does.

use super::*;
use crate::config::{Dialect, Findings, Outcome, Surroundings, read};
use std::path::Path;

fn load(name: &str, text: &str) -> Outcome {
    let around = Surroundings { hostname: "box.example".into(), ..Surroundings::default() };
    read(text.as_bytes(), Path::new(name), "/etc/forge".into(), &around)
}

/// The text with every default that stands for a value written out.
fn with_defaults(text: &str, mark: char) -> String {
    let plain = text.lines().map(|line| match line.strip_prefix(mark) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_uppercase()) => {
            let (_, value) = rest.split_once('=').expect("a key");
            if ["", "\"\""].contains(&value.trim()) { line } else { rest }
        }
        _ => line,
    });
    plain.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(name: &str, dialect: Dialect, mark: char) {
    check_text(name, &sample::sample(dialect), mark);
}

/// The text loads, and with its defaults written out means the same.
#[track_caller]
fn check_text(name: &str, text: &str, mark: char) {
    let plain = load(name, text);
    assert_eq!(plain.findings, Findings::default(), "{name}");
    let written = with_defaults(text, mark);
    assert!(written.matches(&format!("\n{mark}")).count() < text.matches(&format!("\n{mark}")).count());
    let written = load(name, &written);
    assert_eq!(written.findings, Findings::default(), "{name} with its defaults written out");
    let settings = |outcome: Outcome| format!("{:#?}", outcome.settings.expect("settings"));
    assert_eq!(settings(written), settings(plain), "{name}: a default of the table is not the program's");
}

#[test]
fn the_samples_load_and_their_defaults_are_ours() {
    check("app.ini", Dialect::Gitea, ';');
    check("postrider.toml", Dialect::Toml, '#');
}

#[test]
fn the_defaults_of_a_local_program_are_ours() {
    let text = sample::sample(Dialect::Gitea);
    let program = text.replace("\nPROTOCOL = smtp+starttls", "\nPROTOCOL = sendmail");
    let program = program.replace("\n;SENDMAIL_PATH = sendmail", "\nSENDMAIL_PATH = /bin/sh");
    assert!(program.contains("= sendmail") && program.contains("= /bin/sh"));
    check_text("app.ini", &program, ';');
}

#[test]
fn the_documents_are_what_the_table_says() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, format, expected) in [
        ("app.ini", "ini", sample::sample(Dialect::Gitea)),
        ("postrider.toml", "toml", sample::sample(Dialect::Toml)),
        ("settings.md", "markdown", sample::reference()),
    ] {
        let found = std::fs::read_to_string(docs.join(name)).unwrap_or_default();
        assert!(
            found == expected,
            "docs/{name} is not what the table says; run `cargo run -- config sample --format {format} > docs/{name}`"
        );
    }
}

#[test]
fn the_samples_name_every_key_that_is_read() {
    for (dialect, text) in [Dialect::Gitea, Dialect::Toml].map(|d| (d, sample::sample(d))) {
        for section in sections().filter(|s| s.name != "queue.mail") {
            for key in section.keys.iter().filter(|key| key.state == State::Read) {
                let named = |mark: &str| text.contains(&format!("\n{mark}{} =", key.name));
                assert!(
                    named("") || named(";") || named("#"),
                    "{dialect:?}: [{}] {}",
                    section.name,
                    key.name
                );
            }
        }
    }
}

#[test]
fn the_table_is_well_formed() {
    let mut seen = std::collections::BTreeSet::new();
    for section in sections() {
        for key in section.keys {
            assert!(seen.insert((section.name, key.name)), "[{}] {} stands twice", section.name, key.name);
            assert!(find(section.name, key.name).is_some());
            let is_sentence = key.about.ends_with('.') || matches!(key.state, State::Gone(_));
            assert!(is_sentence, "[{}] {}: {:?} is no sentence", section.name, key.name, key.about);
            if let State::Old(new) = key.state {
                assert!(find(section.name, new).is_some(), "{new}");
            }
        }
    }
}

#[test]
fn sections_and_keys_that_were_probably_meant() {
    for (section, expected) in [
        ("postrider.htp", Some("postrider.http")),
        ("http", Some("postrider.http")),
        ("relay", Some("postrider.relay")),
        ("postridr.smtp", Some("postrider.smtp")),
        ("mailr", Some("mailer")),
        ("database", None),
    ] {
        assert_eq!(nearest_section(section), expected, "{section}");
    }
    for (section, key, expected) in [
        ("postrider.http", "LISTN", Some("LISTEN")),
        ("postrider.relay.eu", "listen", None),
        ("postrider.relay.eu", "max_connection", Some("MAX_CONNECTIONS")),
        ("mailer", "SMTP_ADRR", Some("SMTP_ADDR")),
        ("mailer", "XYZ", None),
        ("mailer", "SMTP_HOST", Some("SMTP_ADDR")),
        ("mailer", "password", Some("PASSWD")),
        ("postrider.relay", "Host", Some("URL")),
        ("postrider.http", "HOST", None),
    ] {
        assert_eq!(nearest_key(section, key), expected, "[{section}] {key}");
    }
}

#[test]
fn distances() {
    for (a, b, expected) in [
        ("", "", 0),
        ("A", "", 1),
        ("", "AB", 2),
        ("LISTEN", "LISTEN", 0),
        ("LISTN", "LISTEN", 1),
        ("AB", "BA", 2),
    ] {
        assert_eq!(distance(a, b), expected, "{a} {b}");
    }
}
