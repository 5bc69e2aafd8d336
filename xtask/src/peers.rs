//! Real servers and programs for the tests: Debian packages, downloaded and unpacked under `target/peers`, never installed.
//! Debian's mail servers exclude each other as installed packages; unpacked they stand side by side.

mod trixie;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{read, root, run};

/// A folder under `target/peers`.
struct Peer {
    name: &'static str,
    /// Debian packages unpacked into it.
    packages: &'static [&'static str],
    /// A file that must be there afterwards.
    proof: &'static str,
    /// Library packages installed system-wide when a program lacks one.
    libraries: &'static [&'static str],
}

const PEERS: [Peer; 10] = [
    Peer {
        name: "postfix",
        packages: &["postfix"],
        proof: "usr/sbin/postconf",
        libraries: &["libnsl2", "libdb5.3", "libicu72", "libssl3", "libsasl2-2"],
    },
    Peer {
        name: "sasl",
        packages: &["sasl2-bin"],
        proof: "usr/sbin/saslpasswd2",
        libraries: &["libsasl2-2", "libsasl2-modules", "libsasl2-modules-db"],
    },
    Peer {
        name: "eatmydata",
        packages: &["libeatmydata1"],
        proof: "usr/lib/x86_64-linux-gnu/libeatmydata.so",
        libraries: &[],
    },
    Peer {
        name: "faketime",
        packages: &["libfaketime"],
        proof: "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        libraries: &[],
    },
    Peer {
        name: "nullmailer",
        packages: &["nullmailer"],
        proof: "usr/sbin/nullmailer-send",
        libraries: &["libgnutls30"],
    },
    Peer {
        name: "dovecot",
        packages: &["dovecot-core", "dovecot-lmtpd", "dovecot-submissiond"],
        proof: "usr/lib/dovecot/submission",
        libraries: &[
            "libapparmor1",
            "libexttextcat-2.0-0",
            "libicu72",
            "liblua5.4-0",
            "libsodium23",
            "libssl3",
            "libstemmer0d",
            "libtirpc3",
            "libunwind8",
            "libwrap0",
        ],
    },
    Peer {
        name: "exim",
        packages: &["exim4-base", "exim4-daemon-light"],
        proof: "usr/sbin/exim4",
        libraries: &["libdb5.3", "libgnutls-dane0", "libidn12", "libidn2-0", "libpcre2-8-0"],
    },
    Peer { name: "swaks", packages: &["swaks"], proof: "usr/bin/swaks", libraries: &["perl"] },
    Peer {
        name: "msmtp",
        packages: &["msmtp"],
        proof: "usr/bin/msmtp",
        libraries: &["libgsasl18", "libsecret-1-0"],
    },
    // its server is a link to a file of redis-tools
    Peer {
        name: "redis",
        packages: &["redis-server", "redis-tools", "libatomic1", "libjemalloc2", "liblzf1"],
        proof: "usr/bin/redis-check-rdb",
        libraries: &["libssl3", "libsystemd0"],
    },
];

/// What the mechanisms of SASL are loaded from; no program links them.
const SASL_MODULES: [&str; 6] =
    ["libplain.so", "liblogin.so", "libcrammd5.so", "libscram.so", "libntlm.so", "libsasldb.so"];

/// Changes when the list above changes what is on disk.
const STAMP: &str = "1";

/// Fetches what is missing and returns the folder; a second call is instant.
///
/// # Errors
/// Not root, no Debian, no network: the tests with real peers cannot run, and say so.
pub(crate) fn fetch() -> Result<PathBuf> {
    let folder = root().join("target/peers");
    std::fs::create_dir_all(&folder)?;
    require_root()?;
    let stamp = folder.join("stamp");
    let fresh = std::fs::read_to_string(&stamp).is_ok_and(|text| text == STAMP);
    // A test may be running one that is there.
    for peer in PEERS.iter().filter(|peer| !fresh || !folder.join(peer.name).join(peer.proof).exists()) {
        unpack(peer, &folder).with_context(|| format!("cannot fetch the peer {}", peer.name))?;
    }
    trixie::fetch(&folder).context("cannot fetch a peer of Debian 13")?;
    std::fs::write(&stamp, STAMP)?;
    Ok(folder)
}

fn require_root() -> Result<()> {
    let user = read(Command::new("id").arg("-u"))?;
    if user.trim() != "0" {
        bail!(
            "the tests with real mail servers need root: apt-get for libraries, a mount namespace, and users \
             of Postfix's own. Without it these cannot run: crates/server/tests/e2e. Everything else: cargo test"
        );
    }
    Ok(())
}

fn apt(args: &[&str], folder: &Path) -> Result<String> {
    let mut command = Command::new("apt-get");
    read(
        command
            .args(["-q", "-o", "APT::Sandbox::User=root"])
            .args(args)
            .current_dir(folder)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// Runs apt-get, and once more with fresh lists if it failed: a new machine has none, an old one dead links.
fn apt_with_lists(args: &[&str], folder: &Path) -> Result<()> {
    if apt(args, folder).is_err() {
        apt(&["update"], folder)?;
        apt(args, folder)?;
    }
    Ok(())
}

fn unpack(peer: &Peer, folder: &Path) -> Result<()> {
    let home = folder.join(peer.name);
    let downloads = folder.join("packages").join(peer.name);
    for path in [&home, &downloads] {
        if path.exists() {
            std::fs::remove_dir_all(path)?;
        }
        std::fs::create_dir_all(path)?;
    }
    println!("fetching {}", peer.name);
    apt_with_lists(&[&["download"], peer.packages].concat(), &downloads)?;
    for entry in std::fs::read_dir(&downloads)? {
        run(Command::new("dpkg").arg("-x").arg(entry?.path()).arg(&home))?;
    }
    if lacks_library(&home)? || peer.name == "sasl" && lacks_sasl_module() {
        apt_with_lists(&[&["install", "-y", "--no-install-recommends"], peer.libraries].concat(), folder)?;
    }
    if lacks_library(&home)? || !home.join(peer.proof).exists() {
        bail!("{} is incomplete after {:?} were installed", home.display(), peer.libraries);
    }
    Ok(())
}

/// Whether a program under `home` links a library that is neither there nor on the system.
fn lacks_library(home: &Path) -> Result<bool> {
    let own = [
        "usr/lib/postfix",
        "usr/lib/dovecot",
        "usr/lib/dovecot/modules/old-stats",
        "usr/lib/x86_64-linux-gnu",
    ];
    let own = own.map(|folder| home.join(folder).display().to_string());
    for folder in ["usr/bin", "usr/sbin", "usr/lib/postfix/sbin", "usr/lib/dovecot"] {
        let Ok(entries) = std::fs::read_dir(home.join(folder)) else { continue };
        for entry in entries {
            // a script has no libraries: ldd fails, and that is no lack
            let program = entry?.path();
            // plug-ins of no use to us want libraries of their own
            if program.to_string_lossy().contains(".so") {
                continue;
            }
            let mut ldd = Command::new("ldd");
            let output = ldd.arg(program).env("LD_LIBRARY_PATH", own.join(":")).output().context("no ldd")?;
            if String::from_utf8_lossy(&output.stdout).contains("not found") {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn lacks_sasl_module() -> bool {
    let Ok(libraries) = std::fs::read_dir("/usr/lib") else { return true };
    let folders: Vec<PathBuf> = libraries.flatten().map(|entry| entry.path().join("sasl2")).collect();
    let there = |module: &&str| folders.iter().any(|folder| folder.join(module).exists());
    !SASL_MODULES.iter().all(there)
}
