//! submission
