//! A block's body and its evidence as bytes: fixed layouts, so that one record is read without the others.
//!
//! ```text
//! body:     u32 header length, ranges, outcomes, records, bytes of records, bytes of annexes
//!           header · ranges (50 each) · outcomes (64 each) · u32 ends of records · u32 ends of annexes
//!           records · annexes (one as long as nothing: the record has none)
//! range:    u16 source · u64 first offset · u64 next offset · 32 bytes digest of the source's last input
//! evidence: u32 count · u32 ends · canonical bytes of the inputs that were neither rejected nor the engine's, in order
//! ```

use std::ops::Range;

use farechain_core::block::{Header, SourceRange};
use farechain_core::outcome::{Outcome, Verdict};

/// Bytes before the header.
pub const PREFIX_BYTES: usize = 24;
const RANGE_BYTES: usize = 50;

/// Where the parts of a body lie, from its first [`PREFIX_BYTES`].
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    header: u32,
    ranges: u32,
    outcomes: u32,
    records: u32,
    record_bytes: u32,
    annex_bytes: u32,
}

impl Layout {
    /// Reads the prefix.
    pub fn parse(bytes: &[u8]) -> Option<Layout> {
        let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        Some(Layout {
            header: word(0)?,
            ranges: word(4)?,
            outcomes: word(8)?,
            records: word(12)?,
            record_bytes: word(16)?,
            annex_bytes: word(20)?,
        })
    }

    /// Bytes of the whole body.
    pub fn body_bytes(&self) -> usize {
        self.annexes().end
    }

    /// How many records.
    pub fn record_count(&self) -> u32 {
        self.records
    }

    /// The header's bytes.
    pub fn header(&self) -> Range<usize> {
        PREFIX_BYTES..PREFIX_BYTES + self.header as usize
    }

    fn ranges(&self) -> Range<usize> {
        let start = self.header().end;
        start..start + self.ranges as usize * RANGE_BYTES
    }

    fn outcomes(&self) -> Range<usize> {
        let start = self.ranges().end;
        start..start + self.outcomes as usize * Outcome::BYTES
    }

    /// The ends of records, then those of annexes.
    pub fn ends(&self) -> Range<usize> {
        let start = self.outcomes().end;
        start..start + self.records as usize * 8
    }

    /// All records' bytes.
    pub fn records(&self) -> Range<usize> {
        let start = self.ends().end;
        start..start + self.record_bytes as usize
    }

    /// All annexes' bytes.
    pub fn annexes(&self) -> Range<usize> {
        let start = self.records().end;
        start..start + self.annex_bytes as usize
    }
}

/// What a body is made of.
#[derive(Debug, Default)]
pub struct Parts {
    /// The ranges that moved.
    pub ranges: Vec<SourceRange>,
    /// Outcomes, encoded.
    pub outcomes: Vec<u8>,
    /// Ends of the records.
    pub record_ends: Vec<u32>,
    /// The records.
    pub records: Vec<u8>,
    /// Ends of the annexes.
    pub annex_ends: Vec<u32>,
    /// The annexes.
    pub annexes: Vec<u8>,
}

impl Parts {
    /// The body's bytes before the outcomes, and the ends of records and annexes.
    fn small_parts(&self, header: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let counts = [
            header.len(),
            self.ranges.len(),
            self.outcomes.len() / Outcome::BYTES,
            self.record_ends.len(),
            self.records.len(),
            self.annexes.len(),
        ];
        let mut front = Vec::with_capacity(PREFIX_BYTES + header.len() + self.ranges.len() * RANGE_BYTES);
        for count in counts {
            front.extend_from_slice(&(count as u32).to_be_bytes());
        }
        front.extend_from_slice(header);
        for range in &self.ranges {
            front.extend_from_slice(&range.source.to_be_bytes());
            front.extend_from_slice(&range.first_offset.to_be_bytes());
            front.extend_from_slice(&range.next_offset.to_be_bytes());
            front.extend_from_slice(&range.last_digest);
        }
        let mut ends = Vec::with_capacity(self.record_ends.len() * 8);
        for end in self.record_ends.iter().chain(&self.annex_ends) {
            ends.extend_from_slice(&end.to_be_bytes());
        }
        (front, ends)
    }

    /// The body under this header, its parts where they are.
    pub fn pieces(&self, header: &[u8]) -> Pieces<'_> {
        let (front, ends) = self.small_parts(header);
        Pieces { front, ends, parts: self }
    }
}

/// A body whose parts are not copied into one place.
#[derive(Debug)]
pub struct Pieces<'p> {
    front: Vec<u8>,
    ends: Vec<u8>,
    parts: &'p Parts,
}

impl Pieces<'_> {
    /// The body, one piece behind the other.
    pub fn all(&self) -> [&[u8]; 5] {
        [&self.front, &self.parts.outcomes, &self.ends, &self.parts.records, &self.parts.annexes]
    }
}

/// A body as read; every part is inside.
#[derive(Debug)]
pub struct Body {
    bytes: Vec<u8>,
    layout: Layout,
    header: Header,
}

impl Body {
    /// Checks that all parts are inside and that the header can be read.
    pub fn parse(bytes: Vec<u8>) -> Option<Body> {
        let layout = Layout::parse(&bytes)?;
        if layout.body_bytes() != bytes.len() {
            return None;
        }
        let header = Header::decode(&bytes[layout.header()]).ok()?;
        let body = Body { bytes, layout, header };
        let records = layout.records as usize;
        let ordered = |from: usize, total: u32| {
            let mut ends = (0..records).map(|i| body.end(from + i));
            ends.clone().is_sorted() && ends.next_back().unwrap_or(0) == total
        };
        let whole = body.header.record_count == layout.records
            && ordered(0, layout.record_bytes)
            && ordered(records, layout.annex_bytes);
        whole.then_some(body)
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the parts lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the bytes of a block have a header of a version or a suite that is not known here.
    pub fn is_foreign(bytes: &[u8]) -> bool {
        Layout::parse(bytes).and_then(|layout| bytes.get(layout.header())).is_some_and(Header::is_foreign)
    }

    /// The header's bytes.
    pub fn header_bytes(&self) -> &[u8] {
        &self.bytes[self.layout.header()]
    }

    /// The ranges that moved.
    #[allow(clippy::missing_panics_doc, reason = "chunks have their length")]
    pub fn ranges(&self) -> impl Iterator<Item = SourceRange> + '_ {
        self.bytes[self.layout.ranges()].chunks_exact(RANGE_BYTES).map(|bytes| SourceRange {
            source: u16::from_be_bytes([bytes[0], bytes[1]]),
            first_offset: u64::from_be_bytes(bytes[2..10].try_into().expect("8 bytes")),
            next_offset: u64::from_be_bytes(bytes[10..18].try_into().expect("8 bytes")),
            last_digest: bytes[18..].try_into().expect("32 bytes"),
        })
    }

    /// The outcomes; `None` for one that cannot be read.
    pub fn outcomes(&self) -> impl Iterator<Item = Option<Outcome>> + '_ {
        let bytes = &self.bytes[self.layout.outcomes()];
        bytes.chunks_exact(Outcome::BYTES).map(|bytes| Outcome::decode(bytes.try_into().ok()?))
    }

    /// The outcomes as they are written, one behind the other.
    pub fn outcome_bytes(&self) -> &[u8] {
        &self.bytes[self.layout.outcomes()]
    }

    fn end(&self, i: usize) -> u32 {
        let at = self.layout.ends().start + 4 * i;
        u32::from_be_bytes(self.bytes[at..at + 4].try_into().expect("4 bytes"))
    }

    fn part(&self, from: usize, index: usize, all: Range<usize>) -> &[u8] {
        let start = if index == 0 { 0 } else { self.end(from + index - 1) };
        &self.bytes[all.start + start as usize..all.start + self.end(from + index) as usize]
    }

    /// A record's bytes. `index` is below the record count.
    pub fn record(&self, index: usize) -> &[u8] {
        self.part(0, index, self.layout.records())
    }

    /// A record's annex, if it has one. `index` is below the record count.
    pub fn annex(&self, index: usize) -> Option<&[u8]> {
        let annex = self.part(self.layout.records as usize, index, self.layout.annexes());
        (!annex.is_empty()).then_some(annex)
    }

    /// How many records.
    pub fn record_count(&self) -> usize {
        self.layout.records as usize
    }
}

/// Whether an input's bytes belong to the evidence: not rejected and not the engine's own.
pub fn has_evidence(outcome: &Outcome) -> bool {
    !matches!(outcome.verdict, Verdict::Drained | Verdict::Rejected(_))
}

/// A list of byte strings that stay where they are: the body of evidence and of rejected inputs.
#[derive(Debug)]
pub struct ByteList<'a> {
    /// Count and ends.
    head: Vec<u8>,
    bytes: u32,
    /// Neighbours in one buffer are one run.
    runs: Vec<(&'a [u8], Range<usize>)>,
}

impl<'a> ByteList<'a> {
    /// An empty list, with room for the ends of `count` strings.
    pub fn with_capacity(count: usize) -> ByteList<'a> {
        let mut head = Vec::with_capacity(4 + 4 * count);
        head.extend_from_slice(&[0; 4]);
        ByteList { head, bytes: 0, runs: Vec::new() }
    }

    /// Adds a part of a buffer.
    pub fn push(&mut self, buffer: &'a [u8], span: Range<usize>) {
        self.bytes += span.len() as u32;
        self.head.extend_from_slice(&self.bytes.to_be_bytes());
        match self.runs.last_mut() {
            Some((last, run)) if std::ptr::eq(*last, buffer) && run.end == span.start => run.end = span.end,
            _ => self.runs.push((buffer, span)),
        }
    }

    fn count(&self) -> usize {
        self.head.len() / 4 - 1
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The list's bytes, one piece behind the other; none where the list is empty.
    pub fn pieces_if_any(&mut self) -> Vec<&[u8]> {
        if self.is_empty() { Vec::new() } else { self.pieces() }
    }

    /// The list's bytes, one piece behind the other.
    pub fn pieces(&mut self) -> Vec<&[u8]> {
        let count = self.count() as u32;
        self.head[..4].copy_from_slice(&count.to_be_bytes());
        let runs = self.runs.iter().map(|(buffer, run)| &buffer[run.clone()]);
        std::iter::once(&self.head[..]).chain(runs).collect()
    }
}

impl ByteList<'_> {
    /// Where each lies in the encoded bytes; `None` where they are not a list.
    pub fn spans(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
        let count = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let from = 4 + 4 * count;
        let ends = bytes.get(4..from)?.chunks_exact(4);
        let mut start = from;
        let mut spans = Vec::with_capacity(count);
        for end in ends {
            let end = from + u32::from_be_bytes(end.try_into().ok()?) as usize;
            if end < start || end > bytes.len() {
                return None;
            }
            spans.push(start..end);
            start = end;
        }
        (start == bytes.len()).then_some(spans)
    }
}
