//! The table of hazards names tests that are there.

use std::path::Path;

const TABLE: &str = "docs/hazards.md";

/// What a row has instead of a test.
const REASON: &str = "Does not apply:";

/// Rows that prove nothing: a test that is not where they say, or neither test nor reason.
pub(super) fn lost(root: &Path) -> Vec<String> {
    match std::fs::read_to_string(root.join(TABLE)) {
        Ok(text) => check(&text, |path| std::fs::read_to_string(root.join(path)).ok()),
        Err(error) => vec![format!("{TABLE}: {error}")],
    }
}

/// A row is `| number | case | proof |`; a proof is paths in backquotes, each followed by the tests in it.
fn check(table: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| ") && line[2..].starts_with(char::is_numeric))
    {
        let number = row.split('|').nth(1).unwrap_or_default().trim();
        let proof = row.split('|').nth(3).unwrap_or_default();
        let mut file: Option<(&str, Option<String>)> = None;
        let mut tests = 0;
        for name in proof.split('`').skip(1).step_by(2) {
            if name.contains('/') {
                file = Some((name, read(name)));
                continue;
            }
            tests += 1;
            match &file {
                None => found.push(format!("{TABLE}: {number}: no file before {name}")),
                Some((path, None)) => found.push(format!("{TABLE}: {number}: no file {path}")),
                Some((path, Some(text))) if !holds(path, text, name) => {
                    found.push(format!("{TABLE}: {number}: no test {name} in {path}"));
                }
                Some(_) => {}
            }
        }
        if tests == 0 && !proof.contains(REASON) {
            found.push(format!("{TABLE}: {number}: neither a test nor \"{REASON}\""));
        }
    }
    found
}

/// A test of Rust is a function; a scenario of a script is a heading.
fn holds(path: &str, text: &str, name: &str) -> bool {
    let word = if path.ends_with(".rs") { format!("fn {name}(") } else { format!("# {name}") };
    text.lines().any(|line| {
        line.find(&word).is_some_and(|at| {
            let rest = &line[at + word.len()..];
            path.ends_with(".rs") || rest.is_empty() || rest.starts_with(':')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_row_needs_tests_that_are_there_or_a_reason() {
        let read = |path: &str| match path {
            "a/b.rs" => Some("async fn b1_1_x() {".to_owned()),
            "a/c.smtp" => Some("# b1_2_y: why\nS: 220".to_owned()),
            _ => None,
        };
        let found = |row: &str| check(row, read).len();
        assert_eq!(found("| 1 | case | `a/b.rs` `b1_1_x`, `a/c.smtp` `b1_2_y` |"), 0);
        assert_eq!(found("| 1 | case | Does not apply: no such door |"), 0);
        assert_eq!(found("| 1 | case | `a/b.rs` `b1_1` |"), 1);
        assert_eq!(found("| 1 | case | `a/c.smtp` `b1_2` |"), 1);
        assert_eq!(found("| 1 | case | `a/d.rs` `b1_1_x` |"), 1);
        assert_eq!(found("| 1 | case | `b1_1_x` |"), 1);
        assert_eq!(found("| 1 | case | `a/b.rs` |"), 1);
        assert_eq!(found("| # | case | proof |\n|---|---|---|"), 0);
    }
}
