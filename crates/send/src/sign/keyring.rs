//! The keys, by domain, and what DNS says of each.

use jiff::Timestamp;
use message::dkim::{
    BodyHash, KeyRecord, SignError, SignedFields, Signer, SigningKey, author_domain, is_signed, record_name,
    sign,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::watch;

/// What stands in DNS for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Not looked up yet, or DNS does not answer: the key is used.
    Unknown,
    /// Its own record.
    Yes,
    /// No record, or that of another key: a signature would fail, so the key is not used.
    No,
}

/// A key, whose it is, and where receivers look for its public half.
#[derive(Debug)]
pub struct DkimKey {
    /// As A-labels.
    pub domain: String,
    pub selector: String,
    pub key: Arc<SigningKey>,
    /// Seconds after which a signature is void; `None`: never.
    pub expires: Option<u32>,
    published: AtomicU8,
}

impl DkimKey {
    pub fn new(domain: &str, selector: &str, key: impl Into<Arc<SigningKey>>, expires: Option<u32>) -> Self {
        let (domain, selector) = (domain.to_ascii_lowercase(), selector.to_owned());
        Self { domain, selector, key: key.into(), expires, published: AtomicU8::new(0) }
    }

    /// The name of its record.
    pub fn record_name(&self) -> String {
        record_name(&self.selector, &self.domain)
    }

    pub fn published(&self) -> Published {
        match self.published.load(Ordering::Relaxed) {
            0 => Published::Unknown,
            1 => Published::Yes,
            _ => Published::No,
        }
    }

    pub fn set_published(&self, published: Published) {
        let number = match published {
            Published::Unknown => 0,
            Published::Yes => 1,
            Published::No => 2,
        };
        self.published.store(number, Ordering::Relaxed);
    }

    /// Whether one of the TXT records at its name is its own; else why none is, for the operator.
    ///
    /// # Errors
    /// What stands there instead.
    pub fn compare(&self, records: &[String]) -> Result<(), String> {
        let name = self.record_name();
        if records.is_empty() {
            return Err(format!("{name} has no TXT record; publish what `postrider dkim record` prints"));
        }
        // RFC 6376 3.6.2.2: with several records, which one a receiver takes is undefined.
        if records.len() > 1 {
            return Err(format!(
                "{name} has {} TXT records, and receivers take any of them; leave one",
                records.len()
            ));
        }
        let own = KeyRecord::parse(&self.key.record()).ok();
        let text = records.first().map(String::as_str).unwrap_or_default();
        match KeyRecord::parse(text) {
            Ok(seen) if own.is_some_and(|own| own.is_same_key(&seen)) => Ok(()),
            Ok(_) => Err(format!(
                "the record at {name} is that of another key; publish this one's, or use another SELECTOR"
            )),
            Err(fault) => Err(format!("the record at {name} cannot be used ({fault}); publish it anew")),
        }
    }
}

/// The keys of one domain.
#[derive(Debug, Default)]
struct Domain {
    keys: Vec<DkimKey>,
    required: bool,
}

/// All keys. Mail is signed by each key of its author's domain, or of the nearest domain above it.
#[derive(Debug)]
pub struct Keyring {
    domains: BTreeMap<String, Domain>,
    /// Whether DNS was asked for each key once; mail waits until then.
    looked_up: watch::Sender<bool>,
}

impl Default for Keyring {
    fn default() -> Self {
        Self { domains: BTreeMap::new(), looked_up: watch::Sender::new(true) }
    }
}

impl Keyring {
    /// Adds a key. `required`: mail of its domain waits while none of the domain's keys can be used.
    pub fn add(&mut self, key: DkimKey, required: bool) {
        let domain = self.domains.entry(key.domain.clone()).or_default();
        domain.required |= required;
        domain.keys.push(key);
    }

    /// Until `look_up_done`, signing waits: somebody asks DNS for the keys' records.
    pub fn look_up_begins(&self) {
        self.looked_up.send_replace(false);
    }

    pub fn look_up_done(&self) {
        self.looked_up.send_replace(true);
    }

    /// Completes when every key may be used or was found out.
    pub(super) async fn ready(&self) {
        // The sender lives as long as we do.
        drop(self.looked_up.subscribe().wait_for(|done| *done).await);
    }

    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// By domain, in the order they were added.
    pub fn keys(&self) -> impl Iterator<Item = &DkimKey> {
        self.domains.values().flat_map(|domain| &domain.keys)
    }

    fn of(&self, author: &str) -> Option<&Domain> {
        let mut name = author;
        loop {
            if let Some(domain) = self.domains.get(name) {
                return Some(domain);
            }
            name = name.split_once('.')?.1;
        }
    }

    /// The author's domain and whose keys sign the mail; `None`: it is not ours to sign, or signed already.
    fn of_mail(&self, header: &[u8]) -> Option<(String, &Domain)> {
        if self.is_empty() || is_signed(header) {
            return None;
        }
        let author = author_domain(header)?;
        let domain = self.of(&author)?;
        Some((author, domain))
    }

    /// Whether a mail is ours to sign.
    pub(super) fn signs(&self, header: &[u8]) -> bool {
        self.of_mail(header).is_some()
    }

    /// Takes over what is known of keys that were there before.
    pub fn know_from(&self, before: &Self) {
        for key in self.keys() {
            let same = |old: &&DkimKey| {
                old.record_name() == key.record_name() && old.key.record() == key.key.record()
            };
            if let Some(old) = before.keys().find(same) {
                key.set_published(old.published());
            }
        }
    }

    /// The signature fields for a mail, a block to put in front of its header; `None`: it is not ours to sign, or
    /// somebody signed it already, or its domain's keys cannot be used and need not be.
    ///
    /// # Errors
    /// It must be signed and cannot be: the cause.
    pub(super) fn sign(
        &self,
        header: &[u8],
        body: &[u8],
        fields: &SignedFields,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, String> {
        let Some((author, domain)) = self.of_mail(header) else { return Ok(None) };
        match domain.sign(header, body, fields, now) {
            Ok(signatures) => Ok(Some(signatures)),
            Err(cause) if domain.required => Err(format!("mail of {author} must be signed, and {cause}")),
            Err(cause) => {
                tracing::error!("mail of {author} leaves unsigned: {cause}");
                Ok(None)
            }
        }
    }
}

impl Domain {
    fn sign(
        &self,
        header: &[u8],
        body: &[u8],
        fields: &SignedFields,
        now: Timestamp,
    ) -> Result<Vec<u8>, String> {
        let usable = self.keys.iter().filter(|key| key.published() != Published::No);
        let signers: Vec<Signer<'_>> = usable.map(signer).collect();
        if signers.is_empty() {
            return Err("the record of none of its DKIM keys is in DNS; see `postrider dkim verify`".into());
        }
        let mut hash = BodyHash::default();
        hash.update(body);
        sign(header, hash.finish(), &signers, fields, now).map_err(|e: SignError| e.to_string())
    }
}

fn signer(key: &DkimKey) -> Signer<'_> {
    Signer { domain: &key.domain, selector: &key.selector, key: &key.key, expires: key.expires }
}
