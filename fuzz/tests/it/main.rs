//! Every input of the corpus, and a short run of mutations from a fixed seed.

use fuzz::targets::TARGETS;
use fuzz::{corpus, runner};

#[test]
fn the_corpus_breaks_nothing() {
    for target in TARGETS {
        let inputs = corpus::load(target.name).unwrap_or_else(|e| panic!("{}: {e}", target.name));
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        for (file, input) in inputs {
            if let Err(finding) = runner::once(target, &input) {
                panic!("{}/{file}: {}", target.name, finding.what);
            }
        }
    }
}

#[test]
fn a_short_run_finds_nothing() {
    for target in TARGETS {
        let inputs = corpus::load(target.name).unwrap().into_iter().map(|(_, input)| input).collect();
        if let Err(finding) = runner::by_count(target, inputs, 1, 3000) {
            panic!("{}: {}\n{:?}", target.name, finding.what, String::from_utf8_lossy(&finding.input));
        }
    }
}
