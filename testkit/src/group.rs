//! A server's processes as one: ended or stopped together.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::until;

const PATIENCE: Duration = Duration::from_secs(30);

/// The process group that a server was started in.
#[derive(Debug, Clone, Copy)]
pub struct Group(pub Pid);

impl Group {
    /// SIGKILL to all, and waits until none is left but those nobody has waited for.
    pub fn kill(self) {
        until("the end of a group of processes", PATIENCE, || {
            // Again each time: who is being started may join the group after the first. Gone already is what is wanted.
            let _gone = kill_process_group(self.0, Signal::KILL).is_err();
            self.states().iter().all(|s| *s == 'Z').then_some(())
        });
    }

    /// SIGSTOP to all, and waits until every one stands still.
    pub fn freeze(self) {
        kill_process_group(self.0, Signal::STOP).expect("our processes");
        let still = |state: &char| matches!(state, 'T' | 'Z');
        until("all processes to stand still", PATIENCE, || self.states().iter().all(still).then_some(()));
    }

    /// Resident memory of all in KiB; pages they share count for each.
    pub fn memory(self) -> u64 {
        let pages = |pid: &String| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
            text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
        };
        self.members().iter().filter_map(|(pid, _)| pages(pid)).sum::<u64>() * 4
    }

    /// Ids of all.
    pub fn pids(self) -> Vec<u32> {
        self.members().iter().filter_map(|(pid, _)| pid.parse().ok()).collect()
    }

    fn states(self) -> Vec<char> {
        self.members().into_iter().map(|(_, state)| state).collect()
    }

    /// Ids and states.
    fn members(self) -> Vec<(String, char)> {
        let wanted = self.0.as_raw_nonzero().to_string();
        let entries = std::fs::read_dir("/proc").expect("a system with /proc").flatten();
        let pids = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        pids.filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name may hold blanks and stands in parentheses before the state.
            let mut rest = stat.rsplit_once(") ")?.1.split_ascii_whitespace();
            let state = rest.next()?.chars().next()?;
            (rest.nth(1)? == wanted).then_some((pid, state))
        })
        .collect()
    }
}
