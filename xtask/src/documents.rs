//! Links and crate names in the documents lead somewhere.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::root;

mod hazards;

/// Documents a newcomer expects at the root.
const EXPECTED: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"];

pub(crate) fn run() -> Result<()> {
    let root = root();
    let mut documents: Vec<_> = EXPECTED.iter().map(|name| root.join(name)).collect();
    collect(&root.join("docs"), &mut documents)?;
    let mut found = Vec::new();
    for document in &documents {
        let text = std::fs::read_to_string(document)
            .with_context(|| format!("{} is missing", document.display()))?;
        let folder = document.parent().unwrap_or(&root);
        let name = document.strip_prefix(&root).unwrap_or(document).display();
        let lost = links(&text).into_iter().filter(|link| !folder.join(link).exists());
        found.extend(lost.map(|link| format!("{name}: link to nowhere: {link}")));
        let lost = crates(&text).into_iter().filter(|path| !root.join(path).exists());
        found.extend(lost.map(|path| format!("{name}: no such crate: {path}")));
    }
    found.extend(hazards::lost(&root));
    if found.is_empty() {
        return Ok(());
    }
    bail!("documents:\n  {}", found.join("\n  "));
}

fn collect(folder: &Path, into: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).context("no docs folder")? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|end| end == "md") {
            into.push(path);
        }
    }
    into.sort();
    Ok(())
}

/// Targets of `[text](target)` that are files: no scheme, the fragment cut off. Fenced code does not count.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (target, _) in targets.filter(|_| !fenced) {
            let file = target.split('#').next().unwrap_or(target);
            if !file.is_empty() && !file.contains(':') {
                found.push(file.to_owned());
            }
        }
    }
    found
}

/// Every `crates/NAME` a text speaks of.
fn crates(text: &str) -> Vec<String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let names = text.split("crates/").skip(1).map(|rest| rest.split(|c| !letter(c)).next().unwrap_or(""));
    names.filter(|name| !name.is_empty()).map(|name| format!("crates/{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{crates, links};

    #[test]
    fn only_links_to_files_count() {
        let text = "[a](b.md) [c](https://d/e) [f](#g) [h](i/j.md#k)\n```\n[l](m)\n```\n[n](o)";
        assert_eq!(links(text), ["b.md", "i/j.md", "o"]);
    }

    #[test]
    fn crates_are_found_by_path() {
        assert_eq!(crates("see `crates/queue/src`, crates/smtp. crates/*"), ["crates/queue", "crates/smtp"]);
    }
}
