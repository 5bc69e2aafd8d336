//! The command line: verbs, flags, examples.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Takes mail from applications, keeps it safe, delivers it through your relay.
#[derive(Debug, Parser)]
#[command(
    name = "postrider",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  postrider dev                           everything on this machine, mail lands in an inbox
  postrider serve --config app.ini        the daemon
  postrider config check --config app.ini"
)]
pub(crate) struct Cli {
    /// What is logged to stderr: error, warn, info, debug, trace, or a filter as in RUST_LOG
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER", hide_env = true)]
    pub(crate) log: Option<String>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Everything on loopback: API, console, SMTP; mail goes to a local inbox
    #[command(after_help = "\
Examples:
  postrider dev
  postrider dev --http 127.0.0.1:9025 --smtp 127.0.0.1:2525
  postrider dev --http 127.0.0.1:0 --smtp 127.0.0.1:0 --json
  postrider dev --data ./try --relay smtp://127.0.0.1:25")]
    Dev(Dev),
    /// The daemon
    #[command(after_help = "\
Examples:
  postrider serve --config /etc/postrider/app.ini
  postrider serve --config postrider.toml --grace 10s --log debug")]
    Serve(Serve),
    /// Sends one mail through the daemon
    #[command(after_help = "\
Examples:
  echo \"It works\" | postrider send --data ./try --to ada@example.org --subject Hello --text -
  postrider send --config app.ini --to ada@example.org --html page.html --attach invoice.pdf --wait
  postrider send --to ada@example.org --template welcome --lang de --data ada.json")]
    Send(Send),
    /// Drop-in for sendmail: a mail on stdin; also when called by that name
    #[command(
        disable_help_flag = true,
        after_help = "\
Examples:
  printf 'To: ada@example.org\\nSubject: Hello\\n\\nIt works\\n' | postrider sendmail -t -i
  postrider sendmail -f app@example.com -i -- ada@example.org < mail.eml
  ln -s $(command -v postrider) /usr/sbin/sendmail

Flags that count: -t -i -oi -f -r -F -N -R -V -v -C, -bm -bs -bp -bv -bi, -q -qI<id>, and --config, --data.
Others of sendmail's are taken and ignored. While no daemon runs, the mail is kept in DATA_DIR/drop."
    )]
    Sendmail(Sendmail),
    /// Nothing to do: there are no aliases
    #[command(hide = true)]
    Newaliases,
    /// Message JSON on stdin, the finished mail on stdout; sends nothing
    #[command(after_help = "\
Examples:
  echo '{\"to\":\"a@example.org\",\"from\":\"b@example.org\",\"text\":\"Hi\"}' | postrider compose
  postrider compose --config app.ini --json < message.json")]
    Compose(Compose),
    /// Speaks to each relay and explains what it finds; with --to a mail goes through the daemon's queue
    #[command(after_help = "\
Examples:
  postrider check --config app.ini
  postrider check --to ada@example.org
  postrider check --json | jq '.relays[].findings'

Exit code: 0 mail can go, 69 no relay or daemon, 75 the test mail waits, 76 what the relay says or shows is no good,
77 it refuses user and password, 78 the settings are at fault.")]
    Check(Check),
    /// The daemon's queue: what waits, what failed, and what to do with it
    #[command(
        subcommand,
        after_help = "\
Examples:
  postrider queue list
  postrider queue show 01936f2e-5c1a-7d80-9c61-0242ac120002
  postrider queue retry --where 'status=failed since=2h' --dry-run
  postrider queue stats --json"
    )]
    Queue(super::queue::args::Queue),
    /// The queue and its relays, looked at again and again
    #[command(after_help = "\
Examples:
  postrider top
  postrider top --every 5s --json")]
    Top(Top),
    /// Where mail goes: how the relays do, paused and resumed
    #[command(
        subcommand,
        after_help = "\
Examples:
  postrider relay list
  postrider relay pause backup --why 'contract ends'
  postrider relay resume default
  postrider relay test backup --config app.ini"
    )]
    Relay(super::queue::args::Relay),
    /// The daemon reads its settings anew: whole, or not at all when there is a mistake in them
    #[command(after_help = "\
Examples:
  postrider reload --config app.ini
  kill -HUP $(pidof postrider)        # the same; the log tells what came of it")]
    Reload(Reload),
    /// Templates of mails: which there are, what they make, what is wrong with them
    #[command(
        subcommand,
        after_help = "\
Examples:
  postrider template list --dir ./templates
  postrider template check --config postrider.toml
  postrider template render welcome --data ada.json --lang de --part html > welcome.html"
    )]
    Template(super::template::Template),
    /// API keys; works with the daemon up or down
    #[command(
        subcommand,
        after_help = "\
Examples:
  postrider key create --name shop --config app.ini
  postrider key create --name news --scope send --from example.com --json
  postrider key revoke shop --config app.ini"
    )]
    Key(Key),
    /// Keys that sign mail: made, published, checked
    #[command(
        subcommand,
        after_help = "\
Examples:
  postrider dkim keygen --domain example.com --selector s2026 --out s2026.pem
  postrider dkim record --config app.ini
  postrider dkim verify --config app.ini"
    )]
    Dkim(super::dkim::args::Dkim),
    /// The settings: what holds, and what is wrong
    #[command(
        subcommand,
        after_help = "\
Examples:
  postrider config check --config app.ini
  postrider config show --config app.ini --json
  postrider config sample > postrider.toml
  postrider config import app.ini > postrider.toml
  postrider config adopt app.ini --dry-run"
    )]
    Config(Config),
    /// Completions for a shell, on stdout
    #[command(after_help = "\
Examples:
  postrider completions bash > /etc/bash_completion.d/postrider
  postrider completions zsh > \"${fpath[1]}/_postrider\"")]
    Completions(Completions),
    /// The manual page of postrider or of a verb, in roff
    #[command(after_help = "\
Examples:
  postrider man | man -l -
  postrider man queue list | man -l -
  postrider man --folder /usr/local/share/man/man1")]
    Man(Man),
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The verb, in all its words; none: postrider itself
    #[arg(value_name = "VERB")]
    pub(crate) verb: Vec<String>,
    /// Write the pages of all verbs into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub(crate) folder: Option<PathBuf>,
}

impl Cli {
    /// What the name we were called by asks for: `sendmail`, `mailq`, `newaliases`; `None`: our own.
    pub(crate) fn by_name(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let program = words.next()?;
        let verb = match Path::new(&program).file_name()?.to_str()? {
            "sendmail" => Verb::Sendmail(Sendmail { help: None, words: words.collect() }),
            "mailq" => {
                let list = [OsString::from("-bp")].into_iter().chain(words);
                Verb::Sendmail(Sendmail { help: None, words: list.collect() })
            }
            "newaliases" => Verb::Newaliases,
            _ => return None,
        };
        Some(Self { log: None, verb })
    }
}

/// How a verb finds the daemon.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Where {
    /// The daemon's settings file [default: $POSTRIDER_CONFIG, /etc/postrider/postrider.toml, /etc/postrider/app.ini]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The daemon's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The first line on stdout is JSON, once ready: console, api, smtp, key
    #[arg(long)]
    pub(crate) json: bool,
    /// Where API and console listen; port 0: any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8025", value_parser = address)]
    pub(crate) http: SocketAddr,
    /// Where SMTP listens; port 0: any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:1025", value_parser = address)]
    pub(crate) smtp: SocketAddr,
    /// Keep everything in this folder [default: a folder that goes at exit]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Your templates; they are read anew when they change
    #[arg(long, value_name = "DIR")]
    pub(crate) templates: Option<PathBuf>,
    /// Deliver to this relay instead of the inbox, such as smtp://127.0.0.1:25
    #[arg(long, value_name = "URL")]
    pub(crate) relay: Option<String>,
}

/// An address to listen at; a port alone is one of this machine.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = ["localhost:", ":"].into_iter().find_map(|start| text.strip_prefix(start)).unwrap_or(text);
    let here = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    text.parse().or_else(|_| port.parse().map(here)).map_err(|_| {
        "write an address and a port, as in 127.0.0.1:8025, or a port alone, as in 8025".to_owned()
    })
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Settings: *.ini in Gitea's dialect, else TOML [default: $POSTRIDER_CONFIG, /etc/postrider/…]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How long mail under way may take once we are told to stop
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = crate::config::values::duration)]
    pub(crate) grace: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The daemon's settings file [default: $POSTRIDER_CONFIG, /etc/postrider/postrider.toml, /etc/postrider/app.ini]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The daemon's data folder; a file, or - for stdin: the template's data as JSON
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) data: Vec<PathBuf>,
    /// The template that makes subject and text
    #[arg(long, value_name = "ID")]
    pub(crate) template: Option<String>,
    /// The template's language, such as de-AT
    #[arg(long, value_name = "TAG", requires = "template")]
    pub(crate) lang: Option<String>,
    /// Recipients
    #[arg(long, required_unless_present = "to_file", num_args = 1.., value_name = "ADDRESS")]
    pub(crate) to: Vec<String>,
    /// A mail of their own to each address in this file, one a line; run again, it goes on where it stopped
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "cc", "bcc", "wait"])]
    pub(crate) to_file: Option<PathBuf>,
    /// Send to all in --to-file without asking
    #[arg(long, requires = "to_file")]
    pub(crate) yes: bool,
    #[arg(long, num_args = 1.., value_name = "ADDRESS")]
    pub(crate) cc: Vec<String>,
    #[arg(long, num_args = 1.., value_name = "ADDRESS")]
    pub(crate) bcc: Vec<String>,
    /// The sender [default: [mailer] FROM]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<String>,
    #[arg(long, default_value = "")]
    pub(crate) subject: String,
    /// File with the text; - reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// File with the HTML; - reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Files to attach
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) attach: Vec<PathBuf>,
    /// Further header fields, "Name: value"
    #[arg(long, num_args = 1.., value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,
    /// Wait for the outcome: exit 0 only when it was sent
    #[arg(long)]
    pub(crate) wait: bool,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sendmail {
    /// Print help
    #[arg(long, action = clap::ArgAction::HelpLong)]
    help: Option<bool>,
    /// Flags and recipients as sendmail takes them
    #[arg(value_name = "SENDMAIL FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct Compose {
    /// Settings whose house rules apply
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Envelope, Message-ID and the mail in base64 as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Time from one look to the next
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = pace)]
    pub(crate) every: Duration,
    /// End after so many looks
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object a look
    #[arg(long)]
    pub(crate) json: bool,
}

/// A time that is not so short that looking is all the daemon does.
fn pace(text: &str) -> Result<Duration, String> {
    let pace = crate::config::values::duration(text).map_err(|error| error.to_string())?;
    if pace < LEAST_PACE { Err("must be at least 100ms".into()) } else { Ok(pace) }
}

const LEAST_PACE: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Settings: *.ini in Gitea's dialect, else TOML [default: $POSTRIDER_CONFIG, /etc/postrider/…]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Only the relay of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) relay: Option<String>,
    /// Send a test mail to this address through the running daemon, and wait for the outcome
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Option<String>,
    /// One object: ok, relays with findings, mail
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) place: Where,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Makes a key and prints it, this once
    Create(KeyCreate),
    /// Lists the keys
    List {
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
    /// Ends a key at once
    Revoke {
        /// Name or id of the key
        key: String,
        #[command(flatten)]
        place: Where,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KeyCreate {
    /// Its name, also the user name for SMTP: [a-z0-9._-], at most 64
    #[arg(long)]
    pub(crate) name: String,
    /// The project whose mail it sends and sees
    #[arg(long, default_value = "default")]
    pub(crate) project: String,
    /// What it may do: send, read, admin
    #[arg(long, value_delimiter = ',', default_value = "send,read,admin")]
    pub(crate) scope: Vec<String>,
    /// A domain it may send from; any when never given
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) from: Vec<String>,
    #[command(flatten)]
    pub(crate) place: Where,
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Effective settings with where they come from; secrets are stars
    #[command(after_help = "\
Examples:
  postrider config show --config app.ini
  postrider config show --json | jq -r '.settings[] | select(.key == \"LISTEN\") | .origin'")]
    Show {
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// All mistakes and warnings at once, with file, line and key
    #[command(after_help = "\
Examples:
  postrider config check --config app.ini
  postrider config check --config postrider.toml --json | jq .mistakes")]
    Check {
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Every key there is with its meaning and default, as a file to start from
    #[command(after_help = "\
Examples:
  postrider config sample > postrider.toml
  postrider config sample --format ini | less")]
    Sample {
        #[arg(long, value_enum, default_value = "toml")]
        format: SampleFormat,
    },
    /// Turns a Gitea file into a postrider.toml on stdout; secrets are in it as they were
    #[command(after_help = "\
Examples:
  postrider config import /etc/gitea/app.ini > postrider.toml")]
    Import {
        #[arg(value_name = "FILE.ini")]
        file: PathBuf,
    },
    /// Puts postrider between Gitea and its relay: moves the relay of [mailer] to [postrider.relay],
    /// points [mailer] at our SMTP door, keeps a copy beside the file
    #[command(after_help = "\
Examples:
  postrider config adopt /etc/gitea/app.ini --data /var/lib/postrider --dry-run
  postrider config adopt /etc/gitea/app.ini --data /var/lib/postrider
  postrider config adopt app.ini --smtp 127.0.0.1:1025 --json")]
    Adopt(Adopt),
}

/// What `config sample` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SampleFormat {
    Toml,
    Ini,
    /// The reference for people
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// Gitea's settings
    #[arg(value_name = "FILE.ini")]
    pub(crate) file: PathBuf,
    /// Where our SMTP door listens for Gitea, unless the file says so
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2525")]
    pub(crate) smtp: SocketAddr,
    /// Where mail waits, unless the file says so
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[arg(long)]
    pub(crate) json: bool,
}
