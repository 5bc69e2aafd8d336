//! The body: parts, their headers and the multiparts around them (RFC 2045, RFC 2046, RFC 2231).

use crate::encoding::{Transfer, base64_lines};
use crate::error::Faults;
use crate::fields::has_control;
use crate::header::put_hex;
use crate::text::html_to_text;
use crate::{Attachment, Draft};
use std::borrow::Cow;

/// Octets of a content type, of a content id and of a filename.
const MAX_PARAMETER: usize = 200;
const MAX_FILENAME: usize = 4096;

/// Appends the MIME fields of the whole message to `header` and its content to `body`.
pub(crate) fn write(header: &mut Vec<u8>, body: &mut Vec<u8>, draft: &Draft, plain_text: bool, unique: u128) {
    let html = draft.html.as_deref().filter(|_| !plain_text);
    let text = text_part(draft, plain_text);
    let (inline, files): (Vec<_>, Vec<_>) =
        draft.attachments.iter().partition(|a| a.content_id.is_some() && html.is_some());
    let carried: usize = draft.attachments.iter().map(|a| a.content.len() / 57 * 78 + 512).sum();
    let words = html.map_or(0, str::len) + text.as_deref().map_or(0, str::len);
    body.reserve(words + words / 4 + carried + 1024);
    header.extend_from_slice(b"MIME-Version: 1.0\r\n");
    let mut tree = Tree { out: header, unique };
    if files.is_empty() {
        tree.content(body, text.as_deref(), html, &inline);
        return;
    }
    tree.multipart("mixed", "m");
    let mut part = Tree { out: body, unique };
    part.delimiter("m");
    part.inner(text.as_deref(), html, &inline);
    for file in files {
        part.delimiter("m");
        part.file(file, "attachment");
    }
    part.close("m");
}

fn text_part(draft: &Draft, plain_text: bool) -> Option<Cow<'_, str>> {
    let made = || draft.html.as_deref().map(|html| Cow::Owned(html_to_text(html)));
    match draft.text.as_deref() {
        Some("") if plain_text => made().or(Some(Cow::Borrowed(""))),
        Some("") if draft.html.is_some() => None,
        Some(text) => Some(Cow::Borrowed(text)),
        None => made().or(Some(Cow::Borrowed(""))),
    }
}

/// Where part headers and parts are written; the boundaries follow from `unique`.
struct Tree<'a> {
    out: &'a mut Vec<u8>,
    unique: u128,
}

impl Tree<'_> {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `=_` stands in neither encoding, and a text with such a line is not sent as 7bit, so no part
    /// can hold the boundary.
    fn multipart(&mut self, subtype: &str, level: &str) {
        let boundary = format!(" boundary=\"=_{level}{:032x}\"\r\n", self.unique);
        self.put("Content-Type: multipart/");
        self.put(subtype);
        self.put(if subtype == "related" { "; type=\"text/html\";\r\n" } else { ";\r\n" });
        self.put(&boundary);
    }

    fn delimiter(&mut self, level: &str) {
        let line = format!("--=_{level}{:032x}\r\n", self.unique);
        self.put(&line);
    }

    fn close(&mut self, level: &str) {
        let line = format!("--=_{level}{:032x}--\r\n", self.unique);
        self.put(&line);
    }

    /// Text and HTML: the fields into `self`, the content into `body`.
    fn content(
        &mut self,
        body: &mut Vec<u8>,
        text: Option<&str>,
        html: Option<&str>,
        inline: &[&Attachment],
    ) {
        match (text, html) {
            (Some(text), Some(html)) => {
                self.multipart("alternative", "a");
                Tree { out: body, unique: self.unique }.alternative(text, html, inline);
            }
            (None, Some(html)) if inline.is_empty() => self.only("html", html, body),
            (None, Some(html)) => {
                self.multipart("related", "r");
                Tree { out: body, unique: self.unique }.related(html, inline);
            }
            (text, None) => self.only("plain", text.unwrap_or_default(), body),
        }
    }

    /// Text and HTML as the first part of a multipart.
    fn inner(&mut self, text: Option<&str>, html: Option<&str>, inline: &[&Attachment]) {
        match (text, html) {
            (Some(text), Some(html)) => {
                self.multipart("alternative", "a");
                self.put("\r\n");
                self.alternative(text, html, inline);
            }
            (None, Some(html)) => self.html_part(html, inline),
            (text, None) => self.leaf("plain", text.unwrap_or_default()),
        }
    }

    fn alternative(&mut self, text: &str, html: &str, inline: &[&Attachment]) {
        self.delimiter("a");
        self.leaf("plain", text);
        self.delimiter("a");
        self.html_part(html, inline);
        self.close("a");
    }

    /// The one text of a message without parts.
    fn only(&mut self, subtype: &str, text: &str, body: &mut Vec<u8>) {
        self.text_fields(subtype, text).write(body, text.as_bytes());
    }

    fn html_part(&mut self, html: &str, inline: &[&Attachment]) {
        if inline.is_empty() {
            return self.leaf("html", html);
        }
        self.multipart("related", "r");
        self.put("\r\n");
        self.related(html, inline);
    }

    fn related(&mut self, html: &str, inline: &[&Attachment]) {
        self.delimiter("r");
        self.leaf("html", html);
        for image in inline {
            self.delimiter("r");
            self.file(image, "inline");
        }
        self.close("r");
    }

    fn leaf(&mut self, subtype: &str, text: &str) {
        let transfer = self.text_fields(subtype, text);
        self.put("\r\n");
        transfer.write(self.out, text.as_bytes());
        // The line end before a delimiter is the delimiter's (RFC 2046 5.1.1), so text that ends
        // with one of its own gets a second.
        if text.is_empty() || text.ends_with(['\n', '\r']) {
            self.put("\r\n");
        }
    }

    fn text_fields(&mut self, subtype: &str, text: &str) -> Transfer {
        let transfer = Transfer::of(text.as_bytes());
        self.put("Content-Type: text/");
        self.put(subtype);
        self.put("; charset=utf-8\r\nContent-Transfer-Encoding: ");
        self.put(transfer.name());
        self.put("\r\n");
        transfer
    }

    fn file(&mut self, file: &Attachment, disposition: &str) {
        self.put("Content-Type: ");
        self.put(&content_type(file));
        self.put("\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: ");
        self.put(disposition);
        let name = file.filename.as_deref().map(safe_filename).unwrap_or_default();
        put_filename(self.out, &name);
        if let Some(id) = file.content_id.as_deref() {
            self.put("\r\nContent-ID: <");
            self.put(bare_id(id));
            self.put(">");
        }
        self.put("\r\n\r\n");
        base64_lines(self.out, &file.content);
        self.put("\r\n");
    }
}

fn bare_id(id: &str) -> &str {
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

/// The type to write. A `message/*` part may not be base64 (RFC 2046 5.2.1), so it travels as a file.
fn content_type(file: &Attachment) -> Cow<'_, str> {
    match file.content_type.as_deref() {
        Some(given) if given.to_ascii_lowercase().starts_with("message/") => {
            Cow::Borrowed("application/octet-stream")
        }
        Some(given) if !given.is_empty() => Cow::Borrowed(given),
        _ => Cow::Borrowed(type_by_ending(file.filename.as_deref().unwrap_or_default())),
    }
}

fn type_by_ending(filename: &str) -> &'static str {
    let ending = filename.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
    match ending.as_str() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        "ics" => "text/calendar",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "xml" => "application/xml",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

/// A name no reader can be led astray by: no path, no control character, no change of direction.
fn safe_filename(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    let kept: String = last.chars().filter(|&c| !c.is_control() && !turns(c)).collect();
    match kept.trim() {
        "" | "." | ".." => "attachment".into(),
        kept => kept.to_owned(),
    }
}

/// Octets of one piece of an RFC 2231 parameter, so that its line stays within 78.
const PIECE: usize = 54;

fn put_filename(out: &mut Vec<u8>, name: &str) {
    if name.is_empty() {
        return;
    }
    // Many readers decode encoded words even inside quotes, so a name that looks like one is encoded.
    let plain = |b: u8| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\';
    if name.len() <= 60 && name.bytes().all(plain) && !name.contains("=?") {
        out.extend_from_slice(format!(";\r\n filename=\"{name}\"").as_bytes());
        return;
    }
    let mut pieces = vec![String::from("UTF-8''")];
    for c in name.chars() {
        let mut encoded = String::with_capacity(12);
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
            encoded.push(c);
        } else {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| put_hex(&mut encoded, '%', b));
        }
        match pieces.last_mut() {
            Some(last) if last.len() + encoded.len() <= PIECE => last.push_str(&encoded),
            _ => pieces.push(encoded),
        }
    }
    if let [only] = pieces.as_slice() {
        return out.extend_from_slice(format!(";\r\n filename*={only}").as_bytes());
    }
    for (i, piece) in pieces.iter().enumerate() {
        out.extend_from_slice(format!(";\r\n filename*{i}*={piece}").as_bytes());
    }
}

pub(crate) fn check_attachments(all: &[Attachment], faults: &mut Faults) {
    for (i, file) in all.iter().enumerate() {
        if let Some(given) = file.content_type.as_deref().filter(|t| !t.is_empty()) {
            let problem = match given.split(';').next().and_then(|t| t.trim().split_once('/')) {
                _ if given.len() > MAX_PARAMETER || !given.is_ascii() || has_control(given) => {
                    "it is too long or holds a line break or a character outside ASCII; write it as image/png"
                }
                Some((main, _)) if main.eq_ignore_ascii_case("multipart") => {
                    "a multipart cannot be attached; use application/octet-stream"
                }
                Some((main, sub)) if is_token(main) && is_token(sub) => "",
                _ => "it is not a media type; write it as image/png",
            };
            if !problem.is_empty() {
                faults.add(format!("attachments[{i}].content_type"), problem);
            }
        }
        if let Some(id) = file.content_id.as_deref().map(bare_id) {
            let good = (1..=MAX_PARAMETER).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
            if !good {
                let problem = "it must be 1 to 200 ASCII characters without blanks, \"<\" and \">\"";
                faults.add(format!("attachments[{i}].content_id"), problem);
            }
        }
        if file.filename.as_deref().is_some_and(|n| n.len() > MAX_FILENAME) {
            faults.add(format!("attachments[{i}].filename"), "it is longer than 4096 octets; shorten it");
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
}
