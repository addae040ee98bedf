//! What was applied, in order: a frame each time, synced. Opening replays what the files lack.
//!
//! In files of some megabytes, so that old ones can be forgotten. A frame that was being written when the process ended is
//! at the end of the last file, and is cut off.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use farechain_core::digest::Digest;

use super::Position;
use super::bytes::{self, ENTRY_BYTES, Reader, damaged};
use super::entry::Entry;
use crate::error::LedgerError;
use crate::log::sync_dir;

/// Length and CRC-32C of the rest.
const HEAD_BYTES: usize = 8;

/// What was applied at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame<'c> {
    /// One more than the frame before.
    pub sequence: u64,
    pub position: Position,
    /// The root and the number of keys afterwards.
    pub root: Digest,
    pub count: u64,
    pub changes: Cow<'c, [Entry]>,
}

impl Frame<'_> {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![0; HEAD_BYTES];
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.position.blocks.to_be_bytes());
        out.extend_from_slice(&self.position.head);
        out.extend_from_slice(&self.root);
        out.extend_from_slice(&self.count.to_be_bytes());
        self.changes.iter().for_each(|change| bytes::put(change, &mut out));
        let length = (out.len() - HEAD_BYTES) as u32;
        let crc = crc32c::crc32c(&out[HEAD_BYTES..]);
        out[..4].copy_from_slice(&length.to_be_bytes());
        out[4..HEAD_BYTES].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// Takes a frame off the front; `None` where none is whole.
    fn take(reader: &mut Reader<'_>) -> Option<Frame<'static>> {
        let (length, crc) = (reader.u32()?, reader.u32()?);
        let body = reader.take(length as usize).filter(|body| crc32c::crc32c(body) == crc)?;
        let mut body = Reader(body);
        let sequence = body.u64()?;
        let position = Position { blocks: body.u64()?, head: body.array()? };
        let (root, count) = (body.array()?, body.u64()?);
        let whole = body.0.len().is_multiple_of(ENTRY_BYTES);
        whole.then(|| Frame { sequence, position, root, count, changes: bytes::entries(body.0).collect() })
    }
}

/// A file of the journal.
#[derive(Debug)]
pub(super) struct Segment {
    number: u32,
    bytes: u64,
    /// Of its last frame.
    sequence: u64,
}

/// The journal, open at its end.
#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
    segment_bytes: u64,
    segments: VecDeque<Segment>,
    file: File,
}

fn path_of(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("journal-{number:08}"))
}

impl Journal {
    /// A journal without frames in a directory that has none.
    pub(super) fn create(dir: &Path, segment_bytes: u64) -> Result<Journal, LedgerError> {
        let file = create(&path_of(dir, 0))?;
        let segments = [Segment { number: 0, bytes: 0, sequence: 0 }].into();
        Ok(Journal { dir: dir.to_path_buf(), segment_bytes, segments, file })
    }

    /// The journal of a directory and its frames; `None` where there is none.
    pub(super) fn open(dir: &Path, segment_bytes: u64) -> Result<Option<(Journal, Vec<Frame<'static>>)>, LedgerError> {
        let (segments, frames) = Journal::scan(dir)?;
        let Some(last) = segments.back() else { return Ok(None) };
        let path = path_of(dir, last.number);
        let opened = File::options().append(true).open(&path).and_then(|file| {
            file.set_len(last.bytes)?;
            file.sync_all()?;
            Ok(file)
        });
        let file = opened.map_err(|error| LedgerError::io(&path, "open", &error))?;
        Ok(Some((Journal { dir: dir.to_path_buf(), segment_bytes, segments, file }, frames)))
    }

    /// Reads the files of a directory and changes nothing.
    pub(super) fn scan(dir: &Path) -> Result<(VecDeque<Segment>, Vec<Frame<'static>>), LedgerError> {
        let (numbers, mut frames, mut segments) = (numbers(dir)?, Vec::<Frame<'static>>::new(), VecDeque::new());
        for (number, is_last) in numbers.iter().enumerate().map(|(at, number)| (*number, at + 1 == numbers.len())) {
            let path = path_of(dir, number);
            let bytes = fs::read(&path).map_err(|error| LedgerError::io(&path, "read", &error))?;
            let mut reader = Reader(&bytes);
            let mut good = 0;
            while let Some(frame) = Frame::take(&mut reader) {
                if frames.last().is_some_and(|last| frame.sequence != last.sequence + 1) {
                    return Err(damaged(&path, "its frames do not continue one another"));
                }
                frames.push(frame);
                good = bytes.len() - reader.0.len();
            }
            if good < bytes.len() && !is_last {
                return Err(damaged(&path, "a frame is damaged"));
            }
            let sequence = frames.last().map_or(0, |frame| frame.sequence);
            segments.push_back(Segment { number, bytes: good as u64, sequence });
        }
        Ok((segments, frames))
    }

    /// Appends a frame; it is durable when this returns.
    pub(super) fn append(&mut self, frame: &Frame<'_>) -> Result<(), LedgerError> {
        let bytes = frame.to_bytes();
        if self.last().bytes >= self.segment_bytes {
            let number = self.last().number + 1;
            self.file = create(&path_of(&self.dir, number))?;
            self.segments.push_back(Segment { number, bytes: 0, sequence: 0 });
        }
        let number = self.last().number;
        let path = path_of(&self.dir, number);
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(|error| LedgerError::io(&path, "write", &error))?;
        let last = self.last();
        last.bytes += bytes.len() as u64;
        last.sequence = frame.sequence;
        Ok(())
    }

    fn last(&mut self) -> &mut Segment {
        self.segments.back_mut().expect("a journal has a file")
    }

    /// Removes files of which no frame from `sequence` on, and not the last frame, is part.
    pub(super) fn forget_before(&mut self, sequence: u64) -> Result<(), LedgerError> {
        while self.segments.len() > 1 && self.segments[0].sequence < sequence {
            let path = path_of(&self.dir, self.segments[0].number);
            fs::remove_file(&path).map_err(|error| LedgerError::io(&path, "remove", &error))?;
            self.segments.pop_front();
        }
        Ok(())
    }

    /// Bytes of all its files.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}

fn create(path: &Path) -> Result<File, LedgerError> {
    let failed = |error| LedgerError::io(path, "create", &error);
    let file = File::options().append(true).create(true).open(path).map_err(failed)?;
    file.set_len(0).and_then(|()| file.sync_all()).map_err(failed)?;
    sync_dir(path)?;
    Ok(file)
}

/// The numbers of the files, in order.
fn numbers(dir: &Path) -> Result<Vec<u32>, LedgerError> {
    let names = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.and_then(Iterator::collect::<Result<Vec<_>, _>>),
    };
    let names = names.map_err(|error| LedgerError::io(dir, "read", &error))?;
    let number = |name: &std::ffi::OsStr| name.to_str()?.strip_prefix("journal-")?.parse().ok();
    let mut numbers: Vec<u32> = names.iter().filter_map(|entry| number(&entry.file_name())).collect();
    numbers.sort_unstable();
    if numbers.windows(2).any(|pair| pair[1] != pair[0] + 1) {
        return Err(damaged(dir, "a file of the journal is missing"));
    }
    Ok(numbers)
}
