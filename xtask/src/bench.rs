//! Figures of the release binary, printed and never asserted.

use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, root, run};

/// Mail in and out beside Postfix: the parts whose name holds `part`. Needs root, for the real Postfix.
pub(crate) fn queue(part: &str) -> Result<()> {
    let peers = crate::peers::fetch()?;
    cargo(&["build", "--release", "--package", "postrider-server"])?;
    cargo(&["build", "--release", "--package", "postrider-testkit", "--example", "queue"])?;
    cargo(&["build", "--release", "--package", "postrider-queue", "--example", "store_start"])?;
    let release = root().join("target/release");
    let mut bench = Command::new(release.join("examples/queue"));
    bench.arg(release.join("postrider")).arg(release.join("examples/store_start")).arg(part);
    run(bench.env("POSTRIDER_PEERS", &peers))?;
    if "redis".contains(part) {
        cargo(&["build", "--release", "--package", "postrider-queue", "--example", "redis_rate"])?;
        run(Command::new(release.join("examples/redis_rate")).env("POSTRIDER_PEERS", peers))?;
    }
    Ok(())
}
