//! The block that is being built: the state as `decide` sees it, with the effects of the block's earlier inputs on top.
//!
//! The registry moves in place (a failed append poisons the writer); everything else is laid over the index, which
//! is touched only after durability.

use std::collections::HashMap;

use farechain_core::command::InvoiceId;
use farechain_core::decide::{Block, Entry, InvoiceNow, LineNow, Occupant, PaymentNow, View};
use farechain_core::digest::Digest;
use farechain_core::event;
use farechain_core::outcome::Location;
use farechain_core::record::composed::Part;
use farechain_core::record::{MAX_RECORD_BYTES, Record, RefundState};
use farechain_core::registry::{Damage, Registry};

use crate::digest_map::{BySecret, DigestMap};
use crate::error::LedgerError;
use crate::index::{Index, Numbers};
use crate::log::LogReader;
use crate::settled::{Read, Settled};

/// Room for the usual record.
const USUAL_RECORD_BYTES: usize = 320;

/// The state under a block that is being built, and the block's records so far.
#[derive(Debug)]
pub struct Draft<'s, 'a> {
    index: &'s Index,
    log: &'s LogReader,
    registry: &'s mut Registry,
    block: Block,
    /// The records so far.
    pub entries: Vec<Entry<'a>>,
    /// Their bytes.
    pub records: Vec<u8>,
    /// Where each of them ends.
    pub record_ends: Vec<u32>,
    /// Which of them is the first of an identity; what a drain makes is none.
    first: DigestMap<u32>,
    /// Which of them is the latest that invoices a payment or releases it.
    allocations: DigestMap<u32>,
    /// Which of them are invoices.
    numbers: Numbers,
    /// Which of them is the latest that says where an invoice stands.
    standings: HashMap<InvoiceId, u32>,
    /// Which of them is the latest red letter of an invoice.
    reds: HashMap<InvoiceId, u32>,
    refunded: DigestMap<u64>,
    /// What to put back where several records turn out to be refused.
    undo: Option<Undo>,
}

/// The state before the first of several records that happen all or none.
#[derive(Debug)]
struct Undo {
    registry: Registry,
    entries: usize,
    steps: Vec<Step>,
}

/// A map's value before a record changed it.
#[derive(Debug)]
enum Step {
    First(Digest, Option<u32>),
    Allocation(Digest, Option<u32>),
    Number(InvoiceId),
    Standing(InvoiceId, Option<u32>),
    Red(InvoiceId, Option<u32>),
    Refunded(Digest, Option<u64>),
}

impl<'s, 'a> Draft<'s, 'a> {
    /// Nothing built yet; room for the records of this many inputs.
    pub fn new(
        index: &'s Index,
        log: &'s LogReader,
        registry: &'s mut Registry,
        block: Block,
        inputs: usize,
    ) -> Draft<'s, 'a> {
        let by_secret = BySecret(index.secret());
        Draft {
            index,
            log,
            registry,
            block,
            entries: Vec::with_capacity(inputs),
            records: Vec::with_capacity(inputs * USUAL_RECORD_BYTES),
            record_ends: Vec::with_capacity(inputs),
            first: HashMap::with_capacity_and_hasher(inputs, by_secret),
            allocations: HashMap::with_hasher(by_secret),
            numbers: Numbers::default(),
            standings: HashMap::new(),
            reds: HashMap::new(),
            refunded: HashMap::with_hasher(by_secret),
            undo: None,
        }
    }

    /// The block that is being built.
    pub fn block(&self) -> Block {
        self.block
    }

    fn settled(&self) -> Settled<'_> {
        Settled { index: self.index, log: self.log, registry: self.registry }
    }

    /// Adds and applies what `decide` gave.
    ///
    /// # Errors
    /// [`Damage`] where the record does not follow from the state: an invariant is broken, and the process must stop.
    pub fn push(&mut self, entry: Entry<'a>) -> Result<(), Damage> {
        let start = self.records.len();
        entry.record.encode(&mut self.records);
        if self.records.len() - start > MAX_RECORD_BYTES {
            return Err(Damage("a record is larger than 448 bytes"));
        }
        let index = self.entries.len() as u32;
        let location = Location { height: self.block.height, index };
        self.registry.apply(&entry.record, entry.annex.as_deref(), location, self.block.time_ms)?;
        self.lay_over(&entry, index);
        self.record_ends.push(self.records.len() as u32);
        self.entries.push(entry);
        Ok(())
    }

    /// Lays what a record changes over the index.
    fn lay_over(&mut self, entry: &Entry<'_>, index: u32) {
        if let (Some(identity), Some(_)) = (entry.record.identity(), entry.data()) {
            let before = self.first.insert(*identity, index);
            self.note(Step::First(*identity, before));
        }
        for payment in entry.record.allocates(entry.annex.as_deref()) {
            let before = self.allocations.insert(payment, index);
            self.note(Step::Allocation(payment, before));
        }
        if let Some(id) = entry.record.invoice_id() {
            self.numbers.insert(&id.code, id.number, index);
            self.note(Step::Number(id));
        }
        if let Some(id) = entry.record.stands_for() {
            let before = self.standings.insert(id, index);
            self.note(Step::Standing(id, before));
            if entry.record.is_red() {
                let before = self.reds.insert(id, index);
                self.note(Step::Red(id, before));
            }
        }
        if let Some((origin, fen)) = refund_of(entry) {
            let before = self.refunded.get(&origin).copied();
            *self.refunded.entry(origin).or_default() += fen;
            self.note(Step::Refunded(origin, before));
        }
    }

    fn note(&mut self, step: Step) {
        if let Some(undo) = &mut self.undo {
            undo.steps.push(step);
        }
    }

    /// From here on, records can be taken back.
    pub fn begin_several(&mut self) {
        let registry = self.registry.clone();
        self.undo = Some(Undo { registry, entries: self.entries.len(), steps: Vec::new() });
    }

    /// What was pushed since [`Draft::begin_several`] stays.
    pub fn keep_several(&mut self) {
        self.undo = None;
    }

    /// Takes back what was pushed since [`Draft::begin_several`].
    pub fn take_back_several(&mut self) {
        let Some(undo) = self.undo.take() else { return };
        *self.registry = undo.registry;
        self.entries.truncate(undo.entries);
        self.record_ends.truncate(undo.entries);
        self.records.truncate(self.record_ends.last().map_or(0, |end| *end as usize));
        for step in undo.steps.into_iter().rev() {
            match step {
                Step::First(key, before) => put_back(&mut self.first, key, before),
                Step::Allocation(key, before) => put_back(&mut self.allocations, key, before),
                Step::Number(id) => self.numbers.take_back(&id.code, id.number),
                Step::Standing(key, before) => put_back(&mut self.standings, key, before),
                Step::Red(key, before) => put_back(&mut self.reds, key, before),
                Step::Refunded(key, before) => put_back(&mut self.refunded, key, before),
            }
        }
    }

    /// A record of this block with its annex.
    fn read(&self, index: u32) -> Read<'_> {
        let entry = &self.entries[index as usize];
        let end = self.record_ends[index as usize] as usize;
        let start = if index == 0 { 0 } else { self.record_ends[index as usize - 1] as usize };
        Read::here(entry.record.clone(), &self.records[start..end], entry.annex.as_deref())
    }
}

/// The origin and the amount of the refund that made a record.
pub(crate) fn refund_of(entry: &Entry<'_>) -> Option<(Digest, u64)> {
    match &entry.record {
        Record::Refund(refund) if refund.state == RefundState::BeforePayment => {
            Some((refund.payment, refund.refund_fen))
        }
        Record::Invoice(_) | Record::Payment(_) | Record::Genesis(_) | Record::Command(_) => None,
        _ => entry.data().and_then(event::refund_of_annex),
    }
}

fn put_back<K: std::hash::Hash + Eq, V, S: std::hash::BuildHasher>(
    map: &mut HashMap<K, V, S>,
    key: K,
    before: Option<V>,
) {
    match before {
        Some(value) => _ = map.insert(key, value),
        None => _ = map.remove(&key),
    }
}

impl Draft<'_, '_> {
    /// The record of an invoice number, blue or red.
    fn record_of(&self, id: &InvoiceId) -> Option<Read<'_>> {
        match self.numbers.get(&id.code, id.number) {
            Some(index) => Some(self.read(index)),
            None => self.settled().record_of(id),
        }
    }
}

impl View for Draft<'_, '_> {
    fn registry(&self) -> &Registry {
        self.registry
    }

    /// What a drain makes repeats the identity of an earlier block's record.
    fn occupant(&self, identity: &Digest) -> Option<Occupant> {
        let Some(index) = self.first.get(identity) else { return self.settled().occupant(identity) };
        let data_leaf = *self.entries[*index as usize].record.data_leaf()?;
        Some(Occupant { location: Location { height: self.block.height, index: *index }, data_leaf })
    }

    fn payment(&self, identity: &Digest) -> Option<PaymentNow> {
        let first = match self.first.get(identity) {
            Some(index) => self.read(*index),
            None => self.settled().first_of(identity)?,
        };
        let latest = match self.allocations.get(identity) {
            Some(index) => Some(self.read(*index)),
            None => self.settled().latest_of_payment(identity),
        };
        first.payment(self, identity, latest.as_ref())
    }

    fn invoice(&self, id: &InvoiceId) -> Option<InvoiceNow> {
        let record = self.record_of(id)?;
        let latest = match self.standings.get(id) {
            Some(index) => Some(self.read(*index)),
            None => self.settled().latest_of_invoice(id),
        };
        record.invoice(latest.as_ref())
    }

    fn lines(&self, id: &InvoiceId) -> Vec<LineNow> {
        let Some(record) = self.record_of(id) else { return Vec::new() };
        let red = match self.reds.get(id) {
            Some(index) => Some(self.read(*index)),
            None => self.settled().latest_red_of(id),
        };
        record.lines(red.as_ref())
    }

    fn parts(&self, id: &InvoiceId) -> Vec<Part> {
        self.record_of(id).map(|record| record.parts()).unwrap_or_default()
    }

    fn refunded_fen(&self, origin: &Digest) -> u64 {
        let now = self.refunded.get(origin).copied().unwrap_or(0);
        self.settled().refunded_fen(origin).saturating_add(now)
    }
}

/// Flattens a failed read into the error that the caller reports.
pub(crate) fn damage(error: Damage) -> LedgerError {
    LedgerError::Corrupt(format!("{error}: the state and its records disagree; stop and audit"))
}
