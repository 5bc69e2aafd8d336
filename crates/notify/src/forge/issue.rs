//! Mails about an issue or a pull request: one thread for each.

use super::prose::prose;
use super::repository::{Place, place};
use crate::event::Thread;
use crate::kind::{Facts, Model, Shape};
use serde_json::{Value, json};

pub(super) struct Issue {
    pub(super) pull: bool,
    pub(super) action: &'static str,
}

/// What happens at a moment, not by a comment, and its name in a Message-ID.
const MOMENTS: [(&str, &str); 8] = [
    ("close", "close"),
    ("reopen", "reopen"),
    ("merge", "merge"),
    ("ready_for_review", "ready"),
    ("assigned", "assigned"),
    ("review_requested", "review_requested"),
    ("review_dismissed", "review_dismissed"),
    ("push", "push"),
];

/// What an answer by mail can be joined to.
const ANSWERABLE: [&str; 6] = ["new", "comment", "code", "review", "approve", "reject"];

impl Model for Issue {
    fn shape(&self, facts: &mut Facts<'_>) -> Shape {
        let Place { name, full_name, url, list } = place(facts);
        let number = facts.need("issue.number", "its number");
        let title = facts.need("issue.title", "its title");
        let link = facts.need("issue.url", "the URL of its page");
        if facts.event.actor.is_none() {
            facts.faults.add("actor", "is missing; give {name, …}, who did it");
        }
        let step = self.step(facts);
        self.complete(facts, &link);
        let kind = if self.pull { "pull" } else { "issue" };
        let thread = Thread { id: format!("{full_name}/{kind}s/{number}"), step };
        let mut headers = url.map(|url| ("X-Gitea-Repository-Link", url)).into_iter().collect::<Vec<_>>();
        headers.extend([
            ("X-Gitea-Repository", name.clone()),
            ("X-Gitea-Repository-Path", full_name.clone()),
            ("X-Gitea-Issue-ID", number.clone()),
            ("X-Gitea-Issue-Link", link.clone()),
            ("X-GitLab-Project", name),
            ("X-GitLab-Project-Path", full_name.clone()),
            ("X-GitLab-Issue-IID", number.clone()),
        ]);
        let answer = if self.action == "new" { "" } else { "Re: " };
        Shape {
            passing: facts.event.at.is_none() && self.moment().is_some(),
            thread: Some(thread),
            list: crate::event::List { unsubscribe: Some(link), ..list },
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            forge: true,
            reason: Some(kind.to_owned()),
            subject: Some(format!("{answer}[{full_name}] {title} (#{number})")),
            answerable: ANSWERABLE.contains(&self.action),
        }
    }
}

impl Issue {
    /// Which mail of the thread it is; `None`: the one that opens it.
    fn step(&self, facts: &mut Facts<'_>) -> Option<String> {
        if self.action == "new" {
            return None;
        }
        match (self.moment(), facts.value("comment.id")) {
            (None, Some(_)) => facts.text("comment.id").map(|id| format!("comment/{id}")),
            (None, None) => {
                facts.fault("comment.id", "is missing; give the id of the comment or review");
                None
            }
            (Some(moment), _) => {
                let at = facts.event.at.unwrap_or(facts.now);
                Some(format!("{moment}/{}", at.as_millisecond()))
            }
        }
    }

    /// Its name in a Message-ID, when it happens at a moment.
    fn moment(&self) -> Option<&'static str> {
        MOMENTS.iter().find(|(action, _)| *action == self.action).map(|(_, name)| *name)
    }

    /// What the templates may ask for.
    fn complete(&self, facts: &mut Facts<'_>, link: &str) {
        let body = prose(facts, if self.action == "new" { "issue" } else { "comment" });
        let own = facts.text("comment.url");
        facts.set("body", body);
        facts.set("page_url", own.unwrap_or_else(|| link.to_owned()));
        facts.set("is_pull", self.pull);
        facts.set("action", self.action);
        facts.set("prefix", if self.action == "new" { "" } else { "Re: " });
        for path in ["issue.head", "issue.base", "comment.url"] {
            facts.allow(path);
        }
        list(facts, "commits", &["id", "title", "url"], "commits");
        list(facts, "review_comments", &["path", "line", "url"], "review comments");
        let snippets = facts.value("review_comments").and_then(Value::as_array).map_or(0, Vec::len);
        for n in 0..snippets {
            let written = nth(facts, n);
            if let Some(Value::Object(comment)) =
                facts.data.get_mut("review_comments").and_then(|all| all.get_mut(n))
            {
                comment.insert("body".into(), written);
            }
        }
    }
}

/// The prose of one review comment.
fn nth(facts: &Facts<'_>, n: usize) -> Value {
    let comment = facts.value("review_comments").and_then(|all| all.get(n)).cloned().unwrap_or_default();
    let mut own = Facts {
        event: facts.event,
        settings: facts.settings,
        now: facts.now,
        data: [("c".to_owned(), comment)].into_iter().collect(),
        faults: Default::default(),
    };
    prose(&mut own, "c")
}

/// Makes sure that a list is one of objects that have these keys, if only null.
fn list(facts: &mut Facts<'_>, path: &str, keys: &[&str], what: &str) {
    let mut values = match facts.data.remove(path) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) if values.iter().all(Value::is_object) => values,
        Some(_) => {
            facts.fault(path, format!("must be an array of {what}, each an object of {}", keys.join(", ")));
            Vec::new()
        }
    };
    for value in values.iter_mut().filter_map(Value::as_object_mut) {
        for key in keys {
            value.entry(*key).or_insert(Value::Null);
        }
    }
    facts.set(path, json!(values));
}
