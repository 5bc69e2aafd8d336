//! Every bound on what a relay can make us hold or wait for, and the times of RFC 5321 4.5.3.2.

use super::Deadlines;
use std::time::Duration;

/// Octets read at a time.
pub(super) const READ: usize = 8 * 1024;
/// Addresses of one name that are tried.
pub(super) const ADDRESSES: usize = 16;
/// Octets of what an unknown service says first, for a check.
pub(super) const OVERHEARD: usize = 200;
/// Octets of text that may be unanswered on a connection; a larger mail waits for its go-ahead.
pub(super) const IN_DOUBT: u64 = 1 << 20;
/// Texts that may be unanswered on a connection, unless the settings say otherwise (MAX_IN_DOUBT).
pub(super) const MAX_IN_DOUBT: usize = 8;
/// Windows that must come back whole before several texts may be unanswered at once.
pub(super) const WINDOWS: u32 = 2;
/// Octets a second below which a peer takes our text too slowly.
pub const MINIMUM_RATE: u64 = 500;
/// How long an unused connection is kept: less than relays keep it.
pub(super) const MAX_IDLE: Duration = Duration::from_secs(30);
/// How long a connection is used at most, so that mail follows a relay whose addresses change.
pub(super) const MAX_AGE: Duration = Duration::from_secs(300);
/// Mails over one connection.
pub(super) const MESSAGES_PER_CONNECTION: u32 = 100;

/// RFC 5321 4.5.3.2.1 to 4.5.3.2.6 for what it names; a connection that stands is ended in seconds.
pub(super) const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(30),
    connect_all: Duration::from_secs(90),
    stagger: Duration::from_millis(250),
    greeting: Duration::from_secs(300),
    suspicion: Duration::from_secs(10),
    hello: Duration::from_secs(300),
    mail: Duration::from_secs(300),
    rcpt: Duration::from_secs(300),
    data: Duration::from_secs(120),
    block: Duration::from_secs(180),
    end: Duration::from_secs(600),
    quit: Duration::from_secs(5),
};
