//! The ledger on disk: create, open, prepare, commit, close, and what readers ask.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use farechain_core::block::Source;
use farechain_core::command::InvoiceId;
use farechain_core::input;
use farechain_core::outcome::Location;
use farechain_core::state_proof::Subject;
use farechain_core::text::Text;
use farechain_ledger::error::LedgerError as Refusal;
use farechain_ledger::ledger::{self, Create, OpenOptions};
use farechain_ledger::references::Reference;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::committed::Committed;
use crate::errors::{detached, ledger_error, opening};
use crate::intake::{Intake, PreparedBatch, RawBatch};
use crate::lengths::Exactly;
use crate::proving::{Log, Prover};
use crate::registry::{key, registry};
use crate::views::{self, hex, optional};

/// The next height, and the messages.
type Messages<'py, T> = PyResult<(u64, Vec<T>)>;
type OptionalBytes<'py> = Option<Bound<'py, PyBytes>>;
type DeadLetter<'py> = (OptionalBytes<'py>, OptionalBytes<'py>, Vec<(String, OptionalBytes<'py>)>);
/// The next height, titles' commitments, and attestations as (height, index, kid, subject, digest).
type References<'py> = PyResult<(u64, Vec<Bound<'py, PyBytes>>, Vec<Attestation<'py>>)>;
type Attestation<'py> = (u64, u32, Bound<'py, PyBytes>, String, Bound<'py, PyBytes>);
type Position<'py> = (String, Bound<'py, PyBytes>, u32, u64, Bound<'py, PyBytes>);
type ChangeRow<'py> = (u64, u32, u64, Option<String>, Bound<'py, PyBytes>);
type RejectionRow = (String, u32, u64, u64, u64, &'static str, Option<String>);
type WaitingRow<'py> = (Bound<'py, PyBytes>, u64, u32, &'static str, u64, u64);
type OutcomeRow = (
    String,
    u32,
    u64,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<(u64, u32)>,
);

#[pyclass(frozen, module = "farechain._core")]
pub(crate) struct Ledger {
    opened: RwLock<Option<Arc<ledger::Ledger>>>,
    prover: Prover,
}

impl Ledger {
    /// The ledger, unless it was closed.
    pub(crate) fn opened(&self) -> PyResult<Arc<ledger::Ledger>> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner).clone();
        opened.ok_or_else(|| ledger_error("invalid", "the ledger is closed"))
    }

    /// Reads without the interpreter.
    fn read<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&ledger::Ledger) -> Result<T, Refusal> + Send,
    ) -> PyResult<T> {
        let opened = self.opened()?;
        detached(py, move || Ok(work(&opened)?))
    }
}

#[pymethods]
impl Ledger {
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    #[pyo3(signature = (path, *, network, chain, bureau, sources, regions, time_ms, utc_offset_min=480, drain_max=1024))]
    fn create(
        py: Python<'_>,
        path: &str,
        network: String,
        chain: String,
        bureau: Exactly<32>,
        sources: Vec<(String, Exactly<16>, u32)>,
        regions: Vec<String>,
        time_ms: u64,
        utc_offset_min: i16,
        drain_max: u32,
    ) -> PyResult<()> {
        let sources = sources.into_iter().map(|(topic, id, partition)| Source { topic, topic_id: id.0, partition });
        let sources = sources.collect();
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|error| ledger_error("io", format!("no random bytes: {error}")))?;
        let bureau = bureau.0;
        let chain = Create { network, chain, bureau, sources, regions, time_ms, utc_offset_min, drain_max, secret };
        detached(py, || Ok(ledger::Ledger::create(Path::new(path), &chain)?))
    }

    #[staticmethod]
    #[pyo3(signature = (path, *, readonly=false, threads=2, rejected_days=30, blocks_max=None))]
    fn open(
        py: Python<'_>,
        path: &str,
        readonly: bool,
        threads: usize,
        rejected_days: u64,
        blocks_max: Option<u64>,
    ) -> PyResult<Self> {
        let options = OpenOptions { readonly, threads, rejected_days, blocks_max, ..OpenOptions::default() };
        let opened = opening(py, || Ok(ledger::Ledger::open(Path::new(path), options)?))?;
        Ok(Self { opened: RwLock::new(Some(Arc::new(opened))), prover: Prover::default() })
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let opened = self.opened.write().unwrap_or_else(PoisonError::into_inner).take();
        opened.map_or(Ok(()), |opened| detached(py, move || Ok(opened.close()?)))
    }

    #[getter]
    fn height(&self) -> PyResult<u64> {
        Ok(self.opened()?.height())
    }

    #[getter]
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let head = self.read(py, |ledger| Ok(ledger.head()))?;
        Ok(PyBytes::new(py, &head))
    }

    #[getter]
    fn chain(&self) -> PyResult<String> {
        Ok(self.opened()?.genesis().chain.clone())
    }

    #[getter]
    fn network(&self) -> PyResult<String> {
        Ok(self.opened()?.genesis().network.clone())
    }

    #[getter]
    fn drainable(&self, py: Python<'_>) -> PyResult<bool> {
        // The month in which credit counts is that of the block's time, which will be now.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.read(py, |ledger| Ok(ledger.is_drainable(now.as_millis() as u64)))
    }

    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Vec<Position<'py>>> {
        let ledger = self.opened()?;
        let positions = detached(py, || Ok(ledger.positions()))?;
        let sources = ledger.genesis().sources.iter();
        Ok(sources
            .zip(&positions)
            .map(|(source, position)| {
                let id = PyBytes::new(py, &source.topic_id);
                let digest = PyBytes::new(py, &position.last_digest);
                (source.topic.clone(), id, source.partition, position.next_offset, digest)
            })
            .collect())
    }

    fn intake(&self, py: Python<'_>) -> PyResult<Intake> {
        let ledger = self.opened()?;
        let intake = detached(py, || Ok(ledger.intake()))?;
        Ok(Intake::new(intake, ledger.genesis().sources.len()))
    }

    fn prepare(&self, py: Python<'_>, batch: &RawBatch) -> PyResult<PreparedBatch> {
        let ledger = self.opened()?;
        let raw = batch.take()?;
        detached(py, move || {
            let (batch, times) = ledger.prepare(raw);
            Ok(PreparedBatch::new(batch, times))
        })
    }

    #[pyo3(signature = (batch, time_ms, *, state=false))]
    fn commit(&self, py: Python<'_>, batch: &PreparedBatch, time_ms: u64, state: bool) -> PyResult<Committed> {
        let ledger = self.opened()?;
        let batch = batch.take()?;
        let committed = detached(py, move || {
            let committed =
                if state { ledger.commit_with_state(&batch, time_ms) } else { ledger.commit(&batch, time_ms) };
            Ok(committed?)
        })?;
        Committed::new(py, &committed)
    }

    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let status = self.read(py, |ledger| Ok(ledger.status()))?;
        views::status(py, &status)
    }

    fn block<'py>(&self, py: Python<'py>, height: u64) -> PyResult<Option<Bound<'py, PyDict>>> {
        let ledger = self.opened()?;
        let block = detached(py, || Ok(ledger.block(height)?))?;
        block.map(|block| views::block(py, ledger.genesis(), &block)).transpose()
    }

    fn record<'py>(&self, py: Python<'py>, height: u64, index: u32) -> PyResult<OptionalBytes<'py>> {
        let record = self.read(py, |ledger| ledger.log().record(Location { height, index }))?;
        Ok(optional(py, record.as_deref()))
    }

    fn annex<'py>(&self, py: Python<'py>, height: u64, index: u32) -> PyResult<OptionalBytes<'py>> {
        let annex = self.read(py, |ledger| ledger.log().annex(Location { height, index }))?;
        Ok(optional(py, annex.as_deref()))
    }

    fn invoice<'py>(&self, py: Python<'py>, code: &str, number: u32) -> PyResult<Option<Bound<'py, PyDict>>> {
        let found = self.read(py, |ledger| ledger.invoice(code, number))?;
        found.map(|invoice| views::invoice(py, &invoice)).transpose()
    }

    fn invoice_by_hash<'py>(&self, py: Python<'py>, hash: Exactly<32>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let found = self.read(py, |ledger| ledger.invoice_by_hash(&hash.0))?;
        found.map(|invoice| views::invoice(py, &invoice)).transpose()
    }

    fn invoice_parts<'py>(&self, py: Python<'py>, code: &str, number: u32) -> PyResult<Option<Bound<'py, PyDict>>> {
        let parts = self.read(py, |ledger| Ok(ledger.invoice_parts(code, number)))?;
        parts.map(|parts| views::invoice_parts(py, &parts)).transpose()
    }

    fn payment<'py>(&self, py: Python<'py>, identity: Exactly<32>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let found = self.read(py, |ledger| Ok(ledger.payment(&identity.0)))?;
        found.map(|(payment, left_fen, first)| views::payment(py, &payment, left_fen, first)).transpose()
    }

    fn occupant(&self, py: Python<'_>, identity: Exactly<32>) -> PyResult<Option<(u64, u32)>> {
        self.read(py, |ledger| Ok(ledger.occupant(&identity.0).map(|first| (first.height, first.index))))
    }

    fn registry<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        // A copy, so that no lock is held while Python objects are made.
        let now = self.read(py, |ledger| Ok(ledger.registry_now()))?;
        registry(py, &now)
    }

    fn key<'py>(&self, py: Python<'py>, kid: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(kid) = input::parse_kid(kid.as_bytes()) else { return Ok(None) };
        let found = self.read(py, |ledger| Ok(ledger.key(&kid)))?;
        found.map(|found| key(py, &kid, &found)).transpose()
    }

    fn waiting<'py>(&self, py: Python<'py>, tax_id: &str, limit: usize) -> PyResult<Vec<WaitingRow<'py>>> {
        let rows = self.read(py, |ledger| ledger.waiting(tax_id, limit))?;
        let row = |row: &ledger::WaitingRow| {
            let identity = PyBytes::new(py, &row.identity);
            (identity, row.location.height, row.location.index, row.state, row.fen, row.since_ms)
        };
        Ok(rows.iter().map(row).collect())
    }

    fn headers<'py>(&self, py: Python<'py>, first: u64, count: usize) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let headers = self.read(py, |ledger| ledger.headers(first, count))?;
        Ok(headers.iter().map(|header| PyBytes::new(py, header)).collect())
    }

    fn input_frames<'py>(&self, py: Python<'py>, height: u64) -> PyResult<Vec<(u16, i64, Bound<'py, PyBytes>)>> {
        let frames = self.read(py, |ledger| ledger.input_frames(height))?;
        Ok(frames.iter().map(|frame| (frame.source, frame.timestamp_ms, PyBytes::new(py, &frame.bytes))).collect())
    }

    fn receipts<'py>(
        &self,
        py: Python<'py>,
        first_height: u64,
        max_blocks: u64,
    ) -> Messages<'py, (OptionalBytes<'py>, Bound<'py, PyBytes>)> {
        let (next, receipts) = self.read(py, |ledger| ledger.receipts(first_height, max_blocks))?;
        let receipts = receipts.iter().map(|(key, value)| (optional(py, key.as_deref()), PyBytes::new(py, value)));
        Ok((next, receipts.collect()))
    }

    fn dead_letters<'py>(&self, py: Python<'py>, first_height: u64, max_blocks: u64) -> Messages<'py, DeadLetter<'py>> {
        let (next, letters) = self.read(py, |ledger| ledger.dead_letters(first_height, max_blocks))?;
        let letters = letters.into_iter().map(|letter| {
            let [key, value] = [letter.key, letter.value].map(|part| optional(py, part.as_deref()));
            let headers = letter.headers.into_iter().map(|(name, value)| (name, optional(py, value.as_deref())));
            (key, value, headers.collect())
        });
        Ok((next, letters.collect()))
    }

    fn outcomes(&self, py: Python<'_>, first_height: u64, max_blocks: u64) -> PyResult<(u64, Vec<OutcomeRow>)> {
        let (height, rows) = self.read(py, |ledger| ledger.outcome_rows(first_height, max_blocks))?;
        let rows = rows.into_iter().map(|row| {
            let [total_fen, net_fen, tax_fen] =
                [0, 1, 2].map(|i| row.amounts.map(|(total, net, tax)| [total, net, tax][i]));
            let first = row.first.map(|first| (first.height, first.index));
            (row.topic, row.partition, row.offset, row.verdict, row.code, row.state, total_fen, net_fen, tax_fen, first)
        });
        Ok((height, rows.collect()))
    }

    fn changes<'py>(&self, py: Python<'py>, first_height: u64, max_blocks: u64) -> Messages<'py, ChangeRow<'py>> {
        let (next, rows) = self.read(py, |ledger| ledger.changes(first_height, max_blocks))?;
        let row = |row: &ledger::ChangeRow| {
            let (kid, bytes) = (row.kid.map(hex), PyBytes::new(py, &row.bytes));
            (row.location.height, row.location.index, row.time_ms, kid, bytes)
        };
        Ok((next, rows.iter().map(row).collect()))
    }

    fn rejections(&self, py: Python<'_>, first_height: u64, max_blocks: u64) -> PyResult<(u64, Vec<RejectionRow>)> {
        let (next, rows) = self.read(py, |ledger| ledger.rejections(first_height, max_blocks))?;
        let row = |row: ledger::RejectionRow| {
            let (code, kid) = (row.code.as_str(), row.kid.map(hex));
            (row.topic, row.partition, row.offset, row.height, row.time_ms, code, kid)
        };
        Ok((next, rows.into_iter().map(row).collect()))
    }

    fn references<'py>(&self, py: Python<'py>, first_height: u64, max_blocks: u64) -> References<'py> {
        let (next, all) = self.read(py, |ledger| ledger.references(first_height, max_blocks))?;
        let (mut titles, mut attested) = (vec![], vec![]);
        for each in all {
            match each {
                Reference::Title(title) => titles.push(PyBytes::new(py, &title)),
                Reference::Attested(one) => {
                    let (at, kid) = (one.at, PyBytes::new(py, &one.kid));
                    attested.push((at.height, at.index, kid, one.subject, PyBytes::new(py, &one.digest)));
                }
            }
        }
        Ok((next, titles, attested))
    }

    #[pyo3(signature = (height, index, log, witnesses=vec![]), text_signature = "($self, height, index, log, witnesses=())")]
    fn prove<'py>(
        &self,
        py: Python<'py>,
        height: u64,
        index: u32,
        log: Log<'py>,
        witnesses: Vec<String>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let ledger = self.opened()?;
        let proof = self.prover.prove(py, &ledger, Location { height, index }, &log, witnesses)?;
        Ok(PyBytes::new(py, &proof))
    }

    fn apply_state(&self, py: Python<'_>) -> PyResult<u64> {
        self.read(py, ledger::Ledger::apply_state)
    }

    fn state_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let status = self.read(py, |ledger| Ok(ledger.state_status()))?;
        views::state_status(py, &status)
    }

    #[pyo3(signature = (payment, log, witnesses=vec![]), text_signature = "($self, payment, log, witnesses=())")]
    fn prove_payment_state<'py>(
        &self,
        py: Python<'py>,
        payment: Exactly<32>,
        log: Log<'py>,
        witnesses: Vec<String>,
    ) -> PyResult<OptionalBytes<'py>> {
        let ledger = self.opened()?;
        let proof = self.prover.prove_state(py, &ledger, Subject::Payment(payment.0), &log, witnesses)?;
        Ok(optional(py, proof.as_deref()))
    }

    #[pyo3(signature = (code, number, log, witnesses=vec![]), text_signature = "($self, code, number, log, witnesses=())")]
    fn prove_invoice_state<'py>(
        &self,
        py: Python<'py>,
        code: &str,
        number: u32,
        log: Log<'py>,
        witnesses: Vec<String>,
    ) -> PyResult<OptionalBytes<'py>> {
        let ledger = self.opened()?;
        let code = Text::new(code).ok_or_else(|| ledger_error("invalid", "a code has at most 20 characters"))?;
        let subject = Subject::Invoice(InvoiceId { code, number });
        let proof = self.prover.prove_state(py, &ledger, subject, &log, witnesses)?;
        Ok(optional(py, proof.as_deref()))
    }

    fn codes(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.read(py, |ledger| Ok(ledger.codes()))
    }

    fn state_digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let digest = self.read(py, |ledger| Ok(ledger.state_digest()))?;
        Ok(PyBytes::new(py, &digest))
    }

    fn memory_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let tables = self.read(py, |ledger| Ok(ledger.memory_bytes()))?;
        let dict = PyDict::new(py);
        tables.into_iter().try_for_each(|(table, bytes)| dict.set_item(table, bytes))?;
        Ok(dict)
    }
}
