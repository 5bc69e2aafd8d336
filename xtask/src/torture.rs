//! Kills, power cuts and failing syncs against the release binary, one or three that share a Redis, judged by a
//! ledger outside it.

use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, root, run};

/// A minute of it, for CI.
const SHORT: &[&str] = &[
    "--kills", "8", "--syncs", "3", "--writes", "3", "--errors", "2", "--slow", "2", "--clocks", "2",
    "--cuts", "5", "--full", "2",
];
/// Half an hour of it.
const LONG: &[&str] = &[
    "--kills", "200", "--syncs", "40", "--writes", "40", "--errors", "20", "--slow", "20", "--clocks", "10",
    "--cuts", "60", "--full", "20",
];
/// What the peers go through, and postrider beside them.
const COMPARED: &[&str] = &["--kills", "50", "--cuts", "30"];
/// The nodes' storm, so short that CI has time for it, and that of its control.
const NODES_SHORT: &[&str] = &["--minutes", "0.5"];
const NODES_CONTROL: &[&str] = &["--minutes", "0.07", "--control", "no-log"];
const FAKETIME: &str = "faketime/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// Runs `short`, `long`, `peers`, `nodes` or the flags of `torture`; then the control, whose syncs do nothing: it must lose mail.
pub(crate) fn torture(words: &[&str]) -> Result<()> {
    let peers = crate::peers::fetch()?;
    cargo(&["build", "--release", "--package", "postrider-server"])?;
    cargo(&["build", "--package", "postrider-torture"])?;
    let start = || {
        // In a mount namespace of its own: a copy of its disk in another's would outlive a power cut.
        let mut command = Command::new("unshare");
        command.arg("--mount").arg(root().join("target/debug/torture"));
        command.arg(root().join("target/release/postrider")).env("POSTRIDER_PEERS", &peers);
        command.arg("--faketime").arg(peers.join(FAKETIME));
        command
    };
    let words = match words {
        [] | ["short"] => SHORT,
        ["long"] => LONG,
        ["peers", flags @ ..] => {
            return ["postrider", "postfix", "opensmtpd", "nullmailer"].iter().try_for_each(|who| {
                run(start().args(["--who", who]).args(if flags.is_empty() { COMPARED } else { flags }))
            });
        }
        ["nodes", flags @ ..] => {
            let nodes = || {
                let mut command = start();
                command.args(["--who", "nodes"]);
                command
            };
            run(nodes().args(if flags == ["short"] { NODES_SHORT } else { flags }))?;
            return run(nodes().args(NODES_CONTROL));
        }
        flags => flags,
    };
    run(start().args(words))?;
    let library = peers.join("eatmydata/usr/lib/x86_64-linux-gnu/libeatmydata.so");
    run(start().args(["--cuts", "3", "--control"]).arg(library))
}
