//! `send --to-file`: one mail each, asked for, and none twice.

use crate::run::{Dev, run};

fn count(dev: &Dev) -> usize {
    let list = dev.api.get("/emails?limit=100").expect("an answer").json;
    list["data"].as_array().expect("a list").len()
}

#[test]
fn each_gets_one_mail_of_their_own_and_a_repeat_sends_none() {
    let dev = Dev::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("people");
    std::fs::write(&file, "a@x.example\nB <b@x.example>\n# c@x.example\na@X.example\n").expect("written");
    let (data, file_name) = (dev.data.to_str().expect("UTF-8"), file.to_str().expect("UTF-8"));
    let send = |more: &[&str]| {
        let mut words =
            vec!["send", "--data", data, "--to-file", file_name, "--subject", "Hi", "--text", "-"];
        words.extend(more);
        run(&words, "hello")
    };
    let asked = send(&[]);
    assert_eq!(asked.code, Some(64), "{asked:?}");
    assert!(asked.err.contains("2 mails") && asked.err.contains("--yes") && count(&dev) == 0, "{asked:?}");
    let sent = send(&["--yes"]);
    assert_eq!((sent.code, sent.out.trim()), (Some(0), "2 mails are accepted"), "{sent:?}");
    assert_eq!(count(&dev), 2);
    let latest = dev.api.get("/emails/latest?to=b@x.example&wait=5s").expect("an answer").json;
    assert_eq!(latest["to"], serde_json::json!(["B <b@x.example>"]), "nobody sees the others");
    // Later with one more: the first two have theirs.
    std::fs::write(&file, "c@x.example\na@x.example\nB <b@x.example>\n").expect("written");
    let again = send(&["--yes", "--json"]);
    assert_eq!((again.code, again.out.lines().count(), count(&dev)), (Some(0), 3, 3), "{again:?}");
    std::fs::write(&file, "d@x.example\nnobody\n").expect("written");
    let refused = send(&["--yes"]);
    assert_eq!((refused.code, count(&dev)), (Some(65), 3), "{refused:?}");
    assert!(refused.err.contains("line 2"), "{refused:?}");
}
