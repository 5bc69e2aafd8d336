//! What operators of the reference are used to: its log lines, its plain-text mode, its bounds, its list of
//! running programs, and its dummy.

use crate::run::{binary, run};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use testkit::{Daemon, Sink, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// What nobody should read in a log.
const SECRET: &str = "reset-link-7f3a9c";

/// A daemon that logs all there is into a file beside its settings.
struct Talkative {
    child: Child,
    daemon: Daemon,
}

impl Talkative {
    fn start(mailer: &str) -> Self {
        let mut daemon = Daemon::start(binary(), mailer, "");
        daemon.kill();
        let log = File::create(daemon.config().with_file_name("trace")).expect("a file");
        let mut command = daemon.verb(&["serve", "--log", "trace"]);
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("it starts");
        let this = Self { child, daemon };
        until("the daemon", PATIENCE, || {
            this.daemon.api.get("/livez").is_ok_and(|answer| answer.status == 200).then_some(())
        });
        this
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.daemon.config().with_file_name("trace")).expect("the log")
    }

    fn sent(&self, mail: &Value) {
        let id = self.daemon.api.send(mail);
        until("the mail", PATIENCE, || (self.daemon.api.email(&id)["status"] == "sent").then_some(()));
    }
}

impl Drop for Talkative {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_of_each_mail_and_never_its_body() {
    let sink = Sink::tcp(0, true).await.expect("a sink");
    let talkative =
        Talkative::start(&format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port()));
    let mail = json!({"to": "Ada <ada@example.org>", "subject": "Recover your account",
                      "html": format!("<a href=\"https://x.example/{SECRET}\">Click</a>"),
                      "info": "UID: 7, recover account"});
    talkative.sent(&mail);
    let log = talkative.log();
    for line in [
        "TRACE postrider_worker::batch: New e-mail sending request [ada@example.org]: UID: 7, recover account",
        "TRACE postrider_worker::batch: E-mails sent [ada@example.org]: UID: 7, recover account",
    ] {
        assert!(log.contains(line), "{line}\n{log}");
    }
    let carried = String::from_utf8_lossy(&sink.mails()[0].bytes).contains(SECRET);
    assert!(carried && !log.contains(SECRET), "the body is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn html_where_plain_text_is_set_is_warned_of_and_sent_as_text() {
    let sink = Sink::tcp(0, true).await.expect("a sink");
    let talkative = Talkative::start(&format!(
        "PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}\nSEND_AS_PLAIN_TEXT = true\n\
         SUBJECT_PREFIX = [forge]",
        sink.port()
    ));
    let words = "WARN postrider::submit: Mail contains HTML but configured to send as plain text.";
    talkative.sent(&json!({"to": "a@example.org", "subject": "one", "html": "<p>no document</p>"}));
    let late = format!("{}<html><p>too late</p></html>", "<!-- -->".repeat(13));
    talkative.sent(&json!({"to": "a@example.org", "subject": "two", "html": late}));
    assert_eq!(talkative.log().matches(words).count(), 0);
    let page = "<!DOCTYPE html>\n<html><body><p>Hello <b>you</b></p></body></html>";
    talkative.sent(&json!({"to": "a@example.org", "subject": "three", "html": page}));
    assert_eq!(talkative.log().matches(words).count(), 1);
    let mails = sink.mails();
    let last = String::from_utf8_lossy(&mails[2].bytes);
    for part in ["Subject: [forge] three\r\n", "X-Auto-Response-Suppress: All\r\n", "text/plain", "Hello you"]
    {
        assert!(last.contains(part), "{part}: {last}");
    }
    assert!(!last.contains("text/html") && !last.contains("multipart"), "{last}");
    assert!(last.contains("Message-ID: <autogen-"), "{last}");
}

/// A program that takes the mail and ends when something is written into `fifo` beside it. Written by a child, for
/// a file that we hold open for writing cannot be executed.
fn waiting_program(folder: &Path) -> String {
    let path = folder.join("program");
    let text = "#!/bin/sh\ncat > /dev/null\nread word < \"${0%/*}/fifo\"\n";
    let make = "printf '%s' \"$1\" > \"$0\" && chmod 700 \"$0\" && mkfifo \"${0%/*}/fifo\"";
    let made = Command::new("/bin/sh").args(["-c", make]).arg(&path).arg(text).status();
    assert!(made.expect("a shell").success());
    path.display().to_string()
}

#[test]
fn running_programs_are_listed_with_pid_recipients_and_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = waiting_program(folder.path());
    let daemon = Daemon::start(binary(), &format!("PROTOCOL = sendmail\nSENDMAIL_PATH = {program}"), "");
    let config = daemon.config().to_str().expect("UTF-8").to_owned();
    let relays = |flags: &[&str]| {
        let ended = run(&[&["relay", "list", "--config", &config], flags].concat(), "");
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        ended.out
    };
    let running = || serde_json::from_str::<Value>(&relays(&["--json"])).expect("JSON")["running"].clone();
    assert_eq!(running(), json!([]));
    let mail = json!({"to": ["a@example.org", "b@example.org"], "subject": "x", "text": "y"});
    let id = daemon.api.send(&mail);
    // Opens once the program reads.
    let mut word = File::options().write(true).open(folder.path().join("fifo")).expect("the program");
    let seen = running();
    let (pid, since) = (seen[0]["pid"].as_u64().expect("a pid"), seen[0]["since"].as_str().expect("a time"));
    assert_eq!(seen.as_array().map(Vec::len), Some(1), "{seen}");
    assert_eq!(seen[0]["recipients"], 2);
    assert!(since.ends_with('Z') && Path::new(&format!("/proc/{pid}/cmdline")).exists(), "{seen}");
    let shown = format!("\n    pid {pid}, 2 recipients, since 20");
    assert!(relays(&[]).contains(&shown), "{}", relays(&[]));
    let top = run(&["top", "--count", "1", "--config", &config], "");
    assert!(top.out.contains(&shown), "{}", top.out);
    word.write_all(b"go\n").expect("the program");
    until("the mail", PATIENCE, || (daemon.api.email(&id)["status"] == "sent").then_some(()));
    assert_eq!(running(), json!([]));
}

#[test]
fn a_dummy_fails_as_its_url_says() {
    let relay = "[postrider.relay]\nURL = dummy://?script=refuse:550,accept&repeat=yes";
    let daemon = Daemon::start(binary(), "", relay);
    for status in ["failed", "sent", "failed", "sent"] {
        let id = daemon.api.send(&json!({"to": "a@example.org", "subject": "x", "text": "y"}));
        until(status, PATIENCE, || (daemon.api.email(&id)["status"] == status).then_some(()));
    }
    assert_eq!(
        daemon.log().matches("Mail From: shop@example.com To: [a@example.org] Body: Date:").count(),
        4
    );
    assert!(daemon.log().contains("dummy only logs mail"), "{}", daemon.log());
}

#[test]
fn a_full_queue_is_said_at_once_at_both_doors() {
    let daemon = Daemon::start(binary(), "PROTOCOL = dummy", "[queue.mail]\nLENGTH = 2\nMAX_WORKERS = 3");
    let config = daemon.config().to_str().expect("UTF-8").to_owned();
    assert_eq!(run(&["queue", "pause", "--config", &config], "").code, Some(0));
    let mail = json!({"to": "a@example.org", "subject": "x", "text": "y"});
    daemon.api.send(&mail);
    daemon.api.send(&mail);
    let full = daemon.api.post("/emails", &mail).expect("an answer");
    assert_eq!(full.status, 503, "{:?}", full.json);
    // The operator is told the bound, the caller to come again.
    assert!(full.json["detail"].as_str().is_some_and(|text| text.contains("try again later")));
    assert!(daemon.log().contains("2 messages are waiting, which is LENGTH"), "{}", daemon.log());
    let script = format!(
        "import smtplib\nwith smtplib.SMTP('127.0.0.1', {}) as door:\n    try:\n        door.sendmail('a@example.com', \
         ['b@example.org'], 'Subject: x\\r\\n\\r\\ny')\n    except smtplib.SMTPResponseException as e:\n        \
         print(e.smtp_code)\n",
        daemon.smtp_port
    );
    let output = Command::new("python3").args(["-c", &script]).output().expect("python");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with('4'), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let relays = daemon.api.get("/relays").expect("an answer").json;
    assert_eq!(relays["data"][0]["connections"], 3, "{relays}");
}
