//! An application's events, which become mails.

use crate::door::Door;
use crate::problem::Problem;
use crate::wire;
use crate::{calls, gate};
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use notify::{Event, Notified, Notifier, NotifyError};
use postrider::{Caller, Scope, SubmitError};
use serde::Serialize;

/// What the door hands events to.
#[derive(Clone)]
pub struct Events(Notifier);

impl Events {
    /// A door that hands events to this notifier. Without one there is no event of any name.
    pub fn of(notifier: Option<&Notifier>, router: Router) -> Router {
        match notifier {
            Some(notifier) => router.layer(Extension(Self(notifier.clone()))),
            None => router,
        }
    }
}

#[derive(Serialize)]
struct Answer {
    data: Vec<Mail>,
    skipped: Vec<Left>,
}

#[derive(Serialize)]
struct Mail {
    id: String,
    to: String,
    /// Only `false` is said: the mail would not survive a crash.
    #[serde(skip_serializing_if = "Option::is_none")]
    durable: Option<bool>,
}

/// Who gets no mail, and why.
#[derive(Serialize)]
struct Left {
    to: String,
    reason: &'static str,
}

impl From<Notified> for Answer {
    fn from(notified: Notified) -> Self {
        let mail = |m: notify::Mailed| Mail {
            id: m.id.to_string(),
            to: m.to.as_str().to_owned(),
            durable: (!m.durable).then_some(false),
        };
        let left = |s: notify::Skipped| Left { to: s.to.as_str().to_owned(), reason: s.reason.word() };
        let Notified { mails, skipped } = notified;
        Self { data: mails.into_iter().map(mail).collect(), skipped: skipped.into_iter().map(left).collect() }
    }
}

/// One event: a mail for each recipient who is to hear of it.
pub(crate) async fn event(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    events: Option<Extension<Events>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Send)?;
    let Some(Extension(Events(notifier))) = events else { return Err(Problem::not_found()) };
    let key = calls::send::idempotency_key(&headers)?;
    let intake = calls::send::json_body(&door, &headers, body).await?;
    let json = wire::read(&intake.octets).map_err(Problem::invalid)?;
    let json = serde_json::to_value(&json).map_err(|_| Problem::field("body", "cannot be read as JSON"))?;
    let mut event = Event::read(json).map_err(Problem::invalid)?;
    event.id = event.id.or(key);
    let notified = notifier.notify(&caller, &name, &event).await?;
    Ok((StatusCode::ACCEPTED, Json(Answer::from(notified))).into_response())
}

impl From<NotifyError> for Problem {
    fn from(error: NotifyError) -> Self {
        let text = error.to_string();
        match error {
            NotifyError::Unknown { .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown_event", "not_found", text)
            }
            NotifyError::Reserved(_) => Self::new(StatusCode::NOT_FOUND, "reserved_event", "not_found", text),
            NotifyError::Invalid(faults) => Self::invalid(faults),
            NotifyError::Template(_) => {
                tracing::error!(cause = text, "an event's template is at fault");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self::new(status, "broken_template", "internal_server_error", text)
            }
            NotifyError::Submit(SubmitError::KeyReused(_)) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "invalid_idempotent_request",
                "an event with this id, or with this Message-ID, was mailed before with other content; \
                 give a new event an id of its own",
            ),
            NotifyError::Submit(cause) => cause.into(),
            NotifyError::Interrupted { taken, because } => {
                tracing::warn!(taken, %because, "an event was mailed in part");
                let rest = "hand the same event over again: what was taken is not mailed twice";
                Self::busy(format!("{taken} mails were taken and no more; {rest}"))
            }
        }
    }
}
