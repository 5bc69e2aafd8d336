//! What an endpoint says (RFC 6749 5): a token, or why there is none.

use serde_json::Value;
use smtp::sasl::Secret;
use std::time::Duration;

/// Octets of an explanation that are shown.
const EXPLANATION: usize = 300;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Granted(Granted),
    /// Escaped and short.
    Refused {
        error: Box<str>,
        description: Box<str>,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) token: Secret,
    pub(super) expires_in: Option<Duration>,
    pub(super) refresh_token: Option<Secret>,
}

impl Answer {
    /// The error tells what it is instead.
    pub(super) fn read(status: u16, body: &[u8]) -> Result<Self, String> {
        let json: Value = serde_json::from_slice(body)
            .map_err(|_| format!("it answers {status} without JSON; is TOKEN_URL right?"))?;
        let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(error) = text("error") {
            let shown = |text: &str| smtp::escape(text, EXPLANATION).into();
            let description = text("error_description").map_or_else(Box::default, shown);
            return Ok(Self::Refused { error: shown(error), description });
        }
        let token = text("access_token").filter(|_| (200..300).contains(&status));
        let token = token.ok_or_else(|| format!("it answers {status} and gives no access_token"))?;
        // RFC 6749 7.1: a token of a kind we do not know must not be used.
        if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err("it gives a token that is no bearer token".into());
        }
        // Some write the number as text.
        let seconds = json.get("expires_in").and_then(|value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        });
        Ok(Self::Granted(Granted {
            token: Secret::from(token),
            expires_in: seconds.map(Duration::from_secs),
            refresh_token: text("refresh_token").map(Secret::from),
        }))
    }
}
