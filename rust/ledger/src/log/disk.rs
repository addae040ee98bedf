//! Segment files: prezeroed, so that a sync writes data and no metadata; made under another name, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::LedgerError;

/// Segments grow to this size.
const MAX_SEGMENT_BYTES: u64 = 64 << 20;
const FIRST_SEGMENT_BYTES: u64 = if cfg!(test) { 8 << 10 } else { 1 << 20 };
const CHUNK: usize = 1 << 20;

/// The file of a segment.
pub(crate) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.seg"))
}

/// The prezeroed file that becomes the next segment.
pub(super) fn spare_path(dir: &Path) -> PathBuf {
    dir.join("spare")
}

/// A small ledger stays small: each segment is twice the one before, up to 64 MiB.
pub(super) fn nominal_bytes(number: u32) -> u64 {
    (FIRST_SEGMENT_BYTES << number.min(6)).min(MAX_SEGMENT_BYTES)
}

/// Makes a file of zeros, durable under its name.
pub(super) fn create_zeroed(path: &Path, bytes: u64) -> Result<(), LedgerError> {
    let draft = path.with_extension("new");
    let failed = |error| LedgerError::io(path, "create", &error);
    let mut file = File::create(&draft).map_err(failed)?;
    let zeros = vec![0u8; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(CHUNK as u64) as usize;
        file.write_all(&zeros[..part]).map_err(failed)?;
        left -= part as u64;
    }
    file.sync_all().map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)?;
    sync_dir(path)
}

/// Makes names in the directory of `path` durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), LedgerError> {
    let dir = path.parent().unwrap_or(path);
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| LedgerError::io(dir, "sync", &error))
}

/// Opens a segment; its size comes with it.
pub(crate) fn open_segment(path: &Path, write: bool) -> Result<(File, u64), LedgerError> {
    let file = OpenOptions::new().read(true).write(write).open(path);
    let file = file.map_err(|error| LedgerError::io(path, "open", &error))?;
    let size = file.metadata().map_err(|error| LedgerError::io(path, "read", &error))?.len();
    Ok((file, size))
}

/// Whether a file holds zeros alone from a place on; if not, where the first other byte stands.
pub(crate) fn first_non_zero(file: &File, path: &Path, from: u64, size: u64) -> Result<Option<u64>, LedgerError> {
    let mut buffer = vec![0u8; CHUNK];
    let mut at = from;
    while at < size {
        let part = (size - at).min(CHUNK as u64) as usize;
        file.read_exact_at(&mut buffer[..part], at).map_err(|error| LedgerError::io(path, "read", &error))?;
        if let Some(found) = buffer[..part].iter().position(|byte| *byte != 0) {
            return Ok(Some(at + found as u64));
        }
        at += part as u64;
    }
    Ok(None)
}
