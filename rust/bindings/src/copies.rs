//! The second copy of a ledger: where an owner's blocks go, and how the copy takes them.

use std::path::Path;

use farechain_core::digest::Digest;
use farechain_ledger::copied::SecondCopy;
use farechain_ledger::error::LedgerError as Refusal;
use farechain_ledger::ledger;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{detached, ledger_error};
use crate::ledger::Ledger;

/// Something in Python that is called with height, hash and message, in the thread that commits.
#[derive(Debug)]
struct Called(Py<PyAny>);

impl SecondCopy for Called {
    fn take(&self, height: u64, hash: &Digest, message: &[u8]) -> Result<(), Refusal> {
        Python::attach(|py| {
            let called = self.0.call1(py, (height, PyBytes::new(py, hash), PyBytes::new(py, message)));
            called.map(|_| ()).map_err(|error| Refusal::Replica(error.value(py).to_string()))
        })
    }
}

#[pyfunction]
pub(crate) fn copy_to(ledger: &Ledger, take: Py<PyAny>) -> PyResult<()> {
    let to = ledger.opened()?;
    to.copies().go_to(Box::new(Called(take))).map_err(|error| ledger_error(error.kind(), error))
}

#[pyfunction]
pub(crate) fn copy_of<'py>(py: Python<'py>, ledger: &Ledger, height: u64) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let ledger = ledger.opened()?;
    let message = detached(py, move || Ok(ledger.copy_of(height)?))?;
    Ok(message.map(|message| PyBytes::new(py, &message)))
}

#[pyfunction]
pub(crate) fn create_copy(py: Python<'_>, path: &str, genesis: &[u8]) -> PyResult<()> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| ledger_error("io", format!("no random bytes: {error}")))?;
    detached(py, || Ok(ledger::Ledger::create_copy(Path::new(path), genesis, &secret)?))
}

#[pyfunction]
pub(crate) fn append_copy<'py>(
    py: Python<'py>,
    ledger: &Ledger,
    message: &[u8],
) -> PyResult<(u64, Bound<'py, PyBytes>)> {
    let ledger = ledger.opened()?;
    let (height, hash) = detached(py, move || Ok(ledger.append_copy(message)?))?;
    Ok((height, PyBytes::new(py, &hash)))
}

#[pyfunction]
pub(crate) fn apply_copy(py: Python<'_>, ledger: &Ledger) -> PyResult<()> {
    let ledger = ledger.opened()?;
    detached(py, move || Ok(ledger.apply_copy()?))
}
