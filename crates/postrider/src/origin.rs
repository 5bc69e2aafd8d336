//! Where a client of a door comes from, and how much one place may take of it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The place behind an address: an IPv4 address, or the /64 that one customer has in IPv6. This
/// machine is no such place: all its programs would stand for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl Origin {
    /// `None`: this machine, by loopback or (no address) by a unix socket.
    pub fn of(address: Option<IpAddr>) -> Option<Self> {
        match address?.to_canonical() {
            ip if ip.is_loopback() => None,
            IpAddr::V4(ip) => Some(Self::V4(ip)),
            IpAddr::V6(ip) => Some(Self::V6(network(ip))),
        }
    }
}

fn network(ip: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = ip.segments();
    [a, b, c, d]
}

/// Counts the clients of each origin, so that one of them cannot take every place of a door. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// Clients of one origin at a time.
    most: usize,
    /// Only origins with a client: bounded by the door's own number of clients.
    here: Arc<Mutex<HashMap<Origin, usize>>>,
}

/// One client's place; free again when dropped.
#[derive(Debug)]
pub struct Place {
    origin: Option<Origin>,
    crowd: Crowd,
}

impl Crowd {
    /// At most `most` clients of one origin at a time; of this machine any number.
    pub fn new(most: usize) -> Self {
        Self { most, here: Arc::default() }
    }

    /// A place for one client more; `None`: its origin has its share.
    pub fn enter(&self, address: Option<IpAddr>) -> Option<Place> {
        let origin = Origin::of(address);
        if let Some(origin) = origin {
            let mut here = self.here();
            let count = here.entry(origin).or_default();
            if *count >= self.most {
                return None;
            }
            *count += 1;
        }
        Some(Place { origin, crowd: self.clone() })
    }

    fn here(&self) -> MutexGuard<'_, HashMap<Origin, usize>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(origin) = self.origin else { return };
        let mut here = self.crowd.here();
        if let Some(count) = here.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                here.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_origin_takes_its_share_and_no_more() {
        let crowd = Crowd::new(2);
        let enter = |text: &str| crowd.enter(Some(text.parse().unwrap()));
        let (first, _second) = (enter("192.0.2.1").expect("free"), enter("::ffff:192.0.2.1").expect("free"));
        assert!(enter("192.0.2.1").is_none());
        let _other = enter("192.0.2.2").expect("another origin");
        drop(first);
        let _again = enter("192.0.2.1").expect("free again");
        let _six = (enter("2001:db8::1").expect("free"), enter("2001:db8::2").expect("free"));
        assert!(enter("2001:db8:0:0:ffff::").is_none(), "one customer's network");
        let _next = enter("2001:db8:0:1::1").expect("another network");
        let near: Vec<_> = (0..9).map(|_| (enter("127.0.0.1"), enter("::1"), crowd.enter(None))).collect();
        assert!(near.iter().all(|(a, b, c)| a.is_some() && b.is_some() && c.is_some()));
    }

    #[test]
    fn nobody_is_remembered_who_went() {
        let crowd = Crowd::new(2);
        drop(crowd.enter(Some("192.0.2.1".parse().unwrap())));
        assert!(crowd.here().is_empty());
    }
}
