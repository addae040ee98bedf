//! The entries of a shard in one file, in the order of their keys: written once, under another name, synced and renamed.
//!
//! Behind the entries stand the buckets, a CRC-32C of each page of entries, and a foot. What is read is checked.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use farechain_core::digest::Digest;
use farechain_core::state_map::Entry;

use super::bytes::{self, ENTRY_BYTES, Reader, damaged};
use crate::error::LedgerError;
use crate::log::sync_dir;

const MAGIC: [u8; 8] = *b"fcstate1";
/// Entries of a page: 4,096 bytes, the unit of checking.
const PAGE_ENTRIES: u32 = 64;
/// Depth, entries and hash of a bucket.
const BUCKET_BYTES: usize = 2 + 4 + 32;
/// Magic, entries, buckets, sequence, and the CRC of all that stands behind the entries.
const FOOT_BYTES: usize = 8 + 4 + 4 + 8 + 4;
/// Bytes that are written at once.
const CHUNK: usize = 256 << 10;

/// A bucket as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Bits that all its keys share.
    pub depth: u16,
    pub entries: u32,
    pub hash: Digest,
}

/// The file, open for reading; an unlinked one is still read by views that hold it.
#[derive(Debug)]
pub(super) struct Base {
    path: PathBuf,
    file: Option<File>,
    pub entries: u32,
    /// All changes up to this frame of the journal are in it.
    pub sequence: u64,
    pages: Vec<u32>,
}

impl Base {
    /// Opens a file. Where there is none, there are no entries.
    pub(super) fn open(path: PathBuf) -> Result<(Base, Vec<Stored>), LedgerError> {
        let failed = |error| LedgerError::io(&path, "read", &error);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok((Base { path, file: None, entries: 0, sequence: 0, pages: Vec::new() }, Vec::new()));
            }
            file => file.map_err(failed)?,
        };
        let size = file.metadata().map_err(failed)?.len();
        let mut foot = [0; FOOT_BYTES];
        let Some(foot_at) = size.checked_sub(FOOT_BYTES as u64) else { return Err(damaged(&path, "cut short")) };
        file.read_exact_at(&mut foot, foot_at).map_err(failed)?;
        let Some((entries, buckets, sequence, crc)) = read_foot(&foot) else { return Err(damaged(&path, "no foot")) };
        let pages = entries.div_ceil(PAGE_ENTRIES) as usize;
        let behind = BUCKET_BYTES as u64 * u64::from(buckets) + 4 * pages as u64;
        if foot_at != ENTRY_BYTES as u64 * u64::from(entries) + behind {
            return Err(damaged(&path, "of another length than its foot says"));
        }
        let mut tables = vec![0; behind as usize];
        file.read_exact_at(&mut tables, foot_at - behind).map_err(failed)?;
        if crc32c::crc32c_append(crc32c::crc32c(&tables), &foot[..FOOT_BYTES - 4]) != crc {
            return Err(damaged(&path, "its tables are damaged"));
        }
        let mut reader = Reader(&tables);
        let stored = (0..buckets).map_while(|_| read_bucket(&mut reader)).collect();
        let pages = (0..pages).map_while(|_| reader.u32()).collect();
        Ok((Base { path, file: Some(file), entries, sequence, pages }, stored))
    }

    /// Some of the entries, by the pages that hold them.
    pub(super) fn read(&self, first: u32, count: u32) -> Result<Vec<Entry>, LedgerError> {
        let Some(file) = self.file.as_ref().filter(|_| count > 0) else { return Ok(Vec::new()) };
        let from = first / PAGE_ENTRIES * PAGE_ENTRIES;
        let to = (first + count).next_multiple_of(PAGE_ENTRIES).min(self.entries);
        let mut read = vec![0; (to - from) as usize * ENTRY_BYTES];
        file.read_exact_at(&mut read, u64::from(from) * ENTRY_BYTES as u64)
            .map_err(|error| LedgerError::io(&self.path, "read", &error))?;
        let crcs = &self.pages[(from / PAGE_ENTRIES) as usize..];
        let pages = read.chunks(PAGE_ENTRIES as usize * ENTRY_BYTES);
        if pages.zip(crcs).any(|(page, crc)| crc32c::crc32c(page) != *crc) {
            return Err(damaged(&self.path, "a page of entries is damaged"));
        }
        let skipped = (first - from) as usize * ENTRY_BYTES;
        Ok(bytes::entries(&read[skipped..skipped + count as usize * ENTRY_BYTES]).collect())
    }

    /// Bytes of memory.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Base>() + self.pages.capacity() * 4
    }
}

fn read_foot(foot: &[u8; FOOT_BYTES]) -> Option<(u32, u32, u64, u32)> {
    let mut reader = Reader(foot);
    (reader.array()? == MAGIC).then_some(())?;
    Some((reader.u32()?, reader.u32()?, reader.u64()?, reader.u32()?))
}

fn read_bucket(reader: &mut Reader<'_>) -> Option<Stored> {
    Some(Stored { depth: reader.u16()?, entries: reader.u32()?, hash: reader.array()? })
}

/// Writes a file anew.
pub(super) struct Writer {
    path: PathBuf,
    draft: PathBuf,
    file: File,
    buffer: Vec<u8>,
    pages: Vec<u32>,
    pub entries: u32,
}

impl Writer {
    pub(super) fn new(path: &Path) -> Result<Writer, LedgerError> {
        let draft = path.with_extension("new");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&draft);
        let file = file.map_err(|error| LedgerError::io(&draft, "create", &error))?;
        let buffer = Vec::with_capacity(CHUNK);
        Ok(Writer { path: path.to_path_buf(), draft, file, buffer, pages: Vec::new(), entries: 0 })
    }

    /// Adds entries, which come in the order of their keys.
    pub(super) fn extend<'e>(&mut self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), LedgerError> {
        for entry in entries {
            bytes::put(entry, &mut self.buffer);
            self.entries += 1;
            if self.entries.is_multiple_of(PAGE_ENTRIES) {
                self.end_page();
                if self.buffer.len() >= CHUNK {
                    self.flush()?;
                }
            }
        }
        Ok(())
    }

    fn end_page(&mut self) {
        let entries = self.entries - self.pages.len() as u32 * PAGE_ENTRIES;
        let page = self.buffer.len() - entries as usize * ENTRY_BYTES;
        self.pages.push(crc32c::crc32c(&self.buffer[page..]));
    }

    fn flush(&mut self) -> Result<(), LedgerError> {
        self.file.write_all(&self.buffer).map_err(|error| LedgerError::io(&self.draft, "write", &error))?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the entries; they can be read from now on.
    pub(super) fn ended(mut self) -> Result<Ended, LedgerError> {
        if !self.entries.is_multiple_of(PAGE_ENTRIES) {
            self.end_page();
        }
        self.flush()?;
        let base =
            Base { path: self.path, file: Some(self.file), entries: self.entries, sequence: 0, pages: self.pages };
        Ok(Ended { base, draft: self.draft })
    }
}

/// A file whose entries are there, and nothing behind them.
pub(super) struct Ended {
    pub base: Base,
    draft: PathBuf,
}

impl Ended {
    /// Writes what stands behind the entries, and makes the file durable under its name.
    pub(super) fn finish(mut self, buckets: &[Stored], sequence: u64) -> Result<Base, LedgerError> {
        let mut tail = Vec::with_capacity(buckets.len() * BUCKET_BYTES + self.base.pages.len() * 4 + FOOT_BYTES);
        for bucket in buckets {
            tail.extend_from_slice(&bucket.depth.to_be_bytes());
            tail.extend_from_slice(&bucket.entries.to_be_bytes());
            tail.extend_from_slice(&bucket.hash);
        }
        self.base.pages.iter().for_each(|crc| tail.extend_from_slice(&crc.to_be_bytes()));
        tail.extend_from_slice(&MAGIC);
        tail.extend_from_slice(&self.base.entries.to_be_bytes());
        tail.extend_from_slice(&(buckets.len() as u32).to_be_bytes());
        tail.extend_from_slice(&sequence.to_be_bytes());
        tail.extend_from_slice(&crc32c::crc32c(&tail).to_be_bytes());
        let failed = |error| LedgerError::io(&self.draft, "write", &error);
        if let Some(file) = &mut self.base.file {
            file.write_all(&tail).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        fs::rename(&self.draft, &self.base.path).map_err(failed)?;
        sync_dir(&self.base.path)?;
        self.base.sequence = sequence;
        self.base.pages.shrink_to_fit();
        Ok(self.base)
    }
}
