//! The client against dialogues written down as scripts, split at every octet.

#[cfg(test)]
mod client;
#[cfg(test)]
#[expect(dead_code, reason = "which servers play a script is for the end-to-end tests")]
mod script;
