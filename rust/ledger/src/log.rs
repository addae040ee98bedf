//! The block log: the only truth. Segments of frames, written once, synced once a block, read by place.
//!
//! Knows files and frames; of a block's body it knows only where its parts lie.

pub(crate) mod archived;
pub mod body;
pub(crate) mod disk;
pub mod frame;
mod reader;
mod recovery;
mod writer;

pub use reader::{BlockPlace, LogReader};
pub use recovery::{Recovered, recover};
pub use writer::LogWriter;

pub(crate) use disk::sync_dir;
