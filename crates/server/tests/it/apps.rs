//! Settings files as they are found in the wild, in `tests/apps`: what `config check` says of each stands
//! beside it as NAME.expected; what is good is imported and adopted, and must send as before.

use crate::run::binary;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps")
}

/// `config VERB…` in a folder, with nothing in the environment but PATH and the lines of NAME.env.
fn config(folder: &Path, name: &str, arguments: &[&str]) -> Output {
    let variables = std::fs::read_to_string(folder.join(name).with_extension("env")).unwrap_or_default();
    let mut command = Command::new(binary());
    command.arg("config").args(arguments).current_dir(folder).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.envs(variables.lines().map(|line| line.split_once('=').expect("NAME=value")));
    command.output().expect("it runs")
}

fn check(folder: &Path, name: &str) -> Value {
    let output = config(folder, name, &["check", "--config", name, "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let code = if json["ok"] == true { 0 } else { 78 };
    assert_eq!(output.status.code(), Some(code), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    json
}

fn texts<'a>(list: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    list.as_array().expect("a list").iter().map(move |entry| entry[key].as_str().expect("a text"))
}

/// What was said, line by line: relays in their order, warnings, mistakes.
fn said(folder: &Path, name: &str) -> String {
    let json = check(folder, name);
    let mut said = String::new();
    for (relay, url) in texts(&json["relays"], "name").zip(texts(&json["relays"], "url")) {
        said += &format!("relay {relay} {url}\n");
    }
    for (word, list) in [("warning", &json["warnings"]), ("mistake", &json["mistakes"])] {
        for text in texts(list, "text") {
            said += &format!("{word} {text}\n");
        }
    }
    said.replace(&format!("{}/", folder.display()), "")
}

/// The names of the settings files.
fn names() -> BTreeSet<String> {
    let all =
        std::fs::read_dir(folder()).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let names = all.map(|name| name.into_string().expect("UTF-8"));
    names.filter(|name| [".ini", ".toml", ".conf"].iter().any(|end| name.ends_with(end))).collect()
}

#[test]
fn each_file_is_told_as_expected() {
    let mut wrong = Vec::new();
    for name in names() {
        let path = folder().join(&name).with_extension("expected");
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let got = said(&folder(), &name);
        if got != expected {
            wrong.push(format!("{name}\n--- expected\n{expected}--- said\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The good files whose settings all stand in the file, in a folder that may be changed.
fn good() -> (tempfile::TempDir, Vec<(String, Value)>) {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder()).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|end| end != "env") {
            std::fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    let ini = names().into_iter().filter(|name| name.ends_with(".ini"));
    let checked = ini.map(|name| (name.clone(), check(copy.path(), &name)));
    let good: Vec<_> = checked.filter(|(_, json)| json["ok"] == true).collect();
    assert!(good.len() > 15, "{good:?}");
    (copy, good)
}

/// Section, key and value of all that was written for one, in order.
fn shown(folder: &Path, name: &str) -> Vec<String> {
    let output = config(folder, name, &["show", "--config", name, "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let lines = json["settings"].as_array().expect("a list").iter();
    let written = lines.filter(|line| line["origin"] != "default");
    written.map(|line| format!("[{}] {} = {}", line["section"], line["key"], line["value"])).collect()
}

#[test]
fn imported_files_mean_the_same() {
    let (folder, good) = good();
    for (name, json) in good {
        let output = config(folder.path(), &name, &["import", &name]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(folder.path().join("imported.toml"), &output.stdout).expect("written");
        let new = check(folder.path(), "imported.toml");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(new["mistakes"], serde_json::json!([]), "{name}:\n{text}");
        assert_eq!(new["relays"], json["relays"], "{name}:\n{text}");
        // Paths are whole now, and keys of Gitea's alone stay behind.
        let whole = |line: String| line.replace(&format!("{}/", folder.path().display()), "");
        let is_kept = |line: &String| !line.starts_with("[\"\"] \"") && !line.contains("\"CONN_STR\"");
        let sets = [name.as_str(), "imported.toml"].map(|name| {
            shown(folder.path(), name).into_iter().map(whole).filter(is_kept).collect::<BTreeSet<_>>()
        });
        assert_eq!(sets[0], sets[1], "{name}:\n{text}");
    }
}

#[test]
fn adopted_files_send_as_before() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, good) = good();
    for (name, json) in good {
        let path = folder.path().join(&name);
        let old = std::fs::read(&path).expect("the file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("the mode");
        let adopt = |flags: &[&str]| {
            let output = config(folder.path(), &name, &[&["adopt", &name], flags].concat());
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
            assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            text(output.stdout)
        };
        let plan = adopt(&["--dry-run"]);
        assert_eq!(std::fs::read(&path).expect("the file"), old, "{name}: --dry-run");
        let done: Value = serde_json::from_str(&adopt(&["--json"])).expect("JSON");
        if name == "postrider-adopted.ini" {
            assert!(plan.starts_with("nothing to do") && done["changed"] == false, "{plan}");
            continue;
        }
        assert!(plan.ends_with("nothing was done\n"), "{plan}");
        for change in texts_of(&done["changes"]) {
            assert!(plan.contains(change), "{name}: {change:?} is not in the plan:\n{plan}");
        }
        let copy = Path::new(done["copy"].as_str().expect("a path"));
        assert_eq!(copy.file_name(), Some(format!("{name}.bak").as_ref()), "{name}");
        assert_eq!(std::fs::read(copy).expect("the copy"), old, "{name}");
        for path in [copy, &path] {
            let mode = std::fs::metadata(path).expect("a file").permissions().mode();
            assert_eq!(mode & 0o7777, 0o640, "{}", path.display());
        }
        let new = check(folder.path(), &name);
        let said = String::from_utf8_lossy(&std::fs::read(&path).expect("the file")).into_owned();
        assert_eq!(new["mistakes"], serde_json::json!([]), "{name}:\n{said}");
        assert_eq!(new["relays"], json["relays"], "{name}:\n{said}");
        assert!(adopt(&[]).starts_with("nothing to do"), "{name} a second time");
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), said, "{name} a second time");
    }
}

#[test]
fn copies_are_never_overwritten_and_links_stay_links() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let old = std::fs::read_to_string(self::folder().join("gitea-1.24.ini")).expect("the file");
    std::fs::write(at("real.conf"), &old).expect("written");
    std::fs::write(at("real.conf.bak"), "older").expect("written");
    std::os::unix::fs::symlink("real.conf", at("app.ini")).expect("a link");
    let output = config(folder.path(), "app.ini", &["adopt", "app.ini"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::symlink_metadata(at("app.ini")).expect("the link").is_symlink());
    let read = |name: &str| std::fs::read_to_string(at(name)).expect("a file");
    assert_eq!((read("real.conf.bak").as_str(), read("real.conf.bak1").as_str()), ("older", old.as_str()));
    assert!(read("app.ini").contains("[postrider.relay]"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 4, "nothing else is left");
}

#[test]
fn the_data_folder_must_be_usable() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), "").expect("written");
    for (data, expected) in [
        ("data", None),
        ("new/deep/data", None),
        ("file", Some("is no folder")),
        ("file/x", Some("is no folder")),
    ] {
        let text = format!(
            "[mailer]\nENABLED = true\nPROTOCOL = dummy\nFROM = a@b.example\n[postrider]\nDATA_DIR = {data}\n"
        );
        std::fs::write(at("app.ini"), text).expect("written");
        let mistakes = &check(folder.path(), "app.ini")["mistakes"];
        let told = texts(mistakes, "text").collect::<Vec<_>>().join("\n");
        match expected {
            None => assert_eq!(told, "", "{data}"),
            Some(expected) => {
                assert!(
                    told.starts_with("app.ini:6: [postrider] DATA_DIR: ") && told.contains(expected),
                    "{told}"
                );
            }
        }
        assert!(!at("data").exists() && !at("new").exists(), "a check makes nothing");
    }
}

fn texts_of(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text"))
}

#[test]
fn secrets_are_nowhere_to_be_seen() {
    for name in names() {
        for verb in ["show", "check"] {
            let output = config(&folder(), &name, &[verb, "--config", &name]);
            let all = [output.stdout, output.stderr].concat();
            let all = String::from_utf8_lossy(&all);
            for secret in ["hunter", "correct horse", "s3cr", "p#1", "p#w"] {
                assert!(!all.contains(secret), "{verb} {name} shows {secret:?}: {all}");
            }
        }
    }
}
