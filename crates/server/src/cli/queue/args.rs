//! The flags of `queue`.

use crate::cli::args::Where;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// What waits, newest first; with --where what matches
    #[command(after_help = "\
Examples:
  postrider queue list
  postrider queue list --where 'status=failed,expired since=2h' --json
  postrider queue list --where 'to=@example.org'")]
    List(List),
    /// Everything known of one mail, with the relay's words
    #[command(after_help = "\
Examples:
  postrider queue show 01936f2e-5c1a-7d80-9c61-0242ac120002")]
    Show {
        /// Id of the mail, or the relay's own id for it
        id: String,
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
    /// Counts by status, and how the relays do
    #[command(after_help = "\
Examples:
  postrider queue stats --json")]
    Stats {
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
    /// Tries now: what is deferred, and what has failed or expired
    #[command(after_help = "\
Examples:
  postrider queue retry --where 'status=failed code=554 since=2h' --dry-run
  postrider queue retry --where 'status=deferred'")]
    Retry(Act),
    /// Tries all deferred mail now
    #[command(after_help = "\
Examples:
  postrider queue flush")]
    Flush(Flush),
    /// Keeps waiting mail from being sent until it is released
    #[command(after_help = "\
Examples:
  postrider queue hold --where 'tag=newsletter'")]
    Hold(Act),
    /// Lets held mail go
    #[command(after_help = "\
Examples:
  postrider queue release --where 'status=held'")]
    Release(Act),
    /// Gives up what is not yet sent
    #[command(after_help = "\
Examples:
  postrider queue cancel 01936f2e-5c1a-7d80-9c61-0242ac120002
  postrider queue cancel --where 'to=@typo.example' --dry-run")]
    Cancel(Act),
    /// Gives up all that waits on disk or in Redis, while no daemon runs: after a change of [queue] TYPE
    #[command(after_help = "\
Examples:
  postrider queue give-up --data /var/lib/postrider")]
    GiveUp {
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
    /// Forgets settled and failed mail, never mail that waits; all of it when none is chosen
    #[command(after_help = "\
Examples:
  postrider queue purge --dry-run
  postrider queue purge --where 'status=failed'")]
    Purge(Act),
    /// Delivers nothing until resumed, also after a restart; mail is taken as before
    #[command(after_help = "\
Examples:
  postrider queue pause --why 'the relay moves'")]
    Pause {
        /// Shown with the queue and the relays
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
    /// Ends a pause and a drain
    #[command(after_help = "\
Examples:
  postrider queue resume")]
    Resume {
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
    /// Takes no mail until resumed or started anew, and delivers what is there
    #[command(after_help = "\
Examples:
  postrider queue drain --wait && systemctl stop postrider")]
    Drain {
        /// End when all is delivered or failed but what is held or scheduled
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
}

/// What is done with relays.
#[derive(Debug, Subcommand)]
pub(crate) enum Relay {
    /// The relays by priority: how they do, and why one is not used
    #[command(after_help = "\
Examples:
  postrider relay list --json")]
    List {
        #[command(flatten)]
        place: Where,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Gives a relay no mail until it is resumed, also after a restart; mail under way is finished
    #[command(after_help = "\
Examples:
  postrider relay pause backup --why 'contract ends'")]
    Pause {
        /// Its name, as relay list shows it
        name: String,
        /// Shown with the relay
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
    /// Connects, TLS, EHLO, AUTH as the settings say, and explains what it finds; sends nothing, needs no daemon
    #[command(after_help = "\
Examples:
  postrider relay test backup --config app.ini")]
    Test {
        /// Its name, as relay list shows it
        name: String,
        /// Settings: *.ini in Gitea's dialect, else TOML [default: $POSTRIDER_CONFIG, /etc/postrider/…]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Gives a relay mail again, at once, also one that is left alone after trouble
    #[command(after_help = "\
Examples:
  postrider relay resume default")]
    Resume {
        /// Its name, as relay list shows it
        name: String,
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
}

/// Conditions, as the daemon reads them.
const WHERE: &str = "\
Conditions parted by blanks, all of which must hold:
  status=failed,expired   one of these states
  relay=NAME              the relay of the last attempt
  code=554                the last reply to a recipient; also enhanced, 5.7.1
  tag=NAME                a tag by name, value or name:value
  to=TEXT                 part of a recipient's address
  since=2h                accepted since: 90s, 30m, 2h, 7d or a time as in RFC 3339";

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only mail that matches, e.g. 'status=failed to=@example.org since=2h'
    #[arg(long = "where", value_name = "CONDITIONS", long_help = WHERE)]
    pub(crate) conditions: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Act {
    /// Ids of the mails
    #[arg(value_name = "ID", conflicts_with = "conditions")]
    pub(crate) ids: Vec<String>,
    /// All mail that matches, e.g. 'status=failed code=554 since=2h'
    #[arg(long = "where", value_name = "CONDITIONS", long_help = WHERE)]
    pub(crate) conditions: Option<String>,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) place: Where,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Flush {
    /// Tell what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) place: Where,
    #[arg(long)]
    pub(crate) json: bool,
}
