//! Reads durable blocks by height. Shared by the writer, the API and all tails; sees a block only once it is synced.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use farechain_core::outcome::Location;

use crate::error::LedgerError;
use crate::log::archived::{self, Fetched};
use crate::log::body::{Body, Layout, PREFIX_BYTES};
use crate::log::disk::segment_path;
use crate::log::frame::{HEAD_BYTES, Head, padded};

/// Where a block lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockPlace {
    /// The segment.
    pub segment: u32,
    /// Where its first frame starts.
    pub at: u32,
    /// Bytes of its body.
    pub body: u32,
}

impl BlockPlace {
    /// Where its evidence frame starts.
    pub fn evidence_at(&self) -> u64 {
        u64::from(self.at) + padded(self.body as usize) as u64
    }

    /// Bytes of both frames, for evidence of this many bytes.
    pub fn frames_bytes(&self, evidence: usize) -> u64 {
        (padded(self.body as usize) + padded(evidence)) as u64
    }
}

#[derive(Debug, Default)]
struct Map {
    files: HashMap<u32, Arc<File>>,
    places: Vec<BlockPlace>,
}

/// Blocks whose contents are remembered: 4 MiB where all of them are full ones of 8,192 records.
const REMEMBERED: usize = 64;

/// Where the records and annexes of a block lie.
#[derive(Debug)]
struct Contents {
    layout: Layout,
    /// The ends of records, then those of annexes.
    ends: Vec<u8>,
}

impl Contents {
    /// From where to where among all records, or all annexes, for a number below both together; `None` where the ends
    /// are out of order.
    fn bounds(&self, first: usize, index: usize, all: usize) -> Option<(usize, usize)> {
        let end =
            |at: usize| u32::from_be_bytes(self.ends[4 * at..4 * at + 4].try_into().unwrap_or([0xFF; 4])) as usize;
        let (start, end) = (if index == 0 { 0 } else { end(first + index - 1) }, end(first + index));
        (start <= end && end <= all).then_some((start, end))
    }
}

/// The contents of blocks that were read lately, each at the place that its height gives it: whoever reads one record
/// of a block mostly reads others.
#[derive(Debug)]
struct Remembered(Mutex<Vec<Slot>>);

/// A height with the contents of its block.
type Slot = Option<(u64, Arc<Contents>)>;

impl Default for Remembered {
    fn default() -> Remembered {
        Remembered(Mutex::new(vec![None; REMEMBERED]))
    }
}

impl Remembered {
    fn get(&self, height: u64) -> Option<Arc<Contents>> {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, contents) = slots[height as usize % REMEMBERED].as_ref()?;
        (*of == height).then(|| Arc::clone(contents))
    }

    fn put(&self, height: u64, contents: &Arc<Contents>) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots[height as usize % REMEMBERED] = Some((height, Arc::clone(contents)));
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(None);
    }
}

/// Reads of the block log; cloning shares it.
#[derive(Debug, Clone)]
pub struct LogReader {
    dir: PathBuf,
    map: Arc<RwLock<Map>>,
    remembered: Arc<Remembered>,
    fetched: Arc<Fetched>,
}

impl LogReader {
    /// Knows no block yet: recovery adds them.
    pub fn new(dir: &Path) -> LogReader {
        LogReader { dir: dir.to_path_buf(), map: Arc::default(), remembered: Arc::default(), fetched: Arc::default() }
    }

    /// The directory of the segments.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many blocks it knows.
    pub fn blocks(&self) -> u64 {
        self.read_map().places.len() as u64
    }

    /// Where a block lies.
    pub fn place(&self, height: u64) -> Option<BlockPlace> {
        self.read_map().places.get(usize::try_from(height).ok()?).copied()
    }

    /// Where the blocks from a height on lie.
    pub(crate) fn places_from(&self, height: u64) -> Vec<BlockPlace> {
        self.read_map().places[height as usize..].to_vec()
    }

    pub(crate) fn push(&self, place: BlockPlace) {
        self.map.write().unwrap_or_else(PoisonError::into_inner).places.push(place);
    }

    pub(crate) fn push_all(&self, places: &[BlockPlace]) {
        self.map.write().unwrap_or_else(PoisonError::into_inner).places.extend_from_slice(places);
    }

    /// Forgets every place: recovery starts again.
    pub(crate) fn forget(&self) {
        self.map.write().unwrap_or_else(PoisonError::into_inner).places.clear();
        self.remembered.forget();
    }

    fn read_map(&self) -> std::sync::RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a segment, opened once; of one that was archived a copy of it, whose digest was compared.
    pub(crate) fn file(&self, segment: u32) -> Result<Arc<File>, LedgerError> {
        if let Some(file) = self.read_map().files.get(&segment) {
            return Ok(Arc::clone(file));
        }
        let Some((file, _)) = archived::open_local(&self.dir, segment)? else {
            return self.fetched.file(&self.dir, segment);
        };
        let file = Arc::new(file);
        self.map.write().unwrap_or_else(PoisonError::into_inner).files.insert(segment, Arc::clone(&file));
        Ok(file)
    }

    /// Closes the segments' files; they are opened again when they are read.
    pub(crate) fn close_files(&self) {
        self.map.write().unwrap_or_else(PoisonError::into_inner).files.clear();
    }

    fn read(&self, segment: u32, at: u64, length: usize) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = vec![0u8; length];
        let read = self.file(segment)?.read_exact_at(&mut bytes, at);
        read.map_err(|error| LedgerError::io(&segment_path(&self.dir, segment), "read", &error))?;
        Ok(bytes)
    }

    fn corrupt(&self, place: &BlockPlace, what: &str) -> LedgerError {
        LedgerError::corrupt(&segment_path(&self.dir, place.segment), u64::from(place.at), what)
    }

    /// A whole block, its checksum compared; `None` beyond the head.
    ///
    /// # Errors
    /// `Corrupt` where the bytes on disk are no longer what was written, `Io`.
    pub fn block(&self, height: u64) -> Result<Option<Body>, LedgerError> {
        let Some(place) = self.place(height) else { return Ok(None) };
        let mut frame = self.read(place.segment, place.at.into(), HEAD_BYTES + place.body as usize)?;
        let head = Head::parse(&frame).ok_or_else(|| self.corrupt(&place, "not a frame"))?;
        frame.drain(..HEAD_BYTES);
        if head.height != height || !head.matches(&frame) {
            return Err(self.corrupt(&place, "the block's checksum does not match"));
        }
        Body::parse(frame).map(Some).ok_or_else(|| self.corrupt(&place, "the block cannot be read"))
    }

    /// The evidence of a block, its checksum compared: the body of its frame.
    ///
    /// # Errors
    /// As [`LogReader::block`].
    pub fn evidence(&self, height: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(place) = self.place(height) else { return Ok(None) };
        let at = place.evidence_at();
        let head = Head::parse(&self.read(place.segment, at, HEAD_BYTES)?);
        let head = head.ok_or_else(|| self.corrupt(&place, "its evidence is not a frame"))?;
        let body = self.read(place.segment, at + HEAD_BYTES as u64, head.length as usize)?;
        if head.height != height || !head.matches(&body) {
            return Err(self.corrupt(&place, "the checksum of its evidence does not match"));
        }
        Ok(Some(body))
    }

    /// How many bytes the evidence of a block has.
    pub(crate) fn evidence_bytes(&self, place: &BlockPlace) -> Result<usize, LedgerError> {
        let head = Head::parse(&self.read(place.segment, place.evidence_at(), HEAD_BYTES)?);
        Ok(head.ok_or_else(|| self.corrupt(place, "its evidence is not a frame"))?.length as usize)
    }

    /// The bytes of a block's header.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn header(&self, height: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(place) = self.place(height) else { return Ok(None) };
        let layout = self.layout(&place)?;
        self.read(place.segment, body_at(&place) + layout.header().start as u64, layout.header().len()).map(Some)
    }

    fn layout(&self, place: &BlockPlace) -> Result<Layout, LedgerError> {
        let prefix = self.read(place.segment, body_at(place), PREFIX_BYTES)?;
        Layout::parse(&prefix)
            .filter(|layout| layout.body_bytes() == place.body as usize)
            .ok_or_else(|| self.corrupt(place, "the parts of the block do not add up"))
    }

    /// One record's bytes, read without the rest of its block; `None` where there is no such record.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn record(&self, location: Location) -> Result<Option<Vec<u8>>, LedgerError> {
        self.part(location, |_| 0, Layout::records)
    }

    /// One record's annex; `None` where there is no such record, or it has none.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn annex(&self, location: Location) -> Result<Option<Vec<u8>>, LedgerError> {
        let annex = self.part(location, |layout| layout.record_count() as usize, Layout::annexes)?;
        Ok(annex.filter(|annex| !annex.is_empty()))
    }

    fn part(
        &self,
        location: Location,
        first_end: impl Fn(&Layout) -> usize,
        all: impl Fn(&Layout) -> std::ops::Range<usize>,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(place) = self.place(location.height) else { return Ok(None) };
        let contents = self.contents(location.height, &place)?;
        let layout = &contents.layout;
        if location.index >= layout.record_count() {
            return Ok(None);
        }
        let all = all(layout);
        let (start, end) = contents
            .bounds(first_end(layout), location.index as usize, all.len())
            .ok_or_else(|| self.corrupt(&place, "the ends of its records are out of order"))?;
        self.read(place.segment, body_at(&place) + (all.start + start) as u64, end - start).map(Some)
    }

    fn contents(&self, height: u64, place: &BlockPlace) -> Result<Arc<Contents>, LedgerError> {
        if let Some(contents) = self.remembered.get(height) {
            return Ok(contents);
        }
        let layout = self.layout(place)?;
        let ends = self.read(place.segment, body_at(place) + layout.ends().start as u64, layout.ends().len())?;
        let contents = Arc::new(Contents { layout, ends });
        self.remembered.put(height, &contents);
        Ok(contents)
    }
}

fn body_at(place: &BlockPlace) -> u64 {
    u64::from(place.at) + HEAD_BYTES as u64
}
