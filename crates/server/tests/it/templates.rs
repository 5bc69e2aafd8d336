//! `template list|render|check`, `send --template`, the API's `template` key, and files that change.

use crate::run::{binary, run, settings};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use testkit::{Daemon, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a layout, one mail in two languages, its sample and its texts.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("_layouts/mail.html", "<html lang=\"{{ lang }}\"><p>{% block body %}{% endblock %}</p></html>"),
        (
            "shop/order.html",
            "{{ t('subject', n=number) }}\n---\n{% extends '_layouts/mail.html' %}\n{% block body %}{{ name }}{% endblock %}",
        ),
        ("shop/order.json", r#"{"number": 7, "name": "Ada"}"#),
        ("locale/en.toml", "subject = 'Order {n}'"),
        ("locale/de.toml", "subject = 'Bestellung {n}'"),
    ] {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

#[test]
fn the_verbs_work_without_a_daemon() {
    let folder = folder();
    let dir = folder.path().to_str().expect("UTF-8");
    let (_kept, config) = settings(
        "postrider.toml",
        &format!("[postrider.relay]\nURL = \"dummy://\"\n[postrider.template]\nDIR = \"{dir}\"\n"),
    );
    let listed = run(&["template", "list", "--config", &config, "--json"], "");
    let rows = listed.out.lines().map(|row| serde_json::from_str::<Value>(row).expect("JSON"));
    let row = rows.into_iter().find(|row| row["id"] == "shop/order").unwrap_or_else(|| panic!("{listed:?}"));
    assert_eq!((&row["id"], &row["languages"]), (&json!("shop/order"), &json!(["de", "en"])));
    let made = run(&["template", "render", "shop/order", "--dir", dir, "--lang", "de-AT", "--json"], "");
    let made: Value = serde_json::from_str(&made.out).unwrap_or_else(|_| panic!("{made:?}"));
    assert_eq!(made["subject"], "Bestellung 7");
    assert_eq!(
        (&made["html"], &made["text"]),
        (&json!("<html lang=\"de\"><p>Ada</p></html>"), &json!("Ada\n"))
    );
    let html = run(
        &["template", "render", "shop/order", "--dir", dir, "--part", "html", "--data", "-"],
        r#"{"number": 1, "name": "<Bo>"}"#,
    );
    assert_eq!(html.out, "<html lang=\"en\"><p>&lt;Bo&gt;</p></html>");
    let missing = run(&["template", "render", "shop/order", "--dir", dir, "--data", "-"], r#"{"number": 1}"#);
    assert_eq!(missing.code, Some(65));
    assert!(missing.err.contains("shop/order.html, line 4: name is missing"), "{missing:?}");
    let checked = run(&["template", "check", "--dir", dir], "");
    assert!(checked.code == Some(0) && checked.out.ends_with(" templates are good\n"), "{checked:?}");
    write(folder.path(), "bad.html", "x\n{{ nope }}");
    write(folder.path(), "bad.json", "{}");
    let checked = run(&["template", "check", "--dir", dir, "--json"], "");
    let answer: Value = serde_json::from_str(&checked.out).unwrap_or_else(|_| panic!("{checked:?}"));
    assert_eq!((checked.code, &answer["ok"]), (Some(78), &json!(false)));
    assert!(answer["findings"][0]["problem"].as_str().unwrap().contains("nope is missing"), "{answer}");
    write(folder.path(), "bad.html", "x\n{% if %}");
    let broken = run(&["template", "list", "--dir", dir], "");
    assert_eq!(broken.code, Some(78));
    assert!(broken.err.contains("bad.html:2: "), "{broken:?}");
    let no_folder = run(
        &["config", "check", "--config", &settings("a.toml", "[postrider.template]\nDIR = \"nope\"").1],
        "",
    );
    assert!(
        no_folder.out.contains("[postrider.template] DIR")
            || no_folder.err.contains("[postrider.template] DIR"),
        "{no_folder:?}"
    );
}

/// A daemon with such a folder.
struct House {
    folder: tempfile::TempDir,
    daemon: Daemon,
}

impl House {
    fn new() -> Self {
        let folder = folder();
        let dir = folder.path().to_str().expect("UTF-8");
        let sections = format!("[postrider.template]\nDIR = {dir}\n[postrider.queue]\nKEEP_BODY = 1h");
        let daemon = Daemon::start(binary(), "PROTOCOL = dummy", &sections);
        Self { folder, daemon }
    }

    /// The mail of an id, once it is sent.
    fn mail(&self, id: &str) -> Value {
        let sent = || Some(self.daemon.api.email(id)).filter(|mail| mail["status"] == "sent");
        until("the mail to be sent", PATIENCE, sent)
    }

    /// The subject that the template makes now.
    fn subject(&self, number: u32) -> Value {
        let id = self.daemon.api.send(&message(json!({"number": number, "name": "Ada"})));
        self.mail(&id)["subject"].clone()
    }
}

fn message(variables: Value) -> Value {
    let template = json!({"id": "shop/order", "language": "de", "variables": variables});
    json!({"to": "ada@example.org", "template": template})
}

#[test]
fn b7_125_a_daemon_fills_templates_and_refuses_at_the_door_by_name() {
    let house = House::new();
    let id = house.daemon.api.send(&message(json!({"number": 8, "name": "{{7*7}}</p><script>"})));
    let seen = house.mail(&id);
    assert_eq!(seen["subject"], "Bestellung 8");
    assert_eq!(
        seen["html"].as_str().unwrap().trim(),
        "<html lang=\"de\"><p>{{7*7}}&lt;/p&gt;&lt;script&gt;</p></html>"
    );
    for (body, field) in [
        (message(json!({"number": 8})), "template.variables.name"),
        (message(json!({"number": "1\r\nBcc: eve@example.org", "name": "x"})), "template.variables"),
        (message(json!([1])), "template.variables"),
        (json!({"to": "ada@example.org", "template": {"id": "nope"}}), "template.id"),
        (json!({"to": "ada@example.org", "template": {}}), "template.id"),
        (json!({"to": "ada@example.org", "html": "x", "template": {"id": "shop/order"}}), "html"),
    ] {
        let answer = house.daemon.api.post("/emails", &body).expect("it answers");
        assert_eq!((answer.status, &answer.json["errors"][0]["field"]), (422, &json!(field)), "{answer:?}");
    }
    let data = house.folder.path().join("order.json.data");
    std::fs::write(&data, r#"{"number": 9, "name": "Ada"}"#).expect("written");
    let (config, data) = (house.daemon.config(), data.to_str().expect("UTF-8").to_owned());
    let words = ["send", "--config", config.to_str().expect("UTF-8"), "--to", "ada@example.org"];
    let sent = run(&[&words[..], &["--template", "shop/order", "--data", &data]].concat(), "");
    assert_eq!(house.mail(sent.out.trim())["subject"], "Order 9", "{sent:?}");
}

#[test]
fn files_that_change_hold_without_a_restart_and_broken_ones_never() {
    let house = House::new();
    let change = |text: &str| write(house.folder.path(), "shop/order.html", text);
    let told = |place: &str| until(place, PATIENCE, || house.daemon.log().contains(place).then_some(()));
    change("x\n{% if %}");
    told("order.html:2");
    assert_eq!(house.subject(10), "Bestellung 10");
    change("New {{ number }}\n---\nx");
    until("the new version to hold", PATIENCE, || (house.subject(11) == "New 11").then_some(()));
    change("x\n\n{% if %}");
    let config = house.daemon.config();
    let refused = run(&["reload", "--config", config.to_str().expect("UTF-8")], "");
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(refused.err.contains("order.html:3"), "{refused:?}");
    assert_eq!(house.subject(12), "New 12");
}
