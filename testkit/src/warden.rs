//! Ends a server whose test process is gone: a static is never dropped, nor is anything after a kill.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::Pid;

/// Runs as `sh -c SCRIPT sh GROUP FOLDER`. The pipe it reads from ends with the process that holds its other end;
/// a line on it says that there is nothing left to do.
const SCRIPT: &str = "\
read -r _ && exit
kill -s KILL -- \"-$1\"
rm -rf -- \"$2\"
";

/// A shell that waits for our end. Stood down when dropped.
#[derive(Debug)]
pub(crate) struct Warden {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Warden {
    /// Of a process group that this process made and has not yet waited for, and of the folder it leaves.
    pub(crate) fn over(group: Pid, folder: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh", &group.as_raw_nonzero().to_string()]).arg(folder);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // not reached by the interrupt key, which ends the tests
        let mut shell = shell.process_group(0).spawn().expect("sh starts");
        let pipe = shell.stdin.take();
        Warden { shell, pipe }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            // gone already is what is wanted
            let _gone = pipe.write_all(b"\n").is_err();
        }
        self.shell.wait().expect("our child");
    }
}
