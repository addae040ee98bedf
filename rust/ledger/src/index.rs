//! The derived index: where identities, hashes and numbers stand, what refunds changed, counts. A fold over blocks.
//!
//! Knows places, not bytes: a fingerprint's match is confirmed in the log by whoever asks. Applied only after durability;
//! rebuilt from the log where its snapshot is missing or stale.

mod changes;
mod counts;
mod numbers;
mod part;
pub(crate) mod snapshot;
mod table;

use farechain_core::block::SourceRange;
use farechain_core::cbor::Encoder;
use farechain_core::decide::Entry;
use farechain_core::digest::Digest;
use farechain_core::outcome::{Location, Outcome};
use farechain_core::standing::Standing;
use farechain_core::text::InvoiceCode;

use crate::draft::refund_of;

pub use changes::Changes;
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
    /// Per block, the ordinal of its first record among all records of the ledger.
    first_records: Vec<u32>,
    /// First record of each identity.
    identities: Table,
    /// Invoices by record hash.
    hashes: Table,
    /// Invoices by number.
    pub numbers: Numbers,
    /// The latest record that says where an invoice stands; by the ordinal of the invoice's record.
    standings: Changes<u32>,
    /// The latest red letter of an invoice; by the ordinal of the invoice's record.
    reds: Changes<u32>,
    /// The latest record that put a payment into an invoice or took it out; by the ordinal of the payment's first record.
    allocations: Changes<u32>,
    /// All refunds of an origin, fen.
    refunded: Changes<Digest>,
    /// Counts.
    pub counts: Counts,
}

/// Records between asking memory for the slots that one will take and applying it.
const PREFETCHED: usize = 8;

/// Reads a record of the log to confirm a fingerprint: whether the record there has this identity.
pub type Confirm<'a> = &'a dyn Fn(Location, &Digest) -> bool;

impl Index {
    /// The index before genesis.
    pub fn new(secret: Secret, sources: usize, utc_offset_min: i16) -> Index {
        Index {
            head: [0; 32],
            time_ms: 0,
            positions: vec![Position::default(); sources],
            first_records: Vec::new(),
            identities: Table::new(secret),
            hashes: Table::new(secret),
            numbers: Numbers::default(),
            standings: Changes::default(),
            reds: Changes::default(),
            allocations: Changes::default(),
            refunded: Changes::default(),
            counts: Counts::new(utc_offset_min),
        }
    }

    /// The secret of the fingerprints.
    pub fn secret(&self) -> Secret {
        self.identities.secret()
    }

    /// The records that may be the first of an identity, oldest first: whoever asks confirms in the log.
    pub fn of_identity(&self, identity: &Digest) -> impl Iterator<Item = Location> + '_ {
        self.identities.candidates(identity).map(|record| self.location(record))
    }

    /// The records that may have a hash: whoever asks confirms in the log.
    pub fn of_hash(&self, hash: &Digest) -> impl Iterator<Item = Location> + '_ {
        self.hashes.candidates(hash).map(|record| self.location(record))
    }

    /// The record of an invoice number.
    pub fn of_number(&self, code: &InvoiceCode, number: u32) -> Option<Location> {
        self.numbers.get(code, number).map(|record| self.location(record))
    }

    /// The first record of an identity.
    pub fn first_record(&self, identity: &Digest, confirm: Confirm<'_>) -> Option<Location> {
        self.of_identity(identity).find(|location| confirm(*location, identity))
    }

    /// Starts to fetch what a look-up of this identity will read; asked a few inputs ahead, it costs no waiting.
    pub fn prefetch(&self, identity: &Digest) {
        self.identities.prefetch(identity);
    }

    /// The latest record that says where an invoice stands, its own left aside.
    pub fn standing(&self, invoice: Location) -> Option<Location> {
        self.standings.get(self.ordinal(invoice)).map(|record| self.location(record as u32))
    }

    /// The latest red letter of an invoice.
    pub fn red(&self, invoice: Location) -> Option<Location> {
        self.reds.get(self.ordinal(invoice)).map(|record| self.location(record as u32))
    }

    /// The latest record that put a payment into an invoice or took it out, its first one left aside.
    pub fn allocation(&self, payment: Location) -> Option<Location> {
        self.allocations.get(self.ordinal(payment)).map(|record| self.location(record as u32))
    }

    /// All refunds of an origin.
    pub fn refunded_fen(&self, origin: &Digest) -> u64 {
        self.refunded.get(*origin).unwrap_or(0)
    }

    /// Blocks without records begin where the next one begins, and the last of those that begin there has the record.
    fn location(&self, ordinal: u32) -> Location {
        let height = self.first_records.partition_point(|first| *first <= ordinal) - 1;
        Location { height: height as u64, index: ordinal - self.first_records[height] }
    }

    fn ordinal(&self, location: Location) -> u32 {
        self.first_records[location.height as usize] + location.index
    }

    /// Applies the next block.
    ///
    /// # Panics
    /// Beyond 2^32 records: a chain is sharded long before.
    pub fn apply(&mut self, block: &Applied<'_>, confirm: Confirm<'_>) {
        let first = u32::try_from(self.counts.records).expect("an index of fewer than 2^32 records");
        self.first_records.push(first);
        for (i, ((entry, hash), ordinal)) in block.entries.iter().zip(block.hashes).zip(first..).enumerate() {
            if let Some((ahead, hash)) = block.entries.get(i + PREFETCHED).zip(block.hashes.get(i + PREFETCHED)) {
                ahead.record.identity().into_iter().for_each(|identity| self.identities.prefetch(identity));
                self.hashes.prefetch(hash);
            }
            self.apply_entry(entry, hash, ordinal, confirm);
        }
        for range in block.ranges {
            if let Some(position) = self.positions.get_mut(usize::from(range.source)) {
                *position = Position { next_offset: range.next_offset, last_digest: range.last_digest };
            }
        }
        (self.head, self.time_ms) = (block.hash, block.time_ms);
        self.counts.apply(block);
    }

    fn apply_entry(&mut self, entry: &Entry<'_>, hash: &Digest, ordinal: u32, confirm: Confirm<'_>) {
        let record = &entry.record;
        if let (Some(identity), Some(_)) = (record.identity(), entry.data()) {
            self.identities.insert(identity, ordinal);
        }
        if let Some(id) = record.invoice_id() {
            self.hashes.insert(hash, ordinal);
            self.numbers.insert(&id.code, id.number, ordinal);
        }
        for payment in record.allocates(entry.annex.as_deref()) {
            if let Some(first) = self.first_record(&payment, confirm) {
                self.allocations.set(self.ordinal(first), u64::from(ordinal));
            }
        }
        let stands_for = record.stands_for().and_then(|id| self.numbers.get(&id.code, id.number));
        if let Some(invoice) = stands_for {
            self.standings.set(invoice, u64::from(ordinal));
            if record.is_red() {
                self.reds.set(invoice, u64::from(ordinal));
            }
        }
        if let Some((origin, fen)) = refund_of(entry) {
            self.refunded.add(origin, fen);
        }
    }

    /// From here on, what is there is in a part of the snapshot that is never written again.
    pub fn settle(&mut self) {
        self.identities.settle();
        self.hashes.settle();
        self.numbers.settle();
        for changes in [&mut self.standings, &mut self.reds, &mut self.allocations] {
            changes.settle();
        }
        self.refunded.settle();
    }

    /// Positions, refunds and where each invoice stands, for the digest of the state. No heights, places or times.
    pub fn digest_into(&self, out: &mut Vec<u8>, standing: impl Fn(Location) -> Option<Standing>) {
        for position in &self.positions {
            out.extend_from_slice(&position.next_offset.to_be_bytes());
            out.extend_from_slice(&position.last_digest);
        }
        for (origin, fen) in self.refunded.sorted() {
            out.extend_from_slice(&origin);
            out.extend_from_slice(&fen.to_be_bytes());
        }
        for (code, run) in self.numbers.runs() {
            out.extend_from_slice(code.as_str().as_bytes());
            out.extend_from_slice(&run.from.to_be_bytes());
            out.extend_from_slice(&(run.records.len() as u64).to_be_bytes());
            for (number, record) in (0u64..).zip(&run.records) {
                let changed = self.standings.get(*record);
                if let Some(standing) = changed.and_then(|record| standing(self.location(record as u32))) {
                    out.extend_from_slice(&number.to_be_bytes());
                    standing.encode(&mut Encoder::new(out));
                }
            }
        }
    }

    /// Bytes of memory by table.
    pub fn memory_bytes(&self) -> Vec<(&'static str, usize)> {
        let by_record = self.standings.memory_bytes() + self.reds.memory_bytes() + self.allocations.memory_bytes();
        vec![
            ("identities", self.identities.memory_bytes()),
            ("hashes", self.hashes.memory_bytes()),
            ("numbers", self.numbers.memory_bytes()),
            ("changes", by_record + self.refunded.memory_bytes()),
            ("blocks", self.first_records.capacity() * size_of::<u32>()),
        ]
    }
}
