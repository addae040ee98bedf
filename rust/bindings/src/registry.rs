//! The registry as dictionaries: issuers with their books, keys, mandates, grants, delegations, and what is open.

use std::collections::BTreeSet;

use farechain_core::code::is_all_digital;
use farechain_core::command::{DetailField, InvoiceId, MandateRow, Policy, RateRow, Scene, StoredValue};
use farechain_core::event::DetailType;
use farechain_core::lifecycle::{RULES, Rule};
use farechain_core::registry::{Asked, Grant, Issuer, Key, Owed, Pending, Registry, Side};
use farechain_core::standing::{Fiscal, Use};
use farechain_core::text::Text;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::fields::Fields;
use crate::records::rate;

pub(crate) fn registry<'py>(py: Python<'py>, registry: &Registry) -> PyResult<Bound<'py, PyDict>> {
    let issuers: Vec<_> = registry
        .issuers()
        .iter()
        .map(|(tax_id, it)| issuer(py, registry, tax_id.as_str(), it))
        .collect::<PyResult<_>>()?;
    let keys: Vec<_> = registry.keys().map(|(kid, it)| key(py, kid, it)).collect::<PyResult<_>>()?;
    let grants: Vec<_> = registry.grants().iter().map(|it| grant(py, it)).collect::<PyResult<_>>()?;
    let pending: Vec<_> = registry.all_pending().map(|(id, it)| request(py, id, it)).collect::<PyResult<_>>()?;
    let owed: Vec<_> = registry.all_owed().map(|(id, it)| reversal(py, id, it)).collect::<PyResult<_>>()?;
    let delegations: Vec<_> = registry
        .delegations()
        .map(|(seller, agent, it)| {
            let scenes: Vec<_> = it.scenes.iter().map(Text::as_str).collect();
            let fields = Fields::new(py).with("seller", seller.as_str())?.with("agent", agent.as_str())?;
            Ok(fields.with("scenes", scenes)?.with("to_height", open_end(it.to_height))?.done())
        })
        .collect::<PyResult<_>>()?;
    let waiting: Vec<_> = registry.all_waiting().map(|(seller, count)| (seller.as_str().to_owned(), count)).collect();
    let scenes: Vec<_> = registry.scenes().map(|it| scene(py, it)).collect::<PyResult<_>>()?;
    let rates: Vec<_> = registry.rates().iter().map(|it| rate_row(py, it)).collect::<PyResult<_>>()?;
    let individuals: Vec<_> = registry.individuals().map(Text::as_str).collect();
    let fields = Fields::new(py).with("issuers", issuers)?.with("keys", keys)?.with("grants", grants)?;
    Ok(fields
        .with("scenes", scenes)?
        .with("rates", rates)?
        .with("accept_individuals", individuals)?
        .with("requests", pending)?
        .with("owed", owed)?
        .with("delegations", delegations)?
        .with("waiting", waiting)?
        .done())
}

fn open_end(height: u64) -> Option<u64> {
    (height != u64::MAX).then_some(height)
}

fn issuer<'py>(py: Python<'py>, registry: &Registry, tax_id: &str, issuer: &Issuer) -> PyResult<Bound<'py, PyDict>> {
    let months = PyDict::new(py);
    let all: BTreeSet<u32> = issuer.months.keys().chain(issuer.declared.keys()).copied().collect();
    for month in &all {
        let (books, declared) = (issuer.books_of(*month), issuer.declared.get(month));
        let acknowledged = declared.map(|declared| declared.acknowledged);
        let fields = Fields::new(py)
            .with("invoiced_fen", books.invoiced_fen)?
            .with("uninvoiced_fen", books.uninvoiced_fen)?
            .with("red_fen", books.red_fen)?
            .with("to_declare", books.to_declare())?
            .with("declared", declared.map(|declared| declared.fen))?
            .with("acknowledged", acknowledged)?;
        months.set_item(period(*month), fields.done())?;
    }
    let mandate = registry.mandate_of(tax_id).iter().map(|row| mandate_row(py, row)).collect::<PyResult<Vec<_>>>()?;
    Ok(Fields::new(py)
        .with("tax_id", tax_id)?
        .with("name", issuer.name.as_str())?
        .with("credit_limit_fen", issuer.credit_limit_fen)?
        .with("issued_fen", issuer.issued_fen)?
        .with("applied_for", issuer.applied_for)?
        .with("mandate", mandate)?
        .with("months", months)?
        .done())
}

/// `2026-03`.
fn period(month: u32) -> String {
    format!("{:04}-{:02}", month / 12, month % 12 + 1)
}

fn mandate_row<'py>(py: Python<'py>, row: &MandateRow) -> PyResult<Bound<'py, PyDict>> {
    let policy = if row.policy == Policy::Auto { "AUTO" } else { "ON_CLAIM" };
    let stored_value = if row.stored_value == StoredValue::AtRide { "AT_RIDE" } else { "AT_TOPUP" };
    let fields = Fields::new(py).with("scene", row.scene.as_str())?.with("policy", policy)?;
    let fields = fields.with("stored_value", stored_value)?.with("tax_code", row.tax_code.as_str())?;
    Ok(rate(fields, row.rate)?.done())
}

fn scene<'py>(py: Python<'py>, scene: &Scene) -> PyResult<Bound<'py, PyDict>> {
    let field = |field: &DetailField| {
        let kind = if field.kind == DetailType::Text { "TEXT" } else { "INTEGER" };
        let fields = Fields::new(py).with("name", field.name.as_str())?.with("type", kind)?;
        Ok(fields.with("required", field.required)?.done())
    };
    let detail: Vec<_> = scene.detail.iter().map(field).collect::<PyResult<_>>()?;
    let fields = Fields::new(py).with("code", scene.code.as_str())?.with("name", scene.name.as_str())?;
    Ok(fields.with("detail", detail)?.done())
}

fn rate_row<'py>(py: Python<'py>, row: &RateRow) -> PyResult<Bound<'py, PyDict>> {
    let fields = Fields::new(py).with("scene", row.scene.as_str())?.with("tax_code", row.tax_code.as_str())?;
    let fields = rate(fields, row.rate)?.with("from_day", row.from_day)?;
    Ok(fields.with("to_day", (row.to_day != i32::MAX).then_some(row.to_day))?.done())
}

pub(crate) fn key<'py>(py: Python<'py>, kid: &[u8; 16], key: &Key) -> PyResult<Bound<'py, PyDict>> {
    let scenes: Vec<_> = key.scenes.iter().map(Text::as_str).collect();
    Ok(Fields::new(py)
        .bytes("kid", kid)?
        .bytes("public_key", key.public_key.as_bytes())?
        .with("role", key.role.as_str())?
        .with("tax_id", key.tax_id.as_str())?
        .with("scenes", scenes)?
        .with("from_height", key.from_height)?
        .with("to_height", open_end(key.to_height))?
        .with("retired_ms", key.retired_ms)?
        .with("revoked", key.revoked)?
        .with("admitted_ms", key.admitted_ms)?
        .optional_bytes("successor", key.successor.as_ref())?
        .done())
}

fn grant<'py>(py: Python<'py>, grant: &Grant) -> PyResult<Bound<'py, PyDict>> {
    Ok(Fields::new(py)
        .with("code", grant.code.as_str())?
        .with("all_digital", is_all_digital(&grant.code))?
        .with("from", grant.from)?
        .with("to", grant.to)?
        .with("next", grant.next)?
        .with("tax_id", grant.tax_id.as_ref().map(Text::as_str))?
        .with("closed", grant.closed)?
        .done())
}

fn request<'py>(py: Python<'py>, id: &InvoiceId, pending: &Pending) -> PyResult<Bound<'py, PyDict>> {
    let (asked, of) = match &pending.asked {
        Asked::All => ("ALL", &[][..]),
        Asked::Payments(payments) => ("PAYMENTS", &payments[..]),
        Asked::Owed(refunds) => ("OWED", &refunds[..]),
    };
    let of: Vec<_> = of.iter().map(|digest| PyBytes::new(py, digest)).collect();
    let side = if pending.side == Side::Seller { "SELLER" } else { "REIMBURSER" };
    let fields = Fields::new(py).with("code", id.code.as_str())?.with("number", id.number)?;
    let fields = fields.with("side", side)?.with("reason", pending.reason.as_str())?.with("asked", asked)?;
    Ok(fields.with("of", of)?.with("since_ms", pending.since_ms)?.done())
}

fn reversal<'py>(py: Python<'py>, id: &InvoiceId, owed: &Owed) -> PyResult<Bound<'py, PyDict>> {
    let fields = Fields::new(py).with("code", id.code.as_str())?.with("number", id.number)?;
    let fields = fields.bytes("refund", &owed.refund)?.bytes("payment", &owed.payment)?;
    Ok(fields.with("fen", owed.fen)?.with("since_ms", owed.since_ms)?.done())
}

#[pyfunction]
pub(crate) fn lifecycle_rules(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let rule = |rule: &Rule| {
        let claim: Vec<_> = rule.claim.iter().map(|claim| claim.as_str()).collect();
        let fields = Fields::new(py).with("name", rule.name)?.with("signers", rule.signers)?;
        let fields = fields.with("fiscal", rule.fiscal.map(Fiscal::as_str))?.with("claim", claim)?;
        let fields = fields.with("use", rule.deduction.map(Use::as_str))?.with("frozen", rule.frozen)?;
        Ok(fields.with("also", rule.also)?.with("after", rule.after)?.done())
    };
    RULES.iter().map(rule).collect()
}
