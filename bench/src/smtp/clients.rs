//! The clients that are compared, each started as a process of its own.

mod lettre;
mod mail_send;
mod ours;
mod process;

use crate::order::{Figures, Order};
use crate::target::Cell;
use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How a client is started.
#[derive(Debug, Clone)]
pub enum Start {
    /// This program again.
    Rust(&'static str),
    /// node, the script, the folder of the mails.
    Node(PathBuf, PathBuf),
    /// smtp-source of this unpacked Postfix.
    Source(PathBuf),
}

#[derive(Debug, Clone)]
pub struct Contender {
    pub name: &'static str,
    start: Start,
    /// Mails on each connection before the clock starts.
    warm: usize,
    first: usize,
}

/// Ours first.
pub fn all(peers: &Path, node: Option<&Path>, mails: &Path) -> Result<Vec<Contender>> {
    let rust = |name, run| Contender { name, start: Start::Rust(run), warm: 3, first: 8 };
    // a relay earns its window by the mails it takes
    let mut all = vec![
        Contender { warm: 100, first: 200, ..rust("postrider", "ours") },
        Contender { warm: 20, first: 50, ..rust("postrider by DATA", "ours-data") },
        rust("lettre", "lettre"),
        rust("mail-send", "mail-send"),
    ];
    if let Some(folder) = node {
        let start = Start::Node(folder.join("nodemailer_smtp.mjs"), mails.to_owned());
        all.push(Contender { name: "nodemailer", start, warm: 10, first: 20 });
    }
    let start = Start::Source(peers.join("postfix"));
    all.push(Contender { name: "smtp-source", start, warm: 0, first: 8 });
    Ok(all)
}

impl Contender {
    pub fn warm(&self) -> usize {
        self.warm
    }

    pub fn first(&self) -> usize {
        self.first
    }

    pub fn is_rust(&self) -> Option<&'static str> {
        if let Start::Rust(run) = self.start { Some(run) } else { None }
    }

    pub fn sends_its_own(&self) -> bool {
        matches!(self.start, Start::Source(_))
    }

    /// smtp-source knows no TLS.
    pub fn can(&self, cell: &Cell) -> bool {
        !cell.in_tls() || !self.sends_its_own()
    }

    pub fn run(&self, order: &Order) -> Result<Figures> {
        match &self.start {
            Start::Rust(run) => process::rust(run, order),
            Start::Node(script, mails) => process::node(script, mails, order),
            Start::Source(package) => process::source(package, order),
        }
    }
}

/// In the client's process: sends, and says how long it took.
pub fn run(name: &str, order: &Order) -> Result<()> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok().context("TLS is set up once")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        match name {
            "ours" => timed(order, ours::Client::new(order, 8)?, ours::Client::send).await,
            "ours-data" => timed(order, ours::Client::new(order, 1)?, ours::Client::send).await,
            "lettre" => timed(order, lettre::Client::new(order)?, lettre::Client::send).await,
            "mail-send" => timed(order, mail_send::Client::new(order).await?, mail_send::Client::send).await,
            other => bail!("no client {other}"),
        }
    })?;
    println!("{} {}", figures.0, figures.1);
    Ok(())
}

/// Microseconds on the wall and of the processor for the mails that count.
async fn timed<C, F: Future<Output = Result<C>>>(
    order: &Order,
    client: C,
    send: impl Fn(C, usize) -> F,
) -> Result<(f64, f64)> {
    let client = send(client, order.warm).await?;
    let (cpu, begin) = (cpu_us(), Instant::now());
    let client = send(client, order.count).await?;
    let figures = (begin.elapsed().as_secs_f64() * 1e6, cpu_us() - cpu);
    drop(client);
    Ok(figures)
}

fn cpu_us() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

/// How many of `count` mails connection `n` of so many sends.
fn share(count: usize, connections: usize, n: usize) -> usize {
    count / connections + usize::from(n < count % connections)
}
