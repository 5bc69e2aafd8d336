//! The binary `postrider`: command line, settings, wiring, signals.
fn main() {}
