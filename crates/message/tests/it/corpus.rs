//! Several hundred varied drafts from a seed, each with what a reader must find in the mail.

use crate::pages::Random;
use postrider_message::{Attachment, Draft, Written};
use serde_json::{Value, json};

impl Random {
    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn words(&mut self, all: &[&str], most: usize) -> String {
        let count = 1 + self.below(most);
        (0..count).map(|_| self.pick(all)).collect::<Vec<_>>().join(" ")
    }
}

const WORDS: &[&str] = &[
    "a",
    "issue",
    "#7",
    "größer",
    "naïve",
    "山田太郎",
    "引き出し",
    "e\u{301}te\u{301}",
    "😀",
    "👩\u{200d}👧",
    "한국어",
    "Ελληνικά",
    "x=y",
    "100%",
    "a_b",
    "<tag>",
    "\"quoted\"",
    "back\\slash",
    "it's",
    "(paren)",
    "[list]",
    "semi;colon",
    "comma,",
    "q?p",
    "supercalifragilisticexpialidocious-and-then-some-more-letters-of-one-word-beyond-a-line",
    "=",
    "?=",
];
const NAMES: &[&str] = &[
    "Jane",
    "Doe",
    "Jürgen",
    "O'Neil",
    "山田",
    "太郎",
    "J.",
    "R2-D2",
    "(Ops)",
    "a,b",
    "\"Q\"",
    "back\\slash",
    "x@y",
    "Ünï-cödé",
    "😀",
    "<root>",
    "list:",
    "semi;",
    "supercalifragilisticexpialidocious-and-then-some-more-letters-of-one-name",
];
/// As given and as it travels.
const ADDRESSES: &[(&str, &str)] = &[
    ("jane.doe@x.example", "jane.doe@x.example"),
    ("a+b@sub.x.example", "a+b@sub.x.example"),
    ("O'Neil!#$%&*@x.example", "O'Neil!#$%&*@x.example"),
    ("\"with blank\"@x.example", "\"with blank\"@x.example"),
    ("x@Müller.example", "x@xn--mller-kva.example"),
    (
        "long-local-part-of-sixty-four-octets-xxxxxxxxxxxxxxxxxxxxxxxxxx@y.example",
        "long-local-part-of-sixty-four-octets-xxxxxxxxxxxxxxxxxxxxxxxxxx@y.example",
    ),
    ("1@2.example", "1@2.example"),
];
const LINES: &[&str] = &[
    "plain line",
    "From here on",
    ".",
    "..",
    "",
    "trailing blanks  ",
    "tab\t",
    "  indented",
    "größer",
    "山田太郎さんが課題を閉じました。",
    "=3D is no escape",
    "--=_a00000000000000000000000000000007",
    "-- ",
    "--",
    "> quoted",
    "a = b",
    "😀 emoji",
    "begin 644 x",
    "\u{a0}no break",
];
const FILES: &[&str] = &[
    "report.pdf",
    "two words.txt",
    "résumé.doc",
    "파일이름.hwp",
    "a\"quote\".txt",
    "semi;colon.csv",
    "100%.png",
    "no-ending",
    "back'tick`.gif",
    "=?utf-8?q?x?=.txt",
    "very-long-name-very-long-name-very-long-name-very-long-name-very-long-name-very-long-name.bin",
];

/// A draft and what Python must read from its mail.
pub(crate) fn draft(seed: u64) -> (Draft, Value) {
    let mut r = Random(seed);
    let person = |r: &mut Random| {
        let (given, wire) = ADDRESSES[r.below(ADDRESSES.len())];
        let name = if r.below(4) == 0 { String::new() } else { r.words(NAMES, 4) };
        let written = Written::Parts { name: Some(name.clone()), address: given.to_owned() };
        (written, json!([name, wire]))
    };
    let list =
        |r: &mut Random, most: usize| -> (Vec<Written>, Vec<Value>) { (0..most).map(|_| person(r)).unzip() };
    let (from, from_is) = list(&mut r, 1);
    let count = 1 + r.below(6);
    let (to, to_is) = list(&mut r, count);
    let count = r.below(3);
    let (cc, cc_is) = list(&mut r, count);
    let count = r.below(2);
    let (reply_to, reply_to_is) = list(&mut r, count);
    let subject = r.words(WORDS, 24);
    let headers: Vec<(String, Vec<String>)> =
        (0..r.below(4)).map(|i| (format!("X-Field-{i}"), vec![r.words(WORDS, 30)])).collect();
    let text = (r.below(4) > 0).then(|| lines(&mut r));
    let html = (text.is_none() || r.below(2) == 0).then(|| format!("<p>{}</p>", lines(&mut r)));
    let count = r.below(4);
    let (attachments, files_are): (Vec<_>, Vec<_>) =
        (0..count).map(|i| file(&mut r, i, html.is_some())).unzip();
    let expect = json!({
        "subject": subject, "from": from_is, "to": to_is, "cc": cc_is, "reply-to": reply_to_is,
        "headers": headers.iter().map(|(n, v)| json!([n, v[0]])).collect::<Vec<_>>(),
        "text": text, "html": html, "files": files_are,
    });
    let from = from.into_iter().next();
    (Draft { from, to, cc, reply_to, subject, headers, text, html, attachments, ..Draft::default() }, expect)
}

fn lines(r: &mut Random) -> String {
    let count = 1 + r.below(12);
    let mut out = String::new();
    for i in 0..count {
        match r.below(24) {
            0 => out.push_str(&"long ".repeat(300)),
            1 => out.push_str(&"x".repeat(990 + r.below(20))),
            2 => out.push_str(&r.words(WORDS, 40)),
            _ => out.push_str(r.pick(LINES)),
        }
        if i + 1 < count || r.below(2) == 0 {
            out.push_str(r.pick(&["\n", "\r\n"]));
        }
    }
    // An empty text would mean that there is no text part.
    if out.is_empty() { "x".to_owned() } else { out }
}

fn file(r: &mut Random, index: usize, may_be_inline: bool) -> (Attachment, Value) {
    let name = r.pick(FILES).to_owned();
    let content: Vec<u8> = (0..r.below(400)).map(|_| r.below(256) as u8).collect();
    let id = (may_be_inline && r.below(2) == 0).then(|| format!("part{index}@x.example"));
    let hex: String = content.iter().map(|b| format!("{b:02x}")).collect();
    let expect = json!({"name": name, "hex": hex, "id": id.as_ref().map(|id| format!("<{id}>"))});
    let file = Attachment {
        filename: Some(name),
        content: content.into(),
        content_type: (r.below(2) == 0).then(|| "application/x-test; version=1".to_owned()),
        content_id: id,
    };
    (file, expect)
}
