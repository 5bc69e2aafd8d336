//! What the end of a run means for the mail, by sysexits.h.

use super::run::{Ending, Run};
use super::transcript::escape;
use crate::{Phase, RecipientOutcome, Trouble, TroubleKind};
use envelope::Reply;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Whose an exit code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Taken,
    /// The mail's, for good.
    Never,
    /// The mail's, for now. Also for codes that mean nothing to us: a wrong guess costs a retry, not a mail.
    Later,
    /// The way out's, so that a slip in the settings fails no mail.
    Way,
}

/// The code's meaning and its name.
fn meaning(code: i32) -> (Meaning, &'static str) {
    match code {
        0 => (Meaning::Taken, "taken"),
        // Our part of the command line is always good: an address in it is not.
        64 => (Meaning::Never, "usage"),
        65 => (Meaning::Never, "data error"),
        // A file the program needs; not the mail, which comes by stdin.
        66 => (Meaning::Later, "no input"),
        67 => (Meaning::Never, "no such user"),
        68 => (Meaning::Never, "no such host"),
        // Programs end so when the mail system is down.
        69 => (Meaning::Later, "unavailable"),
        // A bug in the program may be mended, or be met by this mail only.
        70 => (Meaning::Later, "internal error"),
        71 => (Meaning::Later, "system error"),
        72 => (Meaning::Later, "system file missing"),
        73 => (Meaning::Later, "cannot create file"),
        74 => (Meaning::Later, "input or output error"),
        75 => (Meaning::Later, "try again"),
        // The next server talked nonsense, which it may not do tomorrow.
        76 => (Meaning::Later, "protocol error"),
        77 => (Meaning::Way, "permission denied"),
        78 => (Meaning::Way, "configuration error"),
        // A shell's words for what a script of the operator's calls.
        126 => (Meaning::Way, "cannot be executed"),
        127 => (Meaning::Way, "not found"),
        _ => (Meaning::Later, "a code without a meaning"),
    }
}

pub(super) fn outcome(run: &Run) -> RecipientOutcome {
    let trouble = |kind, phase, text: String| Trouble { kind, phase, reply: None, text: text.into() };
    match &run.ending {
        Ending::NotStarted(error) => RecipientOutcome::NotAttempted(not_started(error)),
        Ending::TimedOut(limit) => {
            let text = with_cause(run, &format!("sendmail did not end within {limit:?} and was killed"));
            doubt(run, |phase| trouble(TroubleKind::Timeout, phase, text))
        }
        Ending::Lost(error) => {
            let text = format!("how sendmail ended is not known: {error}");
            doubt(run, |phase| trouble(TroubleKind::Lost, phase, text))
        }
        Ending::Ended(status) => match status.code() {
            Some(code) => exited(run, code),
            None => {
                let text = with_cause(run, &format!("sendmail was ended by {}", named(*status)));
                doubt(run, |phase| trouble(TroubleKind::Lost, phase, text))
            }
        },
    }
}

fn exited(run: &Run, code: i32) -> RecipientOutcome {
    let (meaning, name) = meaning(code);
    let refused =
        |code, text: String| RecipientOutcome::Refused { phase: Phase::End, reply: Reply::new(code, text) };
    let text = with_cause(run, &format!("sendmail ended with exit status {code} ({name})"));
    let trouble = |kind, phase, text: String| {
        RecipientOutcome::NotAttempted(Trouble { kind, phase, reply: None, text: text.into() })
    };
    match meaning {
        Meaning::Taken if run.fed => RecipientOutcome::Accepted(Reply::new(250, "2.0.0 sendmail took it")),
        Meaning::Taken => {
            let text = "sendmail ended with exit status 0 before it had read the whole mail".to_owned();
            trouble(TroubleKind::Misbehaved, Phase::Data, text)
        }
        Meaning::Never => refused(554, format!("5.3.0 {text}")),
        Meaning::Later => refused(451, format!("4.3.0 {text}")),
        Meaning::Way => trouble(TroubleKind::Settings, Phase::Connect, text),
    }
}

/// No word from the program: with the whole mail in its hands it may have delivered it.
fn doubt(run: &Run, trouble: impl FnOnce(Phase) -> Trouble) -> RecipientOutcome {
    match run.fed {
        true => RecipientOutcome::Unknown(trouble(Phase::End)),
        false => RecipientOutcome::NotAttempted(trouble(Phase::Data)),
    }
}

fn not_started(error: &io::Error) -> Trouble {
    let (kind, phase) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => (TroubleKind::Settings, Phase::Connect),
        // More recipients than the system lets a command line hold: this mail's trouble.
        io::ErrorKind::ArgumentListTooLong => (TroubleKind::Settings, Phase::Data),
        // Out of memory, too many processes, being replaced by an upgrade.
        _ => (TroubleKind::Unreachable, Phase::Connect),
    };
    Trouble { kind, phase, reply: None, text: format!("sendmail cannot be started: {error}").into() }
}

/// A line and the last thing the program said of it.
fn with_cause(run: &Run, line: &str) -> String {
    match run.err.last_line().or_else(|| run.out.last_line()) {
        Some(said) => format!("{line}: {}", escape(&said)),
        None => line.to_owned(),
    }
}

/// How it ended, in words.
pub(super) fn named(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code} ({})", meaning(code).1),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
