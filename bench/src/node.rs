//! nodemailer in a process of its own: an order a line, an answer a line.

use crate::cases::Case;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Node {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// Starts the script in the folder where its packages are installed.
    pub fn start(script: &Path, cases: &[Case]) -> Result<Self> {
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        let orders = child.stdin.take().context("no stdin")?;
        let answers = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut node = Self { child, orders, answers };
        node.ask(&Value::Array(cases.iter().map(Case::to_json).collect()))?;
        Ok(node)
    }

    fn ask(&mut self, order: &Value) -> Result<Value> {
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("node answered {line:?}"))
    }

    /// CPU microseconds of `count` runs; `what` is `mail` or `text`.
    pub fn run(&mut self, what: &str, case: usize, count: u32) -> Result<f64> {
        self.ask(&json!([what, case, count]))?.as_f64().context("no figure")
    }

    /// The mail itself.
    pub fn show(&mut self, case: usize) -> Result<Vec<u8>> {
        let hex = self.ask(&json!(["show", case, 1]))?;
        let hex = hex.as_str().context("no mail")?.as_bytes();
        let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
        hex.chunks_exact(2)
            .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
            .collect::<Option<_>>()
            .context("no hex")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
