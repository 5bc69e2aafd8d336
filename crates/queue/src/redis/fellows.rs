//! What the nodes do together at a relay: one rate for all, one hold, one probe.

use super::reply::{self, Row, odd};
use super::{PATIENCE, RedisStore, script};
use crate::error::StoreError;
use redis::{Cmd, Value};
use std::time::Duration;
use tokio::sync::watch;

/// Mails that a relay may be given now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ration {
    Mails(usize),
    /// None before so long.
    After(Duration),
}

/// A relay that no node gives mail for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub relay: String,
    /// For how much longer; zero: it is to be tried.
    pub wait: Duration,
    /// One word, of those who hold.
    pub kind: String,
    /// How often it was tried since.
    pub failures: u32,
    pub cause: String,
}

/// A probe that nobody ends is over after so long: its node died.
const PROBE: Duration = Duration::from_secs(60);
/// A burst after a pause has the mails of so long.
const BURST: Duration = Duration::from_secs(1);

impl RedisStore {
    /// Takes up to `want` of the mails that the relay is to be given by all nodes, `mails` in `per`. What is not used
    /// within a second is given back or taken anew.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn ration(
        &self,
        relay: &str,
        rate: (u32, Duration),
        want: usize,
    ) -> Result<Ration, StoreError> {
        let want = i64::try_from(want).unwrap_or(i64::MAX);
        let mut row = Row::of(self.rationed(relay, rate, want).await?)?;
        let (mails, micros): (usize, u64) = (row.number()?, row.number()?);
        Ok(if mails > 0 { Ration::Mails(mails) } else { Ration::After(Duration::from_micros(micros)) })
    }

    /// Gives back what was taken and not used.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn give_back(
        &self,
        relay: &str,
        rate: (u32, Duration),
        mails: usize,
    ) -> Result<(), StoreError> {
        let mails = i64::try_from(mails).unwrap_or(i64::MAX);
        self.rationed(relay, rate, -mails).await.map(drop)
    }

    async fn rationed(
        &self,
        relay: &str,
        (mails, per): (u32, Duration),
        want: i64,
    ) -> Result<Value, StoreError> {
        let each = per / mails.max(1);
        let micros = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1e6);
        let mut cmd = self.0.wire.call(&script::RATION);
        cmd.arg(relay).arg(micros(each)).arg(micros(each.max(BURST))).arg(want);
        Ok(self.0.wire.run(&script::RATION, &cmd, PATIENCE).await?)
    }

    /// Holds a relay for all nodes; a probe under way is over.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn hold(&self, hold: &Hold) -> Result<(), StoreError> {
        let micros = u64::try_from(hold.wait.as_micros()).unwrap_or(u64::MAX >> 12);
        let mut cmd = self.0.wire.call(&script::HOLD);
        cmd.arg(&hold.relay).arg(micros).arg(&hold.kind).arg(hold.failures).arg(&hold.cause);
        self.0.wire.run(&script::HOLD, &cmd, PATIENCE).await?;
        Ok(())
    }

    /// Ends a hold for all nodes.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn release(&self, relay: &str) -> Result<(), StoreError> {
        let mut cmd = self.0.wire.call(&script::HOLD);
        cmd.arg(relay).arg("");
        self.0.wire.run(&script::HOLD, &cmd, PATIENCE).await?;
        Ok(())
    }

    /// The relays that are held.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let wire = &self.0.wire;
        let mut cmd = Cmd::new();
        cmd.arg("HGETALL").arg(format!("{}holds", wire.prefix));
        let answer = wire.plain(&cmd).await.map_err(|error| super::place::trouble(&wire.place, &error))?;
        let mut rows = Row::of(answer)?;
        let (now, mut holds) = (wire.now().as_microsecond(), Vec::new());
        while let Ok(relay) = rows.text() {
            holds.push(read(relay, &rows.text()?, now)?);
        }
        Ok(holds)
    }

    /// Whether this node is the one that tries a held relay now.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn may_probe(&self, relay: &str) -> Result<bool, StoreError> {
        let answer = self.probing(relay, Some(PROBE)).await?;
        Ok(reply::octets(answer)? == b"1")
    }

    /// The probe of this node ended without news.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn end_probe(&self, relay: &str) -> Result<(), StoreError> {
        self.probing(relay, None).await.map(drop)
    }

    async fn probing(&self, relay: &str, most: Option<Duration>) -> Result<Value, StoreError> {
        let mut cmd = self.0.wire.call(&script::PROBE);
        cmd.arg(relay).arg(most.map(|time| time.as_millis().to_string()).unwrap_or_default());
        Ok(self.0.wire.run(&script::PROBE, &cmd, PATIENCE).await?)
    }

    /// Changes when another node holds or releases a relay, or may have while nothing was heard.
    pub fn told_of_holds(&self) -> watch::Receiver<()> {
        self.0.wire.ears.holds.subscribe()
    }
}

/// `<until> <kind> <failures> <cause>`
fn read(relay: String, row: &str, now: i64) -> Result<Hold, StoreError> {
    let mut words = row.splitn(4, ' ');
    let mut word = || words.next().ok_or_else(|| odd("a hold"));
    let until: i64 = word()?.parse().map_err(|_| odd("a time"))?;
    let (kind, failures) = (word()?.to_owned(), word()?.parse().map_err(|_| odd("a number"))?);
    let wait = Duration::from_micros(u64::try_from(until.saturating_sub(now)).unwrap_or_default());
    Ok(Hold { relay, wait, kind, failures, cause: word()?.to_owned() })
}
