//! A relay's password: written, in a file, or printed by a command that has ten seconds for it.

use super::Surroundings;
use super::reader::{Reader, Written};
use super::settings::Secret;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long `PASSWD_COMMAND` may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Octets of its output, or of a file, that are read.
const MOST_OUTPUT: u64 = 64 << 10;

/// The password from the one of the three keys that is written in this very section or, for the
/// main relay, by any source; with the key and where it stands.
pub(crate) fn password(
    r: &mut Reader<'_>,
    section: &str,
    around: &Surroundings,
) -> Option<(&'static str, Written, Secret)> {
    let mut found: Option<(&'static str, Written, Secret)> = None;
    for key in ["PASSWD", "PASSWD_FILE", "PASSWD_COMMAND"] {
        if !r.tree.has_own(section, key) {
            continue;
        }
        let written = if key == "PASSWD" { r.secret(section, key) } else { r.text(section, key) };
        let Some(written) = written else { continue };
        if let Some((other, ..)) = found {
            let problem = format!("the password is written twice, here and as {other}; remove one");
            r.findings.mistake(Some(written.origin), section, key, problem);
            continue;
        }
        let secret = match key {
            "PASSWD" => Ok(written.text.clone()),
            "PASSWD_FILE" => from_file(&r.absolute(&written.text)),
            _ => from_command(&written.text, around.run_commands, PATIENCE),
        };
        match secret {
            Ok(secret) => found = Some((key, written, secret.into())),
            Err(problem) => r.findings.mistake(Some(written.origin), section, key, problem),
        }
    }
    found
}

fn from_file(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MOST_OUTPUT).read_to_string(&mut text));
    read.map_err(|e| format!("the file {} cannot be read: {e}; check path and permissions", path.display()))?;
    Ok(first_line(&text))
}

/// A secret from the one of two keys, itself or the file's first line, written in this very section.
pub(crate) fn written_or_file(
    r: &mut Reader<'_>,
    section: &str,
    (key, file_key): (&'static str, &'static str),
) -> Option<(Written, Secret)> {
    let own = |r: &Reader<'_>, key| r.tree.has_own(section, key);
    let written = own(r, key).then(|| r.secret(section, key)).flatten();
    let file = own(r, file_key).then(|| r.text(section, file_key)).flatten();
    match (written, file) {
        (Some(_), Some(file)) => {
            let problem = format!("is written twice, here and as {key}; remove one");
            r.findings.mistake(Some(file.origin), section, file_key, problem);
            None
        }
        (Some(written), None) => {
            let secret = written.text.clone().into();
            Some((written, secret))
        }
        (None, Some(file)) => match from_file(&r.absolute(&file.text)) {
            Ok(secret) => Some((file, secret.into())),
            Err(problem) => {
                r.findings.mistake(Some(file.origin), section, file_key, problem);
                None
            }
        },
        (None, None) => None,
    }
}

/// A command's words, at least one.
pub(crate) fn words(command: &str) -> Result<Vec<String>, String> {
    match super::words::split(command) {
        Ok(words) if words.is_empty() => Err("the command is empty; write one".into()),
        Ok(words) => Ok(words),
        Err(_) => Err("a quote or backslash of the command is not closed; close it".into()),
    }
}

/// Runs a command without a shell, in a process group of its own; its first line of output is the
/// password. When it takes longer than `patience` the whole group is killed.
fn from_command(command: &str, run: bool, patience: Duration) -> Result<String, String> {
    let words = words(command)?;
    let (program, arguments) = words.split_first().ok_or("the command is empty; write one")?;
    if !run {
        return Ok(String::new());
    }
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .process_group(0)
        .spawn()
        .map_err(|e| format!("{program} cannot be run: {e}; write its whole path"))?;
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || tell.send(finish(child)));
    let ended = told.recv_timeout(patience);
    if ended.is_err() {
        if let Err(error) = kill_process_group(group, Signal::KILL) {
            tracing::debug!(%error, "the command's process group was gone");
        }
        return Err(format!(
            "{program} did not end within {} s and was killed, with all it started; run it by hand to see why",
            patience.as_secs_f32()
        ));
    }
    drop(reader);
    let (status, output) =
        ended.ok().and_then(Result::ok).ok_or_else(|| format!("the output of {program} cannot be read"))?;
    if !status.success() {
        return Err(format!("{program} failed ({status}); run it by hand to see why"));
    }
    match String::from_utf8(output).map(|text| first_line(&text)) {
        Ok(line) if line.is_empty() => Err(format!("{program} printed no password on its first line")),
        Ok(line) => Ok(line),
        Err(_) => Err(format!("{program} did not print UTF-8")),
    }
}

/// Reads to the end of the output and takes the dead child away.
fn finish(mut child: Child) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST_OUTPUT).read_to_end(&mut output)?;
    }
    Ok((child.wait()?, output))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str) -> Result<String, String> {
        from_command(command, true, PATIENCE)
    }

    #[test]
    fn the_first_line_of_a_command_is_the_password() {
        assert_eq!(run("printf 'a b\\nrest\\n'"), Ok("a b".into()));
        assert_eq!(run("sh -c 'echo \"$0\"' 'x y'"), Ok("x y".into()));
        assert_eq!(from_command("/no/such", false, PATIENCE), Ok(String::new()));
    }

    #[test]
    fn a_command_that_fails_is_told_without_its_arguments() {
        for (command, said) in [
            ("sh -c 'echo secret; exit 3' secret", "sh failed (exit status: 3)"),
            ("/no/such secret", "/no/such cannot be run"),
            ("true secret", "true printed no password"),
            ("printf '\\377secret'", "did not print UTF-8"),
            ("sh -c 'secret", "is not closed"),
            ("", "the command is empty"),
        ] {
            let error = run(command).expect_err(command);
            assert!(error.contains(said) && !error.contains("secret"), "{command}: {error}");
        }
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_all_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let pids = folder.path().join("pids");
        let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", pids.display());
        let command = format!("sh -c '{script}'");
        // Long enough for the shell to start its child; what counts is that it ends.
        let error = from_command(&command, true, Duration::from_secs(1)).expect_err("it hangs");
        assert!(error.contains("within 1 s and was killed"), "{error}");
        let pid = std::fs::read_to_string(&pids).expect("the shell came so far");
        let stat = format!("/proc/{}/stat", pid.trim());
        let lives = || std::fs::read_to_string(&stat).is_ok_and(|s| !s.contains(") Z "));
        let gone = (0..1_000_000).any(|_| {
            std::thread::yield_now();
            !lives()
        });
        assert!(gone, "the child {} lives on", pid.trim());
    }
}
