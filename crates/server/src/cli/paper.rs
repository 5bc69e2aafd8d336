//! `completions` and `man`: the command line written down for shells and readers.

use super::args::{Cli, Completions, Man};
use super::write;
use crate::exit::Failure;
use clap::{Command, CommandFactory};
use std::path::Path;

/// A shell's completions on stdout.
pub(crate) fn completions(asked: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(asked.shell, &mut Cli::command(), "postrider", &mut script);
    write(&script)
}

/// The manual page of a verb on stdout, or those of all verbs into a folder.
pub(crate) fn man(asked: &Man) -> Result<(), Failure> {
    let mut whole = Cli::command();
    whole.build();
    if let Some(folder) = &asked.folder {
        return all(&whole, folder);
    }
    let mut page = &whole;
    for verb in &asked.verb {
        page = page.find_subcommand(verb).ok_or_else(|| {
            let known: Vec<&str> = page.get_subcommands().map(Command::get_name).collect();
            Failure::Usage(format!("man: there is no verb {verb:?}; there are: {}", known.join(", ")))
        })?;
    }
    write(&roff(page)?)
}

fn all(command: &Command, folder: &Path) -> Result<(), Failure> {
    let name = page_name(command);
    let path = folder.join(format!("{name}.1"));
    std::fs::write(&path, roff(command)?).map_err(|because| Failure::Create { path, because })?;
    let mut verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help");
    verbs.try_for_each(|verb| all(verb, folder))
}

fn roff(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(page_name(command)).render(&mut page)?;
    Ok(page)
}

/// `postrider-queue-list`
fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}
