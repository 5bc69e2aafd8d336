//! The chores of this repository as one command: check, test, ci, docs, bench.
fn main() {}
