//! Makes the map from all changes of a log, in bounded memory whatever the keys: sorted runs on disk, then one merge.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use farechain_core::digest::Digest;

use super::base::Writer;
use super::bytes::{self, ENTRY_BYTES};
use super::changes::latest;
use super::entry::{Entry, Held};
use super::shard::{DEPTH, Shard};
use super::tree::cut_written;
use super::view::View;
use super::{Limits, Position, StateMap, base_path};
use crate::error::LedgerError;
use crate::log::sync_dir;

/// Changes that are sorted at once, 36 MB.
const RUN_ENTRIES: usize = 1 << 19;
/// Files before the first frame of the journal.
const FIRST_SEQUENCE: u64 = 1;

/// A map in the making, beside the directory that it will take.
#[derive(Debug)]
pub struct Rebuild {
    dir: PathBuf,
    draft: PathBuf,
    limits: Limits,
    changes: Vec<Entry>,
    runs: usize,
}

impl Rebuild {
    /// Begins; what an earlier attempt left is removed. The map that `dir` has stays until the new one is whole.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn new(dir: &Path, limits: Limits) -> Result<Rebuild, LedgerError> {
        let draft = dir.with_extension("new");
        remove(&draft)?;
        fs::create_dir_all(&draft).map_err(|error| LedgerError::io(&draft, "create", &error))?;
        Ok(Rebuild { dir: dir.to_path_buf(), draft, limits, changes: Vec::new(), runs: 0 })
    }

    /// What a key has from now on; the last one counts.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn push(&mut self, key: Digest, held: Held) -> Result<(), LedgerError> {
        self.changes.push((key, held));
        if self.changes.len() == RUN_ENTRIES { self.end_run() } else { Ok(()) }
    }

    fn end_run(&mut self) -> Result<(), LedgerError> {
        let sorted = latest(std::mem::take(&mut self.changes));
        let path = self.run_path(self.runs);
        let mut out = Vec::with_capacity(sorted.len() * ENTRY_BYTES);
        sorted.iter().for_each(|entry| bytes::put(entry, &mut out));
        let written = File::create(&path).and_then(|mut file| file.write_all(&out));
        written.map_err(|error| LedgerError::io(&path, "write", &error))?;
        self.runs += 1;
        Ok(())
    }

    fn run_path(&self, run: usize) -> PathBuf {
        self.draft.join(format!("run-{run:08}"))
    }

    /// Writes the map of all that was pushed, at this position, and opens it.
    ///
    /// # Errors
    /// [`LedgerError::Io`]; what is in `dir` may be the old map, the new one, or none.
    pub fn finish(mut self, position: Position) -> Result<StateMap, LedgerError> {
        self.end_run()?;
        let mut entries = Merged::new((0..self.runs).map(|run| self.run_path(run)))?.peekable();
        let (mut shards, mut count) = (Vec::new(), 0);
        for number in 0..=u8::MAX {
            let shard = self.shard(number, &mut entries)?;
            count += u64::from(shard.base.entries);
            shards.push(shard);
        }
        for run in 0..self.runs {
            let path = self.run_path(run);
            fs::remove_file(&path).map_err(|error| LedgerError::io(&path, "remove", &error))?;
        }
        StateMap::begin(&self.draft, self.limits, View::new(shards, count, position), FIRST_SEQUENCE)?;
        remove(&self.dir)?;
        fs::rename(&self.draft, &self.dir).map_err(|error| LedgerError::io(&self.dir, "rename", &error))?;
        sync_dir(&self.dir)?;
        let opened = StateMap::open(&self.dir, self.limits, |found| *found == position)?;
        opened.ok_or_else(|| LedgerError::Io(format!("{}: was damaged while it was written", self.dir.display())))
    }

    /// Writes the file of the next shard; one without entries has none.
    fn shard(
        &self,
        number: u8,
        entries: &mut Peekable<impl Iterator<Item = Result<Entry, LedgerError>>>,
    ) -> Result<Shard, LedgerError> {
        let is_mine = |next: &Result<Entry, LedgerError>| next.as_ref().map_or(true, |(key, _)| key[0] == number);
        if !entries.peek().is_some_and(is_mine) {
            return Shard::open(&self.draft, number);
        }
        let mut writer = Writer::new(&base_path(&self.draft, number))?;
        while let Some(entry) = entries.next_if(is_mine) {
            writer.extend(&[entry?])?;
        }
        let (written, mut list) = (writer.written()?, Vec::new());
        let limit = usize::from(self.limits.bucket_entries.max(1));
        cut_written(DEPTH, written, 0, written.entries, limit, &mut list)?;
        Shard::over(writer.finish(&list, FIRST_SEQUENCE)?, &list)
    }
}

fn remove(dir: &Path) -> Result<(), LedgerError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(LedgerError::io(dir, "remove", &error)),
        _ => Ok(()),
    }
}

/// The entries of all runs, in the order of the keys; of a key in several, that of the latest run.
struct Merged {
    runs: Vec<Run>,
    /// The next key of each run; of equal ones, the earliest run's is taken first.
    next: BinaryHeap<Reverse<(Digest, usize)>>,
}

struct Run {
    path: PathBuf,
    file: BufReader<File>,
    held: Held,
}

impl Merged {
    fn new(paths: impl Iterator<Item = PathBuf>) -> Result<Merged, LedgerError> {
        let mut merged = Merged { runs: Vec::new(), next: BinaryHeap::new() };
        for path in paths {
            let file = File::open(&path).map_err(|error| LedgerError::io(&path, "open", &error))?;
            merged.runs.push(Run {
                path,
                file: BufReader::with_capacity(64 << 10, file),
                held: Held { hash: [0; 32], place: 0 },
            });
            merged.advance(merged.runs.len() - 1)?;
        }
        Ok(merged)
    }

    fn advance(&mut self, number: usize) -> Result<(), LedgerError> {
        let run = &mut self.runs[number];
        let mut read = [0; ENTRY_BYTES];
        match run.file.read_exact(&mut read) {
            Ok(()) => {
                for (key, held) in bytes::entries(&read) {
                    run.held = held;
                    self.next.push(Reverse((key, number)));
                }
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(LedgerError::io(&run.path, "read", &error)),
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Option<Entry>, LedgerError> {
        let Some(Reverse((key, run))) = self.next.pop() else { return Ok(None) };
        let mut held = self.runs[run].held;
        self.advance(run)?;
        while let Some(Reverse((_, later))) = self.next.peek().filter(|next| next.0.0 == key).copied() {
            self.next.pop();
            held = self.runs[later].held;
            self.advance(later)?;
        }
        Ok(Some((key, held)))
    }
}

impl Iterator for Merged {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}
