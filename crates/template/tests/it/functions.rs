//! Dates, numbers, links, lengths.

use crate::{fill, html, set};
use serde_json::json;

#[test]
fn dates_are_told_in_the_readers_zone_and_language() {
    let at = json!({"at": "2026-07-26T22:05:00Z", "zone": "Europe/Berlin", "unix": 0, "day": "2026-03-01"});
    for (template, expected) in [
        ("{{ at|date }}", "26 July 2026, 22:05 UTC"),
        ("{{ at|date(tz=zone) }}", "27 July 2026, 00:05 CEST"),
        ("{{ at|date('time', tz='America/New_York') }}", "18:05 EDT"),
        ("{{ at|date('date') }}", "26 July 2026"),
        ("{{ at|date('iso', tz=zone) }}", "2026-07-27T00:05:00+02:00"),
        ("{{ at|date('%d/%m/%y') }}", "26/07/26"),
        ("{{ unix|date }}", "1 January 1970, 00:00 UTC"),
        ("{{ day|date }}", "1 March 2026"),
        ("{{ '2026-07-26T22:05:00+02:00[Europe/Berlin]'|date }}", "26 July 2026, 22:05 CEST"),
    ] {
        assert_eq!(html(template, at.clone()), expected, "{template}");
    }
    assert_eq!(
        html("{{ at|date }}", json!({"at": "2026-07-26T22:05:00Z", "timezone": "Asia/Tokyo"})),
        "27 July 2026, 07:05 JST"
    );
    let german = set(&[
        ("a.de.html", "{{ d|date }}"),
        ("a.fr.html", "{{ d|date }}"),
        ("a.it.html", "{{ d|date }}"),
        (
            "locale/it.toml",
            "_date.months = 'gennaio,febbraio,marzo,aprile,maggio,giugno,luglio,agosto,settembre,ottobre,novembre,dicembre'",
        ),
    ]);
    for (lang, expected) in [("de", "1. März 2026"), ("fr", "2026-03-01"), ("it", "1 marzo 2026")] {
        let mail = german.render("a", Some(lang), &json!({"d": "2026-03-01"})).unwrap();
        assert_eq!(mail.html.as_deref(), Some(expected));
    }
    for bad in [
        "{{ 'soon'|date }}",
        "{{ at|date(tz='Mars/Base') }}",
        "{{ at|date('odd') }}",
        "{{ day|date('time') }}",
        "{{ at|date('%Q%!') }}",
    ] {
        assert!(fill(bad, at.clone()).is_err(), "{bad}");
    }
}

#[test]
fn numbers_are_grouped_as_the_language_does() {
    let data =
        json!({"n": 1_234_567, "f": -1234.5, "small": 12, "big": 12_345_678_901_234_567_890_u64, "s": "12"});
    for (template, expected) in [
        ("{{ n|number }}", "1,234,567"),
        ("{{ f|number(2) }}", "-1,234.50"),
        ("{{ f|number }}", "-1,234.5"),
        ("{{ small|number(2) }}", "12.00"),
        ("{{ big|number }}", "12,345,678,901,234,567,890"),
        ("{{ n|filesize }}", "1.2 MB"),
        ("{{ small|filesize }}", "12 B"),
    ] {
        assert_eq!(html(template, data.clone()), expected, "{template}");
    }
    assert!(fill("{{ s|number }}", data).is_err());
    let german = set(&[("a.de.html", "{{ 1234.5|number(2) }}")]);
    assert_eq!(german.render("a", None, &json!({})).unwrap().html.as_deref(), Some("1.234,50"));
}

#[test]
fn links_and_lengths() {
    let data =
        json!({"u": "https://a.example/?a=1&b", "t": "<x>", "long": "one two three four", "q": "a b/c&d"});
    for (template, expected) in [
        ("{{ link(u, t) }}", "<a href=\"https://a.example/?a=1&amp;b\">&lt;x&gt;</a>"),
        ("{{ link('mailto:a@b.example') }}", "<a href=\"mailto:a@b.example\">mailto:a@b.example</a>"),
        ("<a href='{{ u|href }}'>", "<a href='https://a.example/?a=1&amp;b'>"),
        ("{{ long|truncate(9) }}", "one two…"),
        ("{{ long|truncate }}", "one two three four"),
        ("?q={{ q|urlencode }}", "?q=a%20b/c%26d"),
    ] {
        assert_eq!(html(template, data.clone()), expected, "{template}");
    }
    let text = set(&[("a.txt", "{{ link(u, 'Show') }} {{ link(u) }}")]);
    let mail = text.render("a", None, &json!({"u": "https://a.example"})).unwrap();
    assert_eq!(mail.text.as_deref(), Some("Show (https://a.example) https://a.example"));
    for bad in [
        "javascript:alert(1)",
        "/path",
        "//a.example",
        "data:text/html,x",
        "https://a b",
        "https://a\r\nb",
        "",
    ] {
        assert!(fill("{{ u|href }}", json!({"u": bad})).is_err(), "{bad}");
        assert!(fill("{{ link(u) }}", json!({"u": bad})).is_err(), "{bad}");
    }
}
