//! Keys and pauses as Redis holds them: an octet that names the form, then postcard over these structs. They never
//! change; a new form is a new struct beside them.

use super::super::key::{Entry, KeyInfo, KeyScope};
use super::super::pauses::Kept;
use super::super::scram::ScramVerifier;
use serde::{Deserialize, Serialize};

const FORM: u8 = 1;

/// Without the time of its revocation, which stands apart.
#[derive(Serialize, Deserialize)]
struct Key {
    name: String,
    project: String,
    scopes: Vec<String>,
    from_domains: Vec<String>,
    created_at: String,
    digest: [u8; 32],
    salt: [u8; 16],
    iterations: u32,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Pause {
    why: String,
    since: String,
}

fn sealed(form: &impl Serialize) -> Vec<u8> {
    // These structs have nothing that postcard cannot write; what is empty would be refused by who reads it.
    let mut octets = vec![FORM];
    octets.extend(postcard::to_stdvec(form).unwrap_or_default());
    octets
}

fn opened<'a, T: Deserialize<'a>>(octets: &'a [u8]) -> Option<T> {
    match octets {
        [FORM, rest @ ..] => postcard::from_bytes(rest).ok(),
        _ => None,
    }
}

pub(super) fn key(entry: &Entry) -> Vec<u8> {
    let (key, scram) = (&entry.key, &entry.scram);
    sealed(&Key {
        name: key.name.clone(),
        project: key.project.clone(),
        scopes: key.scopes.iter().map(|scope| scope.word().to_owned()).collect(),
        from_domains: key.from_domains.clone(),
        created_at: key.created_at.to_string(),
        digest: entry.digest,
        salt: scram.salt,
        iterations: scram.iterations,
        stored_key: scram.stored_key,
        server_key: scram.server_key,
    })
}

/// `None`: in no form of ours.
pub(super) fn read_key(id: &str, octets: &[u8], revoked: Option<&[u8]>) -> Option<Entry> {
    let key: Key = opened(octets)?;
    let time = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
    let revoked_at = match revoked {
        Some(text) => Some(time(text)?),
        None => None,
    };
    Some(Entry {
        key: KeyInfo {
            id: id.to_owned(),
            name: key.name,
            project: key.project,
            scopes: key.scopes.iter().map(|word| KeyScope::parse(word)).collect::<Option<_>>()?,
            from_domains: key.from_domains,
            created_at: time(key.created_at.as_bytes())?,
            revoked_at,
        },
        digest: key.digest,
        scram: ScramVerifier {
            salt: key.salt,
            iterations: key.iterations,
            stored_key: key.stored_key,
            server_key: key.server_key,
        },
    })
}

pub(super) fn pause(kept: &Kept) -> Vec<u8> {
    sealed(&Pause { why: kept.why.clone(), since: kept.since.clone() })
}

pub(super) fn read_pause(relay: &str, octets: &[u8]) -> Option<Kept> {
    let Pause { why, since } = opened(octets)?;
    Some(Kept { relay: relay.to_owned(), why, since })
}
