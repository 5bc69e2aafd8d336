//! What somebody wrote, as HTML and as text: each is made of the other where only one is given.

use crate::kind::Facts;
use serde_json::{Value, json};

/// `{html, text}` of what stands at a path; null when there is neither.
pub(super) fn prose(facts: &mut Facts<'_>, path: &str) -> Value {
    let html = facts.text(&format!("{path}.html")).filter(|html| !html.trim().is_empty());
    let text = facts.text(&format!("{path}.text")).filter(|text| !text.trim().is_empty());
    match (html, text) {
        (None, None) => Value::Null,
        (Some(html), Some(text)) => json!({"html": html, "text": text.trim_end()}),
        (Some(html), None) => json!({"text": message::html_to_text(&html).trim_end(), "html": html}),
        (None, Some(text)) => json!({"html": paragraphs(&text), "text": text.trim_end()}),
    }
}

/// Text as HTML: blank lines part paragraphs, the others break.
fn paragraphs(text: &str) -> String {
    let lines = text.lines().map(str::trim_end);
    let mut out = String::with_capacity(text.len() + 64);
    let mut open = false;
    for line in lines {
        match (line.is_empty(), open) {
            (true, true) => {
                out.push_str("</p>\n");
                open = false;
            }
            (true, false) => {}
            (false, _) => {
                out.push_str(if open { "<br>\n" } else { "<p>" });
                open = true;
                escape(&mut out, line);
            }
        }
    }
    if open {
        out.push_str("</p>\n");
    }
    out
}

fn escape(out: &mut String, line: &str) {
    for c in line.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_paragraphs() {
        assert_eq!(
            paragraphs("a\nb\n\n\nc <d> & \"e\"\n"),
            "<p>a<br>\nb</p>\n<p>c &lt;d&gt; &amp; &quot;e&quot;</p>\n"
        );
        assert_eq!(paragraphs("\n \n"), "");
    }
}
