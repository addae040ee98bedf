//! Payments and top-ups: issued at once, or recorded with the reason why not.

use alloc::borrow::Cow;

use crate::command::{MandateRow, Policy, Rate, Scene, StoredValue};
use crate::decide::{Accepted, Block, Entry, View};
use crate::error::Code;
use crate::event::{Channel, Kind, Payment};
use crate::money;
use crate::outcome::Verdict;
use crate::record::{FLAG_FUTURE_DATED, FLAG_LATE, Invoice, Line, PaymentRecord, PaymentState, Record};
use crate::registry::{Grant, Issuer, Registry};
use crate::text::{SceneCode, TaxCode, TaxId};
use crate::time;

/// A clock may run ahead by this much, milliseconds.
const MAX_FUTURE_MS: i64 = 48 * 3_600_000;

pub(super) fn decide<'a, V: View>(
    view: &V,
    payment: &Payment,
    data: &'a [u8],
    timestamp_ms: i64,
    block: Block,
) -> Result<Accepted<'a>, Code> {
    let registry = view.registry();
    let ahead_ms = payment.paid_at_ms.saturating_sub(timestamp_ms);
    if ahead_ms > MAX_FUTURE_MS {
        return Err(Code::TimeFuture);
    }
    let (dated_at_ms, flags) = if ahead_ms > 0 { (timestamp_ms, FLAG_FUTURE_DATED) } else { (payment.paid_at_ms, 0) };
    let scene = registry.scene(&payment.scene).ok_or(Code::Schema)?;
    check_detail(scene, payment, data)?;
    let issuer = registry.issuer(&payment.seller).ok_or(Code::Role)?;
    let late = issuer.is_declared(|| registry.month_of(dated_at_ms));
    let flags = if late { flags | FLAG_LATE } else { flags };
    let left_fen = payment.invoiceable_fen.saturating_sub(view.refunded_fen(&payment.origin));
    let record = PaymentRecord {
        seller: payment.seller,
        scene: payment.scene,
        topped_up: payment.kind == Kind::ToppedUp,
        state: PaymentState::NothingToInvoice,
        paid_fen: payment.paid_fen,
        invoiceable_fen: left_fen,
        dated_at_ms,
        flags,
        identity: payment.identity,
        payments_root: payment.data_leaf,
        payer: payment.payer,
    };
    let annex = Some(Cow::Borrowed(data));
    match place(registry, payment, issuer, &record, block)? {
        Place::Recorded(state) => Ok(recorded(PaymentRecord { state, ..record }, annex)),
        Place::Issued(terms, grant) => {
            let invoice = invoice(&record, left_fen, &terms, grant, block);
            Ok((Verdict::Issued, Entry { record: Record::Invoice(invoice), annex }))
        }
    }
}

fn recorded(record: PaymentRecord, annex: Option<Cow<'_, [u8]>>) -> Accepted<'_> {
    (Verdict::Recorded, Entry { record: Record::Payment(record), annex })
}

enum Place<'r> {
    Recorded(PaymentState),
    Issued(Terms, &'r Grant),
}

/// Tax code and rate of an invoice.
pub(super) struct Terms {
    pub(super) tax_code: TaxCode,
    pub(super) rate: Rate,
}

fn place<'r>(
    registry: &'r Registry,
    payment: &Payment,
    issuer: &Issuer,
    record: &PaymentRecord,
    block: Block,
) -> Result<Place<'r>, Code> {
    use PaymentState as State;
    if payment.invoiceable_fen == 0 {
        return Ok(Place::Recorded(State::NothingToInvoice));
    }
    if record.invoiceable_fen == 0 {
        return Ok(Place::Recorded(State::Refunded));
    }
    let mandate = registry.mandate(&payment.seller, &payment.scene);
    let stored_value = mandate.map(|row| row.stored_value);
    if record.topped_up && stored_value == Some(StoredValue::AtRide) {
        return Ok(Place::Recorded(State::InvoicedAtRide));
    }
    if !record.topped_up && payment.channel == Channel::Card && stored_value == Some(StoredValue::AtTopup) {
        return Ok(Place::Recorded(State::CoveredByTopup));
    }
    let Some(row) = mandate.filter(|row| row.policy != Policy::OnClaim) else {
        return Ok(Place::Recorded(State::Claimable));
    };
    let terms = terms(registry, row, &record.scene, record.topped_up, record.dated_at_ms);
    let terms = terms.ok_or(Code::RateNotAllowed)?;
    if !issuer.has_credit(|| month(registry, block), record.invoiceable_fen) {
        return Ok(Place::Recorded(State::WaitingCredit));
    }
    match registry.free_grant(&payment.seller) {
        Some(grant) => Ok(Place::Issued(terms, grant)),
        None => Ok(Place::Recorded(State::WaitingGrant)),
    }
}

/// The month of block time, which credit is counted by.
pub(super) fn month(registry: &Registry, block: Block) -> u32 {
    time::month(i64::try_from(block.time_ms).unwrap_or(i64::MAX), registry.genesis().utc_offset_min)
}

/// The mandate's tax code and rate, if the rate table allows them on the payment's day.
pub(super) fn terms(
    registry: &Registry,
    row: &MandateRow,
    scene: &SceneCode,
    topped_up: bool,
    dated_at_ms: i64,
) -> Option<Terms> {
    let rate = if topped_up { Rate::NonTaxable } else { row.rate };
    let day = time::day(dated_at_ms, registry.genesis().utc_offset_min);
    let terms = Terms { tax_code: row.tax_code, rate };
    registry.allows(scene, &row.tax_code, rate, Some(day)).then_some(terms)
}

pub(super) fn invoice(record: &PaymentRecord, left_fen: u64, terms: &Terms, grant: &Grant, block: Block) -> Invoice {
    let total_fen = left_fen.cast_signed();
    let (net_fen, tax_fen) = money::split(total_fen, terms.rate);
    Invoice {
        code: grant.code,
        number: grant.next,
        issued_at_ms: block.time_ms,
        seller: record.seller,
        scene: record.scene,
        line: Line { tax_code: terms.tax_code, rate: terms.rate, quantity: 1, net_fen, tax_fen, total_fen },
        paid_fen: record.paid_fen,
        dated_at_ms: record.dated_at_ms,
        flags: record.flags,
        identity: record.identity,
        payments_root: record.payments_root,
        payer: record.payer,
    }
}

/// `detail` has only fields of the scene's row, with their types, and all that are required. Both lists are in order.
fn check_detail(scene: &Scene, payment: &Payment, data: &[u8]) -> Result<(), Code> {
    let mut given = payment.detail(data).peekable();
    for field in &scene.detail {
        match given.next_if(|(name, _)| *name == field.name.as_str()) {
            Some((_, kind)) if kind == field.kind => {}
            None if !field.required => {}
            _ => return Err(Code::Schema),
        }
    }
    if given.next().is_none() { Ok(()) } else { Err(Code::Schema) }
}

/// Whether a seller could issue this much now: numbers and credit.
pub(super) fn grant_for<'r>(registry: &'r Registry, seller: &TaxId, fen: u64, block: Block) -> Option<&'r Grant> {
    let issuer = registry.issuer(seller);
    let has_credit = |_: &&Grant| issuer.is_none_or(|issuer| issuer.has_credit(|| month(registry, block), fen));
    registry.next_grant(seller).filter(has_credit)
}
