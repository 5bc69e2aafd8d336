//! A way to a Redis that can be led elsewhere, fall silent for those who are on it, or answer in Redis's place.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

struct Shared {
    target: AtomicU16,
    /// Raised when those who are on the way now get no octet more.
    silenced: watch::Sender<u64>,
    ended: watch::Sender<u64>,
    /// What scripts are answered, and how often.
    answer: Mutex<(String, u32)>,
}

pub(crate) struct Way {
    port: u16,
    shared: Arc<Shared>,
}

impl Way {
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            target: AtomicU16::new(target),
            silenced: watch::Sender::new(0),
            ended: watch::Sender::new(0),
            answer: Mutex::default(),
        });
        let ways = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(ways.clone(), client));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Who comes from now on comes to another; who is there is sent away.
    pub(crate) fn lead_to(&self, target: u16) {
        self.shared.target.store(target, Ordering::SeqCst);
        self.shared.ended.send_modify(|n| *n += 1);
    }

    /// Connections that are open now carry nothing more, and do not end.
    pub(crate) fn silence(&self) {
        self.shared.silenced.send_modify(|n| *n += 1);
    }

    /// The next so many scripts get this for an answer, and do not run.
    pub(crate) fn answer(&self, line: &str, times: u32) {
        *self.shared.answer.lock().unwrap() = (line.into(), times);
    }

    /// Answers that are still to be given.
    pub(crate) fn left(&self) -> u32 {
        self.shared.answer.lock().unwrap().1
    }
}

impl Shared {
    /// Calls of other scripts, which say so; as many as were asked for, so that each reply has its place.
    fn in_its_place(&self, asked: &[u8]) -> Option<String> {
        let mut answer = self.answer.lock().unwrap();
        let scripts = asked.windows(7).filter(|window| window == b"EVALSHA").count();
        if scripts == 0 || answer.1 == 0 {
            return None;
        }
        answer.1 -= 1;
        let script = format!("return redis.error_reply([[{}]])", answer.0);
        Some(format!("*3\r\n$4\r\nEVAL\r\n${}\r\n{script}\r\n$1\r\n0\r\n", script.len()).repeat(scripts))
    }
}

async fn carry(shared: Arc<Shared>, mut client: TcpStream) {
    let (mut silenced, mut ended) = (shared.silenced.subscribe(), shared.ended.subscribe());
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", shared.target.load(Ordering::SeqCst))).await else {
        return;
    };
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let done = tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(octets @ 1..) => match shared.in_its_place(&up[..octets]) {
                    Some(other) => server.write_all(other.as_bytes()).await,
                    None => server.write_all(&up[..octets]).await,
                },
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(octets @ 1..) => client.write_all(&down[..octets]).await,
                _ => return,
            },
            _ = ended.changed() => return,
            _ = silenced.changed() => std::future::pending().await,
        };
        if done.is_err() {
            return;
        }
    }
}
