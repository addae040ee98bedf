//! Status, blocks and invoices as dictionaries.

use std::collections::BTreeMap;

use farechain_core::block::{Genesis, SourceRange};
use farechain_core::decide::{LineNow, PaymentNow};
use farechain_core::error::Code;
use farechain_core::input::Kid;
use farechain_core::lifecycle;
use farechain_core::outcome::{Location, Outcome, Verdict};
use farechain_core::record::composed::Part;
use farechain_ledger::ledger::{BlockView, InvoiceParts, InvoiceView, StateStatus, Status};
use farechain_ledger::outbox::{payment_state_name, verdict_name};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::codecs::header_fields;
use crate::fields::Fields;
use crate::records::{line_fields, record_fields, standing_fields, state_fields};

/// The verdicts by their names here, in the order of `Counts::verdicts`.
const VERDICTS: [&str; 7] = ["issued", "recorded", "reversed", "applied", "drained", "duplicates", "rejected"];

pub(crate) fn status<'py>(py: Python<'py>, status: &Status) -> PyResult<Bound<'py, PyDict>> {
    let counts = &status.counts;
    let mut fields = Fields::new(py)
        .with("height", status.height)?
        .bytes("head", &status.head)?
        .with("time_ms", status.time_ms)?
        .with("waiting", status.waiting)?
        .with("blocks", counts.blocks)?
        .with("bytes", counts.bytes)?
        .with("records", counts.records)?
        .with("inputs", counts.inputs())?
        .with("invoices", counts.invoices)?
        .with("red_letters", counts.red_letters)?
        .with("blue_fen", counts.blue_fen)?
        .with("red_fen", counts.red_fen)?
        .with("rejected", by_code(py, &counts.rejected_by_code())?)?;
    for (name, count) in VERDICTS.iter().zip(counts.verdicts) {
        if *name != "rejected" {
            fields = fields.with(name, count)?;
        }
    }
    let curve: Vec<[u32; 2]> = (0u32..).zip(counts.curve).filter(|(_, n)| *n > 0).map(<[u32; 2]>::from).collect();
    Ok(fields.with("curve_day", counts.curve_day)?.with("curve", curve)?.done())
}

pub(crate) fn state_status<'py>(py: Python<'py>, status: &StateStatus) -> PyResult<Bound<'py, PyDict>> {
    let committed = status.committed.map(|(location, said)| {
        let fields = Fields::new(py).with("block", location.height)?;
        PyResult::Ok(state_fields(fields, &said)?.done())
    });
    Ok(Fields::new(py)
        .with("applied", status.applied)?
        .with("keys", status.keys)?
        .with("committed", committed.transpose()?)?
        .with("due", status.is_due)?
        .done())
}

pub(crate) fn by_code<'py>(py: Python<'py>, counts: &[(Code, u64)]) -> PyResult<Bound<'py, PyDict>> {
    counts.iter().try_fold(Fields::new(py), |fields, (code, count)| fields.with(code.as_str(), count)).map(Fields::done)
}

pub(crate) fn block<'py>(py: Python<'py>, genesis: &Genesis, block: &BlockView) -> PyResult<Bound<'py, PyDict>> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for outcome in &block.outcomes {
        *counts.entry(verdict(&outcome.verdict)).or_default() += 1;
    }
    let ranges: Vec<_> = block.ranges.iter().map(|range| range_fields(py, genesis, range)).collect::<PyResult<_>>()?;
    let outcomes: Vec<_> =
        block.outcomes.iter().map(|outcome| outcome_fields(py, genesis, outcome)).collect::<PyResult<_>>()?;
    let fields = header_fields(py, &block.header)?;
    fields.set_item("header", PyBytes::new(py, &block.header_bytes))?;
    fields.set_item("hash", PyBytes::new(py, &block.hash))?;
    fields.set_item("counts", counts)?;
    fields.set_item("ranges", ranges)?;
    fields.set_item("outcomes", outcomes)?;
    Ok(fields)
}

/// The name of a verdict; the engine's own has one here, too.
fn verdict(verdict: &Verdict) -> &'static str {
    verdict_name(verdict).unwrap_or("DRAINED")
}

fn partition<'py>(fields: Fields<'py>, genesis: &Genesis, source: u16) -> PyResult<Fields<'py>> {
    let partition = genesis.sources.get(usize::from(source));
    fields
        .with("topic", partition.map(|partition| partition.topic.as_str()))?
        .with("partition", partition.map(|partition| partition.partition))
}

fn range_fields<'py>(py: Python<'py>, genesis: &Genesis, range: &SourceRange) -> PyResult<Bound<'py, PyDict>> {
    Ok(partition(Fields::new(py).with("source", range.source)?, genesis, range.source)?
        .with("first_offset", range.first_offset)?
        .with("next_offset", range.next_offset)?
        .bytes("last_digest", &range.last_digest)?
        .done())
}

fn outcome_fields<'py>(py: Python<'py>, genesis: &Genesis, outcome: &Outcome) -> PyResult<Bound<'py, PyDict>> {
    let (code, first) = match outcome.verdict {
        Verdict::Rejected(code) => (Some(code.as_str()), None),
        Verdict::Duplicate(location) => (None, Some((location.height, location.index))),
        _ => (None, None),
    };
    Ok(partition(Fields::new(py).with("source", outcome.source)?, genesis, outcome.source)?
        .with("offset", outcome.offset)?
        .with("timestamp_ms", outcome.timestamp_ms)?
        .with("verdict", verdict(&outcome.verdict))?
        .with("code", code)?
        .with("first", first)?
        .with("first_record", outcome.first_record)?
        .with("record_count", outcome.record_count)?
        .bytes("digest", &outcome.digest)?
        .done())
}

pub(crate) fn invoice<'py>(py: Python<'py>, invoice: &InvoiceView) -> PyResult<Bound<'py, PyDict>> {
    let hash = invoice.hash;
    // The last five hex digits.
    let check_code = format!("{:x}{:02x}{:02x}", hash[29] & 15, hash[30], hash[31]);
    let fields = Fields::new(py)
        .with("height", invoice.location.height)?
        .with("index", invoice.location.index)?
        .bytes("record", &invoice.bytes)?
        .with("fields", record_fields(py, &invoice.record)?)?
        .bytes("hash", &hash)?
        .with("check_code", check_code)?
        .with("remaining_fen", invoice.standing.map_or(0, |standing| standing.remaining_fen))?
        .with("fiscal", invoice.standing.map_or("ISSUED", |standing| standing.fiscal.as_str()))?;
    let standing = invoice.standing.map(|standing| standing_fields(py, &standing)).transpose()?;
    let allowed = invoice.standing.map(|standing| lifecycle::allowed(&standing)).unwrap_or_default();
    let (latest, time_ms) = invoice.latest;
    let latest = (latest.height, latest.index, time_ms);
    Ok(fields.with("standing", standing)?.with("allowed", allowed)?.with("latest", latest)?.done())
}

pub(crate) fn invoice_parts<'py>(py: Python<'py>, parts: &InvoiceParts) -> PyResult<Bound<'py, PyDict>> {
    let line =
        |now: &LineNow| Ok(line_fields(Fields::new(py), &now.line)?.with("remaining_fen", now.remaining_fen)?.done());
    let part = |(live_fen, part): &(u64, Part)| {
        let fields = Fields::new(py).bytes("payment", &part.identity)?.bytes("data_leaf", &part.data_leaf)?;
        let fields = fields.with("line", part.line)?.with("fen", part.fen)?.with("live_fen", live_fen)?;
        Ok(fields.with("booked_at_ms", part.booked_at_ms)?.done())
    };
    let lines: Vec<_> = parts.lines.iter().map(line).collect::<PyResult<_>>()?;
    let payments: Vec<_> = parts.parts.iter().map(part).collect::<PyResult<_>>()?;
    Ok(Fields::new(py).with("lines", lines)?.with("payments", payments)?.done())
}

pub(crate) fn payment<'py>(
    py: Python<'py>,
    payment: &PaymentNow,
    left_fen: u64,
    first: Location,
) -> PyResult<Bound<'py, PyDict>> {
    let invoice = payment.live.map(|live| (live.invoice.code.as_str().to_owned(), live.invoice.number));
    let fields = Fields::new(py)
        .with("height", first.height)?
        .with("index", first.index)?
        .with("seller", payment.seller.as_str())?
        .with("scene", payment.scene.as_str())?
        .with("topped_up", payment.topped_up)?
        .with("state", payment.state.map(payment_state_name))?
        .with("paid_fen", payment.paid_fen)?
        .with("invoiceable_fen", payment.invoiceable_fen)?
        .with("uninvoiced_fen", left_fen)?
        .with("dated_at_ms", payment.dated_at_ms)?
        .with("flags", payment.flags)?
        .bytes("payments_root", &payment.payments_root)?
        .optional_bytes("payer", payment.payer.as_ref())?
        .with("invoice", invoice)?
        .with("live_fen", payment.live.map_or(0, |live| live.fen))?;
    Ok(fields.done())
}

/// A key's id as headers have it.
pub(crate) fn hex(kid: Kid) -> String {
    kid.iter().fold(String::with_capacity(32), |text, byte| text + &format!("{byte:02x}"))
}

pub(crate) fn optional<'py>(py: Python<'py>, bytes: Option<&[u8]>) -> Option<Bound<'py, PyBytes>> {
    bytes.map(|bytes| PyBytes::new(py, bytes))
}
