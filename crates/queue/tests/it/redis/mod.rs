//! The queue in Redis: what its contract does not ask of other stores.

mod cut;
mod errors;
mod full;
mod gone;
mod lost;
mod node;
mod regress;
mod sim;
mod sim_books;
mod skew;
mod stall;
mod takeover;
mod versions;
mod way;
mod ways;
mod worth;
