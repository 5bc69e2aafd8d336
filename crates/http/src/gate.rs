//! Who may come in: the host they ask for, the page they come from, the key they show.

use crate::door::Door;
use crate::problem::Problem;
use crate::{Peer, Trust};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use postrider::{Caller, Scope};
use std::net::IpAddr;
use tokio::time::Instant;

/// Octets of an `Authorization` field.
const MAX_AUTHORIZATION: usize = 1_024;

/// Octets of a path.
const MAX_PATH: usize = 2_048;

/// Lets a request pass with its `Caller`, or answers it.
pub(crate) async fn check(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    match admit(&door, &request) {
        Ok(Some(caller)) => {
            // Who is on this machine by its sockets or in `dev` has no key, and no neighbours to crowd out.
            let share = door.shares.take(&caller.project);
            if share.is_none() && caller.key_id.is_some() {
                let mut refused = Problem::flood().into_response();
                // Its connections are places that others could have.
                refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                return refused;
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The caller; `None`: a path that is free.
fn admit(door: &Door, request: &Request) -> Result<Option<Caller>, Problem> {
    let (headers, path) = (request.headers(), request.uri().path());
    if path.len() > MAX_PATH || !is_text(path) {
        return Err(Problem::not_found());
    }
    if matches!(door.trust, Trust::Open | Trust::Keys) {
        let public = door.settings.public_url.as_deref().and_then(authority);
        // A page of another name that resolves to us (DNS rebinding) finds no open door. It has no key.
        let keyless = !headers.contains_key(header::AUTHORIZATION);
        if door.trust == Trust::Open && keyless && !host_is_ours(host(request), public) {
            return Err(Problem::foreign(
                "this door answers to localhost, to addresses and to PUBLIC_URL's host",
            ));
        }
        if is_foreign(request.method(), headers, host(request), public) {
            return Err(Problem::foreign("calls from pages of other sites are not taken"));
        }
    }
    match door.trust {
        Trust::Control => return Ok(Some(Caller::local(postrider::Door::Http))),
        Trust::Submit => {
            let scopes = vec![Scope::Send, Scope::Read];
            return Ok(Some(Caller { scopes, ..Caller::local(postrider::Door::Http) }));
        }
        Trust::Keys | Trust::Open => {}
    }
    match shown_key(headers) {
        Shown::Key(key) => behind(door, request, &key).map(Some),
        Shown::Broken => Err(Problem::bad_authorization()),
        Shown::Nothing if door.trust == Trust::Open && is_near(request) => {
            Ok(Some(Caller::local(postrider::Door::Http)))
        }
        Shown::Nothing if is_free(path, request) => Ok(None),
        Shown::Nothing => Err(Problem::no_key()),
    }
}

/// The caller who shows this key. Wrong ones are counted over all doors.
fn behind(door: &Door, request: &Request, key: &str) -> Result<Caller, Problem> {
    let from = request.extensions().get::<Peer>().and_then(|peer| peer.0);
    let (access, now) = (door.mailer.access(), Instant::now());
    if !access.guesses().allow(from, key, now) {
        tracing::warn!(
            from = from.map(tracing::field::display),
            "too many wrong keys; none is looked at for a while"
        );
        return Err(Problem::guessing());
    }
    let Some(caller) = access.by_key(key, postrider::Door::Http) else {
        access.guesses().wrong(from, key, now);
        return Err(Problem::bad_key());
    };
    access.guesses().right(from, key, now);
    Ok(caller)
}

/// `/livez` for everyone, `/readyz` from this machine.
fn is_free(path: &str, request: &Request) -> bool {
    path == "/livez" || (path == "/readyz" && is_near(request))
}

/// Whether the client is on this machine; one whose address nobody told is not.
fn is_near(request: &Request) -> bool {
    match request.extensions().get::<Peer>() {
        Some(Peer(Some(address))) => address.to_canonical().is_loopback(),
        Some(Peer(None)) => true,
        None => false,
    }
}

/// Whether the path is UTF-8 once percent-decoded (RFC 3986 2.1).
fn is_text(path: &str) -> bool {
    let mut decoded = Vec::with_capacity(path.len());
    let mut pieces = path.split('%');
    decoded.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        match piece
            .split_at_checked(2)
            .and_then(|(hex, rest)| Some((u8::from_str_radix(hex, 16).ok()?, rest)))
        {
            Some((octet, rest)) => {
                decoded.push(octet);
                decoded.extend_from_slice(rest.as_bytes());
            }
            None => decoded.extend_from_slice(piece.as_bytes()),
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

enum Shown {
    Nothing,
    Key(String),
    /// Not in a form we know.
    Broken,
}

fn shown_key(headers: &HeaderMap) -> Shown {
    let Some(field) = headers.get(header::AUTHORIZATION) else { return Shown::Nothing };
    let Some((scheme, rest)) =
        field.to_str().ok().filter(|f| f.len() <= MAX_AUTHORIZATION).and_then(|f| f.split_once(' '))
    else {
        return Shown::Broken;
    };
    let key = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => BASE64_STANDARD
            .decode(rest.trim())
            .ok()
            .and_then(|pair| String::from_utf8(pair).ok())
            .and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned())),
        _ => None,
    };
    key.filter(|key| !key.is_empty()).map_or(Shown::Broken, Shown::Key)
}

fn host(request: &Request) -> Option<&str> {
    request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).or(request.uri().host())
}

/// `host[:port]` of a URL.
fn authority(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, rest)| rest.split_once('/').map_or(rest, |(authority, _)| authority))
}

/// The name or address of `host[:port]`.
fn bare(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(address, _)| address);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn host_is_ours(host: Option<&str>, public: Option<&str>) -> bool {
    let Some(name) = host.map(bare) else { return false };
    let is_address = name.parse::<IpAddr>().is_ok();
    let public = public.map(bare).is_some_and(|p| p.eq_ignore_ascii_case(name));
    is_address || public || name.eq_ignore_ascii_case("localhost")
}

/// Whether a browser says that the call comes from a page of another site. Programs say nothing.
fn is_foreign(method: &Method, headers: &HeaderMap, host: Option<&str>, public: Option<&str>) -> bool {
    let said = |name: header::HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    let ours = |origin: &str| {
        let origin = authority(origin).unwrap_or("?");
        [host, public].into_iter().flatten().any(|o| o.eq_ignore_ascii_case(origin))
    };
    if said(header::ORIGIN).is_some_and(|origin| !ours(origin)) {
        return true;
    }
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let site = said(header::HeaderName::from_static("sec-fetch-site"));
    !safe && site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// The caller, once it may do what the call needs.
pub(crate) fn may(caller: &Caller, scope: Scope) -> Result<(), Problem> {
    if caller.may(scope) {
        return Ok(());
    }
    Err(Problem::scope(match scope {
        Scope::Send => "send",
        Scope::Read => "read",
        Scope::Admin => "admin",
    }))
}
