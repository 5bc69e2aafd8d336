//! The notifier: built-in and own templates, and what `events.toml` beside them says of kinds.

use crate::config::Settings;
use crate::exit::Failure;
use notify::{EventKind, Notifier, NotifyError};
use postrider::Mailer;
use std::path::Path;

/// Beside the templates.
const MANIFEST: &str = "events.toml";

/// Kinds of events of the application's own.
pub(crate) struct Kinds(Vec<EventKind>);

/// Reads `events.toml` of the folder of templates; there need not be one.
///
/// # Errors
/// Every mistake in it.
pub(crate) fn read(folder: Option<&Path>) -> Result<Kinds, Failure> {
    let Some(path) = folder.map(|folder| folder.join(MANIFEST)).filter(|path| path.exists()) else {
        return Ok(Kinds(Vec::new()));
    };
    let told = |problem: String| Failure::Settings(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
    let kinds = notify::read_manifest(&text)
        .map_err(|mistakes| told(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    match kinds.iter().find(|kind| !notify::is_event_name(kind.name())) {
        Some(kind) => Err(told(NotifyError::Reserved(kind.name().to_owned()).to_string())),
        None => Ok(Kinds(kinds)),
    }
}

/// The notifier of a house.
pub(crate) fn notifier(mailer: &Mailer, s: &Settings, kinds: Kinds) -> Result<Notifier, Failure> {
    let shelf = mailer.clone();
    let notifier = Notifier::builder(mailer.clone()).build(move || shelf.templates());
    let notifier = notifier.map_err(|error| Failure::Bug(error.to_string()))?;
    change(&notifier, s, kinds);
    Ok(notifier)
}

/// New settings hold for events from now on.
pub(crate) fn change(notifier: &Notifier, s: &Settings, kinds: Kinds) {
    if let Err(error) = notifier.change(s.identity.notify.clone(), kinds.0) {
        // `read` has looked at every name.
        tracing::error!(%error, "the kinds of events stay as they were");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_of_the_manifest_are_told_with_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let told = |text: &str| {
            std::fs::write(folder.path().join(MANIFEST), text).unwrap();
            read(Some(folder.path()))
                .map(|plan| plan.0.len())
                .map_err(|failure| (failure.code(), failure.to_string()))
        };
        assert_eq!(told("[\"invoice.paid\"]\nfrom = \"actor\"\n[ship]\n").unwrap(), 2);
        for (text, word) in [
            ("[ship]\nfrm = 1\n", "frm"),
            ("[ship\n", "line 1"),
            ("[send]\n", "send"),
            ("[\"a b\"]\n", "a b"),
        ] {
            let (code, problem) = told(text).unwrap_err();
            assert_eq!(code, 78);
            assert!(problem.contains("events.toml") && problem.contains(word), "{problem}");
        }
        assert_eq!(read(None).map(|plan| plan.0.len()).ok(), Some(0));
    }
}
