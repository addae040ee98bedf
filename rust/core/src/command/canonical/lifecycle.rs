//! Orders about invoices, and batches of them: an order of a batch is `[kind, members...]`.

use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::canonical::forms::{amount, invoice_code, number, period, rows, tax_id, words};
use crate::command::lifecycle::{MAX_ORDERS, all_differ};
use crate::command::{Buyer, Change, ClaimedPayment, InvoiceId, Order, RedReason, Scope};
use crate::event::fields::{any, visible};
use crate::text::Text;

const INDIVIDUAL: u64 = 1;
const ORGANIZATION: u64 = 2;

pub(super) fn encode_claim(encoder: &mut Encoder<'_>, buyer: &Buyer, payments: &[ClaimedPayment]) {
    encode_buyer(encoder, buyer);
    encoder.array(payments.len());
    for payment in payments {
        encoder.array(2).bytes_32(&payment.identity).optional_bytes(payment.opening.as_ref().map(<[u8; 32]>::as_slice));
    }
}

pub(super) fn encode_retitle(encoder: &mut Encoder<'_>, invoice: &InvoiceId, buyer: &Buyer) {
    encode_invoice(encoder, invoice);
    encode_buyer(encoder, buyer);
}

fn encode_invoice(encoder: &mut Encoder<'_>, invoice: &InvoiceId) {
    encoder.text(invoice.code.as_str()).uint(u64::from(invoice.number));
}

fn encode_buyer(encoder: &mut Encoder<'_>, buyer: &Buyer) {
    encoder.uint(if buyer.tax_id.is_some() { ORGANIZATION } else { INDIVIDUAL });
    encoder.optional_text(buyer.tax_id.as_ref().map(Text::as_str));
    encoder.optional_bytes(buyer.title.as_ref().map(<[u8; 32]>::as_slice));
    encoder.optional_bytes(buyer.holder.as_ref().map(<[u8; 16]>::as_slice));
}

/// The members of a change besides those of the invoice.
pub(super) fn members_of_change(change: &Change) -> usize {
    match change {
        Change::ConfirmUse
        | Change::Unpost
        | Change::RedConfirm
        | Change::RedRefuse
        | Change::RedWithdraw
        | Change::RedExpire
        | Change::Unfreeze => 0,
        Change::Transfer { .. } | Change::Unlock { .. } | Change::Freeze { .. } => 1,
        Change::Bind { .. }
        | Change::Lock { .. }
        | Change::Reimburse { .. }
        | Change::Post { .. }
        | Change::RedIssue { .. }
        | Change::RedRequest { .. } => 2,
    }
}

pub(super) fn encode_change(encoder: &mut Encoder<'_>, invoice: &InvoiceId, change: &Change) {
    encode_invoice(encoder, invoice);
    match change {
        Change::Bind { opening, holder } => {
            encoder.optional_bytes(opening.as_ref().map(<[u8; 32]>::as_slice)).bytes(holder);
        }
        Change::Transfer { holder } => _ = encoder.bytes(holder),
        Change::Lock { claim_id, presentation } => {
            encoder.text(claim_id.as_str());
            encoder.optional_bytes(presentation.as_ref().map(<[u8; 64]>::as_slice));
        }
        Change::Unlock { claim_id } => _ = encoder.text(claim_id.as_str()),
        Change::Reimburse { claim_id, amount_fen } => _ = encoder.text(claim_id.as_str()).uint(*amount_fen),
        Change::Post { voucher, period } => _ = encoder.text(voucher.as_str()).uint(u64::from(*period)),
        Change::RedIssue { reason, scope } | Change::RedRequest { reason, scope } => {
            encoder.uint(*reason as u64);
            encode_scope(encoder, scope);
        }
        Change::Freeze { note } => _ = encoder.text(note.as_str()),
        Change::ConfirmUse
        | Change::Unpost
        | Change::RedConfirm
        | Change::RedRefuse
        | Change::RedWithdraw
        | Change::RedExpire
        | Change::Unfreeze => {}
    }
}

fn encode_scope(encoder: &mut Encoder<'_>, scope: &Scope) {
    match scope {
        Scope::All => _ = encoder.null(),
        Scope::Owed => _ = encoder.array(0),
        Scope::Payments(payments) => {
            encoder.array(payments.len());
            for payment in payments {
                encoder.bytes_32(payment);
            }
        }
    }
}

pub(super) fn decode_batch(d: &mut Decoder<'_>) -> Result<Order, Malformed> {
    let orders = rows(d, |d| {
        let members = d.array()?.checked_sub(1).ok_or(Malformed)?;
        let kind = d.uint()?;
        let order = decode_order(kind, d)?;
        if order.members() == members { Ok(order) } else { Err(Malformed) }
    })?;
    if (1..=MAX_ORDERS).contains(&orders.len()) { Ok(Order::Batch { orders }) } else { Err(Malformed) }
}

/// The kinds that may stand alone or in a batch.
pub(super) fn decode_order(kind: u64, d: &mut Decoder<'_>) -> Result<Order, Malformed> {
    Ok(match kind {
        40 => Order::Claim { buyer: decode_buyer(d)?, payments: decode_claimed(d)? },
        41 => Order::Retitle { invoice: decode_invoice(d)?, buyer: decode_buyer(d)? },
        _ => Order::Change { invoice: decode_invoice(d)?, change: decode_change(kind, d)? },
    })
}

fn decode_invoice(d: &mut Decoder<'_>) -> Result<InvoiceId, Malformed> {
    Ok(InvoiceId { code: invoice_code(d)?, number: number(d)? })
}

fn decode_buyer(d: &mut Decoder<'_>) -> Result<Buyer, Malformed> {
    let kind = d.uint()?;
    let buyer = Buyer {
        tax_id: d.optional(tax_id)?,
        title: d.optional(Decoder::bytes_of)?,
        holder: d.optional(Decoder::bytes_of)?,
    };
    match (kind, buyer.tax_id, buyer.title) {
        (INDIVIDUAL, None, _) | (ORGANIZATION, Some(_), Some(_)) => Ok(buyer),
        _ => Err(Malformed),
    }
}

fn decode_claimed(d: &mut Decoder<'_>) -> Result<Vec<ClaimedPayment>, Malformed> {
    let payments = rows(d, |d| {
        d.array_of(2)?;
        Ok(ClaimedPayment { identity: d.bytes_of()?, opening: d.optional(Decoder::bytes_of)? })
    })?;
    let once = !payments.is_empty() && all_differ(payments.iter().map(|payment| &payment.identity));
    if once { Ok(payments) } else { Err(Malformed) }
}

fn decode_change(kind: u64, d: &mut Decoder<'_>) -> Result<Change, Malformed> {
    Ok(match kind {
        42 => Change::Bind { opening: d.optional(Decoder::bytes_of)?, holder: d.bytes_of()? },
        43 => Change::Transfer { holder: d.bytes_of()? },
        44 => Change::Lock { claim_id: words(d, visible)?, presentation: d.optional(Decoder::bytes_of)? },
        45 => Change::Unlock { claim_id: words(d, visible)? },
        46 => {
            let (claim_id, amount_fen) = (words(d, visible)?, amount(d)?);
            if amount_fen == 0 {
                return Err(Malformed);
            }
            Change::Reimburse { claim_id, amount_fen }
        }
        47 => Change::ConfirmUse,
        48 => Change::Post { voucher: words(d, visible)?, period: period(d)? },
        49 => Change::Unpost,
        50 => {
            let (reason, scope) = (decode_reason(d)?, decode_scope(d)?);
            if scope == Scope::Owed {
                return Err(Malformed);
            }
            Change::RedIssue { reason, scope }
        }
        51 => Change::RedRequest { reason: decode_reason(d)?, scope: decode_scope(d)? },
        52 => Change::RedConfirm,
        53 => Change::RedRefuse,
        54 => Change::RedWithdraw,
        55 => Change::RedExpire,
        56 => Change::Freeze { note: words(d, any)? },
        57 => Change::Unfreeze,
        _ => return Err(Malformed),
    })
}

/// A reason that a command may give.
fn decode_reason(d: &mut Decoder<'_>) -> Result<RedReason, Malformed> {
    match RedReason::from_u8(d.uint_as()?) {
        Some(RedReason::Retitled) | None => Err(Malformed),
        Some(reason) => Ok(reason),
    }
}

fn decode_scope(d: &mut Decoder<'_>) -> Result<Scope, Malformed> {
    match d.optional(|d| rows(d, Decoder::bytes_of))? {
        None => Ok(Scope::All),
        Some(payments) if payments.is_empty() => Ok(Scope::Owed),
        Some(payments) if all_differ(payments.iter()) => Ok(Scope::Payments(payments)),
        Some(_) => Err(Malformed),
    }
}
