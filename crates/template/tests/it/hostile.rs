//! Hostile data and hostile templates (B7): nothing is run, read or sent that should not be, and all ends.

use crate::{fill, html, mistakes, set};
use postrider_template::{RenderError, Templates};
use serde_json::json;

/// Data is shown, whatever it looks like.
#[test]
fn b7_125_data_is_shown_as_data() {
    for text in ["{{7*7}}", "{% include \"secret.html\" %}", "{# x #}", "{{ lang }}", "{% raw %}"] {
        let set = set(&[
            ("secret.html", "SECRET"),
            ("a.html", "S {{ v }}\n---\n<p>{{ v }}</p>{{ t('k', v=v) }}"),
            ("locale/en.toml", "k = '{v}'"),
        ]);
        let mail = set.render("a", None, &json!({"v": text})).unwrap();
        let shown = text.replace('"', "&quot;");
        assert_eq!(mail.subject.unwrap(), format!("S {text}"));
        assert_eq!(mail.html.unwrap(), format!("<p>{shown}</p>{shown}"));
    }
}

#[test]
fn b7_125_data_cannot_leave_its_place_in_html() {
    let hostile = "</td><script>alert('1')</script><td onmouseover=\"x\">";
    for template in [
        "<td>{{ v }}</td>",
        "<td title=\"{{ v }}\">",
        "<td title='{{ v }}'>",
        "{{ t('k', v=v) }}",
        "{{ link('https://a.example', v) }}",
    ] {
        let set = set(&[("a.html", template), ("locale/en.toml", "k = '{v}'")]);
        let html = set.render("a", None, &json!({"v": hostile})).unwrap().html.unwrap();
        assert!(!html.contains("<script") && !html.contains("\"x\"") && !html.contains("'1'"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}

#[test]
fn b7_125_a_subject_takes_no_line_breaks_from_data() {
    for value in ["x\r\nBcc: eve@example.org", "x\ny", "x\ry", "x\0y", "x\u{2028}y", "x\u{85}y"] {
        let error = fill("Hi {{ v }}\n---\n{{ v }}", json!({"v": value})).unwrap_err();
        assert!(error.contains("line break") && error.contains("line 1"), "{error}");
        let mail = fill("Hi {{ v|oneline }}\n---\nx", json!({"v": value})).unwrap();
        assert!(mail.subject.as_deref().unwrap().chars().all(|c| !c.is_control()), "{mail:?}");
        let texts = set(&[("a.html", "{{ t('k', v=v) }}\n---\nx"), ("locale/en.toml", "k = 'Hi {v}'")]);
        assert!(texts.render("a", None, &json!({"v": value})).is_err());
    }
}

#[test]
fn b7_125_what_is_missing_fails_before_anything_is_made() {
    let error =
        set(&[("a.html", "S\n---\n{{ a }}{{ b.c }}")]).render("a", None, &json!({"a": 1})).unwrap_err();
    assert_eq!(error.variable(), Some("b"));
}

/// A template that takes too much says so.
fn too_much(set: &Templates) {
    let error = set.render("a", None, &json!({"s": "x".repeat(1000), "n": 1})).unwrap_err();
    assert!(matches!(error, RenderError::TooMuch { .. }), "{error}");
}

#[test]
fn b7_126_loops_end() {
    let deep = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}";
    too_much(&set(&[("a.html", deep)]));
    too_much(&set(&[("a.html", "{% for a in range(99999) %}{{ s }}{{ s }}{{ s }}{% endfor %}")]));
    too_much(&set(&[(
        "a.html",
        "{{ range(99999)|list|sort|reverse|join('-') }}{% for a in range(99999) %}{{ range(9999)|sum }}{% endfor %}",
    )]));
}

#[test]
fn b7_126_recursion_ends() {
    too_much(&set(&[("a.html", "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}")]));
    too_much(&set(&[("a.html", "{% include 'a.html' %}")]));
    too_much(&set(&[("a.html", "{% include '_b.html' %}"), ("_b.html", "{% include 'a.html' %}")]));
    too_much(&set(&[("a.html", "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}")]));
    for name in ["a.html", "_b.html"] {
        let set =
            set(&[("a.html", &format!("{{% extends '{name}' %}}")), ("_b.html", "{% extends 'a.html' %}")]);
        assert!(set.render("a", None, &json!({})).is_err());
    }
}

#[test]
fn b7_126_no_value_grows_beyond_bounds() {
    too_much(&set(&[("a.html", "{% set x = 'x' * 99999999 %}")]));
    let doubling = "{% set x = s %}".to_owned() + &"{% set x = x ~ x %}".repeat(60);
    too_much(&set(&[("a.html", &doubling)]));
    too_much(&set(&[("a.html", "{{ '%99999999d'|format(n) }}")]));
    too_much(&set(&[(
        "a.html",
        "{% for i in range(30000) %}{{ s|upper|lower|replace('x', 'yyyyyyyyyyyyyyyyyyyy') }}{% endfor %}",
    )]));
    let long = "x".repeat(1000);
    too_much(&set(&[("a.html", &format!("{{% for i in range(3000) %}}{long}{{% endfor %}}"))]));
}

#[test]
fn b7_126_deep_sources_do_not_break_the_stack() {
    for (open, close) in [("(", ")"), ("[", "]"), ("not ", ""), ("-", ""), ("{'a': ", "}")] {
        let source = format!("{{{{ {}1{} }}}}", open.repeat(50_000), close.repeat(50_000));
        drop(
            Templates::new([crate::source(&("a.html", source.as_str()))])
                .map(|set| set.render("a", None, &json!({}))),
        );
    }
    let source = "{% if true %}".repeat(20_000) + &"{% endif %}".repeat(20_000);
    drop(
        Templates::new([crate::source(&("a.html", source.as_str()))])
            .map(|set| set.render("a", None, &json!({}))),
    );
    let chain = "{{ 1".to_owned() + &" + 1".repeat(50_000) + " }}";
    drop(
        Templates::new([crate::source(&("a.html", chain.as_str()))])
            .map(|set| set.render("a", None, &json!({}))),
    );
}

#[test]
fn b7_128_an_include_stays_in_the_set() {
    for path in [
        "/etc/passwd",
        "../../etc/passwd",
        "/proc/self/environ",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "_x/../../a.html",
    ] {
        let said = mistakes(&[("a.html", &format!("{{% include \"{path}\" %}}"))]);
        assert!(said[0].contains("is not in the set"), "{said:?}");
        // By a name that only the data tells it fails when it is filled.
        for tag in ["include", "extends", "import"] {
            let rest = if tag == "import" { " as x" } else { "" };
            let text = |source: &str| {
                let made = set(&[("a.txt", source)]).render("a", None, &json!({"path": path}));
                made.map(|made| made.text.unwrap()).map_err(|error| error.to_string())
            };
            let error = text(&format!("{{% {tag} path{rest} %}}")).unwrap_err();
            assert!(!error.contains("root:"), "{error}");
            assert_eq!(text("{% include path ignore missing %}x").as_deref(), Ok("x"));
        }
        assert!(mistakes(&[(path, "x")])[0].contains("name"), "{path}");
    }
}

#[test]
fn b7_128_nothing_of_the_machine_can_be_asked() {
    for call in [
        "env('PATH')",
        "getenv('PATH')",
        "open('/etc/passwd')",
        "read_file('/etc/passwd')",
        "fetch('http://127.0.0.1/')",
        "now()",
        "debug()",
        "self",
        "__class__",
        "config",
    ] {
        assert!(fill(&format!("{{{{ {call} }}}}"), json!({})).is_err(), "{call}");
    }
    assert!(fill("{{ ''.__class__.__mro__ }}", json!({})).is_err());
    assert!(fill("{{ x|attr('__init__') }}", json!({"x": {}})).is_err());
    // A time zone is no path.
    for zone in ["../../etc/passwd", "/etc/localtime", ":/etc/localtime"] {
        assert!(fill("{{ 0|date(tz=z) }}", json!({"z": zone})).is_err(), "{zone}");
    }
}

#[test]
fn b7_126_lists_do_not_double() {
    let sums = |sum: &str| {
        "{% set x = [1] %}".to_owned() + &format!("{{% set x = {sum} %}}").repeat(60) + "{{ x|length }}"
    };
    for source in [
        sums("x + x"),
        sums("[x + x, x + x]"),
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x|length }}".into(),
        "{% macro m(x) %}{% set x = x + x %}{% set x = x + x %}{% set x = x + x %}{% set x = x + x %}{{ m(x + x) }}{% endmacro %}{{ m([1]) }}".into(),
        "{% for x in [[1]] recursive %}{% set y = x + x %}{{ loop([y + y]) }}{% endfor %}".into(),
        "{% set x = {'k': [1]} %}".to_owned() + &"{% set x = {'k': x.k + x.k} %}".repeat(60),
        sums("x * 99999999 + x"),
    ] {
        let made = Templates::new([crate::source(&("a.html", source.as_str()))]);
        assert!(made.is_err() || made.is_ok_and(|set| set.render("a", None, &json!({})).is_err()), "{source}");
    }
    assert_eq!(html("{% set x = [1] + [2] %}{% set x = x + [3] %}{{ x|join(',') }}", json!({})), "1,2,3");
}

/// Through what a call is given a list would double at each step, where no set makes it flat.
#[test]
fn b7_126_lists_do_not_double_through_calls() {
    let twice = "(x + x) + (x + x)";
    for source in [
        format!(
            "{{% macro m(x, n) %}}{{% if n %}}{{{{ m({twice}, n - 1) }}}}{{% endif %}}{{% endmacro %}}{{{{ m([1], 20) }}}}"
        ),
        format!(
            "{{% macro m(x, n) %}}{{% if n and m({twice}, n - 1) %}}{{% endif %}}{{% endmacro %}}{{{{ m([1], 20) }}}}"
        ),
        format!(
            "{{% macro m(x, n) %}}{{% if n %}}{{% set y = m({twice}, n - 1) %}}{{% endif %}}{{% endmacro %}}{{{{ m([1], 20) }}}}"
        ),
        format!("{{% for x in [[1]] recursive %}}{{{{ loop([{twice}]) }}}}{{% endfor %}}"),
        format!("{{{{ {{'f': m}}['f'](x=[{twice}]) }}}}"),
    ] {
        let said = mistakes(&[("a.html", &source)]);
        assert!(said[0].contains("a.html:1") && said[0].contains('+') && said[0].contains("set"), "{said:?}");
    }
    assert!(mistakes(&[("a.html", &format!("{{{{ (x{})|length }}}}", "+x".repeat(31)))])[0].contains("30"));
    let sum =
        "{% set x = [1] %}".to_owned() + &"{% set x = [x, x]|sum(start=[]) %}".repeat(20) + "{{ x|length }}";
    assert!(fill(&sum, json!({})).unwrap_err().contains("sum starts from a number"));
    for (source, made) in [
        ("{{ (1 + 2) * 3 }}", "9"),
        ("{% if (1 + 2) == 3 %}x{% endif %}", "x"),
        ("{{ [1, 2]|sum }}{{ [1]|sum(start=2) }}", "33"),
        ("{% raw %}m(a + b){% endraw %}", "m(a + b)"),
    ] {
        assert_eq!(html(source, json!({})), made, "{source}");
    }
}

/// What is not HTML escapes nothing, wherever it ends up.
#[test]
fn b7_125_html_is_made_of_html() {
    let text = ("_p.txt", "{{ v }}{% macro m(v) %}{{ v }}{% endmacro %}");
    for tag in [
        "{% include '_p.txt' %}",
        "{% include '_p.txt' ignore missing %}",
        "{%- extends \"_p.txt\" -%}",
        "{% import '_p.txt' as p %}",
        "{% from '_p.txt' import m %}",
        "{% include ['_p.txt', '_q.html'] %}",
        "{% include name %}",
        "{% extends '_q.html' if v else '_p.txt' %}",
        "{% include '_q' ~ '.html' %}",
    ] {
        let page = ("a.html", &*format!("S\n---\n\n{tag}"));
        let said = mistakes(&[page, text, ("_q.html", "x")]);
        assert!(
            said.iter().any(|said| said.contains("a.html:4") && said.contains(".html")),
            "{tag}: {said:?}"
        );
        // A piece of it is HTML, too.
        let said = mistakes(&[("_r.html", tag), text, ("_q.html", "x")]);
        assert!(said.iter().any(|said| said.contains("_r.html:1")), "{tag}: {said:?}");
    }
    let page = (
        "a.html",
        "{% include '_p.txt' %}\n---\n{% include '_q.html' %}{% include '_z.html' ignore missing %}",
    );
    let mail = set(&[page, text, ("_q.html", "{{ v }}")]).render("a", None, &json!({"v": "<i>"})).unwrap();
    assert_eq!((mail.subject.as_deref(), mail.html.as_deref()), (Some("<i>"), Some("&lt;i&gt;")));
}
