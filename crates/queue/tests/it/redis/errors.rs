//! What Redis may answer instead of doing what it was asked.

use super::node::{Node, believed, job, until};
use super::way::Way;
use crate::house::{place, sent};
use postrider_queue::{InsertError, RedisPlace, Status, Store};
use testkit::{Flavour, Redis, Reply};

#[tokio::test]
async fn b2_39_what_passes_is_asked_again_and_what_does_not_is_said() {
    let server = Redis::shared(Flavour::Redis);
    let way = Way::to(server.port()).await;
    let place = RedisPlace { queue: place(server).queue, ..RedisPlace::tcp("127.0.0.1", way.port(), 0) };
    let node = Node::open(&place, believed(60_000)).await;
    let passing = [
        "LOADING Redis is loading the dataset in memory",
        "READONLY You can't write against a read only replica.",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "NOSCRIPT No matching script. Please use EVAL.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "NOREPLICAS Not enough good replicas to write.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down",
        "UNKILLABLE Sorry the script already executed write commands",
        "NOAUTH Authentication required.",
    ];
    for line in passing {
        way.answer(line, 2);
        let id = node.insert(line).await;
        let lease = node.lease(1).await.pop().unwrap();
        assert_eq!(lease.job.id, id, "{line}");
        way.answer(line, 2);
        node.settle(lease, sent()).await;
        assert_eq!((node.view(id).await.status, way.left()), (Status::Sent, 0), "{line}");
    }
    for (line, word) in [
        ("MOVED 866 127.0.0.1:7001", "cluster"),
        ("ERR user_script:1: something", "something"),
        ("NOPERM this user has no permissions to run the 'evalsha' command", "permissions"),
    ] {
        way.answer(line, 1);
        let error = node.store.insert(vec![job("refused")]).await.unwrap_err();
        assert!(
            matches!(error, InsertError::Store(_)) && error.to_string().contains(word),
            "{line}: {error}"
        );
        node.insert("taken").await;
    }
    assert_eq!(node.unsettled().await, 3, "each refused one was not taken, each other was");
}

/// A node whose Redis fails for a while, in which mail comes in.
async fn taken_after(server: &Redis, word: &str, fail: impl FnOnce(), mend: impl FnOnce()) {
    let node = Node::open(&place(server), believed(1000)).await;
    node.insert("before").await;
    fail();
    until(word, async || node.store.refusing().is_some_and(|why| why.contains(word))).await;
    let store = node.store.clone();
    let inserting = tokio::spawn(async move { store.insert(vec![job("during")]).await });
    mend();
    inserting.await.unwrap().unwrap();
    until("it is well", async || node.store.refusing().is_none()).await;
    assert_eq!(node.unsettled().await, 2, "{word}");
    assert_eq!(node.lease(2).await.len(), 2, "{word}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_39_a_primary_that_is_made_a_replica_for_a_while() {
    for flavour in Flavour::ALL {
        let server = Redis::start(flavour);
        let ok = |words: &[&str]| assert_eq!(server.command(words), Reply::Status("OK".into()));
        let (fail, mend) = (|| ok(&["REPLICAOF", "127.0.0.1", "1"]), || ok(&["REPLICAOF", "NO", "ONE"]));
        taken_after(&server, "read only", fail, mend).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_39_a_script_of_somebody_that_does_not_end() {
    let server = Redis::with(Flavour::Redis, "busy-reply-threshold 20");
    let mut other = server.connect().unwrap();
    let fail = || other.send(&["EVAL", "while true do end", "0"]).unwrap();
    let mend = || assert_eq!(server.command(&["SCRIPT", "KILL"]), Reply::Status("OK".into()));
    taken_after(&server, "BUSY", fail, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_39_a_redis_that_cannot_save() {
    let server = Redis::with(Flavour::Redis, "save 3600 1000000");
    let fail = || {
        // What is saved cannot take the place of a folder.
        std::fs::create_dir_all(server.folder().join("dump.rdb/full")).unwrap();
        server.command(&["BGSAVE"]);
        testkit::until("a failed save", std::time::Duration::from_secs(30), || {
            (server.info("rdb_last_bgsave_status") == "err").then_some(())
        });
    };
    let mend = || drop(server.command(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]));
    taken_after(&server, "MISCONF", fail, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_39_scripts_that_were_flushed_are_brought_again() {
    let server = Redis::start(Flavour::Redis);
    let node = Node::open(&place(&server), believed(60_000)).await;
    let flush = || server.command(&["SCRIPT", "FLUSH"]);
    flush();
    let id = node.insert("one").await;
    flush();
    let lease = node.lease(1).await.pop().unwrap();
    flush();
    node.settle(lease, sent()).await;
    flush();
    assert_eq!(node.view(id).await.status, Status::Sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_39_a_redis_that_is_started_anew_costs_no_mail_and_no_lease() {
    let mut server = Redis::start(Flavour::Redis);
    let node = Node::open(&place(&server), believed(15_000)).await;
    let (first, second) = (node.insert("first").await, node.insert("second").await);
    let lease = node.lease(1).await.pop().unwrap();
    server.kill();
    server.restart();
    node.settle(lease, sent()).await;
    assert_eq!(node.view(first).await.status, Status::Sent);
    assert_eq!(node.lease(1).await[0].job.id, second);
    assert!(node.redis.worth().warnings.iter().all(|warning| !warning.contains("forgotten")));
}
