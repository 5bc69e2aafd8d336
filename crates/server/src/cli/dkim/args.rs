//! The command line of `dkim`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Dkim {
    /// Makes a key, and says which record to publish and what to write into the settings
    #[command(after_help = "\
Examples:
  postrider dkim keygen --domain example.com --selector s2026 --out /etc/postrider/s2026.pem
  postrider dkim keygen --kind ed25519 --domain example.com --selector e2026 --out e2026.pem --json")]
    Keygen(Keygen),
    /// The DNS records of the keys in the settings, as lines of a zone file
    #[command(after_help = "\
Examples:
  postrider dkim record --config app.ini
  postrider dkim record --json | jq -r .text")]
    Record {
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// JSON lines
        #[arg(long)]
        json: bool,
    },
    /// Whether DNS has the record of each key in the settings; with --message, whether a mail's signatures are good
    #[command(after_help = "\
Examples:
  postrider dkim verify --config app.ini
  postrider dkim verify --message received.eml
  postrider dkim verify --message - --json < received.eml

Exit code: 0 all are good, 65 a signature is not or there is none, 69 DNS does not answer, 78 a record is not as it must be.")]
    Verify(Verify),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// 2048 bits; every receiver knows it
    Rsa,
    /// Short and quick; use it beside an RSA key, for not every receiver knows it
    Ed25519,
}

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Whose mail it signs
    #[arg(long)]
    pub(crate) domain: String,
    /// The name of its record, before ._domainkey; a new key has a new one
    #[arg(long)]
    pub(crate) selector: String,
    #[arg(long, value_enum, default_value = "rsa")]
    pub(crate) kind: Kind,
    /// Where the private key goes; a file that is there is left alone
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A mail whose signatures are looked at; - reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) message: Option<PathBuf>,
    /// JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}
