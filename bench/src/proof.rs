//! Every contender made the same mail, as an independent parser reads it.

use crate::cases::Case;
use anyhow::{Context, Result, ensure};
use mail_parser::{MessageParser, MimeHeaders};

pub fn check(name: &str, case: &Case, raw: &[u8]) -> Result<()> {
    let place = format!("{name}, {}", case.name);
    let mail = MessageParser::default().parse(raw).context("unreadable")?;
    ensure!(mail.subject() == Some(&case.subject), "{place}: subject {:?}", mail.subject());
    let to = mail.to().context("no To")?.iter().map(|a| (a.name(), a.address())).collect::<Vec<_>>();
    let want: Vec<_> = case.to.iter().map(|(n, a)| (Some(n.as_str()), Some(a.as_str()))).collect();
    ensure!(to == want, "{place}: {to:?}");
    for (header, value) in case.headers.iter().filter(|(n, _)| n != "References") {
        let got = mail.header_raw(header.as_str()).unwrap_or_default();
        let got: Vec<_> = got.split_whitespace().collect();
        ensure!(got.join(" ") == *value, "{place}: {header} {got:?}");
    }
    let lines = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    let html = mail.body_html(0).context("no HTML")?;
    ensure!(lines(&html) == lines(&case.html), "{place}: the HTML differs\n{html}");
    ensure!(mail.body_text(0).is_some_and(|text| !text.is_empty()), "{place}: no text");
    let files: Vec<_> = mail.attachments().map(|a| (a.attachment_name(), a.contents())).collect();
    let want: Vec<_> = case.files.iter().map(|(n, _, c)| (Some(n.as_str()), &c[..])).collect();
    ensure!(files == want, "{place}: the attachments differ");
    Ok(())
}
