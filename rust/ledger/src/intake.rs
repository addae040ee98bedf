//! From fetched chunks to sealed batches: holds what was fetched and not yet sealed, each source in its own order.
//!
//! Knows offsets, not meaning. A record below the expected offset is dropped (it is in the ledger already); a hole is
//! accepted, since positions are ranges; a chunk that starts beyond what was asked for is the caller's to prevent.

use std::collections::VecDeque;
use std::sync::Arc;

use farechain_core::input;

use crate::batch::BatchRange;
use crate::kafka_batch::{self, Batch, BatchError, Batches, Fetched};

/// Canonical bytes after which a push takes no further batch.
const MAX_PUSH_BYTES: usize = 16 << 20;

/// One record inside a chunk's buffer.
#[derive(Debug, Clone, Copy)]
struct Span {
    timestamp_ms: i64,
    start: u32,
    end: u32,
    next_offset: u64,
}

#[derive(Debug)]
struct Chunk {
    source: u16,
    buffer: Arc<Vec<u8>>,
    spans: VecDeque<Span>,
    /// The position once all spans are taken.
    next_offset: u64,
}

/// One input of a sealed batch, not looked at yet.
#[derive(Debug, Clone, Copy)]
pub struct RawInput {
    /// Index into the genesis list of sources.
    pub source: u16,
    /// The broker's append time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Which buffer.
    pub buffer: u32,
    /// Where its canonical bytes start.
    pub start: u32,
    /// Where they end.
    pub end: u32,
}

/// Inputs that will become one block.
#[derive(Debug, Default)]
pub struct RawBatch {
    /// The buffers that hold the canonical bytes.
    pub buffers: Vec<Arc<Vec<u8>>>,
    /// The inputs in the order of decision.
    pub inputs: Vec<RawInput>,
    /// The ranges, at most one a source.
    pub ranges: Vec<BatchRange>,
}

/// A record as a source without raw batches hands it over.
#[derive(Debug)]
pub struct SourceRecord<'a> {
    /// Its offset.
    pub offset: u64,
    /// Append time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its headers in order.
    pub headers: &'a [kafka_batch::Header<'a>],
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// What was fetched and waits to be sealed.
#[derive(Debug)]
pub struct Intake {
    /// Per source: the position after all that is sealed.
    sealed: Vec<u64>,
    /// Per source: the position after all that is pending.
    fetched: Vec<u64>,
    chunks: VecDeque<Chunk>,
    pending: usize,
    pending_bytes: usize,
    dropped: u64,
}

impl Intake {
    /// Starts at the ledger's positions, one a source.
    pub fn new(positions: Vec<u64>) -> Intake {
        Intake {
            sealed: positions.clone(),
            fetched: positions,
            chunks: VecDeque::new(),
            pending: 0,
            pending_bytes: 0,
            dropped: 0,
        }
    }

    /// Inputs that wait to be sealed.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// The canonical bytes of those inputs.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Whether sealing would move a position or yield an input.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Records dropped because their offset lay below the expected one.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The offset expected next of a source.
    pub fn expected(&self, source: u16) -> u64 {
        self.fetched[usize::from(source)]
    }

    /// Takes raw record batches as fetched; returns how many inputs they added. It stops after [`MAX_PUSH_BYTES`], so that
    /// no fetch, however well compressed, is there decompressed all at once: while `expected` is below
    /// [`Fetched::next_offset`], seal what is full and push the same fetch again.
    ///
    /// # Errors
    /// [`BatchError`] names the batch: what lies before it was taken, nothing of it was, and its partition must stop.
    pub fn push_raw(&mut self, source: u16, fetched: Fetched<'_>) -> Result<usize, BatchError> {
        // Canonical bytes spend some twenty bytes a record on lengths that are variable in a record batch.
        let mut filling = Filling::new(self.expected(source), fetched.bytes.len() / 8 * 9);
        let mut batches = Batches::new(fetched);
        let mut ended = Ok(());
        while filling.buffer.len() < MAX_PUSH_BYTES {
            let taken = batches.step().and_then(|batch| batch.map(|batch| filling.take(&batch)).transpose());
            match taken {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        let added = self.accept(source, filling, 0, false);
        ended.map(|()| added)
    }

    /// Takes records one by one, in offset order, from a source without raw batches.
    ///
    /// `next_offset` is the position after the chunk, where the source knows of a hole at its end. `ahead` of what other
    /// sources have here already: somebody waits for these.
    pub fn push_records<'a>(
        &mut self,
        source: u16,
        records: impl Iterator<Item = SourceRecord<'a>>,
        next_offset: Option<u64>,
        ahead: bool,
    ) -> usize {
        let mut filling = Filling::new(self.expected(source), 0);
        for record in records {
            filling.push(&record);
        }
        self.accept(source, filling, next_offset.unwrap_or(0), ahead)
    }

    fn accept(&mut self, source: u16, filling: Filling, next_offset: u64, ahead: bool) -> usize {
        let added = filling.spans.len();
        self.dropped += filling.dropped;
        let next_offset = next_offset.max(filling.expected);
        if next_offset > self.expected(source) {
            self.fetched[usize::from(source)] = next_offset;
            self.pending += added;
            self.pending_bytes += filling.buffer.len();
            let buffer = Arc::new(filling.buffer);
            // Never before what its own source has here.
            let behind = self.chunks.iter().rposition(|chunk| chunk.source == source).map_or(0, |last| last + 1);
            let place = if ahead { behind } else { self.chunks.len() };
            self.chunks.insert(place, Chunk { source, buffer, spans: filling.spans, next_offset });
        }
        added
    }

    /// Takes the oldest inputs, at most `max_inputs`, with the ranges they cover.
    pub fn seal(&mut self, max_inputs: usize) -> RawBatch {
        let mut batch = RawBatch::default();
        while let Some(chunk) = self.chunks.front_mut() {
            let room = max_inputs - batch.inputs.len();
            if room == 0 && !chunk.spans.is_empty() {
                break;
            }
            let buffer = batch.buffers.len() as u32;
            let taken = chunk.spans.len().min(room);
            let last = chunk.spans.iter().take(taken).next_back().map(|span| span.next_offset);
            batch.inputs.extend(chunk.spans.drain(..taken).map(|span| RawInput {
                source: chunk.source,
                timestamp_ms: span.timestamp_ms,
                buffer,
                start: span.start,
                end: span.end,
            }));
            batch.buffers.push(Arc::clone(&chunk.buffer));
            let done = chunk.spans.is_empty();
            let next = if done { chunk.next_offset } else { last.unwrap_or_default() };
            let source = chunk.source;
            if done {
                self.chunks.pop_front();
            }
            self.extend_range(&mut batch.ranges, source, next);
        }
        self.pending -= batch.inputs.len();
        self.pending_bytes -= batch.inputs.iter().map(|input| (input.end - input.start) as usize).sum::<usize>();
        batch
    }

    fn extend_range(&mut self, ranges: &mut Vec<BatchRange>, source: u16, next_offset: u64) {
        let sealed = &mut self.sealed[usize::from(source)];
        if let Some(range) = ranges.iter_mut().find(|range| range.source == source) {
            range.next_offset = next_offset;
        } else {
            ranges.push(BatchRange { source, first_offset: *sealed, next_offset });
        }
        *sealed = next_offset;
    }
}

struct Filling {
    buffer: Vec<u8>,
    spans: VecDeque<Span>,
    expected: u64,
    dropped: u64,
}

impl Filling {
    fn new(expected: u64, capacity: usize) -> Filling {
        Filling { buffer: Vec::with_capacity(capacity), spans: VecDeque::new(), expected, dropped: 0 }
    }

    /// A whole batch, or nothing of it. One that was taken by an earlier push is passed over.
    fn take(&mut self, batch: &Batch<'_>) -> Result<(), BatchError> {
        if batch.next_offset() <= self.expected {
            return Ok(());
        }
        let (bytes, inputs, expected, dropped) = (self.buffer.len(), self.spans.len(), self.expected, self.dropped);
        let taken = batch.records(|record, headers| {
            self.push(&SourceRecord {
                offset: record.offset,
                timestamp_ms: record.timestamp_ms,
                key: record.key,
                headers,
                value: record.value,
            });
        });
        if taken.is_err() {
            self.buffer.truncate(bytes);
            self.spans.truncate(inputs);
            (self.expected, self.dropped) = (expected, dropped);
        } else {
            self.expected = batch.next_offset();
        }
        taken
    }

    fn push(&mut self, record: &SourceRecord<'_>) {
        if record.offset < self.expected {
            self.dropped += 1;
            return;
        }
        let start = self.buffer.len() as u32;
        input::encode(&mut self.buffer, record.offset, record.key, record.headers.iter().copied(), record.value);
        self.expected = record.offset + 1;
        let end = self.buffer.len() as u32;
        self.spans.push_back(Span { timestamp_ms: record.timestamp_ms, start, end, next_offset: self.expected });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(intake: &mut Intake, source: u16, offsets: std::ops::Range<u64>) {
        add(intake, source, offsets, false);
    }

    fn add(intake: &mut Intake, source: u16, offsets: std::ops::Range<u64>, ahead: bool) {
        let records =
            offsets.map(|offset| SourceRecord { offset, timestamp_ms: 1, key: None, headers: &[], value: Some(b"v") });
        intake.push_records(source, records, None, ahead);
    }

    #[test]
    fn a_batch_is_cut_at_its_size_and_ranges_join() {
        let mut intake = Intake::new(vec![0, 5]);
        push(&mut intake, 0, 0..3);
        push(&mut intake, 1, 5..8);
        push(&mut intake, 0, 3..6);
        let batch = intake.seal(7);
        assert_eq!(batch.inputs.len(), 7);
        assert_eq!(
            batch.ranges,
            [
                BatchRange { source: 0, first_offset: 0, next_offset: 4 },
                BatchRange { source: 1, first_offset: 5, next_offset: 8 }
            ]
        );
        let batch = intake.seal(7);
        assert_eq!(batch.ranges, [BatchRange { source: 0, first_offset: 4, next_offset: 6 }]);
        assert!(intake.is_empty());
        assert_eq!(intake.pending(), 0);
    }

    #[test]
    fn what_somebody_waits_for_goes_ahead_of_others_and_never_of_its_own() {
        let mut intake = Intake::new(vec![0, 0]);
        push(&mut intake, 0, 0..6);
        let of = |batch: &RawBatch| batch.inputs.iter().map(|input| input.source).collect::<Vec<_>>();
        assert_eq!(of(&intake.seal(2)), [0, 0]);
        add(&mut intake, 1, 0..2, true);
        add(&mut intake, 1, 2..3, true);
        let batch = intake.seal(4);
        assert_eq!(of(&batch), [1, 1, 1, 0]);
        assert_eq!(batch.ranges[0], BatchRange { source: 1, first_offset: 0, next_offset: 3 });
        push(&mut intake, 1, 3..4);
        add(&mut intake, 1, 4..5, true);
        let batch = intake.seal(9);
        assert_eq!(of(&batch), [0, 0, 0, 1, 1]);
        let range = |source| batch.ranges.iter().find(|range| range.source == source).copied();
        assert_eq!(range(1), Some(BatchRange { source: 1, first_offset: 3, next_offset: 5 }));
        assert_eq!(range(0), Some(BatchRange { source: 0, first_offset: 3, next_offset: 6 }));
    }

    #[test]
    fn what_is_below_the_position_is_dropped_and_holes_are_ranges() {
        let mut intake = Intake::new(vec![10]);
        push(&mut intake, 0, 8..12);
        assert_eq!((intake.pending(), intake.dropped()), (2, 2));
        push(&mut intake, 0, 20..21);
        assert_eq!(intake.seal(100).ranges, [BatchRange { source: 0, first_offset: 10, next_offset: 21 }]);
    }
}
