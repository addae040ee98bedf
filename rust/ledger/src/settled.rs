//! The state of the durable ledger as `decide` reads it: what the index points to, read from the log.

use std::borrow::Cow;

use farechain_core::command::InvoiceId;
use farechain_core::decide::{InvoiceNow, LineNow, Live, Occupant, PaymentNow, View};
use farechain_core::digest::{self, Digest};
use farechain_core::event::{self, Kind};
use farechain_core::outcome::Location;
use farechain_core::record::Record;
use farechain_core::record::composed::{self, Part};
use farechain_core::registry::Registry;
use farechain_core::standing::Standing;

use crate::index::Index;
use crate::log::LogReader;

/// The durable state, with nothing on top.
#[derive(Debug)]
pub struct Settled<'a> {
    /// The index.
    pub index: &'a Index,
    /// The log.
    pub log: &'a LogReader,
    /// The registry.
    pub registry: &'a Registry,
}

/// A record with its bytes, and its annex where it is asked for.
#[derive(Debug)]
pub struct Read<'a> {
    record: Record,
    bytes: Cow<'a, [u8]>,
    annex: Annex<'a>,
}

#[derive(Debug)]
enum Annex<'a> {
    Here(Option<&'a [u8]>),
    InLog(&'a LogReader, Location),
}

impl<'a> Settled<'a> {
    fn read(&self, location: Location) -> Read<'a> {
        let bytes = record_bytes(self.log, location);
        let record = decoded(&bytes, location);
        Read { record, bytes: Cow::Owned(bytes), annex: Annex::InLog(self.log, location) }
    }

    fn first_location(&self, identity: &Digest) -> Option<(Location, Read<'a>)> {
        let candidates = self.index.of_identity(identity).map(|location| (location, self.read(location)));
        candidates.into_iter().find(|(_, read)| read.record.identity() == Some(identity))
    }

    /// The first record of an identity.
    pub fn first_of(&self, identity: &Digest) -> Option<Read<'a>> {
        self.first_location(identity).map(|(_, read)| read)
    }

    /// The latest record that puts a payment into an invoice or takes it out, its first one left aside.
    pub fn latest_of_payment(&self, identity: &Digest) -> Option<Read<'a>> {
        let (first, _) = self.first_location(identity)?;
        self.index.allocation(first).map(|location| self.read(location))
    }

    /// The record of an invoice number, blue or red.
    pub fn record_of(&self, id: &InvoiceId) -> Option<Read<'a>> {
        self.index.of_number(&id.code, id.number).map(|location| self.read(location))
    }

    /// The latest record that says where an invoice stands, its own left aside.
    pub fn latest_of_invoice(&self, id: &InvoiceId) -> Option<Read<'a>> {
        let invoice = self.index.of_number(&id.code, id.number)?;
        self.index.standing(invoice).map(|location| self.read(location))
    }

    /// The latest red letter of an invoice.
    pub fn latest_red_of(&self, id: &InvoiceId) -> Option<Read<'a>> {
        let invoice = self.index.of_number(&id.code, id.number)?;
        self.index.red(invoice).map(|location| self.read(location))
    }
}

impl View for Settled<'_> {
    fn registry(&self) -> &Registry {
        self.registry
    }

    fn occupant(&self, identity: &Digest) -> Option<Occupant> {
        let (location, read) = self.first_location(identity)?;
        Some(Occupant { location, data_leaf: *read.record.data_leaf()? })
    }

    fn payment(&self, identity: &Digest) -> Option<PaymentNow> {
        let (location, first) = self.first_location(identity)?;
        let latest = self.index.allocation(location).map(|location| self.read(location));
        first.payment(self, identity, latest.as_ref())
    }

    fn invoice(&self, id: &InvoiceId) -> Option<InvoiceNow> {
        self.record_of(id)?.invoice(self.latest_of_invoice(id).as_ref())
    }

    fn lines(&self, id: &InvoiceId) -> Vec<LineNow> {
        let record = self.record_of(id);
        record.map(|record| record.lines(self.latest_red_of(id).as_ref())).unwrap_or_default()
    }

    fn parts(&self, id: &InvoiceId) -> Vec<Part> {
        self.record_of(id).map(|record| record.parts()).unwrap_or_default()
    }

    fn refunded_fen(&self, origin: &Digest) -> u64 {
        self.index.refunded_fen(origin)
    }
}

impl<'a> Read<'a> {
    /// A record of the block that is being built.
    pub fn here(record: Record, bytes: &'a [u8], annex: Option<&'a [u8]>) -> Read<'a> {
        Read { record, bytes: Cow::Borrowed(bytes), annex: Annex::Here(annex) }
    }

    /// Its annex.
    ///
    /// # Panics
    /// Where the log cannot be read; the writer is then poisoned.
    fn annex(&self) -> Option<Cow<'_, [u8]>> {
        match self.annex {
            Annex::Here(annex) => annex.map(Cow::Borrowed),
            Annex::InLog(log, location) => match log.annex(location) {
                Ok(annex) => annex.map(Cow::Owned),
                // Whoever catches the panic finds the error itself, with its kind.
                Err(error) => std::panic::panic_any(error),
            },
        }
    }

    /// A payment whose first record this is, with the latest record that put it into an invoice or took it out.
    pub fn payment<V: View>(&self, view: &V, identity: &Digest, latest: Option<&Read<'_>>) -> Option<PaymentNow> {
        let annex = self.annex()?;
        let (kind, invoiceable_fen, origin) = event::payment_of_annex(&annex)?;
        let live = match latest {
            Some(latest) => latest.live(view, identity),
            None => self.live(view, identity),
        };
        let now = PaymentNow {
            topped_up: kind == Kind::ToppedUp,
            invoiceable_fen,
            origin,
            live,
            was_invoiced: latest.is_some() || matches!(self.record, Record::Invoice(_)),
            released: latest.is_some_and(|latest| matches!(latest.record, Record::LineRedLetter(_))),
            ..self.payment_base()?
        };
        Some(now)
    }

    fn payment_base(&self) -> Option<PaymentNow> {
        let (seller, scene, paid_fen, dated_at_ms, flags, payments_root, payer, state) = match &self.record {
            Record::Invoice(it) => {
                (it.seller, it.scene, it.paid_fen, it.dated_at_ms, it.flags, it.payments_root, it.payer, None)
            }
            Record::Payment(it) => {
                let state = Some(it.state);
                (it.seller, it.scene, it.paid_fen, it.dated_at_ms, it.flags, it.payments_root, it.payer, state)
            }
            _ => return None,
        };
        let origin = Digest::default();
        Some(PaymentNow {
            seller,
            scene,
            topped_up: false,
            paid_fen,
            invoiceable_fen: 0,
            origin,
            dated_at_ms,
            flags,
            payments_root,
            payer,
            state,
            live: None,
            was_invoiced: false,
            released: false,
        })
    }

    /// What this record says that an invoice holds of a payment.
    fn live<V: View>(&self, view: &V, identity: &Digest) -> Option<Live> {
        let (invoice, fen) = match &self.record {
            Record::Invoice(_) => {
                let invoice = self.record.invoice_id()?;
                (invoice, view.invoice(&invoice)?.standing.remaining_fen)
            }
            Record::Claimed(claimed) => {
                let annex = self.annex()?;
                let parts = composed::of_claim(&annex).ok()?.payments;
                (claimed.id, parts.iter().find(|part| part.identity == *identity)?.fen)
            }
            Record::LineRedLetter(red) => {
                let annex = self.annex()?;
                let losses = composed::of_red_letter(&annex).ok()?.payments;
                (red.original, losses.iter().find(|loss| loss.identity == *identity)?.after_fen)
            }
            _ => return None,
        };
        (fen > 0).then_some(Live { invoice, fen })
    }

    /// A blue invoice whose record this is, with the latest record that says where it stands.
    pub fn invoice(&self, latest: Option<&Read<'_>>) -> Option<InvoiceNow> {
        let (seller, buyer_tax_id, payer) = match &self.record {
            Record::Invoice(invoice) => (invoice.seller, None, invoice.payer),
            Record::Claimed(invoice) => (invoice.seller, invoice.buyer_tax_id, None),
            _ => return None,
        };
        Some(InvoiceNow {
            id: self.record.invoice_id()?,
            hash: digest::leaf(&self.bytes),
            seller,
            buyer_tax_id,
            payer,
            is_single: matches!(self.record, Record::Invoice(_)),
            standing: latest.and_then(|latest| latest.record.standing()).or_else(|| self.record.untouched())?,
        })
    }

    /// The lines of the invoice whose record this is, with its latest red letter.
    pub fn lines(&self, red: Option<&Read<'_>>) -> Vec<LineNow> {
        let issued = match &self.record {
            Record::Invoice(invoice) => vec![invoice.line],
            Record::Claimed(_) => {
                let annex = self.annex().unwrap_or_default();
                composed::of_claim(&annex).map(|annex| annex.lines).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let remaining: Option<Vec<u64>> = red.and_then(|red| {
            if let Record::RedLetter(short) = &red.record {
                return Some(vec![short.remaining_fen]);
            }
            let annex = red.annex()?;
            let lines = composed::of_red_letter(&annex).ok()?.lines;
            Some(lines.iter().map(|line| line.remaining_fen).collect())
        });
        let line = |(index, line): (usize, farechain_core::record::Line)| {
            let left = remaining.as_ref().and_then(|remaining| remaining.get(index)).copied();
            LineNow { line, remaining_fen: left.unwrap_or(line.total_fen.unsigned_abs()) }
        };
        issued.into_iter().enumerate().map(line).collect()
    }

    /// The payments of the invoice whose record this is.
    pub fn parts(&self) -> Vec<Part> {
        match &self.record {
            Record::Invoice(invoice) => vec![Part {
                identity: invoice.identity,
                data_leaf: invoice.payments_root,
                line: 0,
                fen: invoice.line.total_fen.unsigned_abs(),
                booked_at_ms: invoice.dated_at_ms,
            }],
            Record::Claimed(_) => {
                let annex = self.annex().unwrap_or_default();
                composed::of_claim(&annex).map(|annex| annex.payments).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

/// A record that the index names. What cannot be read stops the process: deciding without it would fork the ledger.
///
/// # Panics
/// Where the log cannot be read or decoded; the writer is then poisoned.
pub fn read_record(log: &LogReader, location: Location) -> Record {
    decoded(&record_bytes(log, location), location)
}

/// The standing that the record at a place says.
pub fn standing_at(log: &LogReader, location: Location) -> Option<Standing> {
    read_record(log, location).standing()
}

fn record_bytes(log: &LogReader, location: Location) -> Vec<u8> {
    match log.record(location) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => panic!("the index names a record that is not there: {location:?}; stop and audit"),
        Err(error) => panic!("{error}"),
    }
}

fn decoded(bytes: &[u8], location: Location) -> Record {
    Record::decode(bytes).unwrap_or_else(|_| panic!("the record at {location:?} cannot be decoded; stop and audit"))
}
