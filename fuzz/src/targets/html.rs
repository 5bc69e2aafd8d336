//! HTML to text: bounded in its input, valid, free of control characters of its own making.

use message::html_to_text;

pub(super) const WORDS: &[&str] = &[
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<ul>",
    "</ul>",
    "<ol start=7>",
    "</ol>",
    "<li>",
    "<li value=4294967295>",
    "</li>",
    "<table>",
    "</table>",
    "<tr>",
    "</tr>",
    "<td>",
    "<th>",
    "</td>",
    "<blockquote>",
    "</blockquote>",
    "<pre>",
    "</pre>",
    "<a href=\"https://x.example/?a=1&b=2\">",
    "<a href='mailto:a@b.c'>",
    "</a>",
    "<h1>",
    "</h1>",
    "<h2>",
    "</h2>",
    "<br>",
    "<hr/>",
    "<img alt='picture' src=x>",
    "<span style='display:none'>",
    "<span style='font-size:0'>",
    "<b style='font-size:9px'>",
    "</span>",
    "<p hidden>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<title>",
    "<textarea>",
    "<plaintext>",
    "<svg>",
    "</svg>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!doctype html>",
    "&nbsp;",
    "&amp;",
    "&#x110000;",
    "&#0;",
    "&copy",
    "&NotEqualTilde;",
    "山田太郎",
    "e\u{301}",
    "👩‍👩‍👧",
    "\u{202e}",
    "\u{a0}",
    "\u{200b}",
    "longwordwithoutanyblankinit",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "'",
    "=",
    ">",
    "<",
    "</",
    "/>",
];

/// A level of nesting indents each line by at most 12 octets (`4294967295. `), 32 levels deep, and a
/// line holds at least a character of the input.
const GROWTH: usize = 32 * 12 * 2;

pub(super) fn run(bytes: &[u8]) {
    let html = String::from_utf8_lossy(bytes);
    let text = html_to_text(&html);
    assert!(text.len() <= html.len() * GROWTH + 64, "{} octets became {}", html.len(), text.len());
    assert!(text.is_empty() || text.ends_with('\n'), "no line end at the end");
    assert!(!text.contains('\0'), "a NUL in the text");
}
