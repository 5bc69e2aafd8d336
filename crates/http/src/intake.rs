//! Reading a request's body within its limit, its time and the byte budget of all doors.

use crate::HttpLimits;
use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use postrider::{Budget, Permit};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Octets by which the permit of a body of unknown length grows.
const STEP: usize = 256 * 1024;

/// Of a body that is refused, read and thrown away at most.
const SKIPPED: usize = 64 << 20;
const SKIPPED_TIME: Duration = Duration::from_secs(5);

/// A body in memory with its share of the budget.
pub(crate) struct Intake {
    pub(crate) octets: Bytes,
    /// Held until the call is answered.
    _room: Vec<Permit>,
}

/// Reads a body of at most `limit` octets. Room is taken before the first octet is read when its
/// length is announced, else as it grows.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
    budget: &Budget,
    limits: &HttpLimits,
) -> Result<Intake, Problem> {
    let taken = take(headers, &mut body, limit, budget, limits).await;
    if taken.as_ref().is_err_and(|problem| problem.status != StatusCode::REQUEST_TIMEOUT) {
        skip(&mut body).await;
    }
    taken
}

/// Reads on for a while without keeping anything: a client that is still writing when we answer and
/// close would see a broken connection instead of the answer, and take us for dead.
async fn skip(body: &mut Body) {
    let (until, mut left) = (Instant::now() + SKIPPED_TIME, SKIPPED);
    while let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await {
        match frame.data_ref().map_or(0, Bytes::len) {
            octets if octets > left => return,
            octets => left -= octets,
        }
    }
}

async fn take(
    headers: &HeaderMap,
    body: &mut Body,
    limit: usize,
    budget: &Budget,
    limits: &HttpLimits,
) -> Result<Intake, Problem> {
    let too_large = || Problem::too_large(format!("the body is larger than {limit} octets"));
    if let Some(coding) = headers.get(header::CONTENT_ENCODING)
        && coding.as_bytes() != b"identity"
    {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "a compressed body is not taken; send it as it is";
        return Err(Problem::new(status, "unsupported_encoding", "validation_error", detail));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|octets| octets > limit) {
        return Err(too_large());
    }
    let (mut room, mut covered) = (Vec::new(), 0);
    let mut cover = |upto: usize| -> Result<(), Problem> {
        while covered < upto {
            let more = (upto - covered).max(STEP.min(limit));
            let permit =
                budget.take(more).ok_or_else(|| Problem::busy("too much mail at once; try again"))?;
            room.push(permit);
            covered += more;
        }
        Ok(())
    };
    if let Some(octets) = announced {
        cover(octets)?;
    }
    let mut octets = BytesMut::with_capacity(announced.unwrap_or_default());
    let end = Instant::now() + limits.body_total;
    loop {
        let idle = end.min(Instant::now() + limits.body_idle);
        let frame = timeout_at(idle, body.frame()).await.map_err(|_| slow())?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Problem::bad_request("the body ended early"))?;
        let Some(part) = frame.data_ref() else { continue };
        if octets.len() + part.len() > limit {
            return Err(too_large());
        }
        cover(octets.len() + part.len())?;
        octets.extend_from_slice(part);
    }
    Ok(Intake { octets: octets.freeze(), _room: room })
}

fn slow() -> Problem {
    let detail = "the body came too slowly";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "application_error", detail)
}
