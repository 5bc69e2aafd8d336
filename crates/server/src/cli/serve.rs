//! `serve`: the daemon.

use super::{args, find, identity};
use crate::config::Surroundings;
use crate::doors::Manner;
use crate::exit::Failure;
use crate::house::{House, Plan};
use crate::signals::Signals;
use http_door::Trust;
use std::sync::Arc;

pub(crate) async fn run(serve: args::Serve, around: Surroundings) -> Result<(), Failure> {
    let around = Surroundings { run_commands: true, ..around };
    let settings = find::settings(serve.config.as_deref(), &around)?;
    if settings.queue.kept.is_in_memory() {
        tracing::warn!("[queue] TYPE is one that keeps mail in memory: what waits is lost when we end");
    }
    identity::warn(&settings.identity.profile);
    let relays: Vec<&str> = settings.relays.iter().map(|relay| relay.url.as_str()).collect();
    let (relay, data_dir) = (relays.join(", "), settings.data_dir.clone());
    let runtime_dir = around.runtime_dir();
    let named = serve.config;
    let plan = Plan {
        settings,
        manner: Manner {
            trust: Trust::Keys,
            http_name: "[postrider.http] LISTEN",
            smtp_name: "[postrider.smtp] LISTEN",
            runtime_dir,
            grace: serve.grace,
        },
        reread: Some(Arc::new(move || find::settings(named.as_deref(), &around))),
    };
    let mut signals = Signals::new()?;
    let house = House::open(plan).await?;
    let smtp = house.smtp.as_ref().map_or_else(|| "off".to_owned(), ToString::to_string);
    tracing::info!(http = %house.http, %smtp, %relay, data = %data_dir.display(), "ready");
    house.serve(&mut signals).await?;
    tracing::info!("stopped");
    Ok(())
}
