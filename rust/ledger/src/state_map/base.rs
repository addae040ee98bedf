//! The entries of a shard in one file, in the order of their keys: written once, under another name, synced and renamed.
//!
//! Behind the entries stands the list of their buckets, and a foot. What is read is checked.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::bytes::{self, ENTRY_BYTES, Reader, damaged};
use super::entry::Entry;
use super::stored::{self, STORED_BYTES, Stored};
use crate::error::LedgerError;
use crate::log::sync_dir;

const MAGIC: [u8; 8] = *b"fcstate2";
/// Magic, entries, buckets, sequence, and the CRC of all that stands behind the entries.
const FOOT_BYTES: usize = 8 + 4 + 4 + 8 + 4;
/// Bytes that are written at once.
const CHUNK: usize = 256 << 10;

/// The file, open for reading; views still read one that was replaced.
#[derive(Debug)]
pub(super) struct Base {
    path: PathBuf,
    file: Option<File>,
    pub entries: u32,
    /// All changes up to this frame of the journal are in it.
    pub sequence: u64,
}

impl Base {
    /// Opens a file and reads its buckets. Where there is no file, there are no entries.
    pub(super) fn open(path: PathBuf) -> Result<(Base, Vec<Stored>), LedgerError> {
        let failed = |error| LedgerError::io(&path, "read", &error);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok((Base { path, file: None, entries: 0, sequence: 0 }, Vec::new()));
            }
            file => file.map_err(failed)?,
        };
        let size = file.metadata().map_err(failed)?.len();
        let mut foot = [0; FOOT_BYTES];
        let Some(foot_at) = size.checked_sub(FOOT_BYTES as u64) else { return Err(damaged(&path, "cut short")) };
        file.read_exact_at(&mut foot, foot_at).map_err(failed)?;
        let Some((entries, buckets, sequence, crc)) = read_foot(&foot) else { return Err(damaged(&path, "no foot")) };
        let listed = STORED_BYTES as u64 * u64::from(buckets);
        if foot_at != ENTRY_BYTES as u64 * u64::from(entries) + listed {
            return Err(damaged(&path, "of another length than its foot says"));
        }
        let mut list = vec![0; listed as usize];
        file.read_exact_at(&mut list, foot_at - listed).map_err(failed)?;
        if crc32c::crc32c_append(crc32c::crc32c(&list), &foot[..FOOT_BYTES - 4]) != crc {
            return Err(damaged(&path, "its list of buckets is damaged"));
        }
        let mut reader = Reader(&list);
        let list = (0..buckets).map_while(|_| Stored::read(&mut reader)).collect();
        Ok((Base { path, file: Some(file), entries, sequence }, list))
    }

    fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, LedgerError> {
        let mut read = vec![0; length];
        if let Some(file) = self.file.as_ref().filter(|_| length > 0) {
            file.read_exact_at(&mut read, at).map_err(|error| LedgerError::io(&self.path, "read", &error))?;
        }
        Ok(read)
    }

    /// Buckets of the list, whose bytes have this CRC.
    pub(super) fn buckets(&self, at: u32, count: u32, crc: u32) -> Result<Vec<Stored>, LedgerError> {
        let from = ENTRY_BYTES as u64 * u64::from(self.entries) + STORED_BYTES as u64 * u64::from(at);
        let read = self.read(from, count as usize * STORED_BYTES)?;
        if crc32c::crc32c(&read) != crc {
            return Err(damaged(&self.path, "its list of buckets is damaged"));
        }
        let mut reader = Reader(&read);
        Ok((0..count).map_while(|_| Stored::read(&mut reader)).collect())
    }

    /// The entries of neighbouring buckets, the first of which begins at entry `first`.
    pub(super) fn entries(&self, first: u32, buckets: &[Stored]) -> Result<Vec<Entry>, LedgerError> {
        let count = stored::total(buckets) as usize;
        let read = self.read(u64::from(first) * ENTRY_BYTES as u64, count * ENTRY_BYTES)?;
        let (mut rest, mut entries) = (&read[..], Vec::with_capacity(count));
        for bucket in buckets {
            let (mine, behind) = rest.split_at(usize::from(bucket.entries) * ENTRY_BYTES);
            let mine = stored::entries_of(mine, bucket);
            entries.extend(mine.ok_or_else(|| damaged(&self.path, "a bucket of entries is damaged"))?);
            rest = behind;
        }
        Ok(entries)
    }

    /// Entries that were just written and have no buckets yet.
    pub(super) fn unchecked(&self, first: u32, count: u32) -> Result<Vec<Entry>, LedgerError> {
        let read = self.read(u64::from(first) * ENTRY_BYTES as u64, count as usize * ENTRY_BYTES)?;
        Ok(bytes::entries(&read).collect())
    }
}

fn read_foot(foot: &[u8; FOOT_BYTES]) -> Option<(u32, u32, u64, u32)> {
    let mut reader = Reader(foot);
    (reader.array()? == MAGIC).then_some(())?;
    Some((reader.u32()?, reader.u32()?, reader.u64()?, reader.u32()?))
}

/// Writes a file anew.
pub(super) struct Writer {
    base: Base,
    draft: PathBuf,
    buffer: Vec<u8>,
}

impl Writer {
    pub(super) fn new(path: &Path) -> Result<Writer, LedgerError> {
        let draft = path.with_extension("new");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&draft);
        let file = file.map_err(|error| LedgerError::io(&draft, "create", &error))?;
        let base = Base { path: path.to_path_buf(), file: Some(file), entries: 0, sequence: 0 };
        Ok(Writer { base, draft, buffer: Vec::with_capacity(CHUNK) })
    }

    /// Adds entries, which come in the order of their keys.
    pub(super) fn extend(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        for entry in entries {
            bytes::put(entry, &mut self.buffer);
        }
        self.base.entries += entries.len() as u32;
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), LedgerError> {
        if let Some(file) = &mut self.base.file {
            file.write_all(&self.buffer).map_err(|error| LedgerError::io(&self.draft, "write", &error))?;
        }
        self.buffer.clear();
        Ok(())
    }

    /// The entries so far, to be read.
    pub(super) fn written(&mut self) -> Result<&Base, LedgerError> {
        self.flush()?;
        Ok(&self.base)
    }

    /// Writes what stands behind the entries, and makes the file durable under its name.
    pub(super) fn finish(mut self, list: &[Stored], sequence: u64) -> Result<Base, LedgerError> {
        let mut behind = stored::to_bytes(list);
        behind.extend_from_slice(&MAGIC);
        behind.extend_from_slice(&self.base.entries.to_be_bytes());
        behind.extend_from_slice(&(list.len() as u32).to_be_bytes());
        behind.extend_from_slice(&sequence.to_be_bytes());
        behind.extend_from_slice(&crc32c::crc32c(&behind).to_be_bytes());
        self.buffer.extend_from_slice(&behind);
        self.flush()?;
        let failed = |error| LedgerError::io(&self.draft, "write", &error);
        self.base.file.as_ref().map_or(Ok(()), File::sync_all).map_err(failed)?;
        fs::rename(&self.draft, &self.base.path).map_err(failed)?;
        sync_dir(&self.base.path)?;
        self.base.sequence = sequence;
        Ok(self.base)
    }
}
