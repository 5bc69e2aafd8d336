//! The guide for Gitea, docs/gitea.md, walked as it is written: its commands in their order, on a file of
//! Gitea's whose relay knows no extension, with a mail sent as Go's net/smtp sends it.

use crate::run::binary;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use testkit::{Api, Script, free_port, until};

/// What Gitea's button for a test sends.
const TEST_MAIL: &str = "Mime-Version: 1.0\r\nSubject: Gitea Test Email!\r\nFrom: \"Forge\" <forge@example.com>\r\n\
     To: ada@example.org\r\nDate: Mon, 30 Dec 2024 14:54:34 +0100\r\n\r\nGitea Test Email!\r\n";

const PATIENCE: Duration = Duration::from_secs(30);

/// The commands of the guide, each on one line.
fn commands() -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gitea.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    guide.lines().filter_map(|line| line.trim().strip_prefix("$ ").map(ToOwned::to_owned)).collect()
}

/// Ends the daemon with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn shell(command: &str, folder: &Path) -> Command {
    let mut shell = Command::new("sh");
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", binary().parent().expect("a folder").display());
    shell.arg("-c").arg(format!("exec {command}")).current_dir(folder).env_clear().env("PATH", path);
    shell
}

/// Greets, then asks for all that is offered, as Go does (`BODY=8BITMIME` and `SMTPUTF8` on each MAIL).
pub(crate) fn send_as_go(port: u16, text: &str) {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the door");
    let mut reader = BufReader::new(stream.try_clone().expect("the same"));
    let mut answer = |code: &str| {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            assert!(line.starts_with(code), "{line:?} instead of {code}");
            all += &line;
            if !line.starts_with(&format!("{code}-")) {
                return all;
            }
        }
    };
    answer("220");
    let say = |line: &str| (&stream).write_all(format!("{line}\r\n").as_bytes()).expect("sent");
    say("EHLO localhost");
    let offered = answer("250");
    assert!(offered.contains("8BITMIME") && offered.contains("SMTPUTF8"), "{offered}");
    say("MAIL FROM:<forge@example.com> BODY=8BITMIME SMTPUTF8");
    answer("250");
    say("RCPT TO:<ada@example.org>");
    answer("250");
    say("DATA");
    answer("354");
    say(&format!("{text}."));
    answer("250");
    say("QUIT");
    answer("221");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_for_gitea_works_as_written() {
    let relay = Script::listen(
        "S: 220 plain\nC: EHLO\nS: 250 plain\nC: MAIL FROM:<forge@example.com>$\nS: 250 Ok\n\
         C: RCPT TO:<ada@example.org>$\nS: 250 Ok\nC: DATA\nS: 354 go\nC: .\nS: 250 Ok",
    );
    let relay = relay.await.expect("a relay");
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("app.ini"), folder.path().join("data"));
    let (http, smtp) = (free_port(), free_port());
    let text = format!(
        "[server]\nDOMAIN = git.example.com\n[mailer]\nENABLED = true\nFROM = \"Forge\" <forge@example.com>\n\
         PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}\n[postrider.http]\nLISTEN = 127.0.0.1:{http}\n\
         [postrider.smtp]\nLISTEN = 127.0.0.1:{smtp}\n",
        relay.port()
    );
    std::fs::write(&file, &text).expect("written");
    let mut api = Api { address: ([127, 0, 0, 1], http).into(), key: String::new() };
    let mut daemon = None;
    let (mut ran, mut listed) = (0, String::new());
    for command in commands().into_iter().filter(|command| !command.starts_with("curl ")) {
        let place = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let command = command.replace("/etc/gitea/app.ini", &place(&file));
        let command = command.replace("/var/lib/postrider", &place(&data));
        let mut shell = shell(&command, folder.path());
        if command.starts_with("postrider serve") {
            daemon =
                Some(Daemon(shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")));
            until("the daemon", PATIENCE, || {
                api.get("/livez").is_ok_and(|answer| answer.status == 200).then_some(())
            });
            send_as_go(smtp, TEST_MAIL);
            continue;
        }
        let output = shell.output().expect("it runs");
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command}: {out}{}", String::from_utf8_lossy(&output.stderr));
        ran += 1;
        if command.contains(" key create ") {
            let key = out.split_whitespace().find(|word| word.starts_with("pr_"));
            api.key = key.expect("a key").to_owned();
        }
        if command.contains(" queue list ") {
            listed = out;
        }
    }
    assert!(ran >= 7 && daemon.is_some(), "{ran}");
    assert_eq!(std::fs::read_to_string(folder.path().join("app.ini.bak")).expect("the copy"), text);
    assert!(data.is_dir(), "DATA_DIR");
    let sent = until("the mail", PATIENCE, || {
        let list = api.get("/emails").expect("an answer").json;
        (list["data"][0]["status"] == "sent").then_some(list)
    });
    assert_eq!(sent["data"][0]["subject"], "Gitea Test Email!", "{sent} {listed}");
    assert_eq!(relay.outcomes().first(), Some(&Ok(())));
}
