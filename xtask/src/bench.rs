//! Figures of the release binary, printed and never asserted.

use anyhow::Result;

use crate::run::{cargo, root, run};

/// The relay way: sixteen submitters over HTTP, a fast sink behind.
pub(crate) fn relay() -> Result<()> {
    cargo(&["build", "--release"])?;
    cargo(&["build", "--release", "--package", "postrider-testkit", "--example", "relay"])?;
    let mut bench = std::process::Command::new(root().join("target/release/examples/relay"));
    run(bench.arg(root().join("target/release/postrider")))
}
