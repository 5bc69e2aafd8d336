//! Sets of sources: overlays, names, mistakes, lists, samples.

use crate::{mistakes, set};
use serde_json::json;

#[test]
fn later_sources_overlay_earlier_ones() {
    let set = set(&[
        ("a.html", "built in"),
        ("_layouts/m.html", "{% block b %}{% endblock %}"),
        ("locale/en.toml", "k = 'one'\nl = 'kept'"),
        ("a.html", "{% extends '_layouts/m.html' %}{% block b %}{{ t('k') }} {{ t('l') }}{% endblock %}"),
        ("_layouts/m.html", "<{% block b %}{% endblock %}>"),
        ("locale/en.toml", "k = 'two'"),
    ]);
    assert_eq!(set.render("a", None, &json!({})).unwrap().html.as_deref(), Some("<two kept>"));
}

#[test]
fn all_mistakes_are_told_at_once_with_their_lines() {
    let said = mistakes(&[
        ("a.html", "S\n---\n\n{% for x in y %}"),
        ("b.html", "x\n{% include \"nope.html\" %}"),
        ("c.html", "{{ 1 +"),
        ("d.json", "{}"),
        ("e.html", "x"),
        ("e.json", "{\n oops"),
        ("f.txt.exe", "x"),
        ("g.mjml", "x"),
        ("locale/de.toml", "\n\nx = "),
    ]);
    let starts: Vec<&str> = said.iter().map(|m| m.rsplit_once(": ").unwrap().0).collect();
    for start in
        ["a.html:4", "b.html:2", "c.html:1", "d.json", "e.json:2", "f.txt.exe", "g.mjml", "locale/de.toml:3"]
    {
        assert!(starts.iter().any(|s| s.starts_with(start)), "{start} in {said:#?}");
    }
}

#[test]
fn the_list_tells_languages_parts_and_samples() {
    let set = set(&[
        ("a.html", "{{ t('k') }}"),
        ("a.fr.html", "x"),
        ("a.json", "{}"),
        ("b.txt", "x"),
        ("locale/en.toml", "k = 'x'"),
        ("locale/de.toml", "k = 'y'"),
    ]);
    let rows: Vec<String> = set
        .list()
        .iter()
        .map(|row| {
            let languages: Vec<_> = row.languages.iter().map(|l| l.as_str()).collect();
            format!("{} {} {} {} {}", row.id, languages.join(","), row.html, row.text, row.sample)
        })
        .collect();
    assert_eq!(rows, ["a de,en,fr true false true", "b en false true false"]);
}

#[test]
fn the_check_fills_everything_with_its_samples() {
    let set = set(&[
        ("good.html", "S\n---\n{{ x }}"),
        ("good.json", r#"{"x": 1}"#),
        ("bad.html", "S\n---\n{{ x }}"),
        ("bad.de.html", "S\n---\nx"),
        ("bad.json", "{}"),
        ("bare.html", "x"),
    ]);
    let found: Vec<_> = set.check().into_iter().map(|f| (f.id, f.fatal, f.problem)).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].0.as_str(), found[0].1), ("bad", true));
    assert!(found[0].2.contains("x is missing"));
    assert_eq!((found[1].0.as_str(), found[1].1), ("bare", false));
}
