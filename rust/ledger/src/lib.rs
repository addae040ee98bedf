//! A chain's ledger on disk: the block log, the index derived from it, the public log, recovery and audit.
//!
//! Knows files; does not know Kafka's protocol beyond record batches, nor Python.
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate self as farechain_ledger;
#[cfg(test)]
#[path = "../tests/scenario/mod.rs"]
mod scenario;

pub mod archive;
pub mod assemble;
pub mod audit;
pub mod batch;
pub mod copied;
pub mod digest_map;
pub mod draft;
pub mod error;
pub mod index;
pub mod intake;
pub mod kafka_batch;
pub mod ledger;
pub mod lock;
pub mod log;
pub mod outbox;
pub mod prepare;
pub mod public_log;
mod recent;
pub mod references;
pub mod rejected;
pub mod settled;
pub mod state_map;
