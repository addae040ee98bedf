//! The block that is being built: the state as `decide` sees it, with the effects of the block's earlier inputs on top.
//!
//! The registry moves in place (a failed append poisons the writer); everything else is laid over the index, which
//! is touched only after durability.

use std::collections::HashMap;

use farechain_core::decide::{Entry, Occupant, PaymentNow, Standing, View};
use farechain_core::digest::Digest;
use farechain_core::event;
use farechain_core::outcome::Location;
use farechain_core::record::{Invoice, PaymentRecord, Record, RefundState};
use farechain_core::registry::{Damage, Registry};
use farechain_core::text::InvoiceCode;

use crate::error::LedgerError;
use crate::index::Index;
use crate::log::LogReader;

/// The state under a block that is being built.
#[derive(Debug)]
pub struct Draft<'a> {
    index: &'a Index,
    log: &'a LogReader,
    registry: &'a mut Registry,
    occupants: HashMap<Digest, Occupant>,
    payments: HashMap<Digest, PaymentNow>,
    remaining: HashMap<(InvoiceCode, u32), u64>,
    reduced: HashMap<Digest, u64>,
    refunded: HashMap<Digest, u64>,
}

impl<'a> Draft<'a> {
    /// Nothing built yet.
    pub fn new(index: &'a Index, log: &'a LogReader, registry: &'a mut Registry) -> Draft<'a> {
        Draft {
            index,
            log,
            registry,
            occupants: HashMap::new(),
            payments: HashMap::new(),
            remaining: HashMap::new(),
            reduced: HashMap::new(),
            refunded: HashMap::new(),
        }
    }

    fn settled(&self) -> Settled<'_> {
        Settled { index: self.index, log: self.log, registry: self.registry }
    }

    /// Applies what `decide` gave; `hash` is the record's.
    ///
    /// # Errors
    /// [`Damage`] where the record does not follow from the state: an invariant is broken, and the process must stop.
    pub fn apply(&mut self, entry: &Entry<'_>, hash: &Digest, location: Location) -> Result<(), Damage> {
        let annex = entry.annex;
        self.registry.apply(&entry.record, annex, location)?;
        if let (Some(identity), Some(data_leaf), Some(_)) = (entry.record.identity(), entry.record.data_leaf(), annex) {
            self.occupants.insert(*identity, Occupant { location, data_leaf: *data_leaf });
        }
        match &entry.record {
            Record::Invoice(invoice) => {
                let remaining_fen = invoice.line.total_fen.unsigned_abs();
                self.payments.insert(invoice.identity, invoiced(invoice, *hash, remaining_fen));
            }
            Record::Payment(payment) => {
                self.payments.insert(payment.identity, recorded(payment, payment.invoiceable_fen));
            }
            Record::RedLetter(red) => {
                self.remaining.insert((red.original_code, red.original_number), red.remaining_fen);
            }
            Record::Refund(refund) if refund.state == RefundState::Reduced => {
                *self.reduced.entry(refund.payment).or_default() += refund.refund_fen;
            }
            Record::Refund(refund) if refund.state == RefundState::BeforePayment => {
                *self.refunded.entry(refund.payment).or_default() += refund.refund_fen;
                return Ok(());
            }
            Record::Refund(_) | Record::Genesis(_) | Record::Command(_) => {}
        }
        if let Some((origin, fen)) = annex.and_then(event::refund_of_annex) {
            *self.refunded.entry(origin).or_default() += fen;
        }
        Ok(())
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
        self.index.identities.candidates(identity).map(Location::unpack).find_map(|location| {
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
        self.index.refunded.get(origin).copied().unwrap_or(0)
    }
}

impl View for Draft<'_> {
    fn registry(&self) -> &Registry {
        self.registry
    }

    fn occupant(&self, identity: &Digest) -> Option<Occupant> {
        self.occupants.get(identity).copied().or_else(|| self.settled().occupant(identity))
    }

    fn payment(&self, identity: &Digest) -> Option<PaymentNow> {
        let mut payment = match self.payments.get(identity) {
            Some(payment) => *payment,
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
    let (location, record) = index.identities.candidates(identity).map(Location::unpack).find_map(|location| {
        let record = read_record(log, location);
        (record.identity() == Some(identity)).then_some((location, record))
    })?;
    match record {
        Record::Invoice(invoice) => Some(invoiced_now(index, log, &invoice, location)),
        Record::Payment(payment) => {
            let Some(drained) = index.drained.get(&location.pack()).copied().map(Location::unpack) else {
                let reduced = index.reduced.get(&location.pack()).copied().unwrap_or(0);
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
    let remaining_fen = index.remaining.get(&location.pack()).copied().unwrap_or(total_fen);
    let hash = log.record(location).ok().flatten().map_or([0; 32], |bytes| farechain_core::digest::leaf(&bytes));
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
