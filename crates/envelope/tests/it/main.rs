//! What is accepted and refused as address and mailbox.

mod address;
mod mailbox;
