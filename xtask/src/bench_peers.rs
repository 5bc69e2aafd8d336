//! Composing and sending beside other libraries, from the workspace in `bench`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{cargo_command, read, root, run};

/// Builds the bench, installs what runs on node under `target/bench/node`, and prints the tables.
pub(crate) fn compose() -> Result<()> {
    run(&mut with_node(build("postrider-bench")?))
}

/// The SMTP client beside others, in the rows whose name holds `rows`. Needs root, for the real Postfix.
pub(crate) fn smtp(rows: &str) -> Result<()> {
    let peers = crate::peers::fetch()?;
    let mut command = build("postrider-bench-smtp")?;
    command.arg(rows).arg(peers);
    run(&mut with_node(command))
}

/// One of the programs in `bench`, built.
fn build(name: &str) -> Result<Command> {
    let target = root().join("target/bench");
    let mut build = cargo_command();
    build.args(["build", "--release", "--locked", "--bin", name, "--manifest-path"]);
    run(build.arg(root().join("bench/Cargo.toml")).arg("--target-dir").arg(&target))?;
    Ok(Command::new(target.join("release").join(name)))
}

/// With the folder of nodemailer as its last word, where that can be had.
fn with_node(mut command: Command) -> Command {
    match node(&root().join("bench"), &root().join("target/bench/node")) {
        Ok(folder) => drop(command.arg(folder)),
        Err(error) => println!("without nodemailer: {error:#}"),
    }
    command
}

/// The folder with the script and its packages, once node and npm are there.
fn node(bench: &Path, folder: &Path) -> Result<std::path::PathBuf> {
    read(Command::new("node").arg("--version"))?;
    std::fs::create_dir_all(folder)?;
    let scripts = [
        ("package.json", "package.json"),
        ("src/nodemailer.mjs", "nodemailer.mjs"),
        ("src/nodemailer_smtp.mjs", "nodemailer_smtp.mjs"),
    ];
    for (from, to) in scripts {
        std::fs::copy(bench.join(from), folder.join(to)).with_context(|| format!("cannot copy {from}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel", "error"]).current_dir(folder);
    read(&mut npm)?;
    Ok(folder.to_owned())
}
