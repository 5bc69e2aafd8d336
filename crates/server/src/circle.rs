//! A relay whose name leads to our own door, seen when names can be asked for: at start and at a reload.

use crate::config::{Doors, Place, Settings, Way};
use crate::exit::Failure;
use std::path::Path;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// A name that is not answered for by then is looked at when mail goes there, as are circles through others.
const PATIENCE: Duration = Duration::from_secs(5);

/// # Errors
/// A relay is ourselves.
pub(crate) async fn refuse(s: &Settings, runtime_dir: Option<&Path>) -> Result<(), Failure> {
    let doors = Doors::of(&s.http, &s.smtp, &s.data_dir, runtime_dir);
    for relay in &s.relays {
        let Way::Smtp(way) = &relay.way else { continue };
        let Place::Host { host, port } = &way.place else { continue };
        if !doors.has_port(*port) {
            continue;
        }
        let Ok(Ok(found)) = timeout(PATIENCE, lookup_host((host.as_str(), *port))).await else { continue };
        for ip in found.map(|address| address.ip()) {
            if let Some((door, key)) = doors.at(ip, *port) {
                let (section, name) = (&relay.key.0, relay.key.1);
                return Err(Failure::Settings(format!(
                    "[{section}] {name}: {host}:{port} is at {ip}, where we listen ourselves ({key} = {door}), and \
                     every mail would come back; name the server that takes our mail, or move the door"
                )));
            }
        }
    }
    Ok(())
}
