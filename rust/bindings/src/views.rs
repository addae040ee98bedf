//! Status, blocks and invoices as dictionaries.

use std::collections::BTreeMap;

use farechain_core::block::{Genesis, SourceRange};
use farechain_core::error::Code;
use farechain_core::outcome::{Outcome, Verdict};
use farechain_core::record::Record;
use farechain_ledger::ledger::{BlockView, InvoiceView, Status};
use farechain_ledger::outbox::verdict_name;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::codecs::header_fields;
use crate::fields::Fields;
use crate::records::record_fields;

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
    let reversed = matches!(invoice.record, Record::Invoice(_)) && invoice.remaining_fen == 0;
    let hash = invoice.hash;
    // The last five hex digits.
    let check_code = format!("{:x}{:02x}{:02x}", hash[29] & 15, hash[30], hash[31]);
    Ok(Fields::new(py)
        .with("height", invoice.location.height)?
        .with("index", invoice.location.index)?
        .bytes("record", &invoice.bytes)?
        .with("fields", record_fields(py, &invoice.record)?)?
        .bytes("hash", &hash)?
        .with("check_code", check_code)?
        .with("remaining_fen", invoice.remaining_fen)?
        .with("fiscal", if reversed { "REVERSED" } else { "ISSUED" })?
        .done())
}
