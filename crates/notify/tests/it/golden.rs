//! Every event's sample as mail, in each language, octet for octet. `cargo xtask golden` writes them anew.

use crate::house::{START, folder, house, profile, sample, templates};
use postrider_notify::{built_in, built_in_for};
use std::collections::BTreeMap;
use std::path::Path;
use template::{Language, Templates};

fn check(path: &Path, made: &[u8]) {
    if std::env::var_os("POSTRIDER_GOLDEN").is_some() {
        return std::fs::write(path, made).unwrap();
    }
    let kept = std::fs::read(path).unwrap_or_default();
    let name = path.file_name().unwrap().to_string_lossy();
    let made = String::from_utf8_lossy(made);
    assert!(kept == made.as_bytes(), "{name} differs; is it meant? then `cargo xtask golden`\n{made}");
}

fn samples() -> Vec<String> {
    let names = std::fs::read_dir(folder("samples")).unwrap().map(|entry| entry.unwrap().file_name());
    let stem = |name: std::ffi::OsString| name.into_string().ok()?.strip_suffix(".json").map(str::to_owned);
    let mut names: Vec<String> = names.filter_map(stem).collect();
    names.sort();
    names
}

#[test]
fn every_event_has_a_sample_and_its_mail() {
    let house = house();
    assert_eq!(samples(), house.notifier.events());
    for name in samples() {
        let plan = house.plan(&name, &sample(&name));
        let languages: Vec<_> = plan.groups.iter().map(|group| group.language.as_str()).collect();
        assert_eq!(languages, ["en", "de"], "{name}");
        for group in &plan.groups {
            let draft = group.draft(&group.letters[0]);
            let mail = message::compose(&draft, &profile(), START.parse().unwrap(), 7).unwrap();
            let path = folder("tests/golden").join(format!("{name}.{}.eml", group.language));
            check(&path, &[&mail.header[..], &mail.body[..]].concat());
        }
    }
    let files = std::fs::read_dir(folder("tests/golden")).unwrap().count();
    assert_eq!(files, 2 * samples().len(), "tests/golden holds nothing else");
}

/// What `template check` and `template render` fill the built-in templates with.
#[test]
fn the_samples_beside_the_templates_are_what_events_make_of_theirs() {
    let house = house();
    let mut of_template = BTreeMap::new();
    for name in samples() {
        let plan = house.plan(&name, &sample(&name));
        let group = &plan.groups[0];
        // A comment shows most of what the template of issues can.
        if name == "issue.comment" || !of_template.contains_key(&group.template) {
            of_template.insert(group.template.clone(), plan.context.clone());
        }
    }
    for (template, context) in of_template {
        let text = serde_json::to_string_pretty(&context).unwrap() + "\n";
        check(&folder("templates").join(format!("{template}.json")), text.as_bytes());
    }
}

#[test]
fn a_house_that_speaks_another_language_has_the_texts() {
    let context = house().plan("pull.merge", &sample("pull.merge")).context;
    for (language, text) in
        [("fr", " merged "), ("pt-br", " merged "), ("de-at", "übernommen"), ("en", " merged ")]
    {
        let default = Language::parse(language).unwrap();
        let set =
            Templates::with_default(built_in_for(language), default).unwrap_or_else(|e| panic!("{e:?}"));
        let html = set.render("issue/default", None, &context).unwrap().html.unwrap();
        assert!(html.contains(text), "{language}: {html}");
    }
}

#[test]
fn the_built_in_templates_pass_their_own_check() {
    let found = templates(&[]).check();
    assert!(found.is_empty(), "{found:#?}");
    let folder = folder("templates");
    let listed: Vec<_> = built_in().into_iter().map(|source| source.name).collect();
    let mut open = vec![folder.clone()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
            assert!(listed.contains(&name), "{name} is not built in");
        }
    }
}
