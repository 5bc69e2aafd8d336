//! One client from greeting to end: the events of its session, answered by the library.

use crate::connection::{Connection, Peer};
use crate::intake::Intake;
use crate::reply;
use crate::room::Room;
use crate::settings::SubmissionSettings;
use envelope::{Reply, ReversePath};
use postrider::{Caller, Came, Door, JobId, Options, RawSubmission, Receipt, Scope, SubmitError};
use smtp::server::{Event, Message, Session, Settings};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

pub(crate) struct Client<I> {
    intake: Arc<I>,
    settings: Arc<SubmissionSettings>,
    peer: Peer,
    session: Session,
    caller: Option<Caller>,
    room: Room,
    /// When the message that arrives began, and the octets since.
    body: Option<(Instant, u64)>,
    /// When we last answered.
    answered: Instant,
    /// When it last sent a message, or came.
    useful: Instant,
    /// Accepted, but the client has not been told yet.
    untold: Option<JobId>,
}

impl<I: Intake> Client<I> {
    pub(crate) fn new(intake: Arc<I>, settings: Arc<SubmissionSettings>, peer: Peer) -> Self {
        let local = peer.is_local();
        // Not even `dev` takes mail from elsewhere without login.
        let open = local && (settings.open || settings.allow_local);
        let rules = Settings {
            hostname: settings.hostname.as_str().into(),
            max_size: settings.max_size,
            max_recipients: intake.max_recipients(),
            starttls: settings.tls.is_some(),
            private: local,
            open,
        };
        let caller = open.then(|| Caller::local(Door::Smtp));
        let session = Session::new(rules, false);
        let now = Instant::now();
        Self {
            intake,
            settings,
            peer,
            session,
            caller,
            room: Room::default(),
            body: None,
            answered: now,
            useful: now,
            untold: None,
        }
    }

    /// Serves the client until it goes, fails or is sent away.
    pub(crate) async fn run(mut self, mut connection: Connection, mut stop: watch::Receiver<bool>) {
        let ended = self.converse(&mut connection, &mut stop).await;
        if let Err(cause) = ended {
            tracing::debug!(peer = %self.peer, %cause, "an SMTP client is gone");
        }
        if let Some(id) = self.untold {
            tracing::warn!(peer = %self.peer, %id, "accepted, but the client was gone before our 250; it may send again");
        }
        if self.session.wanted_login() && self.caller.is_none() {
            tracing::warn!(peer = %self.peer, "mail was refused without login; {LOGIN}");
        }
        self.room.give_back();
        connection.close().await;
    }

    async fn converse(
        &mut self,
        connection: &mut Connection,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<()> {
        loop {
            match self.session.poll() {
                Event::Input => {
                    self.keep_room();
                    self.flush(connection).await?;
                    if !self.read(connection, stop).await? {
                        return Ok(());
                    }
                }
                Event::Authenticate { user, secret } => self.login(&user, secret.expose()),
                Event::Mail(from) => self.mail(&from),
                Event::Rcpt(_) => self.session.accept(),
                Event::Body { announced } => self.begin_body(announced),
                Event::Message(message) => self.submit(message).await,
                Event::StartTls => self.start_tls(connection).await?,
                Event::Close => return self.flush(connection).await,
            }
        }
    }

    async fn flush(&mut self, connection: &mut Connection) -> io::Result<()> {
        let output = self.session.take_output();
        if !output.is_empty() {
            connection.write(&output).await?;
            self.answered = Instant::now();
        }
        self.untold = None;
        Ok(())
    }

    /// Reads on; `false`: the client closed. A stop is obeyed between messages only.
    async fn read(
        &mut self,
        connection: &mut Connection,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<bool> {
        let (deadline, between) = (self.deadline(), !self.session.receiving());
        tokio::select! {
            biased;
            () = stopped(stop), if between => {
                self.session.end(&Reply::new(421, "4.3.2 Shutting down"));
                Ok(true)
            }
            got = connection.read(deadline) => match got {
                Ok([]) => Ok(false),
                Ok(octets) => {
                    if let Some((_, count)) = &mut self.body {
                        *count += octets.len() as u64;
                    }
                    self.session.push(octets);
                    Ok(true)
                }
                Err(cause) if cause.kind() == io::ErrorKind::TimedOut => {
                    self.session.end(&Reply::new(421, "4.4.2 Timeout"));
                    Ok(true)
                }
                Err(cause) => Err(cause),
            },
        }
    }

    /// When we have waited long enough; a message that trickles in has to keep up a rate as well.
    fn deadline(&mut self) -> Instant {
        let (now, timeouts) = (Instant::now(), &self.settings.timeouts);
        if !self.session.receiving() {
            self.body = None;
            // Octets alone win no time: a command line has to be ended.
            return (self.answered + timeouts.command).min(self.useful + timeouts.useless);
        }
        let idle = now + timeouts.command;
        let (since, count) = *self.body.get_or_insert((now, 0));
        let earned = Duration::from_secs(count / timeouts.rate.max(1));
        idle.min(since + timeouts.body + earned)
    }

    fn login(&mut self, user: &str, secret: &[u8]) {
        let (from, now, guesses) = (self.peer.address(), Instant::now(), self.intake.guesses());
        if !guesses.allow(from, user, now) {
            tracing::warn!(peer = %self.peer, user = %name(user), "too many failed logins; none is looked at for a while");
            return self.session.reply(Reply::new(454, "4.7.0 Too many failed logins, try again later"));
        }
        let caller = std::str::from_utf8(secret).ok().and_then(|secret| self.intake.login(user, secret));
        if let Some(caller) = caller {
            guesses.right(from, user, now);
            self.caller = Some(caller);
            self.session.accept();
        } else {
            guesses.wrong(from, user, now);
            tracing::warn!(peer = %self.peer, user = %name(user), "a login failed; {LOGIN}");
            self.session.reply(Reply::new(535, "5.7.8 Authentication credentials invalid"));
        }
    }

    fn mail(&mut self, from: &ReversePath) {
        let Some(caller) = &self.caller else {
            return self.session.reply(Reply::new(530, "5.7.0 Authentication required"));
        };
        let bound = |domain: &str| caller.from_domains.iter().any(|d| d.eq_ignore_ascii_case(domain));
        let domain = from.0.as_ref().map(|address| address.domain());
        if !caller.may(Scope::Send) {
            self.session.reply(Reply::new(550, "5.7.1 This key may not send"));
        } else if !caller.from_domains.is_empty() && domain.is_some_and(|domain| !bound(domain)) {
            self.session.reply(Reply::new(550, "5.7.1 This key may not send from this domain"));
        } else {
            self.session.accept();
        }
    }

    fn begin_body(&mut self, announced: Option<u64>) {
        if self.room.begin(&*self.intake, self.session.held(), announced) {
            self.session.accept();
        } else {
            self.session.reply(no_room());
        }
    }

    fn keep_room(&mut self) {
        if !self.session.receiving() {
            self.room.give_back();
        } else if !self.room.keep(&*self.intake, self.session.held()) {
            self.session.spoil(no_room());
            self.room.give_back();
        }
    }

    async fn submit(&mut self, message: Message) {
        let Some(caller) = self.caller.clone() else {
            return self.session.reply(Reply::new(530, "5.7.0 Authentication required"));
        };
        let hello: String = self.session.hello().unwrap_or_default().chars().map(plain).collect();
        let raw = RawSubmission {
            envelope: message.envelope,
            raw: message.raw.into(),
            options: Options::default(),
            received: Some(Came {
                from: format!("from {hello} ({})", self.peer),
                with: format!("with {}", message.protocol),
            }),
            from: None,
            accept_bare_lf: false,
        };
        let Some(taken) = self.store(caller, raw).await else {
            return self.session.reply(Reply::new(451, "4.3.0 Too slow now, try again later"));
        };
        match taken {
            Ok(receipt) => {
                (self.untold, self.useful) = (Some(receipt.id), Instant::now());
                self.session.reply(Reply::new(250, format!("2.0.0 Ok: queued as {}", receipt.id)));
            }
            Err(cause) => {
                tracing::warn!(peer = %self.peer, %cause, "a message was refused");
                self.session.reply(reply::to_error(&cause));
            }
        }
    }

    /// Hands a message over. `None`: it took so long that the client may have given up; a message
    /// that is stored after all is taken back, as its client will send it again.
    async fn store(&mut self, caller: Caller, raw: RawSubmission) -> Option<Result<Receipt, SubmitError>> {
        let (intake, room) = (self.intake.clone(), std::mem::take(&mut self.room));
        let mut work = Box::pin(async move {
            let taken = intake.submit(&caller, raw).await;
            drop(room);
            taken
        });
        if let Ok(taken) = timeout(self.settings.timeouts.store, work.as_mut()).await {
            return Some(taken);
        }
        let (intake, peer) = (self.intake.clone(), self.peer);
        tracing::error!(%peer, "the store is so slow that a message was given up");
        tokio::spawn(async move {
            let Ok(Receipt { id, repeated: false, .. }) = work.await else { return };
            if intake.withdraw(id).await {
                tracing::warn!(%peer, %id, "stored too late and cancelled; the client was told to send again");
            } else {
                tracing::warn!(%peer, %id, "stored too late and sent; the client may send it again");
            }
        });
        None
    }

    async fn start_tls(&mut self, connection: &mut Connection) -> io::Result<()> {
        self.flush(connection).await?;
        let config = self.settings.tls.clone().ok_or(io::ErrorKind::Unsupported)?;
        connection.start_tls(config).await?;
        self.session.tls_started();
        Ok(())
    }
}

fn no_room() -> Reply {
    Reply::new(452, "4.3.1 No room now, try again later")
}

/// What an operator must know of a login that fails.
const LOGIN: &str =
    "the user is the key's name and the password the key, as `postrider key create` printed it";

/// The user as the log may show it: some put the password there.
fn name(user: &str) -> &str {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b);
    let shown = user.len() <= 64 && user.bytes().all(plain) && !user.starts_with("pr_");
    if shown { user } else { "(not a key's name)" }
}

/// What a name may have in a `Received` field; it is a stranger's text.
fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || ".-_:[]".contains(c) { c } else { '?' }
}

/// Returns when the door is to close, or nobody is left to say so.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}
