//! Adopted files: what goes, what comes, and that both send alike.

use super::*;

fn around() -> Surroundings {
    Surroundings { hostname: "box.example".into(), ..Surroundings::default() }
}

fn wishes(data_dir: Option<&str>) -> Wishes {
    Wishes { listen: ([127, 0, 0, 1], 2525).into(), data_dir: data_dir.map(Into::into) }
}

fn adopted(text: &str) -> Result<Adopted, Refused> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.ini");
    std::fs::write(&path, text).expect("written");
    adopt(&path, &around(), &wishes(None))
}

#[track_caller]
fn check(old: &str, expected: &str) {
    let first = adopted(old).unwrap_or_else(|refused| panic!("{old}: {refused}"));
    assert!(!first.changes.concat().contains("hunter2"), "{:?}", first.changes);
    let text = first.text.expect("something to do");
    assert_eq!(text, expected);
    let again = adopted(&text).unwrap_or_else(|refused| panic!("{text}: {refused}"));
    assert_eq!((again.text, again.changes), (None, Vec::new()), "twice");
}

#[test]
fn the_relay_moves_and_the_rest_stays() {
    check(
        "; ours\nAPP_NAME = Forge ; x\n\n[mailer]\nENABLED = true\n# the relay\nPROTOCOL = smtps\nSMTP_ADDR = mail.example.com\n\
         USER = forge@example.com\nPASSWD = `hunter2#`\nSUBJECT_PREFIX = [F]\n\n[database]\nDB_TYPE = sqlite3\n",
        "; ours\nAPP_NAME = Forge ; x\n\n[mailer]\nENABLED = true\n# the relay\nFROM = forge@example.com\nPROTOCOL = smtp\n\
         SMTP_ADDR = 127.0.0.1\nSMTP_PORT = 2525\nSUBJECT_PREFIX = [F]\n\n[database]\nDB_TYPE = sqlite3\n\n\
         [postrider.smtp]\nLISTEN = 127.0.0.1:2525\nALLOW_LOCAL = true\n\n[postrider.relay]\n\
         URL = smtps://mail.example.com:465\nUSER = forge@example.com\nPASSWD = `hunter2#`\n",
    );
}

#[test]
fn old_keys_and_what_ours_adds() {
    check(
        "[mailer]\nENABLED = true\nFROM = a@b.example\nHOST = m.example:587\nIS_TLS_ENABLED = false\nDISABLE_HELO = true\n\
         SKIP_VERIFY = true\n[postrider.smtp]\nLISTEN = 0.0.0.0:1025\n[postrider.relay]\nMAX_CONNECTIONS = 2\n[cron]\nX = 1",
        "[mailer]\nENABLED = true\nFROM = a@b.example\nPROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = 1025\n\
         [postrider.smtp]\nLISTEN = 0.0.0.0:1025\nALLOW_LOCAL = true\n[postrider.relay]\nMAX_CONNECTIONS = 2\n\
         URL = smtp+starttls://m.example:587\nREQUIRE_TLS = false\nFORCE_TRUST_SERVER_CERT = true\nHELO_HOSTNAME = localhost\n\
         [cron]\nX = 1",
    );
}

#[test]
fn programs_sockets_and_lines_of_windows() {
    check(
        "[mailer]\r\nENABLED = true\r\nFROM = a@b.example\r\nPROTOCOL = sendmail\r\nSENDMAIL_PATH = /bin/sh\r\n\
         SENDMAIL_ARGS = -o \"a b\" --\r\nSENDMAIL_TIMEOUT = 90s\r\n[postrider.smtp]\r\nLISTEN = unix:/run/p.sock\r\nALLOW_LOCAL = true",
        "[mailer]\r\nENABLED = true\r\nFROM = a@b.example\r\nPROTOCOL = smtp+unix\r\nSMTP_ADDR = /run/p.sock\r\n\
         [postrider.smtp]\r\nLISTEN = unix:/run/p.sock\r\nALLOW_LOCAL = true\r\n\r\n\
         [postrider.relay]\r\nURL = sendmail:///bin/sh?args=-o%20%27a%20b%27%20--\r\nSENDMAIL_TIMEOUT = 90000ms\r\n",
    );
    check(
        "[mailer]\nENABLED = true\nFROM = a@b.example\nSMTP_ADDR = /run/100%/x y.sock\n",
        "[mailer]\nENABLED = true\nFROM = a@b.example\nPROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = 2525\n\n\
         [postrider.smtp]\nLISTEN = 127.0.0.1:2525\nALLOW_LOCAL = true\n\n\
         [postrider.relay]\nURL = smtp+unix:///run/100%25/x%20y.sock\n",
    );
}

#[test]
fn a_relay_of_our_own_stays_and_gitea_is_pointed_at_the_door() {
    check(
        "[mailer]\nENABLED = true\nFROM = a@b.example\nSMTP_ADDR = gone.example\nSMTP_PORT = 465\nPASSWD = \"\"\"hunter2\nmore\"\"\"\n\
         [postrider.relay]\nURL = smtps://u:hunter2@m.example\n",
        "[mailer]\nENABLED = true\nFROM = a@b.example\nPROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = 2525\n\
         [postrider.relay]\nURL = smtps://u:hunter2@m.example\n\n\
         [postrider.smtp]\nLISTEN = 127.0.0.1:2525\nALLOW_LOCAL = true\n",
    );
}

#[test]
fn passwords_survive_the_move() {
    for password in
        ["a#b;c", "`tick`", "it's \"so\"", "100%", "%(x)s", "back\\slash\\", "ä ö", "\"\"\"", "$HOME"]
    {
        let old = format!(
            "[mailer]\nENABLED = true\nFROM = a@b.example\nSMTP_ADDR = m.example\nSMTP_PORT = 465\nUSER = u\nPASSWD = `{password}`\n"
        );
        let new = adopted(&old).unwrap_or_else(|refused| panic!("{password}: {refused}"));
        let text = new.text.expect("something to do");
        let settings = gitea(text.as_bytes(), Path::new("x"), "/".into(), &around()).settings;
        let Way::Smtp(relay) = &settings.expect("good").relays[0].way else { panic!("{text}") };
        assert_eq!(relay.login.as_ref().map(|login| login.password.0.as_str()), Some(password), "{text}");
    }
}

#[test]
fn what_cannot_be_adopted() {
    for (text, expected) in [
        ("[mailer]\nENABLED = false\n", "[mailer] ENABLED: mail is switched off"),
        ("[mailer]\nENABLED = true\nPROTOCOL = tls\n", "\"tls\" is no protocol"),
        (
            "[mailer]\nENABLED = true\nPROTOCOL = dummy\nFROM = a@b.c\n[postrider.smtp]\nALLOW_LOCAL = false\n",
            "ALLOW_LOCAL = false keeps Gitea out",
        ),
        (
            "[mailer]\nENABLED = true\nPROTOCOL = smtp\nSMTP_ADDR = localhost\nSMTP_PORT = 2525\nFROM = a@b.c\n",
            "the relay itself is at 127.0.0.1:2525; name another place for our door by --smtp",
        ),
    ] {
        let error = adopted(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_environment_is_left_out_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.ini");
    std::fs::write(&path, "[mailer]\nENABLED = true\nPROTOCOL = smtps\nSMTP_ADDR = m\nFROM = a@b.c\n")
        .expect("written");
    let variables = vec![("GITEA__MAILER__PROTOCOL".into(), "tls".into())];
    let around = Surroundings { variables, ..around() };
    let adopted = adopt(&path, &around, &wishes(None)).expect("adopted");
    let warnings: Vec<String> = adopted.findings.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings[0].contains("$GITEA__MAILER__PROTOCOL: [mailer]: wins over the file"), "{warnings:?}");
}

#[test]
fn the_data_folder_is_written_unless_there_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.ini");
    for (lines, expected) in
        [("", "/var/lib/postrider"), ("[postrider]\nDATA_DIR = /srv/mail\n", "/srv/mail")]
    {
        let text = format!("[mailer]\nENABLED = true\nPROTOCOL = dummy\nFROM = a@b.c\n{lines}");
        std::fs::write(&path, text).expect("written");
        let adopted = adopt(&path, &around(), &wishes(Some("/var/lib/postrider"))).expect("adopted");
        assert_eq!(adopted.data_dir, Path::new(expected));
        let text = adopted.text.expect("something to do");
        assert_eq!(text.matches("DATA_DIR").count(), 1, "{text}");
        assert!(text.contains(&format!("DATA_DIR = {expected}\n")), "{text}");
    }
}
