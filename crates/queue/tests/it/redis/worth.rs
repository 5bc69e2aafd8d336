//! What a Redis is worth to mail, and which one is refused.

use super::node::{Node, ask, believed, text, until};
use crate::house::place;
use postrider_queue::{Store, StoreError};
use testkit::{Flavour, Redis};

#[tokio::test]
async fn b2_32_only_a_redis_that_syncs_each_write_counts_as_durable() {
    let cases = [
        ("", true, ""),
        ("appendonly no", false, "does not keep"),
        ("appendonly no\nsave 3600 1", false, "does not keep"),
        ("appendfsync everysec", false, "once a second"),
        ("appendfsync no", false, "does not keep"),
        ("rename-command CONFIG \"\"", false, "does not tell"),
    ];
    for flavour in Flavour::ALL {
        for (lines, durable, warning) in cases {
            let server = Redis::with(flavour, lines);
            let node = Node::open(&place(&server), believed(15_000)).await;
            let warnings = text(&node.redis.worth().warnings);
            assert_eq!((node.store.durable(), node.redis.worth().durable), (durable, durable), "{lines}");
            assert!(warnings.contains(warning), "{lines}: {warnings}");
        }
    }
}

#[tokio::test]
async fn b2_33_a_redis_that_would_throw_mail_away_is_refused() {
    let server = Redis::with(Flavour::Redis, "maxmemory 20mb");
    let policies = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl"];
    for policy in policies {
        server.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let place = place(&server);
        let error = Node::try_open(&place, believed(15_000)).await.err().unwrap();
        assert!(error.to_string().contains("maxmemory-policy"), "{policy}: {error}");
        assert!(!matches!(error, StoreError::Closed), "{policy}");
        assert_eq!(ask(&server, &place, "EXISTS", "meta", &[]).integer(), 0, "{policy}");
    }
}

/// What was promised at the start is not said for ever.
#[tokio::test]
async fn b2_32_a_redis_that_is_set_anew_while_it_runs_is_told_so() {
    let server = Redis::with(Flavour::Redis, "maxmemory 100mb");
    let node = Node::open(&place(&server), believed(300)).await;
    assert!(node.store.durable());
    let set = |name, value| server.command(&["CONFIG", "SET", name, value]);
    let says = async |durable: bool, warning: &str| {
        let worth = node.redis.worth();
        worth.durable == durable && text(&worth.warnings).contains(warning)
    };
    for (name, value, durable, warning) in [
        ("appendfsync", "everysec", false, "once a second"),
        ("appendfsync", "always", true, ""),
        ("maxmemory-policy", "allkeys-lru", false, "throw mail away"),
        ("maxmemory-policy", "noeviction", true, ""),
    ] {
        set(name, value);
        until("it is told", async || says(durable, warning).await).await;
    }
}
