//! Records as Python sees them: every element of a record's array under its name in `docs/format.md`.

use farechain_core::block::{self, Genesis};
use farechain_core::command::{self, InvoiceId, Rate};
use farechain_core::digest::SUITE;
use farechain_core::record::composed::{self, Loss, Part, RedLine};
use farechain_core::record::{
    ChangeRecord, ClaimedInvoice, CommandRecord, Invoice, Line, LineRedLetter, OwedRefund, PaymentRecord, Record,
    RedLetter, RefundRecord, StateRecord, Sum,
};
use farechain_core::standing::Standing;
use farechain_core::text::Text;
use farechain_ledger::outbox::state_name;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::refused;
use crate::fields::Fields;

/// How Python writes the two rates that print none.
pub(crate) const EXEMPT: &str = "EXEMPT";
/// See [`EXEMPT`].
pub(crate) const NONTAXABLE: &str = "NONTAXABLE";

#[pyfunction]
pub(crate) fn decode_record<'py>(py: Python<'py>, record: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    record_fields(py, &Record::decode(record).map_err(refused)?)
}

#[pyfunction]
pub(crate) fn decode_annex<'py>(py: Python<'py>, record: &[u8], annex: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let record = Record::decode(record).map_err(refused)?;
    let data = record.data(Some(annex)).map(|data| PyBytes::new(py, data));
    let fields = Fields::new(py).with("data", data)?;
    match record {
        Record::Claimed(_) => {
            let annex = composed::of_claim(annex).map_err(refused)?;
            let line = |line: &Line| Ok(line_fields(Fields::new(py), line)?.done());
            let payment = |part: &Part| {
                let fields = Fields::new(py).bytes("payment", &part.identity)?.bytes("data_leaf", &part.data_leaf)?;
                let fields = fields.with("line", part.line)?.with("fen", part.fen)?;
                Ok(fields.with("booked_at_ms", part.booked_at_ms)?.done())
            };
            lists(fields, &annex.lines, line, &annex.payments, payment)
        }
        Record::LineRedLetter(_) => {
            let annex = composed::of_red_letter(annex).map_err(refused)?;
            let line = |red: &RedLine| {
                Ok(line_fields(Fields::new(py), &red.line)?.with("remaining_fen", red.remaining_fen)?.done())
            };
            let payment = |loss: &Loss| {
                let fields = Fields::new(py).bytes("payment", &loss.identity)?.with("line", loss.line)?;
                Ok(fields.with("before_fen", loss.before_fen)?.with("after_fen", loss.after_fen)?.done())
            };
            lists(fields, &annex.lines, line, &annex.payments, payment)
        }
        _ => Ok(fields.done()),
    }
}

fn lists<'py, L, P>(
    fields: Fields<'py>,
    lines: &[L],
    line: impl Fn(&L) -> PyResult<Bound<'py, PyDict>>,
    payments: &[P],
    payment: impl Fn(&P) -> PyResult<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let lines: Vec<_> = lines.iter().map(line).collect::<PyResult<_>>()?;
    let payments: Vec<_> = payments.iter().map(payment).collect::<PyResult<_>>()?;
    Ok(fields.with("lines", lines)?.with("payments", payments)?.done())
}

pub(crate) fn record_fields<'py>(py: Python<'py>, record: &Record) -> PyResult<Bound<'py, PyDict>> {
    let fields = Fields::new(py).with("version", block::VERSION)?.with("kind", kind_name(record))?;
    let fields = match record {
        Record::Genesis(genesis) => genesis_fields(fields, genesis),
        Record::Invoice(invoice) => invoice_fields(fields, invoice),
        Record::RedLetter(red) => red_letter_fields(fields, red),
        Record::Payment(payment) => payment_fields(fields, payment, state_name(record)),
        Record::Refund(refund) => refund_fields(fields, refund, state_name(record)),
        Record::Claimed(invoice) => claimed_fields(fields, invoice),
        Record::LineRedLetter(red) => line_red_letter_fields(fields, red),
        Record::Owed(owed) => owed_fields(fields, owed, state_name(record)),
        Record::State(state) => state_fields(fields, state),
        Record::Change(change) => change_fields(fields, change),
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
        Record::Claimed(_) => "CLAIMED",
        Record::LineRedLetter(_) => "RED_OF_LINES",
        Record::Owed(_) => "OWED",
        Record::State(_) => "STATE",
        Record::Change(change) => command_name(change.kind),
        Record::Command(command) => command_name(command.kind),
    }
}

pub(crate) fn command_name(kind: u8) -> &'static str {
    command::kind_name(kind).unwrap_or("UNKNOWN")
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

pub(crate) fn line_fields<'py>(fields: Fields<'py>, line: &Line) -> PyResult<Fields<'py>> {
    let fields = fields.with("tax_code", line.tax_code.as_str())?;
    rate(fields, line.rate)?
        .with("quantity", line.quantity)?
        .with("net_fen", line.net_fen)?
        .with("tax_fen", line.tax_fen)?
        .with("total_fen", line.total_fen)
}

pub(crate) fn rate(fields: Fields<'_>, rate: Rate) -> PyResult<Fields<'_>> {
    match rate {
        Rate::BasisPoints(rate_bp) => fields.with("rate", rate_bp),
        Rate::Exempt => fields.with("rate", EXEMPT),
        Rate::NonTaxable => fields.with("rate", NONTAXABLE),
    }
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
        .bytes("refund_root", &refund.refund_root)?
        .with("reduced_fen", refund.reduced_fen)
}

fn claimed_fields<'py>(fields: Fields<'py>, invoice: &ClaimedInvoice) -> PyResult<Fields<'py>> {
    let fields = invoice_id(fields, "", &invoice.id)?
        .with("issued_at_ms", invoice.issued_at_ms)?
        .with("seller", invoice.seller.as_str())?;
    sum_fields(fields, &invoice.sum)?
        .with("buyer_tax_id", invoice.buyer_tax_id.as_ref().map(Text::as_str))?
        .optional_bytes("title", invoice.title.as_ref())?
        .optional_bytes("holder", invoice.holder.as_ref())?
        .bytes("lines_root", &invoice.lines_root)?
        .bytes("payments_root", &invoice.payments_root)?
        .bytes("identity", &invoice.identity)?
        .bytes("data_root", &invoice.data_root)
}

fn line_red_letter_fields<'py>(fields: Fields<'py>, red: &LineRedLetter) -> PyResult<Fields<'py>> {
    let fields =
        invoice_id(fields, "", &red.id)?.with("issued_at_ms", red.issued_at_ms)?.with("seller", red.seller.as_str())?;
    let fields = invoice_id(fields, "original_", &red.original)?.bytes("original_hash", &red.original_hash)?;
    let fields = sum_fields(fields, &red.sum)?
        .with("reason", red.reason.as_str())?
        .with("released_fen", red.released_fen)?
        .bytes("lines_root", &red.lines_root)?
        .bytes("payments_root", &red.payments_root)?
        .bytes("identity", &red.identity)?
        .bytes("data_root", &red.data_root)?;
    fields_of_standing(fields, &red.standing)
}

fn owed_fields<'py>(fields: Fields<'py>, owed: &OwedRefund, state: Option<&str>) -> PyResult<Fields<'py>> {
    let fields = fields
        .with("seller", owed.seller.as_str())?
        .with("state", state)?
        .with("refund_fen", owed.refund_fen)?
        .bytes("payment", &owed.payment)?;
    let fields = invoice_id(fields, "", &owed.original)?
        .bytes("original_hash", &owed.original_hash)?
        .bytes("identity", &owed.identity)?
        .bytes("refund_root", &owed.refund_root)?;
    fields_of_standing(fields, &owed.standing)
}

pub(crate) fn state_fields<'py>(fields: Fields<'py>, state: &StateRecord) -> PyResult<Fields<'py>> {
    fields.bytes("root", &state.root)?.with("count", state.count)?.with("height", state.height)
}

fn change_fields<'py>(fields: Fields<'py>, change: &ChangeRecord) -> PyResult<Fields<'py>> {
    let fields = invoice_id(fields.bytes("kid", &change.kid)?, "", &change.invoice)?
        .bytes("original_hash", &change.invoice_hash)?
        .bytes("identity", &change.identity)?
        .bytes("data_root", &change.data_root)?;
    fields_of_standing(fields, &change.standing)
}

fn invoice_id<'py>(fields: Fields<'py>, prefix: &str, id: &InvoiceId) -> PyResult<Fields<'py>> {
    fields.with(&format!("{prefix}code"), id.code.as_str())?.with(&format!("{prefix}number"), id.number)
}

fn sum_fields<'py>(fields: Fields<'py>, sum: &Sum) -> PyResult<Fields<'py>> {
    fields.with("net_fen", sum.net_fen)?.with("tax_fen", sum.tax_fen)?.with("total_fen", sum.total_fen)
}

fn fields_of_standing<'py>(fields: Fields<'py>, standing: &Standing) -> PyResult<Fields<'py>> {
    let of_it = standing_fields(fields.py(), standing)?;
    fields.with("standing", of_it)
}

/// Where an invoice stands, under the names of `docs/format.md`.
pub(crate) fn standing_fields<'py>(py: Python<'py>, standing: &Standing) -> PyResult<Bound<'py, PyDict>> {
    let fields = Fields::new(py)
        .with("fiscal", standing.fiscal.as_str())?
        .with("claim", standing.claim.as_str())?
        .with("use", standing.deduction.as_str())?
        .with("frozen", standing.frozen)?
        .with("remaining_fen", standing.remaining_fen)?
        .optional_bytes("holder", standing.holder.as_ref())?
        .with("locker", standing.locker.as_ref().map(Text::as_str))?
        .with("claim_id", standing.claim_id.as_ref().map(Text::as_str))?
        .with("reimbursed_fen", standing.reimbursed_fen)?;
    Ok(fields.done())
}

fn command_fields<'py>(fields: Fields<'py>, command: &CommandRecord) -> PyResult<Fields<'py>> {
    fields.bytes("kid", &command.kid)?.bytes("identity", &command.identity)?.bytes("data_root", &command.data_root)
}
