//! One POST over a line of its own.

use super::LENGTH;
use crate::smtp::Duplex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use smtp::sasl::Secret;
use std::pin::pin;

/// An endpoint's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) tls: bool,
    /// Without the brackets of IPv6.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// As in the Host field.
    authority: Box<str>,
    /// Path and query.
    path: Box<str>,
}

impl Url {
    /// `None`: neither http nor https, no host, or a user in it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let uri: hyper::Uri = text.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        (!host.is_empty()).then(|| Self {
            tls,
            host: host.into(),
            port,
            authority: authority.as_str().into(),
            path: path.into(),
        })
    }
}

/// `application/x-www-form-urlencoded`.
#[derive(Default)]
pub(super) struct Form(zeroize::Zeroizing<Vec<u8>>);

impl Form {
    pub(super) fn add(&mut self, name: &str, value: &[u8]) {
        if !self.0.is_empty() {
            self.0.push(b'&');
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        encode(value, &mut self.0);
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

fn encode(octets: &[u8], out: &mut Vec<u8>) {
    for octet in octets {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(*octet),
            b' ' => out.push(b'+'),
            other => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
}

/// RFC 6749 2.3.1: both are form-encoded first.
pub(super) fn basic(id: &[u8], secret: &Secret) -> Secret {
    let mut pair = zeroize::Zeroizing::new(Vec::new());
    encode(id, &mut pair);
    pair.push(b':');
    encode(secret.expose(), &mut pair);
    Secret::from(&*format!("Basic {}", STANDARD.encode(&*pair)))
}

/// Status and body, or why there is none.
pub(super) async fn post(
    line: Box<dyn Duplex>,
    url: &Url,
    authorization: Option<Secret>,
    form: Form,
) -> Result<(u16, Secret), String> {
    let broke = |error: hyper::Error| format!("the HTTP exchange broke: {error}");
    let mut request = Request::post(&*url.path)
        .header(HOST, &*url.authority)
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(secret) = authorization {
        let mut value = HeaderValue::from_bytes(secret.expose()).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let body = Full::new(Bytes::copy_from_slice(&form.0));
    let request = request.body(body).map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(line)).await.map_err(broke)?;
    let talk = async {
        let answer = sender.send_request(request).await.map_err(broke)?;
        let status = answer.status().as_u16();
        let length = usize::try_from(LENGTH).unwrap_or(usize::MAX);
        let body = Limited::new(answer.into_body(), length).collect().await;
        let body = body.map_err(|error| format!("its answer is too long or broke off: {error}"))?;
        Ok((status, Secret::from(body.to_bytes().to_vec())))
    };
    match select(pin!(talk), pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        // The line is over; what it brought may still be told.
        Either::Right((_, talk)) => talk.await,
    }
}
