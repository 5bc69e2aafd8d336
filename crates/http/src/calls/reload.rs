//! Reading the settings anew, for the operator of this machine.

use crate::problem::Problem;
use axum::extract::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

/// Reloads that wait for their turn.
const WAITING: usize = 8;

/// How the door asks whoever holds the settings for a reload.
#[derive(Debug, Clone)]
pub struct Reload(mpsc::Sender<ReloadAsk>);

/// One such ask, to be answered: what came of it, or every mistake in the settings.
pub type ReloadAsk = oneshot::Sender<Result<Reloaded, String>>;

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// The relays that are used from now on, by priority.
    pub relays: Vec<String>,
    /// Keys that were changed and hold only from the next start.
    pub needs_restart: Vec<String>,
}

#[derive(Serialize)]
struct Answer {
    object: &'static str,
    #[serde(flatten)]
    reloaded: Reloaded,
}

impl Reload {
    /// The asking and the answering end.
    pub fn channel() -> (Self, mpsc::Receiver<ReloadAsk>) {
        let (asks, asked) = mpsc::channel(WAITING);
        (Self(asks), asked)
    }

    /// A door whose `POST /reload` asks here. Without it there is no such call.
    pub fn on(self, router: Router) -> Router {
        router.layer(Extension(self))
    }
}

/// Whole or not at all.
pub(crate) async fn reload(reload: Option<Extension<Reload>>) -> Result<Response, Problem> {
    let Some(Extension(Reload(asks))) = reload else { return Err(Problem::not_found()) };
    let (ask, answer) = oneshot::channel();
    let stops = || Problem::busy("the server starts or stops");
    asks.send(ask).await.map_err(|_| stops())?;
    match answer.await.map_err(|_| stops())? {
        Ok(reloaded) => Ok(Json(Answer { object: "reload", reloaded }).into_response()),
        Err(mistakes) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_settings", "validation_error", mistakes))
        }
    }
}
