//! The durable queue: the life cycle of a job and the stores that keep it.
//!
//! The queue knows no SMTP and parses no message. A job is an envelope, a header block, a body and
//! what people want to see of them; the queue decides when it may be worked on, by whom, and what
//! survives a crash. `lifecycle` is the table of states; everything else serves it.

mod any;
mod bodies;
mod clock;
mod disk;
mod engine;
mod error;
mod future;
mod history;
mod job;
mod journal;
pub mod lifecycle;
mod listing;
mod matching;
mod memory;
mod record;
mod redis;
mod settings;
mod settlement;
mod standing;
pub mod state;
mod store;
mod table;
mod view;

pub use any::{AnyStore, DiskStore, MemoryStore};
pub use clock::Clock;
pub use engine::Begun;
pub use error::{ActError, ContentError, InsertError, StoreError};
pub use job::{Door, Idempotency, Inserted, JobId, Meta, NewJob, Priority};
pub use lifecycle::{RecipientState, State, Status};
pub use redis::{Hold, HostPort, Ration, RedisPlace, RedisSettings, RedisStore, RedisTls, RedisWay, Worth};
pub use settings::{OpenReport, StoreSettings};
pub use settlement::{Attempt, AttemptRecipient, Next, Settlement};
pub use store::{Change, Job, KnownRelays, Lease, LeaseAsk, Store};
pub use view::{Action, Content, Filter, JobView, NodeStats, Page, RecipientView, Stats};
