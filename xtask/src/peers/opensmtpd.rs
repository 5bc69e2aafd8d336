//! OpenSMTPD from Debian 13, with the libraries it links: the one of Debian 12 was made for an older OpenSSL and
//! ends every TLS handshake with an error of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{read, run};

const RELEASE: &str = "trixie";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const PROOF: &str = "usr/sbin/smtpd";
/// All that it links, the C library too: those of Debian 12 are too old for it.
const PACKAGES: [&str; 11] = [
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
];

/// Unpacks it under `peers/opensmtpd`, unless it is there.
pub(super) fn fetch(peers: &Path) -> Result<()> {
    let (home, downloads) = (peers.join("opensmtpd"), peers.join("packages/opensmtpd"));
    if home.join(PROOF).exists() {
        return Ok(());
    }
    println!("fetching opensmtpd");
    // moved to its place only when it is whole
    let (part, debs) = (downloads.join("part"), downloads.join("debs"));
    if downloads.exists() {
        std::fs::remove_dir_all(&downloads)?;
    }
    std::fs::create_dir_all(&debs)?;
    let apt = Apt::new(&downloads)?;
    apt.run(&["update"], &debs)?;
    apt.run(&[&["download"], &PACKAGES[..]].concat(), &debs)?;
    for entry in std::fs::read_dir(&debs)? {
        run(Command::new("dpkg").arg("-x").arg(entry?.path()).arg(&part))?;
    }
    let links = links(&part)?;
    if links.contains("not found") {
        bail!("{PROOF} lacks a library:\n{links}");
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
fn links(home: &Path) -> Result<String> {
    let mut loader = Command::new(home.join("usr/lib64/ld-linux-x86-64.so.2"));
    loader.arg("--library-path").arg(home.join("usr/lib/x86_64-linux-gnu"));
    read(loader.arg("--list").arg(home.join(PROOF)))
}
