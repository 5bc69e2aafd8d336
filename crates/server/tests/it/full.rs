//! A queue that has its LENGTH, at each door: whoever waited in vain for room hears that it may work later.

use crate::run::{binary, run};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;
use testkit::{Daemon, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a door says of room that is not there.
const SAID: &str = "try again later";

/// The SMTP door's answer to the end of a mail.
fn by_smtp(port: u16) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a door");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let words = ["", "HELO me.example\r\n", "MAIL FROM:<a@example.com>\r\n", "RCPT TO:<c@example.org>\r\n"];
    let mail = ["DATA\r\n", "Subject: x\r\n\r\nx\r\n.\r\n"];
    for said in words.iter().chain(&mail) {
        assert!(!line.starts_with(['4', '5']), "before {said}: {line}");
        stream.get_mut().write_all(said.as_bytes()).expect("it reads");
        line.clear();
        stream.read_line(&mut line).expect("it answers");
    }
    line
}

/// One more mail by each door, all at once; what each says, with the code it says it by.
fn all_doors(daemon: &Daemon) -> Vec<(&'static str, String, String)> {
    let mail = json!({"to": "c@example.org", "subject": "x", "text": "x"});
    let config = daemon.config().to_str().expect("UTF-8").to_owned();
    let http = |path: &str, body: serde_json::Value| {
        let answer = daemon.api.post(path, &body).expect("an answer");
        let after = answer.retry_after.map_or(String::new(), |seconds| format!(" after {seconds}"));
        (format!("{}{after}", answer.status), answer.json.to_string())
    };
    let verb = |words: &[&str]| {
        let ended = run(&[words, &["--config", &config]].concat(), "Subject: x\n\nx\n");
        (format!("exit {}", ended.code.expect("a code")), ended.err)
    };
    let smtp = || (by_smtp(daemon.smtp_port), String::new());
    std::thread::scope(|scope| {
        let (two, one) = (json!([mail, mail]), mail.clone());
        let doors = [
            ("POST /emails", scope.spawn(move || http("/emails", one))),
            ("POST /emails/batch", scope.spawn(move || http("/emails/batch", two))),
            ("SMTP", scope.spawn(smtp)),
            ("send", scope.spawn(move || verb(&["send", "--to", "c@example.org", "--text", "-"]))),
            ("sendmail", scope.spawn(move || verb(&["sendmail", "c@example.org"]))),
        ];
        let heard = |(door, asked): (&'static str, std::thread::ScopedJoinHandle<'_, (String, String)>)| {
            let (code, text) = asked.join().expect("no panic");
            (door, code, text)
        };
        doors.into_iter().map(heard).collect()
    })
}

#[test]
fn every_door_of_a_full_queue_refuses_for_now_and_takes_mail_again_when_there_is_room() {
    let mut daemon = Daemon::start(binary(), "PROTOCOL = dummy", "[queue]\nLENGTH = 2");
    let config = daemon.config().to_str().expect("UTF-8").to_owned();
    assert_eq!(run(&["queue", "pause", "--config", &config], "").code, Some(0));
    let mail = json!({"to": "b@example.org", "subject": "x", "text": "x"});
    daemon.api.send(&mail);
    daemon.api.send(&mail);
    for (door, code, text) in all_doors(&daemon) {
        let (want, said) = match door {
            "SMTP" => ("452 4.3.1 ", &code),
            "send" | "sendmail" => ("exit 75", &text),
            _ => ("503 after 5", &text),
        };
        assert!(code.starts_with(want) && said.contains(SAID), "{door}: {code} {text}");
    }
    assert!(daemon.log().contains("2 messages are waiting, which is LENGTH"), "the operator hears the cause");

    daemon.terminate();
    assert_eq!(daemon.wait().code(), Some(0));
    assert_eq!(run(&["sendmail", "d@example.org", "--config", &config], "Subject: x\n\nx\n").code, Some(0));
    daemon.restart();
    until("the drop folder to wait", PATIENCE, || {
        daemon.log().contains("a mail of the drop folder waits for the next look").then_some(())
    });
    let drop = daemon.config().with_file_name("state").join("drop");
    assert_eq!(std::fs::read_dir(drop).expect("a folder").count(), 1, "kept");

    let list = daemon.api.get("/emails").expect("an answer").json;
    assert_eq!(
        list["data"].as_array().map(Vec::len),
        Some(2),
        "nothing of what was refused is there: {list}"
    );
    assert_eq!(run(&["queue", "resume", "--config", &config], "").code, Some(0));
    daemon.api.send(&mail);
}
