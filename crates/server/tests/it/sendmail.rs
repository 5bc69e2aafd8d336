//! `sendmail`, by flags and by name, with a daemon and without.

use crate::run::{Ended, binary, run};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use testkit::{Daemon, Sink, until};

const PATIENCE: Duration = Duration::from_secs(30);

struct House {
    runtime: tokio::runtime::Runtime,
    sink: Sink,
    daemon: Daemon,
    config: String,
}

fn house() -> House {
    house_with("")
}

fn house_with(sections: &str) -> House {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(Sink::tcp(0, true)).expect("a port");
    let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port());
    let daemon = Daemon::start(binary(), &mailer, sections);
    let config = daemon.config().to_str().expect("UTF-8").to_owned();
    House { runtime, sink, daemon, config }
}

impl House {
    fn sendmail(&self, words: &[&str], stdin: &str) -> Ended {
        run(&[&["sendmail", "-C", &self.config], words].concat(), stdin)
    }

    fn drop_folder(&self) -> PathBuf {
        self.daemon.config().with_file_name("state").join("drop")
    }

    /// The names in the drop folder.
    fn dropped(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.drop_folder()).into_iter().flatten();
        entries.map(|e| e.expect("readable").file_name().into_string().expect("UTF-8")).collect()
    }

    /// The mails that arrived, once there are so many.
    fn arrived(&self, count: usize) -> Vec<testkit::Received> {
        until("the mail to arrive", PATIENCE, || {
            let mails = self.sink.mails();
            (mails.len() >= count).then_some(mails)
        })
    }
}

#[track_caller]
fn ok(ended: &Ended) {
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
}

#[test]
fn b10_150_recipients_come_from_words_and_header_and_bcc_is_gone() {
    let house = house();
    let mail = "To: Ada <ada@example.org>\nCc: bob@example.org, root\nBcc: eve@example.org\nSubject: Hi\n\nIt works\n.\nnot this\n";
    ok(&house.sendmail(&["-t", "-f", "app@example.com", "-F", "The App", "dan@example.org"], mail));
    let mail = house.arrived(1).remove(0);
    let mut to = mail.to.clone();
    to.sort();
    let expected =
        ["ada@example.org", "bob@example.org", "dan@example.org", "eve@example.org", "root@example.com"];
    assert_eq!((mail.from.as_str(), to), ("app@example.com", expected.map(String::from).to_vec()));
    let text = String::from_utf8(mail.bytes).expect("7-bit");
    assert!(text.contains("\r\n\r\nIt works\r\n") && !text.contains("not this"), "{text}");
    assert!(!text.contains("eve@example.org"), "{text}");
    assert!(text.contains("From: \"The App\" <app@example.com>\r\n"), "{text}");
    assert!(text.contains("(sendmail, from uid"), "{text}");
}

#[test]
fn a_mail_without_header_or_sender_is_completed() {
    let house = house();
    ok(&house.sendmail(&["-i", "--", "ada@example.org"], "just words\n.\nand more\n"));
    let mail = house.arrived(1).remove(0);
    assert_eq!(mail.from, "shop@example.com");
    let text = String::from_utf8(mail.bytes).expect("7-bit");
    assert!(text.contains("From: shop@example.com\r\n") && text.contains("\r\n\r\njust words\r\n"), "{text}");
    let verbose = house.sendmail(&["-v", "ada@example.org"], "Subject: x\n\nx\n");
    assert!(verbose.code == Some(0) && verbose.out.contains("ada@example.org: sent: 250"), "{verbose:?}");
}

#[test]
fn mistakes_have_the_exit_codes_of_sendmail() {
    let house = house();
    let refused = |words: &[&str], stdin: &str, code: i32, said: &str| {
        let ended = house.sendmail(words, stdin);
        assert!(ended.code == Some(code) && ended.err.contains(said), "{words:?}: {ended:?}");
    };
    refused(&["-t"], "Subject: nobody\n\nx\n", 65, "is missing");
    refused(&["a@b@c"], "x", 65, "a@b@c");
    refused(&["-N", "sometimes", "a@example.org"], "x", 65, "notify");
    refused(&["-z"], "", 64, "-z is not known");
    refused(&["a@example.org"], "Subject: a\nSubject: b\n\nx\n", 65, "Subject");
    assert_eq!(house.sink.count(), 0);
}

#[test]
fn a_mail_larger_than_the_daemon_takes_is_refused_and_not_kept() {
    let house = house_with("");
    let path = house.daemon.config();
    let text = std::fs::read_to_string(&path).expect("readable");
    let small = text.replace("ALLOW_LOCAL = true", "ALLOW_LOCAL = true\nMAX_SIZE = 1M");
    std::fs::write(&path, small).expect("written");
    assert_eq!(run(&["reload", "--config", &house.config], "").code, Some(0));
    let mail = format!("Subject: x\n\n{}", "0123456789\n".repeat(500_000));
    let by_settings = house.sendmail(&["ada@example.org"], &mail);
    assert!(by_settings.code == Some(65) && by_settings.err.contains("longer than"), "{by_settings:?}");
    let data = path.with_file_name("state");
    let by_daemon = run(&["sendmail", "--data", data.to_str().expect("UTF-8"), "ada@example.org"], &mail);
    assert_eq!(by_daemon.code, Some(65), "{by_daemon:?}");
    assert!(house.dropped().is_empty());
}

#[test]
fn names_we_are_called_by_are_obeyed() {
    let house = house();
    let called = |name: &str, words: &[&str]| {
        let mut command = Command::new(binary());
        let output = command.arg0(name).args(words).args(["--config", &house.config]).output();
        let output = output.expect("it starts");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    assert_eq!(called("/usr/bin/newaliases", &[]), (Some(0), String::new()));
    assert_eq!(called("mailq", &[]), (Some(0), String::new()));
    assert_eq!(called("/usr/sbin/sendmail", &["-bv", "ada@example.org"]).0, Some(0));
    assert_eq!(called("sendmail", &["-bi"]).0, Some(0));
    assert_eq!(called("sendmail", &["-q"]).0, Some(0));
    let help = run(&["sendmail", "--help"], "");
    assert!(help.code == Some(0) && help.out.contains("Examples:"), "{help:?}");
}

#[test]
fn a_session_on_stdin_is_one_with_the_daemon() {
    let house = house();
    let mut child = Command::new(binary())
        .args(["sendmail", "-bs", "--config", &house.config])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let (mut to, mut from) =
        (child.stdin.take().expect("piped"), BufReader::new(child.stdout.take().expect("piped")));
    let mut said = |line: &str, code: &str| {
        to.write_all(line.as_bytes()).expect("it reads");
        let mut answer = String::new();
        while !answer.starts_with(&format!("{code} ")) {
            answer.clear();
            assert_ne!(from.read_line(&mut answer).expect("it answers"), 0, "{line}");
            assert!(answer.starts_with(code), "{line}: {answer}");
        }
    };
    said("", "220");
    said("EHLO me.example\r\n", "250");
    said("MAIL FROM:<a@example.com>\r\n", "250");
    said("RCPT TO:<ada@example.org>\r\n", "250");
    said("DATA\r\n", "354");
    said("From: a@example.com\r\nSubject: Hi\r\n\r\nIt works\r\n.\r\n", "250");
    said("QUIT\r\n", "221");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(house.arrived(1)[0].to, ["ada@example.org"]);
}

#[test]
fn without_a_daemon_mail_waits_in_the_drop_folder_and_is_taken_once() {
    let mut house = house();
    house.daemon.terminate();
    assert_eq!(house.daemon.wait().code(), Some(0));
    ok(&house.sendmail(&["-f", "a@example.com", "ada@example.org"], "Subject: one\n\n1\n"));
    ok(&house.sendmail(&["-f", "a@example.com", "-t"], "To: bob@example.org\nSubject: two\n\n2\n"));
    assert_eq!(house.dropped().len(), 2);
    let refused = house.sendmail(&["a@b@c"], "x");
    assert_eq!((refused.code, house.dropped().len()), (Some(65), 2), "{refused:?}");
    // One that a crash cut off behind its being taken in, one that cannot be sent, one half written.
    let folder = house.drop_folder();
    let first = house.dropped().into_iter().min().expect("two");
    let copy = std::fs::read(folder.join(&first)).expect("readable");
    std::fs::write(folder.join("zz-again.mail"), copy).expect("written");
    std::fs::write(folder.join("bad.mail"), "no slip\n").expect("written");
    std::fs::write(folder.join("half.part"), "{").expect("written");
    house.daemon.restart();
    let mut subjects: Vec<String> = Vec::new();
    until("the drop folder to be taken in", PATIENCE, || {
        let mut left = house.dropped();
        left.sort();
        (left == ["bad.refused", "half.part"]).then_some(())
    });
    for mail in house.arrived(2) {
        let text = String::from_utf8(mail.bytes).expect("7-bit");
        subjects.extend(text.lines().find(|l| l.starts_with("Subject")).map(str::to_owned));
    }
    subjects.sort();
    assert_eq!(subjects, ["Subject: one", "Subject: two"]);
    let listed = house.daemon.api.get("/emails").expect("an answer").json;
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2), "taken once: {listed}");
    assert!(house.daemon.log().contains("bad.refused"), "{}", house.daemon.log());
}

#[test]
fn without_a_drop_folder_it_is_tried_again_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("nowhere");
    let data = data.to_str().expect("UTF-8");
    let ended = run(&["sendmail", "--data", data, "ada@example.org"], "x");
    assert!(ended.code == Some(75) && ended.err.contains("was not taken"), "{ended:?}");
    std::fs::write(folder.path().join("drop"), "a file is in the way").expect("written");
    let data = folder.path().to_str().expect("UTF-8");
    let ended = run(&["sendmail", "--data", data, "ada@example.org"], "x");
    assert!(ended.code == Some(75) && ended.err.contains("drop"), "{ended:?}");
}

#[test]
fn a_queue_in_memory_is_not_enough() {
    let house = house_with("[queue]\nTYPE = channel");
    ok(&house.sendmail(&["ada@example.org"], "Subject: x\n\nx\n"));
    assert_eq!(house.sink.count(), 1, "it waited for the delivery");
    drop(house.sink);
    house.runtime.shutdown_background();
}

#[test]
fn a_socket_in_the_runtime_folder_is_found_by_the_data_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("run");
    std::fs::create_dir(&runtime).expect("made");
    let config = folder.path().join("postrider.toml");
    let text = "[mailer]\nFROM = \"a@example.com\"\n[postrider]\nDATA_DIR = \"data\"\n\
                [postrider.http]\nLISTEN = \"127.0.0.1:0\"\n[postrider.relay]\nURL = \"dummy://\"\n";
    std::fs::write(&config, text).expect("written");
    let data = folder.path().join("data");
    let folders = format!("{}:/other", runtime.display());
    // The last without one: the link of the runs before is no hindrance.
    for folders in [Some(&folders), Some(&folders), None] {
        let mut daemon = Command::new(binary());
        daemon.args(["serve", "--config"]).arg(&config).stderr(Stdio::null()).env_remove("RUNTIME_DIRECTORY");
        let mut daemon = daemon.envs(folders.map(|f| ("RUNTIME_DIRECTORY", f))).spawn().expect("it starts");
        until("the sockets", PATIENCE, || data.join("submit.sock").exists().then_some(()));
        assert_eq!(runtime.join("submit.sock").exists(), folders.is_some());
        let place = data.to_str().expect("UTF-8");
        let sent = run(&["send", "--data", place, "--to", "ada@example.org", "--text", "-", "--wait"], "x");
        let pid = rustix::process::Pid::from_child(&daemon);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("our child");
        assert_eq!(daemon.wait().expect("it ends").code(), Some(0));
        assert!(sent.code == Some(0) && sent.err.contains("ada@example.org: sent"), "{sent:?}");
        assert!(!data.join("submit.sock").exists());
    }
}
