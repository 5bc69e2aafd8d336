//! Mail on its way in.

use super::gather::{Gather, Wishes};
use super::place::trouble;
use super::wire::{Failed, named};
use super::{PATIENCE, Shared, form, reply, script};
use crate::error::{InsertError, StoreError};
use crate::job::{Inserted, NewJob};
use redis::Cmd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How long a key is remembered, in microseconds.
const KEY_LIFE: i64 = 24 * 3600 * 1_000_000;

/// One call.
pub(super) type Stored = Result<Vec<Inserted>, InsertError>;
pub(super) type Intake = Gather<Call, Stored>;

/// Jobs, and until when somebody waits to hear of them.
pub(super) struct Call {
    jobs: Vec<NewJob>,
    until: String,
}

/// Octets of messages in one question.
pub(super) const TOGETHER: usize = 2 << 20;
/// What a job weighs besides its message.
const BESIDES: usize = 1024;

impl Shared {
    pub(super) async fn insert(self: &Arc<Self>, jobs: Vec<NewJob>) -> Stored {
        if let Some(big) = jobs.iter().map(size).find(|size| *size > self.redis.message_octets) {
            return Err(InsertError::Full(format!(
                "a message of {big} octets is more than the queue in Redis takes ({})",
                self.redis.message_octets
            )));
        }
        let weight = jobs.iter().map(|job| job.header.len() + job.body.len() + BESIDES).sum();
        let until = self.wire.micros(crate::engine::later(self.wire.clock.now(), PATIENCE)).to_string();
        let until = if self.wire.given { String::new() } else { until };
        let (answer, first) = self.intake.add(Call { jobs, until }, weight);
        if first {
            let shared = self.clone();
            self.runtime.spawn(async move {
                while let Some(calls) = shared.intake.next() {
                    shared.store(calls).await;
                }
            });
        }
        // The question that was under way before may have used up what patience there is.
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.map_err(|_| StoreError::Closed)?,
            Err(_) => Err(trouble(&self.wire.place, &format_args!("no answer for {PATIENCE:?}")).into()),
        }
    }

    async fn store(&self, calls: Wishes<Call, Stored>) {
        let mut cmd = self.wire.call(&script::INSERT);
        cmd.arg(self.settings.length.unwrap_or(usize::MAX >> 12)).arg(self.redis.octets);
        let mut asked = Vec::with_capacity(calls.len());
        for (Call { jobs, until }, answer) in calls {
            match jobs.iter().map(form::head).collect::<Result<Vec<_>, _>>() {
                Ok(heads) => {
                    cmd.arg(jobs.len()).arg(until);
                    jobs.iter().zip(heads).for_each(|(job, head)| self.put(&mut cmd, job, head));
                    asked.push((jobs, answer));
                }
                // Who asked may have gone.
                Err(error) => drop(answer.send(Err(error.into()))),
            }
        }
        let said = self.wire.run(&script::INSERT, &cmd, PATIENCE).await;
        let said = said.map_err(refused).and_then(|value| Ok(reply::list(value)?));
        let mut said = said.map(Vec::into_iter);
        for (jobs, answer) in asked {
            let one = match &mut said {
                Ok(values) => self.stored(&jobs, values.next()),
                Err(error) => Err(error.clone()),
            };
            drop(answer.send(one));
        }
    }

    /// What became of one call.
    fn stored(&self, jobs: &[NewJob], said: Option<redis::Value>) -> Stored {
        let said = said.ok_or_else(|| reply::odd("what became of a call"))?;
        let mut texts = Vec::with_capacity(jobs.len());
        for text in reply::list(said)? {
            texts.push(String::from_utf8(reply::octets(text)?).map_err(|_| reply::odd("text"))?);
        }
        let inserted = self.understood(&texts)?;
        self.wire.say(None);
        let fresh = inserted.iter().filter(|i| matches!(i, Inserted::New(_))).count();
        self.accepted.fetch_add(fresh as u64, Ordering::Relaxed);
        let now = self.wire.clock.now();
        if jobs.iter().any(|job| job.due_at > now) {
            self.hurry.notify_one();
        }
        Ok(inserted)
    }

    fn put(&self, cmd: &mut Cmd, job: &NewJob, head: Vec<u8>) {
        // By the clock that the caller has it is due: whatever Redis's says.
        let at_once = !self.wire.given && job.due_at <= self.wire.clock.now();
        let due = if at_once { 0 } else { self.wire.micros(job.due_at) };
        cmd.arg(named(job.id))
            .arg(form::priority_digit(job.priority))
            .arg(&*job.route)
            .arg(&*job.project)
            .arg(due)
            .arg(self.wire.micros(job.expires_at))
            .arg(size(job))
            .arg(head)
            .arg(&job.header[..])
            .arg(&job.body[..]);
        match &job.idempotency {
            None => cmd.arg("").arg("").arg("").arg(""),
            Some(key) => {
                let print: String = key.fingerprint.iter().map(|octet| format!("{octet:02x}")).collect();
                let until = self.wire.micros(job.created_at).saturating_add(KEY_LIFE);
                let base = format!("{}:{}{}:", job.project.len(), job.project, key.key);
                cmd.arg(base).arg(key.index).arg(print).arg(until)
            }
        };
    }

    fn understood(&self, answers: &[String]) -> Result<Vec<Inserted>, InsertError> {
        match answers.first().map(String::as_str) {
            Some("reused") => {
                let id = answers.get(1).ok_or_else(|| reply::odd("an id"))?;
                return Err(InsertError::KeyReused(reply::id(id)?));
            }
            Some("crowded") => {
                return Err(InsertError::Crowded(format!(
                    "{} messages are waiting, which is LENGTH; try again later",
                    self.settings.length.unwrap_or_default()
                )));
            }
            Some("full") => {
                return Err(InsertError::Full(format!(
                    "the messages in Redis have {} octets, which is all they may",
                    self.redis.octets
                )));
            }
            Some("late") => {
                let why = "Redis came to it too late, or the clock was set: nothing was taken";
                return Err(StoreError::Io(why.into()).into());
            }
            _ => {}
        }
        let one = |text: &String| -> Result<Inserted, InsertError> {
            match text.split_at_checked(1) {
                Some(("n", id)) => Ok(Inserted::New(reply::id(id)?)),
                Some(("r", id)) => Ok(Inserted::Repeat(reply::id(id)?)),
                _ => Err(reply::odd("what became of a job").into()),
            }
        };
        answers.iter().map(one).collect()
    }
}

fn size(job: &NewJob) -> u64 {
    (job.header.len() + job.body.len()) as u64
}

fn refused(failed: Failed) -> InsertError {
    match failed {
        Failed::Full(why) => InsertError::Full(why),
        Failed::Store(error) => error.into(),
    }
}
