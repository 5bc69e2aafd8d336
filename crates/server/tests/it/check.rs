//! `check`: what it says of relays as they are in the field.

use crate::run::{Ended, binary, run, settings};
use serde_json::Value;
use testkit::{Certificate, Daemon, Script, Sink, free_port};

const ALL: &str =
    "S: 250-mx\nS: 250-PIPELINING\nS: 250-SIZE 50000000\nS: 250-8BITMIME\nS: 250-SMTPUTF8\nS: 250-DSN";
const LAST: &str = "S: 250 ENHANCEDSTATUSCODES";
const NONE: &[&str] = &[];

/// The report on one relay, the exit code, and all that was printed.
async fn checked(lines: &str) -> (Value, i32, Ended) {
    let text = format!("[mailer]\nENABLED = true\nFROM = a@example.com\n[postrider.relay]\n{lines}\n");
    let (_folder, path) = settings("app.ini", &text);
    let ended = tokio::task::spawn_blocking(move || run(&["check", "--json", "--config", &path], "")).await;
    let ended = ended.expect("no panic");
    let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(report["ok"], ended.code == Some(0), "{ended:?}");
    (report["relays"][0].clone(), ended.code.unwrap_or(-1), ended)
}

/// The findings' codes, and words that one of them has.
async fn check(lines: &str, codes: &[&str], exit: i32, words: &[&str]) -> Value {
    let (relay, code, ended) = checked(lines).await;
    let findings = relay["findings"].as_array().expect("a list");
    let found: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().expect("a word")).collect();
    assert_eq!((found.as_slice(), code), (codes, exit), "{lines}: {ended:?}");
    for word in words {
        assert!(relay["findings"].to_string().contains(word), "{word:?} is not in {relay:#}");
    }
    assert!(findings.iter().all(|finding| finding["remedy"].as_str().is_some_and(|text| !text.is_empty())));
    relay
}

/// A relay in clear that says this; `URL` and further lines are for it.
async fn check_script(script: &str, lines: &str, codes: &[&str], exit: i32, words: &[&str]) {
    let relay = Script::listen(script).await.expect("it listens");
    check(&lines.replace("PORT", &relay.port().to_string()), codes, exit, words).await;
}

const URL: &str = "URL = smtp://127.0.0.1:PORT";
const SIGNED_IN: &str = "URL = smtp://u:hunter2@127.0.0.1:PORT";
const STARTTLS: &str = "URL = smtp+starttls://127.0.0.1:PORT";
const QUIT: &str = "C: QUIT\nS: 221 bye";

fn hello(words: &[&str]) -> String {
    let words: String = words.iter().map(|word| format!("S: 250-{word}\n")).collect();
    format!("S: 220 mx\nC: EHLO\n{ALL}\n{words}{LAST}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_offers_and_lacks() {
    check_script(&format!("{}{QUIT}", hello(&[])), URL, NONE, 0, &[]).await;
    let missing = ["pipelining", "8bitmime", "smtputf8", "dsn", "enhancedstatuscodes"];
    check_script(&format!("S: 220 mx\nC: EHLO\nS: 250 mx\n{QUIT}"), URL, &missing, 0, &["PIPELINING"]).await;
    let small = hello(&[]).replace("SIZE 50000000", "SIZE 10000");
    check_script(&format!("{small}{QUIT}"), URL, &["size"], 0, &["10000", "MAX_SIZE"]).await;
    check_script(&format!("{}{QUIT}", hello(&["AUTH PLAIN"])), URL, &["no_user"], 0, &["PLAIN"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_not_there() {
    let port = free_port();
    check(&format!("URL = smtp://127.0.0.1:{port}"), &["connect"], 69, &["nobody listens"]).await;
    check("URL = smtp://no..name", &["resolve"], 69, &["does not resolve"]).await;
    check("URL = smtp+unix:///no/such/socket", &["connect"], 69, &["is the server running"]).await;
    check("URL = dummy://", &["dummy"], 0, &["lost"]).await;
    check("URL = smtps://127.0.0.1\nCA_FILE = /dev/null", &["settings"], 78, &["/dev/null"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_on_the_port() {
    for (says, words) in [
        ("* OK [CAPABILITY IMAP4rev1] ready", "IMAP"),
        ("+OK ready", "POP3"),
        ("HTTP/1.1 400 Bad Request", "web server"),
        ("SSH-2.0-OpenSSH_9.2", "SSH"),
    ] {
        for url in [URL, "URL = smtps://127.0.0.1:PORT"] {
            check_script(&format!("S: {says}"), url, &["wrong_port"], 78, &[words]).await;
        }
    }
    check_script("S: !", URL, &["no_relay"], 69, &[]).await;
    check_script("S: hello", URL, &["no_relay"], 76, &["hello"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_86_tls_on_a_plain_port_and_the_reverse() {
    let smtps = "URL = smtps://127.0.0.1:PORT";
    check_script("S: 220 mx ESMTP\nC: x", smtps, &["plain_port"], 78, &["220 mx ESMTP", "smtp+starttls"])
        .await;
    let reverse = async |url: &str| {
        let relay =
            Script::secured("S: ~\nS: 220 mx", Certificate::new().acceptor()).await.expect("it listens");
        let lines = url.replace("PORT", &relay.port().to_string());
        check(&lines, &["tls_port"], 78, &["write smtps"]).await;
    };
    tokio::join!(reverse(URL), reverse(STARTTLS));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_what_makes_them_good() {
    let certificate = Certificate::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (file, _) = certificate.write(folder.path());
    let script = format!("S: ~\n{}{QUIT}", hello(&[]));
    let relay = Script::secured(&script, certificate.acceptor()).await.expect("it listens");
    let url = format!("URL = smtps://127.0.0.1:{}", relay.port());
    check(&url, &["certificate"], 76, &["nobody but itself signed it", "CA_FILE"]).await;
    check(&format!("{url}\nCA_FILE = {}", file.display()), NONE, 0, &[]).await;
    let lines = format!("{url}\nFORCE_TRUST_SERVER_CERT = true");
    let forced = check(&lines, &["any_certificate"], 0, &["FINGERPRINT"]).await;
    let pin = forced["tls"]["certificate"]["sha256"].as_str().expect("a fingerprint").to_owned();
    assert_eq!(forced["tls"]["version"], "TLSv1_3");
    check(&format!("{url}\nFINGERPRINT = {pin}"), NONE, 0, &[]).await;
    let other = "00".repeat(32);
    check(&format!("{url}\nFINGERPRINT = {other}"), &["certificate"], 76, &[&pin]).await;
}

/// Each kind of certificate that does not fit, whether it is listed in CA_FILE, and words of cause and remedy.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_fit_is_explained() {
    let here = ["127.0.0.1"];
    for (certificate, listed, cause, remedy) in [
        (Certificate::ended(&here), true, "ended on 2001-02-03", "must get a new one"),
        (Certificate::to_come(&here), true, "begins on 2090-01-01", "is our clock right"),
        (
            Certificate::authority(&here),
            false,
            "marked as an authority (CA:TRUE)",
            "put this very certificate",
        ),
        (Certificate::common_name("mx.example"), true, "mx.example", "make one with 127.0.0.1"),
        (
            Certificate::with(&["mx.example", "*.example"], |_| ()),
            true,
            "for mx.example, *.example, not for 127.0.0.1",
            "write one of its names",
        ),
        (Certificate::with(&here, |_| ()), false, "nobody but itself signed it", "put it into CA_FILE"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, _) = certificate.write(folder.path());
        let starttls = format!("{}C: STARTTLS\nS: 220 go\nS: ~", hello(&["STARTTLS"]));
        for (url, script) in [("smtps", "S: ~"), ("smtp+starttls", &*starttls)] {
            let relay = Script::secured(script, certificate.acceptor()).await.expect("it listens");
            let mut lines = format!("URL = {url}://127.0.0.1:{}", relay.port());
            if listed {
                lines.push_str(&format!("\nCA_FILE = {}", file.display()));
            }
            let relay = check(&lines, &["certificate"], 76, &[]).await;
            let finding = &relay["findings"][0];
            let says =
                |key: &str, words: &str| finding[key].as_str().is_some_and(|text| text.contains(words));
            assert!(says("cause", cause) && says("remedy", remedy), "{url}: {finding:#}");
        }
    }
}

/// The system's roots are those of a file here, as OpenSSL's variable names it.
#[tokio::test(flavor = "multi_thread")]
async fn the_system_s_roots_count_also_beside_a_file_of_ours() {
    let (relays, other) = (Certificate::new(), Certificate::new());
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let (system, _) = relays.write(folders[0].path());
    let (file, _) = other.write(folders[1].path());
    let script = format!("S: ~\n{}{QUIT}", hello(&[]));
    let relay = Script::secured(&script, relays.acceptor()).await.expect("it listens");
    let section = format!(
        "[mailer]\nENABLED = true\nFROM = a@example.com\n[postrider.relay]\nURL = smtps://127.0.0.1:{}",
        relay.port()
    );
    let ours = format!("CA_FILE = {}", file.display());
    for (lines, roots, code) in [("", &system, 0), (&*ours, &system, 0), ("", &file, 76), (&*ours, &file, 76)]
    {
        let (_folder, path) = settings("app.ini", &format!("{section}\n{lines}\n"));
        let mut command = std::process::Command::new(binary());
        command.args(["check", "--config", &path]).env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
        let output = output.expect("it starts");
        assert_eq!(output.status.code(), Some(code), "{lines}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_that_is_not_to_be_had() {
    check_script(&hello(&[]), STARTTLS, &["no_starttls"], 78, &["587"]).await;
    let refusing = format!("{}C: STARTTLS\nS: 454 4.7.0 no", hello(&["STARTTLS"]));
    check_script(&refusing, STARTTLS, &["starttls_refused"], 76, &["454 4.7.0 no"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in() {
    let auth = |answer: &str| format!("{}C: AUTH PLAIN\n{answer}", hello(&["AUTH PLAIN"]));
    check_script(&auth(&format!("S: 235 ok\n{QUIT}")), SIGNED_IN, NONE, 0, &[]).await;
    for (answer, word) in [
        ("S: 535 5.7.8 no", "USER"),
        ("S: 535 5.7.139 Authentication unsuccessful", "Microsoft"),
        ("S: 534 5.7.9 Application-specific password required", "one application"),
    ] {
        check_script(&auth(answer), SIGNED_IN, &["auth_refused"], 77, &[word]).await;
    }
    check_script(&hello(&[]), SIGNED_IN, &["auth_not_offered"], 78, &["587"]).await;
    check_script(&hello(&["STARTTLS"]), SIGNED_IN, &["auth_not_offered"], 78, &["STARTTLS"]).await;
    check_script(&hello(&["AUTH X-ODD"]), SIGNED_IN, &["auth_mechanism"], 78, &["X-ODD"]).await;
    let pinned = format!("{SIGNED_IN}\nAUTH = LOGIN");
    let words = ["AUTH = LOGIN is set", "offers PLAIN", "or remove it"];
    check_script(&hello(&["AUTH PLAIN"]), &pinned, &["auth_mechanism"], 78, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn being_turned_away() {
    check_script("S: 554 5.7.1 not you", URL, &["turned_away"], 69, &["not you", "block list"]).await;
    check_script("S: 421 4.3.2 later", URL, &["turned_away"], 69, &["busy"]).await;
    let deaf = "S: 220 mx\nC: EHLO\nS: 500 what\nC: HELO\nS: 500 what";
    check_script(deaf, URL, &["lmtp"], 78, &["lmtp"]).await;
    let smtp = "S: 220 mx\nC: LHLO\nS: 500 5.5.1 unknown";
    check_script(smtp, "URL = lmtp://127.0.0.1:PORT", &["not_lmtp"], 78, &["write smtp"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_the_dialogue_and_no_secret() {
    let script = format!("{}C: AUTH PLAIN\nS: 535 5.7.8 no", hello(&["AUTH PLAIN"]));
    let relay = Script::listen(&script).await.expect("it listens");
    let url = SIGNED_IN.replace("PORT", &relay.port().to_string());
    let text = format!("[mailer]\nENABLED = true\nFROM = a@example.com\n[postrider.relay]\n{url}\n");
    let (_folder, path) = settings("app.ini", &text);
    let ended = tokio::task::spawn_blocking(move || run(&["check", "--config", &path], "")).await.unwrap();
    assert_eq!(ended.code, Some(77));
    for line in
        ["  -> EHLO ", "  -> AUTH PLAIN ***", "  <- 535 5.7.8 no", "error auth_refused: ", "  remedy: "]
    {
        assert!(ended.out.contains(line), "{line:?} is not in {}", ended.out);
    }
    assert!(!format!("{ended:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_goes_through_the_daemon_s_queue() {
    let sink = Sink::tcp(0, true).await.expect("it listens");
    let refusing = Sink::refusing("RCPT", "550 5.1.1 nobody of that name").await.expect("it listens");
    let put_off = Sink::refusing("RCPT", "451 4.7.1 greylisted").await.expect("it listens");
    for (port, code, status, words) in [
        (sink.port(), 0, "sent", "queued as S1"),
        (refusing.port(), 69, "failed", "550 5.1.1 nobody of that name"),
        (put_off.port(), 75, "deferred", "451 4.7.1 greylisted"),
    ] {
        let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {port}");
        let run = move || {
            let mut daemon = Daemon::start(binary(), &mailer, "");
            let with = |words: &[&str]| {
                let output = daemon.verb(words).output().expect("it starts");
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
                (output.status.code(), text(output.stdout), text(output.stderr))
            };
            let (exit, out, err) = with(&["check", "--json", "--to", "ada@example.org"]);
            let report: Value = serde_json::from_str(&out).expect("JSON");
            assert_eq!((exit, report["mail"]["status"].as_str()), (Some(code), Some(status)), "{out} {err}");
            assert!(report["mail"].to_string().contains(words), "{report:#}");
            let (exit, out, _) = with(&["check", "--to", "ada@example.org"]);
            assert!(exit == Some(code) && out.contains("test mail\n") && out.contains(status), "{out}");
            daemon.kill();
        };
        tokio::task::spawn_blocking(run).await.expect("no panic");
    }
    assert_eq!(sink.mails().iter().map(|mail| mail.to.join(" ")).collect::<Vec<_>>(), ["ada@example.org"; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_there_is_no_test_mail() {
    let sink = Sink::tcp(0, true).await.expect("it listens");
    let url = URL.replace("PORT", &sink.port().to_string());
    let (_folder, path) = settings(
        "app.ini",
        &format!("[mailer]\nENABLED = true\nFROM = a@example.com\n[postrider.relay]\n{url}\n"),
    );
    let ended =
        tokio::task::spawn_blocking(move || run(&["check", "--to", "a@example.org", "--config", &path], ""))
            .await;
    let ended = ended.expect("no panic");
    assert!(ended.code == Some(69) && ended.err.contains("postrider serve"), "{ended:?}");
    assert_eq!(sink.count(), 0);
}
