//! A batch over one connection: mails begin behind each other as the relay allows, a stale connection
//! is replaced once, trouble with the relay answers the rest.

use super::connection::{Connection, Refused};
use super::flow::Job;
use super::parts::{self, Places, Wholes};
use super::{Relay, content, idle, map};
use crate::{BoxStream, Mail, MailOutcome, Phase, RecipientOutcome, Trouble};
use envelope::{Class, EnhancedStatus};
use futures_util::{StreamExt, stream};
use smtp::client::{self, Failure, FailureKind, Outcome, RecipientResult};
use std::collections::VecDeque;
use std::sync::Arc;

struct Batch<'a> {
    relay: Arc<Relay>,
    mails: BoxStream<'a, Mail>,
    /// All mails were taken.
    ended: bool,
    /// Taken, and not begun.
    held: VecDeque<Job>,
    connection: Option<Connection>,
    /// What keeps the relay from taking any more of this batch.
    trouble: Option<Refused>,
    done: VecDeque<MailOutcome>,
    /// Mails that went in parts and are not done.
    wholes: Wholes,
}

pub(super) fn send(relay: Arc<Relay>, mails: BoxStream<'_, Mail>) -> BoxStream<'_, MailOutcome> {
    let batch = Batch {
        relay,
        mails,
        ended: false,
        held: VecDeque::new(),
        connection: None,
        trouble: None,
        done: VecDeque::new(),
        wholes: Wholes::default(),
    };
    stream::unfold(batch, |mut batch| async {
        let outcome = batch.next().await?;
        Some((outcome, batch))
    })
    .boxed()
}

/// However the batch ends, an idle connection is kept; one with mail under way is dropped.
impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(Connection::reusable) {
            idle::keep(&self.relay, connection);
        }
    }
}

impl Batch<'_> {
    async fn next(&mut self) -> Option<MailOutcome> {
        loop {
            if let Some(outcome) = self.done.pop_front() {
                return Some(outcome);
            }
            let under_way = self.connection.as_ref().map_or(0, Connection::under_way);
            if let Some(job) = self.held.pop_front() {
                if under_way == 0 || self.connection.as_ref().is_some_and(|c| c.has_room(&job.mail)) {
                    self.begin(job, under_way == 0).await;
                    continue;
                }
                self.held.push_front(job);
            }
            if under_way == 0 {
                // A stream that has ended is not asked again.
                let next = if self.ended { None } else { self.mails.next().await };
                self.ended = next.is_none();
                self.held.push_back(Job::new(next?));
                continue;
            }
            self.go_on().await;
        }
    }

    /// Moves what is under way, and takes the next mail as soon as one might begin.
    async fn go_on(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let wants = self.held.is_empty() && !self.ended && connection.may_overlap();
        tokio::select! {
            biased;
            mail = self.mails.next(), if wants => match mail {
                Some(mail) => self.held.push_back(Job::new(mail)),
                None => self.ended = true,
            },
            event = connection.advance() => match event {
                Ok(None) => {}
                Ok(Some((job, outcome))) => self.settle(job, outcome),
                Err(failure) => self.broke(&failure, None),
            },
        }
    }

    fn settle(&mut self, job: Job, outcome: Outcome) {
        let mut outcome = map::outcome(&job.mail, outcome, &self.relay.peer);
        let over = parts::too_many(&outcome);
        let all = job.places.unwrap_or_else(|| (0..outcome.recipients.len()).collect());
        if over.is_empty() {
            return self.finish(&all, outcome);
        }
        self.wholes.expect(job.mail.ticket, all.len());
        let place = |n: &usize| all.get(*n).copied();
        let further = parts::part(&job.mail, &over);
        self.held
            .push_front(Job { places: Some(over.iter().filter_map(place).collect()), ..Job::new(further) });
        let (done, results) = (0..).zip(outcome.recipients).filter(|(n, _)| !over.contains(n)).unzip();
        let done: Vec<usize> = done;
        outcome.recipients = results;
        self.finish(&done.iter().filter_map(place).collect::<Vec<_>>(), outcome);
    }

    fn finish(&mut self, places: &[usize], outcome: MailOutcome) {
        self.done.extend(self.wholes.take(places, outcome));
    }

    async fn begin(&mut self, job: Job, idle: bool) {
        if !content::is_sound(&job.mail) {
            self.done.push_back(self.unsound(&job.mail));
            return;
        }
        if idle && let Err(refused) = self.connect().await {
            let outcome = self.not_attempted(&job.mail, &refused);
            self.finish(job.places.as_deref().unwrap_or_default(), outcome);
            self.trouble = Some(refused);
            return;
        }
        let Some(connection) = &mut self.connection else { return };
        if job.places.is_none() {
            let parts = parts::cut(&job.mail, connection.capabilities());
            if parts.len() > 1 {
                self.wholes.expect(job.mail.ticket, job.mail.to.len());
                let part = |places: Places| Job {
                    places: Some(places.clone()),
                    ..Job::new(parts::part(&job.mail, &places))
                };
                parts.into_iter().rev().for_each(|places| self.held.push_front(part(places)));
                return;
            }
        }
        match connection.begin(job) {
            Ok(None) => {}
            Ok(Some((job, outcome))) => self.settle(job, outcome),
            Err(refused) => {
                let (job, failure) = *refused;
                self.broke(&failure, Some(job));
            }
        }
    }

    /// The connection ended. What it did not take under way, after it had served before, may be tried
    /// once more over another: nobody's fault. `first`: a mail that could not even begin.
    fn broke(&mut self, failure: &Failure, first: Option<Job>) {
        let Some(mut connection) = self.connection.take() else { return };
        let served = connection.has_served();
        let transcript: Box<str> = connection.transcript().into();
        let mut ended = connection.abandon(failure);
        if let Some(job) = first {
            let recipients = vec![RecipientResult::NotAttempted(failure.clone()); job.mail.to.len()];
            ended.push((job, Outcome { recipients, transcript: transcript.clone() }));
        }
        let doubts = ended.iter().filter(|(_, outcome)| is_in_doubt(outcome)).count();
        let careful = self.relay.trust.ended(&self.relay.peer, failure, doubts);
        let free = careful || failure.kind != FailureKind::Timeout && served;
        let mut again = VecDeque::new();
        for (job, outcome) in ended {
            if free && !job.retried && is_untouched(&outcome) {
                again.push_back(Job { retried: true, ..job });
                continue;
            }
            if is_of_the_relay(failure) {
                // The others were not said to the relay at all, and what was said of this one is not theirs to read.
                let trouble = Trouble { phase: Phase::Connect, ..map::trouble(failure.clone()) };
                self.trouble = Some(Box::new((trouble, format!("{transcript}** {}\n", failure.text))));
            }
            self.settle(job, outcome);
        }
        again.append(&mut self.held);
        self.held = again;
    }

    /// Makes sure of an idle connection: the batch's own, one of the relay's, or a new one.
    async fn connect(&mut self) -> Result<(), Refused> {
        if let Some(refused) = &self.trouble {
            return Err(refused.clone());
        }
        if let Some(mut connection) = self.connection.take() {
            if !connection.reusable() {
                connection.close().await;
            } else if !connection.is_stale().await {
                self.connection = Some(connection);
                return Ok(());
            }
        }
        self.connection = Some(match idle::take(&self.relay).await {
            Some(connection) => connection,
            None => Connection::open(&self.relay).await?,
        });
        Ok(())
    }

    fn not_attempted(&self, mail: &Mail, refused: &Refused) -> MailOutcome {
        let outcome = RecipientOutcome::NotAttempted(refused.0.clone());
        let mut all = MailOutcome::all(mail.ticket, mail.to.len(), outcome, &self.relay.peer);
        all.transcript = refused.1.as_str().into();
        all
    }

    fn unsound(&self, mail: &Mail) -> MailOutcome {
        let status = EnhancedStatus { class: Class::Permanent, subject: 6, detail: 0 };
        let text = "the message holds a CR or LF alone, which a relay could take for its end".into();
        let outcome = RecipientOutcome::Undeliverable { status, text };
        MailOutcome::all(mail.ticket, mail.to.len(), outcome, &self.relay.peer)
    }
}

/// Whether the next mail would meet the same: the relay goes, did not come as far as a text, or lets us wait for
/// minutes each time.
fn is_of_the_relay(failure: &Failure) -> bool {
    use client::Phase::{Data, End, Quit};
    matches!(failure.kind, FailureKind::Busy | FailureKind::Auth | FailureKind::Timeout)
        || !matches!(failure.phase, Data | End | Quit)
}

fn is_in_doubt(outcome: &Outcome) -> bool {
    outcome.recipients.iter().any(|result| matches!(result, RecipientResult::Unknown(_)))
}

/// Whether nobody was served, and nobody perhaps.
fn is_untouched(outcome: &Outcome) -> bool {
    let served = |result: &RecipientResult| {
        matches!(result, RecipientResult::Unknown(_) | RecipientResult::Accepted(_))
    };
    !outcome.recipients.iter().any(served)
}
