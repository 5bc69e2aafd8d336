//! Several nodes, each with a `state.db` of its own, over one Redis.

use super::super::{NewKey, Pause, StateDb, StateError};
use crate::redis::{RedisPlace, RedisTls, RedisWay};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use testkit::{Flavour, Redis, Sentinel};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn place(server: &Redis) -> RedisPlace {
    let queue = uuid::Uuid::now_v7().to_string();
    RedisPlace { queue, ..RedisPlace::tcp("127.0.0.1", server.port(), 0) }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn pause(relay: Option<&str>, why: &str) -> Pause {
    Pause { relay: relay.map(Into::into), why: why.into() }
}

fn names(db: &StateDb) -> Vec<String> {
    let mut names: Vec<String> = db.list().unwrap().into_iter().map(|key| key.name).collect();
    names.sort();
    names
}

/// Without a task that follows: as one who looks.
fn look(db: &StateDb) {
    db.refresh(db.truth.as_ref().unwrap()).unwrap();
}

/// What follows, told of each change, until the test ends.
async fn followed(db: StateDb) -> (Arc<StateDb>, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let (db, (tell, mut told)) = (Arc::new(db), tokio::sync::mpsc::unbounded_channel());
    let follower = db.clone().follow(move |_| {
        // A test that ended hears no more.
        let _gone = tell.send(());
    });
    tokio::spawn(follower);
    told.recv().await.unwrap();
    (db, told)
}

async fn until(told: &mut tokio::sync::mpsc::UnboundedReceiver<()>, what: &str, seen: impl Fn() -> bool) {
    let wait = async {
        while !seen() {
            told.recv().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("no {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_changes_counts_on_all() {
    for flavour in Flavour::ALL {
        let place = place(Redis::shared(flavour));
        let (one, two) = (folder(), folder());
        let one = StateDb::open_shared(one.path(), place.clone()).unwrap();
        let (two, mut told) = followed(StateDb::open_shared(two.path(), place).unwrap()).await;
        let made = one.create(&NewKey::named("web", NOW)).unwrap();
        until(&mut told, "key", || two.by_key(&made.key).is_some()).await;
        assert_eq!(two.by_name("web", &made.key).unwrap().id, made.id);
        assert_eq!(two.scram("web"), one.scram("web"));
        assert!(matches!(two.create(&NewKey::named("web", NOW)), Err(StateError::NameTaken(_))));
        one.pause(&pause(Some("a"), "why"), NOW).unwrap();
        until(&mut told, "pause", || two.pauses().unwrap() == [pause(Some("a"), "why")]).await;
        assert!(one.resume(Some("a")).unwrap() && !one.resume(Some("a")).unwrap());
        until(&mut told, "end of the pause", || two.pauses().unwrap().is_empty()).await;
        let later = Timestamp::from_second(9).unwrap();
        assert_eq!(one.revoke("web", later).unwrap().revoked_at, Some(later));
        until(&mut told, "revocation", || two.by_key(&made.key).is_none()).await;
        assert_eq!(two.revoke(&made.id, NOW).unwrap().revoked_at, Some(later), "the first time stays");
        two.create(&NewKey::named("web", NOW)).expect("the name is free again");
    }
}

#[test]
fn each_change_is_told_to_all() {
    let server = Redis::shared(Flavour::Redis);
    let (place, folder) = (place(server), folder());
    let db = StateDb::open_shared(folder.path(), place.clone()).unwrap();
    let mut ear = server.connect().unwrap();
    ear.command(&["SUBSCRIBE", &format!("{}state", place.prefix())]).unwrap();
    let changes: [&dyn Fn(); 4] = [
        &|| drop(db.create(&NewKey::named("web", NOW)).unwrap()),
        &|| drop(db.revoke("web", NOW).unwrap()),
        &|| db.pause(&pause(None, "all"), NOW).unwrap(),
        &|| assert!(db.resume(None).unwrap()),
    ];
    for (version, change) in (1..).zip(changes) {
        change();
        let told: String = ear.reply().unwrap().texts().pop().unwrap();
        assert_eq!(told, i32::to_string(&version));
    }
}

#[test]
fn all_nodes_are_one_instance() {
    let place = place(Redis::shared(Flavour::Redis));
    let (one, two) = (folder(), folder());
    let alone = StateDb::open(two.path()).unwrap().instance();
    let one = StateDb::open_shared(one.path(), place.clone()).unwrap();
    let joined = StateDb::open_shared(two.path(), place).unwrap();
    assert_ne!(joined.instance(), alone);
    assert_eq!(joined.instance(), one.instance());
    assert_eq!(joined.scram("nobody"), one.scram("nobody"), "names could be guessed by asking two nodes");
}

#[test]
fn what_a_node_had_alone_becomes_that_of_all() {
    let place = place(Redis::shared(Flavour::Redis));
    let (one, two) = (folder(), folder());
    let (mut keys, mut gone) = (Vec::new(), Vec::new());
    for (folder, relay) in [(&one, "a"), (&two, "b")] {
        let alone = StateDb::open(folder.path()).unwrap();
        gone.push(alone.create(&NewKey::named("old", NOW)).unwrap());
        alone.revoke("old", NOW).unwrap();
        keys.push(alone.create(&NewKey::named("web", NOW)).unwrap());
        alone.pause(&pause(Some(relay), relay), NOW).unwrap();
    }
    let one = StateDb::open_shared(one.path(), place.clone()).unwrap();
    let two = StateDb::open_shared(two.path(), place).unwrap();
    look(&one);
    for db in [&one, &two] {
        for key in &keys {
            assert_eq!(db.by_key(&key.key).unwrap().id, key.id);
        }
        for key in &gone {
            assert_eq!(db.by_key(&key.key), None);
        }
        assert_eq!(db.pauses().unwrap(), [pause(Some("a"), "a"), pause(Some("b"), "b")]);
        // The second "web" is itself, by another name.
        assert_eq!(db.by_name("web", &keys[0].key).unwrap().id, keys[0].id);
        let own = format!("web-{}", &keys[1].id[keys[1].id.len() - 8..]);
        assert_eq!(names(db), ["old", "old", "web", &own]);
    }
}

#[test]
fn what_is_written_to_a_copy_alone_is_carried_to_all() {
    let place = place(Redis::shared(Flavour::Redis));
    let (one, two) = (folder(), folder());
    let daemon = StateDb::open_shared(one.path(), place.clone()).unwrap();
    let other = StateDb::open_shared(two.path(), place).unwrap();
    let alone = StateDb::open(one.path()).unwrap();
    let made = alone.create(&NewKey::named("web", NOW)).unwrap();
    assert!(daemon.by_key(&made.key).is_some());
    look(&daemon);
    look(&other);
    assert!(other.by_key(&made.key).is_some());
    alone.revoke("web", NOW).unwrap();
    look(&daemon);
    look(&other);
    assert_eq!(other.by_key(&made.key), None);
}

#[test]
fn a_node_that_was_down_takes_what_the_others_did_and_undoes_nothing() {
    let place = place(Redis::shared(Flavour::Redis));
    let (one, two) = (folder(), folder());
    let one = StateDb::open_shared(one.path(), place.clone()).unwrap();
    let made = one.create(&NewKey::named("web", NOW)).unwrap();
    one.pause(&pause(None, "all"), NOW).unwrap();
    drop(StateDb::open_shared(two.path(), place.clone()).unwrap());
    one.revoke("web", NOW).unwrap();
    one.resume(None).unwrap();
    let two = StateDb::open_shared(two.path(), place).unwrap();
    look(&one);
    for db in [&one, &two] {
        assert_eq!(db.by_key(&made.key), None);
        assert_eq!(db.pauses().unwrap(), []);
    }
}

#[test]
fn known_keys_work_while_redis_is_away_and_nothing_new_is_promised() {
    let mut server = Redis::start(Flavour::Redis);
    let (place, folder) = (place(&server), folder());
    let db = StateDb::open_shared(folder.path(), place.clone()).unwrap();
    let made = db.create(&NewKey::named("web", NOW)).unwrap();
    server.kill();
    assert_eq!(db.by_key(&made.key).unwrap().id, made.id);
    let failures = [
        db.create(&NewKey::named("new", NOW)).map(drop),
        db.revoke("web", NOW).map(drop),
        db.pause(&pause(None, "all"), NOW),
        db.resume(None).map(drop),
        StateDb::open_shared(folder.path(), place).map(drop),
    ];
    for failure in failures {
        assert!(matches!(failure, Err(StateError::Away(_))), "{failure:?}");
    }
    assert_eq!((names(&db), db.pauses().unwrap()), (vec!["web".to_owned()], vec![]));
    server.restart();
    let second = db.create(&NewKey::named("new", NOW)).unwrap();
    assert!(db.by_key(&made.key).is_some() && db.by_key(&second.key).is_some());
}

#[test]
fn a_redis_that_lost_all_gets_it_back() {
    let server = Redis::start(Flavour::Redis);
    let (place, folders) = (place(&server), [folder(), folder()]);
    let nodes = [0, 1].map(|n: usize| StateDb::open_shared(folders[n].path(), place.clone()).unwrap());
    let good = nodes[0].create(&NewKey::named("good", NOW)).unwrap();
    let bad = nodes[0].create(&NewKey::named("bad", NOW)).unwrap();
    look(&nodes[1]);
    let instance = nodes[0].instance();
    nodes[0].revoke("bad", NOW).unwrap();
    nodes[0].pause(&pause(Some("a"), "why"), NOW).unwrap();
    server.command(&["FLUSHALL"]);
    // The one that knows less comes first.
    nodes.iter().rev().for_each(look);
    nodes.iter().for_each(look);
    for db in nodes.iter().rev() {
        look(db);
        assert!(db.by_key(&good.key).is_some());
        assert_eq!(db.by_key(&bad.key), None, "a revoked key came back");
        assert_eq!(db.pauses().unwrap(), [pause(Some("a"), "why")]);
        assert_eq!(db.instance(), instance);
    }
}

#[test]
fn keys_go_over_tls_and_follow_a_primary_that_moves() {
    let mut primary = Redis::start(Flavour::Redis);
    let replica = primary.replica();
    let sentinel = Sentinel::start(Flavour::Redis, &primary, 1);
    let host = |port| ("127.0.0.1".to_owned(), port);
    let way = RedisWay::Sentinel {
        sentinels: vec![host(testkit::free_port()), host(sentinel.port())],
        primary: Sentinel::NAME.into(),
        user: None,
        password: None,
    };
    let tls = Some(RedisTls::Roots(std::fs::read(primary.certificate()).unwrap()));
    let secure = RedisPlace { tls, way: RedisWay::Tcp(host(primary.tls_port())), ..place(&primary) };
    let asked = RedisPlace { way, tls: None, ..secure.clone() };
    let (one, two) = (folder(), folder());
    let made = StateDb::open_shared(one.path(), secure).unwrap().create(&NewKey::named("web", NOW)).unwrap();
    let db = StateDb::open_shared(two.path(), asked).unwrap();
    assert_eq!(db.by_key(&made.key).unwrap().id, made.id);
    testkit::until("a replica that has it", Duration::from_secs(30), || {
        let at = |redis: &Redis| redis.info("master_repl_offset");
        (at(&primary) == at(&replica)).then_some(())
    });
    primary.kill();
    sentinel.failed_over_to(&replica);
    db.create(&NewKey::named("new", NOW)).unwrap();
    assert_eq!(names(&db), ["new", "web"]);
}

/// It would have taken revoked keys for good until its next start.
#[tokio::test(flavor = "multi_thread")]
async fn regress_a_node_that_cannot_listen_looks() {
    let server = Redis::shared(Flavour::Redis);
    let near = place(server);
    server.command(&["ACL", "SETUSER", "deaf", "on", ">word", "~*", "+@all", "resetchannels"]);
    let far = RedisPlace { user: Some("deaf".into()), password: Some("word".into()), ..near.clone() };
    let (one, two) = (folder(), folder());
    let speaks = StateDb::open_shared(one.path(), near).unwrap();
    let following = followed(StateDb::open_shared(two.path(), far).unwrap());
    let (deaf, mut told) = tokio::time::timeout(Duration::from_secs(20), following).await.expect("it looks");
    speaks.pause(&pause(None, "lunch"), NOW).unwrap();
    until(&mut told, "pause", || deaf.pauses().unwrap().len() == 1).await;
}
