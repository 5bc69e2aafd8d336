//! Running the binary to its end, and `dev` until the test is over.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use testkit::Api;

pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_postrider"))
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a verb with this on stdin; nothing of the tests' own environment names settings.
pub(crate) fn run(arguments: &[&str], stdin: &str) -> Ended {
    let mut child = Command::new(binary())
        .args(arguments)
        .env_remove("POSTRIDER_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // A verb that refuses its flags reads no stdin.
    drop(child.stdin.take().expect("piped").write_all(stdin.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder with a settings file.
pub(crate) fn settings(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}

/// `dev` on free ports.
pub(crate) struct Dev {
    child: Child,
    pub(crate) api: Api,
    pub(crate) smtp: String,
    pub(crate) data: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Dev {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().to_owned();
        let mut dev = Self::launch(&["--data", data.to_str().expect("UTF-8")], &std::env::temp_dir());
        (dev.data, dev._folder) = (data, Some(folder));
        dev
    }

    /// With flags of one's own, and with this folder for temporary files.
    pub(crate) fn launch(flags: &[&str], temporary: &Path) -> Self {
        let mut child = Command::new(binary())
            .args(["dev", "--json", "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"])
            .args(flags)
            .env("TMPDIR", temporary)
            .stdout(Stdio::piped())
            .spawn()
            .expect("dev starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("JSON on the first line");
        let text = |key: &str| ready[key].as_str().expect("a text").to_owned();
        let address = text("api").trim_start_matches("http://").parse().expect("an address");
        assert_eq!(text("console"), format!("http://{address}/"));
        let api = Api { address, key: text("key") };
        Self { child, api, smtp: text("smtp"), data: PathBuf::new(), _folder: None }
    }

    /// SIGTERM; the exit code, and what was printed after the first line.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("our child");
        let mut rest = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut rest).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), rest)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Already ended where the test stopped it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
