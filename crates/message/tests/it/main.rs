//! The composer against its cases and an independent parser; the raw door.

mod cases;
mod compose;
mod raw;
