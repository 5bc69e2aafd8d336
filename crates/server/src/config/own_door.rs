//! A relay that is our own listener would send every mail in a circle: refused.

use super::reader::Reader;
use super::settings::{HttpDoor, Listen, Place, Relay, SmtpDoor, Way};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::{Path, PathBuf};

/// Our listeners, each with the key that names it.
pub(crate) struct Doors(Vec<(Listen, &'static str)>);

impl Doors {
    /// `runtime_dir`: where `submit.sock` goes, if not to the data folder.
    pub(crate) fn of(http: &HttpDoor, smtp: &SmtpDoor, data_dir: &Path, runtime_dir: Option<&Path>) -> Self {
        let mut all = vec![(http.listen.clone(), "[postrider.http] LISTEN")];
        all.extend(smtp.listen.clone().map(|listen| (listen, "[postrider.smtp] LISTEN")));
        for socket in ["submit.sock", "control.sock"] {
            all.push((Listen::Unix(data_dir.join(socket)), "[postrider] DATA_DIR"));
        }
        all.extend(runtime_dir.map(|dir| (Listen::Unix(dir.join("submit.sock")), "$RUNTIME_DIRECTORY")));
        Self(all)
    }

    /// The listener at a host and port, one of whose addresses this is.
    pub(crate) fn at(&self, ip: IpAddr, port: u16) -> Option<(&Listen, &'static str)> {
        let at =
            |door: &Listen| matches!(door, Listen::Tcp(door) if door.port() == port && meets(ip, door.ip()));
        self.0.iter().find(|(door, _)| at(door)).map(|(door, key)| (door, *key))
    }

    /// Whether any listener has this port.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.0.iter().any(|(door, _)| matches!(door, Listen::Tcp(door) if door.port() == port))
    }
}

pub(crate) fn refuse(r: &mut Reader<'_>, relay: &Relay, doors: &Doors, hostname: &str) {
    let Way::Smtp(way) = &relay.way else { return };
    let (section, key) = (relay.key.0.as_str(), relay.key.1);
    for (door, name) in &doors.0 {
        if same(&way.place, door, hostname) {
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

/// Whether a relay's place is a door's, as far as is known without asking for names. `hostname`: ours.
pub(super) fn same(relay: &Place, door: &Listen, hostname: &str) -> bool {
    match (relay, door) {
        (Place::Unix(relay), Listen::Unix(door)) => followed(relay) == followed(door),
        (Place::Host { host, port }, Listen::Tcp(door)) if *port == door.port() => {
            let ip = door.ip().to_canonical();
            match host.parse::<IpAddr>() {
                Ok(relay) => meets(relay, ip),
                Err(_) if host.eq_ignore_ascii_case("localhost") => ip.is_loopback() || ip.is_unspecified(),
                Err(_) => host.eq_ignore_ascii_case(hostname) && ip.is_unspecified(),
            }
        }
        (Place::Unix(_) | Place::Host { .. }, Listen::Tcp(_) | Listen::Unix(_)) => false,
    }
}

/// Whether a connection to the relay's address comes to a door that listens at `door`.
fn meets(relay: IpAddr, door: IpAddr) -> bool {
    let (relay, v6) = (relay.to_canonical(), door.is_ipv6());
    let door = door.to_canonical();
    if relay.is_unspecified() {
        // It is taken for loopback.
        return door.is_unspecified() || door.is_loopback();
    }
    relay == door || door.is_unspecified() && (v6 || relay.is_ipv4()) && is_here(relay)
}

/// Whether the address is this machine's: what we send there is sent from there. Nothing is sent to find out.
fn is_here(ip: IpAddr) -> bool {
    let any =
        if ip.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let source = || {
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((ip, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    ip.is_loopback() || source() == Some(ip)
}

/// The path with the links in it followed, though the socket itself may not be there yet.
fn followed(path: &Path) -> PathBuf {
    let by_folder = || Some(std::fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?));
    std::fs::canonicalize(path).ok().or_else(by_folder).unwrap_or_else(|| path.to_owned())
}
