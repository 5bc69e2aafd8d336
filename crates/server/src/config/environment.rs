//! Settings from the environment: `GITEA__SECTION__KEY` and `POSTRIDER__SECTION__KEY`, each also
//! with `__FILE`, which names a file that holds the value.

use super::findings::Findings;
use super::keys;
use super::tree::{Entry, Origin, Tree};
use std::ffi::OsString;

/// A variable's name, read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    section: String,
    key: String,
    /// The variable holds the path of a file with the value.
    file: bool,
}

/// Sets every variable meant for us in the tree.
pub(crate) fn apply(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    tree: &mut Tree,
    findings: &mut Findings,
) {
    let mut sorted: Vec<_> = variables.into_iter().collect();
    sorted.sort();
    for (variable, value) in sorted {
        let Some(variable) = variable.to_str() else { continue };
        let (ours, name) = match (decode(variable, "GITEA__"), decode(variable, "POSTRIDER__")) {
            (Some(name), _) => (false, name),
            (None, Some(name)) => (true, our_section(name)),
            (None, None) if variable.starts_with("POSTRIDER__") => {
                let origin = Some(Origin::Environment(variable.to_owned()));
                let problem = "names no section and key; write POSTRIDER__SECTION__KEY, such as POSTRIDER__HTTP__LISTEN";
                findings.mistake(origin, "", "", problem);
                continue;
            }
            (None, None) => continue,
        };
        if !ours && keys::section(&name.section).is_none() && !keys::is_ours(&name.section) {
            continue;
        }
        let origin = Origin::Environment(variable.to_owned());
        match read(&name, value) {
            Ok(text) => tree.set(&name.section, &name.key, Entry { text, origin, interpolate: !ours }),
            // Gitea goes on without such a value, so a file of its own must not stop us.
            Err(problem) if !ours => findings.warn(Some(origin), &name.section, &name.key, problem),
            Err(problem) => findings.mistake(Some(origin), &name.section, &name.key, problem),
        }
    }
}

fn read(name: &Name, value: OsString) -> Result<String, String> {
    let not_text = "the value is not UTF-8; write it in UTF-8";
    if !name.file {
        return value.into_string().map_err(|_| not_text.to_owned());
    }
    let bytes = std::fs::read(&value).map_err(|e| {
        format!("the file {} cannot be read: {e}; create it or unset the variable", value.display())
    })?;
    let text = String::from_utf8(bytes).map_err(|_| not_text.to_owned())?;
    let cut = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
    Ok(cut.unwrap_or(&text).to_owned())
}

/// The first `__` parts section and key; `_0X2E_` stands for the bytes 2E. The section is lower-cased.
fn decode(variable: &str, prefix: &str) -> Option<Name> {
    let rest = variable.strip_prefix(prefix)?;
    let (rest, file) = match rest.strip_suffix("__FILE") {
        Some(shorter) => (shorter, true),
        None => (rest, false),
    };
    let (mut section, mut key) = (Vec::new(), None::<Vec<u8>>);
    let mut left = rest;
    while let Some(first) = left.chars().next() {
        if let Some((bytes, after)) = escape(left) {
            key.as_mut().unwrap_or(&mut section).extend(bytes);
            left = after;
        } else if let (None, Some(after)) = (&key, left.strip_prefix("__")) {
            key = Some(Vec::new());
            left = after;
        } else {
            let (letter, after) = left.split_at_checked(first.len_utf8())?;
            key.as_mut().unwrap_or(&mut section).extend(letter.as_bytes());
            left = after;
        }
    }
    let (section, key) = (String::from_utf8(section).ok()?, String::from_utf8(key?).ok()?);
    (!key.is_empty()).then(|| Name { section: section.to_lowercase(), key, file })
}

/// `_0XHH…_` at the start: the bytes it stands for, and the rest.
fn escape(text: &str) -> Option<(Vec<u8>, &str)> {
    let rest = text.strip_prefix("_0x").or_else(|| text.strip_prefix("_0X"))?;
    let (digits, after) = rest.split_once('_')?;
    if digits.is_empty() || digits.len() % 2 != 0 {
        return None;
    }
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|d| u8::from_str_radix(d, 16).ok());
    digits.as_bytes().chunks(2).map(byte).collect::<Option<Vec<_>>>().map(|bytes| (bytes, after))
}

/// Keys of `[queue]`, Gitea's; every other key under `POSTRIDER__QUEUE__` is `[postrider.queue]`'s.
const GITEA_QUEUE: [&str; 8] =
    ["TYPE", "LENGTH", "MAX_WORKERS", "BATCH_LENGTH", "DATADIR", "CONN_STR", "QUEUE_NAME", "SET_NAME"];

/// Under our own prefix the section may be written short: `POSTRIDER__HTTP__LISTEN` is
/// `[postrider.http] LISTEN`, `POSTRIDER____DATA_DIR` is `[postrider] DATA_DIR`.
fn our_section(name: Name) -> Name {
    let section = match name.section.as_str() {
        "" if name.key == "APP_NAME" => String::new(),
        "" => "postrider".into(),
        "queue" if GITEA_QUEUE.contains(&name.key.as_str()) => "queue".into(),
        short @ ("http" | "smtp" | "queue" | "relay" | "bounce") => format!("postrider.{short}"),
        long => match long.strip_prefix("postrider_") {
            Some(short) => format!("postrider.{short}"),
            None if long.starts_with("relay.") => format!("postrider.{long}"),
            None => long.to_owned(),
        },
    };
    Name { section, ..name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variable: &str, expected: Option<(&str, &str, bool)>) {
        let got = decode(variable, "GITEA__");
        let got = got.as_ref().map(|n| (n.section.as_str(), n.key.as_str(), n.file));
        assert_eq!(got, expected, "{variable}");
    }

    #[test]
    fn names_are_read_as_gitea_reads_them() {
        check("SEC__KEY", None);
        check("GITEA__SEC", None);
        check("GITEA__SEC__", None);
        check("GITEA__SEC__KEY", Some(("sec", "KEY", false)));
        check("GITEA__SEC__KEY__FILE", Some(("sec", "KEY", true)));
        check("GITEA__sec__key", Some(("sec", "key", false)));
        check("GITEA____APP_NAME", Some(("", "APP_NAME", false)));
        check("GITEA__LOG_0x2E_CONSOLE__STDERR", Some(("log.console", "STDERR", false)));
        check("GITEA__LOG_0X2E_CONSOLE__STD_0X2D_ERR", Some(("log.console", "STD-ERR", false)));
        check(
            "GITEA__MAILER_0X2E_OVERRIDE_HEADER__Reply_0X2D_To",
            Some(("mailer.override_header", "Reply-To", false)),
        );
        check("GITEA__A__B__C", Some(("a", "B__C", false)));
        check("GITEA__A_0xZZ_B__C", Some(("a_0xzz_b", "C", false)));
    }

    #[test]
    fn our_sections_may_be_written_short() {
        for (variable, section, key) in [
            ("POSTRIDER__HTTP__LISTEN", "postrider.http", "LISTEN"),
            ("POSTRIDER__POSTRIDER_0X2E_HTTP__LISTEN", "postrider.http", "LISTEN"),
            ("POSTRIDER__POSTRIDER.RELAY__URL", "postrider.relay", "URL"),
            ("POSTRIDER__POSTRIDER_SMTP__LISTEN", "postrider.smtp", "LISTEN"),
            ("POSTRIDER__POSTRIDER__DATA_DIR", "postrider", "DATA_DIR"),
            ("POSTRIDER____DATA_DIR", "postrider", "DATA_DIR"),
            ("POSTRIDER__RELAY_0X2E_EU__URL", "postrider.relay.eu", "URL"),
            ("POSTRIDER__MAILER__FROM", "mailer", "FROM"),
            ("POSTRIDER__QUEUE__TYPE", "queue", "TYPE"),
            ("POSTRIDER__QUEUE__RETRY", "postrider.queue", "RETRY"),
        ] {
            let name = our_section(decode(variable, "POSTRIDER__").expect(variable));
            assert_eq!((name.section.as_str(), name.key.as_str()), (section, key), "{variable}");
        }
    }

    #[test]
    fn a_file_loses_one_line_end() {
        let folder = tempfile::tempdir().expect("a folder");
        for (written, expected) in
            [("x\n", "x"), ("x\r\n", "x"), ("x\n\n", "x\n"), ("x", "x"), (" x ", " x ")]
        {
            let path = folder.path().join("secret");
            std::fs::write(&path, written).expect("written");
            let (mut tree, mut findings) = (Tree::default(), Findings::default());
            apply([("GITEA__MAILER__PASSWD__FILE".into(), path.into())], &mut tree, &mut findings);
            assert_eq!(tree.find("mailer", "PASSWD").expect("set").text, expected, "{written:?}");
        }
    }

    #[test]
    fn a_missing_file_is_told() {
        let (mut tree, mut findings) = (Tree::default(), Findings::default());
        let missing = |name: &str| (name.into(), "/nonexistent/secret".into());
        apply(
            [missing("GITEA__MAILER__PASSWD__FILE"), missing("POSTRIDER__RELAY__PASSWD__FILE")],
            &mut tree,
            &mut findings,
        );
        assert_eq!((findings.warnings.len(), findings.mistakes.len()), (1, 1));
        assert!(tree.find("mailer", "PASSWD").is_none());
    }

    #[test]
    fn a_name_of_ours_without_section_or_key_is_told() {
        let (mut tree, mut findings) = (Tree::default(), Findings::default());
        let variables = ["POSTRIDER__LISTEN", "POSTRIDER__", "POSTRIDER_CONFIG", "GITEA__X"];
        apply(variables.map(|name| (name.into(), "x".into())), &mut tree, &mut findings);
        let told: Vec<String> = findings.mistakes.iter().map(|m| m.to_string()).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].starts_with("$POSTRIDER__LISTEN: names no section and key"), "{told:?}");
    }
}
