//! The same writes without us: three pipelines a batch, as nothing else would do.

use super::server::Server;
use bytes::Bytes;
use redis::Pipeline;
use std::time::{Duration, Instant};

fn take(pipe: &mut Pipeline, id: &str, body: &Bytes) {
    let key = format!("bare:j:{id}");
    let mut set = redis::cmd("HSET");
    set.arg(&key);
    for (field, value) in [
        ("v", "1"),
        ("s", "r"),
        ("st", "1"),
        ("q", "1rdefault"),
        ("g", "default"),
        ("n", ""),
        ("du", "1700000000000000"),
        ("ex", "1700000000000000"),
        ("dt", "0"),
        ("sz", "7000"),
        ("ro", "default"),
        ("on", ""),
        ("pr", "1"),
        ("ku", "0"),
        ("p", ""),
    ] {
        set.arg(field).arg(value);
    }
    set.arg("h").arg(vec![b'h'; 130]).arg("x").arg(vec![b'x'; 57]).arg("b").arg(&body[..]);
    pipe.add_command(set).ignore();
    pipe.cmd("ZADD").arg("bare:open").arg("1700000000000000").arg(id).ignore();
    pipe.cmd("ZADD").arg("bare:live").arg(0).arg(id).ignore();
    pipe.cmd("ZADD").arg("bare:all").arg(0).arg(id).ignore();
    pipe.cmd("INCRBY").arg("bare:bytes").arg(7000).ignore();
    pipe.cmd("HINCRBY").arg("bare:routes").arg("rdefault").arg(1).ignore();
    pipe.cmd("HINCRBY").arg("bare:counts").arg(1).arg(1).ignore();
    pipe.cmd("RPUSH").arg("bare:q").arg(id).ignore();
    pipe.cmd("PUBLISH").arg("bare:changes").arg(format!("{id} 1 node")).ignore();
}

fn lease(pipe: &mut Pipeline, id: &str) {
    let key = format!("bare:j:{id}");
    pipe.cmd("LPOP").arg("bare:q").ignore();
    pipe.cmd("HMGET").arg(&key).arg(&["s", "q", "ex", "sz", "h", "p", "du", "dt", "x", "b", "on", "v"]);
    pipe.cmd("HSET").arg(&key).arg(&["s", "l", "st", "2", "n", "node", "v", "2"]).ignore();
    pipe.cmd("HSET").arg("bare:n").arg(id).arg(2).ignore();
    pipe.cmd("HINCRBY").arg("bare:counts").arg(1).arg(-1).ignore();
    pipe.cmd("HINCRBY").arg("bare:counts").arg(2).arg(1).ignore();
    pipe.cmd("PUBLISH").arg("bare:changes").arg(format!("{id} 2 node")).ignore();
}

fn settle(pipe: &mut Pipeline, id: &str) {
    let key = format!("bare:j:{id}");
    let mut set = redis::cmd("HSET");
    set.arg(&key).arg(&["s", "f", "st", "5", "q", "1rdefault", "n", "", "du", "1700000000000000"]);
    set.arg(&["ex", "1700000000000000", "dt", "0", "on", "", "p", "ppppppppp", "c", "node.123456", "v", "3"]);
    pipe.add_command(set).ignore();
    pipe.cmd("HDEL").arg("bare:n").arg(id).ignore();
    pipe.cmd("HINCRBY").arg("bare:counts").arg(2).arg(-1).ignore();
    pipe.cmd("HINCRBY").arg("bare:counts").arg(5).arg(1).ignore();
    pipe.cmd("ZREM").arg("bare:open").arg(id).ignore();
    pipe.cmd("ZREM").arg("bare:live").arg(id).ignore();
    pipe.cmd("HINCRBY").arg("bare:routes").arg("rdefault").arg(-1).ignore();
    pipe.cmd("ZADD").arg("bare:done").arg("1700000000000000").arg(id).ignore();
    pipe.cmd("HDEL").arg(&key).arg(&["x", "b"]).ignore();
    pipe.cmd("DECRBY").arg("bare:bytes").arg(7000).ignore();
    pipe.cmd("PUBLISH").arg("bare:changes").arg(format!("{id} 5 node")).ignore();
}

/// Mails a second.
pub(crate) async fn rate(server: &Server, body: &Bytes, batch: usize, time: Duration) -> f64 {
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", server.redis.port())).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let (start, mut mails) = (Instant::now(), 0);
    while start.elapsed() < time {
        let ids: Vec<String> = (0..batch).map(|_| uuid::Uuid::now_v7().to_string()).collect();
        let mut pipes = [(); 3].map(|()| Pipeline::with_capacity(batch * 11));
        let [taking, leasing, settling] = &mut pipes;
        for id in &ids {
            take(taking, id, body);
            lease(leasing, id);
            settle(settling, id);
        }
        for pipe in pipes {
            pipe.query_async::<redis::Value>(&mut connection).await.unwrap();
        }
        mails += batch;
    }
    mails as f64 / start.elapsed().as_secs_f64()
}
