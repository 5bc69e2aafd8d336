//! Settings from files and environment: what is meant, what is refused, and how it is said.

mod dkim;
mod random;
mod relays;
mod spec;

use super::reader::STARS;
use super::*;

fn around() -> Surroundings {
    Surroundings { hostname: "box.example".into(), ..Surroundings::default() }
}

fn outcome(name: &str, text: &str) -> Outcome {
    read(text.as_bytes(), Path::new(name), "/etc/forge".into(), &around())
}

fn ini(text: &str) -> Outcome {
    outcome("app.ini", text)
}

/// The settings of a `[mailer]` section that is switched on.
fn mailer(lines: &str) -> Outcome {
    ini(&format!("[mailer]\nENABLED = true\nFROM = forge@example.com\n{lines}\n"))
}

fn settings(outcome: Outcome) -> Settings {
    outcome.settings.unwrap_or_else(|| panic!("{}", outcome.findings))
}

#[track_caller]
fn check_mistakes(outcome: &Outcome, expected: &[&str]) {
    let got: Vec<String> = outcome.findings.mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(got.len(), expected.len(), "{got:#?}");
    for (got, expected) in got.iter().zip(expected) {
        assert!(got.contains(expected), "{got:?} lacks {expected:?}");
    }
    assert!(outcome.settings.is_none());
}

/// What `[mailer]` lines come to: URL, and how many warnings.
#[track_caller]
fn check_way(lines: &str, url: &str, warnings: &[&str]) {
    let outcome = mailer(lines);
    let got: Vec<String> = outcome.findings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(got.len(), warnings.len(), "{lines}: {got:#?}");
    for (got, expected) in got.iter().zip(warnings) {
        assert!(got.contains(expected), "{lines}: {got:?} lacks {expected:?}");
    }
    assert_eq!(settings(outcome).relays[0].url, url, "{lines}");
}

#[test]
fn port_and_protocol_follow_from_each_other() {
    let clear = ["in clear"];
    check_way("SMTP_ADDR = m.example\nSMTP_PORT = 25", "smtp://m.example:25", &clear);
    check_way("SMTP_ADDR = m.example\nSMTP_PORT = 465", "smtps://m.example:465", &[]);
    check_way("SMTP_ADDR = m.example\nSMTP_PORT = 587", "smtp+starttls://m.example:587", &[]);
    check_way("SMTP_ADDR = m.example\nPROTOCOL = smtp", "smtp://m.example:25", &clear);
    check_way("SMTP_ADDR = m.example\nPROTOCOL = smtps", "smtps://m.example:465", &[]);
    check_way("SMTP_ADDR = m.example\nPROTOCOL = smtp+starttls", "smtp+starttls://m.example:587", &[]);
    check_way("SMTP_ADDR = m.example", "smtps://m.example:465", &["assumed"]);
    check_way("SMTP_ADDR = m.example\nSMTP_PORT = 2525", "smtps://m.example:2525", &["assumed"]);
    check_way("SMTP_ADDR = /run/m.sock", "smtp+unix:///run/m.sock", &[]);
    check_way("SMTP_ADDR = ./m.sock", "smtp+unix:///etc/forge/./m.sock", &[]);
    check_way("SMTP_ADDR = 127.0.0.1\nPROTOCOL = smtp", "smtp://127.0.0.1:25", &[]);
    check_way("SMTP_ADDR = [::1]\nPROTOCOL = smtp", "smtp://[::1]:25", &[]);
    check_way("PROTOCOL = dummy", "dummy://", &["app.ini:4: [mailer] PROTOCOL: dummy only logs mail"]);
}

#[test]
fn sendmail_is_found_and_its_keys_are_read() {
    let of =
        |lines: &str| match settings(mailer(&format!("PROTOCOL = sendmail\n{lines}"))).relays.remove(0).way {
            Way::Sendmail(way) => *way,
            other => panic!("{other:?}"),
        };
    let way = of("SENDMAIL_PATH = /bin/sh");
    assert_eq!((way.path.as_path(), way.args.len()), (Path::new("/bin/sh"), 0));
    assert_eq!((way.timeout.as_secs(), way.convert_crlf), (300, true));
    let way = of(
        "SENDMAIL_PATH = sh\nSENDMAIL_ARGS = -o \"a b\" 'c d' e\\ f \"$HOME\"\nSENDMAIL_TIMEOUT = 1.5m\nSENDMAIL_CONVERT_CRLF = false",
    );
    assert!(way.path.is_absolute() && way.path.ends_with("sh"), "{way:?}");
    assert_eq!(way.args, ["-o", "a b", "c d", "e f", "$HOME"]);
    assert_eq!((way.timeout.as_secs(), way.convert_crlf), (90, false));
    let check = |lines: &str, warnings: &[&str]| {
        check_way(
            &format!("PROTOCOL = sendmail\nSENDMAIL_PATH = /bin/sh\n{lines}"),
            "sendmail:///bin/sh",
            warnings,
        );
    };
    check("SENDMAIL_TIMEOUT = 90s", &[]);
    check("SENDMAIL_TIMEOUT = 5", &["\"5\" is not a duration and counts as 5m"]);
    check("SENDMAIL_TIMEOUT = soon", &["counts as 5m"]);
    check_way(
        "PROTOCOL = dummy\n[postrider.relay]\nURL = sendmail:///bin/sh?args=-x",
        "sendmail:///bin/sh",
        &[],
    );
}

#[test]
fn a_sendmail_that_cannot_be_run_is_refused() {
    for (lines, expected) in [
        (
            "PROTOCOL = sendmail\nSENDMAIL_PATH = no-such-program",
            "app.ini:5: [mailer] SENDMAIL_PATH: there is no program \"no-such-program\" in any folder of PATH",
        ),
        (
            "PROTOCOL = sendmail\nSENDMAIL_PATH = ./x",
            "app.ini:5: [mailer] SENDMAIL_PATH: /etc/forge/./x is no program",
        ),
        (
            "PROTOCOL = sendmail\nSENDMAIL_PATH = sh\nSENDMAIL_ARGS = -o 'x",
            "app.ini:6: [mailer] SENDMAIL_ARGS: a quote or backslash is not closed",
        ),
        (
            "PROTOCOL = sendmail\nSENDMAIL_PATH = sh\nSENDMAIL_TIMEOUT = 0",
            "app.ini:6: [mailer] SENDMAIL_TIMEOUT: \"0\" leaves no time",
        ),
        (
            "PROTOCOL = sendmail\nSENDMAIL_PATH = sh\nSENDMAIL_TIMEOUT = -5m",
            "app.ini:6: [mailer] SENDMAIL_TIMEOUT: \"-5m\" leaves no time",
        ),
        (
            "PROTOCOL = dummy\n[postrider.relay]\nURL = sendmail:///no/such?args=x",
            "app.ini:6: [postrider.relay] URL: /no/such is no program",
        ),
    ] {
        check_mistakes(&mailer(lines), &[expected]);
    }
}

#[test]
fn b5_93_a_dummy_is_told_wherever_it_stands() {
    let dummy = "dummy only logs mail";
    check_way("PROTOCOL = dummy", "dummy://", &[dummy]);
    check_way(
        "[postrider.relay]\nURL = dummy://",
        "dummy://",
        &[&format!("app.ini:5: [postrider.relay] URL: {dummy}")],
    );
    let second =
        "[postrider.relay]\nURL = smtps://m.example\n[postrider.relay.b]\nURL = dummy://\nPRIORITY = 90";
    check_way(second, "smtps://m.example:465", &[&format!("app.ini:7: [postrider.relay.b] URL: {dummy}")]);
}

#[test]
fn what_cannot_be_said_in_ehlo() {
    for name in ["my host", "föö.example", "a\"b", "x_y/z"] {
        let outcome = mailer(&format!("SMTP_ADDR = m\nSMTP_PORT = 465\nHELO_HOSTNAME = `{name}`"));
        check_mistakes(&outcome, &["app.ini:6: [mailer] HELO_HOSTNAME: "]);
    }
    check_way("SMTP_ADDR = m\nSMTP_PORT = 465\nHELO_HOSTNAME = [192.0.2.1]", "smtps://m:465", &[]);
}

#[test]
fn unusual_ports_are_told() {
    check_way(
        "SMTP_ADDR = m.example\nPROTOCOL = smtps\nSMTP_PORT = 25",
        "smtps://m.example:25",
        &["unusual"],
    );
    check_way(
        "SMTP_ADDR = m.example\nPROTOCOL = smtps\nSMTP_PORT = 587",
        "smtps://m.example:587",
        &["unusual"],
    );
    check_way(
        "SMTP_ADDR = m.example\nPROTOCOL = smtp\nSMTP_PORT = 465",
        "smtp://m.example:465",
        &["smtps was meant"],
    );
}

#[test]
fn old_keys_become_new_ones_with_one_warning_each() {
    check_way("HOST = m.example", "smtps://m.example:465", &["assumed", "SMTP_ADDR"]);
    check_way("HOST = m.example:123", "smtps://m.example:123", &["assumed", "SMTP_ADDR"]);
    check_way("HOST = :123", "smtps://127.0.0.1:123", &["assumed", "SMTP_ADDR"]);
    check_way(
        "HOST = m.example:25\nIS_TLS_ENABLED = false",
        "smtp+starttls://m.example:25",
        &["SMTP_ADDR", "PROTOCOL"],
    );
    check_way(
        "HOST = m.example:465\nIS_TLS_ENABLED = true",
        "smtps://m.example:465",
        &["SMTP_ADDR", "PROTOCOL"],
    );
    check_way(
        "HOST = old.example\nSMTP_ADDR = m.example\nSMTP_PORT = 465",
        "smtps://m.example:465",
        &["SMTP_ADDR"],
    );
    check_way(
        "SMTP_ADDR = m.example\nPROTOCOL = smtp+startls",
        "smtp+starttls://m.example:587",
        &["smtp+startls"],
    );
    let way = |lines: &str| match settings(mailer(lines)).relays.remove(0).way {
        Way::Smtp(relay) => relay,
        other => panic!("{other:?}"),
    };
    assert!(way("HOST = m.example:465\nSKIP_VERIFY = true").trust_any);
    assert_eq!(way("HOST = m.example:465\nDISABLE_HELO = true").helo, "localhost");
    assert!(settings(mailer("HOST = m:465\nENABLE_HTML_ALTERNATIVE = false")).identity.profile.plain_text);
    check_mistakes(
        &mailer("PROTOCOL = dummy\nSEND_BUFFER_LEN = 100"),
        &["app.ini:5: [mailer] SEND_BUFFER_LEN"],
    );
}

#[test]
fn mail_switched_off_names_its_line() {
    check_mistakes(
        &ini("[mailer]\n\nENABLED = false\nSMTP_ADDR = x\n"),
        &["app.ini:3: [mailer] ENABLED: mail is switched off"],
    );
    check_mistakes(&ini("[mailer]\nSMTP_ADDR = x\n"), &["[mailer] ENABLED: is missing"]);
    check_mistakes(&ini("[mailer]\nENABLED = sure\n"), &["app.ini:2: [mailer] ENABLED"]);
    check_mistakes(&ini(""), &["no relay is set"]);
}

#[test]
fn what_cannot_work_is_refused_with_place_and_remedy() {
    for (lines, expected) in [
        (
            "PROTOCOL = SMTPS\nSMTP_ADDR = m",
            "app.ini:4: [mailer] PROTOCOL: \"SMTPS\" is no protocol; write one of smtp,",
        ),
        ("PROTOCOL = smtp", "[mailer] SMTP_ADDR: is missing"),
        ("SMTP_ADDR = m\nSMTP_PORT = smtp", "app.ini:5: [mailer] SMTP_PORT: \"smtp\" is not a port"),
        ("PROTOCOL = dummy\nFROM = Forge", "app.ini:5: [mailer] FROM: \"Forge\" is no sender"),
        ("PROTOCOL = dummy\nENVELOPE_FROM = x", "app.ini:5: [mailer] ENVELOPE_FROM"),
        (
            "PROTOCOL = dummy\nSUBJECT_PREFIX = `x\nBcc: y`",
            "app.ini:5: [mailer] SUBJECT_PREFIX: holds a line end",
        ),
        (
            "SMTP_ADDR = m\nSMTP_PORT = 465\nUSE_CLIENT_CERT = true",
            "app.ini:6: [mailer] CLIENT_CERT_FILE: is missing",
        ),
        (
            "SMTP_ADDR = m\nSMTP_PORT = 465\nUSE_CLIENT_CERT = true\nCLIENT_CERT_FILE = c\nCLIENT_KEY_FILE = /dev/null",
            "app.ini:7: [mailer] CLIENT_CERT_FILE: the file /etc/forge/c cannot be read",
        ),
        (
            "PROTOCOL = dummy\n[queue]\nTYPE = redis\nCONN_STR = redis+cluster://a:1,b:2",
            "app.ini:7: [queue] CONN_STR: a Redis Cluster cannot keep the queue",
        ),
        ("PROTOCOL = dummy\n[postrider]\nMEMORY = 1M", "app.ini:6: [postrider] MEMORY"),
        (
            "PROTOCOL = dummy\n[postrider.http]\nLISTN = :1",
            "app.ini:6: [postrider.http] LISTN: no such key; did you mean LISTEN?",
        ),
        ("PROTOCOL = dummy\n[postrider.http]\nLISTEN = nonsense", "app.ini:6: [postrider.http] LISTEN"),
        (
            "PROTOCOL = dummy\n[postrider.bounce]\nADDRESS = x",
            "app.ini:6: [postrider.bounce] ADDRESS: is not in this version",
        ),
        (
            "PROTOCOL = dummy\n[postrider.htp]\nLISTEN = x",
            "app.ini:6: [postrider.htp]: no such section; did you mean [postrider.http]?",
        ),
        (
            "PROTOCOL = dummy\n[postrider.relay.b]\nURL = nowhere",
            "app.ini:6: [postrider.relay.b] URL: this is no relay's URL",
        ),
        (
            "PROTOCOL = dummy\n[postrider.relay]\nURL = lmtp://x:y",
            "app.ini:6: [postrider.relay] URL: what stands behind the last colon is not a port",
        ),
        (
            "PROTOCOL = dummy\n[postrider.relay]\nURL = smtp://127.0.0.1\nPASSWD = x",
            "app.ini:7: [postrider.relay] PASSWD: there is a password but no user",
        ),
        (
            "PROTOCOL = dummy\n[postrider.queue]\nEXPIRE = 5",
            "app.ini:6: [postrider.queue] EXPIRE: \"5\" is not a duration",
        ),
        ("PROTOCOL = dummy\nPASSWD = `x", "app.ini:5: the value's closing quote is missing"),
    ] {
        check_mistakes(&mailer(lines), &[expected]);
    }
}

#[test]
fn what_several_relays_inherit_is_told_once_where_it_stands() {
    let text = "[postrider.relay]\nURL = inbox://\nMAX_CONNECTIONS = many\n[postrider.relay.b]\nURL = inbox://\n\
                [postrider.relay.c]\nURL = inbox://\n";
    check_mistakes(&ini(text), &["app.ini:3: [postrider.relay] MAX_CONNECTIONS: \"many\" is no number"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let outcome = mailer(
        "PROTOCOL = ssl\n[postrider.queue]\nEXPIRE = x\nRETRIES = 3\n[postrider.smtp]\nALLOW_LOCAL = maybe",
    );
    check_mistakes(
        &outcome,
        &[
            "app.ini:4: [mailer] PROTOCOL",
            "app.ini:6: [postrider.queue] EXPIRE",
            "app.ini:7: [postrider.queue] RETRIES",
            "app.ini:9: [postrider.smtp] ALLOW_LOCAL",
        ],
    );
}

#[test]
fn unknown_keys_of_gitea_get_one_warning_and_other_sections_none() {
    let outcome = mailer(
        "SMTP_ADDR = m\nSMTP_PORT = 465\nSMPT_ADDR = x\n[queue]\nWORKERS = 3\n[database]\nHOST = x\n[server]\nHTTP_PORT = 3000",
    );
    let got: Vec<String> = outcome.findings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        got,
        [
            "app.ini:6: [mailer] SMPT_ADDR: not a key we know, ignored; did you mean SMTP_ADDR?",
            "app.ini:8: [queue] WORKERS: was removed from Gitea and does nothing; remove it",
        ]
    );
    assert!(outcome.settings.is_some());
}

#[test]
fn a_relay_that_is_our_own_door_is_refused() {
    for (relay, door, expected) in [
        ("smtp://127.0.0.1:2525", "[postrider.smtp]\nLISTEN = 127.0.0.1:2525", "[postrider.smtp] LISTEN"),
        ("smtp://localhost:2525", "[postrider.smtp]\nLISTEN = 0.0.0.0:2525", "[postrider.smtp] LISTEN"),
        ("smtp://127.0.0.1:8025", "", "[postrider.http] LISTEN"),
        ("smtp://[::1]:2525", "[postrider.smtp]\nLISTEN = [::]:2525", "[postrider.smtp] LISTEN"),
        ("smtp://127.0.0.9:2525", "[postrider.smtp]\nLISTEN = 0.0.0.0:2525", "[postrider.smtp] LISTEN"),
        ("smtp://127.0.0.9:2525", "[postrider.smtp]\nLISTEN = [::]:2525", "[postrider.smtp] LISTEN"),
        (
            "smtp://[::ffff:127.0.0.1]:2525",
            "[postrider.smtp]\nLISTEN = 127.0.0.1:2525",
            "[postrider.smtp] LISTEN",
        ),
        ("smtp://0.0.0.0:2525", "[postrider.smtp]\nLISTEN = 127.0.0.1:2525", "[postrider.smtp] LISTEN"),
        (
            "smtp+starttls://BOX.example:2525",
            "[postrider.smtp]\nLISTEN = 0.0.0.0:2525",
            "[postrider.smtp] LISTEN",
        ),
        ("lmtp://127.0.0.1:2525", "[postrider.smtp]\nLISTEN = 127.0.0.1:2525", "[postrider.smtp] LISTEN"),
        ("smtp+unix:///run/x", "[postrider.smtp]\nLISTEN = unix:/run/x", "[postrider.smtp] LISTEN"),
        ("smtp+unix:///etc/forge/postrider-data/submit.sock", "", "DATA_DIR"),
    ] {
        let outcome = ini(&format!("[postrider.relay]\nURL = {relay}\n{door}\n"));
        check_mistakes(&outcome, &["app.ini:2: [postrider.relay] URL: the relay is our own door"]);
        assert!(outcome.findings.to_string().contains(expected), "{relay}: {}", outcome.findings);
    }
    for (relay, door) in [
        ("127.0.0.1:2526", "127.0.0.1:2525"),
        ("127.0.0.2:2525", "127.0.0.1:2525"),
        ("[::1]:2525", "0.0.0.0:2525"),
        ("203.0.113.77:2525", "0.0.0.0:2525"),
        ("localhost:2525", "192.0.2.1:2525"),
    ] {
        settings(ini(&format!(
            "[postrider.relay]\nURL = smtp://{relay}\n[postrider.smtp]\nLISTEN = {door}\n"
        )));
    }
}

#[test]
fn a_relay_that_is_our_own_socket_by_a_link_or_in_the_runtime_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::create_dir(&real).expect("a folder");
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    let check = |relay: &str, lines: &str, variables: &[(&str, String)], expected: &str| {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let around = Surroundings { variables, ..around() };
        let text = format!("[postrider.relay]\nURL = smtp+unix://{relay}\n{lines}\n");
        let outcome = read(text.as_bytes(), Path::new("app.ini"), "/etc".into(), &around);
        assert!(outcome.findings.to_string().contains(expected), "{relay}: {}", outcome.findings);
    };
    let (at_link, at_real) = (link.join("smtp.sock"), real.join("smtp.sock"));
    let door = format!("[postrider.smtp]\nLISTEN = unix:{}", at_real.display());
    check(&at_link.display().to_string(), &door, &[], "our own door, [postrider.smtp] LISTEN");
    let data = format!("[postrider]\nDATA_DIR = {}", real.display());
    check(&link.join("submit.sock").display().to_string(), &data, &[], "our own door, [postrider] DATA_DIR");
    let runtime = [("RUNTIME_DIRECTORY", format!("{}:/run/other", real.display()))];
    check(&link.join("submit.sock").display().to_string(), "", &runtime, "our own door, $RUNTIME_DIRECTORY");
}

#[test]
fn a_program_that_is_postrider_itself_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("sendmail");
    std::os::unix::fs::symlink("/bin/sh", &link).expect("a link");
    let binary = std::fs::canonicalize("/bin/sh").ok();
    let around = Surroundings { binary, ..around() };
    let read_with = |lines: &str, around: &Surroundings| {
        let text = format!("[mailer]\nENABLED = true\nFROM = a@b.c\nPROTOCOL = sendmail\n{lines}\n");
        read(text.as_bytes(), Path::new("app.ini"), "/etc".into(), around)
    };
    let own = format!("SENDMAIL_PATH = {}", link.display());
    let told = "app.ini:5: [mailer] SENDMAIL_PATH: the program is postrider itself";
    check_mistakes(&read_with(&own, &around), &[told]);
    let url = format!("[postrider.relay]\nURL = sendmail://{}", link.display());
    check_mistakes(
        &read_with(&url, &around),
        &["app.ini:6: [postrider.relay] URL: the program is postrider"],
    );
    settings(read_with("SENDMAIL_PATH = /bin/cat", &around));
    settings(read_with(&own, &super::tests::around()));
}

#[test]
fn messages_get_the_house_rules() {
    let outcome = ini(
        "APP_NAME = Forge\n[server]\nDOMAIN = inner\nROOT_URL = https://forge.example:3000/x\n\
        [mailer]\nENABLED = true\nPROTOCOL = dummy\nFROM = \"%(APP_NAME)s\" <f@example.com>\nENVELOPE_FROM = <>\n\
        SUBJECT_PREFIX = `[#1]`\nSEND_AS_PLAIN_TEXT = yes\n[mailer.override_header]\nReply-To = a@b.c, d@e.f\nX-A = x\\,y\nX-B =\n",
    );
    let identity = settings(outcome).identity;
    let p = identity.profile;
    assert_eq!(
        p.from.map(|m| (m.name, m.address.as_str().to_owned())),
        Some((Some("Forge".into()), "f@example.com".into()))
    );
    assert_eq!(p.envelope_from, Some(envelope::ReversePath(None)));
    assert_eq!((p.subject_prefix.as_str(), p.plain_text), ("[#1]", true));
    let headers: Vec<_> = p.override_headers.iter().map(|(n, v)| (n.as_str(), v.join("|"))).collect();
    assert_eq!(headers, [("Reply-To", "a@b.c|d@e.f".into()), ("X-A", "x,y".into()), ("X-B", String::new())]);
    assert_eq!(p.message_id, message::MessageIdStyle::Autogen { domain: "forge.example".into() });
    assert_eq!(identity.hostname, "forge.example");
}

#[test]
fn the_domain_is_the_root_urls_unless_that_is_an_address() {
    for (server, expected) in [
        ("", "localhost"),
        ("DOMAIN = d.example", "d.example"),
        ("DOMAIN = d.example\nROOT_URL = http://192.0.2.1:3000/", "d.example"),
        ("DOMAIN = d.example\nROOT_URL = http://[2001:db8::1]/", "d.example"),
        ("ROOT_URL = https://u@r.example/gitea/", "r.example"),
    ] {
        let outcome =
            ini(&format!("[server]\n{server}\n[mailer]\nENABLED = 1\nPROTOCOL = dummy\nFROM = a@b.c\n"));
        let style = settings(outcome).identity.profile.message_id;
        assert_eq!(style, message::MessageIdStyle::Autogen { domain: expected.into() }, "{server}");
    }
}

#[test]
fn toml_holds_the_same_tree() {
    let mut s = settings(outcome(
        "postrider.toml",
        "[postrider]\nDATA_DIR = \"mail\"\n[postrider.http]\nLISTEN = \"unix:http.sock\"\n\
        [postrider.relay]\nURL = \"smtps://u@m.example\"\nPASSWD = \"p%(x)s\"\nMAX_CONNECTIONS = 3\n[postrider.queue]\nRETRY = [\"1m\", \"1h\"]\n\
        [queue]\nTYPE = \"channel\"\nLENGTH = 7\n[mailer]\nFROM = \"a@b.example\"\n",
    ));
    assert_eq!(s.data_dir, Path::new("/etc/forge/mail"));
    assert_eq!(s.http.listen, Listen::Unix("/etc/forge/http.sock".into()));
    assert_eq!(
        (s.relays[0].url.as_str(), s.relays[0].connections, s.relays[0].batch),
        ("smtps://m.example:465", 3, 64)
    );
    assert_eq!((s.queue.kept, s.queue.length, s.queue.retry.len()), (Kept::InMemory, Some(7), 2));
    assert_eq!(s.identity.profile.message_id, message::MessageIdStyle::Unique { domain: "b.example".into() });
    let Way::Smtp(relay) = s.relays.remove(0).way else { panic!("smtp") };
    let login = relay.login.expect("a login");
    assert_eq!((login.user.as_str(), login.password.0.as_str()), ("u", "p%(x)s"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let variables = [("GITEA__MAILER__SMTP_ADDR", "env.example"), ("POSTRIDER__QUEUE__EXPIRE", "1d")];
    let variables = variables.map(|(n, v)| (n.into(), v.into())).to_vec();
    let around = Surroundings { variables, ..around() };
    let text = b"[mailer]\nENABLED = true\nFROM = a@b.c\nSMTP_ADDR = file.example\nSMTP_PORT = 465\n";
    let s = settings(read(text, Path::new("app.ini"), "/etc".into(), &around));
    assert_eq!((s.relays[0].url.as_str(), s.queue.expire.as_secs()), ("smtps://env.example:465", 86_400));
}

#[test]
fn secrets_are_shown_as_stars() {
    let text =
        "SMTP_ADDR = m\nSMTP_PORT = 465\nUSER = u\nPASSWD = hunter2\n[postrider.relay]\nPASSWD = hunter2";
    let outcome = mailer(text);
    let shown = format!("{:?} {:?}", outcome.shown, outcome.settings);
    assert!(shown.contains(STARS) && !shown.contains("hunter2"), "{shown}");
    let outcome = mailer("[postrider.relay]\nURL = smtps://u:hunter2@m.example");
    let shown = format!("{:?} {:?}", outcome.shown, outcome.settings);
    assert!(shown.contains("smtps://m.example:465") && !shown.contains("hunter2"), "{shown}");
}
