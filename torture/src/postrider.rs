//! The service under torture, as an operator runs it.

use crate::clients::Door;
use crate::plan::Plan;
use crate::subject::{Inject, Said, Subject};
use crate::wait::until;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
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
    /// libfaketime, for a clock that is set.
    faketime: Option<PathBuf>,
    api: Api,
    smtp: u16,
}

impl Service {
    /// Writes the settings and makes a key; nothing runs yet. `mailer`: more lines of `[mailer]`, each with its
    /// end; `sections`: more sections.
    pub(crate) fn new(plan: &Plan, data: &Path, relay: u16, mailer: &str, sections: &str) -> Result<Self> {
        let (folder, http, smtp) = (TempDir::new()?, free_port(), free_port());
        let settings = format!(
            "[mailer]\nENABLED = true\nFROM = a@example.com\nPROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\n\
             SMTP_PORT = {relay}\n{mailer}[postrider]\nDATA_DIR = {}\n[postrider.http]\nLISTEN = 127.0.0.1:{http}\n\
             [postrider.smtp]\nLISTEN = 127.0.0.1:{smtp}\nALLOW_LOCAL = true\n\
             [postrider.queue]\nRETRY = 1s\n{sections}",
            data.display()
        );
        std::fs::write(folder.path().join("app.ini"), settings)?;
        let api = Api { address: SocketAddr::from((Ipv4Addr::LOCALHOST, http)), key: String::new() };
        let (binary, preload, faketime) = (plan.binary.clone(), plan.control.clone(), plan.faketime.clone());
        let mut service = Self { binary, folder, child: None, preload, faketime, api, smtp };
        let mut create = Command::new(&service.binary);
        // Nodes of one queue share their keys.
        let name = format!("torture-{http}");
        service.flags(create.args(["key", "create", "--json", "--name", &name]));
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

    /// Sets the wall clock of a service that was started with `Inject::Clock`, by so many hours from the true one.
    fn set_clock(&self, hours: i64) -> Result<PathBuf> {
        let (path, new) = (self.folder.path().join("clock"), self.folder.path().join("clock.new"));
        std::fs::write(&new, format!("{hours:+}h\n"))?;
        std::fs::rename(new, &path)?;
        Ok(path)
    }

    /// The program, under strace or with a clock of its own where that is asked for.
    fn command(&self, with: &Inject) -> Result<Command> {
        let mut command = match with {
            Inject::Calls(calls, how) => {
                let mut command = Command::new("strace");
                // With -D the service stays our child and the tracer hangs beside it.
                command.args(["-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e"]);
                command.arg(format!("trace={calls}")).arg("-e").arg(format!("inject={calls}:{how}"));
                command.arg(&self.binary);
                command
            }
            Inject::Nothing | Inject::Clock | Inject::Skew(_) => Command::new(&self.binary),
        };
        self.flags(command.arg("serve"));
        if let Some(library) = &self.preload {
            command.env("LD_PRELOAD", library);
        }
        match with {
            // The file is read at every look.
            Inject::Clock => {
                let file = self.set_clock(0)?;
                self.fake(&mut command)?.env("FAKETIME_TIMESTAMP_FILE", file).env("FAKETIME_NO_CACHE", "1");
            }
            Inject::Skew(seconds) => {
                self.fake(&mut command)?.env("FAKETIME", format!("{seconds:+}"));
            }
            Inject::Nothing | Inject::Calls(..) => {}
        }
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Steady clocks stay steady.
    fn fake<'a>(&self, command: &'a mut Command) -> Result<&'a mut Command> {
        command.env("LD_PRELOAD", self.faketime.as_ref().context("a clock wants --faketime LIB")?);
        Ok(command.envs([("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1")]))
    }

    /// Starts it and waits for nothing.
    pub(crate) fn spawn(&mut self, with: &Inject) -> Result<()> {
        let mut command = self.command(with)?;
        self.child = Some(command.spawn().with_context(|| format!("{command:?}"))?);
        Ok(())
    }

    pub(crate) fn answers(&self) -> bool {
        self.api.get("/livez").is_ok_and(|answer| answer.status == 200)
    }

    pub(crate) fn whole_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// SIGTERM asks for its end, SIGCONT ends a SIGSTOP.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().context("nothing runs")?;
        Ok(kill_process(Pid::from_child(child), signal)?)
    }
}

impl Subject for Service {
    fn doors(&self) -> [Door; 2] {
        [Door::Smtp(self.smtp), Door::Http(self.api.clone())]
    }

    fn start(&mut self, with: &Inject) -> Result<bool> {
        self.spawn(with)?;
        let answer = until("an answer of the service", PATIENCE, || {
            if self.has_died()? {
                return Ok(Some(false));
            }
            Ok(self.answers().then_some(true))
        });
        match answer {
            Ok(false) if !matches!(with, Inject::Calls(..)) => {
                bail!("the service does not start\n{}", self.log())
            }
            other => other,
        }
    }

    fn has_died(&mut self) -> Result<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_some(),
            None => true,
        })
    }

    fn freeze(&mut self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let child = self.child.as_ref().context("nothing runs")?;
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

    fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    fn clock(&mut self, hours: i64) -> Result<()> {
        self.set_clock(hours).map(drop)
    }

    fn unsettled(&self) -> Option<u64> {
        self.api.get("/queue").ok()?.json.get("unsettled")?.as_u64()
    }

    fn said(&self) -> Result<Option<BTreeMap<String, Said>>> {
        all(&self.api).map(Some)
    }

    fn log(&self) -> String {
        let text = self.whole_log();
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

/// All that the service knows, page by page.
fn all(api: &Api) -> Result<BTreeMap<String, Said>> {
    let (mut said, mut after) = (BTreeMap::new(), String::new());
    let mut connection = api.connect()?;
    loop {
        let answer = connection.call("GET", &format!("/emails?limit=100{after}"), b"")?;
        let rows = answer.json.get("data").and_then(Value::as_array).context("no list of mails")?;
        for row in rows {
            let text = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let is = Said {
                sent: text("status") == "sent",
                marked: row.get("possible_duplicate") == Some(&Value::Bool(true)),
            };
            said.insert(text("subject"), is);
        }
        match rows.last().and_then(|row| row.get("id")?.as_str()) {
            Some(last) if answer.json.get("has_more") == Some(&Value::Bool(true)) => {
                after = format!("&after={last}")
            }
            _ => return Ok(said),
        }
    }
}
