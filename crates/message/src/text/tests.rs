//! Shapes of the text made from HTML.

use super::html_to_text;

fn check(html: &str, want: &str) {
    assert_eq!(html_to_text(html), want, "{html}");
}

#[test]
fn inline_text_and_links() {
    check("", "");
    check(" a\n <b>b</b>, c&nbsp;&nbsp;d ", "a b, c d\n");
    check("<a href=\"u\">t</a>, <a href='x'>x</a>.", "t (u), x.\n");
    check("<a href=\"mailto:a@b.c\">a@b.c</a>", "a@b.c\n");
    check("<a href='u'></a><a href='#x'>y</a>", "uy\n");
    check("<a href='u'><img alt='Open'></a><img src=x>", "Open (u)\n");
    check("a<br>b<br/>c", "a\nb\nc\n");
    check("a\0\u{1b}[1m&#7;b<a href='u\u{9b}'>c</a>", "a[1mbc (u)\n");
    check("&copy; &#x1F600; &notanentity;", "© 😀 ¬anentity;\n");
}

#[test]
fn blocks() {
    check("<p>a</p><p>b</p><div>c</div><div>d</div>", "a\n\nb\n\nc\nd\n");
    check("<h1>Ab</h1><h2>Cde</h2><h3>F</h3>g", "Ab\n==\n\nCde\n---\n\nF\n\ng\n");
    check("<pre>\n a\n\n  b </pre>c", " a\n\n  b\n\nc\n");
    check("a<hr>b", "a\n\n---\n\nb\n");
    check(
        "<p>a</p><blockquote><p>b</p><blockquote>c</blockquote></blockquote>d",
        "a\n\n> b\n>\n> > c\n\nd\n",
    );
}

#[test]
fn lists() {
    check("<ol><li>a<li>b<ol><li>c</ol><li>d</ol>", "1. a\n2. b\n   1. c\n3. d\n");
    check("x<ol start=5><li>a</li></ol><ul><li>b<ul><li>c</ul></ul>y", "x\n\n5. a\n\n- b\n  - c\n\ny\n");
    check("<ul><li><p>b</p><p>c</p></li></ul>", "- b\n\n  c\n");
}

#[test]
fn tables() {
    check(
        "<table><tr><th>A<th>B</tr><tr><td><p>1</p></td><td>2 x</td></tr></table>z",
        "A | B\n1 | 2 x\n\nz\n",
    );
    check("<table><tr><td><table><tr><td>a<tr><td>b</table><td>c</table>", "a\nb\n\nc\n");
    let cell = "long ".repeat(30);
    check(&format!("<table><tr><td>{cell}<td>b</table>"), &format!("{} | b\n", cell.trim()));
}

#[test]
fn hidden_text_is_left_out() {
    check("<div style='display:none'>x<div>y</div></div>z", "z\n");
    check("<p hidden>x<p>z", "z\n");
    check("<title>t</title><style>s</style><script>p</script>z", "z\n");
    check("<div style='font-size:0'>x<div style='font-size:13px'>y</div>x</div>z", "y\nz\n");
}

#[test]
fn prose_is_wrapped() {
    let html = format!("<blockquote>{}</blockquote>", "word ".repeat(100));
    let text = html_to_text(&html);
    assert!(text.lines().all(|l| l.starts_with("> ") && l.len() <= 78), "{text}");
    assert_eq!(text.matches("word").count(), 100);
}

#[test]
fn nesting_is_flattened_and_ends() {
    for open in ["<blockquote>", "<ul><li>", "<table><tr><td>", "<div>", "<a href=x>", "<pre>", "<p hidden>"]
    {
        let html = format!("{}x", open.repeat(100_000));
        let text = html_to_text(&html);
        assert!(text.len() < html.len() * 2, "{open}");
    }
}

#[test]
fn any_text_is_read() {
    proptest::proptest!(|(html in "(<(/?(p|li|ul|ol|td|tr|table|a|pre|h1|blockquote|br|div hidden)) ?>|[a é&<\"'=\n]){0,60}")| {
        drop(html_to_text(&html));
    });
}
