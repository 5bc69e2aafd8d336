//! Who gets a mail, who does not, and who reads the same.

use crate::house::{addresses, event, field, fixed, house, house_with, sample, settings, templates};
use postrider::Written;
use postrider_notify::{EventKind, FromFormat, Notifier, NotifyError, NotifySettings, Plan};
use serde_json::{Value, json};

fn skipped(plan: &Plan) -> Vec<String> {
    plan.skipped.iter().map(|s| format!("{} {}", s.to.as_str(), s.reason.word())).collect()
}

/// `recipients` of a comment by ada: who is mailed, who is skipped.
fn check(recipients: Value, mailed: &[&str], left_out: &[&str]) {
    let mut event = sample("issue.comment");
    event["recipients"] = recipients.clone();
    let plan = house().plan("issue.comment", &event);
    assert_eq!(addresses(&plan), mailed, "{recipients}");
    assert_eq!(skipped(&plan), left_out, "{recipients}");
}

#[test]
fn each_person_gets_one_mail_and_the_actor_none() {
    check(json!(["a@x.example", "b@x.example"]), &["a@x.example", "b@x.example"], &[]);
    check(json!(["ada@example.org", "a@x.example"]), &["a@x.example"], &["ada@example.org actor"]);
    check(json!(["ada@EXAMPLE.org"]), &[], &["ada@example.org actor"]);
    check(json!([{"address": "home@x.example", "username": "ada"}]), &[], &["home@x.example actor"]);
    check(json!([{"address": "home@x.example", "is_actor": true}]), &[], &["home@x.example actor"]);
    check(json!([{"address": "ada@example.org", "wants_own": true}]), &["ada@example.org"], &[]);
    check(
        json!(["a@x.example", "\"A\" <a@X.Example>", "A@x.example"]),
        &["a@x.example", "A@x.example"],
        &["a@x.example repeated"],
    );
}

#[test]
fn an_auto_merge_reaches_the_actor_too() {
    let mut event = sample("pull.merge");
    event["recipients"] = json!(["ada@example.org"]);
    assert!(addresses(&house().plan("pull.merge", &event)).is_empty());
    event["actor_too"] = json!(true);
    assert_eq!(addresses(&house().plan("pull.merge", &event)), ["ada@example.org"]);
}

#[test]
fn accounts_are_mailed_whatever_the_settings_say() {
    let off = NotifySettings { enabled: false, ..settings() };
    let house = house_with(&[("own.txt", "x\n---\ny")], |builder| builder.settings(off));
    let mut reset = sample("user.reset_password");
    reset["recipients"] = json!(["ada@example.org"]);
    reset["actor"] = sample("issue.new")["actor"].clone();
    assert_eq!(addresses(&house.plan("user.reset_password", &reset)), ["ada@example.org"]);
    assert_eq!(addresses(&house.plan("own", &json!({"recipients": ["a@x.example"]}))), ["a@x.example"]);
    let comment = house.plan("issue.comment", &sample("issue.comment"));
    assert!(comment.groups.is_empty());
    let off = ["tim@example.com notifications_off", "jana@example.net notifications_off"];
    assert_eq!(skipped(&comment), off);
}

#[test]
fn suppressed_addresses_are_left_out() {
    let house = house_with(&[], |builder| builder.suppressed(|_, address| address.domain() == "example.net"));
    let plan = house.plan("issue.comment", &sample("issue.comment"));
    assert_eq!(addresses(&plan), ["tim@example.com"]);
    assert_eq!(skipped(&plan), ["jana@example.net suppressed"]);
}

#[test]
fn who_reads_the_same_shares_one_text() {
    let mut event = sample("issue.comment");
    let to = |n: usize, language: Value, reason: &str| json!({"address": format!("p{n}@x.example"), "language": language, "reason": reason});
    event["recipients"] = json!([
        to(0, json!("en"), "subscribed"),
        to(1, json!("de"), "subscribed"),
        to(2, json!("de-AT"), "subscribed"),
        to(3, json!("pt-BR"), "subscribed"),
        to(4, Value::Null, "subscribed"),
        to(5, json!("de"), "mention"),
        to(6, json!("DE"), "subscribed"),
    ]);
    let plan = house().plan("issue.comment", &event);
    let groups: Vec<_> = plan.groups.iter().map(|g| (g.language.as_str(), g.letters.len())).collect();
    assert_eq!(groups, [("en", 3), ("de", 3), ("de", 1)]);
    assert_eq!(addresses(&plan), (0..7).map(|n| format!("p{n}@x.example")).collect::<Vec<_>>());
    for letter in plan.groups.iter().flat_map(|group| &group.letters) {
        assert_eq!(letter.head.to.len(), 1, "never two addresses in one mail");
        assert!(letter.head.cc.is_empty() && letter.head.bcc.is_empty() && letter.head.html.is_none());
    }
}

#[test]
fn a_template_that_asks_for_the_recipient_is_filled_for_each() {
    let hello = "Hi\n---\nDear {{ recipient.name }}, {{ word }}";
    let house = house_with(&[("hello.txt", hello), ("all.txt", "Hi\n---\n{{ word }}")], |builder| builder);
    let event = json!({"recipients": [
        {"address": "a@x.example", "name": "A"},
        {"address": "b@x.example", "name": "B", "data": {"word": "yours"}},
        {"address": "c@x.example", "name": "C"}], "data": {"word": "all"}});
    let texts = |name: &str| -> Vec<_> {
        let groups = house.plan(name, &event).groups;
        groups.into_iter().map(|g| (g.text.text.unwrap(), g.letters.len())).collect()
    };
    let each = [("Dear A, all", 1), ("Dear B, yours", 1), ("Dear C, all", 1)];
    assert_eq!(texts("hello"), each.map(|(text, n)| (text.to_owned(), n)));
    assert_eq!(texts("all"), [("all".to_owned(), 2), ("yours".to_owned(), 1)]);
}

#[test]
fn mails_come_from_the_actor_or_the_house() {
    let format = "{{ .DisplayName }} (by {{ .AppName }} on [{{ .Domain }}])";
    let settings = NotifySettings { from_format: FromFormat::parse(format).unwrap(), ..settings() };
    let house = house_with(&[], |builder| builder.settings(settings));
    let from = |name: &str| house.plan(name, &sample(name)).groups[0].letters[0].head.from.clone();
    let name = "Ada Lovelace (by Forge on [forge.example])".to_owned();
    let ada = Written::Parts { name: Some(name), address: "forge@forge.example".into() };
    for name in ["issue.comment", "release"] {
        assert_eq!(from(name), Some(ada.clone()), "{name}");
    }
    for name in ["user.welcome", "team.invite", "repo.transfer", "repo.collaborator", "user.new"] {
        assert_eq!(from(name), None, "{name}");
    }
}

#[test]
fn the_application_has_events_of_its_own() {
    let templates = [("invoice/paid.txt", "Invoice {{ invoice.number }}\n---\nPaid by {{ actor.name }}.")];
    let kind = EventKind::new("invoice.paid")
        .needs(["invoice.number"])
        .thread("invoice/{invoice.number}", Some("paid"));
    let house = house_with(&templates, |builder| builder.event(kind));
    let mut event = json!({"actor": "Ada", "recipients": [{"address": "a@x.example", "reason": "customer"}],
        "data": {"invoice": {"number": 4711}}, "list": {"id": "invoices.shop.example", "name": "Invoices"}});
    let mail = house.draft("invoice.paid", &event);
    assert_eq!((mail.subject.as_str(), mail.text.as_deref()), ("Invoice 4711", Some("Paid by Ada.")));
    for (name, value) in [
        ("Message-ID", "<invoice/4711/paid@forge.example>"),
        ("In-Reply-To", "<invoice/4711@forge.example>"),
        ("References", "<invoice/4711@forge.example>"),
        ("List-ID", "Invoices <invoices.shop.example>"),
        ("X-Notification-Reason", "customer"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Gitea-Reason", ""),
        ("Precedence", ""),
    ] {
        assert_eq!(field(&mail, name), value, "{name}");
    }
    event["thread"] = json!({"id": "order/9"});
    event["precedence"] = json!("bulk");
    let mail = house.draft("invoice.paid", &event);
    assert_eq!(field(&mail, "Message-ID"), "<order/9@forge.example>");
    assert_eq!((field(&mail, "References"), field(&mail, "Precedence")), (String::new(), "bulk".into()));
    event["data"] = json!({});
    assert_eq!(house.faults("invoice.paid", &event), ["data.invoice.number"]);
}

#[test]
fn a_name_that_is_no_event_is_told_with_those_there_are() {
    let house = house_with(&[("send.txt", "x\n---\ny"), ("ship.txt", "x\n---\ny")], |builder| builder);
    let event = event(&json!({"recipients": ["a@x.example"]}));
    let ask = |name: &str| house.notifier.plan(&house.caller, name, &event).unwrap_err();
    assert!(matches!(ask("send"), NotifyError::Reserved(_)));
    match ask("ships") {
        NotifyError::Unknown { known, .. } => {
            assert!(known.contains(&"ship".to_owned()) && known.contains(&"pull.merge".to_owned()));
            assert!(!known.contains(&"send".to_owned()));
        }
        other => panic!("{other}"),
    }
    let builder = Notifier::builder(house.mailer.clone()).event(EventKind::new("send"));
    assert!(matches!(builder.build(fixed(templates(&[]))).map(drop), Err(NotifyError::Reserved(_))));
}
