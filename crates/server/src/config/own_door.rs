//! A relay that is our own listener would send every mail in a circle: refused.

use super::reader::Reader;
use super::settings::{HttpDoor, Listen, Place, Relay, SmtpDoor, Way};
use super::transport::is_local;
use std::path::Path;

pub(crate) fn refuse(r: &mut Reader<'_>, relay: &Relay, http: &HttpDoor, smtp: &SmtpDoor, data_dir: &Path) {
    let Way::Smtp(way) = &relay.way else { return };
    let doors = [
        (Some(http.listen.clone()), "[postrider.http] LISTEN"),
        (smtp.listen.clone(), "[postrider.smtp] LISTEN"),
        (Some(Listen::Unix(data_dir.join("submit.sock"))), "[postrider] DATA_DIR"),
        (Some(Listen::Unix(data_dir.join("control.sock"))), "[postrider] DATA_DIR"),
    ];
    let (section, key) = (relay.key.0.as_str(), relay.key.1);
    for (door, name) in doors {
        if door.is_some_and(|door| same(&way.place, &door)) {
            let origin = r.look(section, key).map(|w| w.origin);
            let problem = format!(
                "the relay is our own door, {name}, and every mail would come back; \
                 name the server that takes our mail, or move the door"
            );
            r.findings.mistake(origin, section, key, problem);
        }
    }
}

/// A program that is this very one, perhaps by a link, would hand each mail back to us.
pub(crate) fn refuse_binary(r: &mut Reader<'_>, relay: &Relay, binary: Option<&Path>) {
    let Way::Sendmail(way) = &relay.way else { return };
    if binary.is_none() || std::fs::canonicalize(&way.path).ok().as_deref() != binary {
        return;
    }
    let (section, key) = (relay.key.0.as_str(), relay.key.1);
    let origin = r.look(section, key).map(|w| w.origin);
    let problem = "the program is postrider itself, and every mail would come back; name the real sendmail, or a \
                   relay in [postrider.relay] URL";
    r.findings.mistake(origin, section, key, problem);
}

/// Whether a relay's place is a door's.
pub(super) fn same(relay: &Place, door: &Listen) -> bool {
    match (relay, door) {
        (Place::Unix(relay), Listen::Unix(door)) => relay == door,
        (Place::Host { host, port }, Listen::Tcp(door)) => {
            *port == door.port()
                && (host.parse().is_ok_and(|ip: std::net::IpAddr| ip == door.ip())
                    || is_local(host) && (door.ip().is_loopback() || door.ip().is_unspecified()))
        }
        (Place::Unix(_), Listen::Tcp(_)) | (Place::Host { .. }, Listen::Unix(_)) => false,
    }
}
