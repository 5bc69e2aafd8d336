//! HTML that made other readers panic, hang or run out of stack.

use crate::bench::{builder, message, recorder};
use mail_parser::MessageParser;
use postrider::Status;

/// Pages that show `w1 w2 w3`.
fn pages() -> Vec<String> {
    let spans = ["0", "-1", "2", "65535", "4294967295", "99999999999999999999", "x", ""];
    let tables = spans.iter().flat_map(|n| {
        ["rowspan", "colspan"].map(|span| {
            format!("<table><tr><td {span}={n}>w1<td>w2</tr><tr><td {span}='{n}'>w3</tr><tr></tr></table>")
        })
    });
    let deep = |open: &str, close: &str| format!("w1{}w2{}w3", open.repeat(20_000), close.repeat(20_000));
    let others = [
        deep("<table><tr><td>", "</td></tr></table>"),
        deep("<ol><li>", "</li></ol>"),
        deep("<b><i><a href=x>", "</i></b>"),
        deep("<div><p>", "</p>"),
        "w1</td></table></ul></blockquote></pre></a>w2<table>w3".into(),
        "<ol start=9223372036854775807><li>w1<li>w2<li>w3</ol>".into(),
        "<ol start=-9223372036854775808 reversed><li value=99999999999999999999>w1<li>w2<li>w3".into(),
        format!("w1<td style=\"{}\">w2</td><img alt={}>w3", ";".repeat(100_000), "\"".repeat(100_000)),
        format!("w1{}w2{}w3", "&".repeat(100_000), "&#x110000;&#0;&#xD800;&nosuch".repeat(5_000)),
        format!("<pre>w1{}w2</pre>{}w3", "\t".repeat(20_000), " \u{a0}".repeat(20_000)),
    ];
    tables.chain(others).collect()
}

#[tokio::test]
async fn b7_123_hostile_html_becomes_text_and_stops_nobody() {
    let sender = recorder();
    let mailer = builder(&sender).memory().open().await.unwrap();
    for html in pages() {
        let start: String = html.chars().take(80).collect();
        let mut page = message(&start.replace(|c: char| c.is_control(), " ")).html(html);
        page.draft.text = None;
        let mail = mailer.compose(&page).unwrap_or_else(|error| panic!("{start}: {error}"));
        let raw = [&mail.header[..], &mail.body[..]].concat();
        let text = MessageParser::default().parse(&raw).unwrap().body_text(0).unwrap().into_owned();
        let places: Vec<usize> =
            ["w1", "w2", "w3"].iter().flat_map(|w| text.match_indices(w).map(|(at, _)| at)).collect();
        assert!(places.len() == 3 && places.is_sorted(), "{start}: {places:?}");
        assert_eq!(mailer.send(page).await.unwrap().status, Status::Sent, "{start}");
    }
    assert_eq!(sender.calls().len(), pages().len());
}
