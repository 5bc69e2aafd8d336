//! The events of a forge: issues, pull requests, releases, repositories, accounts, workflow runs.

mod account;
mod issue;
mod prose;
mod repository;
mod run;

use crate::kind::{Class, EventKind, Sender};
use account::Account;
use issue::Issue;
use postrider::Priority;
use repository::{Release, Repository};
use run::WorkflowRun;
use std::sync::Arc;

/// What happens to an issue, and to a pull request.
const ISSUE: [&str; 5] = ["new", "comment", "close", "reopen", "assigned"];
const PULL: [&str; 14] = [
    "new",
    "comment",
    "close",
    "reopen",
    "assigned",
    "merge",
    "approve",
    "reject",
    "review",
    "review_dismissed",
    "review_requested",
    "ready_for_review",
    "code",
    "push",
];

/// What answers its recipient's own wish: to be sent whatever the settings say, and first.
const ACCOUNTS: [(&str, &[&str]); 5] = [
    ("user.activate", &["user.name", "url"]),
    ("user.activate_email", &["user.name", "email", "url"]),
    ("user.reset_password", &["user.name", "url"]),
    ("user.welcome", &["user.name", "url"]),
    ("team.invite", &["organization.name", "team.name", "url"]),
];

/// All kinds there are without the application's own.
pub(crate) fn kinds() -> Vec<EventKind> {
    let notification = |name: &str| EventKind::new(name).class(Class::Notification);
    let mut all = Vec::new();
    for (kind, actions) in [("issue", &ISSUE[..]), ("pull", &PULL[..])] {
        for action in actions {
            let pull = kind == "pull";
            // The order in which the reference looks for a template.
            let choices = [
                format!("{kind}/{action}"),
                format!("issue/{action}"),
                format!("{kind}/default"),
                "issue/default".to_owned(),
            ];
            let model = Arc::new(Issue { pull, action });
            let kind = notification(&format!("{kind}.{action}")).sender(Sender::Actor);
            all.push(kind.templates(choices).model(model));
        }
    }
    all.push(notification("release").sender(Sender::Actor).model(Arc::new(Release)));
    all.push(notification("repo.collaborator").model(Arc::new(Repository)).needs(["repository.url"]));
    all.push(notification("repo.transfer").model(Arc::new(Repository)).needs(["url"]));
    all.push(notification("workflow_run").actor_too().model(Arc::new(WorkflowRun)));
    let new_user = notification("user.new").needs(["user.username", "user.email", "url"]);
    all.push(new_user.model(Arc::new(Account { allowed: &["user.name", "user.created_at"] })));
    for (name, needs) in ACCOUNTS {
        let kind = EventKind::new(name).class(Class::Account).priority(Priority::Urgent);
        let allowed = &["code", "valid_minutes", "user.username", "organization.url", "team.description"];
        all.push(kind.needs(needs.iter().copied()).model(Arc::new(Account { allowed })));
    }
    all
}
