//! Moves old segments to a cheaper place. Each is copied, synced and read back; then the list names it; then it is removed
//! here. Whatever cuts this off, it goes on where it was: a segment is always here, or in the list and in its place.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::LedgerError;
use crate::index::snapshot;
use crate::ledger::genesis_is_there;
use crate::lock::Lock;
use crate::log::archived::{self, Entry};
use crate::log::disk::{open_segment, segment_path, sync_dir};
use crate::log::frame;

/// What was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archived {
    /// Segments moved now.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Segments in the list.
    pub listed: u64,
    /// Segments that stay here.
    pub kept: u64,
}

/// A step after which this may be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Copied,
    Renamed,
    Listed,
    Removed,
}

/// Moves all segments but the newest `keep` to `target`, which is this ledger's alone. May run beside the owner of the
/// ledger. What opening reads stays here in any case: the segment in which the snapshot of the index ends, and those behind.
///
/// # Errors
/// `Missing`, `Locked` while another one moves, `Corrupt` for a segment that is not whole, `Archive` for a file in the target
/// that is another one, `Io`.
pub fn archive(dir: &Path, target: &Path, keep: u32) -> Result<Archived, LedgerError> {
    archive_by_steps(dir, target, keep, &mut |_| Ok(()))
}

fn archive_by_steps(
    dir: &Path,
    target: &Path,
    keep: u32,
    step: &mut dyn FnMut(Step) -> Result<(), LedgerError>,
) -> Result<Archived, LedgerError> {
    if !genesis_is_there(dir)? {
        return Err(LedgerError::Missing(format!("no ledger in {}", dir.display())));
    }
    let blocks = dir.join("blocks");
    let _one = Lock::take_file(&blocks.join("archiving"), || "its segments are being archived already".into())?;
    fs::create_dir_all(target).map_err(|error| LedgerError::io(target, "create", &error))?;
    sync_dir(target)?;
    let target = fs::canonicalize(target).map_err(|error| LedgerError::io(target, "read", &error))?;
    let mut list = archived::entries(&blocks)?;
    let mut newest = 0;
    while archived::is_there(&blocks, newest + 1)? {
        newest += 1;
    }
    let end = snapshot::last_segment(&dir.join("index")).unwrap_or(0).min((newest + 1).saturating_sub(keep.max(1)));
    let mut done = Archived::default();
    for number in 0..end {
        let here = segment_path(&blocks, number);
        if !list.iter().any(|entry| entry.number == number) {
            let entry = copy(&here, &target, number, step)?;
            done.segments += 1;
            done.bytes += entry.bytes;
            list.push(entry);
            list.sort_unstable_by_key(|entry| entry.number);
            archived::write(&blocks, &list)?;
            step(Step::Listed)?;
        }
        if here.exists() {
            fs::remove_file(&here).map_err(|error| LedgerError::io(&here, "remove", &error))?;
            sync_dir(&here)?;
            step(Step::Removed)?;
        }
    }
    done.listed = list.len() as u64;
    done.kept = u64::from(newest + 1) - done.listed;
    Ok(done)
}

/// Copies a whole segment, and compares what is read back.
fn copy(
    here: &Path,
    target: &Path,
    number: u32,
    step: &mut dyn FnMut(Step) -> Result<(), LedgerError>,
) -> Result<Entry, LedgerError> {
    let bytes = fs::read(here).map_err(|error| LedgerError::io(here, "read", &error))?;
    check(here, &bytes)?;
    let (digest, size) = (blake3::hash(&bytes).to_hex().to_string(), bytes.len() as u64);
    let entry = Entry { number, bytes: size, digest, dir: target.to_path_buf() };
    let (there, draft) = (entry.path(), entry.path().with_extension("new"));
    if !there.exists() {
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        written.map_err(|error| LedgerError::io(&draft, "write", &error))?;
        step(Step::Copied)?;
        fs::rename(&draft, &there).map_err(|error| LedgerError::io(&there, "write", &error))?;
        sync_dir(&there)?;
        step(Step::Renamed)?;
    }
    let (mut file, _) = open_segment(&there, false)?;
    let read = archived::digest_of(&mut file, |_| Ok(())).map_err(|error| LedgerError::io(&there, "read", &error))?;
    if read != (entry.digest.clone(), entry.bytes) {
        let what = format!("{} is not this ledger's segment: name a directory of its own", there.display());
        return Err(LedgerError::Archive(what));
    }
    Ok(entry)
}

/// Every frame is whole and nothing but zeros follows: what is damaged is not moved under a digest that looks right.
fn check(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let mut at = 0;
    while let Some((_, _, length)) = frame::read(&bytes[at..]) {
        at += length;
    }
    match bytes[at..].iter().position(|byte| *byte != 0) {
        Some(dirty) => Err(LedgerError::corrupt(path, (at + dirty) as u64, "a block that is not whole")),
        None => Ok(()),
    }
}
