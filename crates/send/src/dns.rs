//! TXT records, asked of the machine's resolvers (RFC 1035): for the key records of DKIM.
//!
//! A stub of a resolver: each server in turn, by UDP, and by TCP where the answer was cut. It believes what
//! the server says; nothing is decided by it but whether a key is used yet.

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// Octets of an answer by UDP that we have room for; we say nothing of it, so a server sends 512.
const DATAGRAM: usize = 4096;
/// How long one server may take for one question, as resolv.conf(5) has it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Records of one name that are looked at.
const MAX_RECORDS: usize = 32;

/// Why nothing is known of a name. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    #[error("{0:?} is no name that DNS knows")]
    Name(String),
    #[error("no DNS server is known; /etc/resolv.conf names none")]
    NoServer,
    #[error("the DNS server {server} does not answer: {cause}")]
    Server { server: SocketAddr, cause: String },
}

/// The texts of the TXT records at a name, the strings of each joined; empty: there are none.
///
/// # Errors
/// No server gave an answer; the cause is the last one's.
pub async fn txt(servers: &[SocketAddr], name: &str) -> Result<Vec<String>, DnsError> {
    let mut last = DnsError::NoServer;
    for server in servers {
        let id = id(*server)?;
        let question = question(id, name).map_err(|_| DnsError::Name(name.to_owned()))?;
        let failed = |cause: String| DnsError::Server { server: *server, cause };
        match timeout(PATIENCE, ask(*server, id, &question)).await {
            Ok(Ok(records)) => return Ok(records),
            Ok(Err(error)) => last = failed(error.to_string()),
            Err(_) => last = failed(format!("nothing came within {} s", PATIENCE.as_secs())),
        }
    }
    Err(last)
}

/// Hard to guess, so that a stranger's datagram is not taken for the answer (RFC 5452).
fn id(server: SocketAddr) -> Result<u16, DnsError> {
    let mut octets = [0; 2];
    let failed = |_| DnsError::Server { server, cause: "there is no random source".into() };
    aws_lc_rs::rand::fill(&mut octets).map_err(failed)?;
    Ok(u16::from_be_bytes(octets))
}

fn question(id: u16, name: &str) -> Result<Vec<u8>, simple_dns::SimpleDnsError> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let (kind, class) = (QTYPE::TYPE(TYPE::TXT), QCLASS::CLASS(CLASS::IN));
    packet.questions.push(Question::new(Name::new(name)?, kind, class, false));
    packet.build_bytes_vec()
}

async fn ask(server: SocketAddr, id: u16, question: &[u8]) -> io::Result<Vec<String>> {
    let here =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind::<SocketAddr>(here).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut room = vec![0; DATAGRAM];
    loop {
        let octets = socket.recv(&mut room).await?;
        match read_answer(room.get(..octets).unwrap_or_default(), id) {
            // Not the answer to our question: somebody guesses.
            Answer::Foreign => {}
            Answer::Cut => return ask_by_tcp(server, id, question).await,
            Answer::Records(records) => return Ok(records),
            Answer::Failed(cause) => return Err(io::Error::other(cause)),
        }
    }
}

async fn ask_by_tcp(server: SocketAddr, id: u16, question: &[u8]) -> io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    match read_answer(&answer, id) {
        Answer::Records(records) => Ok(records),
        Answer::Failed(cause) => Err(io::Error::other(cause)),
        Answer::Foreign | Answer::Cut => {
            Err(io::Error::other("the answer by TCP is not one to our question"))
        }
    }
}

/// What a packet says to a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The texts at the name; empty: none.
    Records(Vec<String>),
    /// More than fits a datagram.
    Cut,
    /// The server cannot say; why.
    Failed(String),
    /// It is no answer to a question with this id.
    Foreign,
}

/// Reads a packet as the answer to the question with this id; any bytes may be given.
pub fn read_answer(packet: &[u8], id: u16) -> Answer {
    let Ok(packet) = Packet::parse(packet) else { return Answer::Foreign };
    if packet.id() != id || !packet.has_flags(PacketFlag::RESPONSE) {
        return Answer::Foreign;
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Answer::Cut;
    }
    match packet.rcode() {
        RCODE::NameError => return Answer::Records(Vec::new()),
        RCODE::NoError => {}
        other => return Answer::Failed(format!("it says {other:?}")),
    }
    let texts = packet.answers.into_iter().filter_map(|record| match record.rdata {
        RData::TXT(text) => String::try_from(text).ok(),
        _ => None,
    });
    Answer::Records(texts.take(MAX_RECORDS).collect())
}

#[cfg(test)]
mod tests;
