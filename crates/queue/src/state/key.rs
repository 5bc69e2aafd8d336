//! API keys: what they are, how their text is made and hashed.

use super::StateError;
use super::scram::{self, ScramVerifier};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use std::fmt;
use uuid::{NoContext, Uuid};

const MAX_NAME: usize = 64;
/// Characters of its id that part a key from another of the same name.
const APART: usize = 8;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyScope {
    Send,
    Read,
    Admin,
}

impl KeyScope {
    pub const ALL: [Self; 3] = [Self::Send, Self::Read, Self::Admin];

    pub fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// A key to make.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// `[a-z0-9._-]{1,64}`, and not of the form of an id. No two keys that are not revoked have the
    /// same name; that of a revoked key may be given again, so that a key can be replaced.
    pub name: String,
    pub project: String,
    /// At least one.
    pub scopes: Vec<KeyScope>,
    /// Domains that From may have; empty: any.
    pub from_domains: Vec<String>,
    pub created_at: Timestamp,
}

impl NewKey {
    /// A key of project `default` with all scopes and any From.
    pub fn named(name: impl Into<String>, created_at: Timestamp) -> Self {
        let (project, scopes) = ("default".to_owned(), KeyScope::ALL.to_vec());
        Self { name: name.into(), project, scopes, from_domains: Vec::new(), created_at }
    }

    pub(super) fn check(&self) -> Result<(), StateError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let fits = (1..=MAX_NAME).contains(&self.name.len()) && self.name.bytes().all(allowed);
        if !fits || Uuid::try_parse(&self.name).is_ok() {
            return Err(StateError::BadName(self.name.clone()));
        }
        if self.scopes.is_empty() { Err(StateError::NoScope) } else { Ok(()) }
    }
}

/// A key just made.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedKey {
    pub id: String,
    pub name: String,
    /// The secret itself, `pr_…`: shown once, stored nowhere.
    pub key: String,
}

impl fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedKey").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    pub id: String,
    pub name: String,
    pub project: String,
    pub scopes: Vec<KeyScope>,
    pub from_domains: Vec<String>,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// The name with the end of the id behind it, for a key whose own name is another's.
pub(super) fn apart(name: &str, id: &str) -> String {
    let end: String = id.chars().skip(id.len().saturating_sub(APART)).collect();
    let begin: String = name.chars().take(MAX_NAME - 1 - APART).collect();
    format!("{begin}-{end}")
}

pub(super) type Digest = [u8; 32];

/// A key with what checks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: KeyInfo,
    pub(super) digest: Digest,
    pub(super) scram: ScramVerifier,
}

/// The text of a new key, and what is kept of it.
pub(super) fn mint(new: &NewKey) -> Result<(String, Entry), StateError> {
    let text = format!("pr_{}", URL_SAFE_NO_PAD.encode(random::<32>()?));
    let seconds = u64::try_from(new.created_at.as_second()).unwrap_or_default();
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, 0)).to_string();
    let scram = ScramVerifier::new(text.as_bytes(), random()?, scram::ITERATIONS);
    let key = KeyInfo {
        id,
        name: new.name.clone(),
        project: new.project.clone(),
        scopes: new.scopes.clone(),
        from_domains: new.from_domains.clone(),
        created_at: new.created_at,
        revoked_at: None,
    };
    let digest = digest(&text);
    Ok((text, Entry { key, digest, scram }))
}

/// The text has 256 random bits, so one round is enough: there is nothing to guess.
pub(super) fn digest(text: &str) -> Digest {
    let mut out = Digest::default();
    out.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    out
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], StateError> {
    let mut out = [0; N];
    aws_lc_rs::rand::fill(&mut out).map_err(|_| StateError::NoRandom)?;
    Ok(out)
}
