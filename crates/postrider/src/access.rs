//! Who may do what: API keys.

use crate::Guesses;
use queue::Door;
use queue::state::{KeyInfo, KeyScope, StateDb};
use std::sync::Arc;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    Send,
    Read,
    Admin,
}

/// Who submits or asks.
#[derive(Debug, Clone)]
pub struct Caller {
    pub project: Arc<str>,
    pub door: Door,
    /// The key's id; `None` for local callers (unix socket, library).
    pub key_id: Option<String>,
    pub scopes: Vec<Scope>,
    /// Domains that From may have; empty: any.
    pub from_domains: Vec<String>,
}

impl Caller {
    /// The operator of this machine: everything, project `default`.
    pub fn local(door: Door) -> Self {
        Self {
            project: "default".into(),
            door,
            key_id: None,
            scopes: vec![Scope::Send, Scope::Read, Scope::Admin],
            from_domains: Vec::new(),
        }
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// The project whose mail the caller may see; `None`: all.
    pub fn sees(&self) -> Option<Arc<str>> {
        (!self.may(Scope::Admin)).then(|| self.project.clone())
    }
}

/// Checks keys. Backed by `queue::state`, so keys made while the daemon runs are known at once. Cheap
/// to clone.
#[derive(Clone)]
pub struct Access {
    state: Arc<StateDb>,
    guesses: Guesses,
}

impl Access {
    pub fn new(state: Arc<StateDb>) -> Self {
        Self { state, guesses: Guesses::default() }
    }

    /// Where pauses are kept, too.
    pub(crate) fn state(&self) -> &Arc<StateDb> {
        &self.state
    }

    /// The wrong passwords of all doors; to be asked before one is looked at.
    pub fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    /// The caller behind a bearer key; `None`: unknown or revoked.
    pub fn by_key(&self, key: &str, door: Door) -> Option<Caller> {
        self.state.by_key(key).map(|found| caller(found, door))
    }

    /// The caller behind a user name (the key's name) and password (the key).
    pub fn by_name(&self, name: &str, key: &str, door: Door) -> Option<Caller> {
        self.state.by_name(name, key).map(|found| caller(found, door))
    }
}

fn caller(key: KeyInfo, door: Door) -> Caller {
    let scopes = key.scopes.into_iter().map(Scope::from).collect();
    let (project, key_id) = (key.project.into(), Some(key.id));
    Caller { project, door, key_id, scopes, from_domains: key.from_domains }
}

impl From<KeyScope> for Scope {
    fn from(scope: KeyScope) -> Self {
        match scope {
            KeyScope::Send => Self::Send,
            KeyScope::Read => Self::Read,
            KeyScope::Admin => Self::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use queue::state::NewKey;

    #[test]
    fn a_key_becomes_the_caller_it_was_made_for() {
        let state = Arc::new(StateDb::in_memory().unwrap());
        let access = Access::new(state.clone());
        let new = NewKey {
            project: "shop".into(),
            scopes: vec![KeyScope::Send, KeyScope::Read],
            from_domains: vec!["a.example".into()],
            ..NewKey::named("web", Timestamp::UNIX_EPOCH)
        };
        let made = state.create(&new).unwrap();
        let by_name = access.by_name("web", &made.key, Door::Smtp).unwrap();
        let by_key = access.by_key(&made.key, Door::Http).unwrap();
        assert_eq!((by_name.door, by_key.door), (Door::Smtp, Door::Http));
        for caller in [by_name, by_key] {
            assert_eq!((&*caller.project, caller.key_id), ("shop", Some(made.id.clone())));
            assert_eq!(caller.scopes, [Scope::Send, Scope::Read]);
            assert_eq!(caller.from_domains, ["a.example"]);
        }
        assert!(access.by_name("web", "pr_wrong", Door::Smtp).is_none());
        state.revoke("web", Timestamp::UNIX_EPOCH).unwrap();
        assert!(access.by_key(&made.key, Door::Http).is_none());
    }
}
