//! Orders about invoices: claims, titles, holders, locks, postings, red letters; and batches of them.

use alloc::vec::Vec;

use crate::code;
use crate::command::decode::{Body, nullable, number, period, rows, tax_id};
use crate::command::lifecycle::{MAX_ORDERS, all_differ};
use crate::command::{Buyer, Change, ClaimedPayment, InvoiceId, Order, RedReason, Scope};
use crate::error::Code;
use crate::event::fields::{amount, any, bounded, exactly, hex, member, text, visible};
use crate::json::Value;

/// The kinds that may stand alone or in a batch.
pub(super) fn order(kind: &[u8], body: &Body<'_>) -> Result<Order, Code> {
    match kind {
        b"CLAIM" => claim(body),
        b"RETITLE" => retitle(body),
        b"BIND" => bind(body),
        b"TRANSFER" => transfer(body),
        b"LOCK" => lock(body),
        b"UNLOCK" => unlock(body),
        b"REIMBURSE" => reimburse(body),
        b"CONFIRM_USE" => alone(body, Change::ConfirmUse),
        b"POST" => post(body),
        b"UNPOST" => alone(body, Change::Unpost),
        b"RED_ISSUE" => red_issue(body),
        b"RED_REQUEST" => red_request(body),
        b"RED_CONFIRM" => alone(body, Change::RedConfirm),
        b"RED_REFUSE" => alone(body, Change::RedRefuse),
        b"RED_WITHDRAW" => alone(body, Change::RedWithdraw),
        b"RED_EXPIRE" => alone(body, Change::RedExpire),
        b"FREEZE" => freeze(body),
        b"UNFREEZE" => alone(body, Change::Unfreeze),
        _ => Err(Code::Schema),
    }
}

pub(super) fn batch(body: &Body<'_>) -> Result<Order, Code> {
    let [value] = body.exactly(["orders"])?;
    let count = value.items().ok_or(Code::Schema)?.take(MAX_ORDERS + 1).count();
    if !(1..=MAX_ORDERS).contains(&count) {
        return Err(Code::Schema);
    }
    let orders = rows(value, |object| order(text(member(object, "kind")?)?, &Body { object, besides: &["kind"] }))?;
    Ok(Order::Batch { orders })
}

fn invoice(code: Value<'_>, at: Value<'_>) -> Result<InvoiceId, Code> {
    Ok(InvoiceId { code: code::check(text(code)?)?, number: number(at)? })
}

fn buyer([kind, id, title, holder]: [Value<'_>; 4]) -> Result<Buyer, Code> {
    let organization = match text(kind)? {
        b"INDIVIDUAL" => false,
        b"ORGANIZATION" => true,
        _ => return Err(Code::Schema),
    };
    let buyer = Buyer { tax_id: nullable(id, tax_id)?, title: nullable(title, hex)?, holder: nullable(holder, hex)? };
    if organization && (buyer.tax_id.is_none() || buyer.title.is_none()) {
        Err(Code::TitleRequired)
    } else if !organization && buyer.tax_id.is_some() {
        Err(Code::Schema)
    } else {
        Ok(buyer)
    }
}

fn claim(body: &Body<'_>) -> Result<Order, Code> {
    let [kind, id, title, holder, payments] = body.exactly(["buyer", "buyer_tax_id", "title", "holder", "payments"])?;
    let buyer = buyer([kind, id, title, holder])?;
    let payments: Vec<ClaimedPayment> = rows(payments, |payment| {
        let [identity, opening] = exactly(payment, &[], ["payment", "opening"])?;
        Ok(ClaimedPayment { identity: hex(identity)?, opening: nullable(opening, hex)? })
    })?;
    let once = !payments.is_empty() && all_differ(payments.iter().map(|payment| &payment.identity));
    if once { Ok(Order::Claim { buyer, payments }) } else { Err(Code::Schema) }
}

fn retitle(body: &Body<'_>) -> Result<Order, Code> {
    let names = ["code", "number", "buyer", "buyer_tax_id", "title", "holder"];
    let [code, number, kind, id, title, holder] = body.exactly(names)?;
    Ok(Order::Retitle { invoice: invoice(code, number)?, buyer: buyer([kind, id, title, holder])? })
}

/// The kinds that say nothing but the invoice.
fn alone(body: &Body<'_>, change: Change) -> Result<Order, Code> {
    let [code, number] = body.exactly(["code", "number"])?;
    Ok(Order::Change { invoice: invoice(code, number)?, change })
}

fn bind(body: &Body<'_>) -> Result<Order, Code> {
    let [code, number, opening, holder] = body.exactly(["code", "number", "opening", "holder"])?;
    let invoice = invoice(code, number)?;
    let change = Change::Bind { opening: nullable(opening, hex)?, holder: hex(holder)? };
    Ok(Order::Change { invoice, change })
}

fn transfer(body: &Body<'_>) -> Result<Order, Code> {
    let [code, number, holder] = body.exactly(["code", "number", "holder"])?;
    let invoice = invoice(code, number)?;
    Ok(Order::Change { invoice, change: Change::Transfer { holder: hex(holder)? } })
}

fn lock(body: &Body<'_>) -> Result<Order, Code> {
    let [code, number, claim_id, presentation] = body.exactly(["code", "number", "claim_id", "presentation"])?;
    let invoice = invoice(code, number)?;
    let change = Change::Lock { claim_id: bounded(claim_id, 1, visible)?, presentation: nullable(presentation, hex)? };
    Ok(Order::Change { invoice, change })
}

fn unlock(body: &Body<'_>) -> Result<Order, Code> {
    let [code, number, claim_id] = body.exactly(["code", "number", "claim_id"])?;
    let invoice = invoice(code, number)?;
    Ok(Order::Change { invoice, change: Change::Unlock { claim_id: bounded(claim_id, 1, visible)? } })
}

fn reimburse(body: &Body<'_>) -> Result<Order, Code> {
    let [code, number, claim_id, fen] = body.exactly(["code", "number", "claim_id", "amount_fen"])?;
    let invoice = invoice(code, number)?;
    let claim_id = bounded(claim_id, 1, visible)?;
    match amount(fen)? {
        0 => Err(Code::Schema),
        amount_fen => Ok(Order::Change { invoice, change: Change::Reimburse { claim_id, amount_fen } }),
    }
}

fn post(body: &Body<'_>) -> Result<Order, Code> {
    let [code, number, voucher, month] = body.exactly(["code", "number", "voucher", "period"])?;
    let invoice = invoice(code, number)?;
    let change = Change::Post { voucher: bounded(voucher, 1, visible)?, period: period(month)? };
    Ok(Order::Change { invoice, change })
}

fn red_issue(body: &Body<'_>) -> Result<Order, Code> {
    let (invoice, reason, scope) = red(body)?;
    if scope == Scope::Owed {
        return Err(Code::Schema);
    }
    Ok(Order::Change { invoice, change: Change::RedIssue { reason, scope } })
}

fn red_request(body: &Body<'_>) -> Result<Order, Code> {
    let (invoice, reason, scope) = red(body)?;
    Ok(Order::Change { invoice, change: Change::RedRequest { reason, scope } })
}

fn red(body: &Body<'_>) -> Result<(InvoiceId, RedReason, Scope), Code> {
    let [code, number, reason, payments] = body.exactly(["code", "number", "reason", "payments"])?;
    let invoice = invoice(code, number)?;
    let reason = match text(reason)? {
        b"ISSUE_ERROR" => RedReason::IssueError,
        b"SALES_RETURN" => RedReason::SalesReturn,
        b"SERVICE_SUSPENSION" => RedReason::ServiceSuspension,
        b"SALES_DISCOUNT" => RedReason::SalesDiscount,
        _ => return Err(Code::Schema),
    };
    let scope = match nullable(payments, |payments| rows(payments, hex))? {
        None => Scope::All,
        Some(payments) if payments.is_empty() => Scope::Owed,
        Some(payments) if all_differ(payments.iter()) => Scope::Payments(payments),
        Some(_) => return Err(Code::Schema),
    };
    Ok((invoice, reason, scope))
}

fn freeze(body: &Body<'_>) -> Result<Order, Code> {
    let [code, number, note] = body.exactly(["code", "number", "note"])?;
    let invoice = invoice(code, number)?;
    Ok(Order::Change { invoice, change: Change::Freeze { note: bounded(note, 1, any)? } })
}
