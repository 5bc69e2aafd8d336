//! Style sheets become attributes where they are sure to apply; the rest stays and wins.

use crate::{html, set};
use serde_json::json;

/// A sheet and a body; what the body becomes, and what is left of the sheet.
#[track_caller]
fn check(sheet: &str, body: &str, expected: &str, left: &str) {
    let made = html(&format!("<style>{sheet}</style>{body}"), json!({"c": "x", "on": true, "list": [1, 2]}));
    let style = if left.is_empty() { String::new() } else { format!("<style>{left}</style>") };
    assert_eq!(made, format!("{style}{expected}"), "{sheet}");
}

#[test]
fn rules_go_where_they_apply() {
    check("p{color:red}", "<p>a</p><b>c</b>", "<p style=\"color:red\">a</p><b>c</b>", "");
    check(
        ".a, #i { margin : 0 ; }",
        "<p class='x a'><p id=i>",
        "<p style=\"margin:0\" class='x a'><p style=\"margin:0\" id=i>",
        "",
    );
    check(
        "td.a[align=left]{padding:0}",
        "<td class=a align=left><td class=a>",
        "<td style=\"padding:0\" class=a align=left><td class=a>",
        "",
    );
    check(
        "table.l > tr td{top:0}",
        "<table class=l><tr><td><b>x</b></td></tr></table><td>",
        "<table class=l><tr><td style=\"top:0\"><b>x</b></td></tr></table><td>",
        "",
    );
    check(
        "a b{top:0} a > b{left:0}",
        "<a><i><b></b></i></a><b>",
        "<a><i><b style=\"top:0\"></b></i></a><b>",
        "",
    );
    check("img{border:0}", "<br><img src=x/><p>", "<br><img style=\"border:0\" src=x/><p>", "");
    check(
        "* {top:0}",
        "<html><body><p>",
        "<html><body style=\"top:0\"><p style=\"top:0\">",
        "* {top:0}".replace(" {", "{").as_str(),
    );
}

#[test]
fn the_cascade_is_kept() {
    check("p{a:1;b:1} .x{a:2} p{a:3}", "<p class=x>", "<p style=\"b:1;a:2\" class=x>", "");
    check("p{a:1} p{a:2}", "<p>", "<p style=\"a:2\">", "");
    check("p{a:1 !important;b:1}", "<p style=\"a:2;\">", "<p style=\"b:1;a:2;a:1\">", "");
    check(
        "p{background:red;background:linear-gradient(to top, red, blue)}",
        "<p>",
        "<p style=\"background:red;background:linear-gradient(to top, red, blue)\">",
        "",
    );
    check("p{font:\"A;B\";x:url(data:a;b)}", "<p>", "<p style=\"font:'A;B';x:url(data:a;b)\">", "");
    check("p{font:'A'}", "<p style='x:\"y\"'>", "<p style='font:\"A\";x:\"y\"'>", "");
}

#[test]
fn what_depends_on_the_reader_stays_and_wins() {
    check(
        "@media (prefers-color-scheme: dark){p{color:#eee}} p{color:#222}",
        "<p>",
        "<p style=\"color:#222\">",
        "@media (prefers-color-scheme: dark){p{color:#eee !important}}",
    );
    check(
        "a:hover{color:red}a{color:blue}",
        "<a>",
        "<a style=\"color:blue\">",
        "a:hover{color:red !important}",
    );
    check("@font-face{font-family:x}", "<p>", "<p>", "@font-face{font-family:x}");
    check("@import 'x.css'; p{a:1}", "<p>", "<p style=\"a:1\">", "@import 'x.css';");
    check("p + b{a:1}/* c { } */", "<p><b>", "<p><b>", "p + b{a:1 !important}");
}

#[test]
fn what_only_the_data_tells_is_not_guessed() {
    check(".x{a:1}", "<p class=\"{{ c }}\">", "<p class=\"x\">", ".x{a:1}");
    check(".b{a:1}", "<p class=\"b s-{{ c }}\">", "<p style=\"a:1\" class=\"b s-x\">", "");
    check(".b{a:1}", "<p {% if on %}class=b{% endif %}>", "<p class=b>", ".b{a:1}");
    check(".b{a:1}", "<p class=\"a {% if on %}b{% endif %}\">", "<p class=\"a b\">", ".b{a:1}");
    check("p{a:{{ c }}}", "<p>", "<p style=\"a:x\">", "");
    check("p{a:1}", "<p style=\"b:{{ c }}\">", "<p style=\"a:1;b:x\">", "");
    check("{% if on %}p{a:1}{% endif %}", "<p>", "<p>", "p{a:1}");
    check(
        "tr td{a:1}",
        "<table>{% for x in list %}<tr><td>{{ x }}</td></tr>{% endfor %}</table>",
        "<table><tr><td style=\"a:1\">1</td></tr><tr><td style=\"a:1\">2</td></tr></table>",
        "",
    );
    check("b i{a:1}", "{% if on %}<b>{% else %}<u>{% endif %}<i>", "<b><i>", "");
}

#[test]
fn html_that_comes_with_the_data_finds_its_rules() {
    check("p{a:1}.x b{c:2}", "<p>{{ c|safe }}", "<p style=\"a:1\">x", "p{a:1}\n.x b{c:2}");
    check("b, i{a:1}", "{{ c|safe }}", "x", "b, i{a:1}");
    check(
        "a{a:1}",
        "{{ link('https://a.example') }}",
        "<a href=\"https://a.example\">https://a.example</a>",
        "a{a:1}",
    );
}

#[test]
fn the_walk_follows_layouts_blocks_and_includes() {
    let set = set(&[
        (
            "_layouts/m.html",
            "<style>.c p{a:1} .d p{b:1} p{c:1}</style><div class=c>{% block main %}<p>old</p>{% endblock %}</div>{% block end %}{% endblock %}",
        ),
        ("partials/p.html", "<p>{{ x }}</p>"),
        (
            "a.html",
            "S\n---\n{% extends '_layouts/m.html' %}{% block main %}{{ super() }}{% include 'partials/p.html' %}{% endblock %}",
        ),
        (
            "b.html",
            "{% extends '_layouts/m.html' %}{% block end %}<div class=d>{% include 'partials/p.html' %}</div>{% endblock %}",
        ),
        ("c.html", "<style>p{z:9}</style>{% include 'partials/p.html' %}"),
        ("d.html", "{% include 'partials/p.html' %}"),
    ]);
    let made = |id: &str| set.render(id, None, &json!({"x": 1})).unwrap().html.unwrap();
    assert_eq!(made("a"), "<div class=c><p style=\"c:1;a:1\">old</p><p style=\"c:1;a:1\">1</p></div>");
    assert_eq!(
        made("b"),
        "<div class=c><p style=\"c:1;a:1\">old</p></div><div class=d><p style=\"c:1;b:1\">1</p></div>"
    );
    assert_eq!(made("c"), "<p style=\"z:9\">1</p>");
    assert_eq!(made("d"), "<p>1</p>");
}

#[test]
fn a_piece_used_in_two_places_gets_what_holds_in_both() {
    let set = set(&[
        ("_p.html", "<p>"),
        (
            "a.html",
            "<style>.c p{a:1} p{b:1}</style><div class=c>{% include '_p.html' %}</div>{% include '_p.html' %}",
        ),
        (
            "m.html",
            "{% macro m() %}<p>{% endmacro %}<style>.c p{a:1} p{b:1}</style><div class=c>{{ m() }}</div>",
        ),
    ]);
    let made = |id: &str| set.render(id, None, &json!({})).unwrap().html.unwrap();
    assert_eq!(made("a"), "<style>.c p{a:1}</style><div class=c><p style=\"b:1\"></div><p style=\"b:1\">");
    assert_eq!(made("m"), "<style>.c p{a:1}</style><div class=c><p style=\"b:1\"></div>");
}

#[test]
fn what_is_not_ours_to_touch_is_left() {
    for same in [
        "<style media=\"print\">p{a:1}</style><p>",
        "<style data-keep>p{a:1}</style><p>",
        "{% if true %}<style>p{a:1}</style>{% endif %}<p>",
        "<!-- <style>p{a:1}</style> --><p>",
        "<!--[if mso]><table><tr><td><![endif]--><p>",
        "<script>\"<style>\"</script><p>",
        "a < b <3 <",
    ] {
        let shown = same.replace("{% if true %}", "").replace("{% endif %}", "");
        assert_eq!(html(same, json!({})), shown);
    }
}

#[test]
fn lines_are_counted_as_in_the_file() {
    let source = "S\n---\n<style>\n p { a: 1 }\n\n @media x { p { a: 2 } }\n</style>\n<p\n>{{ nope }}";
    let error = set(&[("a.html", source)]).render("a", None, &json!({})).unwrap_err();
    assert_eq!(error.to_string(), "a.html, line 9: nope is missing in the data; give it");
}

#[test]
fn b7_126_files_that_include_themselves_end() {
    let source = "<style>p{a:1}</style><p>".to_owned() + &"{% include 'a.html' %}".repeat(3);
    assert!(set(&[("a.html", &source)]).render("a", None, &json!({})).is_err());
    let blocks = "{% block b %}<p>{{ super() }}{{ super() }}{% endblock %}<style>p{a:1}</style>";
    let all =
        [("_l.html", blocks), ("a.html", "{% extends '_l.html' %}{% block b %}{{ super() }}{% endblock %}")];
    drop(set(&all).render("a", None, &json!({})));
}

/// Sheets and pages without end: linear, and no deep recursion.
#[test]
fn b7_126_hostile_sheets_end() {
    for sheet in [
        "a{".repeat(50_000),
        "@media x{".repeat(30_000),
        "a ".repeat(50_000) + "{b:c}",
        "a>".repeat(50_000),
        "(".repeat(90_000),
        "/*".repeat(90_000),
        "a,".repeat(20_000) + "b{c:d}",
        "\"".repeat(90_001),
    ] {
        let made = html(&format!("<style>{sheet}</style><p>"), json!({}));
        assert!(made.contains("<p"));
    }
    let deep = "<style>x div div div div div p{b:1}div div div div div p{a:1}</style>".to_owned()
        + &"<div>".repeat(20_000)
        + "<p>";
    assert!(html(&deep, json!({})).contains("<p style"));
}
