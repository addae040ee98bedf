//! The single writer: one write and one fdatasync a block. A failed write or sync poisons it for good.

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Instant;

use farechain_core::digest::Digest;
use rustix::io::{Errno, pwritev};

use crate::error::LedgerError;
use crate::log::disk::{create_zeroed, nominal_bytes, open_segment, segment_path, spare_path, sync_dir};
use crate::log::frame::{self, Kind};
use crate::log::reader::{BlockPlace, LogReader};
use crate::log::recovery::{Recovered, remove_spares};
use crate::prepare::timed;

/// The most that Linux takes at once (`IOV_MAX`).
const PIECES_PER_WRITE: usize = 1024;

/// What an append took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Appended {
    /// Bytes written.
    pub bytes: u64,
    /// CPU of building and writing the frames, nanoseconds.
    pub append_ns: u64,
    /// The sync, nanoseconds of waiting.
    pub sync_ns: u64,
}

/// Appends blocks.
#[derive(Debug)]
pub struct LogWriter {
    dir: PathBuf,
    reader: LogReader,
    file: File,
    segment: u32,
    at: u64,
    size: u64,
    head: Digest,
    poisoned: bool,
    spare: Option<(u64, JoinHandle<Result<(), LedgerError>>)>,
}

impl LogWriter {
    /// Makes the directory and the first segment of a new log.
    ///
    /// # Errors
    /// `Io`.
    pub fn create(dir: &Path) -> Result<(), LedgerError> {
        fs::create_dir_all(dir).map_err(|error| LedgerError::io(dir, "create", &error))?;
        sync_dir(dir)?;
        create_zeroed(&segment_path(dir, 0), nominal_bytes(0))
    }

    /// Continues at the end that recovery found. `head` is the hash of the last block, zeros before genesis.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(reader: LogReader, end: Recovered, head: Digest) -> Result<LogWriter, LedgerError> {
        let dir = reader.dir().to_path_buf();
        remove_spares(&dir)?;
        let (file, size) = open_segment(&segment_path(&dir, end.segment), true)?;
        Ok(LogWriter { dir, reader, file, segment: end.segment, at: end.at, size, head, poisoned: false, spare: None })
    }

    /// Whether an earlier append failed.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Appends a block behind `previous`, syncs it and has it confirmed; only then does the reader see it.
    ///
    /// # Errors
    /// `Conflict` where the head is another block; `Io`, and whatever `confirm` returns, poisons the writer, `Poisoned` from
    /// then on: leave the process.
    pub fn append(
        &mut self,
        height: u64,
        previous: &Digest,
        hash: Digest,
        body: &[&[u8]],
        evidence: &[&[u8]],
        confirm: &dyn Fn() -> Result<(), LedgerError>,
    ) -> Result<Appended, LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned("an earlier write failed: stop the process and open again".into()));
        }
        if *previous != self.head || height != self.reader.blocks() {
            return Err(LedgerError::Conflict(format!("block {height} does not follow the head: open again")));
        }
        self.poisoned = true;
        let appended = self.write(height, body, evidence, confirm)?;
        self.poisoned = false;
        self.head = hash;
        Ok(appended)
    }

    fn write(
        &mut self,
        height: u64,
        body: &[&[u8]],
        evidence: &[&[u8]],
        confirm: &dyn Fn() -> Result<(), LedgerError>,
    ) -> Result<Appended, LedgerError> {
        let (written, append_ns) = timed(|| self.write_frames(height, body, evidence));
        let (bytes, body) = written?;
        let written = Instant::now();
        let path = segment_path(&self.dir, self.segment);
        self.file.sync_data().map_err(|error| LedgerError::io(&path, "sync", &error))?;
        let sync_ns = written.elapsed().as_nanos() as u64;
        confirm()?;
        self.reader.push(BlockPlace { segment: self.segment, at: self.at as u32, body: body as u32 });
        self.at += bytes;
        self.prepare_spare();
        Ok(Appended { bytes, append_ns, sync_ns })
    }

    /// Writes both frames from where their pieces are; the bytes of both, and of the block's body.
    fn write_frames(&mut self, height: u64, body: &[&[u8]], evidence: &[&[u8]]) -> Result<(u64, usize), LedgerError> {
        let (body_head, body_bytes) = frame::head(Kind::Block, height, body);
        let (evidence_head, evidence_bytes) = frame::head(Kind::Evidence, height, evidence);
        let bytes = (frame::padded(body_bytes) + frame::padded(evidence_bytes)) as u64;
        if self.at + bytes > self.size {
            self.roll(bytes)?;
        }
        let frames: [&[&[u8]]; 6] = [
            &[&body_head],
            body,
            &[frame::padding(body_bytes)],
            &[&evidence_head],
            evidence,
            &[frame::padding(evidence_bytes)],
        ];
        let mut pieces: Vec<IoSlice<'_>> = frames.concat().into_iter().map(IoSlice::new).collect();
        let path = segment_path(&self.dir, self.segment);
        write_all(&self.file, &mut pieces, self.at).map_err(|error| LedgerError::io(&path, "write", &error))?;
        Ok((bytes, body_bytes))
    }

    fn roll(&mut self, needed: u64) -> Result<(), LedgerError> {
        let number = self.segment + 1;
        let (spare, path) = (spare_path(&self.dir), segment_path(&self.dir, number));
        let ready = match self.spare.take() {
            Some((size, making)) => {
                making.join().unwrap_or_else(|_| Err(LedgerError::Io("making a segment panicked".into())))?;
                size >= needed
            }
            None => false,
        };
        if !ready {
            create_zeroed(&spare, nominal_bytes(number).max(needed.next_multiple_of(4096)))?;
        }
        fs::rename(&spare, &path).map_err(|error| LedgerError::io(&path, "create", &error))?;
        sync_dir(&path)?;
        (self.file, self.size) = open_segment(&path, true)?;
        (self.segment, self.at) = (number, 0);
        // What was archived meanwhile gives its space back only when nobody has it open any more.
        self.reader.close_files();
        Ok(())
    }

    /// Half-way through a segment the next one is made, beside the writer.
    fn prepare_spare(&mut self) {
        if self.spare.is_none() && self.at > self.size / 2 {
            let (spare, size) = (spare_path(&self.dir), nominal_bytes(self.segment + 1));
            self.spare = Some((size, std::thread::spawn(move || create_zeroed(&spare, size))));
        }
    }
}

/// Writes pieces one behind the other.
fn write_all(file: &File, mut pieces: &mut [IoSlice<'_>], mut at: u64) -> io::Result<()> {
    while pieces.iter().any(|piece| !piece.is_empty()) {
        match pwritev(file, &pieces[..pieces.len().min(PIECES_PER_WRITE)], at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                at += written as u64;
                IoSlice::advance_slices(&mut pieces, written);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        if let Some((_, making)) = self.spare.take() {
            let _ended = making.join();
        }
    }
}
