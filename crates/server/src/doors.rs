//! The doors at work. What they listen at outlives them, so that a reload opens a door anew and no client
//! finds it closed.

use crate::config::{Listen, Settings};
use crate::exit::Failure;
use crate::{events, listen, smtp_door};
use http_door::{Events, HttpLimits, HttpSettings, Reload, Trust};
use notify::Notifier;
use postrider::Mailer;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use submission::SubmissionSettings;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long open requests of the HTTP door may take at the end.
const ANSWERS: Duration = Duration::from_secs(20);

/// How flags or keys name the doors, for errors; whether the HTTP door asks for keys; where
/// `submit.sock` goes (`None`: the data folder); how long open requests may take at the end.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) http_name: &'static str,
    pub(crate) smtp_name: &'static str,
    pub(crate) trust: Trust,
    pub(crate) runtime_dir: Option<PathBuf>,
    pub(crate) grace: Duration,
}

/// A place that is listened at.
pub(crate) enum Bound {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener, PathBuf),
}

impl Bound {
    async fn open(place: &Listen, mode: u32, name: &str) -> Result<Self, Failure> {
        Ok(match place {
            Listen::Tcp(address) => Self::Tcp(listen::tcp(*address, name).await?.into_std()?),
            Listen::Unix(path) => Self::unix(path, mode).await?,
        })
    }

    async fn unix(path: &Path, mode: u32) -> Result<Self, Failure> {
        Ok(Self::Unix(listen::unix(path, mode).await?.into_std()?, path.to_owned()))
    }

    /// The same place once more.
    fn again(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(listener.try_clone()?),
            Self::Unix(listener, path) => Self::Unix(listener.try_clone()?, path.clone()),
        })
    }

    /// With the port that port 0 became.
    fn place(&self) -> io::Result<Listen> {
        Ok(match self {
            Self::Tcp(listener) => Listen::Tcp(listener.local_addr()?),
            Self::Unix(_, path) => Listen::Unix(path.clone()),
        })
    }

    fn http(&self) -> io::Result<http_door::Listener> {
        Ok(match self.again()? {
            Self::Tcp(listener) => http_door::Listener::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener, _) => http_door::Listener::Unix(UnixListener::from_std(listener)?),
        })
    }

    fn smtp(&self) -> io::Result<submission::Listener> {
        Ok(match self.again()? {
            Self::Tcp(listener) => submission::Listener::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener, _) => submission::Listener::Unix(UnixListener::from_std(listener)?),
        })
    }

    /// The file of a unix socket.
    fn socket(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(_, path) => Some(path),
        }
    }
}

/// A door ready to be opened: all that could fail is behind it.
struct Ready<L, S> {
    bound: Bound,
    listener: L,
    settings: S,
}

/// Both network doors, ready. `None`: as it was.
pub(crate) struct Fresh {
    http: Option<Ready<http_door::Listener, HttpSettings>>,
    smtp: Option<Option<Ready<submission::Listener, SmtpSettings>>>,
}

/// What the SMTP door is told, and what it was made of.
struct SmtpSettings {
    told: SubmissionSettings,
    from: smtp_door::Source,
}

struct Open<S> {
    bound: Bound,
    settings: S,
    stop: watch::Sender<bool>,
}

impl<S> Open<S> {
    /// Takes nobody new; the socket's file is left.
    fn stop(self) -> Option<PathBuf> {
        self.stop.send_replace(true);
        self.bound.socket().map(Path::to_owned)
    }
}

/// All doors of a running house.
pub(crate) struct Doors {
    manner: Manner,
    /// Takes the events that come in at the HTTP doors.
    notifier: Option<Notifier>,
    tasks: JoinSet<()>,
    http: Option<Open<HttpSettings>>,
    smtp: Option<Open<smtp_door::Source>>,
    /// `control.sock` and `submit.sock`.
    local: Vec<Open<Trust>>,
    /// Where the network doors were told to listen.
    told: (Listen, Option<Listen>),
}

impl Doors {
    /// Nothing is open yet.
    pub(crate) fn new(manner: Manner, s: &Settings) -> Self {
        let told = (s.http.listen.clone(), s.smtp.listen.clone());
        Self {
            manner,
            notifier: None,
            tasks: JoinSet::new(),
            http: None,
            smtp: None,
            local: Vec::new(),
            told,
        }
    }

    /// Makes the network doors ready: those there are not yet, and those whose settings changed.
    pub(crate) async fn ready(&self, s: &Settings) -> Result<Fresh, Failure> {
        let http = HttpSettings { public_url: s.http.public_url.clone(), limits: self.limits() };
        let http_moves = self.told.0 != s.http.listen;
        let http = match &self.http {
            Some(open) if !http_moves && open.settings == http => None,
            open => {
                let bound = match open.as_ref().filter(|_| !http_moves) {
                    Some(open) => open.bound.again()?,
                    None => {
                        Bound::open(&s.http.listen, listen::OWNER_AND_GROUP, self.manner.http_name).await?
                    }
                };
                Some(Ready { listener: bound.http()?, bound, settings: http })
            }
        };
        let from = smtp_door::Source::of(s);
        let smtp = match (&s.smtp.listen, &self.smtp) {
            (None, None) => None,
            (None, Some(_)) => Some(None),
            (Some(_), Some(open)) if open.settings == from => None,
            (Some(place), open) => {
                let told = smtp_door::settings(s, self.manner.trust == Trust::Open)?;
                let bound = match open.as_ref().filter(|_| self.told.1.as_ref() == Some(place)) {
                    Some(open) => open.bound.again()?,
                    None => {
                        let mode = listen::mode(s.smtp.allow_local);
                        Bound::open(place, mode, self.manner.smtp_name).await?
                    }
                };
                let settings = SmtpSettings { told, from };
                Some(Some(Ready { listener: bound.smtp()?, bound, settings }))
            }
        };
        Ok(Fresh { http, smtp })
    }

    /// Opens what is ready; a door that was there before takes nobody new and ends in peace.
    pub(crate) fn open(&mut self, fresh: Fresh, s: &Settings, mailer: &Mailer) {
        let told = (s.http.listen.clone(), s.smtp.listen.clone());
        let moved = (told.0 != self.told.0, told.1 != self.told.1);
        if let Some(Ready { bound, listener, settings }) = fresh.http {
            let router = http_door::router(mailer.clone(), settings.clone(), self.manner.trust);
            let router = Events::of(self.notifier.as_ref(), router);
            let (stop, stopped) = watch::channel(false);
            self.tasks.spawn(http_door::serve(listener, router, settings.limits, stopped));
            let before = self.http.replace(Open { bound, settings, stop });
            end(before, moved.0);
        }
        if let Some(smtp) = fresh.smtp {
            let opened = smtp.map(|Ready { bound, listener, settings }| {
                let (stop, stopped) = watch::channel(false);
                self.tasks.spawn(submission::serve(listener, mailer.clone(), settings.told, stopped));
                Open { bound, settings: settings.from, stop }
            });
            let before = std::mem::replace(&mut self.smtp, opened);
            end(before, moved.1);
        }
        self.told = told;
        // Doors that have ended.
        while self.tasks.try_join_next().is_some() {}
        self.set_modes(s.smtp.allow_local);
    }

    /// Opens the two sockets of this machine.
    pub(crate) async fn open_local(
        &mut self,
        s: &Settings,
        mailer: &Mailer,
        reload: Reload,
    ) -> Result<(), Failure> {
        let folder = self.manner.runtime_dir.as_deref().unwrap_or(&s.data_dir);
        let (control, submit) = (s.data_dir.join("control.sock"), folder.join("submit.sock"));
        // Who knows the data folder alone finds the socket there, too.
        let sign = s.data_dir.join("submit.sock");
        listen::sign(&sign, (sign != submit).then_some(&submit))?;
        let control = Bound::unix(&control, listen::OWNER).await?;
        let submit = Bound::unix(&submit, listen::mode(s.smtp.allow_local)).await?;
        let settings = HttpSettings { public_url: s.http.public_url.clone(), limits: self.limits() };
        for (bound, trust) in [(control, Trust::Control), (submit, Trust::Submit)] {
            let router = http_door::router(mailer.clone(), settings.clone(), trust);
            let router = Events::of(self.notifier.as_ref(), router);
            let router = if trust == Trust::Control { reload.clone().on(router) } else { router };
            let (stop, stopped) = watch::channel(false);
            self.tasks.spawn(http_door::serve(bound.http()?, router, settings.limits, stopped));
            self.local.push(Open { bound, settings: trust, stop });
        }
        Ok(())
    }

    /// Doors that open from now on take events.
    pub(crate) fn take_events(&mut self, notifier: Notifier) {
        self.notifier = Some(notifier);
    }

    /// Other settings hold for events from now on.
    pub(crate) fn change_events(&self, s: &Settings, kinds: events::Kinds) {
        if let Some(notifier) = &self.notifier {
            events::change(notifier, s, kinds);
        }
    }

    /// Where `submit.sock` is, if not in the data folder.
    pub(crate) fn runtime_dir(&self) -> Option<&Path> {
        self.manner.runtime_dir.as_deref()
    }

    /// Where the HTTP and the SMTP door listen.
    pub(crate) fn places(&self) -> io::Result<(Option<Listen>, Option<Listen>)> {
        let http = self.http.as_ref().map(|open| open.bound.place()).transpose()?;
        Ok((http, self.smtp.as_ref().map(|open| open.bound.place()).transpose()?))
    }

    /// Nobody new is taken from now on; the sockets' files, to be removed at the end.
    pub(crate) fn stop(&mut self) -> Vec<PathBuf> {
        let network = [self.http.take().map(Open::stop), self.smtp.take().map(Open::stop)];
        let local = self.local.drain(..).map(Open::stop);
        network.into_iter().flatten().chain(local).flatten().collect()
    }

    /// Returns when all have left.
    pub(crate) async fn closed(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    fn limits(&self) -> HttpLimits {
        HttpLimits { drain: ANSWERS.min(self.manner.grace), ..HttpLimits::default() }
    }

    /// ALLOW_LOCAL decides who may open the sockets that take mail.
    fn set_modes(&self, allow_local: bool) {
        let submit = self.local.iter().filter(|open| open.settings == Trust::Submit).map(|open| &open.bound);
        for bound in submit.chain(self.smtp.iter().map(|open| &open.bound)) {
            if let Bound::Unix(_, path) = bound
                && let Err(error) = listen::set_mode(path, listen::mode(allow_local))
            {
                tracing::error!(%error, socket = %path.display(), "the socket's mode cannot be set");
            }
        }
    }
}

fn end<S>(before: Option<Open<S>>, moved: bool) {
    if let Some(socket) = before.and_then(Open::stop).filter(|_| moved) {
        listen::remove(&socket);
    }
}
