//! Every contender made the same mail, as an independent parser reads it.

use crate::cases::Case;
use crate::pages;
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

/// Columns at which html2text breaks no line.
const WIDE: usize = 100_000;
/// Random pages both converters read.
const PAGES: u64 = 3000;

/// html2text finds the same words in the same order, on pages without hidden text, of which it knows
/// less, and without tables, whose narrow cells it sets side by side and breaks words in.
pub fn compare_texts() -> Result<()> {
    let mut compared = 0;
    for seed in 0..PAGES {
        let page = pages::page(seed, false);
        let ours = pages::words_of(&message::html_to_text(&page.html));
        ensure!(ours == page.shown, "page {seed}: words are missing or misplaced");
        if !page.html.contains("<table>") {
            let theirs = pages::words_of(&html2text::from_read(page.html.as_bytes(), WIDE)?);
            ensure!(ours == theirs, "page {seed}: html2text reads it in another order");
            compared += 1;
        }
    }
    println!("html2text reads {compared} random pages as we do.");
    Ok(())
}
