//! Templates and their data at random: all ends, no subject has a second line, no value leaves its place.

use serde_json::json;
use template::{Source, Templates};

pub(super) const WORDS: &[&str] = &[
    "\n---\n",
    "{{ v }}",
    "{{ v|safe }}",
    "{{ v|upper|truncate(3) }}",
    "{{ n|number(2) }}",
    "{{ at|date(tz='Europe/Berlin') }}",
    "{{ link('https://a.example', v) }}",
    "{{ t('k', v=v) }}",
    "{% if v %}",
    "{% else %}",
    "{% elif n %}",
    "{% endif %}",
    "{% for x in list %}",
    "{% for x in range(9999) recursive %}",
    "{{ loop([x]) }}",
    "{% endfor %}",
    "{% set x = list + list %}",
    "{% set n = n * 99 %}",
    "{% macro m(x) %}",
    "{% endmacro %}",
    "{{ m(m) }}",
    "{% block b %}",
    "{% endblock %}",
    "{{ super() }}",
    "{% extends '_l.html' %}",
    "{% include 'a.html' %}",
    "{% include v ignore missing %}",
    "{% raw %}",
    "{% endraw %}",
    "{#",
    "#}",
    "{%- ",
    " -%}",
    "<style>",
    "</style>",
    "@media x{p{a:1}}",
    "p.c > b, a:hover{color:red;x:url(;)}",
    "<p class=\"c {{ v }}\" style='a:1'>",
    "<b {% if v %}class=c{% endif %}>",
    "</p>",
    "<!--",
    "-->",
    "<table><tr><td>",
    "\"",
    "'",
    "\u{2028}",
];

pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let data = json!({"v": text, "n": 7, "at": 0, "list": [1, text], "subject2": text});
    let source =
        |name: &str, text: &str| Source { name: name.into(), text: text.into(), origin: name.into() };
    let rest = [
        source("_l.html", "<style>.c b{a:1} p{b:2}</style><div class=c>{% block b %}<p>{% endblock %}</div>"),
        source("locale/en.toml", "k = 'k {v}'"),
        source("fixed.html", "S {{ v|oneline }}\n---\n<p title=\"{{ v }}\">{{ v }}</p>"),
        source("strict.html", "S {{ v }}\n---\nx"),
    ];
    if let Ok(set) = Templates::new(rest.iter().cloned().chain([source("a.html", &text)])) {
        for made in [set.render("a", None, &data), set.render("strict", None, &data)].into_iter().flatten() {
            let subject = made.subject.unwrap_or_default();
            assert!(!subject.contains(['\r', '\n', '\0']) && subject.chars().count() <= 256, "{subject:?}");
        }
    }
    let Ok(set) = Templates::new(rest) else { return };
    let Ok(made) = set.render("fixed", None, &data) else { return };
    let html = made.html.unwrap_or_default();
    let inside = html.strip_prefix("<p title=\"").and_then(|rest| rest.strip_suffix("</p>")).unwrap_or("");
    let (title, shown) = inside.split_once("\">").unwrap_or(("", ""));
    assert!(!title.contains(['"', '<', '>']) && !shown.contains(['"', '<', '>']), "{html:?}");
    assert_eq!(title, shown);
}
