//! Composing with hostile values: refused, or 7-bit, folded, with no field that was not asked for.

use jiff::Timestamp;
use message::{Attachment, Draft, Profile, Written, compose};

pub(super) const WORDS: &[&str] = &[
    "\r\nBcc: x@y.example",
    "\r\n\r\n",
    "\n",
    "\r",
    "\0",
    "=?utf-8?q?a=0D=0AB:_c?=",
    "=?",
    "?=",
    "From ",
    "--=_a00000000000000000000000000000007",
    "a@b.example",
    ", ",
    "\u{2028}",
    "\u{85}",
    "é",
    "山",
    "😀",
    "e\u{301}",
    "../../etc/passwd",
    "\"",
    "\\",
    "%0d%0a",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    " ",
    "\t",
    "\u{1f}",
    "List-Unsubscribe",
    "X-Y",
    "Message-ID",
    "<id@x.example>",
    "image/png; name=x",
];

/// Composes twice: the values as they are, which are mostly refused, and without control characters.
pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let as_it_is = text.split('\u{1f}').map(str::to_owned).collect::<Vec<_>>();
    let steers = |c: char| c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}');
    let mut clean: Vec<String> = as_it_is.iter().map(|piece| piece.replace(steers, "")).collect();
    if let Some(field) = clean.get_mut(2) {
        let name: String = field.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        *field = format!("X-{name}");
    }
    if let Some(kind) = clean.get_mut(5) {
        kind.clear();
    }
    for pieces in [as_it_is, clean] {
        compose_and_check(pieces.into_iter(), bytes);
    }
}

/// The pieces become subject, name, field name, field value, filename, content type, text and HTML.
fn compose_and_check(mut pieces: impl Iterator<Item = String>, bytes: &[u8]) {
    let mut next = || pieces.next().unwrap_or_default();
    let (subject, name, field, value) = (next(), next(), next(), next());
    let (filename, kind, plain, html) = (next(), next(), next(), next());
    let draft = Draft {
        from: Some(Written::Parts { name: Some(name), address: "from@x.example".into() }),
        to: vec![Written::Text("to@x.example".into())],
        subject,
        text: Some(plain),
        html: Some(html).filter(|h| !h.is_empty()),
        headers: vec![(field, vec![value])],
        attachments: vec![Attachment {
            filename: Some(filename),
            content: bytes.to_vec().into(),
            content_type: Some(kind),
            content_id: None,
        }],
        ..Draft::default()
    };
    let Ok(mail) = compose(&draft, &Profile::default(), Timestamp::UNIX_EPOCH, 7) else { return };
    check_lines(&mail.header);
    check_lines(&mail.body);
    assert!(mail.header.ends_with(b"\r\n\r\n"), "no blank line behind the header");
    let head = String::from_utf8_lossy(&mail.header);
    let fields = head.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with([' ', '\t']));
    let names: Vec<&str> = fields.map(|line| line.split(':').next().unwrap_or_default()).collect();
    assert!(names.len() <= 10, "a field too many: {names:?}");
    assert!(!names.iter().any(|name| name.eq_ignore_ascii_case("Bcc")), "Bcc on the wire");
}

fn check_lines(block: &[u8]) {
    assert!(block.is_ascii(), "not 7-bit");
    for line in block.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r\n");
        let Some(line) = line else { return assert!(line.is_some(), "a bare line end") };
        assert!(line.len() <= 998 && !line.contains(&b'\r') && !line.contains(&0), "a bad line");
    }
}
