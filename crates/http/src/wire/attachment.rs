//! `attachments`: files that travel with the message.

use super::fields::Faults;
use super::json::Json;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use postrider::Attachment;

/// Padding may be left out, as many encoders do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const KNOWN: &str = "filename, content, content_type, content_id";

pub(super) fn attachments(faults: &mut Faults, value: Json<'_>) -> Vec<Attachment> {
    let values = faults.array("attachments", "an array of objects", value);
    (0..).zip(values).filter_map(|(place, value)| attachment(faults, place, value)).collect()
}

fn attachment(faults: &mut Faults, place: usize, value: Json<'_>) -> Option<Attachment> {
    let field = format!("attachments[{place}]");
    let mut made = Attachment { filename: None, content: Bytes::new(), content_type: None, content_id: None };
    let (mut has_content, mut by_reference) = (false, false);
    for (key, value) in faults.object(&field, "an object", value) {
        let at = format!("{field}.{key}");
        match (&*key, value) {
            (
                "filename" | "content" | "content_type" | "content_id" | "inline_content_id" | "path",
                Json::Null,
            ) => {}
            ("filename", value) => made.filename = faults.text(&at, value),
            ("content_type", value) => made.content_type = faults.text(&at, value),
            ("content_id" | "inline_content_id", value) => {
                let id = faults.text(&at, value);
                if made.content_id.is_some() && made.content_id != id {
                    faults.add(&at, "differs from the other content id; give only one of them");
                }
                made.content_id = id;
            }
            ("content", value) => {
                has_content = true;
                made.content = content(faults, &at, value);
            }
            ("path", _) => {
                by_reference = true;
                faults.add(
                    &at,
                    "is not taken: nothing is fetched on your behalf; send the file itself as `content`",
                );
            }
            _ => faults.unknown(&at, KNOWN),
        }
    }
    if !has_content && !by_reference {
        faults.add(format!("{field}.content"), "is missing; give the file as base64 or as an array of bytes");
    }
    Some(made)
}

fn content(faults: &mut Faults, at: &str, value: Json<'_>) -> Bytes {
    match value {
        Json::Octets(octets) => octets.into(),
        Json::Array(values) if values.is_empty() => Bytes::new(),
        Json::Text(text) => base64(faults, at, &text),
        // What JSON.stringify makes of a Node Buffer.
        Json::Object(entries) => {
            let is_buffer =
                entries.iter().any(|(key, value)| key == "type" && *value == Json::Text("Buffer".into()));
            match entries.into_iter().find(|(key, _)| key == "data") {
                Some((_, Json::Octets(octets))) if is_buffer => octets.into(),
                Some((_, Json::Array(values))) if is_buffer && values.is_empty() => Bytes::new(),
                _ => wrong(faults, at),
            }
        }
        Json::Array(_) | Json::Null | Json::Bool(_) | Json::Number(_) => wrong(faults, at),
    }
}

fn wrong(faults: &mut Faults, at: &str) -> Bytes {
    faults.add(at, "must be base64 text or an array of bytes (0 to 255)");
    Bytes::new()
}

fn base64(faults: &mut Faults, at: &str, text: &str) -> Bytes {
    let decoded = if text.bytes().any(|b| b.is_ascii_whitespace()) {
        BASE64.decode(text.bytes().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<_>>())
    } else {
        BASE64.decode(text)
    };
    match decoded {
        Ok(octets) => octets.into(),
        Err(_) if text.starts_with("data:") => {
            faults.add(at, "is a data: URL; send only the part after \"base64,\"");
            Bytes::new()
        }
        Err(error) => {
            faults.add(at, format!("is not base64: {error}; encode the file's bytes"));
            Bytes::new()
        }
    }
}
