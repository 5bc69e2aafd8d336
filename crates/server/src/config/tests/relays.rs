//! Relays: their order, what a named one takes from the main section, sign-in and TLS. Read here below
//! the refusal of what this version cannot do yet.

use super::*;
use crate::config::settings::{Fingerprint, Grant, Token, TokenSource};

/// The relays of a file, and the mistakes in them.
fn relays(text: &str) -> (Vec<Relay>, Vec<String>) {
    let (mut tree, mut findings) = (Tree::default(), Findings::default());
    read_ini(text, Path::new("app.ini"), &mut tree, &mut findings);
    let mut reader = Reader::new(&tree, "/etc/forge".into(), findings);
    let relays = relay::relays(&mut reader, &around());
    let told = reader.findings.mistakes.iter().map(ToString::to_string);
    (relays, told.filter(|told| !told.contains("not in this version")).collect())
}

/// The one relay of `[postrider.relay]` with these lines, as SMTP.
#[track_caller]
fn smtp(lines: &str) -> SmtpRelay {
    let (mut relays, mistakes) = relays(&format!("[postrider.relay]\n{lines}\n"));
    assert_eq!(mistakes, [""; 0], "{lines}");
    match relays.remove(0).way {
        Way::Smtp(relay) => *relay,
        other => panic!("{lines}: {other:?}"),
    }
}

#[track_caller]
fn check_refused(lines: &str, expected: &[&str]) {
    let (_, mistakes) = relays(&format!("[postrider.relay]\n{lines}\n"));
    assert_eq!(mistakes.len(), expected.len(), "{lines}: {mistakes:#?}");
    for (got, expected) in mistakes.iter().zip(expected) {
        assert!(got.contains(expected), "{lines}: {got:?} lacks {expected:?}");
        assert!(!got.contains("hunter2"), "{got}");
    }
}

#[test]
fn relays_stand_in_the_order_of_their_priority() {
    let (relays, mistakes) = relays(
        "[postrider.relay.slow]\nURL = smtps://u@slow.example\nPRIORITY = 20\nRATE = 100/m\n\
         [postrider.relay]\nURL = smtp+starttls://first.example\nMAX_IN_DOUBT = 4\nMAX_CONNECTIONS = 3\n\
         [postrider.relay.backup]\nURL = dummy://\nPRIORITY = 0\nMAX_CONNECTIONS = 7\n\
         [postrider.relay.equal]\nURL = inbox://\nMAX_IN_DOUBT = 1\n",
    );
    assert_eq!(mistakes, [""; 0]);
    let seen: Vec<_> = relays
        .iter()
        .map(|r| (r.name.as_str(), r.url.as_str(), r.priority, r.connections, r.max_in_doubt, r.rate))
        .collect();
    let minute = std::time::Duration::from_secs(60);
    assert_eq!(
        seen,
        [
            ("backup", "dummy://", 0, 7, 4, None),
            ("default", "smtp+starttls://first.example:587", 10, 3, 4, None),
            ("equal", "inbox://", 10, 3, 1, None),
            ("slow", "smtps://slow.example:465", 20, 3, 4, Some((100, minute))),
        ]
    );
}

#[test]
fn a_named_relay_takes_bounds_from_the_main_section_but_no_url_and_no_secret() {
    let main = "[postrider.relay]\nURL = smtps://u:hunter2@a.example\nREQUIRE_TLS = true\nHELO_HOSTNAME = me.example\n";
    let (relays, mistakes) = relays(&format!("{main}[postrider.relay.b]\nURL = smtp+starttls://b.example\n"));
    assert_eq!(mistakes, [""; 0]);
    let Way::Smtp(b) = &relays[1].way else { panic!("{relays:?}") };
    assert_eq!((b.helo.as_str(), b.require_tls, &b.login), ("me.example", true, &None));
    let (_, mistakes) = self::relays(&format!("{main}[postrider.relay.b]\nPRIORITY = 3\n"));
    assert_eq!(
        mistakes,
        ["app.ini:6: [postrider.relay.b] URL: is missing; write URL = smtp+starttls://user@host"]
    );
}

#[test]
fn names_of_relays() {
    for name in ["", "default", "a b", "a.b", "ä"] {
        let (_, mistakes) = relays(&format!("[postrider.relay.{name}]\nURL = dummy://\n"));
        assert!(mistakes.iter().any(|m| m.contains("is no name for a relay")), "{name:?}: {mistakes:?}");
    }
    for name in ["b", "EU-1", "b_2"] {
        let (found, mistakes) = relays(&format!("[postrider.relay.{name}]\nURL = dummy://\n"));
        assert_eq!((found[0].name.as_str(), mistakes.len()), (name, 0));
    }
}

#[test]
fn passwords_from_the_section_win_over_the_urls_and_the_mailers() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "from file\nsecond line\n").expect("written");
    let password = |lines: &str| {
        let login = smtp(&format!("URL = smtps://u:url@a.example\n{lines}")).login.expect("a login");
        (login.user, login.password.0.to_string())
    };
    assert_eq!(password(""), ("u".into(), "url".into()));
    assert_eq!(password("USER = v"), ("v".into(), "url".into()));
    assert_eq!(password("USER = v\nPASSWD = `p#1`"), ("v".into(), "p#1".into()));
    assert_eq!(password(&format!("PASSWD_FILE = {}", file.display())), ("u".into(), "from file".into()));
    check_refused(
        "URL = smtps://u@a.example\nPASSWD = hunter2\nPASSWD_COMMAND = cat x",
        &["app.ini:4: [postrider.relay] PASSWD_COMMAND: the password is written twice, here and as PASSWD"],
    );
    check_refused(
        "URL = smtps://u@a.example\nPASSWD_FILE = nowhere",
        &["PASSWD_FILE: the file /etc/forge/nowhere cannot be read"],
    );
}

#[test]
fn tokens_come_from_a_file_a_command_or_an_endpoint() {
    let token = |lines: &str| smtp(&format!("URL = smtps://u@a.example\n{lines}")).token.expect("a token");
    let key = |key| ("postrider.relay".to_owned(), key);
    let expected = Token { source: TokenSource::File("/etc/forge/t".into()), key: key("TOKEN_FILE") };
    assert_eq!(token("TOKEN_FILE = t"), expected);
    let words = ["/usr/bin/token", "-x", "a b"].map(ToOwned::to_owned).to_vec();
    let expected = Token { source: TokenSource::Command(words), key: key("TOKEN_COMMAND") };
    assert_eq!(token("TOKEN_COMMAND = /usr/bin/token -x 'a b'"), expected);
    let endpoint = |lines: &str| {
        let lines = format!("TOKEN_URL = https://id.example/token\nCLIENT_ID = me\n{lines}");
        match token(&lines).source {
            TokenSource::Endpoint(endpoint) => *endpoint,
            other => panic!("{other:?}"),
        }
    };
    let by_secret = endpoint("CLIENT_SECRET = hunter2\nSCOPE = mail.send");
    assert_eq!((by_secret.url.as_str(), by_secret.client_id.as_str()), ("https://id.example/token", "me"));
    assert_eq!((by_secret.scope.as_deref(), by_secret.grant), (Some("mail.send"), Grant::ClientCredentials));
    assert_eq!(by_secret.client_secret, Some("hunter2".to_owned().into()));
    let by_refresh = endpoint("REFRESH_TOKEN = hunter2");
    assert_eq!(by_refresh.grant, Grant::Refresh { refresh_token: "hunter2".to_owned().into() });
    assert!(!format!("{by_refresh:?}").contains("hunter2"));
}

#[test]
fn tokens_that_cannot_be_had() {
    let user = "URL = smtps://u@a.example";
    for (lines, expected) in [
        (format!("{user}\nTOKEN_FILE = t\nTOKEN_COMMAND = x"), "from here and from TOKEN_FILE"),
        (format!("{user}\nTOKEN_FILE = t\nPASSWD = hunter2"), "PASSWD: there is a token too (TOKEN_FILE)"),
        (format!("{user}\nTOKEN_COMMAND = 'x"), "is not closed"),
        ("URL = smtps://a.example\nTOKEN_FILE = t".into(), "there is a token but no user"),
        (format!("{user}\nCLIENT_SECRET = hunter2"), "says nothing without TOKEN_URL"),
        (
            format!("{user}\nTOKEN_URL = http://id.example/\nCLIENT_ID = x\nCLIENT_SECRET = hunter2"),
            "in clear; write an https",
        ),
        (
            format!("{user}\nTOKEN_URL = https://id.example/\nCLIENT_SECRET = hunter2"),
            "CLIENT_ID: is missing",
        ),
        (format!("{user}\nTOKEN_URL = https://id.example/\nCLIENT_ID = x"), "CLIENT_SECRET: is missing"),
        (
            format!(
                "{user}\nTOKEN_URL = https://i/\nCLIENT_ID = x\nREFRESH_TOKEN = hunter2\nREFRESH_TOKEN_FILE = y"
            ),
            "REFRESH_TOKEN_FILE: is written twice",
        ),
    ] {
        let (_, mistakes) = relays(&format!("[postrider.relay]\n{lines}\n"));
        assert!(mistakes.iter().any(|m| m.contains(expected)), "{lines}: {mistakes:#?}");
        assert!(!mistakes.concat().contains("hunter2"), "{mistakes:?}");
    }
    smtp(&format!("{user}\nTOKEN_URL = http://127.0.0.1:1/\nCLIENT_ID = x\nCLIENT_SECRET = hunter2"));
}

#[test]
fn mechanisms() {
    for (word, expected) in [
        ("plain", "PLAIN"),
        ("LOGIN", "LOGIN"),
        ("scram-sha-256-plus", "SCRAM-SHA-256-PLUS"),
        ("Ntlm", "NTLM"),
    ] {
        let relay = smtp(&format!("URL = smtps://u@a.example\nAUTH = {word}"));
        assert_eq!(relay.mechanism.as_deref(), Some(expected));
    }
    check_refused("URL = smtps://u@a.example\nAUTH = MD5", &["AUTH: \"MD5\" is no mechanism; write one of"]);
    check_refused("URL = smtps://a.example\nAUTH = PLAIN", &["AUTH: PLAIN needs USER"]);
    check_refused("URL = smtps://a.example\nAUTH = EXTERNAL", &["AUTH: EXTERNAL needs CLIENT_CERT_FILE"]);
    check_refused("URL = smtps://u:x@a.example\nAUTH = XOAUTH2", &["AUTH: XOAUTH2 needs TOKEN_FILE"]);
    check_refused("URL = smtps://u@a.example\nAUTH = PLAIN\nTOKEN_FILE = t", &["PLAIN takes no token"]);
}

#[test]
fn trust_in_a_relay() {
    let pin = "0a".repeat(32);
    let relay = smtp(&format!("URL = smtps://a.example\nFINGERPRINT = {pin}\nCA_FILE = /dev/null"));
    assert_eq!(relay.fingerprints, [Fingerprint([10; 32])]);
    assert_eq!(relay.ca_file.as_deref(), Some(Path::new("/dev/null")));
    let relay = smtp(
        "URL = smtps://a.example\nCLIENT_CERT_FILE = /dev/null\nCLIENT_KEY_FILE = /dev/zero\nFORCE_TRUST_SERVER_CERT = yes",
    );
    assert!(relay.trust_any && relay.client_cert.is_some_and(|files| files.key == Path::new("/dev/zero")));
    assert!(!smtp("URL = smtp+starttls://a.example\nREQUIRE_TLS = false").require_tls);
    assert!(smtp("URL = smtp+starttls://a.example").require_tls, "our own URLs demand it");
    assert!(smtp("URL = smtps://a.example\nREQUIRE_TLS = false").require_tls);
    let never = "never starts TLS";
    check_refused("URL = smtp://127.0.0.1\nREQUIRE_TLS = true", &[never]);
    check_refused(&format!("URL = smtp://127.0.0.1\nFINGERPRINT = {pin}"), &[never]);
    check_refused(
        "URL = smtps://a.example\nFORCE_TRUST_SERVER_CERT = true\nCA_FILE = /dev/null",
        &["CA_FILE: says nothing where FORCE_TRUST_SERVER_CERT"],
    );
    check_refused("URL = smtps://a.example\nCLIENT_CERT_FILE = /dev/null", &["CLIENT_KEY_FILE: is missing"]);
}

#[test]
fn the_mailers_relay_takes_what_our_section_adds() {
    let text = "[mailer]\nENABLED = true\nFROM = a@b.example\nSMTP_ADDR = a.example\nSMTP_PORT = 587\nUSER = u\n\
                PASSWD = hunter2\n[postrider.relay]\nREQUIRE_TLS = true\nAUTH = PLAIN\nMAX_CONNECTIONS = 2\n\
                PASSWD = newer\n";
    let (relays, mistakes) = relays(text);
    assert_eq!(mistakes, [""; 0]);
    let Way::Smtp(relay) = &relays[0].way else { panic!("{relays:?}") };
    assert_eq!((relays[0].connections, relay.require_tls), (2, true));
    let login = relay.login.as_ref().expect("a login");
    assert_eq!((login.user.as_str(), login.password.0.as_str()), ("u", "newer"));
    assert_eq!(relay.mechanism.as_deref(), Some("PLAIN"));
}
