//! The verbs.

pub(crate) mod args;
mod check;
mod client;
mod compose;
mod config;
mod control;
mod dev;
mod direct;
mod dkim;
mod find;
mod identity;
mod key;
mod leftovers;
mod paper;
pub(crate) mod queue;
mod reload;
mod send;
mod send_many;
mod sendmail;
mod serve;
pub(crate) mod template;

use crate::config::Surroundings;
use crate::exit::Failure;
use args::{Cli, Verb};
use std::io::Write;

/// Runs a verb to its end.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let around = Surroundings::here();
    match cli.verb {
        Verb::Dev(dev) => block_on(dev::run(dev, around)),
        Verb::Serve(serve) => block_on(serve::run(serve, around)),
        Verb::Send(send) => block_on(send::run(send, around)),
        Verb::Check(check) => block_on(check::run(check, around)),
        Verb::Compose(compose) => compose::run(&compose, &around),
        Verb::Sendmail(sendmail) => block_on(sendmail::run(sendmail.words, around)),
        Verb::Newaliases => Ok(()),
        Verb::Queue(verb) => block_on(queue::run(verb, around)),
        Verb::Top(asked) => block_on(queue::top::run(asked, around)),
        Verb::Relay(verb) => block_on(queue::steer::relay(verb, around)),
        Verb::Reload(asked) => block_on(reload::run(asked, around)),
        Verb::Template(verb) => template::run(&verb, &around),
        Verb::Key(key) => key::run(&key, &around),
        Verb::Dkim(verb) => block_on(dkim::run(verb, around)),
        Verb::Config(config) => block_on(config::run(config, around)),
        Verb::Completions(asked) => paper::completions(&asked),
        Verb::Man(asked) => paper::man(&asked),
    }
}

fn block_on(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(verb)
}

/// A line on stdout. A reader that went away is no failure of ours.
fn print(line: &str) -> Result<(), Failure> {
    write(format!("{line}\n").as_bytes())
}

/// A line on stderr, for people, beside an answer on stdout that a program may read.
fn note(line: &str) {
    // What was done is done, whether anybody reads of it or not.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
