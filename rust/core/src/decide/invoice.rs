//! Changes of one invoice: holders, locks, reimbursement, postings, freezes. What asks for red letters is in `requests`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::cbor::Encoder;
use crate::command::{Change, InvoiceId, Role};
use crate::decide::claim::opens_payer;
use crate::decide::{Accepted, Block, Entry, InvoiceNow, Said, View, requests};
use crate::digest::Digest;
use crate::error::Code;
use crate::input::Kid;
use crate::lifecycle;
use crate::outcome::Verdict;
use crate::record::{ChangeRecord, Record};
use crate::registry::{Grant, Key, Registry};
use crate::signature::{self, PRESENT_TYPE};
use crate::standing::{Claim, Fiscal, Standing, Use};
use crate::text::{TaxId, Text};

pub(super) fn change<'a, V: View>(
    view: &V,
    said: &Said<'_, 'a>,
    id: &InvoiceId,
    change: &Change,
    block: Block,
) -> Result<Accepted<'a>, Code> {
    let now = find(view, id)?;
    let after = match change {
        Change::RedIssue { reason, scope } => return requests::issue(view, said, &now, *reason, scope, block),
        Change::RedConfirm => return requests::confirm(view, said, &now, block),
        Change::RedRequest { scope, .. } => requests::request(view, said, &now, scope, block)?,
        Change::RedRefuse | Change::RedWithdraw | Change::RedExpire => {
            requests::end(view, said, &now, change.kind(), block)?
        }
        Change::Bind { .. } | Change::Transfer { .. } => hold(view, said, &now, change, block)?,
        Change::Freeze { .. } | Change::Unfreeze => {
            lifecycle::check(change.kind(), &now.standing)?;
            Standing { frozen: matches!(change, Change::Freeze { .. }), ..now.standing }
        }
        _ => claim_expenses(view.registry(), said.key, &now, change)?,
    };
    let record = ChangeRecord {
        kind: change.kind(),
        kid: said.key.public_key.kid(),
        invoice: *id,
        invoice_hash: now.hash,
        identity: said.identity,
        data_root: said.data_root,
        standing: after,
    };
    let entry = Entry { record: Record::Change(Box::new(record)), annex: Some(said.data.clone()) };
    Ok((Verdict::Applied, entry))
}

/// The blue invoice of a number.
pub(super) fn find<V: View>(view: &V, id: &InvoiceId) -> Result<InvoiceNow, Code> {
    view.invoice(id).ok_or(Code::NumberRange)
}

/// The grant of a seller's next number, if nothing of the seller waits for one.
pub(super) fn number_for<'r>(registry: &'r Registry, seller: &TaxId) -> Result<&'r Grant, Code> {
    registry.free_grant(seller).ok_or(Code::NumberRange)
}

/// A key that may hold an invoice.
pub(super) fn check_holder(registry: &Registry, holder: Option<&Kid>) -> Result<(), Code> {
    let Some(kid) = holder else { return Ok(()) };
    let key = registry.key(kid).ok_or(Code::KeyUnknown)?;
    if !matches!(key.role, Role::Holder | Role::Agent) {
        return Err(Code::Role);
    }
    if key.retired_ms.is_some() { Err(Code::KeyExpired) } else { Ok(()) }
}

/// Whether a key acts for an invoice's seller. A delegation must have the scenes of all its payments.
pub(super) fn acts_for_seller<V: View>(view: &V, key: &Key, now: &InvoiceNow, block: Block) -> bool {
    if key.role == Role::Issuer {
        return key.tax_id == now.seller;
    }
    let for_payment = |identity: &Digest| {
        let payment = view.payment(identity);
        payment.is_some_and(|payment| view.registry().acts_for(key, &now.seller, &payment.scene, block.height))
    };
    key.role == Role::Agent && view.parts(&now.id).iter().all(|part| for_payment(&part.identity))
}

fn hold<V: View>(
    view: &V,
    said: &Said<'_, '_>,
    now: &InvoiceNow,
    change: &Change,
    block: Block,
) -> Result<Standing, Code> {
    let (registry, key) = (view.registry(), said.key);
    let holder = match change {
        Change::Bind { opening, holder } => {
            let opens = key.role == Role::Agent && opens_payer(now.payer.as_ref(), opening.as_ref());
            if !opens && !acts_for_seller(view, key, now, block) {
                return Err(Code::Role);
            }
            holder
        }
        Change::Transfer { holder } => {
            let current = now.standing.holder.map(|kid| registry.current(&kid));
            if current != Some(key.public_key.kid()) {
                return Err(Code::Role);
            }
            holder
        }
        _ => return Err(Code::Schema),
    };
    lifecycle::check(change.kind(), &now.standing)?;
    check_holder(registry, Some(holder))?;
    Ok(Standing { holder: Some(*holder), ..now.standing })
}

/// A reimburser's changes.
fn claim_expenses(registry: &Registry, key: &Key, now: &InvoiceNow, change: &Change) -> Result<Standing, Code> {
    let standing = now.standing;
    match change {
        Change::Lock { claim_id, presentation } => lock(registry, key, now, claim_id, presentation.as_ref()),
        Change::Unlock { claim_id } => {
            lifecycle::check(45, &standing)?;
            if key.role != Role::Bureau {
                same_claim(key, &standing, claim_id)?;
            }
            Ok(standing.unlocked())
        }
        Change::Reimburse { claim_id, amount_fen } => {
            if standing.claim != Claim::Locked {
                return Err(Code::State);
            }
            same_claim(key, &standing, claim_id)?;
            lifecycle::check(46, &standing)?;
            if *amount_fen > standing.remaining_fen {
                return Err(Code::OverInvoiced);
            }
            Ok(Standing { claim: Claim::Reimbursed, reimbursed_fen: *amount_fen, ..standing })
        }
        Change::ConfirmUse => {
            if now.buyer_tax_id != Some(key.tax_id) {
                return Err(Code::Role);
            }
            lifecycle::check(47, &standing)?;
            if standing.claim == Claim::Locked && standing.locker != Some(key.tax_id) {
                return Err(Code::LockedByOther);
            }
            Ok(Standing { deduction: Use::Confirmed, ..standing })
        }
        Change::Post { .. } => book(key, &standing, Claim::Reimbursed, 48, Claim::Posted),
        Change::Unpost => book(key, &standing, Claim::Posted, 49, Claim::Reimbursed),
        _ => Err(Code::Schema),
    }
}

fn lock(
    registry: &Registry,
    key: &Key,
    now: &InvoiceNow,
    claim_id: &Text<32>,
    presentation: Option<&[u8; 64]>,
) -> Result<Standing, Code> {
    let own = now.buyer_tax_id == Some(key.tax_id);
    if !own && (now.buyer_tax_id.is_some() || !registry.accepts_individuals(&key.tax_id)) {
        return Err(Code::Role);
    }
    lifecycle::check(44, &now.standing)?;
    match now.standing.holder {
        Some(holder) => check_presentation(registry, key, now, &holder, claim_id, presentation)?,
        None if own => {}
        None => return Err(Code::State),
    }
    Ok(Standing { claim: Claim::Locked, locker: Some(key.tax_id), claim_id: Some(*claim_id), ..now.standing })
}

fn check_presentation(
    registry: &Registry,
    key: &Key,
    now: &InvoiceNow,
    holder: &Kid,
    claim_id: &Text<32>,
    presentation: Option<&[u8; 64]>,
) -> Result<(), Code> {
    let holder = registry.key(&registry.current(holder)).filter(|holder| holder.retired_ms.is_none());
    let holder = holder.ok_or(Code::Signature)?;
    let signed = presented(&now.id, key.tax_id.as_str(), claim_id.as_str());
    let presentation = presentation.ok_or(Code::Signature)?;
    if signature::verify(&holder.public_key, &signed, presentation) { Ok(()) } else { Err(Code::Signature) }
}

/// What a holder signs to present an invoice to a reimburser for a claim.
pub fn presented(invoice: &InvoiceId, reimburser: &str, claim_id: &str) -> Vec<u8> {
    let mut says = Vec::with_capacity(80);
    let mut e = Encoder::new(&mut says);
    e.array(4).text(invoice.code.as_str()).uint(invoice.number.into()).text(reimburser).text(claim_id);
    signature::pae(PRESENT_TYPE, &says)
}

fn same_claim(key: &Key, standing: &Standing, claim_id: &Text<32>) -> Result<(), Code> {
    let same = standing.locker == Some(key.tax_id) && standing.claim_id == Some(*claim_id);
    if same { Ok(()) } else { Err(Code::LockedByOther) }
}

/// Into the books, or out of them.
fn book(key: &Key, standing: &Standing, from: Claim, kind: u8, to: Claim) -> Result<Standing, Code> {
    if standing.claim != from {
        return Err(Code::State);
    }
    if standing.locker != Some(key.tax_id) {
        return Err(Code::LockedByOther);
    }
    lifecycle::check(kind, standing)?;
    Ok(Standing { claim: to, ..*standing })
}

/// In force again after a request has ended.
pub(super) fn in_force(standing: Standing) -> Standing {
    Standing { fiscal: Fiscal::Issued, ..standing }
}
