//! A durable block, as the writer is told of it.

use farechain_ledger::ledger;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::views;

#[pyclass(frozen, get_all, module = "farechain._core")]
pub(crate) struct Committed {
    height: u64,
    hash: Py<PyBytes>,
    time_ms: u64,
    inputs: u64,
    records: u64,
    invoices: u64,
    red_letters: u64,
    duplicates: u64,
    rejected: Py<PyDict>,
    waiting: u64,
    bytes: u64,
    decide_ns: u64,
    hash_ns: u64,
    append_ns: u64,
    index_ns: u64,
    sync_ns: u64,
}

impl Committed {
    pub(crate) fn new(py: Python<'_>, block: &ledger::Committed) -> PyResult<Self> {
        Ok(Self {
            height: block.height,
            hash: PyBytes::new(py, &block.hash).unbind(),
            time_ms: block.time_ms,
            inputs: block.inputs,
            records: block.records,
            invoices: block.invoices,
            red_letters: block.red_letters,
            duplicates: block.duplicates,
            rejected: views::by_code(py, &block.rejected)?.unbind(),
            waiting: block.waiting,
            bytes: block.bytes,
            decide_ns: block.decide_ns,
            hash_ns: block.hash_ns,
            append_ns: block.append_ns,
            index_ns: block.index_ns,
            sync_ns: block.sync_ns,
        })
    }
}
