//! The binary `postrider`: command line, settings, wiring, signals.

mod config;

fn main() {}
