//! The audit of a ledger, and of its public directory where one is given.

use std::path::Path;
use std::thread;

use farechain_core::block::Header;
use farechain_ledger::audit::{AuditOptions, Report, audit as audit_ledger};
use farechain_ledger::error::LedgerError as Refusal;
use farechain_ledger::log::LogReader;
use farechain_ledger::public_log::{PublicCounts, Wrong, check_public};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{Stop, ledger_error, opening};
use crate::fields::Fields;

/// What is wrong, and where: file, byte, what.
type Place = (String, u64, String);

#[pyfunction]
#[pyo3(signature = (path, *, signatures=true, public=None, vkey=None))]
pub(crate) fn audit<'py>(
    py: Python<'py>,
    path: &str,
    signatures: bool,
    public: Option<&str>,
    vkey: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    if public.is_some() != vkey.is_some() {
        return Err(ledger_error("invalid", "a public directory is audited against its log's key: give both"));
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (report, checked) = opening(py, || {
        let (report, log) = audit_ledger(Path::new(path), &AuditOptions { signatures, threads })?;
        let checked = match public.zip(vkey).filter(|_| report.failure.is_none()) {
            Some((public, vkey)) => Some(check_directory(Path::new(public), vkey, &log)?),
            None => None,
        };
        Ok((report, checked))
    })?;
    let failure =
        report.failure.as_ref().map(|failure| (failure.file.display().to_string(), failure.byte, failure.what.clone()));
    let (counts, wrong) = match checked {
        Some(Ok(counts)) => (Some(counts), None),
        Some(Err(wrong)) => (None, Some(in_directory(public.unwrap_or_default(), wrong))),
        None => (None, None),
    };
    let public = counts.map(|counts| public_counts(py, &counts)).transpose()?;
    report_fields(py, &report, failure.or(wrong))?.with("public", public).map(Fields::done)
}

fn in_directory(public: &str, wrong: Wrong) -> Place {
    (Path::new(public).join(wrong.file).display().to_string(), wrong.byte, wrong.what)
}

/// Compares a public directory with the headers of the whole log.
fn check_directory(public: &Path, vkey: &str, log: &LogReader) -> Result<Result<PublicCounts, Wrong>, Stop> {
    let genesis = log.header(0)?.and_then(|header| Header::decode(&header).ok());
    let genesis = genesis.ok_or_else(|| Refusal::Corrupt("the header of block 0 cannot be read".into()))?;
    let mut unread = None;
    let headers = (0..log.blocks()).map_while(|height| {
        log.header(height).unwrap_or_else(|error| {
            unread = Some(error);
            None
        })
    });
    let checked = check_public(public, &genesis.chain, headers, vkey, &[]);
    unread.map_or(Ok(checked), |error| Err(error.into()))
}

fn report_fields<'py>(py: Python<'py>, report: &Report, failure: Option<Place>) -> PyResult<Fields<'py>> {
    let ok = failure.is_none();
    let (file, byte, what) =
        failure.map_or((None, None, None), |(file, byte, what)| (Some(file), Some(byte), Some(what)));
    Fields::new(py)
        .with("ok", ok)?
        .with("file", file)?
        .with("byte", byte)?
        .with("what", what)?
        .with("blocks", report.blocks)?
        .with("bytes", report.bytes)?
        .with("records", report.records)?
        .with("invoices", report.invoices)?
        .with("red_letters", report.red_letters)?
        .with("inputs", report.inputs)?
        .with("duplicates", report.duplicates)?
        .with("states", report.states)?
        .with("rejected", report.rejected)?
        .with("rejected_rederived", report.rejected_rederived)?
        .with("rejected_expired", report.rejected_expired)?
        .with("signatures_verified", report.signatures_verified)?
        .bytes("head", &report.head)?
        .bytes("state_digest", &report.state_digest)
}

fn public_counts<'py>(py: Python<'py>, counts: &PublicCounts) -> PyResult<Bound<'py, PyDict>> {
    Ok(Fields::new(py)
        .with("size", counts.size)?
        .with("entries", counts.entries)?
        .with("files", counts.files)?
        .with("signatures", counts.signatures)?
        .done())
}
