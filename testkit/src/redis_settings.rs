//! What a Redis of the tests is started with: the program, its libraries and its settings.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::statvfs;

use crate::peers;

/// Free room on a file system in memory below which it is left to others: containers have 64 MiB.
const ROOM: u64 = 1 << 30;
/// How many numbered databases a server has.
pub(crate) const DATABASES: u32 = 4_000;

/// Which of the two that speak one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// 7.0 of Debian 12.
    Redis,
    /// 8.1 of Debian 13, the branch under a free licence.
    Valkey,
}

impl Flavour {
    pub const ALL: [Self; 2] = [Self::Redis, Self::Valkey];

    pub(crate) fn program(self) -> Command {
        let (name, loader) = match self {
            Self::Redis => ("redis", false),
            Self::Valkey => ("valkey", true),
        };
        let home = peers().join(name);
        let (program, libraries) =
            (home.join(format!("usr/bin/{name}-server")), home.join("usr/lib/x86_64-linux-gnu"));
        assert!(program.exists(), "no {} : run `cargo xtask peers` as root", program.display());
        if loader {
            let mut command = Command::new(home.join("usr/lib64/ld-linux-x86-64.so.2"));
            command.arg("--library-path").arg(libraries).arg(program);
            return command;
        }
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", libraries);
        command
    }
}

/// Where it can be reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
}

/// Every write is on disk before its reply; later lines win.
pub(crate) fn server(folder: &Path, ports: Ports, lines: &str) -> String {
    let at = folder.display();
    let Ports { plain, tls } = ports;
    format!(
        "bind 127.0.0.1
port {plain}
unixsocket {at}/socket
tls-port {tls}
tls-cert-file {at}/cert.pem
tls-key-file {at}/key.pem
tls-ca-cert-file {at}/cert.pem
tls-auth-clients no
dir {at}
databases {DATABASES}
save \"\"
appendonly yes
appendfsync always
repl-diskless-sync-delay 0
{lines}
"
    )
}

/// A sentinel that calls a primary down after half a second.
pub(crate) fn sentinel(folder: &Path, port: u16, name: &str, primary: u16, quorum: u32) -> String {
    format!(
        "bind 127.0.0.1
port {port}
dir {}
sentinel monitor {name} 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds {name} 500
sentinel failover-timeout {name} 5000
",
        folder.display()
    )
}

/// In memory where there is room for it: a sync costs nothing there and a kill loses nothing.
pub(crate) fn quick_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let roomy = statvfs(memory).is_ok_and(|at| at.f_bavail.saturating_mul(at.f_frsize) >= ROOM);
    if roomy { memory.to_owned() } else { std::env::temp_dir() }
}
