//! What waits is issued, first come first served, as soon as numbers and credit allow: by the engine's own recorded input.

use alloc::vec::Vec;

use crate::cbor::Encoder;
use crate::decide::payment::{grant_for, invoice, terms};
use crate::decide::red_letter::red_letter;
use crate::decide::refund::{Back, must_be_asked_for, nothing_left, owed};
use crate::decide::{Block, Entry, PaymentNow, View};
use crate::record::{PaymentRecord, Record};
use crate::registry::{Grant, Registry, Waiting};
use crate::text::TaxId;

/// The value of the engine's drain input: CBOR `[1, "DRAIN", drain_max]`.
pub fn drain_input(drain_max: u32) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out).array(3).uint(1).text("DRAIN").uint(u64::from(drain_max));
    out
}

/// The value of the engine's input that commits to the state after a block: CBOR `[1, "STATE", height]`.
pub fn state_input(height: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out).array(3).uint(1).text("STATE").uint(height);
    out
}

/// Whether anything that waits could be issued in this block.
pub fn can_drain<V: View>(view: &V, block: Block) -> bool {
    view.registry().waiting() > 0 && drain_next(view, block).is_some()
}

/// The next record of a drain; the caller applies it and asks again, at most `drain_max` times.
///
/// Sellers do not wait for one another: of those whose first item can be issued, the one that came first is next.
pub fn drain_next<V: View>(view: &V, block: Block) -> Option<Entry<'static>> {
    let registry = view.registry();
    let mut heads: Vec<_> = registry
        .queue_heads()
        .filter_map(|(seller, place, waiting)| {
            let grant = grant_of(registry, seller, waiting, block)?;
            Some((place, waiting, grant))
        })
        .collect();
    heads.sort_unstable_by_key(|(place, ..)| *place);
    heads.into_iter().find_map(|(_, waiting, grant)| issue(view, waiting, grant, block))
}

fn grant_of<'r>(registry: &'r Registry, seller: &TaxId, waiting: &Waiting, block: Block) -> Option<&'r Grant> {
    match waiting {
        Waiting::Payment { left_fen, .. } => grant_for(registry, seller, *left_fen, block),
        Waiting::Refund { .. } => registry.next_grant(seller),
    }
}

/// `None` where the mandate that the payment waits under is gone or its rate is no longer allowed: its seller waits on.
fn issue<V: View>(view: &V, waiting: &Waiting, grant: &Grant, block: Block) -> Option<Entry<'static>> {
    match waiting {
        Waiting::Payment { identity, left_fen } => {
            let now = view.payment(identity)?;
            let row = view.registry().mandate(&now.seller, &now.scene)?;
            let terms = terms(view.registry(), row, &now.scene, now.topped_up, now.dated_at_ms)?;
            let record = payment_record(identity, &now)?;
            Some(Entry { record: Record::Invoice(invoice(&record, *left_fen, &terms, grant, block)), annex: None })
        }
        Waiting::Refund { identity, payment, refund_fen, refund_root } => {
            let back = Back { identity: *identity, payment: *payment, fen: *refund_fen, root: *refund_root };
            let now = view.payment(payment)?;
            let Some(live) = now.live else { return Some(nothing_left(now.seller, &back)) };
            let invoice = view.invoice(&live.invoice)?;
            if must_be_asked_for(&invoice) {
                return Some(owed(&invoice, &back, None));
            }
            red_letter(view, &invoice, &back.takes(), &back.cause(None), grant, block).ok()
        }
    }
}

fn payment_record(identity: &[u8; 32], now: &PaymentNow) -> Option<PaymentRecord> {
    Some(PaymentRecord {
        seller: now.seller,
        scene: now.scene,
        topped_up: now.topped_up,
        state: now.state?,
        paid_fen: now.paid_fen,
        invoiceable_fen: 0,
        dated_at_ms: now.dated_at_ms,
        flags: now.flags,
        identity: *identity,
        payments_root: now.payments_root,
        payer: now.payer,
    })
}
