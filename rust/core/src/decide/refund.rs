//! Refunds: before or after their payment, partial, repeated; a red letter where something is invoiced, or a reversal that
//! is owed where the other side must agree.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use crate::command::RedReason;
use crate::decide::red_letter::{Cause, Takes, red_letter};
use crate::decide::{Accepted, Block, Entry, InvoiceNow, View, headroom_fen};
use crate::digest::Digest;
use crate::error::Code;
use crate::event::Refund;
use crate::outcome::Verdict;
use crate::record::{OwedRefund, OwedState, Record, RefundRecord, RefundState};
use crate::standing::{Fiscal, Standing};
use crate::text::TaxId;

pub(super) fn decide<'a, V: View>(
    view: &V,
    refund: &Refund,
    data: &'a [u8],
    block: Block,
) -> Result<Accepted<'a>, Code> {
    let found = [refund.paid_identity, refund.topped_up_identity]
        .into_iter()
        .find_map(|identity| view.payment(&identity).map(|payment| (identity, payment)));
    let recorded = |payment, state, reduced_fen| Ok(recorded(refund, data, payment, state, reduced_fen));
    let Some((identity, payment)) = found else {
        return recorded(refund.origin, RefundState::BeforePayment, 0);
    };
    let refunded_fen = view.refunded_fen(&refund.origin);
    if refunded_fen.saturating_add(refund.refund_fen) > payment.paid_fen {
        return Err(Code::RedExceeds);
    }
    let Some(live) = payment.live else {
        let before = headroom_fen(&payment, refunded_fen);
        let after = headroom_fen(&payment, refunded_fen.saturating_add(refund.refund_fen));
        let gone_already = payment.was_invoiced && before == after;
        let state = if gone_already { RefundState::NotInvoiced } else { RefundState::Reduced };
        return recorded(identity, state, before - after);
    };
    let registry = view.registry();
    // What waits for its red letter, or is owed, is taken off already: no red letter is ever for nothing.
    if live.fen <= registry.reversing_fen(&identity) {
        return recorded(identity, RefundState::NotInvoiced, 0);
    }
    let now = view.invoice(&live.invoice).ok_or(Code::State)?;
    let back = Back { identity: refund.identity, payment: identity, fen: refund.refund_fen, root: refund.data_leaf };
    if must_be_asked_for(&now) {
        return Ok((Verdict::Recorded, owed(&now, &back, Some(data))));
    }
    match registry.free_grant(&refund.seller) {
        Some(grant) => {
            let red = red_letter(view, &now, &back.takes(), &back.cause(Some(data)), grant, block)?;
            Ok((Verdict::Reversed, red))
        }
        None => recorded(identity, RefundState::WaitingGrant, 0),
    }
}

/// Money that goes back for a payment.
pub(super) struct Back {
    pub(super) identity: Digest,
    pub(super) payment: Digest,
    pub(super) fen: u64,
    pub(super) root: Digest,
}

impl Back {
    pub(super) fn takes(&self) -> [Takes; 1] {
        [Takes { payment: self.payment, fen: self.fen }]
    }

    /// `data`: `None` in a drain, when the view counts the refund already.
    pub(super) fn cause<'d>(&self, data: Option<&'d [u8]>) -> Cause<'d> {
        Cause {
            reason: RedReason::SalesReturn,
            identity: self.identity,
            data,
            data_root: self.root,
            refunding_fen: data.map(|_| self.fen),
            is_refund: true,
        }
    }
}

/// Whether a refund's red letter needs the other side.
pub(super) fn must_be_asked_for(now: &InvoiceNow) -> bool {
    now.standing.needs_confirmation() || now.standing.fiscal == Fiscal::RedPending
}

/// The record of a refund whose red letter needs the other side.
pub(super) fn owed<'a>(now: &InvoiceNow, back: &Back, data: Option<&'a [u8]>) -> Entry<'a> {
    let state = if now.standing.fiscal == Fiscal::RedPending { OwedState::Queued } else { OwedState::Requested };
    let record = OwedRefund {
        seller: now.seller,
        state,
        refund_fen: back.fen,
        payment: back.payment,
        original: now.id,
        original_hash: now.hash,
        identity: back.identity,
        refund_root: back.root,
        standing: Standing { fiscal: Fiscal::RedPending, ..now.standing },
    };
    Entry { record: Record::Owed(Box::new(record)), annex: data.map(Cow::Borrowed) }
}

fn recorded<'a>(
    refund: &Refund,
    data: &'a [u8],
    payment: Digest,
    state: RefundState,
    reduced_fen: u64,
) -> Accepted<'a> {
    let record = RefundRecord {
        seller: refund.seller,
        state,
        refund_fen: refund.refund_fen,
        payment,
        identity: refund.identity,
        refund_root: refund.data_leaf,
        reduced_fen,
    };
    (Verdict::Recorded, Entry { record: Record::Refund(record), annex: Some(Cow::Borrowed(data)) })
}

/// A waiting refund of which nothing is invoiced any more leaves the queue so.
pub(super) fn nothing_left(seller: TaxId, back: &Back) -> Entry<'static> {
    let record = RefundRecord {
        seller,
        state: RefundState::NotInvoiced,
        refund_fen: back.fen,
        payment: back.payment,
        identity: back.identity,
        refund_root: back.root,
        reduced_fen: 0,
    };
    Entry { record: Record::Refund(record), annex: None }
}
