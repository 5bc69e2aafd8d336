//! The client against dialogues written down as scripts, split at every octet.

#[cfg(test)]
mod client;
