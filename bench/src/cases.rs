//! The mails every contender composes.

use bytes::Bytes;
use serde_json::{Value, json};

/// A mail as a program hands it over.
pub struct Case {
    pub name: &'static str,
    pub from: (String, String),
    pub to: Vec<(String, String)>,
    pub subject: String,
    pub headers: Vec<(String, String)>,
    pub html: String,
    /// Name, type, content.
    pub files: Vec<(String, String, Bytes)>,
}

impl Case {
    /// For the node process; bytes in hex.
    pub fn to_json(&self) -> Value {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let person = |(name, address): &(String, String)| json!({"name": name, "address": address});
        json!({
            "from": person(&self.from),
            "to": self.to.iter().map(person).collect::<Vec<_>>(),
            "subject": self.subject,
            "headers": self.headers.iter().map(|(n, v)| json!({"key": n, "value": v})).collect::<Vec<_>>(),
            "html": self.html,
            "files": self.files.iter()
                .map(|(n, t, c)| json!({"filename": n, "contentType": t, "hex": hex(c)}))
                .collect::<Vec<_>>(),
        })
    }
}

fn plain(name: &'static str, html: String) -> Case {
    Case {
        name,
        from: ("Build robot".into(), "robot@forge.example".into()),
        to: vec![("Jane Doe".into(), "jane.doe@customer.example".into())],
        subject: "[widgets/clone] Gadget is too wide for the drawer (#4711)".into(),
        headers: vec![("X-Forge-Repository".into(), "widgets/clone".into())],
        html,
        files: Vec::new(),
    }
}

pub fn all() -> Vec<Case> {
    let small = page(ENGLISH, 3);
    let mut attachment = plain("attachment 256 KB", small.clone());
    attachment.files.push(("Build log 4711.pdf".into(), "application/pdf".into(), noise(256 * 1024)));
    let mut headers = plain("40 recipients, 30 headers", "<p>Your build is green again.</p>".into());
    headers.to =
        (0..40).map(|i| (format!("Widget Müller-{i}"), format!("user.{i}@customer.example"))).collect();
    headers.headers = (0..29)
        .map(|i| {
            (format!("X-Forge-Field-{i}"), format!("value number {i} of the field, some fifty octets long"))
        })
        .collect();
    let ids: Vec<String> =
        (0..20).map(|i| format!("<widgets/clone/issues/4711/{i}@forge.example>")).collect();
    headers.headers.push(("References".into(), ids.join(" ")));
    let mut foreign = plain("UTF-8: Japanese", page(JAPANESE, 3));
    foreign.subject = "[部品/複製] 引き出しに対して部品の幅が広すぎます (#4711)".into();
    foreign.from.0 = "ビルドロボット".into();
    foreign.to[0].0 = "山田太郎".into();
    let mut german = plain("UTF-8: German", page(GERMAN, 3));
    german.subject = "[teile/kopie] Das Gerät ist für die Schublade zu groß (#4711)".into();
    german.to[0].0 = "Jürgen Müller".into();
    vec![
        plain("notification", small),
        plain("digest", page(ENGLISH, 53)),
        attachment,
        headers,
        german,
        foreign,
    ]
}

/// Bytes that do not compress, the same on each run.
fn noise(count: usize) -> Bytes {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// Heading, sentence, list item, quote, button.
type Words = [&'static str; 5];

const ENGLISH: Words = [
    "Jane Doe commented on an issue",
    "The gadget does not fit into the drawer once the widget was cloned twice; measured by hand it is about four \
     millimetres too wide, and the drawing says the same thing in its second revision.",
    "Measure the drawer again and write the figures into the drawing",
    "We should look at the first revision before anybody cuts the metal, since the supplier asked the same.",
    "View it on the forge",
];
const GERMAN: Words = [
    "Jürgen Müller hat einen Vorgang kommentiert",
    "Das Gerät passt nicht in die Schublade, nachdem das Teil zweimal kopiert wurde; von Hand gemessen ist es \
     ungefähr vier Millimeter zu groß, und die Zeichnung sagt in ihrer zweiten Fassung dasselbe.",
    "Die Schublade noch einmal messen und die Maße in die Zeichnung schreiben",
    "Wir sollten die erste Fassung prüfen, bevor jemand Blech schneidet; der Zulieferer fragte schon danach.",
    "Auf der Plattform öffnen",
];
const JAPANESE: Words = [
    "山田太郎さんが課題にコメントしました",
    "部品を二回複製したあと、引き出しに部品が入らなくなりました。手で測ったところ約四ミリ広く、図面の第二版にも同じ寸法が書かれています。",
    "引き出しをもう一度測って、図面に数字を書き込む",
    "金属を切る前に第一版を確認したほうがよいでしょう。取引先からも同じ質問が来ています。",
    "フォージで表示する",
];

fn page([heading, sentence, item, quote, button]: Words, blocks: usize) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{heading}</title>\n\
         <style>body{{margin:0;font-family:sans-serif}}a{{color:#0969da}}.btn{{background:#1f883d}}</style>\n\
         </head>\n<body style=\"margin:0;padding:0;background:#f6f8fa\">\n\
         <div style=\"display:none;max-height:0;overflow:hidden\">{heading}: {item}</div>\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr><td align=\"center\">\n\
         <table role=\"presentation\" width=\"600\" style=\"max-width:600px;background:#ffffff\"><tr><td style=\"padding:24px\">\n\
         <h2 style=\"font-size:20px;margin:0 0 16px\">{heading}</h2>\n"
    );
    for block in 0..blocks {
        html.push_str(&format!(
            "<p style=\"margin:0 0 12px;line-height:1.5\"><a href=\"https://forge.example/jane/{block}\">@jane</a>: \
             {sentence} &ndash; <b>#{block}</b> &amp; <code>gadget.width &lt; 4</code></p>\n\
             <blockquote style=\"border-left:4px solid #d0d7de;margin:0 0 12px;padding:0 12px\"><p>{quote}</p></blockquote>\n\
             <ol><li>{item}</li><li><i>{item}</i><ul><li>{button}</li></ul></li></ol>\n"
        ));
    }
    html.push_str(&format!(
        "<table style=\"border-collapse:collapse\"><tr><th>File</th><th>Lines</th></tr>\
         <tr><td>gadget/width.rs</td><td>+12 &minus;4</td></tr><tr><td>README.md</td><td>+1</td></tr></table>\n\
         <p style=\"margin:24px 0\"><a class=\"btn\" href=\"https://forge.example/widgets/clone/issues/4711?notification=1&amp;x=2\" \
         style=\"padding:10px 16px;border-radius:6px\">{button}</a></p>\n<hr>\n\
         <p style=\"font-size:12px;color:#59636e\">{item}<br><img src=\"https://forge.example/pixel.png\" width=\"1\" height=\"1\" alt=\"\">\
         <a href=\"https://forge.example/settings\">https://forge.example/settings</a></p>\n\
         </td></tr></table>\n</td></tr></table>\n</body>\n</html>\n"
    ));
    html
}
