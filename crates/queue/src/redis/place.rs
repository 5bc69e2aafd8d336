//! Where Redis is, and how to get there.

use crate::error::StoreError;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    AsyncConnectionConfig, Client, Connection, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, TlsCertificates,
};
use std::path::PathBuf;
use std::time::Duration;

/// Host and port.
pub type HostPort = (String, u16);

/// How a Redis is found.
#[derive(Clone, PartialEq, Eq)]
pub enum RedisWay {
    Tcp(HostPort),
    Socket(PathBuf),
    /// The primary of this name, asked of the first Sentinel that answers.
    Sentinel {
        sentinels: Vec<HostPort>,
        primary: String,
        user: Option<String>,
        password: Option<String>,
    },
}

/// Whom to believe in TLS.
#[derive(Clone, PartialEq, Eq)]
pub enum RedisTls {
    /// The system's roots.
    System,
    /// One of these (PEM).
    Roots(Vec<u8>),
    /// Anybody. The peer is not known then.
    Anybody,
}

/// A database of a Redis. Its `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisPlace {
    pub way: RedisWay,
    pub tls: Option<RedisTls>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub db: i64,
    /// The queue's name: several stand side by side in one database.
    pub queue: String,
}

impl RedisPlace {
    /// Before the name of each key; braces, so that all of a queue's keys are of one slot.
    pub(crate) fn prefix(&self) -> String {
        format!("postrider:{{{}}}:", self.queue)
    }

    /// A database at host and port, without TLS or password.
    pub fn tcp(host: impl Into<String>, port: u16, db: i64) -> Self {
        Self {
            way: RedisWay::Tcp((host.into(), port)),
            tls: None,
            user: None,
            password: None,
            db,
            queue: "mail".into(),
        }
    }
}

impl std::fmt::Display for RedisPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let s = if self.tls.is_some() { "s" } else { "" };
        match &self.way {
            RedisWay::Tcp(place) => write!(f, "redis{s}://{}/{}", shown(place), self.db),
            RedisWay::Socket(path) => write!(f, "redis+socket://{}?db={}", path.display(), self.db),
            RedisWay::Sentinel { sentinels, primary, .. } => {
                let hosts: Vec<String> = sentinels.iter().map(shown).collect();
                write!(f, "redis{s}+sentinel://{}/{}?mastername={primary}", hosts.join(","), self.db)
            }
        }
    }
}

fn shown((host, port): &HostPort) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl std::fmt::Debug for RedisPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

const CONNECT: Duration = Duration::from_secs(2);
/// A connection that is silent for so long is given up; who waits has a deadline of its own.
const ANSWER: Duration = Duration::from_secs(5);
/// As long for a call that blocks.
const BLOCKING: Duration = Duration::from_secs(4);

impl RedisPlace {
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        self.client().await?.get_multiplexed_async_connection_with_config(&config).await
    }

    pub(crate) async fn listen(&self) -> Result<PubSub, RedisError> {
        self.client().await?.get_async_pubsub().await
    }

    /// A connection whose calls block, each for a few seconds at most.
    pub(crate) fn connect_blocking(&self) -> Result<Connection, RedisError> {
        let primary = match &self.way {
            RedisWay::Sentinel { .. } => Some(self.primary_blocking()?),
            RedisWay::Tcp(_) | RedisWay::Socket(_) => None,
        };
        blocking(&self.client_of(primary)?, BLOCKING)
    }

    async fn client(&self) -> Result<Client, RedisError> {
        let primary = match &self.way {
            RedisWay::Sentinel { .. } => Some(self.primary().await?),
            RedisWay::Tcp(_) | RedisWay::Socket(_) => None,
        };
        self.client_of(primary)
    }

    fn client_of(&self, primary: Option<HostPort>) -> Result<Client, RedisError> {
        let redis = login(self.user.as_deref(), self.password.as_deref()).set_db(self.db);
        match (&self.way, &primary) {
            (_, Some(place)) | (RedisWay::Tcp(place), None) => self.open(self.addr(place), redis),
            (RedisWay::Socket(path), None) => self.open(ConnectionAddr::Unix(path.clone()), redis),
            (RedisWay::Sentinel { .. }, None) => Err(no_sentinel()),
        }
    }

    /// Asks the Sentinels where the primary is.
    async fn primary(&self) -> Result<HostPort, RedisError> {
        let mut last = no_sentinel();
        for (client, primary) in self.sentinels()? {
            match ask(&client, primary).await.and_then(known) {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn primary_blocking(&self) -> Result<HostPort, RedisError> {
        let mut last = no_sentinel();
        for (client, primary) in self.sentinels()? {
            let connected = blocking(&client, CONNECT);
            match connected.and_then(|mut c| where_is(primary).query(&mut c)).and_then(known) {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A client of each Sentinel, and the primary to ask for.
    fn sentinels(&self) -> Result<Vec<(Client, &str)>, RedisError> {
        let RedisWay::Sentinel { sentinels, primary, user, password } = &self.way else {
            return Err(no_sentinel());
        };
        let client = |sentinel| {
            let client = self.open(self.addr(sentinel), login(user.as_deref(), password.as_deref()))?;
            Ok((client, primary.as_str()))
        };
        sentinels.iter().map(client).collect()
    }

    fn addr(&self, (host, port): &HostPort) -> ConnectionAddr {
        let (host, port) = (host.clone(), *port);
        match &self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(tls) => {
                let insecure = *tls == RedisTls::Anybody;
                ConnectionAddr::TcpTls { host, port, insecure, tls_params: None }
            }
        }
    }

    fn open(&self, addr: ConnectionAddr, redis: RedisConnectionInfo) -> Result<Client, RedisError> {
        let info: ConnectionInfo = addr.into_connection_info()?.set_redis_settings(redis);
        match &self.tls {
            Some(RedisTls::Roots(pem)) => {
                let roots = TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) };
                Client::build_with_tls(info, roots)
            }
            _ => Client::open(info),
        }
    }
}

fn login(user: Option<&str>, password: Option<&str>) -> RedisConnectionInfo {
    let mut info = RedisConnectionInfo::default();
    if let Some(user) = user {
        info = info.set_username(user);
    }
    if let Some(password) = password {
        info = info.set_password(password);
    }
    info
}

async fn ask(sentinel: &Client, primary: &str) -> Result<Option<HostPort>, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(CONNECT));
    let mut connection = sentinel.get_multiplexed_async_connection_with_config(&config).await?;
    where_is(primary).query_async(&mut connection).await
}

fn where_is(primary: &str) -> redis::Cmd {
    let mut cmd = redis::cmd("SENTINEL");
    cmd.arg("get-master-addr-by-name").arg(primary);
    cmd
}

fn known(found: Option<HostPort>) -> Result<HostPort, RedisError> {
    found.ok_or_else(|| (redis::ErrorKind::Client, "the Sentinel knows no primary of this name").into())
}

fn no_sentinel() -> RedisError {
    (redis::ErrorKind::InvalidClientConfig, "no Sentinel is named").into()
}

fn blocking(client: &Client, patience: Duration) -> Result<Connection, RedisError> {
    let connection = client.get_connection_with_timeout(CONNECT)?;
    connection.set_read_timeout(Some(patience))?;
    connection.set_write_timeout(Some(patience))?;
    Ok(connection)
}

/// Why Redis cannot be used, for the operator.
pub(super) fn trouble(place: &RedisPlace, error: &impl std::fmt::Display) -> StoreError {
    StoreError::Away(format!("the queue in {place}: {error}"))
}
