//! TXT records asked of servers that do as the test says.

use super::*;
use simple_dns::ResourceRecord;
use simple_dns::rdata::{CNAME, TXT};
use tokio::net::TcpListener;

/// The answer to a question, made by `fill`.
fn answer(question: &[u8], fill: impl FnOnce(&mut Packet<'_>)) -> Vec<u8> {
    let asked = Packet::parse(question).unwrap();
    let mut packet = asked.into_reply();
    fill(&mut packet);
    packet.build_bytes_vec().unwrap()
}

fn add(packet: &mut Packet<'_>, name: &'static str, data: RData<'static>) {
    packet.answers.push(ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 60, data));
}

fn text(strings: &[&'static str]) -> RData<'static> {
    let mut record = TXT::new();
    for string in strings {
        record.add_string(string).unwrap();
    }
    RData::TXT(record)
}

/// A server that gives these datagrams for the one question it is asked, and over TCP `by_tcp`.
async fn server(
    datagrams: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    by_tcp: Option<fn(&mut Packet<'_>)>,
) -> SocketAddr {
    // The same port for both; one that is taken for TCP is tried again.
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let at = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut room = [0; 512];
        let (octets, who) = udp.recv_from(&mut room).await.unwrap();
        for datagram in datagrams(&room[..octets]) {
            udp.send_to(&datagram, who).await.unwrap();
        }
        if let Some(fill) = by_tcp {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let answer = answer(&question, fill);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    at
}

const NAME: &str = "s1._domainkey.x.example";

#[tokio::test]
async fn strings_of_a_record_are_joined_and_aliases_followed() {
    let at = server(
        |asked| {
            vec![answer(asked, |packet| {
                add(packet, NAME, RData::CNAME(CNAME(Name::new_unchecked("other.example"))));
                add(packet, "other.example", text(&["v=DKIM1; ", "p=abc"]));
                add(packet, "other.example", text(&["second"]));
            })]
        },
        None,
    )
    .await;
    assert_eq!(txt(&[at], NAME).await.unwrap(), ["v=DKIM1; p=abc", "second"]);
}

#[tokio::test]
async fn a_name_without_records_has_none() {
    for code in [RCODE::NameError, RCODE::NoError] {
        let at = server(move |asked| vec![answer(asked, |packet| *packet.rcode_mut() = code)], None).await;
        assert_eq!(txt(&[at], NAME).await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn a_cut_answer_is_asked_for_by_tcp() {
    let cut = |packet: &mut Packet<'_>| packet.set_flags(PacketFlag::TRUNCATION);
    let at = server(move |asked| vec![answer(asked, cut)], Some(|p| add(p, NAME, text(&["whole"])))).await;
    assert_eq!(txt(&[at], NAME).await.unwrap(), ["whole"]);
}

#[tokio::test]
async fn datagrams_of_strangers_are_passed_over() {
    let at = server(
        |asked| {
            let good = answer(asked, |packet| add(packet, NAME, text(&["good"])));
            let mut other_id = answer(asked, |packet| add(packet, NAME, text(&["bad"])));
            other_id[0] ^= 1;
            vec![b"junk".to_vec(), other_id, asked.to_vec(), good]
        },
        None,
    )
    .await;
    assert_eq!(txt(&[at], NAME).await.unwrap(), ["good"]);
}

#[tokio::test]
async fn the_next_server_is_asked_where_one_fails() {
    let failing = server(|asked| vec![answer(asked, |p| *p.rcode_mut() = RCODE::ServerFailure)], None).await;
    let good = server(|asked| vec![answer(asked, |p| add(p, NAME, text(&["yes"])))], None).await;
    assert_eq!(txt(&[failing, good], NAME).await.unwrap(), ["yes"]);
    let failing = server(|asked| vec![answer(asked, |p| *p.rcode_mut() = RCODE::Refused)], None).await;
    let error = txt(&[failing], NAME).await.unwrap_err().to_string();
    assert!(error.contains("Refused"), "{error}");
    assert!(matches!(txt(&[], NAME).await, Err(DnsError::NoServer)));
    assert!(matches!(txt(&[good], &"x".repeat(300)).await, Err(DnsError::Name(_))));
}
