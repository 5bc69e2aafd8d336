//! Message JSON as tables: what is taken, and what each mistake is called.

use super::{HeaderMode, batch, parse_message, read, wait};
use postrider::{FieldError, Message, Priority, Written};
use std::time::Duration;

fn taken(json: &str) -> Message {
    parse_message(json.as_bytes(), HeaderMode::Strict).unwrap_or_else(|e| panic!("{json}: {e:?}"))
}

fn text(written: &str) -> Written {
    Written::Text(written.into())
}

#[test]
fn mailboxes_come_in_three_forms() {
    let parts = |name: Option<&str>, address: &str| Written::Parts {
        name: name.map(Into::into),
        address: address.into(),
    };
    let cases = [
        (r#"{"to":"a@b.c"}"#, vec![text("a@b.c")]),
        (r#"{"to":["A <a@b.c>","d@e.f"]}"#, vec![text("A <a@b.c>"), text("d@e.f")]),
        (r#"{"to":{"name":"A","address":"a@b.c"}}"#, vec![parts(Some("A"), "a@b.c")]),
        (r#"{"to":[{"address":"a@b.c","name":null},"x@y.z"]}"#, vec![parts(None, "a@b.c"), text("x@y.z")]),
        (r#"{"to":[]}"#, vec![]),
        (r#"{"to":null}"#, vec![]),
    ];
    for (json, expected) in cases {
        assert_eq!(taken(json).draft.to, expected, "{json}");
    }
}

#[test]
fn every_key_finds_its_place() {
    let message = taken(
        r#"{"from":"f@x.y","cc":"c@x.y","bcc":"b@x.y","reply_to":["r@x.y"],"subject":"S","html":"","text":"T",
        "headers":{"X-B":"1","X-A":["2","3"],"Message-ID":"<i@x>","Sender":"s@x.y"},
        "tags":[{"name":"n","value":"v"}],"scheduled_at":"2030-01-31T08:00:00+02:00","date":"2029-01-01T00:00:00Z",
        "info":"i","expires_at":"2031-01-01T00:00:00Z","priority":"bulk","metadata":{"b":1,"a":[1,2.5,"x"]},
        "external_id":"e","relay":"r"}"#,
    );
    let (draft, options) = (message.draft, message.options);
    assert_eq!(draft.from, Some(text("f@x.y")));
    assert_eq!(
        (draft.cc, draft.bcc, draft.reply_to),
        (vec![text("c@x.y")], vec![text("b@x.y")], vec![text("r@x.y")])
    );
    assert_eq!(
        (draft.subject.as_str(), draft.html.as_deref(), draft.text.as_deref()),
        ("S", Some(""), Some("T"))
    );
    let names: Vec<_> = draft.headers.iter().map(|(n, v)| format!("{n}={}", v.join("|"))).collect();
    assert_eq!(names, ["X-B=1", "X-A=2|3", "Message-ID=<i@x>", "Sender=s@x.y"]);
    assert_eq!(draft.date.map(|d| d.to_string()).as_deref(), Some("2029-01-01T00:00:00Z"));
    assert_eq!(options.scheduled_at.map(|d| d.to_string()).as_deref(), Some("2030-01-31T06:00:00Z"));
    assert_eq!(options.expires_at.map(|d| d.to_string()).as_deref(), Some("2031-01-01T00:00:00Z"));
    assert_eq!(options.tags, [("n".to_owned(), "v".to_owned())]);
    assert_eq!(options.priority, Priority::Bulk);
    assert_eq!(options.metadata.as_deref(), Some(r#"{"b":1,"a":[1,2.5,"x"]}"#));
    let rest = [options.info, options.external_id, options.relay];
    assert_eq!(rest.map(Option::unwrap_or_default), ["i", "e", "r"]);
}

#[test]
fn files_come_as_base64_or_octets() {
    let cases = [
        (r#"{"content":"aGk="}"#, "hi"),
        (r#"{"content":"aGk"}"#, "hi"),
        (r#"{"content":"aG\r\nk="}"#, "hi"),
        (r#"{"content":[104,105]}"#, "hi"),
        (r#"{"content":[]}"#, ""),
        (r#"{"content":""}"#, ""),
        (r#"{"content":{"type":"Buffer","data":[104,105]}}"#, "hi"),
    ];
    for (json, expected) in cases {
        let message = taken(&format!(r#"{{"attachments":[{json}]}}"#));
        assert_eq!(message.draft.attachments[0].content, expected.as_bytes(), "{json}");
    }
    let message = taken(
        r#"{"attachments":[{"filename":"a","content":"","content_type":"x/y","inline_content_id":"c"}]}"#,
    );
    let file = &message.draft.attachments[0];
    assert_eq!(file.filename.as_deref(), Some("a"));
    assert_eq!((file.content_type.as_deref(), file.content_id.as_deref()), (Some("x/y"), Some("c")));
}

fn mistakes(json: &str) -> Vec<FieldError> {
    parse_message(json.as_bytes(), HeaderMode::Strict).expect_err(json)
}

#[test]
fn each_mistake_names_its_field_and_a_remedy() {
    let cases = [
        ("", "body", "cannot be read as JSON"),
        ("[]", "body", "must be an object"),
        ("{} {}", "body", "trailing"),
        (r#"{"to":"a","to":"b"}"#, "body", "\"to\" stands twice; keep one"),
        (r#"{"metadata":{"a":{"b":1,"b":2}}}"#, "body", "\"b\" stands twice"),
        (r#"{"sujbect":"x"}"#, "sujbect", "not a known key; remove it"),
        (r#"{"sujbect":null}"#, "sujbect", "not a known key"),
        (r#"{"to":7}"#, "to", "must be a string"),
        (r#"{"to":["a",7]}"#, "to[1]", "must be a string"),
        (r#"{"to":[1,2]}"#, "to", "must be a string"),
        (r#"{"to":[{"name":"x"}]}"#, "to[0].address", "is missing"),
        (r#"{"to":{"address":"x","email":"y"}}"#, "to.email", "name, address"),
        (r#"{"from":["a","b"]}"#, "from", "must be a string"),
        (r#"{"subject":["x"]}"#, "subject", "must be a string, not an array"),
        (r#"{"headers":{"Subject":"x"}}"#, "headers.Subject", "use `subject` instead"),
        (r#"{"headers":{"bCC":"x"}}"#, "headers.bCC", "use `bcc` instead"),
        (r#"{"headers":{"Content-Type":"x"}}"#, "headers.Content-Type", "remove it"),
        (r#"{"headers":{"MIME-Version":"x"}}"#, "headers.MIME-Version", "remove it"),
        (r#"{"headers":{"X-Y":3}}"#, "headers.X-Y", "must be a string or an array"),
        (r#"{"headers":{"X-Y":["a",null]}}"#, "headers.X-Y[1]", "must be a string"),
        (r#"{"headers":["a"]}"#, "headers", "must be an object"),
        (r#"{"attachments":{"a":1}}"#, "attachments", "must be an array"),
        (r#"{"attachments":[{"filename":"x"}]}"#, "attachments[0].content", "is missing"),
        (r#"{"attachments":[{"content":"?"}]}"#, "attachments[0].content", "not base64"),
        (r#"{"attachments":[{"content":"data:a/b;base64,aGk="}]}"#, "attachments[0].content", "data: URL"),
        (r#"{"attachments":[{"content":[1,256]}]}"#, "attachments[0].content", "0 to 255"),
        (r#"{"attachments":[{"path":"https://x/y"}]}"#, "attachments[0].path", "nothing is fetched"),
        (r#"{"attachments":[{"content":"","url":"x"}]}"#, "attachments[0].url", "not a known key"),
        (
            r#"{"attachments":[{"content":"","content_id":"a","inline_content_id":"b"}]}"#,
            "attachments[0].inline_content_id",
            "only one",
        ),
        (r#"{"tags":[{"value":"x"}]}"#, "tags[0].name", "is missing"),
        (r#"{"tags":{"a":"b"}}"#, "tags", "array of objects"),
        (r#"{"scheduled_at":"in 5 minutes"}"#, "scheduled_at", "not understood"),
        (r#"{"scheduled_at":"2030-01-31"}"#, "scheduled_at", "RFC 3339"),
        (r#"{"expires_at":5}"#, "expires_at", "must be a string"),
        (r#"{"priority":"high"}"#, "priority", "\"urgent\", \"normal\" or \"bulk\""),
        (r#"{"metadata":"x"}"#, "metadata", "must be an object"),
    ];
    for (json, field, problem) in cases {
        let found = mistakes(json);
        assert!(found[0].field == field && found[0].problem.contains(problem), "{json}: {found:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let fields: Vec<_> = mistakes(r#"{"a":1,"to":5,"priority":5}"#).into_iter().map(|e| e.field).collect();
    assert_eq!(fields, ["a", "to", "priority"]);
    let json = read(br#"[{"subject":"x"},{"b":1},7]"#).expect("JSON");
    let fields: Vec<_> = batch(json).expect_err("two are wrong").into_iter().map(|e| e.field).collect();
    assert_eq!(fields, ["[1].b", "[2].body"]);
}

#[test]
fn compose_may_replace_fields() {
    let message = parse_message(br#"{"headers":{"Subject":"x","Content-Type":"y"}}"#, HeaderMode::Gitea);
    assert_eq!(message.expect("allowed").draft.headers.len(), 2);
}

#[test]
fn b8_135_depth_number_and_size_of_values_are_bounded() {
    let deep = format!(r#"{{"metadata":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(mistakes(&deep)[0].problem.contains("recursion limit"));
    let many = format!(r#"{{"to":["a"{}]}}"#, r#","a""#.repeat(300_000));
    assert!(mistakes(&many)[0].problem.contains("250000 values"));
    let mixed = format!(r#"{{"to":[{}"a"]}}"#, "1,".repeat(300_000));
    assert!(mistakes(&mixed)[0].problem.contains("250000 values"));
    let wrong = format!(r#"{{"to":[{}true]}}"#, "true,".repeat(50_000));
    assert_eq!(mistakes(&wrong).len(), 100);
}

#[test]
fn fingerprints_see_values_not_their_order() {
    let print = |json: &str| read(json.as_bytes()).expect("JSON").fingerprint();
    assert_eq!(
        print(r#"{"a":1,"b":{"c":[1,"x"],"d":null}}"#),
        print(r#"{"b":{"d":null,"c":[1,"x"]},"a":1}"#)
    );
    let different = [
        "{}",
        "[]",
        r#"[""]"#,
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
        r#"{"a":[1]}"#,
        r#"["a",1]"#,
        r#"{"a":true}"#,
        r#"["ab","c"]"#,
        r#"["a","bc"]"#,
        r#"{"a":"b"}"#,
        "[1,2]",
        "[2,1]",
        "[12]",
        "null",
        "0.5",
        r#"[["a"],1]"#,
    ];
    let prints: std::collections::HashSet<_> = different.iter().map(|json| print(json)).collect();
    assert_eq!(prints.len(), different.len());
}

#[test]
fn waits_have_units_and_an_end() {
    let cases = [
        ("10s", Some(Duration::from_secs(10))),
        ("10", Some(Duration::from_secs(10))),
        ("500ms", Some(Duration::from_millis(500))),
        ("2m", Some(Duration::from_secs(120))),
        ("0", Some(Duration::ZERO)),
        ("300s", Some(Duration::from_secs(300))),
        ("301s", None),
        ("s", None),
        ("", None),
        ("-1", None),
        ("1h", None),
        ("99999999999999999999m", None),
        ("9999999999999999999m", None),
    ];
    for (text, expected) in cases {
        assert_eq!(wait(text).ok(), expected, "{text}");
    }
}

#[test]
fn a_template_is_named_with_its_variables() {
    let message = taken(
        r#"{"template":{"id":"shop/order","variables":{"a":[1,300,"x"],"b":[1,2],"c":null},"language":"de"}}"#,
    );
    let template = message.template.unwrap();
    assert_eq!((template.id.as_str(), template.language.as_deref()), ("shop/order", Some("de")));
    assert_eq!(template.variables, serde_json::json!({"a": [1, 300, "x"], "b": [1, 2], "c": null}));
    let large = format!(r#"{{"template":{{"id":"x","variables":{{"a":"{}"}}}}}}"#, "x".repeat(1_000_001));
    for (json, field) in [
        (r#"{"template":"x"}"#, "template"),
        (r#"{"template":{"variables":{}}}"#, "template.id"),
        (r#"{"template":{"id":1}}"#, "template.id"),
        (r#"{"template":{"id":"x","variables":[]}}"#, "template.variables"),
        (r#"{"template":{"id":"x","path":"/etc/passwd"}}"#, "template.path"),
        (&large, "template.variables"),
    ] {
        let found = parse_message(json.as_bytes(), HeaderMode::Strict).unwrap_err();
        assert_eq!(found[0].field, field, "{found:?}");
    }
}
