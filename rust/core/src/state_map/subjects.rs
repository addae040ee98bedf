//! What records say of whom: the keys that a record sets, each to its hash (`docs/format.md`, section 9).

use alloc::vec::Vec;

use crate::cbor::Malformed;
use crate::command::InvoiceId;
use crate::digest::{self, Digest};
use crate::record::{Record, RefundState, composed};

/// The key of an invoice, blue or red. That of a payment is its identity.
pub fn of_invoice(id: &InvoiceId) -> Digest {
    digest::identity(&[b"INVOICE", id.code.as_bytes(), &id.number.to_be_bytes()])
}

/// The keys of which a record is from now on the latest that says where they stand.
///
/// A payment in an invoice of one payment has the invoice's record, whatever short red letters take off it: these name no
/// payment, and what the invoice has says what is left.
///
/// # Errors
/// [`Malformed`] for an annex that is missing or not what the record needs.
pub fn keys(record: &Record, annex: Option<&[u8]>) -> Result<Vec<Digest>, Malformed> {
    let mut keys: Vec<Digest> = [record.invoice_id(), record.stands_for()].iter().flatten().map(of_invoice).collect();
    match record {
        Record::Invoice(invoice) => keys.push(invoice.identity),
        Record::Payment(payment) => keys.push(payment.identity),
        Record::Refund(refund) if refund.state == RefundState::Reduced => keys.push(refund.payment),
        Record::Owed(owed) => keys.push(owed.payment),
        Record::Claimed(_) => {
            let parts = composed::of_claim(annex.ok_or(Malformed)?)?.payments;
            keys.extend(parts.iter().map(|part| part.identity));
        }
        Record::LineRedLetter(_) => {
            let losses = composed::of_red_letter(annex.ok_or(Malformed)?)?.payments;
            keys.extend(losses.iter().map(|loss| loss.identity));
        }
        _ => {}
    }
    Ok(keys)
}
