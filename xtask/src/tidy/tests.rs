//! Each rule on a file that breaks it and one that does not.

use super::{IGNORED_TEST, MACHINE, MOST_LINES, SLEEPS, UNFINISHED, complaints, forgotten};

#[track_caller]
fn check(path: &str, text: &str, expected: Option<&str>) {
    let found = complaints(path, text);
    match expected {
        None => assert_eq!(found, Vec::<String>::new()),
        Some(part) => {
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(part), "{found:?} lacks {part}");
        }
    }
}

#[test]
fn a_good_file_passes() {
    check("crates/a/src/lib.rs", "//! The job.\nfn f() {}\n", None);
    check("README.md", "# A\n", None);
}

#[test]
fn each_rule_is_seen() {
    let rust = |line: &str| format!("//! The job.\n{line}\n");
    check("crates/a/src/lib.rs", "fn f() {}\n", Some(":1: no `//!`"));
    check("crates/a/src/lib.rs", &rust("fn f() {} "), Some(":2: white space"));
    check("README.md", "text \n", Some(":1: white space"));
    for word in UNFINISHED {
        check("crates/a/src/lib.rs", &rust(&format!("// {word}: later")), Some(word));
        check("crates/a/src/lib.rs", &rust(&format!("// A{word}_B")), None);
    }
    for place in MACHINE {
        check("docs/x.md", &format!("see {place}a\n"), Some(place));
    }
    check("crates/a/src/lib.rs", &rust("    matches!(a, B);"), Some("bare matches!"));
    check("crates/a/src/lib.rs", &rust("    matches!(a, B)"), None);
    check("crates/a/src/lib.rs", &rust("    let c =\n        matches!(a, B);"), None);
    check("crates/a/src/lib.rs", &rust(&format!("    {IGNORED_TEST}]")), Some("ignored"));
    for sleep in SLEEPS {
        let line = rust(&format!("{sleep}(x);"));
        check("crates/a/tests/it/main.rs", &line, Some("sleep"));
        check("crates/a/src/x/tests.rs", &line, Some("sleep"));
        check("crates/a/src/lib.rs", &line, None);
    }
}

#[test]
fn long_files_are_refused() {
    let text = |lines: usize| format!("//! The job.\n{}", "\n".repeat(lines - 1));
    check("crates/a/src/lib.rs", &text(MOST_LINES), None);
    check("crates/a/src/lib.rs", &text(MOST_LINES + 1), Some("601 lines"));
}

#[test]
fn a_test_file_without_its_mod_is_found() {
    let paths = ["crates/a/tests/it/main.rs", "crates/a/tests/it/b.rs", "crates/a/tests/it/c/mod.rs"];
    let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
    let with = |main: &'static str| forgotten(&paths, |_| main.to_owned());
    assert_eq!(with("mod b;\nmod c;\n"), Vec::<String>::new());
    assert_eq!(with("mod b;\n"), ["crates/a/tests/it/c/mod.rs: no `mod c;` in crates/a/tests/it/main.rs"]);
    assert_eq!(
        with("mod c;\n// mod b;\n"),
        ["crates/a/tests/it/b.rs: no `mod b;` in crates/a/tests/it/main.rs"]
    );
}
