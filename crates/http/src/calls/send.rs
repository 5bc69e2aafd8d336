//! Taking mail in.

use crate::door::Door;
use crate::intake::Intake;
use crate::problem::Problem;
use crate::wire::{self, HeaderMode};
use crate::{Peer, Trust, gate, intake, letter, query};
use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use mail_parser::{Address as Parsed, MessageParser};
use postrider::{
    Address, Caller, Came, Envelope, FieldError, Mailbox, Options, RawSubmission, Receipt, ReversePath, Scope,
};
use serde::Serialize;
use std::net::IpAddr;

/// Octets of a JSON body around the files it carries.
const JSON_ROOM: usize = 3_000_000;

#[derive(Serialize)]
struct Accepted {
    id: String,
    /// Only `false` is said: the message would not survive a crash.
    #[serde(skip_serializing_if = "Option::is_none")]
    durable: Option<bool>,
}

#[derive(Serialize)]
struct AllAccepted {
    data: Vec<Accepted>,
}

impl From<Receipt> for Accepted {
    fn from(receipt: Receipt) -> Self {
        Self { id: receipt.id.to_string(), durable: (!receipt.durable).then_some(false) }
    }
}

/// One message as JSON.
pub(crate) async fn one(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Send)?;
    let key = idempotency_key(&headers)?;
    let intake = json_body(&door, &headers, body).await?;
    let json = wire::read(&intake.octets).map_err(Problem::invalid)?;
    let fingerprint = key.is_some().then(|| json.fingerprint());
    let mut message = wire::message(json, HeaderMode::Strict, String::new()).map_err(Problem::invalid)?;
    (message.options.idempotency_key, message.options.fingerprint) = (key, fingerprint);
    let receipt = door.mailer.submit_as(&caller, message).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted::from(receipt))).into_response())
}

/// An array of messages as JSON: all or none.
pub(crate) async fn batch(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Send)?;
    let key = idempotency_key(&headers)?;
    let intake = json_body(&door, &headers, body).await?;
    let json = wire::read(&intake.octets).map_err(Problem::invalid)?;
    let fingerprint = key.is_some().then(|| json.fingerprint());
    let mut messages = wire::batch(json).map_err(Problem::invalid)?;
    let most = door.mailer.settings().limits.batch;
    if messages.is_empty() || messages.len() > most {
        return Err(Problem::field(
            "body",
            format!("must hold 1 to {most} messages, not {}", messages.len()),
        ));
    }
    for message in &mut messages {
        (message.options.idempotency_key, message.options.fingerprint) = (key.clone(), fingerprint);
    }
    let receipts = door.mailer.submit_batch_as(&caller, messages).await?;
    let answer = AllAccepted { data: receipts.into_iter().map(Accepted::from).collect() };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// A finished message.
pub(crate) async fn raw(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Send)?;
    let idempotency_key = idempotency_key(&headers)?;
    let limit = door.mailer.settings().limits.message;
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == letter::LETTER) {
        return posted(&door, caller, &headers, body).await;
    }
    let intake = intake::read(&headers, body, limit, door.mailer.budget(), &door.settings.limits).await?;
    let envelope = envelope(&uri, &intake.octets)?;
    let from = match peer {
        Some(Extension(Peer(Some(IpAddr::V6(ip))))) => format!("from [IPv6:{ip}]"),
        Some(Extension(Peer(Some(IpAddr::V4(ip))))) => format!("from [{ip}]"),
        Some(Extension(Peer(None))) | None => String::new(),
    };
    let submission = RawSubmission {
        envelope,
        raw: intake.octets.clone(),
        options: Options { idempotency_key, ..Options::default() },
        received: Some(Came { from, with: "with HTTP".into() }),
        from: None,
        accept_bare_lf: true,
    };
    let receipt = door.mailer.submit_raw_as(&caller, submission).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted::from(receipt))).into_response())
}

/// A message with its slip, from `sendmail`; only the sockets of this machine take it, as a slip names
/// a user.
async fn posted(door: &Door, caller: Caller, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    if !matches!(door.trust, Trust::Control | Trust::Submit) {
        return Err(Problem::bad_request("a letter is taken on the sockets of this machine only"));
    }
    let limit = door.mailer.settings().limits.message.saturating_add(letter::MAX_SLIP);
    let intake = intake::read(headers, body, limit, door.mailer.budget(), &door.settings.limits).await?;
    let submission =
        letter::read_letter(&intake.octets, &door.mailer.settings()).map_err(Problem::invalid)?;
    let caller = Caller { door: postrider::Door::Sendmail, ..caller };
    let receipt = door.mailer.submit_raw_as(&caller, submission).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted::from(receipt))).into_response())
}

/// Base64 makes four octets of three.
pub(crate) async fn json_body(door: &Door, headers: &HeaderMap, body: Body) -> Result<Intake, Problem> {
    let message = door.mailer.settings().limits.message;
    let limit = message.saturating_add(message / 3).saturating_add(JSON_ROOM);
    intake::read(headers, body, limit, door.mailer.budget(), &door.settings.limits).await
}

pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let bad = |detail: &str| {
        let word = "invalid_idempotency_key";
        Problem::new(StatusCode::BAD_REQUEST, word, word, detail)
    };
    let mut fields = headers.get_all("idempotency-key").iter();
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(bad("Idempotency-Key stands twice; send it once"));
    }
    let key = std::str::from_utf8(field.as_bytes()).map_err(|_| bad("Idempotency-Key is not UTF-8"))?;
    match key.chars().count() {
        1..=256 => Ok(Some(key.to_owned())),
        _ => Err(bad("Idempotency-Key must have 1 to 256 characters")),
    }
}

/// The envelope: from the query, else from the message's header fields.
fn envelope(uri: &Uri, raw: &[u8]) -> Result<Envelope, Problem> {
    let (mut from, mut to, mut faults) = (None, Vec::new(), Vec::new());
    for (name, value) in query::pairs(uri)? {
        let read = match name.as_str() {
            "from" if value.is_empty() => {
                from = Some(ReversePath(None));
                Ok(())
            }
            "from" => {
                Mailbox::parse(&value).map(|m| from = Some(m.address.into())).map_err(|e| e.to_string())
            }
            "to" => Mailbox::parse_list(&value)
                .map(|list| to.extend(list.into_iter().map(|m| m.address)))
                .map_err(|e| e.to_string()),
            _ => Err("is not known here; known: to, from".to_owned()),
        };
        faults.extend(read.err().map(|problem| FieldError { field: name, problem }));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    if from.is_none() || to.is_empty() {
        let parsed = MessageParser::default().parse_headers(raw);
        let parsed =
            parsed.ok_or_else(|| Problem::field("body", "is not a message; send its header and body"))?;
        if to.is_empty() {
            to = addresses("to", [parsed.to(), parsed.cc(), parsed.bcc()])?;
        }
        if from.is_none() {
            let sender = addresses("from", [parsed.sender(), parsed.from()])?;
            from = sender.into_iter().next().map(ReversePath::from);
        }
    }
    if to.is_empty() {
        return Err(Problem::field(
            "to",
            "is missing; give ?to= or a To, Cc or Bcc field with a valid address",
        ));
    }
    let from = from.ok_or_else(|| Problem::field("from", "is missing; give ?from= or a From field"))?;
    Ok(Envelope::new(from, to))
}

/// The addresses of header fields; one that cannot be read is a mistake, not left out.
fn addresses<const N: usize>(name: &str, fields: [Option<&Parsed<'_>>; N]) -> Result<Vec<Address>, Problem> {
    let written = fields.into_iter().flatten().flat_map(|field| field.iter()).filter_map(|a| a.address());
    let read = |text: &str| {
        let problem = |error| format!("holds \"{text}\" in the message's header: {error}");
        Address::parse(text).map_err(|error| Problem::field(name, problem(error)))
    };
    written.map(read).collect()
}
