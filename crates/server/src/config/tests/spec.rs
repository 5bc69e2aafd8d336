//! Gitea's mail settings as its own documents and code have them, section by section of what was
//! observed: 1.1 keys, 1.2 related keys, 1.3 addresses, 1.4 the ini dialect, 1.5 the environment, 2.1 the
//! queue. Where we differ on purpose, the case says so.

use super::*;
use crate::config::settings::Login;

const ON: &str = "[mailer]\nENABLED = true\n";

/// All there is to say of a file: relay, From, envelope, and what was told.
fn said(text: &str) -> String {
    let outcome = ini(text);
    let told = |word: &str, list: &[Finding]| -> Vec<String> {
        list.iter().map(|f| format!("{word} {}: {}", f.key, f.problem)).collect()
    };
    let mut said = told("mistake", &outcome.findings.mistakes);
    said.extend(told("warning", &outcome.findings.warnings));
    said.join("\n")
}

fn good(lines: &str) -> Settings {
    settings(ini(&format!("{ON}{lines}\n")))
}

fn smtp(lines: &str) -> SmtpRelay {
    match good(lines).relays.remove(0).way {
        Way::Smtp(relay) => *relay,
        other => panic!("{lines}: {other:?}"),
    }
}

const TLS: &str = "FROM = a@b.c\nSMTP_ADDR = m.example\nSMTP_PORT = 465\n";

#[test]
fn s1_1_enabled_in_all_of_go_inis_words() {
    for word in ["1", "t", "T", "true", "TRUE", "True", "YES", "yes", "Yes", "y", "ON", "on", "On"] {
        let text =
            format!("[mailer]\nENABLED = {word}\nFROM = a@b.c\nPROTOCOL = smtps\nSMTP_ADDR = m.example\n");
        assert_eq!(said(&text), "", "{word}");
    }
    for word in ["0", "f", "F", "false", "FALSE", "False", "NO", "no", "No", "n", "OFF", "off", "Off"] {
        let text =
            format!("[mailer]\nENABLED = {word}\nFROM = a@b.c\nPROTOCOL = smtps\nSMTP_ADDR = m.example\n");
        assert!(said(&text).starts_with("mistake ENABLED: mail is switched off"), "{word}: {}", said(&text));
    }
    for word in ["tRUE", "yEs", "2", "enabled", "Y", "N", "oui"] {
        let text =
            format!("[mailer]\nENABLED = {word}\nFROM = a@b.c\nPROTOCOL = smtps\nSMTP_ADDR = m.example\n");
        let expected = format!("mistake ENABLED: {word:?} is neither yes nor no");
        assert!(said(&text).starts_with(&expected), "{word}: {}", said(&text));
    }
}

#[test]
fn s1_1_from_and_its_default() {
    let from = |lines: &str| {
        let from = good(&format!("PROTOCOL = smtps\nSMTP_ADDR = m.example\n{lines}")).identity.profile.from;
        from.map(|m| (m.name.unwrap_or_default().to_string(), m.address.as_str().to_owned()))
    };
    let some = |name: &str, address: &str| Some((name.to_owned(), address.to_owned()));
    assert_eq!(from("FROM = \"Gitea\" <g@x.example>"), some("Gitea", "g@x.example"));
    assert_eq!(from("USER = u@x.example"), some("", "u@x.example"));
    assert_eq!(from("FROM = g@x.example\nUSER = u@x.example"), some("", "g@x.example"));
    assert_eq!(from("FROM =\nUSER = u@x.example"), some("", "u@x.example"));
    // A user that is no address ends Gitea; here each message must bring its From.
    assert_eq!(from("USER = apikey"), None);
    assert!(
        said(&format!("{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\n"))
            .starts_with("warning FROM: is missing")
    );
    for bad in ["Gitea.35", "Gitea: Git <g@x.example>", "a@b.c, d@e.f"] {
        let told = said(&format!("{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = {bad}\n"));
        assert!(told.starts_with(&format!("mistake FROM: {bad:?} is no sender")), "{told}");
    }
}

#[test]
fn s1_1_envelope_from() {
    let envelope = |line: &str| {
        let profile =
            good(&format!("PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n{line}")).identity.profile;
        profile.envelope_from.map(|path| path.0.map(|a| a.as_str().to_owned()).unwrap_or_default())
    };
    for (line, expected) in [
        ("", None),
        ("ENVELOPE_FROM =", None),
        ("ENVELOPE_FROM = <>", Some("")),
        ("ENVELOPE_FROM = bounce@b.c", Some("bounce@b.c")),
        ("ENVELOPE_FROM = Bounces <bounce@b.c>", Some("bounce@b.c")),
    ] {
        assert_eq!(envelope(line).as_deref(), expected, "{line}");
    }
    assert!(
        said(&format!("{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\nENVELOPE_FROM = x\n"))
            .contains("mistake ENVELOPE_FROM")
    );
}

#[test]
fn s1_1_protocols() {
    for word in ["smtp", "smtps", "smtp+starttls", "smtp+unix", "sendmail", "dummy"] {
        let lines =
            format!("PROTOCOL = {word}\nFROM = a@b.c\nSMTP_ADDR = 127.0.0.1\nSENDMAIL_PATH = /bin/sh");
        let relay = good(&lines).relays.remove(0);
        assert!(relay.url.starts_with(&format!("{word}://")), "{word}: {}", relay.url);
    }
    // Gitea keeps these, and sends without TLS.
    for word in ["SMTPS", "ssl", "tls", "starttls", "smtp+tls"] {
        let told = said(&format!("{ON}FROM = a@b.c\nSMTP_ADDR = m.example\nPROTOCOL = {word}\n"));
        assert!(told.starts_with(&format!("mistake PROTOCOL: {word:?} is no protocol")), "{told}");
    }
}

#[test]
fn s1_1_signing_in_needs_a_user() {
    let login = |lines: &str| smtp(&format!("{TLS}{lines}")).login;
    assert_eq!(login("PASSWD = x"), None);
    let expected = Login { user: "u".into(), password: "p".to_owned().into() };
    assert_eq!(login("USER = u\nPASSWD = p"), Some(expected));
    assert_eq!(login("USER = u").map(|l| l.password.0.len()), Some(0));
}

#[test]
fn s1_1_greeting() {
    for (lines, expected) in [
        ("", "box.example"),
        ("HELO_HOSTNAME = me.example", "me.example"),
        ("ENABLE_HELO = false", "localhost"),
        ("ENABLE_HELO = false\nHELO_HOSTNAME = me.example", "localhost"),
        ("ENABLE_HELO = maybe", "box.example"),
    ] {
        assert_eq!(smtp(&format!("{TLS}{lines}")).helo, expected, "{lines}");
    }
}

#[test]
fn s1_1_certificates() {
    assert!(!smtp(TLS).trust_any);
    assert!(smtp(&format!("{TLS}FORCE_TRUST_SERVER_CERT = true")).trust_any);
    let files = "CLIENT_CERT_FILE = /dev/null\nCLIENT_KEY_FILE = /dev/zero\n";
    assert_eq!(smtp(&format!("{TLS}{files}")).client_cert, None);
    let cert = smtp(&format!("{TLS}{files}USE_CLIENT_CERT = true")).client_cert.expect("files");
    assert_eq!((cert.cert.as_path(), cert.key.as_path()), (Path::new("/dev/null"), Path::new("/dev/zero")));
}

#[test]
fn s1_1_sendmails_timeout() {
    let timeout = |text: &str| {
        let lines =
            format!("PROTOCOL = sendmail\nFROM = a@b.c\nSENDMAIL_PATH = /bin/sh\nSENDMAIL_TIMEOUT = {text}");
        match good(&lines).relays.remove(0).way {
            Way::Sendmail(way) => way.timeout.as_millis(),
            other => panic!("{other:?}"),
        }
    };
    for (text, expected) in [
        ("", 300_000),
        ("5m", 300_000),
        ("90s", 90_000),
        ("1.5h", 5_400_000),
        ("10", 300_000),
        ("soon", 300_000),
    ] {
        assert_eq!(timeout(text), expected, "{text}");
    }
    // Gitea panics while sending.
    for text in ["0", "0s", "-5m"] {
        let told = said(&format!(
            "{ON}PROTOCOL = sendmail\nFROM = a@b.c\nSENDMAIL_PATH = /bin/sh\nSENDMAIL_TIMEOUT = {text}\n"
        ));
        assert!(told.contains("mistake SENDMAIL_TIMEOUT") && told.contains("no time to run"), "{told}");
    }
}

#[test]
fn s1_1_an_odd_switch_is_its_default_and_told() {
    for (key, default) in [
        ("SEND_AS_PLAIN_TEXT", "false"),
        ("ENABLE_HELO", "true"),
        ("FORCE_TRUST_SERVER_CERT", "false"),
        ("USE_CLIENT_CERT", "false"),
    ] {
        let told = said(&format!("{ON}{TLS}{key} = maybe\n"));
        let expected = format!("warning {key}: \"maybe\" is neither yes nor no and counts as {default}");
        assert!(told.starts_with(&expected), "{told}");
    }
}

#[test]
fn s1_1_what_no_smtp_address_can_be() {
    for (address, expected) in [
        ("smtp.example.com:587", "holds a port; write SMTP_ADDR = smtp.example.com and SMTP_PORT = 587"),
        ("smtps://smtp.example.com", "is a URL"),
        ("mail example", "neither a host name nor an IP address"),
        ("user@mail.example", "neither a host name nor an IP address"),
    ] {
        let told = said(&format!("{ON}FROM = a@b.c\nPROTOCOL = smtps\nSMTP_ADDR = {address}\n"));
        assert!(told.starts_with("mistake SMTP_ADDR: ") && told.contains(expected), "{told}");
    }
    let told = said(&format!("{ON}FROM = a@b.c\nPROTOCOL = smtp\nSMTP_ADDR = /run/m.sock\n"));
    assert!(told.contains("is a path; write PROTOCOL = smtp+unix"), "{told}");
    for address in ["[2001:db8::1]", "2001:db8::1", "192.0.2.1", "mail", "m.example.", "föö.example"] {
        assert_eq!(
            said(&format!("{ON}FROM = a@b.c\nPROTOCOL = smtps\nSMTP_ADDR = {address}\n")),
            "",
            "{address}"
        );
    }
}

#[test]
fn s1_1_old_keys_yield_to_new_ones() {
    let relay = smtp(&format!(
        "{TLS}PROTOCOL = smtps\nIS_TLS_ENABLED = false\nFORCE_TRUST_SERVER_CERT = false\nSKIP_VERIFY = true\nENABLE_HELO = true\nDISABLE_HELO = true"
    ));
    assert_eq!(
        (relay.security, relay.trust_any, relay.helo.as_str()),
        (Security::Implicit, false, "box.example")
    );
    // sendmail alone of the old types says something.
    assert_eq!(smtp(&format!("{TLS}MAILER_TYPE = smtp")).security, Security::Implicit);
    let old = "MAILER_TYPE = sendmail\nSENDMAIL_PATH = /bin/sh\nFROM = a@b.c\nIS_TLS_ENABLED = true";
    assert!(matches!(good(old).relays[0].way, Way::Sendmail(_)));
    // Gitea reads these two and drops them.
    let cert = smtp(&format!("{TLS}USE_CERTIFICATE = true\nCERT_FILE = /dev/null\nKEY_FILE = /dev/zero"))
        .client_cert;
    assert_eq!(cert.map(|files| files.key), Some("/dev/zero".into()));
}

#[test]
fn s1_1_host_as_go_splits_it() {
    for (host, expected) in [
        ("smtp.mydomain.com", "smtps://smtp.mydomain.com:465"),
        ("smtp.mydomain.com:123", "smtps://smtp.mydomain.com:123"),
        (":123", "smtps://127.0.0.1:123"),
        ("", "smtps://127.0.0.1:465"),
        ("[::1]:587", "smtp+starttls://[::1]:587"),
        ("[::1]", "smtps://[::1]:465"),
        ("%(WHERE)s", "smtps://w.example:465"),
    ] {
        let outcome = ini(&format!("WHERE = w.example:465\n{ON}FROM = a@b.c\nHOST = {host}\n"));
        assert_eq!(settings(outcome).relays[0].url, expected, "{host}");
    }
    for host in ["::1", "a:1:2", "[::1", "[::1]x", "a]:1"] {
        let told = said(&format!("{ON}FROM = a@b.c\nHOST = {host}\n"));
        assert_eq!(told.matches("mistake").count(), 1, "{host}: {told}");
        assert!(told.starts_with("mistake HOST: has "), "{host}: {told}");
    }
}

#[test]
fn s1_1_override_headers() {
    let headers = |lines: &str| {
        let text = format!(
            "{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n[mailer.override_header]\n{lines}\n"
        );
        settings(ini(&text)).identity.profile.override_headers
    };
    let list = |name: &str, values: &[&str]| {
        vec![(name.to_owned(), values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>())]
    };
    assert_eq!(headers("Reply-To = a@b.c , d@e.f"), list("Reply-To", &["a@b.c", "d@e.f"]));
    assert_eq!(headers("X-A = one\\, two"), list("X-A", &["one, two"]));
    assert_eq!(headers("message-id = x"), list("message-id", &["x"]));
    // Gitea writes the bare name; here nothing is left of it.
    assert_eq!(headers("Message-ID ="), list("Message-ID", &[]));
    for (line, expected) in [
        ("X A = b", "no header field's name"),
        ("`X:A` = b", "no header field's name"),
        ("Ä = b", "no header field's name"),
        ("X-A = `b\nBcc: c@d.e`", "holds a line end"),
    ] {
        let told = said(&format!(
            "{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n[mailer.override_header]\n{line}\n"
        ));
        assert!(told.starts_with("mistake ") && told.contains(expected), "{line}: {told}");
    }
}

#[test]
fn s1_2_a_root_url_of_keys_we_do_not_know_leaves_the_domain() {
    let text = format!(
        "[server]\nDOMAIN = git.example\nROOT_URL = %(PROTOCOL)s://%(DOMAIN)s:%(HTTP_PORT)s/\n{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n"
    );
    let style = settings(ini(&text)).identity.profile.message_id;
    assert_eq!(style, message::MessageIdStyle::Autogen { domain: "git.example".into() });
}

#[test]
fn s1_3_addresses() {
    for (text, name, address) in [
        ("a@b.c", None, "a@b.c"),
        (" a@b.c ", None, "a@b.c"),
        ("<a@b.c>", None, "a@b.c"),
        ("\"X Y\" <a@b.c>", Some("X Y"), "a@b.c"),
        ("X Y <a@b.c>", Some("X Y"), "a@b.c"),
        ("Néel Inst <g@x.y>", Some("Néel Inst"), "g@x.y"),
        ("a@b.c (Name)", Some("Name"), "a@b.c"),
        ("a@b", None, "a@b"),
        // Gitea keeps the domain in UTF-8, and loses the quotes.
        ("jürgen@föö.de", None, "jürgen@xn--f-1gaa.de"),
        ("\"a b\"@c.d", None, "\"a b\"@c.d"),
    ] {
        let mailbox = envelope::Mailbox::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((mailbox.name.as_deref(), mailbox.address.as_str()), (name, address), "{text}");
    }
    for text in ["", "Gitea.35", "a@b.c, d@e.f", "Gitea: Git <g@x.y>", "undisclosed:;"] {
        assert!(envelope::Mailbox::parse(text).is_err(), "{text}");
    }
}

#[test]
fn s1_4_passwords_as_users_write_them() {
    let cut = "warning PASSWD: ends before a # or ;, which begins a comment; put the value in backticks if that is \
               part of it, and a space before the comment if it is not";
    for (written, expected, told) in [
        ("`x;y#z`", "x;y#z", ""),
        ("\"\"\"x;y#z\"\"\"", "x;y#z", ""),
        ("`a`b`", "a`b", ""),
        ("plain", "plain", ""),
        ("'single'", "single", ""),
        ("\"double\"", "double", ""),
        ("50%%", "50%%", ""),
        ("$x", "$x", ""),
        ("tail\\", "tail\\", ""),
        ("x # comment", "x", ""),
        ("x ; comment", "x", ""),
        ("x;y", "x", cut),
        ("a#b", "a", cut),
        ("\"x;y\"", "\"x", cut),
    ] {
        let text = format!("{ON}{TLS}USER = u\nPASSWD = {written}\n");
        assert_eq!(said(&text), told, "{written}");
        let Way::Smtp(relay) = &settings(ini(&text)).relays[0].way else { panic!("{written}") };
        let password = relay.login.as_ref().map(|login| login.password.0.to_string());
        assert_eq!(password.as_deref(), Some(expected), "{written}");
    }
}

#[test]
fn s1_4_a_slip_in_a_sections_name_is_told() {
    for (section, meant) in [
        ("mailr", "mailer"),
        ("Mailer", "mailer"),
        ("queue.mailer", "queue.mail"),
        ("mailer.override_headers", "mailer.override_header"),
        ("postridr.smtp", "postrider.smtp"),
        ("postrider_http", "postrider.http"),
    ] {
        let told =
            said(&format!("{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n[{section}]\nX = 1\n"));
        assert!(told.ends_with(&format!("did you mean [{meant}]?")), "{section}: {told}");
    }
    for section in
        ["email.incoming", "camo", "queue.issue_indexer", "cache", "log", "migrations", "ui", "api"]
    {
        assert_eq!(
            said(&format!("{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n[{section}]\nX = 1\n")),
            "",
            "{section}"
        );
    }
}

#[test]
fn s1_5_the_environment_comes_after_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "p#w`d\r\n").expect("written");
    let variables = [
        ("GITEA__mailer__SMTP_ADDR", "env.example".to_owned()),
        ("GITEA__MAILER__PASSWD__FILE", secret.display().to_string()),
        ("GITEA__MAILER_0X2E_OVERRIDE_HEADER__Reply_0X2D_To", "r@b.c".into()),
        ("SEC__KEY", "x".into()),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into())).to_vec();
    let text = format!("{ON}{TLS}USER = u\nPASSWD = file\n");
    let around = Surroundings { variables, ..around() };
    let outcome = read(text.as_bytes(), Path::new("app.ini"), "/etc".into(), &around);
    assert_eq!(outcome.findings, Findings::default());
    let settings = settings(outcome);
    assert_eq!(settings.identity.profile.override_headers, [("Reply-To".into(), vec!["r@b.c".into()])]);
    assert_eq!(settings.relays[0].url, "smtps://env.example:465");
    let Way::Smtp(relay) = &settings.relays[0].way else { panic!("smtp") };
    assert_eq!(relay.login.as_ref().map(|l| l.password.0.as_str()), Some("p#w`d"));
}

#[test]
fn s2_1_queue_types_and_counts() {
    let queue = |lines: &str| {
        let text = format!("{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n{lines}\n");
        let told = said(&text);
        let settings = settings(ini(&text));
        let relay = &settings.relays[0];
        (settings.queue.kept, settings.queue.length, relay.batch, relay.connections, told)
    };
    for word in ["level", "leveldb", "levelqueue", "persistable-channel", "nonsense"] {
        assert_eq!(
            queue(&format!("[queue]\nTYPE = {word}")),
            (Kept::OnDisk, None, 64, 10, String::new()),
            "{word}"
        );
    }
    assert_eq!(queue("[queue]\nTYPE = channel").0, Kept::InMemory);
    for word in ["dummy", "immediate"] {
        let (kept, .., told) = queue(&format!("[queue.mail]\nTYPE = {word}"));
        assert_eq!((kept, told.as_str()), (Kept::TriedAtOnce, ""), "{word}");
    }
    let counts = "LENGTH = 200\nBATCH_LENGTH = 5\nMAX_WORKERS = 123";
    assert_eq!(queue(&format!("[queue]\n{counts}")), (Kept::OnDisk, Some(200), 5, 123, String::new()));
    assert_eq!(queue(&format!("[queue]\n{counts}\n[queue.mail]\nLENGTH = 7\nMAX_WORKERS = 2")).1, Some(7));
    let none = "LENGTH = 0\nBATCH_LENGTH = -1\nMAX_WORKERS = 0";
    assert_eq!(queue(&format!("[queue.mail]\n{none}")), (Kept::OnDisk, None, 64, 10, String::new()));
    let (.., told) = queue("[queue]\nLENGTH = many");
    assert!(told.starts_with("warning LENGTH: \"many\" is not a number and counts as not written"), "{told}");
}

#[test]
fn s2_1_connections_of_queues() {
    let told =
        |lines: &str| said(&format!("{ON}PROTOCOL = smtps\nSMTP_ADDR = m.example\nFROM = a@b.c\n{lines}\n"));
    let level = "[queue]\nDATADIR = queues/x\nQUEUE_NAME = _q\nSET_NAME = _u\nCONN_STR = ";
    assert_eq!(told(&format!("{level}leveldb:///data/q?nosync=1")), "");
    assert!(
        told(&format!("{level}redis://h/0")).starts_with("warning CONN_STR: is not for the queue on disk")
    );
    // Empty in [queue.mail] it undoes the common one.
    assert_eq!(told(&format!("{level}redis://h/0\n[queue.mail]\nCONN_STR =")), "");
    for key in [
        "WRAP_IF_NECESSARY",
        "MAX_ATTEMPTS",
        "TIMEOUT",
        "WORKERS",
        "BLOCK_TIMEOUT",
        "BOOST_TIMEOUT",
        "BOOST_WORKERS",
    ] {
        let expected = format!("warning {key}: was removed from Gitea and does nothing; remove it");
        assert_eq!(told(&format!("[queue]\n{key} = 1")), expected);
    }
}
