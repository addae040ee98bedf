//! The block that is being built: the state as `decide` sees it, with the effects of the block's earlier inputs on top.
//!
//! The registry moves in place (a failed append poisons the writer); everything else is laid over the index, which
//! is touched only after durability.

use std::collections::HashMap;

use farechain_core::decide::{Block, Entry, Occupant, PaymentNow, Standing, View};
use farechain_core::digest::{self, Digest};
use farechain_core::event;
use farechain_core::outcome::Location;
use farechain_core::record::{Invoice, MAX_RECORD_BYTES, PaymentRecord, Record, RefundState};
use farechain_core::registry::{Damage, Registry};
use farechain_core::text::InvoiceCode;

use crate::digest_map::{BySecret, DigestMap};
use crate::error::LedgerError;
use crate::index::Index;
use crate::log::LogReader;

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
    /// Which of them is the latest of an identity.
    latest: DigestMap<u32>,
    remaining: HashMap<(InvoiceCode, u32), u64>,
    reduced: DigestMap<u64>,
    refunded: DigestMap<u64>,
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
            latest: HashMap::with_capacity_and_hasher(inputs, by_secret),
            remaining: HashMap::new(),
            reduced: HashMap::with_hasher(by_secret),
            refunded: HashMap::with_hasher(by_secret),
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
        self.registry.apply(&entry.record, entry.annex, Location { height: self.block.height, index })?;
        if let Some(identity) = entry.record.identity() {
            self.latest.insert(*identity, index);
        }
        self.count_refund(&entry);
        self.record_ends.push(self.records.len() as u32);
        self.entries.push(entry);
        Ok(())
    }

    fn count_refund(&mut self, entry: &Entry<'_>) {
        match &entry.record {
            Record::RedLetter(red) => {
                self.remaining.insert((red.original_code, red.original_number), red.remaining_fen);
            }
            Record::Refund(refund) if refund.state == RefundState::BeforePayment => {
                *self.refunded.entry(refund.payment).or_default() += refund.refund_fen;
                return;
            }
            Record::Refund(refund) if refund.state == RefundState::Reduced => {
                *self.reduced.entry(refund.payment).or_default() += refund.refund_fen;
            }
            Record::Refund(_) => {}
            Record::Invoice(_) | Record::Payment(_) | Record::Genesis(_) | Record::Command(_) => return,
        }
        if let Some((origin, fen)) = entry.annex.and_then(event::refund_of_annex) {
            *self.refunded.entry(origin).or_default() += fen;
        }
    }

    /// The block's latest record of an identity, and its index.
    fn latest(&self, identity: &Digest) -> Option<(u32, &Entry<'a>)> {
        let index = *self.latest.get(identity)?;
        Some((index, &self.entries[index as usize]))
    }

    /// A record's hash, which only a red letter of an invoice of this very block needs before the block is whole.
    fn hash(&self, index: u32) -> Digest {
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.record_ends[index - 1] };
        digest::leaf(&self.records[start as usize..self.record_ends[index] as usize])
    }
}

/// The state of the durable ledger, with nothing on top.
#[derive(Debug)]
pub struct Settled<'a> {
    /// The index.
    pub index: &'a Index,
    /// The log.
    pub log: &'a LogReader,
    /// The registry.
    pub registry: &'a Registry,
}

impl View for Settled<'_> {
    fn registry(&self) -> &Registry {
        self.registry
    }

    fn occupant(&self, identity: &Digest) -> Option<Occupant> {
        self.index.of_identity(identity).find_map(|location| {
            let record = read_record(self.log, location);
            let same = record.identity() == Some(identity);
            let data_leaf = *record.data_leaf().filter(|_| same)?;
            Some(Occupant { location, data_leaf })
        })
    }

    fn payment(&self, identity: &Digest) -> Option<PaymentNow> {
        payment_of(self.index, self.log, identity)
    }

    fn refunded_fen(&self, origin: &Digest) -> u64 {
        self.index.refunded_fen(origin)
    }
}

impl View for Draft<'_, '_> {
    fn registry(&self) -> &Registry {
        self.registry
    }

    /// What a drain makes repeats the identity of an earlier block's record, and has no annex.
    fn occupant(&self, identity: &Digest) -> Option<Occupant> {
        let Some((index, entry)) = self.latest(identity).filter(|(_, entry)| entry.annex.is_some()) else {
            return self.settled().occupant(identity);
        };
        let location = Location { height: self.block.height, index };
        entry.record.data_leaf().map(|data_leaf| Occupant { location, data_leaf: *data_leaf })
    }

    fn payment(&self, identity: &Digest) -> Option<PaymentNow> {
        let now = self.latest(identity).and_then(|(index, entry)| match &entry.record {
            Record::Invoice(invoice) => {
                Some(invoiced(invoice, self.hash(index), invoice.line.total_fen.unsigned_abs()))
            }
            Record::Payment(payment) => Some(recorded(payment, payment.invoiceable_fen)),
            _ => None,
        });
        let mut payment = match now {
            Some(payment) => payment,
            None => self.settled().payment(identity)?,
        };
        match &mut payment.standing {
            Standing::Invoiced { code, number, remaining_fen, .. } => {
                if let Some(remaining) = self.remaining.get(&(*code, *number)) {
                    *remaining_fen = *remaining;
                }
            }
            Standing::Recorded { invoiceable_fen, .. } => {
                let reduced = self.reduced.get(identity).copied().unwrap_or(0);
                *invoiceable_fen = invoiceable_fen.saturating_sub(reduced);
            }
        }
        Some(payment)
    }

    fn refunded_fen(&self, origin: &Digest) -> u64 {
        let now = self.refunded.get(origin).copied().unwrap_or(0);
        self.settled().refunded_fen(origin).saturating_add(now)
    }
}

/// What the ledger knows of a payment, the block being built left out.
pub fn payment_of(index: &Index, log: &LogReader, identity: &Digest) -> Option<PaymentNow> {
    let (location, record) = index.of_identity(identity).find_map(|location| {
        let record = read_record(log, location);
        (record.identity() == Some(identity)).then_some((location, record))
    })?;
    match record {
        Record::Invoice(invoice) => Some(invoiced_now(index, log, &invoice, location)),
        Record::Payment(payment) => {
            let Some(drained) = index.drained(location) else {
                let reduced = index.reduced_fen(location);
                return Some(recorded(&payment, payment.invoiceable_fen.saturating_sub(reduced)));
            };
            let Record::Invoice(invoice) = read_record(log, drained) else { return None };
            Some(invoiced_now(index, log, &invoice, drained))
        }
        _ => None,
    }
}

fn invoiced_now(index: &Index, log: &LogReader, invoice: &Invoice, location: Location) -> PaymentNow {
    let total_fen = invoice.line.total_fen.unsigned_abs();
    let remaining_fen = index.remaining_fen(location).unwrap_or(total_fen);
    let hash = log.record(location).ok().flatten().map_or([0; 32], |bytes| digest::leaf(&bytes));
    invoiced(invoice, hash, remaining_fen)
}

/// Whether it was a top-up matters only until it is invoiced, and its invoice does not say.
fn invoiced(invoice: &Invoice, hash: Digest, remaining_fen: u64) -> PaymentNow {
    PaymentNow {
        seller: invoice.seller,
        scene: invoice.scene,
        topped_up: false,
        paid_fen: invoice.paid_fen,
        dated_at_ms: invoice.dated_at_ms,
        flags: invoice.flags,
        payments_root: invoice.payments_root,
        payer: invoice.payer,
        standing: Standing::Invoiced {
            code: invoice.code,
            number: invoice.number,
            hash,
            line: invoice.line,
            remaining_fen,
        },
    }
}

fn recorded(payment: &PaymentRecord, invoiceable_fen: u64) -> PaymentNow {
    PaymentNow {
        seller: payment.seller,
        scene: payment.scene,
        topped_up: payment.topped_up,
        paid_fen: payment.paid_fen,
        dated_at_ms: payment.dated_at_ms,
        flags: payment.flags,
        payments_root: payment.payments_root,
        payer: payment.payer,
        standing: Standing::Recorded { state: payment.state, invoiceable_fen },
    }
}

/// A record that the index names. What cannot be read stops the process: deciding without it would fork the ledger.
///
/// # Panics
/// Where the log cannot be read or decoded; the writer is then poisoned.
pub fn read_record(log: &LogReader, location: Location) -> Record {
    let bytes = match log.record(location) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => panic!("the index names a record that is not there: {location:?}; stop and audit"),
        Err(error) => panic!("{error}"),
    };
    Record::decode(&bytes).unwrap_or_else(|_| panic!("the record at {location:?} cannot be decoded; stop and audit"))
}

/// Flattens a failed read into the error that the caller reports.
pub(crate) fn damage(error: Damage) -> LedgerError {
    LedgerError::Corrupt(format!("{error}: the state and its records disagree; stop and audit"))
}
