//! A token that a program prints.

use super::{LENGTH, NoToken, first_line};
use crate::sendmail::group::Group;
use smtp::sasl::Secret;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs it in a process group of its own, which is killed when it takes too long or nobody waits any more. The
/// error names the program alone: its arguments may be secret.
pub(super) async fn run(words: &[String]) -> Result<Secret, NoToken> {
    let cannot = |why: String| NoToken::from(format!("no access token: {why}"));
    let (program, arguments) = words.split_first().ok_or_else(|| cannot("the command is empty".into()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .process_group(0)
        .spawn()
        .map_err(|e| cannot(format!("{program} cannot be run: {e}; write its whole path")))?;
    let stdout = child.stdout.take();
    let mut group = Group::new(child);
    let talk = async {
        let mut octets = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(LENGTH).read_to_end(&mut octets).await?;
        }
        Ok::<_, std::io::Error>((group.wait().await?, Secret::from(octets)))
    };
    let ended = timeout(PATIENCE, talk).await;
    let (status, printed) = match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => return Err(cannot(format!("the output of {program} cannot be read: {error}"))),
        Err(_) => {
            let limit = PATIENCE.as_secs();
            return Err(cannot(format!(
                "{program} did not end within {limit} s and was killed; run it by hand to see why"
            )));
        }
    };
    if !status.success() {
        return Err(cannot(format!("{program} failed ({status}); run it by hand to see why")));
    }
    first_line(&printed).ok_or_else(|| cannot(format!("{program} printed none on its first line")))
}
