//! What is measured: postrider by one of its doors, or Postfix as a null client.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use testkit::{Daemon, NullClient, Usage, until};

use crate::submit::Door;

const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Http,
    Smtp,
    Postfix,
}

impl Who {
    pub(crate) const ALL: [Who; 3] = [Who::Http, Who::Smtp, Who::Postfix];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Who::Http => "postrider, HTTP",
            Who::Smtp => "postrider, SMTP",
            Who::Postfix => "Postfix, SMTP",
        }
    }
}

/// Running in a folder of its own, which goes with it.
pub(crate) struct Subject {
    who: Who,
    runs: Runs,
    folder: TempDir,
}

enum Runs {
    Daemon(Box<Daemon>),
    Postfix(NullClient),
}

impl Subject {
    /// Postfix under `strace`, unless that is empty: a command that begins the words after it and stands aside.
    pub(crate) fn start(who: Who, binary: &Path, relay: u16, strace: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let runs = if who == Who::Postfix {
            let mut postfix = NullClient::with(folder.path(), relay, "");
            postfix.start_under(strace);
            Runs::Postfix(postfix)
        } else {
            let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {relay}");
            Runs::Daemon(Box::new(Daemon::start(binary, &mailer, "")))
        };
        Self { who, runs, folder }
    }

    pub(crate) fn door(&self) -> Door {
        match &self.runs {
            Runs::Daemon(daemon) if self.who == Who::Http => Door::Http(daemon.api.clone()),
            Runs::Daemon(daemon) => Door::Smtp(daemon.smtp_port),
            Runs::Postfix(postfix) => Door::Smtp(postfix.smtp_port()),
        }
    }

    fn pids(&self) -> Vec<u32> {
        match &self.runs {
            Runs::Daemon(daemon) => vec![daemon.pid().as_raw_nonzero().get().unsigned_abs()],
            Runs::Postfix(postfix) => postfix.group().pids(),
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage::of(&self.pids())
    }

    /// Memory in KiB; what processes share is parted among them.
    pub(crate) fn memory(&self) -> u64 {
        let share = |pid: &u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_ascii_whitespace().next()?.parse::<u64>().ok()
        };
        self.pids().iter().filter_map(share).sum()
    }

    /// Lets it put all in order, ends it, and says what it had used by then.
    pub(crate) fn settle(&mut self) -> Usage {
        if let Runs::Postfix(postfix) = &self.runs {
            until("Postfix's queue to be empty", PATIENCE, || (postfix.waiting() == 0).then_some(()));
        }
        let pids = self.pids();
        match &mut self.runs {
            Runs::Postfix(postfix) => {
                let usage = Usage::of(&pids);
                postfix.kill();
                usage
            }
            Runs::Daemon(daemon) => {
                daemon.terminate();
                // Ended and not waited for, it still has its account.
                until("the daemon's end", PATIENCE, || pids.iter().all(ended).then_some(()));
                let usage = Usage::of(&pids);
                daemon.wait();
                usage
            }
        }
    }

    /// Syncs of its queue since its start; `None`: it does not say.
    pub(crate) fn syncs(&self) -> Option<u64> {
        match &self.runs {
            Runs::Daemon(daemon) => daemon.api.get("/queue").ok()?.json.get("syncs")?.as_u64(),
            Runs::Postfix(_) => None,
        }
    }

    /// Octets that its queue and history take on disk.
    pub(crate) fn disk(&self) -> u64 {
        match &self.runs {
            Runs::Daemon(daemon) => blocks(&daemon.config().with_file_name("state")),
            Runs::Postfix(_) => blocks(&self.folder.path().join("queue")),
        }
    }

    pub(crate) fn log_size(&self) -> u64 {
        let log = match &self.runs {
            Runs::Daemon(daemon) => daemon.config().with_file_name("log"),
            Runs::Postfix(_) => self.folder.path().join("mail/log"),
        };
        fs::metadata(log).map_or(0, |about| about.len())
    }
}

fn ended(pid: &u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

/// Octets that a folder takes on disk with all in it.
pub(crate) fn blocks(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => about.blocks() * 512 + blocks(&entry.path()),
        Ok(about) => about.blocks() * 512,
        // gone since
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
