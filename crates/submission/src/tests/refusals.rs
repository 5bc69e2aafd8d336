//! Who may send, as whom, and what the library's errors become.

use super::*;
use crate::client::Client as Served;
use crate::connection::{Connection, Peer};
use postrider::FieldError;

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// A session with a peer from wherever we like.
fn from(peer: Peer, house: &Arc<House>, settings: SubmissionSettings) -> Client {
    let (near, far) = tokio::io::duplex(1 << 16);
    let connection = Connection::new(far, settings.timeouts);
    let served = Served::new(house.clone(), Arc::new(settings), peer);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        served.run(connection, stopped).await;
        drop(stop);
    });
    Client::over(near)
}

#[tokio::test]
async fn this_is_no_open_relay() {
    let house = Arc::new(House::new());
    let check = async |peer: Peer, allow_local: bool, open: bool, want: &str| {
        let mut client = from(peer, &house, SubmissionSettings { allow_local, open, ..settings() });
        client.check(&[("", "220"), ("EHLO c", "250"), ("MAIL FROM:<a@b.c>", want)]).await;
        let want = if want == "250" { want } else { "503" };
        client.check(&[("RCPT TO:<d@e.f>", want)]).await;
    };
    let (near, far) = (Peer::Tcp("127.0.0.1".parse().unwrap()), Peer::Tcp("192.0.2.1".parse().unwrap()));
    let mapped = Peer::Tcp("::ffff:127.0.0.1".parse().unwrap());
    for peer in [near, mapped, Peer::Unix] {
        check(peer, false, false, "530").await;
        check(peer, true, false, "250").await;
        check(peer, false, true, "250").await;
    }
    for (allow_local, open) in [(false, false), (true, false), (false, true), (true, true)] {
        check(far, allow_local, open, "530").await;
    }
    let mut client = from(far, &house, settings());
    client.check(&[("", "220"), ("EHLO c", "250"), ("AUTH PLAIN AHRpbQB4", "538")]).await;
}

#[tokio::test]
async fn a_key_sends_what_it_may() {
    let bound = NewKey { from_domains: vec!["a.example".into()], ..NewKey::named("tim", NOW) };
    let read = NewKey { scopes: vec![KeyScope::Read], ..NewKey::named("tim", NOW) };
    let check = async |key: NewKey, from: &str, want: &str| {
        let house = House::with_key(key);
        let password = house.key.clone();
        let door = open(house, SubmissionSettings { allow_local: false, ..settings() }).await;
        let mut client = door.client().await;
        client.check(&[("", "220"), ("EHLO c", "250"), ("AUTH LOGIN dGlt", "334")]).await;
        client.check(&[(&base64(&password), "235"), (&format!("MAIL FROM:<{from}>"), want)]).await;
    };
    check(bound.clone(), "x@a.example", "250").await;
    check(bound.clone(), "x@A.EXAMPLE", "250").await;
    check(bound.clone(), "", "250").await;
    check(bound, "x@b.example", "550 5.7.1").await;
    check(read, "x@a.example", "550 5.7.1").await;
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let door = open(House::new(), SubmissionSettings { allow_local: false, ..settings() }).await;
    let mut client = door.client().await;
    let right = base64(&format!("\0tim\0{}", door.house.key));
    client.check(&[("", "220"), ("EHLO c", "250"), ("AUTH PLAIN AHRpbQB4", "535 5.7.8")]).await;
    client.check(&[("AUTH PLAIN AHh4AHg=", "535 5.7.8"), ("MAIL FROM:<>", "530")]).await;
    client.check(&[(&format!("AUTH PLAIN {right}"), "235"), ("MAIL FROM:<>", "250")]).await;
}

#[tokio::test]
async fn a_refused_message_is_told_and_the_next_is_taken() {
    let door = open(House::new(), settings()).await;
    let mut client = door.client().await;
    client.check(&OPENING).await;
    let check = async |client: &mut Client, error: SubmitError, want: &str| {
        *door.house.refuse.lock().unwrap() = Some(error);
        client.check(&[("DATA", "354"), ("x\r\n.", want)]).await;
        client.check(&OPENING[2..]).await;
    };
    let mistake = FieldError { field: "raw".into(), problem: "no From".into() };
    check(&mut client, SubmitError::Invalid(vec![mistake]), "554 5.6.0 raw: no From").await;
    check(&mut client, SubmitError::Store("/dev/sda on fire".into()), "451 4.3.0 Cannot store mail").await;
    client.check(&[("DATA", "354"), ("x\r\n.", "250 2.0.0 Ok: queued as 0000")]).await;
    let taken = door.house.taken.lock().unwrap();
    assert_eq!(taken.len(), 1);
    let (caller, raw) = &taken[0];
    assert_eq!((&*raw.raw, raw.accept_bare_lf), (&b"x\r\n"[..], false));
    let came = raw.received.as_ref().unwrap();
    assert_eq!((came.from.as_str(), came.with.as_str()), ("from c.test ([127.0.0.1])", "with ESMTP"));
    assert_eq!((caller.door, &caller.key_id), (Door::Smtp, &None));
}

/// Enough of base64 for a test: RFC 4648 4.
pub(super) fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let at = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize];
            out.push(if n > three.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

/// Guesses are counted over all connections, and the right password does not get in either, once
/// they are too many.
#[tokio::test]
async fn b6_100_guessing_is_held_up_over_connections() {
    let door = open(House::new(), settings()).await;
    let right = base64(&format!("\0tim\0{}", door.house.key));
    for _ in 0..10 {
        let mut client = door.client().await;
        client.check(&[("", "220"), ("EHLO c", "250"), ("AUTH PLAIN AHRpbQB4", "535 5.7.8")]).await;
    }
    let mut client = door.client().await;
    client.check(&[("", "220"), ("EHLO c", "250"), ("AUTH PLAIN AHRpbQB4", "454 4.7.0")]).await;
    client
        .check(&[(&format!("AUTH PLAIN {right}"), "454 4.7.0"), ("AUTH PLAIN AGFubgB4", "535 5.7.8")])
        .await;
}
