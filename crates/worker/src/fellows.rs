//! What the nodes of a shared queue do together at a relay. A rate is for all of them. A relay that refuses our login
//! or whatever it is given is left alone by all and tried by one; trouble that passes is each node's own, for it may be
//! the node's network that is in trouble. A node that is alone has nothing of this.

use crate::breaker::{Leave, Pace};
use crate::desk::Desk;
use crate::signal::Watcher;
use crate::worker::Stop;
use queue::{Hold, Ration, RedisStore, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// Mails that were granted and not used within this are not granted any more.
const FRESH: Duration = Duration::from_secs(1);
/// Redis did not answer, or another node probes: not asked again before this.
const AGAIN: Duration = Duration::from_secs(2);

/// What the others must know, in this order.
#[derive(Debug)]
pub(crate) enum Word {
    Hold(Hold),
    Release(Arc<str>),
    /// The probe had no news.
    EndProbe(Arc<str>),
    /// So many mails of a relay's rate were not used.
    GiveBack(Arc<str>, (u32, Duration), usize),
}

pub(crate) type Words = UnboundedSender<Word>;

pub(crate) fn words() -> (Words, UnboundedReceiver<Word>) {
    unbounded_channel()
}

impl Pace {
    fn word(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Login => "login",
            Self::Mass => "mass",
        }
    }
}

impl Desk {
    fn say(&self, word: Word) {
        // Without a receiver the worker has ended, and the others find out by themselves.
        drop(self.words.as_ref().map(|words| words.send(word)));
    }

    pub(crate) fn say_held(&self, pace: Pace, wait: Duration, failures: u32, cause: &str) {
        if pace != Pace::Passing {
            let (relay, kind, cause) = (self.relay.name.to_string(), pace.word().into(), cause.into());
            self.say(Word::Hold(Hold { relay, wait, kind, failures, cause }));
        }
    }

    pub(crate) fn say_released(&self) {
        self.say(Word::Release(self.relay.name.clone()));
    }

    pub(crate) fn say_no_news(&self) {
        self.say(Word::EndProbe(self.relay.name.clone()));
    }

    /// Mails granted at this time were not used.
    pub(crate) fn say_unused(&self, mails: usize, granted: Instant) {
        if let Some(rate) = self.relay.rate
            && mails > 0
            && granted.elapsed() < FRESH
        {
            self.say(Word::GiveBack(self.relay.name.clone(), (rate.mails, rate.per), mails));
        }
    }

    /// Leave of the other nodes for what our own health gives leave for; what is left of `limit`, or when to ask
    /// again.
    pub(crate) async fn among_nodes(&self, leave: Leave, limit: usize) -> Result<usize, Instant> {
        let Some(store) = self.store.shared() else { return Ok(limit) };
        let probes = leave == Leave::Probe && self.health().is_held();
        if probes && !store.may_probe(&self.relay.name).await.unwrap_or(false) {
            return Err(self.put_off(AGAIN));
        }
        let Some(rate) = self.relay.rate else { return Ok(limit) };
        match store.ration(&self.relay.name, (rate.mails, rate.per), limit).await {
            Ok(Ration::Mails(mails)) => Ok(mails),
            Ok(Ration::After(wait)) => {
                if probes {
                    self.say_no_news();
                }
                Err(self.put_off(wait))
            }
            // Without Redis no mail is leased either.
            Err(error) => {
                tracing::debug!(relay = %self.relay.name, %error, "no share of the rate");
                Err(self.put_off(AGAIN))
            }
        }
    }

    /// How many of these mails may be sent, that came for a grant of then.
    pub(crate) async fn still_granted(&self, mails: usize, granted: Instant) -> usize {
        let (Some(store), Some(rate)) = (self.store.shared(), self.relay.rate) else { return mails };
        if mails == 0 || granted.elapsed() < FRESH {
            return mails;
        }
        match store.ration(&self.relay.name, (rate.mails, rate.per), mails).await {
            Ok(Ration::Mails(mails)) => mails,
            Ok(Ration::After(_)) | Err(_) => 0,
        }
    }

    fn put_off(&self, wait: Duration) -> Instant {
        let at = Instant::now() + wait;
        self.health().put_off(at);
        at
    }

    /// What the others hold, this node holds, and no more.
    fn adopt(&self, holds: &[Hold], words: &UnboundedReceiver<Word>) {
        let found = holds.iter().find(|hold| *hold.relay == *self.relay.name);
        let mut health = self.health();
        if !words.is_empty() {
            // What was read is older than what we are about to say.
            return;
        }
        let moved = match found {
            Some(hold) => {
                let pace = if hold.kind == Pace::Mass.word() { Pace::Mass } else { Pace::Login };
                health.adopt(pace, hold.failures, &hold.cause, hold.wait, Instant::now())
            }
            None => {
                health.is_held() && {
                    health.forgive();
                    true
                }
            }
        };
        drop(health);
        if moved {
            match found {
                Some(hold) => tracing::error!(
                    relay = %self.relay.name, wait = ?hold.wait, "another node holds the relay: {}", hold.cause
                ),
                None => tracing::info!(relay = %self.relay.name, "another node gives the relay mail again"),
            }
            self.tell();
        }
    }
}

/// Tells the others and hears them, until told to stop.
pub(crate) async fn run(
    store: RedisStore,
    desks: Vec<Arc<Desk>>,
    mut words: UnboundedReceiver<Word>,
    mut stop: Watcher<Stop>,
) {
    let mut told = store.told_of_holds();
    told.mark_changed();
    loop {
        let word = tokio::select! {
            biased;
            () = stop.changed() => return,
            word = words.recv() => word,
            _ = told.changed() => None,
        };
        let done = match &word {
            Some(word) => tell(&store, word).await,
            None => store.holds().await.map(|holds| desks.iter().for_each(|desk| desk.adopt(&holds, &words))),
        };
        if word.is_none() && !words.is_empty() {
            // What a word of ours stood against is looked at again once that is told.
            told.mark_changed();
        }
        if let Err(error) = done {
            tracing::debug!(%error, "the other nodes are not reached");
            told.mark_changed();
            tokio::select! { biased; () = stop.changed() => return, () = tokio::time::sleep(AGAIN) => {} }
            // A hold that the others do not know of must not look like one that they ended.
            if let Some(word @ (Word::Hold(_) | Word::Release(_))) = word
                && until_told(&store, &word, &mut stop).await
            {
                return;
            }
        }
    }
}

/// Whether the worker was told to stop before the others knew.
async fn until_told(store: &RedisStore, word: &Word, stop: &mut Watcher<Stop>) -> bool {
    while tell(store, word).await.is_err() {
        tokio::select! { biased; () = stop.changed() => return true, () = tokio::time::sleep(AGAIN) => {} }
    }
    false
}

async fn tell(store: &RedisStore, word: &Word) -> Result<(), StoreError> {
    match word {
        Word::Hold(hold) => store.hold(hold).await,
        Word::Release(relay) => store.release(relay).await,
        Word::EndProbe(relay) => store.end_probe(relay).await,
        Word::GiveBack(relay, rate, mails) => store.give_back(relay, *rate, *mails).await,
    }
}
