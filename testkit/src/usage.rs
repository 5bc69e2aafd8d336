//! What processes have cost so far, from /proc: children that ended and were waited for count for their parents.

use std::fs;
use std::time::Duration;

/// Ticks of /proc/PID/stat in a second, on every Linux of today.
const TICKS: u64 = 100;

/// Processor and disk, since the processes began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system.
    pub cpu: Duration,
    /// Octets they had written to storage, in whole pages; the file system's journal is not among them.
    pub written: u64,
}

impl Usage {
    /// Of all these processes together; one that is gone counts nothing.
    pub fn of(pids: &[u32]) -> Self {
        pids.iter().filter_map(|pid| one(*pid)).fold(Self::default(), |sum, one| Self {
            cpu: sum.cpu + one.cpu,
            written: sum.written + one.written,
        })
    }

    /// What was added since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            written: self.written.saturating_sub(before.written),
        }
    }
}

fn one(pid: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks and stands in parentheses before the state, which is field 3.
    let fields = stat.rsplit_once(") ")?.1.split_ascii_whitespace();
    let ticks: u64 = fields.skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()?;
    Some(Usage { cpu: Duration::from_millis(ticks * 1_000 / TICKS), written })
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Duration;

    use super::Usage;
    use crate::until;

    #[test]
    fn work_counts_and_who_is_gone_does_not() {
        let ours = [std::process::id(), u32::MAX];
        let before = Usage::of(&ours);
        let after = until("a tick of processor time", Duration::from_secs(30), || {
            black_box((0..black_box(3_000_000_u64)).sum::<u64>());
            let now = Usage::of(&ours);
            (now.cpu > before.cpu).then_some(now)
        });
        let spent = after.since(before).cpu;
        assert!(!spent.is_zero() && spent <= Duration::from_secs(30 * 64), "{spent:?}");
        assert_eq!(Usage::of(&[u32::MAX]), Usage::default());
    }
}
