//! Refunds: before or after their payment, partial, repeated; a red-letter invoice where something was invoiced.

use crate::decide::{Accepted, Block, Entry, PaymentNow, Standing, View};
use crate::error::Code;
use crate::event::Refund;
use crate::money;
use crate::outcome::Verdict;
use crate::record::{Line, Record, RedLetter, RefundRecord, RefundState};
use crate::registry::Grant;

pub(super) fn decide<'a, V: View>(
    view: &V,
    refund: &Refund,
    data: &'a [u8],
    block: Block,
) -> Result<Accepted<'a>, Code> {
    let found = [refund.paid_identity, refund.topped_up_identity]
        .into_iter()
        .find_map(|identity| view.payment(&identity).map(|payment| (identity, payment)));
    let Some((identity, payment)) = found else {
        return Ok(recorded(refund, data, refund.origin, RefundState::BeforePayment));
    };
    if view.refunded_fen(&refund.origin).saturating_add(refund.refund_fen) > payment.paid_fen {
        return Err(Code::RedExceeds);
    }
    let remaining_fen = match payment.standing {
        Standing::Recorded { .. } => return Ok(recorded(refund, data, identity, RefundState::Reduced)),
        Standing::Invoiced { remaining_fen, .. } => remaining_fen,
    };
    let registry = view.registry();
    // What waits for its red letter has no number yet, but is taken off already: no red letter is ever for nothing.
    if remaining_fen <= registry.reversing_fen(&identity) {
        return Ok(recorded(refund, data, identity, RefundState::NotInvoiced));
    }
    match registry.next_grant(&refund.seller) {
        Some(grant) if !registry.has_queue(&refund.seller) => {
            let reversal =
                Reversal { identity: refund.identity, refund_root: refund.data_leaf, fen: refund.refund_fen };
            let red = red_letter(&payment, &reversal, grant, block).ok_or(Code::State)?;
            Ok((Verdict::Reversed, Entry { record: Record::RedLetter(red), annex: Some(data) }))
        }
        _ => Ok(recorded(refund, data, identity, RefundState::WaitingGrant)),
    }
}

fn recorded<'a>(refund: &Refund, data: &'a [u8], payment: [u8; 32], state: RefundState) -> Accepted<'a> {
    let record = RefundRecord {
        seller: refund.seller,
        state,
        refund_fen: refund.refund_fen,
        payment,
        identity: refund.identity,
        refund_root: refund.data_leaf,
    };
    (Verdict::Recorded, Entry { record: Record::Refund(record), annex: Some(data) })
}

/// The refund behind a red-letter invoice.
pub(super) struct Reversal {
    pub(super) identity: [u8; 32],
    pub(super) refund_root: [u8; 32],
    pub(super) fen: u64,
}

/// The red-letter invoice that takes a refund off what remains: recomputed on the remainder, the difference booked, so
/// that all reds together never exceed the blue. `None` for a payment that is not invoiced.
pub(super) fn red_letter(payment: &PaymentNow, reversal: &Reversal, grant: &Grant, block: Block) -> Option<RedLetter> {
    let Standing::Invoiced { code, number, hash, line, remaining_fen } = payment.standing else { return None };
    let after_fen = remaining_fen.saturating_sub(reversal.fen);
    let (net_before, tax_before) = money::split(remaining_fen.cast_signed(), line.rate);
    let (net_after, tax_after) = money::split(after_fen.cast_signed(), line.rate);
    Some(RedLetter {
        code: grant.code,
        number: grant.next,
        issued_at_ms: block.time_ms,
        seller: payment.seller,
        original_code: code,
        original_number: number,
        original_hash: hash,
        line: Line {
            tax_code: line.tax_code,
            rate: line.rate,
            quantity: if after_fen == 0 { -line.quantity } else { 0 },
            net_fen: net_after - net_before,
            tax_fen: tax_after - tax_before,
            total_fen: after_fen.cast_signed() - remaining_fen.cast_signed(),
        },
        remaining_fen: after_fen,
        identity: reversal.identity,
        refund_root: reversal.refund_root,
    })
}
