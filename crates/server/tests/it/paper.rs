//! `completions` and `man`.

use crate::run::run;

#[test]
fn every_shell_has_completions_that_know_the_verbs() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell], "");
        assert!(script.code == Some(0) && script.out.contains("dry-run"), "{shell}: {}", script.err);
    }
    let refused = run(&["completions", "tcsh"], "");
    assert!(refused.code == Some(64) && refused.err.contains("fish"), "{}", refused.err);
}

#[test]
fn every_verb_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("UTF-8");
    assert_eq!(run(&["man", "--folder", path], "").code, Some(0));
    for name in ["postrider", "postrider-send", "postrider-queue-list", "postrider-key-revoke"] {
        let page = std::fs::read_to_string(folder.path().join(format!("{name}.1"))).expect(name);
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
    let page = run(&["man", "queue", "list"], "").out;
    assert!(page.contains("Examples:") && page.contains("since=2h"), "{page}");
    let refused = run(&["man", "queue", "fly"], "");
    assert!(refused.code == Some(64) && refused.err.contains("purge"), "{}", refused.err);
    assert_eq!(run(&["man", "--folder", "/no/folder"], "").code, Some(73));
}
