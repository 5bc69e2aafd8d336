//! Kills a mail service again and again and proves from outside that nothing accepted was lost.
//!
//! ```text
//! clients ──SMTP, HTTP──▶ subject ──SMTP──▶ sink
//!    │ attempted, accepted   ▲ faults          │ delivered
//!    └────────▶ ledger ◀─────┴─────────────────┘   judged once the queue is empty
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool speaks to the terminal")]

mod chance;
mod clients;
mod disk;
mod fault;
mod judge;
mod ledger;
mod nodes;
mod plan;
mod postrider;
mod round;
mod sink;
mod subject;
mod wait;

use anyhow::Result;
use plan::{Plan, Who};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match Plan::read(&words).and_then(|plan| run(&plan)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan) -> Result<bool> {
    if plan.who == Who::Nodes { nodes::all(plan) } else { round::all(plan) }
}
