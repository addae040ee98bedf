//! The normal open path: walks the frames behind the last known block, and clears what was written and never synced whole.
//!
//! A block counts if its body and its evidence are whole. What follows the last such block is a write that was cut off:
//! it was acknowledged to nobody and is zeroed. If a whole block follows it, it was acknowledged: the log is damaged.
//! Running this again after it was itself cut off gives the same result.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::LedgerError;
use crate::log::archived;
use crate::log::body::Body;
use crate::log::disk::{first_non_zero, open_segment, segment_path, spare_path};
use crate::log::frame::{self, HEAD_BYTES, Head, Kind};
use crate::log::reader::BlockPlace;

/// Where the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// The last segment.
    pub segment: u32,
    /// Where the next block goes.
    pub at: u64,
    /// Bytes of the last segment.
    pub size: u64,
}

/// Walks the blocks behind `known` (all, if `None`) in order and hands each to `each`, which applies it.
///
/// `known` is the place of the last block that is applied already, with its height. Without `repair` nothing is written.
///
/// # Errors
/// `Corrupt` where the log contradicts itself, `Io`, and whatever `each` returns.
pub fn recover(
    dir: &Path,
    known: Option<(u64, BlockPlace)>,
    repair: bool,
    each: &mut dyn FnMut(BlockPlace, Body) -> Result<(), LedgerError>,
) -> Result<Recovered, LedgerError> {
    let (mut number, mut at, mut height) = (0, 0, 0);
    if let Some((last, place)) = known {
        let segment = Segment::open(dir, place.segment)?;
        let after = segment.evidence_end(&place, last)?;
        (number, at, height) = (place.segment, after, last + 1);
    }
    loop {
        let segment = Segment::open(dir, number)?;
        let end = segment.walk(at, &mut height, each)?;
        let next_exists = archived::is_there(dir, number + 1)?;
        match first_non_zero(&segment.file, &segment.path, end, segment.size)? {
            None if next_exists => (number, at) = (number + 1, 0),
            None => return Ok(Recovered { segment: number, at: end, size: segment.size }),
            Some(dirty) => {
                if next_exists {
                    return Err(LedgerError::corrupt(
                        &segment.path,
                        dirty,
                        "bytes that are no block, before the next segment",
                    ));
                }
                segment.check_nothing_foreign_follows(end)?;
                segment.check_nothing_acknowledged_follows(end, height)?;
                if repair {
                    segment.zero_from(end)?;
                }
                return Ok(Recovered { segment: number, at: end, size: segment.size });
            }
        }
    }
}

/// Removes what the making of a next segment left behind.
///
/// # Errors
/// `Io`.
pub(super) fn remove_spares(dir: &Path) -> Result<(), LedgerError> {
    let spare = spare_path(dir);
    for path in [spare.with_extension("new"), spare] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LedgerError::io(&path, "remove", &error));
            }
            _ => {}
        }
    }
    Ok(())
}

struct Segment {
    number: u32,
    path: PathBuf,
    file: File,
    size: u64,
}

impl Segment {
    fn open(dir: &Path, number: u32) -> Result<Segment, LedgerError> {
        let path = segment_path(dir, number);
        let (file, size) = archived::open(dir, number)?;
        Ok(Segment { number, path, file, size })
    }

    fn read(&self, at: u64, length: usize) -> Result<Option<Vec<u8>>, LedgerError> {
        if at + length as u64 > self.size {
            return Ok(None);
        }
        let mut bytes = vec![0u8; length];
        self.file.read_exact_at(&mut bytes, at).map_err(|error| LedgerError::io(&self.path, "read", &error))?;
        Ok(Some(bytes))
    }

    /// A frame of this kind and height; its body is read and compared only if `whole`.
    fn frame(&self, at: u64, kind: Kind, height: u64, whole: bool) -> Result<Option<(u32, Vec<u8>)>, LedgerError> {
        let Some(head) = self.read(at, HEAD_BYTES)? else { return Ok(None) };
        let Some(head) = Head::parse(&head).filter(|head| (head.kind, head.height) == (kind, height)) else {
            return Ok(None);
        };
        if at + frame::padded(head.length as usize) as u64 > self.size {
            return Ok(None);
        }
        if !whole {
            return Ok(Some((head.length, Vec::new())));
        }
        let body = self.read(at + HEAD_BYTES as u64, head.length as usize)?.filter(|body| head.matches(body));
        Ok(body.map(|body| (head.length, body)))
    }

    /// The end of the last whole block of this segment. A block is handed on once the next one is found or its own
    /// evidence was compared: only the last may be cut.
    fn walk(
        &self,
        mut at: u64,
        height: &mut u64,
        each: &mut dyn FnMut(BlockPlace, Body) -> Result<(), LedgerError>,
    ) -> Result<u64, LedgerError> {
        let mut held: Option<(BlockPlace, Body, u64)> = None;
        loop {
            let next = held.as_ref().map_or(*height, |_| *height + 1);
            let Some((place, body, after)) = self.pair(at, next)? else { break };
            if let Some((place, body, _)) = held.take() {
                each(place, body)?;
                *height += 1;
            }
            held = Some((place, body, at));
            at = after;
        }
        if let Some((place, body, start)) = held {
            if self.frame(place.evidence_at(), Kind::Evidence, *height, true)?.is_none() {
                return Ok(start);
            }
            each(place, body)?;
            *height += 1;
        }
        Ok(at)
    }

    fn pair(&self, at: u64, height: u64) -> Result<Option<(BlockPlace, Body, u64)>, LedgerError> {
        let Some((length, bytes)) = self.frame(at, Kind::Block, height, true)? else { return Ok(None) };
        let place = BlockPlace { segment: self.number, at: at as u32, body: length };
        let Some((evidence, _)) = self.frame(place.evidence_at(), Kind::Evidence, height, false)? else {
            return Ok(None);
        };
        if Body::is_foreign(&bytes) {
            return Err(LedgerError::format(&self.path, at));
        }
        let body = Body::parse(bytes).filter(|body| body.header().height == height);
        let body = body.ok_or_else(|| LedgerError::corrupt(&self.path, at, "a block that cannot be read"))?;
        Ok(Some((place, body, place.evidence_at() + frame::padded(evidence as usize) as u64)))
    }

    fn evidence_end(&self, place: &BlockPlace, height: u64) -> Result<u64, LedgerError> {
        let frame = self.frame(place.evidence_at(), Kind::Evidence, height, false)?;
        let (length, _) = frame.ok_or_else(|| {
            LedgerError::corrupt(&self.path, place.evidence_at(), "the evidence of the last known block is not there")
        })?;
        Ok(place.evidence_at() + frame::padded(length as usize) as u64)
    }

    /// A frame of a later version, at the end or behind what of a block is here: that version acknowledged it.
    fn check_nothing_foreign_follows(&self, from: u64) -> Result<(), LedgerError> {
        let rest = self.read(from, (self.size - from) as usize)?.unwrap_or_default();
        let mut at = 0;
        while let Some(bytes) = rest.get(at..) {
            if frame::is_foreign(bytes) {
                return Err(LedgerError::format(&self.path, from + at as u64));
            }
            let Some(head) = Head::parse(bytes) else { break };
            at += frame::padded(head.length as usize);
        }
        Ok(())
    }

    /// A later block behind a broken one: the broken one was acknowledged.
    fn check_nothing_acknowledged_follows(&self, from: u64, height: u64) -> Result<(), LedgerError> {
        let rest = self.read(from, (self.size - from) as usize)?.unwrap_or_default();
        for at in (0..rest.len()).step_by(8) {
            if let Some((head, ..)) = frame::read(&rest[at..])
                && head.kind == Kind::Block
                && head.height > height
            {
                let what = format!("block {height} is broken and block {} follows it", head.height);
                return Err(LedgerError::corrupt(&self.path, from, what));
            }
        }
        Ok(())
    }

    fn zero_from(&self, from: u64) -> Result<(), LedgerError> {
        let (file, _) = open_segment(&self.path, true)?;
        let zeros = vec![0u8; (self.size - from) as usize];
        file.write_all_at(&zeros, from)
            .and_then(|()| file.sync_data())
            .map_err(|error| LedgerError::io(&self.path, "clear the end of", &error))
    }
}
