//! The keys of the settings as a keyring, and what DNS says of them, asked before their first use and again
//! and again.

use crate::config::{Dkim, SignedHeader};
use futures_util::future::join_all;
use message::dkim::SignedFields;
use send::{DkimKey, Keyring, Published};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::timeout;

/// How soon it is asked again of a key whose record is not there, or that nobody could tell of.
const SOON: Duration = Duration::from_secs(60);
const LATER: Duration = Duration::from_secs(3_600);
/// How long mail waits for what DNS says of the keys.
const LOOK_UP: Duration = Duration::from_secs(10);
const RESOLV_CONF: &str = "/etc/resolv.conf";
const DNS_PORT: u16 = 53;
/// Servers of /etc/resolv.conf that count, as resolv.conf(5) has it.
const SERVERS: usize = 3;

/// All keys; mail that they sign waits for the first look into DNS, unless all is known from before.
pub(crate) fn keyring(settings: &Dkim, before: Option<&Keyring>) -> Arc<Keyring> {
    let mut keyring = Keyring::default();
    for one in &settings.keys {
        let key = DkimKey::new(&one.domain, &one.selector, one.key.clone(), one.expires);
        keyring.add(key, one.required);
    }
    if let Some(before) = before.filter(|_| settings.check) {
        keyring.know_from(before);
    }
    if settings.check && keyring.keys().any(|key| key.published() == Published::Unknown) {
        keyring.look_up_begins();
    }
    Arc::new(keyring)
}

/// Which fields are signed; `None`: the mail is not signed on this way.
pub(crate) fn fields(signed: SignedHeader) -> Option<SignedFields> {
    match signed {
        SignedHeader::All => Some(SignedFields::default()),
        SignedHeader::WithoutDateAndId => Some(SignedFields::without_date_and_id()),
        SignedHeader::Off => None,
    }
}

/// Asks DNS for the record of each key as long as somebody signs with the keyring.
pub(crate) async fn watch(keyring: Weak<Keyring>, settings: Dkim) {
    while let Some(ring) = keyring.upgrade().filter(|ring| settings.check && !ring.is_empty()) {
        let servers = servers(&settings.resolvers);
        // Mail waits for it the first time, so there is an end to it, however many keys there are.
        let all = join_all(ring.keys().map(|key| look_up(key, &servers)));
        let all_good = match timeout(LOOK_UP, all).await {
            Ok(good) => good.into_iter().all(|good| good),
            Err(_) => {
                tracing::warn!(
                    "DKIM: DNS takes too long to tell of every key; those it did not tell of are used as before"
                );
                false
            }
        };
        ring.look_up_done();
        drop(ring);
        tokio::time::sleep(if all_good { LATER } else { SOON }).await;
    }
}

/// Notes what DNS says of a key; whether it is good.
async fn look_up(key: &DkimKey, servers: &[SocketAddr]) -> bool {
    let (name, before) = (key.record_name(), key.published());
    match compare(key, servers).await {
        Ok(()) => {
            key.set_published(Published::Yes);
            if before != Published::Yes {
                tracing::info!("DKIM: {name} is in DNS; mail is signed by it");
            }
        }
        Err(Unlike::Record(cause)) => {
            key.set_published(Published::No);
            if before != Published::No {
                tracing::error!("DKIM: {cause}; no mail is signed by this key until then");
            }
        }
        // What stood there before probably still does.
        Err(Unlike::NoAnswer(cause)) => tracing::warn!("DKIM: {name} could not be looked up: {cause}"),
    }
    key.published() == Published::Yes
}

/// Why a key's record is not as it must be.
pub(crate) enum Unlike {
    /// DNS has none, or another.
    Record(String),
    /// DNS did not say.
    NoAnswer(String),
}

pub(crate) async fn compare(key: &DkimKey, servers: &[SocketAddr]) -> Result<(), Unlike> {
    let records = send::dns::txt(servers, &key.record_name()).await;
    let records = records.map_err(|error| Unlike::NoAnswer(error.to_string()))?;
    key.compare(&records).map_err(Unlike::Record)
}

/// The DNS servers to ask: those of the settings, else the machine's.
pub(crate) fn servers(named: &[SocketAddr]) -> Vec<SocketAddr> {
    if !named.is_empty() {
        return named.to_vec();
    }
    let text = std::fs::read_to_string(RESOLV_CONF).unwrap_or_default();
    let mut found: Vec<SocketAddr> = name_servers(&text).take(SERVERS).collect();
    // resolv.conf(5): without a line, the server on this machine.
    if found.is_empty() {
        found.push(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), DNS_PORT));
    }
    found
}

fn name_servers(text: &str) -> impl Iterator<Item = SocketAddr> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and_then(|_| words.next())?;
        Some(SocketAddr::new(address.parse().ok()?, DNS_PORT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_from_resolv_conf() {
        let text = "# nameserver 9.9.9.9\nsearch x.example\nnameserver 192.0.2.53\n nameserver\t2001:db8::53 # x\nnameserver fe80::1%eth0\n";
        let found: Vec<String> = name_servers(text).map(|at| at.to_string()).collect();
        assert_eq!(found, ["192.0.2.53:53", "[2001:db8::53]:53"]);
    }
}
