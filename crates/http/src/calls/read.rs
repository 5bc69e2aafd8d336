//! Looking at what was accepted.

use super::find;
use crate::door::Door;
use crate::problem::Problem;
use crate::serve::Closing;
use crate::wire::{self, Shown};
use crate::{gate, query};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use mail_parser::MessageParser;
use postrider::{Caller, Content, ContentError, Filter, JobView, Mailer, Scope, Store};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// A page of the list, newest first.
pub(crate) async fn list(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let filter = Filter { project: caller.sees(), ..query::filter(query::pairs(&uri)?)? };
    let page = door.mailer.store().list(filter).await?;
    Ok(Json(wire::listed(&page)).into_response())
}

/// One message.
pub(crate) async fn email(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    full(&door, &find(&door, &caller, &id).await?).await
}

/// The newest match, waiting for it if there is none yet.
pub(crate) async fn latest(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    closing: Option<Extension<Closing>>,
    uri: Uri,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let (filter, wait) = query::latest(&uri)?;
    let filter = Filter { project: caller.sees(), ..filter };
    let end = Instant::now() + wait;
    let mut closed = std::pin::pin!(Closing::wait(closing.map(|Extension(closing)| closing)));
    // Listening starts before the first look, so that no change falls between the two.
    let mut changes = door.mailer.store().changes();
    loop {
        if let Some(view) = door.mailer.store().list(filter.clone()).await?.jobs.first() {
            return full(&door, view).await;
        }
        let change = tokio::select! {
            change = timeout_at(end, changes.recv()) => change,
            () = &mut closed => return Err(Problem::busy("the server stops")),
        };
        match change {
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => while changes.try_recv().is_ok() {},
            Ok(Err(RecvError::Closed)) | Err(_) => return Err(Problem::no_such_email()),
        }
    }
}

async fn full(door: &Door, view: &JobView) -> Result<Response, Problem> {
    let shown = match whole(&door.mailer, view).await {
        Ok(bytes) => shown(&bytes),
        Err(ContentError::Gone | ContentError::NotFound | ContentError::Corrupt(_)) => Shown::default(),
        Err(ContentError::Store(error)) => return Err(error.into()),
    };
    let waits = door.waits()(view);
    Ok(Json(wire::email(view, &shown, &waits)).into_response())
}

/// The whole message.
pub(crate) async fn whole(mailer: &Mailer, view: &JobView) -> Result<Bytes, ContentError> {
    let Content { header, body } = mailer.store().content(view.id).await?;
    let mut bytes = BytesMut::with_capacity(header.len() + body.len());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&body);
    Ok(bytes.freeze())
}

/// The parts of a stored message that people read, as they were sent, never one made from the other.
pub(crate) fn shown(bytes: &[u8]) -> Shown {
    let Some(message) = MessageParser::default().parse(bytes) else { return Shown::default() };
    let html = message.html_bodies().find(|part| part.is_text_html());
    let text = message.text_bodies().find(|part| part.is_text() && !part.is_text_html());
    Shown {
        html: html.and_then(|part| part.text_contents()).map(str::to_owned),
        text: text.and_then(|part| part.text_contents()).map(str::to_owned),
    }
}

/// The bytes of a message.
pub(crate) async fn raw(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let view = find(&door, &caller, &id).await?;
    let bytes = whole(&door.mailer, &view).await?;
    let mut response = bytes.into_response();
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("message/rfc822"));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{}.eml\"", view.id)) {
        fields.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
