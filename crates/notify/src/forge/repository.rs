//! What belongs to a repository: its names, its list, releases and the mails about itself.

use super::prose::prose;
use crate::event::{List, Thread};
use crate::kind::{Facts, Model, Shape};
use serde_json::{Value, json};

/// Where something happened.
pub(super) struct Place {
    /// Without its owner.
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) url: Option<String>,
    pub(super) list: List,
}

/// Reads `repository`: `full_name` or `owner` and `name`, and `url`.
pub(super) fn place(facts: &mut Facts<'_>) -> Place {
    if facts.value("repository.full_name").is_none()
        && let (Some(owner), Some(name)) = (facts.text("repository.owner"), facts.text("repository.name"))
    {
        facts.set("repository.full_name", format!("{owner}/{name}"));
    }
    let full_name = facts.need("repository.full_name", "owner/name");
    let (owner, name) = full_name.rsplit_once('/').unwrap_or(("", &full_name));
    let (owner, name) = (owner.to_owned(), name.to_owned());
    let url = facts.text("repository.url");
    facts.allow("repository.url");
    let label = if owner.is_empty() { name.clone() } else { format!("{name}.{owner}") };
    let list = List {
        id: Some(format!("{label}.{}", facts.settings.domain)),
        name: Some(full_name.clone()),
        archive: url.clone(),
        unsubscribe: None,
    };
    Place { name, full_name, url, list }
}

fn fields(place: &Place) -> Vec<(String, String)> {
    let link = place.url.clone().map(|url| ("X-Gitea-Repository-Link", url));
    let names = [
        ("X-Gitea-Repository", place.name.clone()),
        ("X-Gitea-Repository-Path", place.full_name.clone()),
        ("X-GitLab-Project", place.name.clone()),
        ("X-GitLab-Project-Path", place.full_name.clone()),
    ];
    names.into_iter().chain(link).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Mails about the repository itself.
pub(super) struct Repository;

impl Model for Repository {
    fn shape(&self, facts: &mut Facts<'_>) -> Shape {
        let place = place(facts);
        if facts.event.actor.is_none() {
            facts.faults.add("actor", "is missing; give {name, …}, who did it");
        }
        for path in ["permission", "new_owner", "url"] {
            facts.allow(path);
        }
        let link = facts.text("url").or_else(|| place.url.clone());
        facts.set("page_url", link);
        Shape { headers: fields(&place), forge: true, ..Shape::default() }
    }
}

/// A release, to those who watch.
pub(super) struct Release;

impl Model for Release {
    fn shape(&self, facts: &mut Facts<'_>) -> Shape {
        let place = place(facts);
        let id = facts.need("release.id", "its lasting id");
        let tag = facts.need("release.tag", "the name of its tag");
        let url = facts.need("release.url", "the URL of its page");
        if facts.event.actor.is_none() {
            facts.faults.add("actor", "is missing; give {name, …}, who published it");
        }
        if facts.value("release.title").is_none() {
            facts.set("release.title", tag);
        }
        let body = prose(facts, "release");
        facts.set("body", body);
        facts.set("page_url", url);
        let files = match facts.value("release.files") {
            None => json!([]),
            Some(files @ Value::Array(_)) => files.clone(),
            Some(_) => {
                facts.fault("release.files", "must be an array of {name, url}");
                json!([])
            }
        };
        facts.set("release.files", files);
        Shape {
            thread: Some(Thread { id: format!("{}/releases/{id}", place.full_name), step: None }),
            headers: fields(&place),
            list: List { unsubscribe: place.url, ..place.list },
            forge: true,
            reason: Some("release".into()),
            ..Shape::default()
        }
    }
}
