//! Mail handed to a local program: the keys `SENDMAIL_…` and what a `sendmail://` URL means.

use super::reader::Reader;
use super::settings::Sendmail;
use super::{Surroundings, values};
use std::path::PathBuf;
use std::time::Duration;

const MAILER: &str = "mailer";
pub(super) const USUAL: Duration = Duration::from_secs(300);

/// `None` with a mistake told.
pub(crate) fn sendmail(r: &mut Reader<'_>, around: &Surroundings) -> Option<Sendmail> {
    let written = r.text(MAILER, "SENDMAIL_PATH");
    if written.is_none() {
        r.show_usual(MAILER, "SENDMAIL_PATH");
    }
    let name = written.as_ref().map_or("sendmail", |w| w.text.as_str());
    // A bare name is looked for, anything else starts where other paths do.
    let path = if name.contains('/') { r.absolute(name) } else { PathBuf::from(name) };
    let args = arguments(r);
    let timeout = timeout(r, MAILER);
    let convert_crlf = r.switch(MAILER, "SENDMAIL_CONVERT_CRLF", true);
    let found = find(plain(path, args.clone().unwrap_or_default(), around));
    let found = found.map_err(|problem| {
        r.findings.mistake(written.map(|w| w.origin), MAILER, "SENDMAIL_PATH", problem);
    });
    Some(Sendmail { args: args?, timeout: timeout?, convert_crlf, ..found.ok()? })
}

/// The usual bounds, and what of our surroundings the program gets.
pub(crate) fn plain(path: PathBuf, args: Vec<String>, around: &Surroundings) -> Sendmail {
    let variable = |name| around.variable(name).cloned();
    Sendmail {
        path,
        args,
        timeout: USUAL,
        convert_crlf: true,
        search_path: variable("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into()),
        home: variable("HOME"),
        lang: variable("LANG"),
    }
}

/// With the program's absolute path.
pub(crate) fn find(way: Sendmail) -> Result<Sendmail, String> {
    let path = send::sendmail::locate(&way.path, &way.search_path).map_err(|e| e.to_string())?;
    Ok(Sendmail { path, ..way })
}

fn arguments(r: &mut Reader<'_>) -> Option<Vec<String>> {
    let Some(written) = r.text(MAILER, "SENDMAIL_ARGS") else { return Some(Vec::new()) };
    match words(&written.text) {
        Ok(words) => Some(words),
        Err(problem) => {
            r.findings.mistake(Some(written.origin), MAILER, "SENDMAIL_ARGS", problem);
            None
        }
    }
}

/// Words as a shell splits them; nothing is expanded.
pub(crate) fn words(text: &str) -> Result<Vec<String>, String> {
    super::words::split(text)
        .map_err(|_| "a quote or backslash is not closed; close it, or put a backslash before it".into())
}

/// What cannot be read is five minutes, as in Gitea; no time at all is refused.
pub(crate) fn timeout(r: &mut Reader<'_>, section: &str) -> Option<Duration> {
    const KEY: &str = "SENDMAIL_TIMEOUT";
    let Some(written) = r.text(section, KEY) else {
        r.show_usual(section, KEY);
        return Some(USUAL);
    };
    match values::go_duration(&written.text) {
        Some(seconds) if seconds > 0.0 => {
            Some(Duration::try_from_secs_f64(seconds).unwrap_or(USUAL).max(Duration::from_millis(1)))
        }
        Some(_) => {
            let problem = format!("{:?} leaves no time to run; write for example 5m", written.text);
            r.findings.mistake(Some(written.origin), section, KEY, problem);
            None
        }
        None if super::keys::is_ours(section) => {
            let problem = format!("{:?} is not a duration; write for example 90s, 5m or 1h30m", written.text);
            r.findings.mistake(Some(written.origin), section, KEY, problem);
            None
        }
        None => {
            let problem = format!(
                "{:?} is not a duration and counts as 5m; write for example 90s, 5m or 1h30m",
                written.text
            );
            r.findings.warn(Some(written.origin), section, KEY, problem);
            Some(USUAL)
        }
    }
}
