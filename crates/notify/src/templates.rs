//! The templates that are there without a folder of one's own.

use template::Source;

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

/// Paths and texts of `templates/`.
const FILES: &[(&str, &str)] = sources![
    "_layouts/duration.txt",
    "_layouts/mail.html",
    "_layouts/mail.txt",
    "_layouts/parts.html",
    "_layouts/place.html",
    "_layouts/valid.html",
    "_layouts/valid.txt",
    "issue/assigned.html",
    "issue/assigned.txt",
    "issue/default.html",
    "issue/default.txt",
    "locale/de.toml",
    "locale/en.toml",
    "release.html",
    "release.txt",
    "repo/collaborator.html",
    "repo/collaborator.txt",
    "repo/transfer.html",
    "repo/transfer.txt",
    "team/invite.html",
    "team/invite.txt",
    "user/activate.html",
    "user/activate.txt",
    "user/activate_email.html",
    "user/activate_email.txt",
    "user/new.html",
    "user/new.txt",
    "user/reset_password.html",
    "user/reset_password.txt",
    "user/welcome.html",
    "user/welcome.txt",
    "workflow_run.html",
    "workflow_run.txt",
    "issue/assigned.json",
    "issue/default.json",
    "release.json",
    "repo/collaborator.json",
    "repo/transfer.json",
    "team/invite.json",
    "user/activate.json",
    "user/activate_email.json",
    "user/new.json",
    "user/reset_password.json",
    "user/welcome.json",
    "workflow_run.json",
];

/// The mails of a forge with their layouts, texts in English and German, and sample data.
pub fn built_in() -> Vec<Source> {
    let source = |(name, text): &(&str, &str)| Source {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
        origin: format!("built in: {name}"),
    };
    FILES.iter().map(source).collect()
}

/// As `built_in`, for a set whose language for what has no other is this one: where we do not speak it, the
/// English texts stand in for its catalogue, which a folder then overlays text by text.
pub fn built_in_for(language: &str) -> Vec<Source> {
    let mut sources = built_in();
    let wide = language.split('-').next().unwrap_or(language);
    let catalogue = |tag: &str| format!("locale/{tag}.toml");
    if !FILES.iter().any(|(name, _)| *name == catalogue(wide))
        && let Some(english) = sources.iter().find(|source| source.name == catalogue("en")).cloned()
    {
        sources.push(Source { name: catalogue(wide), ..english });
    }
    sources
}
