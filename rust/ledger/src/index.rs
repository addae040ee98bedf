//! The derived index: where identities, hashes and numbers stand, what refunds changed, counts. A fold over blocks.
//!
//! Knows places, not bytes: a fingerprint's match is confirmed in the log by whoever asks. Applied only after durability;
//! rebuilt from the log where its snapshot is missing or stale.

mod counts;
mod numbers;
pub(crate) mod snapshot;
mod table;

use std::collections::HashMap;

use farechain_core::block::SourceRange;
use farechain_core::decide::Entry;
use farechain_core::digest::Digest;
use farechain_core::event;
use farechain_core::outcome::{Location, Outcome};
use farechain_core::record::{Record, RefundState};

pub use counts::Counts;
pub use numbers::Numbers;
pub use table::{Secret, Table};

/// A source's position: the next offset, and the digest of the last input below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The next offset.
    pub next_offset: u64,
    /// The digest of the last input, zeros before the first.
    pub last_digest: Digest,
}

/// One block as the index applies it.
#[derive(Debug)]
pub struct Applied<'a> {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: Digest,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// Bytes it takes in the log.
    pub bytes: u64,
    /// The ranges that moved.
    pub ranges: &'a [SourceRange],
    /// The outcomes in order.
    pub outcomes: &'a [Outcome],
    /// The records, each with its annex if it came with its own input.
    pub entries: &'a [Entry<'a>],
    /// The records' hashes.
    pub hashes: &'a [Digest],
}

/// The index.
#[derive(Debug, Clone)]
pub struct Index {
    /// The hash of the last block.
    pub head: Digest,
    /// The time of the last block.
    pub time_ms: u64,
    /// Per source, the engine's own first.
    pub positions: Vec<Position>,
    /// First record of each identity.
    pub identities: Table,
    /// Invoices by record hash.
    pub hashes: Table,
    /// Invoices by number.
    pub numbers: Numbers,
    /// What is left of an invoice, where anything was reversed; by its packed location.
    pub remaining: HashMap<u64, u64>,
    /// The invoice of a payment that had waited; by the packed location of the payment's record.
    pub drained: HashMap<u64, u64>,
    /// What refunds took off a payment that is not invoiced, fen; by the packed location of its record.
    pub reduced: HashMap<u64, u64>,
    /// All refunds of an origin, fen.
    pub refunded: HashMap<Digest, u64>,
    /// Counts.
    pub counts: Counts,
}

/// Reads a record of the log to confirm a fingerprint: whether the record there has this identity.
pub type Confirm<'a> = &'a dyn Fn(Location, &Digest) -> bool;

impl Index {
    /// The index before genesis.
    pub fn new(secret: Secret, sources: usize, utc_offset_min: i16) -> Index {
        Index {
            head: [0; 32],
            time_ms: 0,
            positions: vec![Position::default(); sources],
            identities: Table::new(secret),
            hashes: Table::new(secret),
            numbers: Numbers::default(),
            remaining: HashMap::new(),
            drained: HashMap::new(),
            reduced: HashMap::new(),
            refunded: HashMap::new(),
            counts: Counts::new(utc_offset_min),
        }
    }

    /// The first record of an identity.
    pub fn first_record(&self, identity: &Digest, confirm: Confirm<'_>) -> Option<Location> {
        self.identities.candidates(identity).map(Location::unpack).find(|location| confirm(*location, identity))
    }

    /// Applies the next block.
    pub fn apply(&mut self, block: &Applied<'_>, confirm: Confirm<'_>) {
        for (index, (entry, hash)) in block.entries.iter().zip(block.hashes).enumerate() {
            let location = Location { height: block.height, index: index as u32 };
            self.apply_record(&entry.record, hash, entry.annex, location, confirm);
        }
        for range in block.ranges {
            if let Some(position) = self.positions.get_mut(usize::from(range.source)) {
                *position = Position { next_offset: range.next_offset, last_digest: range.last_digest };
            }
        }
        (self.head, self.time_ms) = (block.hash, block.time_ms);
        self.counts.apply(block);
    }

    fn apply_record(
        &mut self,
        record: &Record,
        hash: &Digest,
        annex: Option<&[u8]>,
        location: Location,
        confirm: Confirm<'_>,
    ) {
        let drained_from = match record.identity() {
            Some(identity) if annex.is_none() => self.first_record(identity, confirm),
            Some(identity) => {
                self.identities.insert(identity, location.pack());
                None
            }
            None => None,
        };
        match record {
            Record::Invoice(invoice) => {
                self.hashes.insert(hash, location.pack());
                self.numbers.insert(&invoice.code, invoice.number, location.pack());
                if let Some(payment) = drained_from {
                    self.drained.insert(payment.pack(), location.pack());
                }
            }
            Record::RedLetter(red) => {
                self.hashes.insert(hash, location.pack());
                self.numbers.insert(&red.code, red.number, location.pack());
                if let Some(original) = self.numbers.get(&red.original_code, red.original_number) {
                    self.remaining.insert(original, red.remaining_fen);
                }
                self.count_refund(annex);
            }
            Record::Refund(refund) => {
                match refund.state {
                    RefundState::BeforePayment => {
                        *self.refunded.entry(refund.payment).or_default() += refund.refund_fen;
                    }
                    _ => self.count_refund(annex),
                }
                if refund.state == RefundState::Reduced
                    && let Some(payment) = self.first_record(&refund.payment, confirm)
                {
                    *self.reduced.entry(payment.pack()).or_default() += refund.refund_fen;
                }
            }
            Record::Genesis(_) | Record::Payment(_) | Record::Command(_) => {}
        }
    }

    /// A refund's own data names its origin and its amount; what was drained later was counted when it came.
    fn count_refund(&mut self, annex: Option<&[u8]>) {
        if let Some((origin, refund_fen)) = annex.and_then(event::refund_of_annex) {
            *self.refunded.entry(origin).or_default() += refund_fen;
        }
    }

    /// Positions, refunds and what is left of each invoice, for the digest of the state. No heights and no places.
    pub fn digest_into(&self, out: &mut Vec<u8>) {
        for position in &self.positions {
            out.extend_from_slice(&position.next_offset.to_be_bytes());
            out.extend_from_slice(&position.last_digest);
        }
        let mut refunds: Vec<_> = self.refunded.iter().collect();
        refunds.sort_unstable();
        for (origin, fen) in refunds {
            out.extend_from_slice(origin);
            out.extend_from_slice(&fen.to_be_bytes());
        }
        for (code, run) in self.numbers.runs() {
            out.extend_from_slice(code.as_str().as_bytes());
            out.extend_from_slice(&run.from.to_be_bytes());
            out.extend_from_slice(&(run.places.len() as u64).to_be_bytes());
            for (number, place) in (0u64..).zip(&run.places) {
                if let Some(remaining_fen) = self.remaining.get(place) {
                    out.extend_from_slice(&[number, *remaining_fen].map(u64::to_be_bytes).concat());
                }
            }
        }
    }

    /// Bytes of memory by table.
    pub fn memory_bytes(&self) -> Vec<(&'static str, usize)> {
        let pair = size_of::<(u64, u64)>();
        let sparse = (self.remaining.capacity() + self.drained.capacity() + self.reduced.capacity()) * pair
            + self.refunded.capacity() * size_of::<(Digest, u64)>();
        vec![
            ("identities", self.identities.memory_bytes()),
            ("hashes", self.hashes.memory_bytes()),
            ("numbers", self.numbers.memory_bytes()),
            ("changes", sparse),
        ]
    }
}
