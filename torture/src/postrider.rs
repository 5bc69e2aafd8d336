//! The service under torture, as an operator runs it.

use crate::wait::until;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use testkit::{Api, free_port};

/// A start and an answer must come within this.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Service {
    binary: PathBuf,
    folder: TempDir,
    child: Option<Child>,
    /// A library loaded before all others.
    preload: Option<PathBuf>,
    pub(crate) api: Api,
    pub(crate) smtp: u16,
}

impl Service {
    /// Writes the settings and makes a key; nothing runs yet.
    pub(crate) fn new(binary: &Path, data: &Path, relay: u16, preload: Option<&Path>) -> Result<Self> {
        let (folder, http, smtp) = (TempDir::new()?, free_port(), free_port());
        let settings = format!(
            "[mailer]\nENABLED = true\nFROM = a@example.com\nPROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\n\
             SMTP_PORT = {relay}\n[postrider]\nDATA_DIR = {}\n[postrider.http]\nLISTEN = 127.0.0.1:{http}\n\
             [postrider.smtp]\nLISTEN = 127.0.0.1:{smtp}\nALLOW_LOCAL = true\n\
             [postrider.queue]\nRETRY = 1s\n",
            data.display()
        );
        std::fs::write(folder.path().join("app.ini"), settings)?;
        let api = Api { address: SocketAddr::from((Ipv4Addr::LOCALHOST, http)), key: String::new() };
        let preload = preload.map(Path::to_owned);
        let mut service = Self { binary: binary.to_owned(), folder, child: None, preload, api, smtp };
        let mut create = Command::new(&service.binary);
        service.flags(create.args(["key", "create", "--json", "--name", "torture"]));
        let output = create.output().context("the binary does not start")?;
        if !output.status.success() {
            bail!("key create: {}", String::from_utf8_lossy(&output.stderr));
        }
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        service.api.key =
            answer.get("key").and_then(Value::as_str).context("no key in the answer")?.to_owned();
        Ok(service)
    }

    fn flags(&self, command: &mut Command) {
        command.arg("--config").arg(self.folder.path().join("app.ini")).stdin(Stdio::null());
    }

    /// Starts it, under strace with this `inject` when there is one, and waits until it answers.
    /// `false`: it died first, as an injected fault may have it.
    pub(crate) fn start(&mut self, inject: Option<&str>) -> Result<bool> {
        let mut command = match inject {
            None => Command::new(&self.binary),
            Some(inject) => {
                let mut command = Command::new("strace");
                // With -D the service stays our child and the tracer hangs beside it.
                command.args([
                    "-D",
                    "-f",
                    "--seccomp-bpf",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-e",
                    "trace=fdatasync,fsync",
                ]);
                command.arg("-e").arg(format!("inject=fdatasync,fsync:{inject}")).arg(&self.binary);
                command
            }
        };
        self.flags(command.arg("serve"));
        if let Some(library) = &self.preload {
            command.env("LD_PRELOAD", library);
        }
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn().with_context(|| format!("{command:?}"))?);
        let api = self.api.clone();
        let answer = until("an answer of the service", PATIENCE, || {
            if self.has_died()? {
                return Ok(Some(false));
            }
            Ok(api.get("/livez").is_ok_and(|answer| answer.status == 200).then_some(true))
        });
        match answer {
            Ok(false) if inject.is_none() => bail!("the service does not start\n{}", self.log()),
            other => other,
        }
    }

    pub(crate) fn has_died(&mut self) -> Result<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_some(),
            None => true,
        })
    }

    /// Stops every thread where it is, once its system call is over.
    pub(crate) fn freeze(&mut self) -> Result<()> {
        let child = self.child.as_ref().context("nothing runs")?;
        kill_process(Pid::from_child(child), Signal::STOP)?;
        let tasks = PathBuf::from(format!("/proc/{}/task", child.id()));
        until("all threads to stand still", PATIENCE, || {
            let mut states = Vec::new();
            for task in std::fs::read_dir(&tasks)? {
                let stat = std::fs::read_to_string(task?.path().join("stat")).unwrap_or_default();
                // The name may hold blanks and stands in parentheses before the state.
                states.push(stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T')));
            }
            Ok(states.iter().all(|stopped| *stopped).then_some(()))
        })
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(30)).flat_map(|line| [*line, "\n"]).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Nothing is left to tell that it could not be ended.
        drop(self.kill());
    }
}
