//! The table of targets: a name, the function, the words its inputs are made of.
//!
//! A new target is a file of its own beside this one, a row here and a folder `corpus/NAME`.

mod addresses;
mod certificates;
mod client;
mod dkim;
mod dns;
mod headers;
mod html;
mod intake;
mod replies;
mod templates;

/// Reads bytes a stranger chose; panics when a promise is broken.
pub type Body = fn(&[u8]);

pub struct Target {
    /// As written on the command line, and the folder under `corpus`.
    pub name: &'static str,
    pub body: Body,
    /// Words a mutation inserts, so that inputs stay near the grammar.
    pub words: &'static [&'static str],
}

pub const TARGETS: &[Target] = &[
    Target { name: "html", body: html::run, words: html::WORDS },
    Target { name: "headers", body: headers::run, words: headers::WORDS },
    Target { name: "addresses", body: addresses::run, words: addresses::WORDS },
    Target { name: "certificates", body: certificates::run, words: certificates::WORDS },
    Target { name: "dkim", body: dkim::run, words: dkim::WORDS },
    Target { name: "dns", body: dns::run, words: dns::WORDS },
    Target { name: "replies", body: replies::run, words: replies::WORDS },
    Target { name: "client", body: client::run, words: client::WORDS },
    Target { name: "templates", body: templates::run, words: templates::WORDS },
    Target { name: "intake", body: intake::run, words: intake::WORDS },
];

/// The target of that name.
pub fn by_name(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
