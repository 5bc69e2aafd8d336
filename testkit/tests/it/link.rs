//! The link between a client and a server: what passes, what waits, what is lost.

use std::time::Duration;
use testkit::{Flavour, Link, Redis, RedisConnection, Reply, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// What the client was told and the count afterwards, which began at 1.
#[track_caller]
fn check(prepare: fn(&Link), told: Option<i64>, counted: &str) {
    let redis = Redis::shared(Flavour::Redis);
    let key = format!("link-{}", redis.database());
    let link = Link::to(redis.port());
    let mut connection = RedisConnection::open(link.port()).unwrap();
    assert_eq!(connection.command(&["INCR", &key]).unwrap(), Reply::Integer(1));
    assert_eq!((link.connections(), link.lost()), (1, 0));
    prepare(&link);
    assert_eq!(connection.command(&["INCR", &key]).ok(), told.map(Reply::Integer));
    assert_eq!(link.lost(), u64::from(told.is_none()));
    assert_eq!(redis.command(&["GET", &key]).text(), counted);
    if told.is_some() {
        link.heal();
    }
    let mut next = RedisConnection::open(link.port()).unwrap();
    assert_eq!(next.command(&["GET", &key]).unwrap().text(), counted, "one loss only");
}

#[test]
fn what_is_to_be_lost_is_lost_once() {
    check(|_| {}, Some(2), "2");
    check(|link| link.lose_reply_after(0), None, "2");
    check(|link| link.lose_reply_after(3), None, "2");
    check(|link| link.lose_reply_after(4), Some(2), "2");
    check(|link| link.lose_reply_to("INCR"), None, "2");
    check(|link| link.lose_reply_to("DECR"), Some(2), "2");
    check(|link| link.lose_request("INCR"), None, "1");
    check(
        |link| {
            link.lose_request("INCR");
            link.heal();
        },
        Some(2),
        "2",
    );
}

#[test]
fn nothing_passes_a_cut_link_until_it_is_healed() {
    let redis = Redis::start(Flavour::Redis);
    let link = Link::to(redis.port());
    let mut before = RedisConnection::open(link.port()).unwrap();
    assert_eq!(before.command(&["PING"]).unwrap().text(), "PONG");
    link.cut();
    before.send(&["INCR", "x"]).unwrap();
    let mut meanwhile = RedisConnection::open(link.port()).unwrap();
    meanwhile.send(&["INCR", "x"]).unwrap();
    // the server ends all connections, and even that is not heard of
    redis.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    before.within(std::time::Duration::from_millis(50));
    let waited = before.reply().unwrap_err();
    assert!(
        matches!(waited.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
        "{waited}"
    );
    assert_eq!(redis.command(&["GET", "x"]), Reply::Nil);
    link.heal();
    assert!(before.reply().is_err(), "its end has come through");
}

#[test]
fn what_was_said_over_a_cut_link_arrives_when_it_is_healed() {
    let redis = Redis::start(Flavour::Redis);
    let link = Link::to(redis.port());
    link.cut();
    let mut connection = RedisConnection::open(link.port()).unwrap();
    connection.send(&["INCR", "x"]).unwrap();
    assert_eq!(redis.command(&["GET", "x"]), Reply::Nil);
    link.heal();
    assert_eq!(connection.reply().unwrap(), Reply::Integer(1));
}

#[test]
fn a_severed_link_refuses_until_it_is_healed() {
    let redis = Redis::start(Flavour::Redis);
    let link = Link::to(redis.port());
    for _ in 0..3 {
        let mut connection = RedisConnection::open(link.port()).unwrap();
        assert_eq!(connection.command(&["PING"]).unwrap().text(), "PONG");
        link.sever();
        assert!(connection.command(&["PING"]).is_err());
        // A program that another test starts just now has the socket, too, until it is that program.
        until("connections are refused", PATIENCE, || {
            let refused = RedisConnection::open(link.port()).err()?;
            (refused.kind() == std::io::ErrorKind::ConnectionRefused).then_some(())
        });
        link.heal();
    }
}

#[test]
fn a_link_to_nobody_closes_and_leads_to_who_comes_later() {
    let mut redis = Redis::start(Flavour::Valkey);
    let link = Link::to(redis.port());
    redis.kill();
    assert!(RedisConnection::open(link.port()).unwrap().command(&["PING"]).is_err());
    redis.restart();
    assert_eq!(RedisConnection::open(link.port()).unwrap().command(&["PING"]).unwrap().text(), "PONG");
}
