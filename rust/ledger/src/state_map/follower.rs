//! The map of a log: reads durable blocks and applies what their records say, or makes the map from all of them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use farechain_core::digest;
use farechain_core::outcome::Location;
use farechain_core::record::Record;
use farechain_core::state_map::keys;

use super::{Changes, Entry, Held, Limits, Position, Rebuild, StateMap, View};
use crate::error::LedgerError;
use crate::log::LogReader;
use crate::log::body::Body;

/// A map that follows a log.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    limits: Limits,
    map: StateMap,
}

impl Follower {
    /// Opens the map of a directory as it is; where there is none that is good for this log, makes it again from the first
    /// `blocks` blocks.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] for a log that cannot be read, [`LedgerError::Io`].
    pub fn open(
        dir: &Path,
        limits: Limits,
        log: &LogReader,
        blocks: u64,
        stop: &AtomicBool,
    ) -> Result<Follower, LedgerError> {
        let opened = StateMap::open(dir, limits, |position| is_of(log, position))?;
        let map = opened.map_or_else(|| rebuilt(dir, limits, log, blocks, stop), Ok)?;
        Ok(Follower { dir: dir.to_path_buf(), limits, map })
    }

    /// Applies blocks until the map is of the first `blocks`. One that is further already stays.
    ///
    /// # Errors
    /// As [`Follower::open`], and [`LedgerError::Invalid`] once `stop` is set: files of the map that are damaged are made again from the log.
    pub fn advance(&mut self, log: &LogReader, blocks: u64, stop: &AtomicBool) -> Result<(), LedgerError> {
        match self.apply(log, blocks, stop) {
            Err(LedgerError::Corrupt(_)) => self.rebuild(log, blocks, stop),
            done => done,
        }
    }

    /// Makes the map again from the first `blocks` blocks.
    ///
    /// # Errors
    /// As [`Follower::open`].
    pub fn rebuild(&mut self, log: &LogReader, blocks: u64, stop: &AtomicBool) -> Result<(), LedgerError> {
        self.map = rebuilt(&self.dir, self.limits, log, blocks, stop)?;
        Ok(())
    }

    fn apply(&mut self, log: &LogReader, blocks: u64, stop: &AtomicBool) -> Result<(), LedgerError> {
        let mut changes = Changes::default();
        for height in self.map.view().position().blocks..blocks {
            each(&read(log, height, stop)?, |(key, held)| {
                changes.push(key, held);
                Ok(())
            })?;
            if changes.are_many() {
                self.map.apply(position(log, height + 1)?, &changes.take())?;
            }
        }
        if self.map.view().position().blocks < blocks {
            self.map.apply(position(log, blocks)?, &changes.take())?;
        }
        Ok(())
    }

    /// The map as it is now; it stays as it is.
    pub fn view(&self) -> View {
        self.map.view()
    }

    /// Bytes of memory.
    pub fn memory_bytes(&self) -> usize {
        self.map.memory_bytes()
    }
}

/// Whether a log has this position.
pub(crate) fn is_of(log: &LogReader, found: &Position) -> bool {
    found.blocks <= log.blocks() && position(log, found.blocks).is_ok_and(|mine| mine == *found)
}

fn rebuilt(
    dir: &Path,
    limits: Limits,
    log: &LogReader,
    blocks: u64,
    stop: &AtomicBool,
) -> Result<StateMap, LedgerError> {
    let mut rebuild = Rebuild::new(dir, limits)?;
    for height in 0..blocks {
        each(&read(log, height, stop)?, |(key, held)| rebuild.push(key, held))?;
    }
    rebuild.finish(position(log, blocks)?)
}

/// The position after so many blocks.
fn position(log: &LogReader, blocks: u64) -> Result<Position, LedgerError> {
    let Some(last) = blocks.checked_sub(1) else { return Ok(Position::default()) };
    let header = log.header(last)?.ok_or_else(|| damaged(last))?;
    Ok(Position { blocks, head: digest::block(&header) })
}

/// The next block, unless the ledger is being closed.
fn read(log: &LogReader, height: u64, stop: &AtomicBool) -> Result<Body, LedgerError> {
    if stop.load(Ordering::Acquire) {
        return Err(LedgerError::Invalid("the ledger is closed: its state is followed when it is opened again".into()));
    }
    log.block(height)?.ok_or_else(|| damaged(height))
}

/// What the records of a block say, in their order.
fn each(body: &Body, mut put: impl FnMut(Entry) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
    let height = body.header().height;
    for index in 0..body.record_count() {
        let bytes = body.record(index);
        let record = Record::decode(bytes).map_err(|_| damaged(height))?;
        let keys = keys(&record, body.annex(index)).map_err(|_| damaged(height))?;
        let place = Location { height, index: index as u32 }.pack();
        let held = if keys.is_empty() { continue } else { Held { hash: digest::leaf(bytes), place } };
        keys.into_iter().try_for_each(|key| put((key, held)))?;
    }
    Ok(())
}

fn damaged(height: u64) -> LedgerError {
    LedgerError::Corrupt(format!("block {height} cannot be read; stop and audit"))
}
