//! Messages on their way in and out, off the queue's thread: big bodies to and from their files, and the
//! room that those on their way out take.

use crate::disk::Bodies;
use crate::engine::{Arriving, Command, Engine, Half, Handed, job};
use crate::error::{InsertError, StoreError};
use crate::job::{Inserted, JobId, NewJob};
use crate::listing::blocking;
use crate::record::Head;
use crate::standing::{Standing, Unreadable};
use crate::store::{Job, Lease, LeaseAsk};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

pub(crate) async fn insert(engine: &Engine, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, InsertError> {
    let (mut arriving, mut big) = (Vec::with_capacity(jobs.len()), Vec::new());
    for mut job in jobs {
        if engine.bodies().is_some() && engine.is_big(job.body.len()) {
            big.push((job.id, std::mem::take(&mut job.body)));
        }
        arriving.push(Arriving { job, beside: None });
    }
    let ids: Vec<JobId> = big.iter().map(|(id, _)| *id).collect();
    if let Some(bodies) = engine.bodies().filter(|_| !big.is_empty()).cloned() {
        let written = blocking(move || bodies.write(&big)).await??;
        let mut written = ids.iter().zip(written).peekable();
        for one in &mut arriving {
            one.beside = written.next_if(|(id, _)| **id == one.job.id).map(|(_, beside)| beside);
        }
    }
    let answer = engine.ask(|a| Command::Insert(arriving, a), || Err(StoreError::Closed.into())).await;
    let stored = |id: &JobId| matches!(&answer, Ok(inserted) if inserted.contains(&Inserted::New(*id)));
    let refused: Vec<JobId> = ids.into_iter().filter(|id| !stored(id)).collect();
    if let Some(bodies) = engine.bodies().filter(|_| !refused.is_empty()).cloned() {
        blocking(move || bodies.remove(refused)).await?;
    }
    answer
}

pub(crate) async fn lease(engine: &Engine, ask: LeaseAsk) -> Result<Vec<Lease>, StoreError> {
    let handed = engine.ask(|a| Command::Lease(ask, a), || Err(StoreError::Closed)).await?;
    let mut leases = Vec::with_capacity(handed.len());
    for Handed { guard, job } in handed {
        let job = match job {
            Half::Whole(job) => Ok(*job),
            Half::Beside(standing) => with_body(engine, *standing).await?,
        };
        match job {
            Ok(job) => leases.push(Lease::new(job, guard)),
            Err(why) => engine.unreadable(guard, why),
        }
    }
    Ok(leases)
}

/// Octets of a body, and the room they take until the last who has them lets go.
struct Held {
    octets: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

/// The job with its body from the file, once there is room for it in memory.
async fn with_body(engine: &Engine, standing: Standing) -> Result<Result<Job, Unreadable>, StoreError> {
    let Some(bodies) = engine.bodies().cloned() else {
        return Ok(Err(Unreadable::Ever("its body is in no file".into())));
    };
    let (standing, read) = blocking(move || {
        let read = standing.read_all();
        (standing, read)
    })
    .await?;
    let (head, _, header, inside) = match read {
        Ok(read) => read,
        Err(why) => return Ok(Err(why)),
    };
    let Some(beside) = head.beside else {
        return Ok(Ok(job(&standing.entry, &head, header, inside)));
    };
    let (room, id) = (engine.room(beside.octets).await, head.id);
    let octets = blocking(move || bodies.read(id, &beside)).await?;
    let body = octets.map(|octets| Bytes::from_owner(Held { octets, _room: room }));
    Ok(body.map_err(Unreadable::from).map(|body| job(&standing.entry, &head, header, body)))
}

/// A message's body, wherever it stands. Blocks.
pub(crate) fn body_of(
    bodies: Option<&Arc<Bodies>>,
    head: &Head,
    inside: Bytes,
) -> Result<Bytes, crate::journal::ReadError> {
    match (head.beside, bodies) {
        (Some(beside), Some(bodies)) => Ok(bodies.read(head.id, &beside)?.into()),
        _ => Ok(inside),
    }
}
