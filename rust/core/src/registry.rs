//! The small part of the state: keys, issuers, tables, mandates, grants and the queue of what waits for numbers.
//!
//! It is a fold over records: [`Registry::apply`] is the only way in, for the writer, for recovery and for audit.

/// (being written)
pub struct Registry;
