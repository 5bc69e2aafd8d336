//! Peers from Debian 13, with all that they link, the C library too: that of Debian 12 is too old for them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{read, run};

const RELEASE: &str = "trixie";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A folder under `target/peers`, started by the loader in it.
struct Peer {
    name: &'static str,
    /// A program that must be there afterwards and find its libraries.
    proof: &'static str,
    packages: &'static [&'static str],
}

const PEERS: [Peer; 2] = [
    // the one of Debian 12 was made for an older OpenSSL and ends every TLS handshake with an error of its own
    Peer {
        name: "opensmtpd",
        proof: "usr/sbin/smtpd",
        packages: &[
            "opensmtpd",
            "libaudit1",
            "libc6",
            "libcap-ng0",
            "libcrypt1",
            "libdb5.3t64",
            "libevent-2.1-7t64",
            "libpam0g",
            "libssl3t64",
            "libzstd1",
            "zlib1g",
        ],
    },
    // Debian 12 has none
    Peer {
        name: "valkey",
        proof: "usr/bin/valkey-server",
        packages: &[
            "valkey-server",
            "valkey-tools",
            "libatomic1",
            "libc6",
            "libcap2",
            "libgcc-s1",
            "libjemalloc2",
            "liblzf1",
            "libssl3t64",
            "libstdc++6",
            "libsystemd0",
            "libzstd1",
            "zlib1g",
        ],
    },
];

/// Unpacks those that are not there under `peers`.
pub(super) fn fetch(peers: &Path) -> Result<()> {
    let missing = PEERS.iter().filter(|peer| !peers.join(peer.name).join(peer.proof).exists());
    let missing: Vec<&Peer> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    let folder = peers.join("packages").join(RELEASE);
    fresh(&folder)?;
    let apt = Apt::new(&folder)?;
    apt.run(&["update"], &folder)?;
    for peer in missing {
        println!("fetching {}", peer.name);
        unpack(peer, peers, &apt).with_context(|| format!("cannot fetch the peer {}", peer.name))?;
    }
    Ok(())
}

fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::create_dir_all(folder)?)
}

/// Moved to its place only when it is whole.
fn unpack(peer: &Peer, peers: &Path, apt: &Apt) -> Result<()> {
    let (home, downloads) = (peers.join(peer.name), peers.join("packages").join(peer.name));
    let (part, debs) = (downloads.join("part"), downloads.join("debs"));
    fresh(&downloads)?;
    std::fs::create_dir_all(&debs)?;
    apt.run(&[&["download"], peer.packages].concat(), &debs)?;
    for entry in std::fs::read_dir(&debs)? {
        run(Command::new("dpkg").arg("-x").arg(entry?.path()).arg(&part))?;
    }
    let links = links(&part, peer.proof)?;
    if links.contains("not found") {
        bail!("{} lacks a library:\n{links}", peer.proof);
    }
    if home.exists() {
        std::fs::remove_dir_all(&home)?;
    }
    Ok(std::fs::rename(part, home)?)
}

/// apt-get with lists of its own, so that the machine's stay those of its release.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn new(folder: &Path) -> Result<Self> {
        let (sources, lists) = (folder.join("sources.list"), folder.join("lists"));
        std::fs::create_dir_all(lists.join("partial"))?;
        let line = format!("deb [signed-by={KEYRING}] {} {RELEASE} main\n", archive()?);
        std::fs::write(&sources, line)?;
        let options = [
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".into(),
            format!("Dir::State::lists={}", lists.display()),
            format!("Dir::Cache={}", folder.display()),
            "Acquire::Languages=none".into(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".into(),
            "APT::Sandbox::User=root".into(),
        ];
        Ok(Self { options: options.into() })
    }

    fn run(&self, words: &[&str], folder: &Path) -> Result<()> {
        let mut apt = Command::new("apt-get");
        apt.arg("-q").args(self.options.iter().flat_map(|option| ["-o", option])).args(words);
        apt.current_dir(folder).env("DEBIAN_FRONTEND", "noninteractive");
        read(&mut apt).map(drop)
    }
}

/// Where the machine has its own release from.
fn archive() -> Result<String> {
    let format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
    let targets = read(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    let words = targets.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    // updates and security have a name of two words
    let own = words.filter(|words| matches!(words[..], [_, release, "main"] if !release.contains('-')));
    let uri = own.filter_map(|words| words.first().map(ToString::to_string)).next();
    uri.context("apt-get knows no archive of Debian")
}

/// What the program links, as the loader it came with sees it.
fn links(home: &Path, proof: &str) -> Result<String> {
    let mut loader = Command::new(home.join("usr/lib64/ld-linux-x86-64.so.2"));
    loader.arg("--library-path").arg(home.join("usr/lib/x86_64-linux-gnu"));
    read(loader.arg("--list").arg(home.join(proof)))
}
