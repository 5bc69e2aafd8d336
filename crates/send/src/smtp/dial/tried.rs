//! Addresses of a relay that turned us away, so that the next one gets its turn (RFC 5321 5.1).

use crate::smtp::Deadlines;
use crate::smtp::connection::Refused;
use crate::{Phase, Trouble, TroubleKind};
use std::net::SocketAddr;
use tokio::time::Instant;

/// Where we were, and what the last of them said.
#[derive(Debug)]
pub(in crate::smtp) struct Tried {
    addresses: Vec<SocketAddr>,
    last: Option<Refused>,
    since: Instant,
}

impl Default for Tried {
    fn default() -> Self {
        Self { addresses: Vec::new(), last: None, since: Instant::now() }
    }
}

impl Tried {
    pub(super) fn contains(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// Notes an address; an error when another one would not help or there is no time for it.
    pub(in crate::smtp) fn add(
        &mut self,
        address: Option<SocketAddr>,
        mut refused: Refused,
        limits: &Deadlines,
    ) -> Result<(), Refused> {
        if let Some(before) = self.last.take() {
            refused.1.insert_str(0, &before.1);
        }
        match address.filter(|_| is_of_the_host(&refused.0) && self.since.elapsed() < limits.connect_all) {
            Some(address) if !self.contains(address) => {
                self.addresses.push(address);
                self.last = Some(refused);
                Ok(())
            }
            Some(_) | None => Err(refused),
        }
    }

    /// No address is left, or none of the others can be reached: what the last host said tells more.
    pub(in crate::smtp) fn end(self, trouble: Trouble) -> Refused {
        match self.last {
            Some(refused) => refused,
            None => {
                let said = format!("** {}\n", trouble.text);
                Box::new((trouble, said))
            }
        }
    }
}

/// Whether it is this host that is in trouble, and not our settings or our login.
fn is_of_the_host(trouble: &Trouble) -> bool {
    let early = matches!(trouble.phase, Phase::Greeting | Phase::Hello | Phase::Tls);
    early && !matches!(trouble.kind, TroubleKind::Settings | TroubleKind::Auth | TroubleKind::Stopped)
}
