//! The binary `postrider`: command line, settings, wiring, signals.

mod circle;
mod cli;
mod clock;
mod config;
mod dkim;
mod doors;
mod drop;
mod events;
mod exit;
mod house;
mod left_behind;
mod listen;
mod reload;
mod signals;
mod smtp_door;
mod store;
mod templates;
mod ways;
mod wire;

use clap::Parser;
use cli::args::{Cli, Verb};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let called = Cli::by_name(std::env::args_os());
    let cli = match called.map_or_else(Cli::try_parse, Ok) {
        Ok(cli) => cli,
        Err(asked) => {
            // Nobody is left to be told when stdout or stderr is gone.
            drop(asked.print());
            return if asked.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let told = match log(&cli) {
        Ok(()) => cli::run(cli),
        Err(failure) => Err(failure),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            drop(writeln!(std::io::stderr(), "postrider: {failure}"));
            ExitCode::from(&failure)
        }
    }
}

/// `EX_USAGE`, for what the command line's parser refuses by itself.
const USAGE: u8 = 64;

fn log(cli: &Cli) -> Result<(), exit::Failure> {
    let usual = if matches!(cli.verb, Verb::Serve(_)) { "info" } else { "warn" };
    let filter = EnvFilter::try_new(cli.log.as_deref().unwrap_or(usual))
        .map_err(|e| exit::Failure::Usage(format!("--log: {e}; write error, warn, info, debug or trace")))?;
    let terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal).init();
    Ok(())
}
