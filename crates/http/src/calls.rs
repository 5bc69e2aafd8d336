//! The calls of the API.

pub(crate) mod act;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod read;
pub(crate) mod reload;
pub(crate) mod select;
pub(crate) mod send;
pub(crate) mod steer;

use crate::door::Door;
use crate::problem::Problem;
use postrider::{Caller, Filter, JobView, Store};

/// Octets of an id in a path.
const MAX_ID: usize = 256;

/// The job of this id, or of this id of a peer, if the caller may know of it.
pub(crate) async fn find(door: &Door, caller: &Caller, id: &str) -> Result<JobView, Problem> {
    let store = door.mailer.store();
    let found = match id.parse() {
        Ok(id) => store.get(id).await?,
        Err(_) if id.len() > MAX_ID => None,
        Err(_) => {
            let project = caller.sees();
            let filter = Filter { project, remote_id: Some(id.to_owned()), limit: 1, ..Filter::default() };
            store.list(filter).await?.jobs.pop()
        }
    };
    let visible = |view: &JobView| caller.sees().is_none_or(|project| project == view.project);
    found.filter(visible).ok_or_else(Problem::no_such_email)
}
