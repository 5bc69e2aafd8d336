//! Mail by a local program: scripts that do as the worst of them.

use crate::peer::{mail, shown, trouble_text};
use postrider_send::sendmail::{SettingsError, locate};
use postrider_send::{Mail, MailOutcome, Sender, SendmailSender, SendmailSettings};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A program in a folder of its own.
struct Script {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Script {
    /// Written by a child: a file that we ourselves hold open for writing, be it through a fork of
    /// another test, cannot be executed.
    fn new(text: &str) -> Self {
        Self::named("script", text)
    }

    fn named(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 700 \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        Self { folder, path }
    }

    fn sh(text: &str) -> Self {
        Self::new(&format!("#!/bin/sh\nhere=${{0%/*}}\n{text}\n"))
    }

    fn settings(&self) -> SendmailSettings {
        SendmailSettings::new(&self.path)
    }

    fn sender(&self) -> SendmailSender {
        SendmailSender::new(self.settings()).unwrap()
    }

    fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.file(name)).unwrap()
    }

    /// A pipe in the script's folder; whoever opens it for reading waits for a writer.
    fn fifo(&self) -> PathBuf {
        let path = self.folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }
}

fn small() -> Mail {
    mail(1, &["b@example.com"], "hello\r\n")
}

async fn give(sender: &SendmailSender, mail: Mail) -> MailOutcome {
    sender.send(mail).await.unwrap()
}

const ARGV: &str = "cat > /dev/null; printf '[%s]' \"$@\" > \"$here/argv\"";

#[tokio::test]
async fn the_command_line_is_sendmail_s_with_two_dashes_once() {
    let script = Script::sh(ARGV);
    let check = async |args: &[&str], mail: Mail, want: &str| {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let sender = SendmailSender::new(SendmailSettings { args, ..script.settings() }).unwrap();
        let outcome = give(&sender, mail).await;
        assert_eq!(
            shown(&outcome).concat(),
            "accepted 250 2.0.0 sendmail took it".repeat(outcome.recipients.len())
        );
        assert_eq!(script.text("argv"), want);
    };
    let null = Mail { from: envelope::ReversePath(None), ..small() };
    let two = mail(1, &["b@example.com", "c'$x|`id`&@example.com"], "x\r\n");
    check(&[], small(), "[-f][from@example.com][-i][--][b@example.com]").await;
    check(&[], null, "[-f][][-i][--][b@example.com]").await;
    check(
        &["-o", "a b; exit 1"],
        two,
        "[-f][from@example.com][-i][-o][a b; exit 1][--][b@example.com][c'$x|`id`&@example.com]",
    )
    .await;
    check(&["-t", "--"], small(), "[-f][from@example.com][-i][-t][--][b@example.com]").await;
}

#[tokio::test]
async fn b5_91_each_exit_code_says_whose_it_is() {
    let script = Script::sh("cat > /dev/null; echo first >&2; echo 'bad \x1b[31m'$2 >&2; exit ${2%@*}");
    let sender = script.sender();
    let check = async |code: u8, want: &str| {
        let from = envelope::Address::parse(&format!("{code}@example.com")).unwrap();
        let outcome = give(&sender, Mail { from: from.into(), ..small() }).await;
        let got = shown(&outcome).remove(0);
        assert!(got.starts_with(want), "{code}: {got}");
        assert!(
            got.starts_with("acc") || outcome.transcript.contains(&format!("** exit status {code} (")),
            "{code}"
        );
        assert!(outcome.transcript.contains(r"<- stderr: bad \u{1b}[31m"), "{}", outcome.transcript);
        if let Some(refused) = got.strip_prefix("refused ") {
            assert!(refused.ends_with(&format!(r": bad \u{{1b}}[31m{code}@example.com")), "{got}");
        }
    };
    check(0, "accepted 250 2.0.0").await;
    for code in [64, 65, 67, 68] {
        check(code, &format!("refused End 554 5.3.0 sendmail ended with exit status {code} (")).await;
    }
    for code in [1, 2, 63, 66, 69, 70, 71, 72, 73, 74, 75, 76, 79, 125, 137, 255] {
        check(code, &format!("refused End 451 4.3.0 sendmail ended with exit status {code} (")).await;
    }
    for code in [77, 78, 126, 127] {
        check(code, "not attempted Settings Connect").await;
    }
}

#[tokio::test]
async fn b5_91_a_signal_leaves_a_mail_that_was_read_in_doubt() {
    let outcome = give(&Script::sh("cat > /dev/null; kill -9 $$").sender(), small()).await;
    assert_eq!(shown(&outcome), ["unknown Lost End"]);
    assert!(trouble_text(&outcome).contains("signal 9"), "{}", trouble_text(&outcome));
    let outcome = give(&Script::sh("kill -9 $$").sender(), large()).await;
    assert_eq!(shown(&outcome), ["not attempted Lost Data"]);
}

/// More than a pipe holds.
fn large() -> Mail {
    mail(1, &["b@example.com"], &"0123456789\r\n".repeat(100_000))
}

#[tokio::test]
async fn b5_90_stdin_closed_early_shows_the_exit_status_and_not_the_broken_pipe() {
    let outcome = give(&Script::sh("exec 0<&-; echo 'who is b' >&2; exit 67").sender(), large()).await;
    let want = "refused End 554 5.3.0 sendmail ended with exit status 67 (no such user): who is b";
    assert_eq!(shown(&outcome), [want]);
    assert!(outcome.transcript.contains("** not the whole mail was read"), "{}", outcome.transcript);
    let outcome = give(&Script::sh("exit 0").sender(), large()).await;
    assert_eq!(shown(&outcome), ["not attempted Misbehaved Data"]);
}

#[tokio::test]
async fn line_ends_are_as_asked() {
    let script = Script::sh("cat > \"$here/mail\"");
    let body = format!("{}\r\n\r\n.\r\nend\r\n", "x".repeat(40_000));
    let whole = format!("Subject: x\r\n\r\n{body}");
    for (convert_crlf, want) in [(true, whole.replace("\r\n", "\n")), (false, whole)] {
        let sender = SendmailSender::new(SendmailSettings { convert_crlf, ..script.settings() }).unwrap();
        let outcome = give(&sender, mail(1, &["b@example.com"], &body)).await;
        assert!(shown(&outcome)[0].starts_with("accepted"), "{:?}", shown(&outcome));
        assert!(script.file("mail") == want.as_bytes(), "convert {convert_crlf}");
    }
}

#[tokio::test]
async fn b5_92_the_environment_is_cleared() {
    let script =
        Script::sh("cat > /dev/null; exec 0<&-; tr '\\0' '\\n' < /proc/self/environ > \"$here/env\"");
    let settings =
        SendmailSettings { search_path: "/usr/bin:/bin".into(), lang: Some("C".into()), ..script.settings() };
    let outcome = give(&SendmailSender::new(settings).unwrap(), small()).await;
    assert!(shown(&outcome)[0].starts_with("accepted"), "{:?}", outcome);
    let got = script.text("env");
    // The shell adds its own folder.
    let mut got: Vec<&str> = got.lines().filter(|line| !line.starts_with("PWD=")).collect();
    got.sort_unstable();
    assert_eq!(got, ["LANG=C", "PATH=/usr/bin:/bin"]);
    assert!(std::env::vars_os().count() > 2, "there was something to clear");
}

#[tokio::test]
async fn b5_90_a_flood_is_read_to_the_end_and_not_kept() {
    let script = Script::sh(
        "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo last >&2; cat > /dev/null; exit 75",
    );
    let outcome = give(&script.sender(), large()).await;
    let want = "refused End 451 4.3.0 sendmail ended with exit status 75 (try again): last";
    assert_eq!(shown(&outcome), [want]);
    assert!(outcome.transcript.len() <= 16 * 1024, "{}", outcome.transcript.len());
}

/// Says a word into the fifo, and holds it and the pipes open for ever, as its child does.
const HANG: &str = "sh -c 'trap \"\" TERM HUP; echo up; exec sleep 1000' > \"$here/fifo\" & wait";

#[tokio::test(start_paused = true)]
async fn b5_90_a_hang_is_killed_with_all_its_group_when_time_is_up() {
    for (read, want) in [("cat > /dev/null", "unknown Timeout End"), (":", "not attempted Timeout Data")] {
        let script = Script::sh(&format!("{read}\necho stuck >&2\n{HANG}"));
        let fifo = script.fifo();
        // The clock stands still while a blocking task runs, and jumps to the timeout after it.
        let up = tokio::task::spawn_blocking(move || {
            let mut fifo = BufReader::new(std::fs::File::open(fifo).unwrap());
            let mut line = String::new();
            fifo.read_line(&mut line).unwrap();
            fifo
        });
        let sender = script.sender();
        let (mut fifo, outcome) = tokio::join!(up, give(&sender, large()));
        assert_eq!(shown(&outcome), [want]);
        assert!(trouble_text(&outcome).contains("did not end within 300s"), "{}", trouble_text(&outcome));
        // Ends when the last writer is dead.
        fifo.as_mut().unwrap().read_to_end(&mut Vec::new()).unwrap();
    }
}

#[tokio::test]
async fn b5_90_a_dropped_run_is_killed_with_all_its_group() {
    let script = Script::named("dropme", &format!("#!/bin/sh\nhere=${{0%/*}}\n{HANG}\n"));
    let (fifo, sender) = (script.fifo(), script.sender());
    let run = tokio::spawn(async move { give(&sender, small()).await });
    let (mut fifo, run) = tokio::task::spawn_blocking(move || {
        let mut fifo = BufReader::new(std::fs::File::open(fifo).unwrap());
        fifo.read_line(&mut String::new()).unwrap();
        (fifo, run)
    })
    .await
    .unwrap();
    run.abort();
    assert_eq!(children("(dropme)"), 1);
    assert!(run.await.unwrap_err().is_cancelled());
    fifo.read_to_end(&mut Vec::new()).unwrap();
    let waited_for = async {
        while children("(dropme)") > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited_for).await.unwrap();
}

#[tokio::test]
async fn b5_90_a_grandchild_that_holds_the_pipes_changes_no_outcome() {
    let script = Script::sh(
        "cat > /dev/null; sh -c 'echo up; exec sleep 1000' > \"$here/fifo\" & echo $! > \"$here/pid\"",
    );
    let fifo = script.fifo();
    let sender = script.sender();
    let open = tokio::task::spawn_blocking(move || {
        let mut fifo = BufReader::new(std::fs::File::open(fifo).unwrap());
        fifo.read_line(&mut String::new()).unwrap();
        fifo
    });
    let (fifo, outcome) = tokio::join!(open, give(&sender, small()));
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 sendmail took it"]);
    // It still runs: the signal finds it, and the pipe ends only then.
    assert!(
        Command::new("/bin/sh")
            .args(["-c", "kill \"$0\"", script.text("pid").trim()])
            .status()
            .unwrap()
            .success()
    );
    fifo.unwrap().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
async fn b5_90_a_thousand_runs_leave_no_zombie_and_no_open_file() {
    let script = Script::named("countme", "#!/bin/sh\ncat > /dev/null; exit 75\n");
    let sender = script.sender();
    let mut control = Command::new(&script.path).stdin(Stdio::piped()).spawn().unwrap();
    assert_eq!(children("(countme)"), 1);
    assert_eq!(control.wait().unwrap().code(), Some(75));
    let is_pipe = |path: &PathBuf| path.to_string_lossy().starts_with("pipe:");
    let open = || {
        let all = std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| entry.ok()?.path().read_link().ok());
        all.filter(is_pipe).count()
    };
    let before = open();
    for _ in 0..1_000 {
        assert!(shown(&give(&sender, small()).await)[0].starts_with("refused End 451"));
    }
    assert_eq!(sender.running(), []);
    assert_eq!(children("(countme)"), 0);
    // Other tests of this binary have some at the same time; a pipe left of each run would be a thousand.
    assert!(open() < before + 300, "{before} to {}", open());
}

/// Our children of this name, dead ones too.
fn children(name: &str) -> usize {
    let parent = format!("{name} ");
    let of_ours = |stat: &String| {
        stat.split_once(&parent)
            .and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok())
            .is_some_and(|id| id == std::process::id())
    };
    let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    all.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok()).filter(of_ours).count()
}

#[tokio::test]
async fn a_program_that_is_gone_is_no_mail_s_fault() {
    let script = Script::sh("exit 0");
    let sender = script.sender();
    std::fs::remove_file(&script.path).unwrap();
    assert_eq!(shown(&give(&sender, small()).await), ["not attempted Settings Connect"]);
    let script = Script::new("#!/nonexistent/interpreter\n");
    assert_eq!(shown(&give(&script.sender(), small()).await), ["not attempted Settings Connect"]);
}

#[tokio::test]
async fn b5_92_a_program_s_name_goes_through_no_shell() {
    let script = Script::named("a b; exit 1; $(id) `id` | cat &", "#!/bin/sh\ncat > \"${0%/*}/mail\"\n");
    let outcome = give(&script.sender(), small()).await;
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 sendmail took it"]);
    assert!(script.text("mail").ends_with("hello\n"));
}

#[tokio::test]
async fn a_running_program_is_seen_until_it_has_ended() {
    let script = Script::sh("cat > /dev/null; echo $$ > \"$here/pid\"; read word < \"$here/fifo\"");
    let (fifo, sender) = (script.fifo(), std::sync::Arc::new(script.sender()));
    assert_eq!(sender.running(), []);
    let run = tokio::spawn({
        let sender = sender.clone();
        async move { give(&sender, mail(1, &["b@example.com", "c@example.com"], "x\r\n")).await }
    });
    // Opens once the program reads.
    let opened = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(fifo));
    let mut word = opened.await.unwrap().unwrap();
    let seen = sender.running();
    assert_eq!((seen.len(), seen[0].recipients), (1, 2));
    assert_eq!(seen[0].pid.to_string(), script.text("pid").trim());
    word.write_all(b"go\n").unwrap();
    assert_eq!(shown(&run.await.unwrap()).len(), 2);
    assert_eq!(sender.running(), []);
}

#[test]
fn b5_92_programs_are_found_in_absolute_folders_only() {
    let script = Script::sh("exit 0");
    let folder = script.folder.path().to_str().unwrap().to_owned();
    std::fs::write(script.folder.path().join("plain"), "").unwrap();
    let found = |name: &str, path: &str| locate(Path::new(name), OsStr::new(path));
    assert_eq!(found("script", &format!("/nonexistent:{folder}")), Ok(script.path.clone()));
    assert_eq!(found(script.path.to_str().unwrap(), ""), Ok(script.path.clone()));
    assert_eq!(found("script", "/nonexistent:.:"), Err(SettingsError::NotFound("script".into())));
    let relative = format!("{}{}", "../".repeat(32), folder.trim_start_matches('/'));
    assert!(Path::new(&relative).join("script").exists());
    assert_eq!(found("script", &relative), Err(SettingsError::NotFound("script".into())));
    assert_eq!(found("plain", &folder), Err(SettingsError::NotFound("plain".into())));
    assert_eq!(found("bin/script", "/"), Err(SettingsError::Relative("bin/script".into())));
    assert_eq!(found(&folder, ""), Err(SettingsError::NoProgram(folder.into())));
    let settings = SendmailSettings { timeout: Duration::ZERO, ..script.settings() };
    assert_eq!(SendmailSender::new(settings).err(), Some(SettingsError::Timeout));
}
