//! The list, one message, and the events that keep the list fresh.

use super::mail::{self, Attempt, File, Recipient, Row};
use super::page;
use crate::calls::{find, read};
use crate::door::Door;
use crate::problem::Problem;
use crate::serve::Closing;
use crate::wire::{self, Shown};
use crate::{gate, query};
use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::{Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use postrider::{Caller, Filter, Scope, Status, Store};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

/// The shortest time between two events: a busy queue does not make a busy browser.
const PACE: Duration = Duration::from_millis(300);
/// How long one stream of events lasts; the browser comes again by itself.
const STREAM: Duration = Duration::from_secs(600);

#[derive(Template)]
#[template(path = "inbox.html")]
struct Inbox {
    rows: Vec<Row>,
    q: String,
    status: &'static str,
    statuses: Vec<&'static str>,
    searched: bool,
    /// The page's place in the list, if it is not the first.
    later: bool,
    next: Option<String>,
    address: String,
}

#[derive(Template)]
#[template(path = "message.html")]
struct One {
    row: Row,
    cc: String,
    reply_to: String,
    envelope_from: String,
    message_id: String,
    size: String,
    held: Option<String>,
    waits: Option<String>,
    until: Option<String>,
    possible_duplicate: bool,
    has_html: bool,
    text: Option<String>,
    header: Option<String>,
    files: Vec<File>,
    recipients: Vec<Recipient>,
    attempts: Vec<Attempt>,
}

/// `GET /`: the list.
pub(crate) async fn inbox(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: axum::http::HeaderMap,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    // The form sends `status=` for any.
    let pairs = query::pairs(&uri)?;
    let kept = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let filter = Filter { project: caller.sees(), ..query::filter(kept)? };
    let (q, status) = (filter.q.clone().unwrap_or_default(), filter.status.map_or("", Status::word));
    let (searched, later) = (!q.is_empty() || !status.is_empty(), filter.after.is_some());
    let found = door.mailer.store().list(filter).await?;
    let now = door.mailer.clock().now();
    let rows: Vec<_> = found.jobs.iter().map(|view| Row::of(view, now)).collect();
    let next = rows.last().filter(|_| found.has_more).map(|row| row.id.clone());
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or("127.0.0.1:8025");
    let public = door.settings.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let address = public.unwrap_or_else(|| format!("http://{host}"));
    let statuses = Status::ALL.map(Status::word).to_vec();
    render(&Inbox { rows, q, status, statuses, searched, later, next, address })
}

/// `GET /inbox/{id}`: one message.
pub(crate) async fn message(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let view = find(&door, &caller, &id).await?;
    // A message without its bytes still has its story.
    let bytes = read::whole(&door.mailer, &view).await.ok();
    let shown = bytes.as_ref().map_or_else(Shown::default, |bytes| read::shown(bytes));
    let header = bytes.as_ref().map(|bytes| {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    });
    let (meta, waits) = (&view.meta, door.waits()(&view));
    render(&One {
        row: Row::of(&view, door.mailer.clock().now()),
        cc: meta.cc.join(", "),
        reply_to: meta.reply_to.join(", "),
        envelope_from: format!("<{}>", view.envelope.from.as_str()),
        message_id: meta.message_id.clone(),
        size: mail::size(view.size),
        held: view.held_because.clone().filter(|_| view.status == Status::Held),
        waits: waits.because,
        until: waits.until.map(wire::shown),
        possible_duplicate: view.possible_duplicate,
        has_html: shown.html.is_some(),
        text: shown.text,
        header,
        files: bytes.as_ref().map(|bytes| mail::files_of(bytes)).unwrap_or_default(),
        recipients: mail::recipients_of(&view),
        attempts: mail::attempts_of(&view),
    })
}

fn render(template: &impl Template) -> Result<Response, Problem> {
    template.render().map(page).map_err(|error| {
        tracing::error!(%error, "a page could not be made");
        Problem::busy("the page could not be made")
    })
}

/// `GET /console/events`: one event whenever something changed.
pub(crate) async fn events(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    closing: Option<Extension<Closing>>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let changes = door.mailer.store().changes();
    let end = tokio::time::Instant::now() + STREAM;
    let stream = futures_util::stream::unfold(changes, move |mut changes| async move {
        match tokio::time::timeout_at(end, changes.recv()).await {
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
            Ok(Err(RecvError::Closed)) | Err(_) => return None,
        }
        // What follows at once belongs to the same event.
        let calm = async { while !matches!(changes.recv().await, Err(RecvError::Closed)) {} };
        drop(timeout(PACE, calm).await);
        // A browser drops an event without data.
        Some((Ok::<_, Infallible>(Event::default().event("change").data("again")), changes))
    });
    let stream = stream.take_until(Closing::wait(closing.map(|Extension(closing)| closing)));
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}
