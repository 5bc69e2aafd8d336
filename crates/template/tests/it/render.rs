//! Subject, body, parts, escaping, and what is missing.

use crate::{fill, html, set};
use postrider_template::RenderError;
use serde_json::json;

#[test]
fn subject_and_body_part_at_the_dashes() {
    let mail =
        fill("Hello {{ name }},\n welcome\n-----  \n\n<p>Dear {{ name }}</p>", json!({"name": "Ada & Bo"}));
    let mail = mail.unwrap();
    assert_eq!(mail.subject.as_deref(), Some("Hello Ada & Bo, welcome"));
    assert_eq!(mail.html.as_deref(), Some("<p>Dear Ada &amp; Bo</p>"));
    assert_eq!(mail.text, None);
    assert_eq!(mail.language.as_str(), "en");
    assert_eq!(fill("<p>no subject</p>", json!({})).unwrap().subject, None);
    assert_eq!(fill("{% if false %}x{% endif %}\n---\nb", json!({})).unwrap().subject, None);
}

#[test]
fn a_subject_has_256_characters_at_most() {
    let mail = fill("{{ s }}\n---\nx", json!({"s": "é".repeat(400)})).unwrap();
    assert_eq!(mail.subject, Some("é".repeat(256)));
}

#[test]
fn layouts_and_partials_come_from_the_set() {
    let set = set(&[
        (
            "_layouts/mail.html",
            "<html lang={{ lang }}><title>{{ subject }}</title>{% block body %}{% endblock %}</html>",
        ),
        ("partials/button.html", "<a href=\"{{ url }}\">{{ label }}</a>"),
        (
            "shop/order.html",
            "Order {{ n }}\n---\n{% extends \"_layouts/mail.html\" %}{% block body %}{% include \"partials/button.html\" %}{% endblock %}",
        ),
    ]);
    let data = json!({"n": 7, "url": "https://example.com/?a=1&b=2", "label": "Show"});
    let mail = set.render("shop/order", None, &data).unwrap();
    assert_eq!(
        mail.html.unwrap(),
        "<html lang=en><title>Order 7</title><a href=\"https://example.com/?a=1&amp;b=2\">Show</a></html>"
    );
    assert!(!set.contains("_layouts/mail") && !set.contains("partials/button"));
}

#[test]
fn a_text_part_is_taken_as_it_is() {
    let both = set(&[("a.html", "S\n---\n<p>{{ n }}</p>"), ("a.txt", "Hi {{ n }}\n---\nfooter\n")]);
    let mail = both.render("a", None, &json!({"n": "<b>"})).unwrap();
    assert_eq!(mail.text.as_deref(), Some("Hi <b>\n---\nfooter"));
    assert_eq!(mail.html.as_deref(), Some("<p>&lt;b&gt;</p>"));
    let alone = set(&[("a.txt", "Subject {{ n }}\n---\nHi {{ n }}\n")]);
    let mail = alone.render("a", None, &json!({"n": 1})).unwrap();
    assert_eq!(
        (mail.subject.as_deref(), mail.text.as_deref(), mail.html),
        (Some("Subject 1"), Some("Hi 1"), None)
    );
}

#[test]
fn what_is_missing_is_told_by_name_and_line() {
    let missing = |text: &str, data| match set(&[("a.html", text)]).render("a", None, &data).unwrap_err() {
        RenderError::Missing { template, line, variable } => (template, line, variable),
        other => panic!("{other}"),
    };
    let at = |line, name: &str| ("a.html".to_owned(), line, name.to_owned());
    assert_eq!(missing("S\n---\n\n<p>\n{{ user.name }}", json!({"user": {}})), at(5, "user.name"));
    assert_eq!(missing("{{ s }}\n---\nb", json!({})), at(1, "s"));
    assert_eq!(missing("x\n{% for a in list %}{% endfor %}", json!({})), at(2, "list"));
    assert_eq!(missing("{{ name|upper }}", json!({})), at(1, "name"));
    assert_eq!(missing("{{ at|date }}", json!({})).2, "at");
    assert_eq!(missing("{{ url|href }}", json!({})).2, "url");
    assert_eq!(missing("{{ n|number }}", json!({})).2, "n");
    assert_eq!(missing("{{ link(url, text) }}", json!({"url": "https://a.example"})).2, "text");
    let error = fill("S\n---\n{{ nme }}", json!({"name": 1})).unwrap_err();
    assert_eq!(error, "a.html, line 3: nme is missing in the data; give it");
    assert_eq!(html("{{ name|default('friend') }}{% if name is defined %}x{% endif %}", json!({})), "friend");
}

#[test]
fn what_a_reader_could_make_nothing_of_is_refused() {
    for (value, word) in [(json!(null), "null"), (json!({"a": 1}), "map"), (json!([1]), "sequence")] {
        let error = fill("{{ v }}", json!({"v": value})).unwrap_err();
        assert!(error.contains(word) && error.contains("(v)"), "{error}");
    }
    assert!(fill("x", json!([1])).unwrap_err().contains("object"));
    assert!(
        set(&[("a.html", "x")])
            .render("b", None, &json!({}))
            .unwrap_err()
            .to_string()
            .contains("there are: a")
    );
}

#[test]
fn values_are_escaped_and_links_stay_readable() {
    let data = json!({"u": "https://a.example/x?y=1", "h": "<b>\"it's\"</b> & more"});
    assert_eq!(html("<a href=\"{{ u }}\">", data.clone()), "<a href=\"https://a.example/x?y=1\">");
    assert_eq!(html("{{ h }}", data.clone()), "&lt;b&gt;&quot;it&#39;s&quot;&lt;/b&gt; &amp; more");
    assert_eq!(html("{{ h|safe }}", data), "<b>\"it's\"</b> & more");
}
