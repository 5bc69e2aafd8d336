//! The door on real sockets, over a library that does as the test says.

mod hostile;
mod limits;
mod mailer;
mod refusals;
mod shutdown;
mod stock_client;

use crate::connection::Stream;
use crate::intake::Intake;
use crate::listener::serve_into;
use crate::{Listener, SubmissionSettings, Timeouts};
use postrider::{Access, Budget, Caller, Door, Guesses, JobId, Permit, RawSubmission, Receipt, SubmitError};
use queue::state::{KeyScope, NewKey, StateDb};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use testkit::Certificate;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

/// The library's stand-in: keys are real, mail is only noted down.
struct House {
    access: Access,
    key: String,
    budget: Budget,
    taken: Mutex<Vec<(Caller, RawSubmission)>>,
    refuse: Mutex<Option<SubmitError>>,
    withdrawn: Mutex<Vec<JobId>>,
    /// One permit a message; a test takes them away to hold the store up.
    gate: Semaphore,
    /// A message has come as far as the gate.
    asked: Notify,
}

impl House {
    fn new() -> Self {
        Self::with_key(NewKey::named("tim", jiff::Timestamp::UNIX_EPOCH))
    }

    fn with_key(new: NewKey) -> Self {
        let state = Arc::new(StateDb::in_memory().unwrap());
        let key = state.create(&new).unwrap().key;
        Self {
            access: Access::new(state),
            key,
            budget: Budget::new(64 << 20),
            taken: Mutex::default(),
            refuse: Mutex::default(),
            withdrawn: Mutex::default(),
            gate: Semaphore::new(1000),
            asked: Notify::new(),
        }
    }

    fn bodies(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|(_, raw)| String::from_utf8_lossy(&raw.raw).into_owned()).collect()
    }
}

impl Intake for House {
    fn login(&self, user: &str, password: &str) -> Option<Caller> {
        self.access.by_name(user, password, Door::Smtp)
    }

    fn guesses(&self) -> &Guesses {
        self.access.guesses()
    }

    fn room(&self, octets: usize) -> Option<Permit> {
        self.budget.take(octets)
    }

    async fn submit(&self, caller: &Caller, raw: RawSubmission) -> Result<Receipt, SubmitError> {
        self.asked.notify_one();
        self.gate.acquire().await.unwrap().forget();
        if let Some(error) = self.refuse.lock().unwrap().take() {
            return Err(error);
        }
        self.taken.lock().unwrap().push((caller.clone(), raw));
        Ok(Receipt { id: JobId(Default::default()), repeated: false, durable: true })
    }

    async fn withdraw(&self, id: JobId) -> bool {
        self.withdrawn.lock().unwrap().push(id);
        self.asked.notify_one();
        true
    }

    fn max_recipients(&self) -> usize {
        1000
    }
}

fn settings() -> SubmissionSettings {
    SubmissionSettings {
        hostname: "door.test".into(),
        allow_local: true,
        tls: None,
        max_size: 50_000_000,
        max_connections: 10,
        max_per_peer: 10,
        timeouts: Timeouts::default(),
        open: false,
    }
}

fn with_tls() -> SubmissionSettings {
    SubmissionSettings { tls: Some(Certificate::new().acceptor().config().clone()), ..settings() }
}

/// A door that runs.
struct Running {
    house: Arc<House>,
    at: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

async fn open(house: House, settings: SubmissionSettings) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let house = Arc::new(house);
    let door = serve_into(Listener::Tcp(listener), house.clone(), Arc::new(settings), stopped);
    Running { house, at, stop, task: tokio::spawn(door) }
}

impl Running {
    async fn client(&self) -> Client {
        Client::over(TcpStream::connect(self.at).await.unwrap())
    }
}

/// A client that says what it is told.
struct Client(BufReader<Box<dyn Stream>>);

impl Client {
    fn over(stream: impl Stream + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The last line of the next reply; empty at the end.
    async fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Says each line and expects the beginning of its reply.
    async fn check(&mut self, dialogue: &[(&str, &str)]) {
        for (line, want) in dialogue {
            if !line.is_empty() {
                self.say(&format!("{line}\r\n")).await;
            }
            let got = self.hear().await;
            assert!(got.starts_with(want) && got.is_empty() == want.is_empty(), "{line:?}: {got:?}");
        }
    }
}

const OPENING: [(&str, &str); 4] = [
    ("", "220 door.test"),
    ("EHLO c.test", "250 "),
    ("MAIL FROM:<a@b.c>", "250 "),
    ("RCPT TO:<d@e.f>", "250 "),
];
