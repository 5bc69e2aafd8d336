//! Composing beside other libraries, from the workspace in `bench`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{cargo_command, read, root, run};

/// Builds the bench, installs what runs on node under `target/bench/node`, and prints the tables.
pub(crate) fn compose() -> Result<()> {
    let (bench, target) = (root().join("bench"), root().join("target/bench"));
    let mut build = cargo_command();
    build.args(["build", "--release", "--locked", "--manifest-path"]).arg(bench.join("Cargo.toml"));
    run(build.arg("--target-dir").arg(&target))?;
    let mut command = Command::new(target.join("release/postrider-bench"));
    match node(&bench, &target.join("node")) {
        Ok(folder) => drop(command.arg(folder)),
        Err(error) => println!("without nodemailer: {error:#}"),
    }
    run(&mut command)
}

/// The folder with the script and its packages, once node and npm are there.
fn node(bench: &Path, folder: &Path) -> Result<std::path::PathBuf> {
    read(Command::new("node").arg("--version"))?;
    std::fs::create_dir_all(folder)?;
    for (from, to) in [("package.json", "package.json"), ("src/nodemailer.mjs", "nodemailer.mjs")] {
        std::fs::copy(bench.join(from), folder.join(to)).with_context(|| format!("cannot copy {from}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel", "error"]).current_dir(folder);
    read(&mut npm)?;
    Ok(folder.to_owned())
}
