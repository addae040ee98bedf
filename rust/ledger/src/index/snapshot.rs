//! Index and registry on disk, so that opening need not read the whole log: a row of parts, each written once.
//!
//! Every so many records a part is final and the next one begins where it ends; between them, a closing ledger writes the
//! open end, `snapshot`, which the next part replaces. Derived data: from the first part on that is missing, damaged, or
//! does not continue the one before it, all are ignored and the log is read instead.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use farechain_core::digest::Digest;
use farechain_core::registry::Registry;

use crate::error::LedgerError;
use crate::index::part::{self, Edge, Head, PREFIX_BYTES, Section};
use crate::index::table::{SHARDS, Table};
use crate::index::{Index, Secret};
use crate::log::{BlockPlace, LogReader, sync_dir};
use crate::settled::standing_at;

/// Records and blocks of a part: they bound what opening after a crash reads of the log.
const PART_RECORDS: u64 = if cfg!(test) { 6 } else { 250_000 };
const PART_BLOCKS: u64 = if cfg!(test) { 12 } else { 65_536 };

/// The state after the last part that can be used.
#[derive(Debug)]
pub struct Snapshot {
    /// The index.
    pub index: Index,
    /// The registry.
    pub registry: Registry,
    /// Where the row goes on.
    pub row: Row,
}

/// Where the row of parts goes on.
#[derive(Debug)]
pub struct Row {
    dir: PathBuf,
    /// How many parts are final, and where the last one ends.
    parts: usize,
    end: Edge,
    /// When a part was last written, or could not be.
    tried: (u64, u64),
}

/// A part on disk whose head is good.
#[derive(Debug)]
pub(crate) struct Part {
    pub path: PathBuf,
    /// Whether it is never written again.
    pub is_final: bool,
    file: File,
    head: Head,
}

impl Row {
    /// No parts yet.
    pub fn new(dir: &Path) -> Row {
        Row { dir: dir.to_path_buf(), parts: 0, end: Edge::default(), tried: (0, 0) }
    }

    /// Whether a part is full.
    pub fn is_due(&self, index: &Index) -> bool {
        let (records, blocks) = self.tried;
        index.counts.records >= records + PART_RECORDS || index.counts.blocks >= blocks + PART_BLOCKS
    }

    /// Writes what came since the last final part: under another name, synced, renamed.
    ///
    /// # Errors
    /// `Io`; the ledger goes on without it, and tries again with the next part.
    pub fn write(&mut self, index: &mut Index, registry: &Registry, log: &LogReader) -> Result<(), LedgerError> {
        let is_final = self.is_due(index);
        let bytes = part::encode(index, registry, &log.places_from(self.end.blocks), &self.end);
        self.tried = (index.counts.records, index.counts.blocks);
        let path = if is_final { final_path(&self.dir, self.parts) } else { open_path(&self.dir) };
        let draft = open_path(&self.dir).with_extension("new");
        let written = (|| {
            let mut file = File::create(&draft)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        })();
        written.map_err(|error| LedgerError::io(&path, "write", &error))?;
        sync_dir(&path)?;
        if is_final {
            index.settle();
            (self.parts, self.end) = (self.parts + 1, Edge::of(index));
        }
        Ok(())
    }

    /// Where nothing may be written, what came is forgotten instead of kept for a part.
    pub fn skip(&mut self, index: &mut Index) {
        index.settle();
        self.tried = (index.counts.records, index.counts.blocks);
    }
}

impl Part {
    fn open(path: PathBuf, is_final: bool, secret: Secret) -> Option<Part> {
        let file = File::open(&path).ok()?;
        let mut bytes = vec![0u8; PREFIX_BYTES];
        file.read_exact_at(&mut bytes, 0).ok()?;
        let size = file.metadata().ok()?.len();
        let length = Head::bytes(*bytes.first_chunk()?);
        bytes.resize(if length as u64 <= size { length } else { return None }, 0);
        file.read_exact_at(&mut bytes, 0).ok()?;
        Some(Part { head: Head::parse(&bytes, secret)?, path, is_final, file })
    }

    /// A section, if it is as it was written.
    fn section(&self, section: Section) -> Option<Vec<u8>> {
        let span = self.head.span(section);
        let mut bytes = vec![0u8; span.len()];
        self.file.read_exact_at(&mut bytes, span.start as u64).ok()?;
        self.head.matches(section, &bytes).then_some(bytes)
    }

    /// The ledger after this part.
    pub(crate) fn blocks(&self) -> u64 {
        self.head.after.blocks
    }

    /// All its bytes, if every one is as it was written.
    pub(crate) fn whole(&self) -> Option<Vec<u8>> {
        fs::read(&self.path).ok().filter(|bytes| self.head.is_whole(bytes))
    }

    /// The bytes that this part must have, from an index that is where it ends.
    pub(crate) fn derived(&self, index: &Index, registry: &Registry, log: &LogReader) -> Vec<u8> {
        part::encode(index, registry, &log.places_from(self.head.before.blocks), &self.head.before)
    }
}

/// The parts whose heads are good, each continuing the one before it.
pub(crate) fn parts(dir: &Path, secret: Secret) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let end = |parts: &[Part]| parts.last().map_or(Edge::default(), |part| part.head.after);
    while let Some(part) = Part::open(final_path(dir, parts.len()), true, secret) {
        if part.head.before != end(&parts) {
            break;
        }
        parts.push(part);
    }
    let open = Part::open(open_path(dir), false, secret);
    parts.extend(open.filter(|part| part.head.before == end(&parts)));
    parts
}

/// Reads the state after the last part that can be used; the reader of the log then knows its blocks, and no others.
pub fn read(dir: &Path, secret: Secret, log: &LogReader) -> Option<Snapshot> {
    let mut parts = parts(dir, secret);
    while !parts.is_empty() {
        match load(dir, &parts, secret, log) {
            Ok(snapshot) => return Some(snapshot),
            Err(Unusable(first)) => parts.truncate(first),
        }
    }
    log.forget();
    None
}

/// The first part that cannot be used.
struct Unusable(usize);

fn load(dir: &Path, parts: &[Part], secret: Secret, log: &LogReader) -> Result<Snapshot, Unusable> {
    let (number, last) = parts.iter().enumerate().next_back().ok_or(Unusable(0))?;
    let first_records = load_blocks(parts, log)?;
    let header = log.header(last.head.after.blocks - 1).ok().flatten();
    if header.is_none_or(|header| farechain_core::digest::block(&header) != last.head.after.head) {
        return Err(Unusable(number));
    }
    let (tables, rest) = std::thread::scope(|scope| {
        let identities = scope.spawn(|| load_table(parts, secret, Section::Identities));
        let hashes = scope.spawn(|| load_table(parts, secret, Section::Hashes));
        let rest = load_rest(parts, last, number, secret);
        let ended = |table: std::thread::ScopedJoinHandle<'_, _>| table.join().unwrap_or(Err(Unusable(0)));
        ((ended(identities), ended(hashes)), rest)
    });
    let (mut index, registry) = rest?;
    (index.identities, index.hashes, index.first_records) = (tables.0?, tables.1?, first_records);
    let finals = parts.iter().filter(|part| part.is_final);
    let end = finals.clone().next_back().map_or(Edge::default(), |part| part.head.after);
    let row = Row { dir: dir.to_path_buf(), parts: finals.count(), end, tried: (end.records, end.blocks) };
    Ok(Snapshot { index, registry, row })
}

fn load_blocks(parts: &[Part], log: &LogReader) -> Result<Vec<u32>, Unusable> {
    log.forget();
    let mut first_records = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let section = part.section(Section::Blocks).ok_or(Unusable(number))?;
        let places: Vec<BlockPlace> = part::blocks(&section).map(|(place, _)| place).collect();
        first_records.extend(part::blocks(&section).map(|(_, first)| first));
        log.push_all(&places);
        if log.blocks() != part.head.after.blocks {
            return Err(Unusable(number));
        }
    }
    Ok(first_records)
}

/// The segment in which the last part's blocks end: opening reads it and those behind, and no other.
pub(crate) fn last_segment(dir: &Path) -> Option<u32> {
    let secret = fs::read(dir.join("secret")).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())?;
    let segment = |part: &Part| part::blocks(&part.section(Section::Blocks)?).last().map(|(place, _)| place.segment);
    parts(dir, self::secret(&secret)).iter().rev().find_map(segment)
}

/// Shard by shard, so that each is filled while it is in the processor's cache.
fn load_table(parts: &[Part], secret: Secret, of: impl Fn(u8) -> Section) -> Result<Table, Unusable> {
    let mut table = Table::new(secret);
    let mut slots = Vec::new();
    for shard in (0..SHARDS).map(|shard| shard as u8) {
        slots.clear();
        for (number, part) in parts.iter().enumerate() {
            let section = part.section(of(shard)).ok_or(Unusable(number))?;
            let before = slots.len();
            slots.extend(part::slots(&section));
            if !part.is_final {
                table.keep_recent(shard, &slots[before..]);
            }
        }
        #[allow(clippy::stable_sort_primitive, reason = "it merges the parts' runs, which are in order already")]
        slots.sort();
        table.fill(shard, &slots);
    }
    Ok(table)
}

fn load_rest(parts: &[Part], last: &Part, number: usize, secret: Secret) -> Result<(Index, Registry), Unusable> {
    let state = last.section(Section::State);
    let decoded = state.and_then(|state| part::decode_state(&state, secret, &last.head.after).ok());
    let (mut index, registry) = decoded.ok_or(Unusable(number))?;
    for (number, part) in parts.iter().enumerate() {
        let section = part.section(Section::Changes).ok_or(Unusable(number))?;
        part::add_changes(&section, &mut index).map_err(|_| Unusable(number))?;
        if part.is_final {
            index.settle();
        }
    }
    Ok((index, registry))
}

fn final_path(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("snapshot-{number:08}"))
}

fn open_path(dir: &Path) -> PathBuf {
    dir.join("snapshot")
}

/// The fingerprint secret of a ledger, from the 16 bytes of its file.
pub fn secret(bytes: &[u8; 16]) -> Secret {
    let word = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    [word(0), word(8)]
}

/// The digest of the whole state: equal for equal histories of inputs, however they were cut into blocks.
pub fn state_digest(index: &Index, registry: &Registry, log: &LogReader) -> Digest {
    let mut bytes = registry.encode_uncut();
    index.digest_into(&mut bytes, |location| standing_at(log, location));
    farechain_core::digest::leaf(&bytes)
}
