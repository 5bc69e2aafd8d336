//! Kills, power cuts and failing syncs against the release binary, judged by a ledger outside it.

use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, root, run};

/// A minute of it, for CI.
const SHORT: &[&str] = &["--kills", "8", "--syncs", "3", "--errors", "2", "--slow", "2", "--cuts", "5"];
/// Half an hour of it.
const LONG: &[&str] = &["--kills", "200", "--syncs", "40", "--errors", "20", "--slow", "20", "--cuts", "60"];

/// Runs `short`, `long` or the flags of `torture`; then the control, whose syncs do nothing: it must lose mail.
pub(crate) fn torture(words: &[&str]) -> Result<()> {
    let peers = crate::peers::fetch()?;
    cargo(&["build", "--release", "--package", "postrider-server"])?;
    cargo(&["build", "--package", "postrider-torture"])?;
    let words = match words {
        [] | ["short"] => SHORT,
        ["long"] => LONG,
        flags => flags,
    };
    let start = || {
        let mut command = Command::new(root().join("target/debug/torture"));
        command.arg(root().join("target/release/postrider"));
        command
    };
    run(start().args(words))?;
    let library = peers.join("eatmydata/usr/lib/x86_64-linux-gnu/libeatmydata.so");
    run(start().args(["--cuts", "3", "--control"]).arg(library))
}
