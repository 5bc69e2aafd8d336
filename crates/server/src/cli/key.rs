//! `key create|list|revoke`, on `state.db` itself, or in Redis where nodes share keys: the daemon may be up or down.

use super::args::{Key, KeyCreate, Where};
use super::{find, print};
use crate::clock::WallClock;
use crate::config::Surroundings;
use crate::exit::Failure;
use crate::{store, wire};
use queue::Clock;
use queue::state::{KeyInfo, KeyScope, NewKey, StateDb, StateError};
use serde_json::{Value, json};

pub(crate) fn run(verb: &Key, around: &Surroundings) -> Result<(), Failure> {
    match verb {
        Key::Create(create) => make(create, around),
        Key::List { place, json } => list(&open(place, around)?, *json),
        Key::Revoke { key, place, json } => {
            let gone = open(place, around)?.revoke(key, WallClock.now()).map_err(|error| match error {
                StateError::NotFound => Failure::Usage(format!(
                    "no good key has the name or id {key:?}; postrider key list shows those there are"
                )),
                other => wire::state(other),
            })?;
            match json {
                true => print(&shown(&gone).to_string()),
                false => print(&format!("{} ({}) is revoked", gone.name, gone.id)),
            }
        }
    }
}

fn open(place: &Where, around: &Surroundings) -> Result<StateDb, Failure> {
    let (folder, shared) = match &place.data {
        // A daemon there makes it known to the other nodes.
        Some(folder) => (folder.clone(), None),
        None => {
            let settings = find::settings(place.config.as_deref(), around)?;
            let shared = store::shared(&settings);
            (settings.data_dir, shared)
        }
    };
    wire::folder(&folder)?;
    wire::open_state(&folder, shared)
}

fn make(create: &KeyCreate, around: &Surroundings) -> Result<(), Failure> {
    let scope = |word: &String| {
        KeyScope::parse(word).ok_or_else(|| {
            Failure::Usage(format!("--scope {word:?}: write send, read or admin, parted by commas"))
        })
    };
    let new = NewKey {
        name: create.name.clone(),
        project: create.project.clone(),
        scopes: create.scope.iter().map(scope).collect::<Result<_, _>>()?,
        from_domains: create.from.clone(),
        created_at: WallClock.now(),
    };
    let made = open(&create.place, around)?.create(&new).map_err(wire::state)?;
    match create.json {
        true => print(&json!({"id": made.id, "name": made.name, "key": made.key}).to_string()),
        false => print(&made.key),
    }
}

fn list(db: &StateDb, json: bool) -> Result<(), Failure> {
    for key in db.list().map_err(wire::state)? {
        if json {
            print(&shown(&key).to_string())?;
            continue;
        }
        let state = if key.revoked_at.is_some() { "revoked" } else { "good" };
        let scopes: Vec<&str> = key.scopes.iter().map(|s| s.word()).collect();
        let from = if key.from_domains.is_empty() { "any".into() } else { key.from_domains.join(",") };
        print(&format!(
            "{}  {}  project {}  {}  from {from}  {state}",
            key.id,
            key.name,
            key.project,
            scopes.join(",")
        ))?;
    }
    Ok(())
}

fn shown(key: &KeyInfo) -> Value {
    let scopes: Vec<&str> = key.scopes.iter().map(|s| s.word()).collect();
    json!({
        "id": key.id, "name": key.name, "project": key.project, "scopes": scopes, "from": key.from_domains,
        "created_at": key.created_at.to_string(), "revoked_at": key.revoked_at.map(|at| at.to_string()),
    })
}
