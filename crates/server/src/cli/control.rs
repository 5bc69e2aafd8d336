//! The operator's way into a running daemon: HTTP over `DATA_DIR/control.sock`.

use super::args::Where;
use super::client::Client;
use super::find;
use crate::config::Surroundings;
use crate::exit::Failure;
use hyper::{Method, StatusCode};
use serde_json::Value;
use std::io::ErrorKind;
use tokio::net::UnixStream;

/// A client of the daemon that the flags name.
pub(crate) async fn client(place: &Where, around: &Surroundings) -> Result<Client, Failure> {
    let socket = find::data_dir(place, around)?.join("control.sock");
    match UnixStream::connect(&socket).await {
        Ok(_) => Ok(Client::at(socket)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failure::Forbidden(format!(
            "{}: {error}; only the user the daemon runs as may use it: try again as that user or as root",
            socket.display()
        ))),
        Err(error) => Err(Failure::Unavailable(format!(
            "no daemon answers at {}: {error}; start one with postrider serve, or name its folder by --data \
             or its settings by --config",
            socket.display()
        ))),
    }
}

/// One call; what the daemon refuses is the caller's mistake.
pub(crate) async fn ask(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, Failure> {
    let answer = client.call(method, path, body).await?;
    let status = answer.status;
    answer.success().map_err(|failure| match (status, failure) {
        (StatusCode::CONFLICT, Failure::BadMessage(text)) => Failure::Unavailable(text),
        (_, Failure::BadMessage(text)) => Failure::Usage(text),
        (_, other) => other,
    })
}

/// A text as one segment of a path (RFC 3986 3.3).
pub(crate) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
