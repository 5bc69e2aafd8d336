//! Foreign content: the HTML of a message and its inline images, each under a policy that lets it
//! do nothing.

use crate::calls::{find, read};
use crate::door::Door;
use crate::gate;
use crate::problem::Problem;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use mail_parser::{Message, MessageParser, MimeHeaders};
use postrider::{Caller, Scope};

/// No script, no form, no fetch, no origin; inline styles and our own copies of inline images.
const POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'self'; \
                      sandbox allow-popups allow-popups-to-escape-sandbox";

/// What inline images may be. SVG is not among them: it is a document.
const IMAGES: [&str; 6] = ["png", "jpeg", "gif", "webp", "bmp", "avif"];

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
        Some(message) => with_inline_images(&html, &message, &view.id.to_string()),
        None => html,
    };
    // Links open beside the console, never inside the frame.
    let mut response = format!("<!doctype html><base target=\"_blank\">\n{html}").into_response();
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// Turns `cid:` references into paths of `part`. Done on the text: whatever it breaks stays inside
/// the sandbox. One pass, whatever the text.
fn with_inline_images(html: &str, message: &Message<'_>, id: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("cid:") {
        out.push_str(before);
        let end = after.find(['"', '\'', ')', '>', ' ', '\t', '\r', '\n']).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        match message.parts.iter().position(|part| part.content_id() == Some(name)) {
            Some(place) if !name.is_empty() => out.push_str(&format!("/inbox/{id}/part/{place}")),
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
    let image = part.content_type().filter(|kind| kind.ctype().eq_ignore_ascii_case("image"));
    let image = image.and_then(|kind| kind.subtype()).and_then(|subtype| {
        IMAGES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(subtype))
            .map(|known| format!("image/{known}"))
    });
    let (kind, disposition) = match image {
        Some(kind) => (kind, "inline".to_owned()),
        None => ("application/octet-stream".to_owned(), save_as(part.attachment_name().unwrap_or("part"))),
    };
    let mut response = part.contents().to_vec().into_response();
    for (name, value) in [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)] {
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
