//! Whose transactional batches are passed over: what the response lists, until each transaction's marker.

use std::collections::HashSet;

use super::bytes::i32_at;
use super::header::BatchHeader;
use super::{decompress, records};

/// An aborted transaction as a response tells it: its producer id, and its first offset in the partition.
pub type Aborted = (i64, i64);

const ABORT: i32 = 0;

/// Walks along with the batches, in their order.
#[derive(Debug)]
pub(super) struct AbortedProducers {
    /// Those further on, the nearest last.
    coming: Vec<Aborted>,
    now: HashSet<i64>,
}

impl AbortedProducers {
    pub(super) fn new(aborted: &[Aborted]) -> AbortedProducers {
        let mut coming = aborted.to_vec();
        coming.sort_by_key(|(_, first_offset)| std::cmp::Reverse(*first_offset));
        AbortedProducers { coming, now: HashSet::new() }
    }

    /// Whether a batch, the next one, holds records for a reader of what is committed.
    pub(super) fn keeps(&mut self, header: &BatchHeader, body: &[u8]) -> Result<bool, &'static str> {
        if !header.is_transactional() {
            return Ok(!header.is_control());
        }
        while let Some((producer, _)) = self.coming.pop_if(|(_, first)| *first < header.next_offset.cast_signed()) {
            self.now.insert(producer);
        }
        if !header.is_control() {
            return Ok(!self.now.contains(&header.producer_id));
        }
        if marker(header, body)? == Some(ABORT) {
            self.now.remove(&header.producer_id);
        }
        Ok(false)
    }
}

/// The kind of marker that a control batch holds; none where compaction has emptied it.
fn marker(header: &BatchHeader, body: &[u8]) -> Result<Option<i32>, &'static str> {
    let body = decompress::decompress(header.codec(), body)?;
    let mut kind = None;
    let mut damaged = false;
    records::read(header, &body, |record, _headers| {
        let key = record.key.filter(|key| key.len() >= 4);
        damaged |= key.is_none();
        kind = kind.or(key.map(|key| i32_at(key, 0) & 0xFFFF));
    })?;
    if damaged { Err("a marker's key is too short") } else { Ok(kind) }
}
