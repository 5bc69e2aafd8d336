//! `reload`: the daemon reads its settings anew.

use super::{args, control, note, print};
use crate::config::Surroundings;
use crate::exit::Failure;
use hyper::{Method, StatusCode};
use serde_json::Value;

pub(crate) async fn run(asked: args::Reload, around: Surroundings) -> Result<(), Failure> {
    let client = control::client(&asked.place, &around).await?;
    let answer = client.call(Method::POST, "/reload", None).await?;
    let status = answer.status;
    let answer = answer.success().map_err(|failure| match (status, failure) {
        (StatusCode::UNPROCESSABLE_ENTITY, Failure::BadMessage(text)) => {
            Failure::Settings(format!("the old settings go on to hold:\n{text}"))
        }
        (StatusCode::NOT_FOUND, Failure::BadMessage(_)) => {
            Failure::Unavailable("this daemon cannot read its settings anew".into())
        }
        (_, failure) => failure,
    })?;
    if asked.json {
        return print(&answer.to_string());
    }
    let words = |key: &str| -> Vec<String> {
        let list = answer.get(key).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
    };
    print(&format!("the new settings hold; relays: {}", words("relays").join(", ")))?;
    for key in words("needs_restart") {
        note(&format!("{key} was changed; it holds from the next start"));
    }
    Ok(())
}
