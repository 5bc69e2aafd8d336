//! Foreign content: the HTML of a message and its inline images, each under a policy that lets it
//! do nothing.

use crate::calls::{find, read};
use crate::door::Door;
use crate::gate;
use crate::problem::Problem;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders};
use postrider::{Caller, Scope};
use std::collections::HashMap;

/// No script, no form, no fetch, no origin; inline styles, and images that the page itself carries: a
/// frame without an origin would have to fetch them without the reader's sign-in.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'self'; \
                      sandbox allow-popups allow-popups-to-escape-sandbox";

/// What inline images may be. SVG is not among them: it is a document.
const IMAGES: [&str; 6] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"];

/// Octets of inline images in one page; further ones stay out.
const MAX_INLINE: usize = 16 << 20;

/// The HTML of a message, for the frame on its page.
pub(crate) async fn html(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let view = find(&door, &caller, &id).await?;
    let bytes = read::whole(&door.mailer, &view).await?;
    let html = read::shown(&bytes).html.ok_or_else(Problem::not_found)?;
    let html = match MessageParser::default().parse(&*bytes) {
        Some(message) => with_inline_images(&html, &message),
        None => html,
    };
    // Links open beside the console, never inside the frame.
    let mut response = format!("<!doctype html><base target=\"_blank\">\n{html}").into_response();
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// Turns `cid:` references into the images themselves. Done on the text: whatever it breaks stays
/// inside the sandbox. One pass, and at most `MAX_INLINE` octets, whatever the text.
fn with_inline_images(html: &str, message: &Message<'_>) -> String {
    let images: HashMap<_, _> = message
        .parts
        .iter()
        .filter_map(|part| Some((part.content_id()?, (image_type(part)?, part.contents()))))
        .collect();
    let (mut out, mut rest, mut room) = (String::with_capacity(html.len()), html, MAX_INLINE);
    while let Some((before, after)) = rest.split_once("cid:") {
        out.push_str(before);
        let end = after.find(['"', '\'', ')', '>', ' ', '\t', '\r', '\n']).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        match images.get(name) {
            Some((kind, octets)) if octets.len() <= room => {
                room -= octets.len();
                out.push_str("data:");
                out.push_str(kind);
                out.push_str(";base64,");
                BASE64_STANDARD.encode_string(octets, &mut out);
            }
            Some(_) | None => {
                out.push_str("cid:");
                out.push_str(name);
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The media type of an image that is shown; `None`: it is a file.
fn image_type(part: &MessagePart<'_>) -> Option<&'static str> {
    let kind = part.content_type().filter(|kind| kind.ctype().eq_ignore_ascii_case("image"))?;
    let subtype = kind.subtype()?;
    IMAGES
        .into_iter()
        .find(|known| known.strip_prefix("image/").is_some_and(|k| k.eq_ignore_ascii_case(subtype)))
}

/// One part: an image is shown, everything else is a file to save.
pub(crate) async fn part(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Path((id, place)): Path<(String, String)>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let view = find(&door, &caller, &id).await?;
    let bytes = read::whole(&door.mailer, &view).await?;
    let message = MessageParser::default().parse(&*bytes).ok_or_else(Problem::not_found)?;
    let place: usize = place.parse().map_err(|_| Problem::not_found())?;
    let part = message.parts.get(place).filter(|part| !part.is_multipart()).ok_or_else(Problem::not_found)?;
    let (kind, disposition) = match image_type(part) {
        Some(kind) => (kind, "inline".to_owned()),
        None => ("application/octet-stream", save_as(part.attachment_name().unwrap_or("part"))),
    };
    let mut response = part.contents().to_vec().into_response();
    for (name, value) in [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)]
    {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// `Content-Disposition` with a name that cannot break out of it (RFC 6266, RFC 8187).
fn save_as(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes().take(200) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}
