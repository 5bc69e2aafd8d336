//! A workflow run that ended.

use super::repository::{Place, place};
use crate::event::{List, Thread};
use crate::kind::{Facts, Model, Shape};
use serde_json::Value;

pub(super) struct WorkflowRun;

/// How a run can end, in the words of the built-in texts.
const STATES: [&str; 3] = ["success", "failure", "cancelled"];

impl Model for WorkflowRun {
    fn shape(&self, facts: &mut Facts<'_>) -> Shape {
        let Place { name, full_name, url, list } = place(facts);
        let number = facts.need("run.number", "its number in the repository");
        facts.need("run.workflow", "the name or file of the workflow");
        let link = facts.need("run.url", "the URL of its page");
        let status = facts.need("run.status", "success, failure or cancelled");
        if !STATES.contains(&&*status) && facts.value("run.status").is_some() {
            facts.fault("run.status", format!("must be {}", STATES.join(", ")));
        }
        let attempt = facts.text("run.attempt").filter(|attempt| attempt != "1" && attempt != "0");
        for path in ["run.commit", "run.branch", "run.title"] {
            facts.allow(path);
        }
        facts.set("page_url", link.clone());
        jobs(facts);
        let id = format!("{full_name}/actions/runs/{number}");
        let fields = [
            ("X-Gitea-Repository", Some(name)),
            ("X-Gitea-Repository-Path", Some(full_name)),
            ("X-Gitea-Repository-Link", url.clone()),
            ("X-Gitea-Run-Number", Some(number)),
            ("X-Gitea-Run-Status", Some(status)),
            ("X-Gitea-Run-Link", Some(link)),
        ];
        Shape {
            thread: Some(Thread { id, step: attempt.map(|attempt| format!("attempt/{attempt}")) }),
            list: List { unsubscribe: url, ..list },
            headers: fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
            forge: true,
            reason: Some("triggered".into()),
            ..Shape::default()
        }
    }
}

/// `jobs`, each with name, status and url.
fn jobs(facts: &mut Facts<'_>) {
    let mut jobs = match facts.data.remove("jobs") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(jobs)) if jobs.iter().all(|job| job.get("name").is_some()) => jobs,
        Some(_) => {
            facts.fault("jobs", "must be an array of {name, status, url}");
            Vec::new()
        }
    };
    for job in jobs.iter_mut().filter_map(Value::as_object_mut) {
        for key in ["status", "url"] {
            job.entry(key).or_insert(Value::Null);
        }
        let known =
            job.get("status").and_then(Value::as_str).filter(|s| STATES.contains(s)).unwrap_or("other");
        let known = Value::from(known);
        job.insert("state".into(), known);
    }
    facts.set("jobs", Value::Array(jobs));
}
