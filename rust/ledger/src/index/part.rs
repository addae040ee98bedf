//! One part of the snapshot as bytes: what a range of blocks added to the index, and the state after it.
//!
//! ```text
//! u32 CRC-32C of the head   u32 head length   head   sections, one behind the other
//! head:     version, secret, the edge before, the edge after, (u32 length, u32 CRC-32C) of each section
//! sections: registry, positions and counts · numbers and changes · blocks (16 bytes each)
//!           identities by shard · hashes by shard (slots of 8 bytes in order)
//! ```

use std::ops::Range;

use farechain_core::cbor::{Decoder, Encoder, Malformed};
use farechain_core::digest::Digest;
use farechain_core::registry::Registry;

use crate::index::table::{SHARDS, Slot, Table};
use crate::index::{Changes, Counts, Index, Position, Secret};
use crate::log::BlockPlace;

const VERSION: u64 = 3;
/// Bytes before the head.
pub(super) const PREFIX_BYTES: usize = 8;
/// Sections before those of the tables.
const STATE: usize = 0;
const CHANGES: usize = 1;
const BLOCKS: usize = 2;
const TABLES: usize = 3;
const SECTIONS: usize = TABLES + 2 * SHARDS;

/// The ledger after a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edge {
    /// Blocks up to here.
    pub blocks: u64,
    /// Records up to here.
    pub records: u64,
    /// The hash of the last block.
    pub head: Digest,
}

impl Edge {
    /// Where an index is.
    pub fn of(index: &Index) -> Edge {
        Edge { blocks: index.counts.blocks, records: index.counts.records, head: index.head }
    }
}

/// What a part says of itself.
#[derive(Debug)]
pub(super) struct Head {
    pub before: Edge,
    pub after: Edge,
    /// Place and checksum of each section.
    sections: Vec<(Range<usize>, u32)>,
}

/// A section: which one, read from its place by whoever has the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    State,
    Changes,
    Blocks,
    Identities(u8),
    Hashes(u8),
}

impl Section {
    fn number(self) -> usize {
        match self {
            Section::State => STATE,
            Section::Changes => CHANGES,
            Section::Blocks => BLOCKS,
            Section::Identities(shard) => TABLES + usize::from(shard),
            Section::Hashes(shard) => TABLES + SHARDS + usize::from(shard),
        }
    }
}

impl Head {
    /// Bytes of prefix and head, from the prefix.
    pub fn bytes(prefix: [u8; PREFIX_BYTES]) -> usize {
        PREFIX_BYTES + u32::from_be_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]) as usize
    }

    /// Reads prefix and head; `None` where they are damaged or of another secret.
    pub fn parse(bytes: &[u8], secret: Secret) -> Option<Head> {
        let (prefix, head) = bytes.split_first_chunk::<PREFIX_BYTES>()?;
        let head = head.get(..Head::bytes(*prefix) - PREFIX_BYTES)?;
        if crc32c::crc32c(head).to_be_bytes() != prefix[..4] {
            return None;
        }
        let read = |d: &mut Decoder<'_>| {
            if d.uint()? != VERSION || d.bytes()? != words(secret.into_iter()) {
                return Err(Malformed);
            }
            let mut edge = || Ok(Edge { blocks: d.uint()?, records: d.uint()?, head: d.bytes_of()? });
            let (before, after) = (edge()?, edge()?);
            let mut end = PREFIX_BYTES + head.len();
            let placed = numbers(d.bytes()?)?.map(|both| {
                let start = end;
                end += (both >> 32) as usize;
                (start..end, both as u32)
            });
            let sections: Vec<(Range<usize>, u32)> = placed.collect();
            d.end()?;
            if sections.len() == SECTIONS { Ok(Head { before, after, sections }) } else { Err(Malformed) }
        };
        read(&mut Decoder::new(head)).ok()
    }

    /// Where a section lies in the file.
    pub fn span(&self, section: Section) -> Range<usize> {
        self.sections[section.number()].0.clone()
    }

    /// Whether these are the bytes that the section was written with.
    pub fn matches(&self, section: Section, bytes: &[u8]) -> bool {
        let (span, crc) = &self.sections[section.number()];
        bytes.len() == span.len() && crc32c::crc32c(bytes) == *crc
    }

    /// Whether this is a whole file: every section as it was written, and nothing behind.
    pub fn is_whole(&self, file: &[u8]) -> bool {
        let good = |(span, crc): &(Range<usize>, u32)| {
            file.get(span.clone()).is_some_and(|section| crc32c::crc32c(section) == *crc)
        };
        self.sections.iter().all(good) && self.sections.last().is_some_and(|(span, _)| span.end == file.len())
    }
}

/// The part from `before` to where the index is: equal histories give equal bytes. `places`: of its blocks.
pub(super) fn encode(index: &Index, registry: &Registry, places: &[BlockPlace], before: &Edge) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 << 20);
    let mut ends = Vec::with_capacity(SECTIONS);
    encode_state(&mut Encoder::new(&mut body), index, registry);
    ends.push(body.len());
    encode_changes(&mut Encoder::new(&mut body), index);
    ends.push(body.len());
    encode_blocks(&mut body, index, places, before);
    ends.push(body.len());
    for table in [&index.identities, &index.hashes] {
        encode_table(&mut body, &mut ends, table);
    }
    let mut start = 0;
    let sections = ends.into_iter().map(|end| {
        let section = &body[std::mem::replace(&mut start, end)..end];
        (section.len() as u64) << 32 | u64::from(crc32c::crc32c(section))
    });
    let mut head = Vec::with_capacity(256 + 8 * SECTIONS);
    let mut e = Encoder::new(&mut head);
    e.uint(VERSION).bytes(&words(index.secret().into_iter()));
    for edge in [before, &Edge::of(index)] {
        e.uint(edge.blocks).uint(edge.records).bytes(&edge.head);
    }
    e.bytes(&words(sections));
    let prefix = [crc32c::crc32c(&head), head.len() as u32].map(u32::to_be_bytes).concat();
    [prefix, head, body].concat()
}

fn encode_table(body: &mut Vec<u8>, ends: &mut Vec<usize>, table: &Table) {
    let recent = table.recent();
    let mut rest = &recent[..];
    for shard in 0..SHARDS {
        let (of_shard, behind) = rest.split_at(rest.partition_point(|(of, _)| usize::from(*of) <= shard));
        of_shard.iter().for_each(|(_, slot)| body.extend_from_slice(&slot.to_be_bytes()));
        ends.push(body.len());
        rest = behind;
    }
}

/// The slots of a shard's section.
pub(super) fn slots(section: &[u8]) -> impl Iterator<Item = Slot> + '_ {
    section.as_chunks::<8>().0.iter().map(|slot| u64::from_be_bytes(*slot))
}

fn encode_blocks(body: &mut Vec<u8>, index: &Index, places: &[BlockPlace], before: &Edge) {
    for (place, first) in places.iter().zip(&index.first_records[before.blocks as usize..]) {
        for number in [place.segment, place.at, place.body, *first] {
            body.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// The blocks of a part: where each lies, and the ordinal of its first record.
pub(super) fn blocks(section: &[u8]) -> impl Iterator<Item = (BlockPlace, u32)> + '_ {
    section.as_chunks::<16>().0.iter().map(|block| {
        let word = |at: usize| u32::from_be_bytes(block[at..at + 4].try_into().expect("4 bytes"));
        (BlockPlace { segment: word(0), at: word(4), body: word(8) }, word(12))
    })
}

fn encode_state(e: &mut Encoder<'_>, index: &Index, registry: &Registry) {
    e.bytes(&registry.encode()).uint(index.time_ms).array(index.positions.len());
    for position in &index.positions {
        e.uint(position.next_offset).bytes(&position.last_digest);
    }
    encode_counts(e, &index.counts);
}

/// The registry, and an index at `after` with everything but tables, numbers, changes and blocks.
pub(super) fn decode_state(section: &[u8], secret: Secret, after: &Edge) -> Result<(Index, Registry), Malformed> {
    let d = &mut Decoder::new(section);
    let registry = Registry::decode(d.bytes()?)?;
    let mut index = Index::new(secret, 0, registry.genesis().utc_offset_min);
    (index.head, index.time_ms) = (after.head, d.uint()?);
    for _ in 0..d.array()? {
        index.positions.push(Position { next_offset: d.uint()?, last_digest: d.bytes_of()? });
    }
    decode_counts(d, &mut index.counts)?;
    d.end()?;
    Ok((index, registry))
}

fn encode_changes(e: &mut Encoder<'_>, index: &Index) {
    let recent: Vec<_> = index.numbers.runs().filter(|(_, run)| run.records.len() > run.settled).collect();
    e.array(recent.len());
    for (code, run) in recent {
        let records = run.records[run.settled..].iter().flat_map(|record| record.to_be_bytes()).collect::<Vec<u8>>();
        e.text(code.as_str()).uint(u64::from(run.from)).uint(run.settled as u64).bytes(&records);
    }
    for changes in [&index.standings, &index.reds, &index.allocations] {
        e.bytes(&words(changes.recent().into_iter().flat_map(|(record, value)| [u64::from(record), value])));
    }
    let mut refunded = Vec::new();
    for (origin, fen) in index.refunded.recent() {
        refunded.extend_from_slice(&origin);
        refunded.extend_from_slice(&fen.to_be_bytes());
    }
    e.bytes(&refunded);
}

/// Adds a part's numbers and changes to an index that has those of the parts before it.
pub(super) fn add_changes(section: &[u8], index: &mut Index) -> Result<(), Malformed> {
    let d = &mut Decoder::new(section);
    for _ in 0..d.array()? {
        let (code, from, settled, records) = (d.text_of()?, d.uint_as()?, d.uint()?, d.bytes()?);
        let records = records.as_chunks::<4>().0.iter().map(|record| u32::from_be_bytes(*record));
        index.numbers.extend(code, from, settled as usize, records).ok_or(Malformed)?;
    }
    for changes in [&mut index.standings, &mut index.reds, &mut index.allocations] {
        add_pairs(d.bytes()?, changes)?;
    }
    for entry in d.bytes()?.chunks(40) {
        let (origin, fen) = entry.split_first_chunk::<32>().ok_or(Malformed)?;
        index.refunded.set(*origin, u64::from_be_bytes(fen.try_into().map_err(|_| Malformed)?));
    }
    d.end()
}

fn add_pairs(bytes: &[u8], changes: &mut Changes<u32>) -> Result<(), Malformed> {
    let all: Vec<u64> = numbers(bytes)?.collect();
    all.as_chunks::<2>().0.iter().for_each(|[record, value]| changes.set(*record as u32, *value));
    Ok(())
}

fn encode_counts(e: &mut Encoder<'_>, counts: &Counts) {
    e.uint(counts.blocks).uint(counts.bytes).uint(counts.records).uint(counts.invoices).uint(counts.red_letters);
    e.bytes(&counts.blue_fen.to_be_bytes()).bytes(&counts.red_fen.to_be_bytes());
    e.bytes(&words(counts.verdicts.iter().chain(&counts.rejected).copied()));
    e.int(i64::from(counts.curve_day)).bytes(&words(counts.curve.iter().map(|count| u64::from(*count))));
}

fn decode_counts(d: &mut Decoder<'_>, counts: &mut Counts) -> Result<(), Malformed> {
    (counts.blocks, counts.bytes, counts.records) = (d.uint()?, d.uint()?, d.uint()?);
    (counts.invoices, counts.red_letters) = (d.uint()?, d.uint()?);
    counts.blue_fen = u128::from_be_bytes(d.bytes_of()?);
    counts.red_fen = u128::from_be_bytes(d.bytes_of()?);
    let all = counts.verdicts.iter_mut().chain(&mut counts.rejected);
    numbers(d.bytes()?)?.zip(all).for_each(|(read, count)| *count = read);
    counts.curve_day = i32::try_from(d.int()?).map_err(|_| Malformed)?;
    numbers(d.bytes()?)?.zip(&mut counts.curve).for_each(|(read, count)| *count = read as u32);
    Ok(())
}

fn words(values: impl Iterator<Item = u64>) -> Vec<u8> {
    values.flat_map(u64::to_be_bytes).collect()
}

fn numbers(bytes: &[u8]) -> Result<impl Iterator<Item = u64> + '_, Malformed> {
    let (words, rest) = bytes.as_chunks::<8>();
    if rest.is_empty() { Ok(words.iter().map(|word| u64::from_be_bytes(*word))) } else { Err(Malformed) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The part with its last block a byte longer, and every checksum right.
    pub fn with_another_number(file: &[u8]) -> Vec<u8> {
        let secret = [u64::from_be_bytes([9; 8]); 2];
        let head = Head::parse(file, secret).expect("a part");
        let mut forged = file.to_vec();
        let blocks = head.span(Section::Blocks);
        forged[blocks.end - 5] ^= 1;
        let crc = crc32c::crc32c(&forged[blocks]).to_be_bytes();
        let head_bytes = u32::from_be_bytes(forged[4..8].try_into().expect("4 bytes")) as usize;
        let list_at = PREFIX_BYTES + head_bytes - 8 * SECTIONS;
        forged[list_at + 8 * BLOCKS + 4..list_at + 8 * BLOCKS + 8].copy_from_slice(&crc);
        let crc = crc32c::crc32c(&forged[PREFIX_BYTES..PREFIX_BYTES + head_bytes]).to_be_bytes();
        forged[..4].copy_from_slice(&crc);
        forged
    }
}
