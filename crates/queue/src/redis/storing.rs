//! Mail on its way in.

use super::wire::{Failed, named};
use super::{PATIENCE, Shared, form, reply, script};
use crate::error::{InsertError, StoreError};
use crate::job::{Inserted, NewJob};
use redis::Cmd;
use std::sync::atomic::Ordering;

/// How long a key is remembered, in microseconds.
const KEY_LIFE: i64 = 24 * 3600 * 1_000_000;

impl Shared {
    pub(super) async fn insert(&self, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, InsertError> {
        if let Some(big) = jobs.iter().map(size).find(|size| *size > self.redis.message_octets) {
            return Err(InsertError::Full(format!(
                "a message of {big} octets is more than the queue in Redis takes ({})",
                self.redis.message_octets
            )));
        }
        let mut cmd = self.wire.call(&script::INSERT);
        cmd.arg(self.settings.length.unwrap_or(usize::MAX >> 12)).arg(self.redis.octets);
        for job in &jobs {
            self.put(&mut cmd, job)?;
        }
        let answer = self.wire.run(&script::INSERT, &cmd, PATIENCE).await.map_err(refused)?;
        let answers = reply::list(answer)?.into_iter().map(reply::octets);
        let mut texts = Vec::with_capacity(jobs.len());
        for text in answers {
            texts.push(String::from_utf8(text?).map_err(|_| reply::odd("text"))?);
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

    fn put(&self, cmd: &mut Cmd, job: &NewJob) -> Result<(), StoreError> {
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
            .arg(form::head(job)?)
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
        Ok(())
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
