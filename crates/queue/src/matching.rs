//! Which jobs a filter means: one answer for the live table and for history.

use crate::record::{Head, Progress};
use crate::{Filter, JobId, JobView, Status};

/// What filters look at. History keeps these beside each job, so that a search decodes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Brief {
    pub(crate) id: JobId,
    pub(crate) project: String,
    pub(crate) status: Status,
    pub(crate) subject: String,
    /// Envelope recipients, one a line.
    pub(crate) to: String,
    /// From, To and Cc as written, one a line.
    pub(crate) people: String,
    pub(crate) message_id: String,
    pub(crate) external_id: Option<String>,
    /// One a line.
    pub(crate) remote_ids: String,
    /// `name:value`, one a line.
    pub(crate) tags: String,
}

impl Brief {
    pub(crate) fn of(head: &Head, progress: &Progress) -> Self {
        let meta = &head.meta;
        let people = std::iter::once(&meta.from).chain(&meta.to).chain(&meta.cc);
        Self {
            id: head.id,
            project: head.project.to_string(),
            status: progress.status,
            subject: meta.subject.clone(),
            to: lines(head.envelope.to.iter().map(|r| r.address.as_str())),
            people: lines(people.map(String::as_str)),
            message_id: meta.message_id.clone(),
            external_id: meta.external_id.clone(),
            remote_ids: lines(progress.history.iter().filter_map(|a| a.remote_id.as_deref())),
            tags: tags(&meta.tags),
        }
    }

    /// Of a job that is shown anyway.
    pub(crate) fn of_view(view: &JobView) -> Self {
        let meta = &view.meta;
        let people = std::iter::once(&meta.from).chain(&meta.to).chain(&meta.cc);
        Self {
            id: view.id,
            project: view.project.to_string(),
            status: view.status,
            subject: meta.subject.clone(),
            to: lines(view.envelope.to.iter().map(|r| r.address.as_str())),
            people: lines(people.map(String::as_str)),
            message_id: meta.message_id.clone(),
            external_id: meta.external_id.clone(),
            remote_ids: lines(view.attempts.iter().filter_map(|a| a.remote_id.as_deref())),
            tags: tags(&meta.tags),
        }
    }

    pub(crate) fn matches(&self, filter: &Filter) -> bool {
        let anywhere = |wanted: &str| {
            [&self.subject, &self.to, &self.people, &self.message_id, &self.remote_ids]
                .into_iter()
                .any(|text| holds(text, wanted))
                || holds(&self.id.to_string(), wanted)
        };
        let tag = |wanted: &str| {
            self.tags.lines().any(|t| {
                t == wanted
                    || t.split_once(':').is_some_and(|(name, value)| name == wanted || value == wanted)
            })
        };
        filter.project.as_deref().is_none_or(|p| p == self.project)
            && filter.status.is_none_or(|s| s == self.status)
            && filter.to.as_deref().is_none_or(|w| holds(&self.to, w))
            && filter.subject.as_deref().is_none_or(|w| holds(&self.subject, w))
            && (filter.external_id.is_none() || filter.external_id == self.external_id)
            && filter.message_id.as_deref().is_none_or(|w| w == self.message_id)
            && filter.remote_id.as_deref().is_none_or(|w| self.remote_ids.lines().any(|r| r == w))
            && filter.tag.as_deref().is_none_or(tag)
            && filter.q.as_deref().is_none_or(anywhere)
    }
}

/// Whether nothing but id, project and status decides.
pub(crate) fn needs_no_text(filter: &Filter) -> bool {
    let Filter { to, subject, external_id, tag, message_id, remote_id, q, .. } = filter;
    [to, subject, external_id, tag, message_id, remote_id, q].into_iter().all(Option::is_none)
}

fn lines<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for text in texts {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(text);
    }
    out
}

fn tags(tags: &[(String, String)]) -> String {
    tags.iter().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join("\n")
}

/// Whether the text stands anywhere, without regard to ASCII case.
fn holds(text: &str, wanted: &str) -> bool {
    wanted.is_empty()
        || text.as_bytes().windows(wanted.len()).any(|w| w.eq_ignore_ascii_case(wanted.as_bytes()))
}
