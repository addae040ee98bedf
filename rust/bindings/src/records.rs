//! Records as Python sees them: every element of a record's array under its name in `docs/format.md`.

use farechain_core::block::{self, Genesis};
use farechain_core::command::Rate;
use farechain_core::digest::SUITE;
use farechain_core::record::{CommandRecord, Invoice, Line, PaymentRecord, Record, RedLetter, RefundRecord};
use farechain_ledger::outbox::state_name;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::refused;
use crate::fields::Fields;

/// How Python writes the two rates that print none.
pub(crate) const EXEMPT: &str = "EXEMPT";
/// See [`EXEMPT`].
pub(crate) const NONTAXABLE: &str = "NONTAXABLE";

/// The commands by number, from 16 on (`docs/format.md`, section 2).
const COMMANDS: [&str; 9] = [
    "ADMIT_ISSUER",
    "REGISTER_KEY",
    "ROTATE_KEY",
    "RETIRE_KEY",
    "SCENE_TABLE",
    "RATE_TABLE",
    "MANDATE",
    "GRANT_NUMBERS",
    "CLOSE_GRANT",
];
const FIRST_COMMAND: u8 = 16;

#[pyfunction]
pub(crate) fn decode_record<'py>(py: Python<'py>, record: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    record_fields(py, &Record::decode(record).map_err(refused)?)
}

pub(crate) fn record_fields<'py>(py: Python<'py>, record: &Record) -> PyResult<Bound<'py, PyDict>> {
    let fields = Fields::new(py).with("version", block::VERSION)?.with("kind", kind_name(record))?;
    let fields = match record {
        Record::Genesis(genesis) => genesis_fields(fields, genesis),
        Record::Invoice(invoice) => invoice_fields(fields, invoice),
        Record::RedLetter(red) => red_letter_fields(fields, red),
        Record::Payment(payment) => payment_fields(fields, payment, state_name(record)),
        Record::Refund(refund) => refund_fields(fields, refund, state_name(record)),
        Record::Command(command) => command_fields(fields, command),
    }?;
    Ok(fields.done())
}

fn kind_name(record: &Record) -> &'static str {
    match record {
        Record::Genesis(_) => "GENESIS",
        Record::Invoice(_) => "BLUE",
        Record::RedLetter(_) => "RED",
        Record::Payment(_) => "PAYMENT",
        Record::Refund(_) => "REFUND",
        Record::Command(command) => command_name(command.kind),
    }
}

pub(crate) fn command_name(kind: u8) -> &'static str {
    COMMANDS.get(usize::from(kind.wrapping_sub(FIRST_COMMAND))).copied().unwrap_or("UNKNOWN")
}

fn genesis_fields<'py>(fields: Fields<'py>, genesis: &Genesis) -> PyResult<Fields<'py>> {
    let py = fields.py();
    let sources: Vec<_> = genesis
        .sources
        .iter()
        .map(|source| (source.topic.as_str(), PyBytes::new(py, &source.topic_id), source.partition))
        .collect();
    fields
        .with("suite", SUITE)?
        .with("network", &genesis.network)?
        .with("chain", &genesis.chain)?
        .with("utc_offset_min", genesis.utc_offset_min)?
        .bytes("bureau", &genesis.bureau)?
        .with("drain_max", genesis.drain_max)?
        .with("regions", &genesis.regions)?
        .with("sources", sources)
}

fn line_fields<'py>(fields: Fields<'py>, line: &Line) -> PyResult<Fields<'py>> {
    let fields = fields.with("tax_code", line.tax_code.as_str())?;
    match line.rate {
        Rate::BasisPoints(rate_bp) => fields.with("rate", rate_bp),
        Rate::Exempt => fields.with("rate", EXEMPT),
        Rate::NonTaxable => fields.with("rate", NONTAXABLE),
    }?
    .with("quantity", line.quantity)?
    .with("net_fen", line.net_fen)?
    .with("tax_fen", line.tax_fen)?
    .with("total_fen", line.total_fen)
}

fn invoice_fields<'py>(fields: Fields<'py>, invoice: &Invoice) -> PyResult<Fields<'py>> {
    let fields = fields
        .with("code", invoice.code.as_str())?
        .with("number", invoice.number)?
        .with("issued_at_ms", invoice.issued_at_ms)?
        .with("seller", invoice.seller.as_str())?
        .with("scene", invoice.scene.as_str())?;
    line_fields(fields, &invoice.line)?
        .with("paid_fen", invoice.paid_fen)?
        .with("dated_at_ms", invoice.dated_at_ms)?
        .with("flags", invoice.flags)?
        .bytes("identity", &invoice.identity)?
        .bytes("payments_root", &invoice.payments_root)?
        .optional_bytes("payer", invoice.payer.as_ref())
}

fn red_letter_fields<'py>(fields: Fields<'py>, red: &RedLetter) -> PyResult<Fields<'py>> {
    let fields = fields
        .with("code", red.code.as_str())?
        .with("number", red.number)?
        .with("issued_at_ms", red.issued_at_ms)?
        .with("seller", red.seller.as_str())?
        .with("original_code", red.original_code.as_str())?
        .with("original_number", red.original_number)?
        .bytes("original_hash", &red.original_hash)?;
    line_fields(fields, &red.line)?
        .with("remaining_fen", red.remaining_fen)?
        .bytes("identity", &red.identity)?
        .bytes("refund_root", &red.refund_root)
}

fn payment_fields<'py>(fields: Fields<'py>, payment: &PaymentRecord, state: Option<&str>) -> PyResult<Fields<'py>> {
    fields
        .with("seller", payment.seller.as_str())?
        .with("scene", payment.scene.as_str())?
        .with("topped_up", payment.topped_up)?
        .with("state", state)?
        .with("paid_fen", payment.paid_fen)?
        .with("invoiceable_fen", payment.invoiceable_fen)?
        .with("dated_at_ms", payment.dated_at_ms)?
        .with("flags", payment.flags)?
        .bytes("identity", &payment.identity)?
        .bytes("payments_root", &payment.payments_root)?
        .optional_bytes("payer", payment.payer.as_ref())
}

fn refund_fields<'py>(fields: Fields<'py>, refund: &RefundRecord, state: Option<&str>) -> PyResult<Fields<'py>> {
    fields
        .with("seller", refund.seller.as_str())?
        .with("state", state)?
        .with("refund_fen", refund.refund_fen)?
        .bytes("payment", &refund.payment)?
        .bytes("identity", &refund.identity)?
        .bytes("refund_root", &refund.refund_root)
}

fn command_fields<'py>(fields: Fields<'py>, command: &CommandRecord) -> PyResult<Fields<'py>> {
    fields.bytes("kid", &command.kid)?.bytes("identity", &command.identity)?.bytes("data_root", &command.data_root)
}
