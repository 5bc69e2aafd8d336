//! How long it takes: `cargo test --release -p postrider-template -- --nocapture time_of_a_render`.

use crate::set;
use serde_json::json;
use std::fmt::Write;
use std::time::Instant;

/// Fills a mail of about 5 KB of HTML with layout, partial, loop and texts. Tells times, asserts none.
#[test]
fn time_of_a_render() {
    let mut layout =
        String::from("<!doctype html><html lang=\"{{ lang }}\"><head><title>{{ subject }}</title><style>");
    for n in 0..40 {
        write!(layout, ".c{n}{{color:#{n:03};padding:{n}px}} ").unwrap();
    }
    layout.push_str("td p{margin:0} @media (prefers-color-scheme: dark){p{color:#eee}}</style></head><body>");
    layout.push_str("<table class=\"c1\"><tr><td class=\"c2\">{% block body %}{% endblock %}</td></tr></table></body></html>");
    let row = "{% include 'partials/row.html' %}";
    let mail = format!(
        "{{{{ t('subject', n=n) }}}}\n---\n{{% extends '_layouts/m.html' %}}{{% block body %}}<p class=\"c3\">{{{{ t('hi', name=name) }}}}</p>{{% for x in rows %}}{row}{{% endfor %}}{{% endblock %}}"
    );
    let sources = [
        ("_layouts/m.html", layout.as_str()),
        (
            "partials/row.html",
            "<tr class=\"c4\"><td class=\"c5\"><p class=\"c6\">{{ x.name }}</p></td><td>{{ x.price|number(2) }}</td><td>{{ link(x.url, 'Show') }}</td></tr>\n",
        ),
        ("a.html", mail.as_str()),
        ("locale/en.toml", "subject = 'Order {n}'\nhi = 'Hello {name}, thank you'"),
    ];
    let start = Instant::now();
    let set = set(&sources);
    let load = start.elapsed();
    let rows: Vec<_> = (0..18).map(|n| json!({"name": format!("Thing <{n}>"), "price": 12.5, "url": format!("https://shop.example.com/things/{n}")})).collect();
    let data = json!({"n": 7, "name": "Ada", "rows": rows});
    let html = set.render("a", None, &data).unwrap().html.unwrap();
    let rounds = if cfg!(debug_assertions) { 20 } else { 20_000 };
    let start = Instant::now();
    for _ in 0..rounds {
        assert_eq!(set.render("a", None, &data).unwrap().html.unwrap().len(), html.len());
    }
    println!("load {load:?}, render {:?} for {} octets of HTML", start.elapsed() / rounds, html.len());
}
