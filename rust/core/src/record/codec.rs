//! Records as bytes: deterministic CBOR arrays (`docs/format.md`, section 4), both ways.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::block::{Genesis, VERSION};
use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::{InvoiceId, Rate};
use crate::digest::{self, Digest};
use crate::record::{
    ChangeRecord, ClaimedInvoice, CommandRecord, Invoice, Line, LineRedLetter, OwedRefund, PaymentRecord, PaymentState,
    Record, RedLetter, RefundRecord, RefundState, StateRecord, composed,
};
use crate::standing::Standing;

impl Record {
    /// The number of its kind.
    pub fn kind(&self) -> u8 {
        match self {
            Record::Genesis(_) => 0,
            Record::Invoice(_) => 1,
            Record::RedLetter(_) => 2,
            Record::Payment(_) => 3,
            Record::Refund(_) => 4,
            Record::Claimed(_) => 5,
            Record::LineRedLetter(_) => 6,
            Record::Owed(_) => 7,
            Record::State(_) => 8,
            Record::Change(change) => change.kind,
            Record::Command(command) => command.kind,
        }
    }

    /// The identity that it occupies (a drained record repeats that of its input).
    pub fn identity(&self) -> Option<&Digest> {
        match self {
            Record::Genesis(_) | Record::State(_) => None,
            Record::Invoice(invoice) => Some(&invoice.identity),
            Record::RedLetter(red) => Some(&red.identity),
            Record::Payment(payment) => Some(&payment.identity),
            Record::Refund(refund) => Some(&refund.identity),
            Record::Claimed(invoice) => Some(&invoice.identity),
            Record::LineRedLetter(red) => Some(&red.identity),
            Record::Owed(owed) => Some(&owed.identity),
            Record::Change(change) => Some(&change.identity),
            Record::Command(command) => Some(&command.identity),
        }
    }

    /// The leaf hash of the canonical data behind it.
    pub fn data_leaf(&self) -> Option<&Digest> {
        match self {
            Record::Genesis(_) | Record::State(_) => None,
            Record::Invoice(invoice) => Some(&invoice.payments_root),
            Record::RedLetter(red) => Some(&red.refund_root),
            Record::Payment(payment) => Some(&payment.payments_root),
            Record::Refund(refund) => Some(&refund.refund_root),
            Record::Claimed(invoice) => Some(&invoice.data_root),
            Record::LineRedLetter(red) => Some(&red.data_root),
            Record::Owed(owed) => Some(&owed.refund_root),
            Record::Change(change) => Some(&change.data_root),
            Record::Command(command) => Some(&command.data_root),
        }
    }

    /// Whether this is the annex that it names.
    pub fn names(&self, annex: &[u8]) -> bool {
        match self {
            // An annex has one spelling, so that what is written again from its parts has its roots.
            Record::Claimed(invoice) => composed::of_claim(annex).is_ok_and(|parts| {
                parts.data.is_some_and(|data| {
                    let written = composed::write_claim(data, &parts.lines, &parts.payments);
                    digest::leaf(data) == invoice.data_root
                        && written.bytes == annex
                        && (written.lines_root, written.payments_root) == (invoice.lines_root, invoice.payments_root)
                })
            }),
            Record::LineRedLetter(red) => composed::of_red_letter(annex).is_ok_and(|parts| {
                let written = composed::write_red_letter(parts.data, &parts.lines, &parts.payments);
                parts.data.is_none_or(|data| digest::leaf(data) == red.data_root)
                    && written.bytes == annex
                    && (written.lines_root, written.payments_root) == (red.lines_root, red.payments_root)
            }),
            _ => self.data_leaf() == Some(&digest::leaf(annex)),
        }
    }

    /// The code and number that it takes, if it is an invoice, blue or red.
    pub fn invoice_id(&self) -> Option<InvoiceId> {
        match self {
            Record::Invoice(invoice) => Some(InvoiceId { code: invoice.code, number: invoice.number }),
            Record::RedLetter(red) => Some(InvoiceId { code: red.code, number: red.number }),
            Record::Claimed(invoice) => Some(invoice.id),
            Record::LineRedLetter(red) => Some(red.id),
            _ => None,
        }
    }

    /// The invoice whose standing it says.
    pub fn stands_for(&self) -> Option<InvoiceId> {
        match self {
            Record::RedLetter(red) => Some(InvoiceId { code: red.original_code, number: red.original_number }),
            Record::LineRedLetter(red) => Some(red.original),
            Record::Owed(owed) => Some(owed.original),
            Record::Change(change) => Some(change.invoice),
            _ => None,
        }
    }

    /// Where that invoice stands after it.
    pub fn standing(&self) -> Option<Standing> {
        match self {
            Record::RedLetter(red) => Some(Standing::untouched(red.remaining_fen, None)),
            Record::LineRedLetter(red) => Some(red.standing),
            Record::Owed(owed) => Some(owed.standing),
            Record::Change(change) => Some(change.standing),
            _ => None,
        }
    }

    /// Where a blue invoice stands while no other record says so.
    pub fn untouched(&self) -> Option<Standing> {
        match self {
            Record::Invoice(invoice) => Some(Standing::untouched(invoice.line.total_fen.unsigned_abs(), None)),
            Record::Claimed(invoice) => Some(Standing::untouched(invoice.sum.total_fen.unsigned_abs(), invoice.holder)),
            _ => None,
        }
    }

    /// Whether it takes something off an invoice.
    pub fn is_red(&self) -> bool {
        matches!(self, Record::RedLetter(_) | Record::LineRedLetter(_))
    }

    /// The payments that it puts into an invoice, or takes out of one. An invoice that was issued at once is its
    /// payment's first record and names none; one that was drained names it.
    pub fn allocates(&self, annex: Option<&[u8]>) -> Vec<Digest> {
        let identities = match (self, annex) {
            (Record::Invoice(invoice), None) => Some(alloc::vec![invoice.identity]),
            (Record::Claimed(_), Some(annex)) => {
                composed::of_claim(annex).ok().map(|annex| annex.payments.iter().map(|part| part.identity).collect())
            }
            (Record::LineRedLetter(_), Some(annex)) => composed::of_red_letter(annex)
                .ok()
                .map(|annex| annex.payments.iter().map(|loss| loss.identity).collect()),
            _ => None,
        };
        identities.unwrap_or_default()
    }

    /// The canonical data in its annex; `None` for a record of a drain, which repeats the identity of an earlier one.
    pub fn data<'a>(&self, annex: Option<&'a [u8]>) -> Option<&'a [u8]> {
        match self {
            Record::Claimed(_) | Record::LineRedLetter(_) => composed::data(annex?).ok()?,
            _ => annex,
        }
    }

    /// Appends its bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut e = Encoder::new(out);
        match self {
            Record::Genesis(genesis) => genesis.encode_fields(head(&mut e, 10, 0)),
            Record::Invoice(invoice) => encode_invoice(head(&mut e, 14, 1), invoice),
            Record::RedLetter(red) => encode_red_letter(head(&mut e, 13, 2), red),
            Record::Payment(payment) => encode_payment(head(&mut e, 13, 3), payment),
            Record::Refund(refund) => encode_refund(head(&mut e, 9, 4), refund),
            Record::Claimed(invoice) => invoice.encode_fields(head(&mut e, 16, 5)),
            Record::LineRedLetter(red) => red.encode_fields(head(&mut e, 19, 6)),
            Record::Owed(owed) => owed.encode_fields(head(&mut e, 12, 7)),
            Record::State(state) => {
                head(&mut e, 5, 8).bytes_32(&state.root).uint(state.count).uint(state.height);
            }
            Record::Change(change) => change.encode_fields(head(&mut e, 9, change.kind)),
            Record::Command(command) => {
                let e = head(&mut e, 5, command.kind);
                e.bytes(&command.kid).bytes_32(&command.identity).bytes_32(&command.data_root);
            }
        }
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(320);
        self.encode(&mut out);
        out
    }

    /// The record hash, whose last five hex digits are an invoice's check code.
    pub fn hash(&self) -> Digest {
        digest::leaf(&self.to_bytes())
    }

    /// The opposite of [`Record::encode`].
    ///
    /// # Errors
    /// [`Malformed`] for anything that `encode` does not write.
    pub fn decode(bytes: &[u8]) -> Result<Record, Malformed> {
        let mut d = Decoder::new(bytes);
        let length = d.array()?;
        if d.uint()? != VERSION {
            return Err(Malformed);
        }
        let record = match (d.uint_as::<u8>()?, length) {
            (0, 10) => Record::Genesis(Box::new(Genesis::decode_fields(&mut d)?)),
            (1, 14) => Record::Invoice(decode_invoice(&mut d)?),
            (2, 13) => Record::RedLetter(decode_red_letter(&mut d)?),
            (3, 13) => Record::Payment(decode_payment(&mut d)?),
            (4, 9) => Record::Refund(decode_refund(&mut d)?),
            (5, 16) => Record::Claimed(Box::new(ClaimedInvoice::decode_fields(&mut d)?)),
            (6, 19) => Record::LineRedLetter(Box::new(LineRedLetter::decode_fields(&mut d)?)),
            (7, 12) => Record::Owed(Box::new(OwedRefund::decode_fields(&mut d)?)),
            (8, 5) => Record::State(StateRecord { root: d.bytes_of()?, count: d.uint()?, height: d.uint()? }),
            (kind @ (42..=49 | 51 | 53..=57), 9) => {
                Record::Change(Box::new(ChangeRecord::decode_fields(kind, &mut d)?))
            }
            (kind @ (16..=33 | 60), 5) => Record::Command(CommandRecord {
                kind,
                kid: d.bytes_of()?,
                identity: d.bytes_of()?,
                data_root: d.bytes_of()?,
            }),
            _ => return Err(Malformed),
        };
        d.end()?;
        Ok(record)
    }
}

fn head<'e, 'b>(e: &'e mut Encoder<'b>, length: usize, kind: u8) -> &'e mut Encoder<'b> {
    e.array(length).uint(VERSION).uint(u64::from(kind))
}

pub(super) fn encode_line(e: &mut Encoder<'_>, line: &Line) {
    e.array(6).utf8(line.tax_code.as_bytes()).int(line.rate.to_int()).int(i64::from(line.quantity));
    e.int(line.net_fen).int(line.tax_fen).int(line.total_fen);
}

pub(super) fn decode_line(d: &mut Decoder<'_>) -> Result<Line, Malformed> {
    d.array_of(6)?;
    Ok(Line {
        tax_code: d.text_of()?,
        rate: Rate::from_int(d.int()?).ok_or(Malformed)?,
        quantity: i32::try_from(d.int()?).map_err(|_| Malformed)?,
        net_fen: d.int()?,
        tax_fen: d.int()?,
        total_fen: d.int()?,
    })
}

fn encode_invoice(e: &mut Encoder<'_>, invoice: &Invoice) {
    e.utf8(invoice.code.as_bytes()).uint(u64::from(invoice.number)).uint(invoice.issued_at_ms);
    e.utf8(invoice.seller.as_bytes()).utf8(invoice.scene.as_bytes());
    encode_line(e, &invoice.line);
    e.uint(invoice.paid_fen).int(invoice.dated_at_ms).uint(invoice.flags);
    e.bytes_32(&invoice.identity).bytes_32(&invoice.payments_root);
    e.optional_bytes(invoice.payer.as_ref().map(|payer| &payer[..]));
}

fn decode_invoice(d: &mut Decoder<'_>) -> Result<Invoice, Malformed> {
    Ok(Invoice {
        code: d.text_of()?,
        number: d.uint_as()?,
        issued_at_ms: d.uint()?,
        seller: d.text_of()?,
        scene: d.text_of()?,
        line: decode_line(d)?,
        paid_fen: d.uint()?,
        dated_at_ms: d.int()?,
        flags: d.uint()?,
        identity: d.bytes_of()?,
        payments_root: d.bytes_of()?,
        payer: d.optional(Decoder::bytes_of)?,
    })
}

fn encode_red_letter(e: &mut Encoder<'_>, red: &RedLetter) {
    e.utf8(red.code.as_bytes()).uint(u64::from(red.number)).uint(red.issued_at_ms).utf8(red.seller.as_bytes());
    e.utf8(red.original_code.as_bytes()).uint(u64::from(red.original_number)).bytes_32(&red.original_hash);
    encode_line(e, &red.line);
    e.uint(red.remaining_fen).bytes_32(&red.identity).bytes_32(&red.refund_root);
}

fn decode_red_letter(d: &mut Decoder<'_>) -> Result<RedLetter, Malformed> {
    Ok(RedLetter {
        code: d.text_of()?,
        number: d.uint_as()?,
        issued_at_ms: d.uint()?,
        seller: d.text_of()?,
        original_code: d.text_of()?,
        original_number: d.uint_as()?,
        original_hash: d.bytes_of()?,
        line: decode_line(d)?,
        remaining_fen: d.uint()?,
        identity: d.bytes_of()?,
        refund_root: d.bytes_of()?,
    })
}

fn encode_payment(e: &mut Encoder<'_>, payment: &PaymentRecord) {
    e.utf8(payment.seller.as_bytes()).utf8(payment.scene.as_bytes()).bool(payment.topped_up).uint(payment.state as u64);
    e.uint(payment.paid_fen).uint(payment.invoiceable_fen).int(payment.dated_at_ms).uint(payment.flags);
    e.bytes_32(&payment.identity).bytes_32(&payment.payments_root);
    e.optional_bytes(payment.payer.as_ref().map(|payer| &payer[..]));
}

fn decode_payment(d: &mut Decoder<'_>) -> Result<PaymentRecord, Malformed> {
    Ok(PaymentRecord {
        seller: d.text_of()?,
        scene: d.text_of()?,
        topped_up: d.bool()?,
        state: PaymentState::from_u8(d.uint_as()?).ok_or(Malformed)?,
        paid_fen: d.uint()?,
        invoiceable_fen: d.uint()?,
        dated_at_ms: d.int()?,
        flags: d.uint()?,
        identity: d.bytes_of()?,
        payments_root: d.bytes_of()?,
        payer: d.optional(Decoder::bytes_of)?,
    })
}

fn encode_refund(e: &mut Encoder<'_>, refund: &RefundRecord) {
    e.utf8(refund.seller.as_bytes()).uint(refund.state as u64).uint(refund.refund_fen);
    e.bytes_32(&refund.payment).bytes_32(&refund.identity).bytes_32(&refund.refund_root).uint(refund.reduced_fen);
}

fn decode_refund(d: &mut Decoder<'_>) -> Result<RefundRecord, Malformed> {
    Ok(RefundRecord {
        seller: d.text_of()?,
        state: RefundState::from_u8(d.uint_as()?).ok_or(Malformed)?,
        refund_fen: d.uint()?,
        payment: d.bytes_of()?,
        identity: d.bytes_of()?,
        refund_root: d.bytes_of()?,
        reduced_fen: d.uint()?,
    })
}

impl PaymentState {
    /// The state with this number.
    pub const fn from_u8(value: u8) -> Option<PaymentState> {
        match value {
            1 => Some(PaymentState::NothingToInvoice),
            2 => Some(PaymentState::CoveredByTopup),
            3 => Some(PaymentState::Claimable),
            4 => Some(PaymentState::WaitingGrant),
            5 => Some(PaymentState::WaitingCredit),
            6 => Some(PaymentState::Refunded),
            7 => Some(PaymentState::InvoicedAtRide),
            _ => None,
        }
    }
}

impl RefundState {
    /// The state with this number.
    pub const fn from_u8(value: u8) -> Option<RefundState> {
        match value {
            1 => Some(RefundState::BeforePayment),
            2 => Some(RefundState::Reduced),
            3 => Some(RefundState::NotInvoiced),
            4 => Some(RefundState::WaitingGrant),
            _ => None,
        }
    }
}
