//! Several processes of an application over one queue in Redis.

use crate::bench::{PATIENCE, builder, message, recorder, subjects};
use postrider::{OpenError, RedisPlace, Status, StoreError};
use testkit::{Flavour, Redis};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_mailer_takes_another_on_the_same_redis_sends() {
    let redis = Redis::shared(Flavour::Redis);
    let place = RedisPlace::tcp("127.0.0.1", redis.port(), redis.database().into());
    let (theirs, ours) = (recorder(), recorder());
    let busy = builder(&theirs).redis(place.clone()).open().await.unwrap();
    busy.pause(None, "it only takes mail").await.unwrap();
    let id = busy.submit(message("one")).await.unwrap();
    let idle = builder(&ours).redis(place).open().await.unwrap();
    assert_eq!(busy.wait(id, PATIENCE).await.unwrap().unwrap().status, Status::Sent);
    assert_eq!((subjects(&ours).as_slice(), subjects(&theirs).len()), (["one".to_owned()].as_slice(), 0));
    use postrider::Store;
    let nodes = async || idle.store().stats().await.unwrap().nodes.len();
    assert_eq!((nodes().await, idle.store().durable()), (2, true));
    busy.close(PATIENCE).await.unwrap();
    assert_eq!(nodes().await, 1, "a mailer that closes is no node any more");
    idle.close(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_would_throw_mail_away_is_refused() {
    let redis = Redis::with(Flavour::Redis, "maxmemory 50mb\nmaxmemory-policy allkeys-lru");
    let opened = builder(&recorder()).redis(RedisPlace::tcp("127.0.0.1", redis.port(), 0)).open().await;
    let Err(OpenError::Store(StoreError::Unfit(told))) = opened else { panic!("{:?}", opened.err()) };
    assert!(told.contains("allkeys-lru") && told.contains("noeviction"), "{told}");
}
