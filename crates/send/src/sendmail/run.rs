//! One run of the program: fed, listened to and waited for at the same time.

use super::group::Group;
use super::kept::Kept;
use super::{SendmailSender, feed};
use crate::Mail;
use futures_util::future::maybe_done;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long the pipes are listened to after the end: somebody the program left behind may hold them open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ending {
    NotStarted(io::Error),
    /// Killed by us after this long.
    TimedOut(Duration),
    Ended(ExitStatus),
    /// The system does not tell how it ended.
    Lost(io::Error),
}

/// A run, over.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) ending: Ending,
    /// Whether the whole mail went into the pipe. A small one fits in there unread.
    pub(super) fed: bool,
    pub(super) out: Kept,
    pub(super) err: Kept,
}

pub(super) async fn run(sender: &SendmailSender, arguments: &[&str], mail: &Mail) -> Run {
    let (mut out, mut err, mut fed) = (Kept::default(), Kept::default(), false);
    let ending = match start(sender, arguments) {
        Err(error) => Ending::NotStarted(error),
        Ok(mut child) => {
            let _running = child.id().map(|pid| sender.running.enter(pid, mail.to.len()));
            let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let feeding = async {
                // Why it stopped reading, its exit code says better than our broken pipe.
                fed = feed::feed(stdin, mail, sender.settings.convert_crlf).await.is_ok();
            };
            let talk = async {
                tokio::join!(feeding, out.read(stdout), err.read(stderr));
            };
            watch(Group::new(child), talk, sender.settings.timeout).await
        }
    };
    Run { ending, fed, out, err }
}

fn start(sender: &SendmailSender, arguments: &[&str]) -> io::Result<Child> {
    // The reference's line at its level.
    tracing::trace!("Sending with: {} {arguments:?}", sender.path.display());
    Command::new(&sender.path)
        .args(arguments)
        .env_clear()
        .envs(sender.settings.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

/// Waits for the end, at most for `limit`, while the pipes are served.
async fn watch(mut group: Group, talk: impl Future<Output = ()>, limit: Duration) -> Ending {
    let mut talk = pin!(maybe_done(talk));
    let end = timeout(limit, async {
        tokio::select! {
            status = group.wait() => status,
            () = &mut talk => group.wait().await,
        }
    });
    let ending = match end.await {
        Ok(Ok(status)) => Ending::Ended(status),
        Ok(Err(error)) => Ending::Lost(error),
        Err(_) => {
            group.kill();
            match group.wait().await {
                Ok(_) => Ending::TimedOut(limit),
                Err(error) => Ending::Lost(error),
            }
        }
    };
    if timeout(LAST_WORDS, talk).await.is_err() {
        tracing::debug!("somebody that sendmail started holds its pipes open");
    }
    ending
}
