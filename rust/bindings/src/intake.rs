//! Inputs on their way to a block: fetched, sealed, prepared. Each batch is used once, in the order of sealing.

use std::sync::{Mutex, PoisonError};

use farechain_ledger::intake::SourceRecord as Record;
use farechain_ledger::kafka_batch::{Aborted, Fetched};
use farechain_ledger::prepare::PrepareTimes;
use farechain_ledger::{batch, intake, kafka_batch};
use pyo3::prelude::*;
use pyo3::types::PyBytesMethods;

use crate::codecs::SourceRecord;
use crate::errors::{batch_error, ledger_error};

/// The offset after the last whole batch of a fetch; where a batch makes no sense, the offset before it.
#[pyfunction]
pub(crate) fn end_of_batches(data: &[u8], fetch_offset: u64) -> u64 {
    Fetched { bytes: data, offset: fetch_offset, aborted: &[] }.next_offset()
}

#[pyclass(module = "farechain._core")]
pub(crate) struct Intake {
    inner: intake::Intake,
    sources: usize,
}

impl Intake {
    pub(crate) fn new(inner: intake::Intake, sources: usize) -> Self {
        Self { inner, sources }
    }

    fn known(&self, source: u16) -> PyResult<u16> {
        let there = usize::from(source) < self.sources;
        there.then_some(source).ok_or_else(|| ledger_error("invalid", format!("genesis lists no source {source}")))
    }
}

#[pymethods]
impl Intake {
    #[getter]
    fn pending(&self) -> usize {
        self.inner.pending()
    }

    #[getter]
    fn pending_bytes(&self) -> usize {
        self.inner.pending_bytes()
    }

    #[getter]
    fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    #[getter]
    fn dropped(&self) -> u64 {
        self.inner.dropped()
    }

    fn expected(&self, source: u16) -> PyResult<u64> {
        self.known(source).map(|source| self.inner.expected(source))
    }

    fn push_raw(
        &mut self,
        py: Python<'_>,
        source: u16,
        data: &[u8],
        fetch_offset: u64,
        aborted: Vec<Aborted>,
    ) -> PyResult<usize> {
        let source = self.known(source)?;
        let fetched = Fetched { bytes: data, offset: fetch_offset, aborted: &aborted };
        py.detach(|| self.inner.push_raw(source, fetched)).map_err(|error| batch_error(&error))
    }

    #[pyo3(signature = (source, records, next_offset, *, ahead=false))]
    fn push_records(
        &mut self,
        py: Python<'_>,
        source: u16,
        records: Vec<SourceRecord<'_>>,
        next_offset: Option<u64>,
        ahead: bool,
    ) -> PyResult<usize> {
        let source = self.known(source)?;
        let headers: Vec<Vec<kafka_batch::Header<'_>>> = records.iter().map(headers).collect();
        let records: Vec<Record<'_>> = records
            .iter()
            .zip(&headers)
            .map(|((offset, timestamp_ms, key, value, _), headers)| Record {
                offset: *offset,
                timestamp_ms: *timestamp_ms,
                key: key.as_ref().map(PyBytesMethods::as_bytes),
                headers,
                value: value.as_ref().map(PyBytesMethods::as_bytes),
            })
            .collect();
        Ok(py.detach(|| self.inner.push_records(source, records.into_iter(), next_offset, ahead)))
    }

    fn seal(&mut self, max_inputs: usize) -> RawBatch {
        let batch = self.inner.seal(max_inputs);
        RawBatch { inputs: batch.inputs.len(), batch: Once::new(batch) }
    }
}

fn headers<'a>(record: &'a SourceRecord<'_>) -> Vec<kafka_batch::Header<'a>> {
    let headers = record.4.iter();
    headers.map(|(name, value)| (name.as_bytes(), value.as_ref().map(PyBytesMethods::as_bytes))).collect()
}

/// What is taken once, by whichever thread comes first.
struct Once<T>(Mutex<Option<T>>);

impl<T> Once<T> {
    fn new(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    fn take(&self, done: &str) -> PyResult<T> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.ok_or_else(|| ledger_error("conflict", format!("this batch was {done} already")))
    }
}

#[pyclass(frozen, module = "farechain._core")]
pub(crate) struct RawBatch {
    inputs: usize,
    batch: Once<intake::RawBatch>,
}

impl RawBatch {
    pub(crate) fn take(&self) -> PyResult<intake::RawBatch> {
        self.batch.take("prepared")
    }
}

#[pymethods]
impl RawBatch {
    fn __len__(&self) -> usize {
        self.inputs
    }
}

#[pyclass(frozen, module = "farechain._core")]
pub(crate) struct PreparedBatch {
    inputs: usize,
    times: PrepareTimes,
    oldest_ms: i64,
    batch: Once<batch::PreparedBatch>,
}

impl PreparedBatch {
    pub(crate) fn new(batch: batch::PreparedBatch, times: PrepareTimes) -> Self {
        let oldest_ms = batch.inputs.iter().map(|input| input.timestamp_ms).min().unwrap_or(0);
        Self { inputs: batch.inputs.len(), times, oldest_ms, batch: Once::new(batch) }
    }

    pub(crate) fn take(&self) -> PyResult<batch::PreparedBatch> {
        self.batch.take("committed")
    }
}

#[pymethods]
impl PreparedBatch {
    fn __len__(&self) -> usize {
        self.inputs
    }

    #[getter]
    fn decode_ns(&self) -> u64 {
        self.times.decode_ns
    }

    #[getter]
    fn verify_ns(&self) -> u64 {
        self.times.verify_ns
    }

    #[getter]
    fn oldest_ms(&self) -> i64 {
        self.oldest_ms
    }
}
