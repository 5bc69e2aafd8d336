//! What the reference's own tests expect of composing notifications, its defects turned right.

use crate::house::{field, fixed, house, house_with, profile, sample, settings};
use postrider::{Draft, Written};
use postrider_notify::{Notifier, NotifySettings, built_in};
use serde_json::{Value, json};
use std::sync::Arc;
use template::{Source, Templates};

const URL: &str = "https://try.gitea.io/user2/repo1";

fn issue(recipients: Value) -> Value {
    json!({
        "actor": {"name": "User Two", "username": "user2", "url": "https://try.gitea.io/user2"},
        "recipients": recipients,
        "at": "2024-12-30T14:54:34.123Z",
        "data": {
            "repository": {"full_name": "user2/repo1", "url": URL},
            "issue": {"number": 1, "title": "issue1", "url": format!("{URL}/issues/1"), "text": "issue body"},
            "comment": {"id": 2, "url": format!("{URL}/issues/1#issuecomment-2"), "text": "test body"},
        },
    })
}

fn local() -> NotifySettings {
    NotifySettings { domain: "localhost".into(), ..settings() }
}

fn drafts(name: &str, json: &Value) -> Vec<Draft> {
    let plan = house_with(&[], |builder| builder.settings(local())).plan(name, json);
    plan.groups.iter().flat_map(|group| group.letters.iter().map(|letter| group.draft(letter))).collect()
}

fn check(draft: &Draft, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(field(draft, name), *value, "{name}");
    }
}

/// With answers by mail switched on: each recipient has an address and a token of their own.
#[test]
fn a_comment_is_one_mail_each_and_answers_the_issue() {
    let to = |n: u32| {
        json!({"address": format!("user{n}@x.example"), "reply_to": format!("incoming+{n}abc@localhost"),
            "references": [format!("reply-{n}abc")], "unsubscribe": {"mailto": format!("incoming+{n}un@localhost")}})
    };
    let all = drafts("issue.comment", &issue(json!([to(3), to(4)])));
    assert_eq!(all.len(), 2);
    for (draft, n) in all.iter().zip([3, 4]) {
        let plain = |address: String| Written::Parts { name: None, address };
        assert_eq!(draft.to, [plain(format!("user{n}@x.example"))]);
        assert_eq!(draft.reply_to, [plain(format!("incoming+{n}abc@localhost"))]);
        assert_eq!(draft.subject, "Re: [user2/repo1] issue1 (#1)");
        check(
            draft,
            &[
                ("Message-ID", "<user2/repo1/issues/1/comment/2@localhost>"),
                ("In-Reply-To", "<user2/repo1/issues/1@localhost>"),
                ("References", &format!("<user2/repo1/issues/1@localhost> | <reply-{n}abc@localhost>")),
                ("List-Post", &format!("<mailto:incoming+{n}abc@localhost>")),
                ("List-Unsubscribe", &format!("<{URL}/issues/1> | <mailto:incoming+{n}un@localhost>")),
                ("List-Unsubscribe-Post", ""),
            ],
        );
        let link = format!("{URL}/issues/1#issuecomment-2");
        assert!(draft.html.as_ref().unwrap().contains(&format!("href=\"{link}\"")));
        let text = draft.text.as_ref().unwrap();
        assert!(
            text.contains(&link) && text.contains("\ntest body\n") && text.contains("User Two"),
            "{text}"
        );
    }
    let mail = message::compose(&all[0], &profile(), "2026-01-01T00:00:00Z".parse().unwrap(), 7).unwrap();
    let header = String::from_utf8(mail.header.to_vec()).unwrap().replace("\r\n ", " ");
    let references = "References: <user2/repo1/issues/1@localhost> <reply-3abc@localhost>\r\n";
    assert!(header.contains(references), "the reference joins them by commas: {header}");
    assert!(header.contains("X-Auto-Response-Suppress: All\r\n"));
}

/// The reference lets it answer itself.
#[test]
fn a_new_issue_opens_its_thread() {
    let all = drafts("issue.new", &issue(json!(["user3@x.example"])));
    let [draft] = &all[..] else { panic!("{} mails", all.len()) };
    assert_eq!(draft.subject, "[user2/repo1] issue1 (#1)");
    check(
        draft,
        &[
            ("Message-ID", "<user2/repo1/issues/1@localhost>"),
            ("In-Reply-To", ""),
            ("References", ""),
            ("List-Post", ""),
            ("List-Unsubscribe", "<https://try.gitea.io/user2/repo1/issues/1>"),
        ],
    );
}

#[test]
fn the_other_fields_are_the_references() {
    let to = json!([{"address": "user3@x.example", "username": "user3"}]);
    check(
        &drafts("issue.comment", &issue(to))[0],
        &[
            ("List-ID", "user2/repo1 <repo1.user2.localhost>"),
            ("List-Archive", "<https://try.gitea.io/user2/repo1>"),
            ("X-Gitea-Reason", "issue"),
            ("X-Gitea-Sender", "user2"),
            ("X-Gitea-Recipient", "user3"),
            ("X-Gitea-Recipient-Address", "user3@x.example"),
            ("X-Gitea-Repository", "repo1"),
            ("X-Gitea-Repository-Path", "user2/repo1"),
            ("X-Gitea-Repository-Link", URL),
            ("X-Gitea-Issue-ID", "1"),
            ("X-Gitea-Issue-Link", "https://try.gitea.io/user2/repo1/issues/1"),
            ("X-GitHub-Reason", "issue"),
            ("X-GitHub-Sender", "user2"),
            ("X-GitHub-Recipient", "user3"),
            ("X-GitHub-Recipient-Address", "user3@x.example"),
            ("X-GitLab-NotificationReason", "issue"),
            ("X-GitLab-Project", "repo1"),
            ("X-GitLab-Project-Path", "user2/repo1"),
            ("X-GitLab-Issue-IID", "1"),
            ("Auto-Submitted", "auto-generated"),
        ],
    );
}

#[test]
fn ids_tell_what_happened() {
    let ms = 1_735_570_474_123_u64;
    let check = |name: &str, json: &Value, id: String| {
        assert_eq!(field(&drafts(name, json)[0], "Message-ID"), format!("<{id}@localhost>"), "{name}");
    };
    for (name, id) in [
        ("issue.new", "issues/1".to_owned()),
        ("issue.comment", "issues/1/comment/2".into()),
        ("issue.close", format!("issues/1/close/{ms}")),
        ("issue.reopen", format!("issues/1/reopen/{ms}")),
        ("pull.new", "pulls/1".into()),
        ("pull.comment", "pulls/1/comment/2".into()),
        ("pull.close", format!("pulls/1/close/{ms}")),
        ("pull.reopen", format!("pulls/1/reopen/{ms}")),
        ("pull.merge", format!("pulls/1/merge/{ms}")),
        ("pull.ready_for_review", format!("pulls/1/ready/{ms}")),
        ("pull.code", "pulls/1/comment/2".into()),
        ("pull.approve", "pulls/1/comment/2".into()),
    ] {
        check(name, &issue(json!(["user3@x.example"])), format!("user2/repo1/{id}"));
    }
    let mut release = sample("release");
    release["data"]["repository"] = json!({"full_name": "owner/repo"});
    release["data"]["release"]["id"] = json!(1);
    check("release", &release, "owner/repo/releases/1".into());
    let mut run = sample("workflow_run");
    check("workflow_run", &run, "octo/hello/actions/runs/208".into());
    run["data"]["run"]["attempt"] = json!(2);
    check("workflow_run", &run, "octo/hello/actions/runs/208/attempt/2".into());
}

#[test]
fn templates_are_looked_for_in_the_references_order() {
    let plain = |name: &str, text: &str| Source { name: name.into(), text: text.into(), origin: name.into() };
    let own = ["issue/default", "issue/new", "pull/comment"]
        .map(|id| plain(&format!("{id}.txt"), &format!("{id}/subject\n---\n{id}/body")));
    let empty = plain("issue/close.txt", "{# nothing #}\n---\nissue/close/body");
    let others = built_in().into_iter().filter(|source| source.name != "issue/default.html");
    let templates = Templates::new(others.chain(own).chain([empty])).unwrap();
    let mut house = house();
    let builder = Notifier::builder(house.mailer.clone()).settings(local());
    house.notifier = builder.build(fixed(Arc::new(templates))).unwrap();
    for (name, subject) in [
        ("issue.new", "issue/new/subject"),
        ("issue.comment", "issue/default/subject"),
        ("pull.comment", "pull/comment/subject"),
        ("pull.new", "issue/new/subject"),
        ("issue.close", "Re: [user2/repo1] issue1 (#1)"),
    ] {
        let plan = house.plan(name, &issue(json!(["user3@x.example"])));
        assert_eq!(plan.groups[0].text.subject, subject, "{name}");
    }
}

#[test]
fn templates_know_what_happened() {
    let text =
        "{{ prefix }}{{ event }}, {{ action }}, {{ mentioned }}, {{ is_pull }}\n---\n//{{ body.text }}//";
    let texts = [("issue/comment.txt", text), ("pull/comment.txt", text)];
    let house = house_with(&texts, |builder| builder);
    let check = |name: &str, reason: &str, subject: &str| {
        let mail = house.draft(name, &issue(json!([{"address": "user3@x.example", "reason": reason}])));
        assert_eq!(mail.subject, subject);
        assert_eq!(mail.text.as_deref(), Some("//test body//"));
    };
    check("issue.comment", "subscribed", "Re: issue.comment, comment, False, False");
    check("issue.comment", "mention", "Re: issue.comment, comment, True, False");
    check("pull.comment", "mention", "Re: pull.comment, comment, True, True");
}

#[test]
fn admins_hear_of_a_new_user_if_they_are_to() {
    let mut signup = sample("user.new");
    signup["recipients"] = json!(["admin@x.example"]);
    let mail = house().draft("user.new", &signup);
    let page = "https://forge.example/-/admin/users/17";
    assert!(mail.subject.contains("tim") && mail.html.unwrap().contains(page));
    let off = NotifySettings { enabled: false, ..settings() };
    assert!(house_with(&[], |builder| builder.settings(off)).plan("user.new", &signup).groups.is_empty());
}

#[test]
fn only_a_secure_url_is_one_click() {
    let unsubscribe = |name: &str, way: &Value| {
        let mut event = sample(name);
        event["recipients"] = json!([{"address": "user3@x.example", "unsubscribe": way}]);
        let mail = house().draft(name, &event);
        (field(&mail, "List-Unsubscribe"), field(&mail, "List-Unsubscribe-Post"))
    };
    let page = "<https://forge.example/octo/hello/issues/12>";
    let click = "List-Unsubscribe=One-Click";
    for (way, list, post) in [
        (json!("https://x.example/u/1"), "<https://x.example/u/1>".to_owned(), click),
        (
            json!({"url": "https://x.example/ü", "mailto": "u@x.example"}),
            "<https://x.example/%C3%BC> | <mailto:u@x.example>".into(),
            click,
        ),
        (json!("http://x.example/u/1"), "<http://x.example/u/1>".into(), ""),
        (json!({"mailto": "mailto:u@x.example?a=b"}), format!("{page} | <mailto:u@x.example?a=b>"), ""),
        (Value::Null, page.into(), ""),
    ] {
        assert_eq!(unsubscribe("issue.comment", &way), (list, post.to_owned()), "{way}");
    }
    let reset = unsubscribe("user.reset_password", &json!("https://x.example/u/1"));
    assert_eq!(reset, (String::new(), String::new()), "what was asked for has nothing to unsubscribe");
}
