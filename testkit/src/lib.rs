//! For tests only: a clock set by hand, SMTP peers that count or follow a script, real servers (Postfix, Exim, Dovecot, OpenSMTPD, aiosmtpd, Redis), a daemon to kill, a link to cut.
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by panic, and a harness reads the environment it is started in"
)]

mod aiosmtpd;
mod certificate;
mod clock;
mod daemon;
mod dns;
mod dovecot;
mod dovecot_settings;
mod exim;
mod group;
mod http;
mod link;
mod link_pump;
mod null_client;
mod nullmailer;
mod opensmtpd;
mod opensmtpd_client;
mod patience;
mod postfix;
mod postfix_settings;
mod redis;
mod redis_reply;
mod redis_settings;
mod script;
mod sentinel;
mod sink;
mod usage;
mod warden;

pub use aiosmtpd::Aiosmtpd;
pub use certificate::Certificate;
pub use clock::ManualClock;
pub use daemon::Daemon;
pub use dns::Dns;
pub use dovecot::{Dovecot, Stored};
pub use exim::{Exim, Taken};
pub use group::Group;
pub use http::{Answer, Api, Connection};
pub use link::Link;
pub use null_client::NullClient;
pub use nullmailer::Nullmailer;
pub use opensmtpd::OpenSmtpd;
pub use opensmtpd_client::OpenSmtpdClient;
pub use patience::{free_port, until};
pub use postfix::{Delivered, Postfix, peers};
pub use redis::Redis;
pub use redis_reply::{RedisConnection, Reply};
pub use redis_settings::Flavour;
pub use script::{Script, Step};
pub use sentinel::Sentinel;
pub use sink::{Received, Sink};
pub use usage::Usage;
