//! Settings read anew: whole or not at all.

use crate::config::{Kept, Settings};
use crate::exit::Failure;
use std::sync::Arc;

/// Reads the settings of this run once more.
pub(crate) type Reread = Arc<dyn Fn() -> Result<Settings, Failure> + Send + Sync>;

/// Reads them, off the runtime's threads: files and password commands take their time.
pub(crate) async fn read(reread: Option<&Reread>) -> Result<Settings, Failure> {
    let Some(reread) = reread.cloned() else {
        return Err(Failure::Usage(
            "dev has no settings to read; stop it and start it with other flags".into(),
        ));
    };
    let read = tokio::task::spawn_blocking(move || reread()).await;
    read.map_err(|error| Failure::Bug(format!("reading the settings broke off: {error}")))?
}

/// Puts back what cannot change while we run; its keys, where they changed.
pub(crate) fn keep_fixed(new: &mut Settings, old: &Settings) -> Vec<String> {
    let mut changed = Vec::new();
    let mut note = |differs: bool, key: &str| {
        if differs {
            changed.push(key.to_owned());
        }
    };
    note(new.data_dir != old.data_dir, "[postrider] DATA_DIR");
    note(new.memory != old.memory, "[postrider] MEMORY");
    note(new.queue.kept != old.queue.kept, "[queue] TYPE");
    let both = new.queue.kept == Kept::InRedis && old.queue.kept == Kept::InRedis;
    note(both && new.queue.redis != old.queue.redis, "[queue] CONN_STR");
    note(new.queue.length != old.queue.length, "[queue] LENGTH");
    note(new.queue.keep_history != old.queue.keep_history, "[postrider.queue] KEEP_HISTORY");
    note(new.queue.keep_body != old.queue.keep_body, "[postrider.queue] KEEP_BODY");
    new.data_dir.clone_from(&old.data_dir);
    new.memory = old.memory;
    new.queue.redis.clone_from(&old.queue.redis);
    (new.queue.kept, new.queue.length) = (old.queue.kept, old.queue.length);
    (new.queue.keep_history, new.queue.keep_body) = (old.queue.keep_history, old.queue.keep_body);
    changed
}
