//! Red letters by command: what the seller's side may do alone, and what needs both sides.

use alloc::vec::Vec;

use crate::command::{RedReason, Role, Scope};
use crate::decide::invoice::{acts_for_seller, in_force, number_for};
use crate::decide::red_letter::{Cause, Takes, live_parts, red_letter};
use crate::decide::{Accepted, Block, InvoiceNow, Said, View};
use crate::digest::Digest;
use crate::error::Code;
use crate::lifecycle;
use crate::outcome::Verdict;
use crate::registry::{Asked, Key, Pending, Side};
use crate::standing::{Fiscal, Standing};

/// `RED_ISSUE`: the seller's side alone.
pub(super) fn issue<'a, V: View>(
    view: &V,
    said: &Said<'_, 'a>,
    now: &InvoiceNow,
    reason: RedReason,
    scope: &Scope,
    block: Block,
) -> Result<Accepted<'a>, Code> {
    if !acts_for_seller(view, said.key, now, block) {
        return Err(Code::Role);
    }
    lifecycle::check(50, &now.standing)?;
    let takes = match scope {
        Scope::Payments(payments) => all_of(view, now, Some(payments))?,
        Scope::All | Scope::Owed => all_of(view, now, None)?,
    };
    reversed(view, said, now, reason, &takes, block)
}

/// `RED_REQUEST`: the standing after it.
pub(super) fn request<V: View>(
    view: &V,
    said: &Said<'_, '_>,
    now: &InvoiceNow,
    scope: &Scope,
    block: Block,
) -> Result<Standing, Code> {
    side(view, said.key, now, block).ok_or(Code::Role)?;
    lifecycle::check(51, &now.standing)?;
    match scope {
        Scope::Payments(payments) => _ = all_of(view, now, Some(payments))?,
        Scope::Owed if view.registry().owed(&now.id).is_empty() => return Err(Code::State),
        Scope::All | Scope::Owed => {}
    }
    Ok(Standing { fiscal: Fiscal::RedPending, ..now.standing })
}

/// `RED_CONFIRM`: the other side agrees in time.
pub(super) fn confirm<'a, V: View>(
    view: &V,
    said: &Said<'_, 'a>,
    now: &InvoiceNow,
    block: Block,
) -> Result<Accepted<'a>, Code> {
    let pending = view.registry().pending(&now.id);
    other_side(view, said.key, now, pending, block)?;
    lifecycle::check(52, &now.standing)?;
    let pending = pending.filter(|pending| !pending.has_lapsed(block.time_ms)).ok_or(Code::State)?;
    let takes = match &pending.asked {
        Asked::All => all_of(view, now, None)?,
        Asked::Payments(payments) => live_of(view, now, payments),
        Asked::Owed(refunds) => {
            let owed = view.registry().owed(&now.id).iter().filter(|owed| refunds.contains(&owed.refund));
            owed.map(|owed| Takes { payment: owed.payment, fen: owed.fen }).collect()
        }
    };
    reversed(view, said, now, pending.reason, &takes, block)
}

/// `RED_REFUSE`, `RED_WITHDRAW`, `RED_EXPIRE`: the standing after it.
pub(super) fn end<V: View>(
    view: &V,
    said: &Said<'_, '_>,
    now: &InvoiceNow,
    kind: u8,
    block: Block,
) -> Result<Standing, Code> {
    let pending = view.registry().pending(&now.id);
    match kind {
        53 => other_side(view, said.key, now, pending, block)?,
        54 => {
            let own = side(view, said.key, now, block).ok_or(Code::Role)?;
            if pending.is_some_and(|pending| pending.side != own) {
                return Err(Code::Role);
            }
        }
        _ => {}
    }
    lifecycle::check(kind, &now.standing)?;
    if kind == 55 && !pending.is_some_and(|pending| pending.has_lapsed(block.time_ms)) {
        return Err(Code::State);
    }
    Ok(in_force(now.standing))
}

/// The side of an invoice that a key speaks for.
fn side<V: View>(view: &V, key: &Key, now: &InvoiceNow, block: Block) -> Option<Side> {
    match key.role {
        Role::Reimburser => {
            let party = now.standing.locker.or(now.buyer_tax_id);
            (party == Some(key.tax_id)).then_some(Side::Reimburser)
        }
        _ => acts_for_seller(view, key, now, block).then_some(Side::Seller),
    }
}

fn other_side<V: View>(
    view: &V,
    key: &Key,
    now: &InvoiceNow,
    pending: Option<&Pending>,
    block: Block,
) -> Result<(), Code> {
    let own = side(view, key, now, block).ok_or(Code::Role)?;
    if pending.is_some_and(|pending| pending.side == own) { Err(Code::Role) } else { Ok(()) }
}

/// All that is live of an invoice, or of these payments of it, each of which must have something live.
fn all_of<V: View>(view: &V, now: &InvoiceNow, payments: Option<&[Digest]>) -> Result<Vec<Takes>, Code> {
    let Some(payments) = payments else {
        let parts = live_parts(view, &now.id);
        return Ok(parts.iter().map(|part| Takes { payment: part.part.identity, fen: part.live_fen }).collect());
    };
    let takes = live_of(view, now, payments);
    if takes.len() == payments.len() { Ok(takes) } else { Err(Code::PaymentUnknown) }
}

/// What is live of these payments in an invoice.
fn live_of<V: View>(view: &V, now: &InvoiceNow, payments: &[Digest]) -> Vec<Takes> {
    let live = |payment: &Digest| {
        let live = view.payment(payment)?.live.filter(|live| live.invoice == now.id)?;
        Some(Takes { payment: *payment, fen: live.fen })
    };
    payments.iter().filter_map(live).collect()
}

fn reversed<'a, V: View>(
    view: &V,
    said: &Said<'_, 'a>,
    now: &InvoiceNow,
    reason: RedReason,
    takes: &[Takes],
    block: Block,
) -> Result<Accepted<'a>, Code> {
    let grant = number_for(view.registry(), &now.seller)?;
    let cause = Cause {
        reason,
        identity: said.identity,
        data: Some(&said.data),
        data_root: said.data_root,
        refunding_fen: None,
        is_refund: false,
    };
    Ok((Verdict::Reversed, red_letter(view, now, takes, &cause, grant, block)?))
}
