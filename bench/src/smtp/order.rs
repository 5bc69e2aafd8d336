//! What a client process is told, and what it answers: JSON in the argument, JSON on standard output.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Where to send how many mails.
#[derive(Debug, Clone)]
pub struct Order {
    pub port: u16,
    /// The server's certificate; TLS from the first octet.
    pub ca: Option<PathBuf>,
    /// User and password.
    pub user: Option<(String, String)>,
    pub connections: usize,
    /// Mails before the clock starts.
    pub warm: usize,
    pub count: usize,
}

impl Order {
    pub fn write(&self) -> Value {
        json!({
            "port": self.port, "ca": self.ca, "user": self.user, "connections": self.connections,
            "warm": self.warm, "count": self.count,
        })
    }

    pub fn read(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let number = |name: &str| value[name].as_u64().with_context(|| format!("no {name}"));
        let word = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let user = word(&value["user"][0]).zip(word(&value["user"][1]));
        Ok(Self {
            port: number("port")?.try_into()?,
            ca: word(&value["ca"]).map(PathBuf::from),
            user,
            connections: number("connections")?.try_into()?,
            warm: number("warm")?.try_into()?,
            count: number("count")?.try_into()?,
        })
    }
}

/// Of one run.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Mails a second.
    pub rate: f64,
    /// Microseconds of the client's process a mail, user and system.
    pub cpu: f64,
}

impl Figures {
    pub fn new(count: usize, wall_us: f64, cpu_us: f64) -> Self {
        Self { rate: count as f64 * 1e6 / wall_us, cpu: cpu_us / count as f64 }
    }

    /// Of each figure by itself.
    pub fn median(all: Vec<Self>) -> Self {
        let middle = |of: fn(&Self) -> f64| {
            let mut values: Vec<f64> = all.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Self { rate: middle(|one| one.rate), cpu: middle(|one| one.cpu) }
    }
}
