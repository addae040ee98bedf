//! Segments that were moved to a cheaper place: which they are, and a copy of one when it is read.
//!
//! `archived` in the directory of the segments has a line for each: its number, its bytes, the BLAKE3 digest of the whole
//! file in hex, and the directory where it is under its own name. A segment that is here is read here, whatever the list says.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::LedgerError;
use crate::log::disk::{open_segment, segment_path, sync_dir};

/// Copies of archived segments that are kept: at most 64 MiB each, on the disk for temporary files.
const FETCHED_MAX: usize = 4;
const CHUNK: usize = 1 << 20;

/// A segment that was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub number: u32,
    pub bytes: u64,
    /// BLAKE3 of the file, hex.
    pub digest: String,
    pub dir: PathBuf,
}

impl Entry {
    /// Where it is.
    pub fn path(&self) -> PathBuf {
        segment_path(&self.dir, self.number)
    }

    fn missing(&self, error: &io::Error) -> LedgerError {
        let path = self.path();
        LedgerError::Archive(format!(
            "segment {:08} was archived to {} and cannot be read there ({error}): bring it back",
            self.number,
            path.display()
        ))
    }

    fn changed(&self) -> LedgerError {
        let path = self.path();
        LedgerError::Archive(format!(
            "{} is not the segment that was archived: nothing of it is used; bring the right file back",
            path.display()
        ))
    }
}

fn list_path(blocks: &Path) -> PathBuf {
    blocks.join("archived")
}

/// What was moved, in order.
///
/// # Errors
/// `Io`, `Corrupt` for a list that cannot be read.
pub(crate) fn entries(blocks: &Path) -> Result<Vec<Entry>, LedgerError> {
    let path = list_path(blocks);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LedgerError::io(&path, "read", &error)),
    };
    let parsed: Option<Vec<Entry>> = text.lines().map(parse).collect();
    parsed.ok_or_else(|| LedgerError::corrupt(&path, 0, "this is no list of archived segments"))
}

fn parse(line: &str) -> Option<Entry> {
    let mut words = line.splitn(4, ' ');
    let (number, bytes) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (digest, dir) = (words.next()?.to_owned(), PathBuf::from(words.next()?));
    (digest.len() == 64).then_some(Entry { number, bytes, digest, dir })
}

/// Replaces the list: under another name, synced, renamed.
///
/// # Errors
/// `Io`.
pub(crate) fn write(blocks: &Path, entries: &[Entry]) -> Result<(), LedgerError> {
    let path = list_path(blocks);
    let draft = path.with_extension("new");
    let line =
        |Entry { number, bytes, digest, dir }: &Entry| format!("{number:08} {bytes} {digest} {}\n", dir.display());
    let text: Vec<String> = entries.iter().map(line).collect();
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(text.concat().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    });
    written.map_err(|error| LedgerError::io(&path, "write", &error))?;
    sync_dir(&path)
}

fn entry(blocks: &Path, number: u32) -> Result<Option<Entry>, LedgerError> {
    Ok(entries(blocks)?.into_iter().find(|entry| entry.number == number))
}

/// Whether there is such a segment, here or moved.
///
/// # Errors
/// As [`entries`].
pub(crate) fn is_there(blocks: &Path, number: u32) -> Result<bool, LedgerError> {
    Ok(segment_path(blocks, number).exists() || entry(blocks, number)?.is_some())
}

/// A segment that is here, with its size; `None` for one that was moved.
///
/// # Errors
/// `Io` where it is neither.
pub(crate) fn open_local(blocks: &Path, number: u32) -> Result<Option<(File, u64)>, LedgerError> {
    match open_segment(&segment_path(blocks, number), false) {
        Err(_) if entry(blocks, number)?.is_some() => Ok(None),
        opened => opened.map(Some),
    }
}

/// A segment with its size, fetched where it was moved.
///
/// # Errors
/// `Io`, `Archive` where it is not in its place, or not what was moved.
pub(crate) fn open(blocks: &Path, number: u32) -> Result<(File, u64), LedgerError> {
    match (open_local(blocks, number)?, entry(blocks, number)?) {
        (None, Some(entry)) => Ok((fetch(&entry)?, entry.bytes)),
        (Some(opened), _) => Ok(opened),
        (None, None) => open_segment(&segment_path(blocks, number), false),
    }
}

/// All bytes of a segment; the path of one that was moved and is not what was moved.
///
/// # Errors
/// `Io`, `Archive` where it is not in its place.
pub(crate) fn read(blocks: &Path, number: u32) -> Result<Result<Vec<u8>, PathBuf>, LedgerError> {
    let here = segment_path(blocks, number);
    match fs::read(&here) {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error) => {
            let Some(entry) = entry(blocks, number)? else { return Err(LedgerError::io(&here, "read", &error)) };
            let bytes = fs::read(entry.path()).map_err(|error| entry.missing(&error))?;
            let same = bytes.len() as u64 == entry.bytes && blake3::hash(&bytes).to_hex().as_str() == entry.digest;
            Ok(if same { Ok(bytes) } else { Err(entry.path()) })
        }
    }
}

/// The digest and the bytes of a file.
pub(crate) fn digest_of(file: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(String, u64)> {
    let (mut hasher, mut buffer, mut bytes) = (blake3::Hasher::new(), vec![0u8; CHUNK], 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hasher.finalize().to_hex().to_string(), bytes));
        }
        hasher.update(&buffer[..read]);
        each(&buffer[..read])?;
        bytes += read as u64;
    }
}

/// A copy that has no name: whatever becomes of the process, nothing is left of it.
fn fetch(entry: &Entry) -> Result<File, LedgerError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut from = File::open(entry.path()).map_err(|error| entry.missing(&error))?;
    let name = format!("farechain-segment-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let failed = |error| LedgerError::io(&path, "write", &error);
    let mut copy = OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(failed)?;
    fs::remove_file(&path).map_err(failed)?;
    let mut unwritten = None;
    let copied = digest_of(&mut from, |bytes| {
        copy.write_all(bytes).inspect_err(|error| unwritten = Some(LedgerError::io(&path, "write", error)))
    });
    if let Some(error) = unwritten {
        return Err(error);
    }
    if copied.map_err(|error| entry.missing(&error))? != (entry.digest.clone(), entry.bytes) {
        return Err(entry.changed());
    }
    copy.rewind().map_err(failed)?;
    Ok(copy)
}

/// The copies that were made last.
#[derive(Debug, Default)]
pub(crate) struct Fetched(Mutex<VecDeque<(u32, Arc<File>)>>);

impl Fetched {
    /// The copy of a segment, made where there is none. One is made at a time: many may wait for the same.
    pub fn file(&self, blocks: &Path, number: u32) -> Result<Arc<File>, LedgerError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = kept.iter().find(|(kept, _)| *kept == number) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(open(blocks, number)?.0);
        kept.truncate(FETCHED_MAX - 1);
        kept.push_front((number, Arc::clone(&file)));
        Ok(file)
    }
}
