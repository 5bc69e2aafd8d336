//! The reference's cases: each composed mail must say to its recipient what the case expects.

use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders};
use postrider_message::{Attachment, Composed, Draft, MessageIdStyle, Profile, Written, compose};
use serde_json::Value;

const CASES: &str = include_str!("compose.jsonl");

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn map(value: &Value) -> Vec<(String, Vec<String>)> {
    let values = |v: &Value| match v {
        Value::Array(all) => all.iter().map(|v| text(v).to_owned()).collect(),
        one => vec![text(one).to_owned()],
    };
    value.as_object().map(|o| o.iter().map(|(k, v)| (k.clone(), values(v))).collect()).unwrap_or_default()
}

fn written(value: &Value) -> Vec<Written> {
    match value {
        Value::String(s) => vec![Written::Text(s.clone())],
        Value::Array(all) => all.iter().map(|v| Written::Text(text(v).into())).collect(),
        _ => Vec::new(),
    }
}

fn decode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for b in text(value).bytes().filter(|b| *b != b'=') {
        let digit =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|d| *d == b);
        bits = bits << 6 | digit.unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

fn attachment(value: &Value) -> Attachment {
    let maybe = |key: &str| value.get(key).map(|v| text(v).to_owned());
    Attachment {
        filename: maybe("filename"),
        content: decode(&value["content"]).into(),
        content_type: maybe("content_type"),
        content_id: maybe("content_id"),
    }
}

fn run(case: &Value) -> Composed {
    let (m, c, extra) = (&case["message"], &case["config"], &case["message"]["extra"]);
    let name = Some(text(&m["from_display_name"]).to_owned());
    let reply_to = if text(&m["reply_to"]).is_empty() { Vec::new() } else { written(&m["reply_to"]) };
    let draft = Draft {
        from: Some(Written::Parts { name, address: text(&m["from_address"]).into() }),
        to: written(&m["to"]),
        cc: written(&extra["cc"]),
        bcc: written(&extra["bcc"]),
        reply_to,
        subject: text(&m["subject"]).into(),
        html: Some(text(&m["body"]).into()),
        text: extra["text"].as_str().map(Into::into),
        headers: map(&m["headers"]),
        attachments: extra["attachments"]
            .as_array()
            .map(|a| a.iter().map(attachment).collect())
            .unwrap_or_default(),
        date: Some(jiff::Timestamp::from_millisecond(m["date_unix_ms"].as_i64().unwrap()).unwrap()),
    };
    let profile = Profile {
        subject_prefix: text(&c["SUBJECT_PREFIX"]).into(),
        plain_text: c["SEND_AS_PLAIN_TEXT"] == true,
        override_headers: map(&c["OVERRIDE_HEADER"]),
        message_id: MessageIdStyle::Autogen { domain: text(&c["DOMAIN"]).into() },
        headers_may_replace: true,
        ..Profile::default()
    };
    compose(&draft, &profile, jiff::Timestamp::UNIX_EPOCH, 7)
        .unwrap_or_else(|e| panic!("{}: {e}", case["id"]))
}

fn squash(s: &str) -> String {
    s.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

fn addresses(value: Option<&Address<'_>>) -> Vec<(String, String)> {
    let pair = |a: &mail_parser::Addr<'_>| {
        (a.name.as_deref().unwrap_or("").to_owned(), a.address.as_deref().unwrap_or("").to_owned())
    };
    value.map(|list| list.iter().map(pair).collect()).unwrap_or_default()
}

/// Words as a reader sees them; a CJK character is a word of its own.
fn words(s: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for c in s.chars() {
        let cjk = matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
        match (cjk, c.is_alphanumeric() || c == '_') {
            (true, _) => out.push(c.into()),
            (_, true) if open => out.last_mut().unwrap().push(c),
            (_, true) => out.push(c.into()),
            _ => {}
        }
        open = !cjk && (c.is_alphanumeric() || c == '_');
    }
    out
}

fn field(mail: &Message<'_>, name: &str) -> String {
    let raw: Vec<&str> =
        mail.headers_raw().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v).collect();
    let raw = squash(&raw.join(" "));
    envelope::decode_words(&raw).into_owned()
}

fn check_wire(raw: &[u8]) {
    for line in raw.split_inclusive(|b| *b == b'\n') {
        assert!(line.ends_with(b"\r\n") && !line[..line.len() - 2].contains(&b'\r'), "bare line end");
        assert!(line.len() <= 1000, "long line");
    }
    assert!(raw.is_ascii(), "not 7-bit");
}

fn check(case: &Value) {
    let (m, x, id) = (&case["message"], &case["expect"], text(&case["id"]));
    let out = run(case);
    let raw = [&out.header[..], &out.body[..]].concat();
    check_wire(&raw);
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(
        out.envelope.from.as_str(),
        x["envelope_from"].as_str().unwrap_or(text(&m["from_address"])),
        "{id}"
    );
    let to: Vec<&str> = out.envelope.to.iter().map(|r| r.address.as_str()).collect();
    if let Some(want) = x["envelope_to"].as_array() {
        assert_eq!(to, want.iter().map(text).collect::<Vec<_>>(), "{id}");
    }
    check_fields(case, &mail, &to);
    if x["own"] == true {
        return check_own(case, &mail);
    }
    let plain = case["config"]["SEND_AS_PLAIN_TEXT"] == true;
    assert_eq!(mail.html_body_count() + mail.text_body_count(), 2, "{id}");
    let body = mail.body_text(0).unwrap();
    let have = words(&body);
    let mut have = have.iter();
    for want in x["visible_words"].as_array().unwrap() {
        for need in words(text(want)) {
            assert!(have.any(|h| *h == need), "{id}: the text lacks {need:?} in its place\n{body}");
        }
    }
    let packed: String = body.split_whitespace().collect();
    for url in x["urls"].as_array().unwrap() {
        let url = text(url).trim();
        let url = url.strip_prefix("mailto:").unwrap_or(url);
        assert!(packed.contains(url) || body.contains(url), "{id}: the text lacks {url}\n{body}");
    }
    if !plain {
        assert_eq!(lines(&mail.body_html(0).unwrap()), lines(text(&m["body"])), "{id}");
    }
}

fn lines(s: &str) -> String {
    s.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned()
}

fn check_fields(case: &Value, mail: &Message<'_>, to: &[&str]) {
    let (m, x, c, id) = (&case["message"], &case["expect"], &case["config"], text(&case["id"]));
    let overrides = map(&c["OVERRIDE_HEADER"]);
    let over = |name: &str| overrides.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    let subject = text(&m["subject"]);
    if over("Subject").is_none() && !subject.contains("=?") {
        let want = format!("{} {subject}", text(&c["SUBJECT_PREFIX"]));
        assert_eq!(squash(mail.subject().unwrap_or("")), squash(&want), "{id}");
    }
    let name = text(&m["from_display_name"]);
    if !name.contains("=?") {
        assert_eq!(addresses(mail.from()), [(name.to_owned(), text(&m["from_address"]).to_owned())], "{id}");
    }
    if x["own"] != true {
        assert_eq!(addresses(mail.to()).into_iter().map(|a| a.1).collect::<Vec<_>>(), to, "{id}");
    }
    assert_eq!(mail.date().unwrap().to_timestamp(), m["date_unix_ms"].as_i64().unwrap() / 1000, "{id}");
    let ids: Vec<_> = mail.headers_raw().filter(|(n, _)| *n == "Message-ID").map(|(_, v)| v.trim()).collect();
    if over("Message-ID").is_some() {
        assert!(ids.is_empty(), "{id}");
    } else if let Some(given) = m["headers"].get("Message-ID") {
        assert_eq!(ids, given.as_array().unwrap().iter().map(text).collect::<Vec<_>>(), "{id}");
    } else if let Some(auto) = x["auto_message_id"].as_str().filter(|_| !text(&m["to"]).contains('<')) {
        assert_eq!(ids, [auto], "{id}");
    }
    let mut extra = map(&m["headers"]);
    extra.retain(|(n, _)| over(n).is_none());
    extra.extend(overrides.clone());
    if over("X-Auto-Response-Suppress").is_none() {
        extra.push(("X-Auto-Response-Suppress".into(), vec!["All".into()]));
    }
    for (name, values) in extra.iter().filter(|(n, _)| n != "Message-ID") {
        assert_eq!(field(mail, name), squash(&values.join(" ")), "{id} {name}");
    }
    if !text(&m["reply_to"]).is_empty() && !extra.iter().any(|(n, _)| n == "Reply-To") {
        assert_eq!(
            addresses(mail.reply_to())[0].1,
            text(&m["reply_to"]).rsplit('<').next().unwrap().trim_end_matches('>')
        );
    }
}

/// The shape of the text part, attachments, hidden recipients. Patterns stand here by case, so that
/// the test needs no regular expressions.
fn check_own(case: &Value, mail: &Message<'_>) {
    let (x, id) = (&case["expect"], text(&case["id"]));
    let body = lines(&mail.body_text(0).unwrap_or_default());
    let shape: &[&str] = match id {
        "o01" => &["1. Clone\n2. Widget\n   1. Gadget\n   2. deep\n3. last"],
        "o02" => &["5. Clone\n6. Widget\n\n- Gadget\n  - inner"],
        "o03" => &["Item | Qty | Price\nClone | 2 | € 9.99\nWidget, large | 10 | € 120.00\n\nGadget"],
        "o04" => &["Clone\n\n> Widget\n>\n> > Gadget\n\nend"],
        "o05" => &["Clone Widget (https://x.example/Widget?q=1&r=2),", "https://x.example/Gadget."],
        "o06" => &["number 39"],
        "o07" => &["Clone\n\ndef f():\n    return \"Widget\"\n\n        # Gadget  two  blanks"],
        "o08" => &["Widget\n======\n\nGadget, strong, end!"],
        "o09" => &["Widget by hand\nsecond Gadget"],
        _ => &[],
    };
    for part in shape {
        assert!(body.contains(part), "{id}: {part:?} is not in\n{body}");
    }
    for word in ["preheader", "secret@"] {
        assert!(!body.contains(word), "{id}");
    }
    assert!(body.lines().all(|l| l.chars().count() <= 78), "{id}: prose is not wrapped");
    assert!(mail.header("Bcc").is_none_or(|v| *v == HeaderValue::Empty), "{id}: Bcc is on the wire");
    if id == "o10" {
        assert_eq!(addresses(mail.cc()), [("Cc One".to_owned(), "c1@example.net".to_owned())]);
    }
    for want in x["attachments"].as_array().into_iter().flatten() {
        let file = mail.attachments().next().unwrap_or_else(|| panic!("{id}: no attachment"));
        assert_eq!(file.attachment_name(), want["filename"].as_str(), "{id}");
        assert_eq!(file.contents(), decode(&want["content"]), "{id}");
        if let Some(cid) = want["content_id"].as_str() {
            assert_eq!(file.content_id().map(|c| format!("<{c}>")).as_deref(), Some(cid), "{id}");
        }
    }
}

#[test]
fn the_references_cases_hold() {
    let mut seen = 0;
    for line in CASES.lines() {
        check(&serde_json::from_str(line).unwrap());
        seen += 1;
    }
    assert_eq!(seen, 124);
}
