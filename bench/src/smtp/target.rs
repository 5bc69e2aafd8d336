//! Where the mails go: the sink and a real Postfix that drops them, at once or behind a line of 20 ms.

use crate::order::Order;
use crate::postfix::Postfix;
use crate::sink::Sink;
use crate::{Certificate, delay};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const ROUND_TRIP: Duration = Duration::from_millis(20);
/// Postfix takes all and drops it before the queue: neither its disk nor its deliveries are measured.
const DROPS: &str =
    "smtpd_end_of_data_restrictions = check_client_access static:DISCARD\nin_flow_delay = 0\n";

#[derive(Clone)]
pub struct Cell {
    pub name: String,
    port: u16,
    ca: Option<PathBuf>,
    user: Option<(String, String)>,
    pub connections: usize,
    server: Server,
}

/// Lives as long as a cell of it.
#[derive(Clone)]
#[allow(dead_code, reason = "held to be dropped")]
enum Server {
    Sink(Arc<Sink>, Arc<tempfile::TempDir>),
    Postfix(Arc<Postfix>),
}

impl Cell {
    pub fn in_tls(&self) -> bool {
        self.ca.is_some()
    }

    /// Mails the sink took so far; Postfix does not count.
    pub fn taken(&self) -> Option<u64> {
        if let Server::Sink(sink, _) = &self.server { Some(sink.count()) } else { None }
    }

    pub fn order(&self, warm: usize, count: usize) -> Order {
        let (port, ca, user) = (self.port, self.ca.clone(), self.user.clone());
        Order { port, ca, user, connections: self.connections, warm, count }
    }
}

pub fn cells(peers: &Path) -> Result<Vec<Cell>> {
    anyhow::ensure!(peers.join("postfix").exists(), "no Postfix in {}", peers.display());
    let folder = Arc::new(tempfile::tempdir()?);
    let certificate = Certificate::new();
    let (ca, _) = certificate.write(folder.path());
    let config = Arc::clone(certificate.acceptor().config());
    let mut cells = Vec::new();
    for (name, quick, tls) in [
        ("sink, plain", true, None),
        ("sink, TLS", true, Some(config)),
        ("sink that delays ACKs, plain", false, None),
    ] {
        let ca = tls.is_some().then(|| ca.clone());
        let sink = Sink::start(quick, tls)?;
        let server = Server::Sink(Arc::clone(&sink), Arc::clone(&folder));
        cells.extend(four(name, sink.port(), ca, None, &server, quick)?);
    }
    let postfix = Arc::new(Postfix::start_with(DROPS));
    let server = Server::Postfix(Arc::clone(&postfix));
    cells.extend(four("Postfix, plain", postfix.smtp_port(), None, None, &server, true)?);
    let user = Some((Postfix::USER.to_owned(), Postfix::PASSWORD.to_owned()));
    let ca = Some(postfix.certificate());
    cells.extend(four("Postfix, TLS", postfix.smtps_port(), ca, user, &server, true)?);
    Ok(cells)
}

/// One and ten connections, near and, if asked, `far`.
fn four(
    name: &str,
    port: u16,
    ca: Option<PathBuf>,
    user: Option<(String, String)>,
    server: &Server,
    far: bool,
) -> Result<Vec<Cell>> {
    let behind = delay::start(port, ROUND_TRIP).context("no line")?;
    let mut cells = Vec::new();
    for (time, port) in [("0 ms", port), ("20 ms", behind)] {
        for connections in [1, 10] {
            let name = format!("{name}, {connections} × {time}");
            let (ca, user) = (ca.clone(), user.clone());
            cells.push(Cell { name, port, ca, user, connections, server: server.clone() });
        }
    }
    cells.truncate(if far { 4 } else { 2 });
    Ok(cells)
}
