//! Variants, fall-back and translations.

use crate::{mistakes, set};
use serde_json::json;

#[test]
fn the_nearest_variant_is_taken() {
    let set = set(&[
        ("a.html", "Hello\n---\nHello"),
        ("a.txt", "Hello as text"),
        ("a.de.html", "Hallo\n---\nHallo"),
        ("a.de-at.html", "Servus\n---\nServus"),
    ]);
    for (asked, subject, language) in [
        (None, "Hello", "en"),
        (Some("de"), "Hallo", "de"),
        (Some("de-CH-1996"), "Hallo", "de"),
        (Some("de_AT"), "Servus", "de-at"),
        (Some("fr"), "Hello", "en"),
        (Some("nonsense!"), "Hello", "en"),
    ] {
        let mail = set.render("a", asked, &json!({})).unwrap();
        assert_eq!((mail.subject.as_deref(), mail.language.as_str()), (Some(subject), language), "{asked:?}");
        // The text part of another language is no text part.
        assert_eq!(mail.text.is_some(), language == "en", "{asked:?}");
    }
}

#[test]
fn one_template_speaks_by_catalogues() {
    let set = set(&[
        (
            "a.html",
            "{{ t('hi', name=name) }}\n---\n<p lang={{ lang }}>{{ t('things', count=n) }} {{ t('bold_html', name=name) }}</p>",
        ),
        ("plain.html", "x"),
        (
            "locale/en.toml",
            "hi = 'Hello {name}'\nbold_html = '<b>{name}</b> & co'\n[things]\none = '{count} thing'\nother = '{count} things'\n",
        ),
        (
            "locale/de.json",
            r#"{"hi": "Hallo {name}", "things": {"one": "{count} Ding", "other": "{count} Dinge"}}"#,
        ),
    ]);
    let data = |n: i32| json!({"name": "<Ada>", "n": n});
    let mail = set.render("a", Some("de-AT"), &data(1)).unwrap();
    assert_eq!(mail.subject.as_deref(), Some("Hallo <Ada>"));
    assert_eq!(mail.html.as_deref(), Some("<p lang=de>1 Ding <b>&lt;Ada&gt;</b> & co</p>"));
    let mail = set.render("a", Some("fr"), &data(0)).unwrap();
    assert_eq!(mail.html.as_deref(), Some("<p lang=en>0 things <b>&lt;Ada&gt;</b> & co</p>"));
    assert_eq!(mail.language.as_str(), "en");
    // A template without texts of its own is in the default language.
    assert_eq!(set.render("plain", Some("de"), &json!({})).unwrap().language.as_str(), "en");
    let error = set.render("a", None, &json!({"name": "x"})).unwrap_err().to_string();
    assert!(error.contains("n is missing"), "{error}");
}

#[test]
fn a_text_nobody_wrote_is_a_mistake_at_load() {
    let said = mistakes(&[("a.html", "x\n{{ t(\"no.such\") }}"), ("locale/de.toml", "no.such = 'x'")]);
    assert_eq!(said, ["a.html:2: t(\"no.such\") has no text in locale/en.toml; add it"]);
    // One that only another language lacks is not.
    let set = set(&[("a.html", "{{ t('k') }}"), ("locale/en.toml", "k = 'x'"), ("locale/de.toml", "")]);
    assert_eq!(set.render("a", Some("de"), &json!({})).unwrap().html.as_deref(), Some("x"));
    let notes: Vec<_> = set.check().into_iter().filter(|f| f.id.is_empty()).map(|f| f.problem).collect();
    assert_eq!(notes, ["locale/de: k is not translated; en stands in"]);
}
