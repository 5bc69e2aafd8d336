//! A program and what it started: killed together, always waited for.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::ExitStatus;
use tokio::process::Child;

/// The leader of a process group of its own.
#[derive(Debug)]
pub(crate) struct Group {
    /// `None` only while it is dropped.
    leader: Option<Child>,
}

impl Group {
    pub(crate) fn new(leader: Child) -> Self {
        Self { leader: Some(leader) }
    }

    /// Waits for the leader; may be dropped and called again.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match &mut self.leader {
            Some(leader) => leader.wait().await,
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Kills all of the group. Nothing once the leader was waited for: its number may be another's by then.
    pub(crate) fn kill(&self) {
        let id = self.leader.as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw)
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, "the group was gone before it could be killed");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        let Some(mut leader) = self.leader.take().filter(|leader| leader.id().is_some()) else { return };
        // Without a runtime we are ending ourselves, and init waits for it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { leader.wait().await });
        }
    }
}
