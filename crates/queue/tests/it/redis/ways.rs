//! Each way to a Redis.

use super::node::{Node, believed};
use crate::house::{place, sent};
use postrider_queue::{RedisPlace, RedisTls, RedisWay, Status};
use testkit::{Flavour, Redis};

#[tokio::test]
async fn mail_goes_by_tls_by_socket_and_with_a_password() {
    for flavour in Flavour::ALL {
        let server = Redis::with(flavour, "requirepass secret");
        let roots = std::fs::read(server.certificate()).unwrap();
        let tls = |tls| RedisPlace {
            way: RedisWay::Tcp(("localhost".into(), server.tls_port())),
            tls: Some(tls),
            ..place(&server)
        };
        let ways = [
            place(&server),
            tls(RedisTls::Roots(roots)),
            tls(RedisTls::Anybody),
            RedisPlace { way: RedisWay::Socket(server.socket()), db: 3, ..place(&server) },
        ];
        for way in ways {
            let place = RedisPlace { password: Some("secret".into()), ..way };
            let node = Node::open(&place, believed(15_000)).await;
            let id = node.insert("one").await;
            let lease = node.lease(1).await.pop().unwrap();
            node.settle(lease, sent()).await;
            assert_eq!(node.view(id).await.status, Status::Sent, "{place}");
            assert!(!format!("{place:?} {:?}", node.redis).contains("secret"));
        }
    }
}
