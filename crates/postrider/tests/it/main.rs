//! The library as an application sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by panic, and an application reads the clock"
)]

#[cfg(test)]
mod background;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod blocking;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod examples;
mod first_try;
#[cfg(test)]
mod full;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod signed;
#[cfg(test)]
mod templates;
