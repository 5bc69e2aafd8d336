//! A DNS server that knows the TXT records it is given.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use simple_dns::rdata::{RData, TXT};
use simple_dns::{CLASS, Packet, RCODE, ResourceRecord};

type Records = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// Answers until the test is over: every question is one about TXT.
#[derive(Debug)]
pub struct Dns {
    pub address: SocketAddr,
    records: Records,
}

impl Dns {
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let records = Records::default();
        let shared = records.clone();
        std::thread::spawn(move || {
            let mut room = [0; 512];
            while let Ok((octets, who)) = socket.recv_from(&mut room) {
                let answer = answer(&room[..octets], &shared);
                // Who asked may be gone.
                drop(socket.send_to(&answer, who));
            }
        });
        Dns { address, records }
    }

    /// From now on these are the texts at a name; none: the name does not exist.
    pub fn set(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(ToString::to_string).collect();
        self.records.lock().expect("no panic under the lock").insert(name.to_owned(), texts);
    }
}

fn answer(question: &[u8], records: &Records) -> Vec<u8> {
    let asked = Packet::parse(question).expect("a question");
    let name = asked.questions[0].qname.clone();
    let known = records.lock().expect("no panic under the lock").get(&name.to_string()).cloned();
    let known = known.unwrap_or_default();
    let mut reply = asked.into_reply();
    if known.is_empty() {
        *reply.rcode_mut() = RCODE::NameError;
    }
    for text in &known {
        let text = TXT::try_from(text.as_str()).expect("a text");
        reply.answers.push(ResourceRecord::new(name.clone(), CLASS::IN, 60, RData::TXT(text)));
    }
    reply.build_bytes_vec().expect("an answer")
}
