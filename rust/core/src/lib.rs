//! The pure core of farechain: codecs, digests, Merkle trees, signatures, money, numbering and the state machine.
//!
//! Knows no clock, file, thread or interpreter. Everything here is a function of its arguments, so that
//! the same sealed batches give the same bytes on every machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod block;
pub mod cbor;
pub mod code;
pub mod command;
pub mod decide;
pub mod digest;
pub mod error;
pub mod event;
pub mod input;
pub mod json;
pub mod lifecycle;
pub mod merkle;
pub mod money;
pub mod note;
pub mod outcome;
pub mod proof;
pub mod record;
pub mod registry;
pub mod signature;
pub mod standing;
pub mod state_map;
pub mod state_proof;
pub mod text;
pub mod time;
pub mod tlog;
pub mod uscc;
