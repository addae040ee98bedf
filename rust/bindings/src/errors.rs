//! Every error that crosses into Python, in one place, and the way back from detached work.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use farechain_ledger::error::LedgerError as Refusal;
use farechain_ledger::kafka_batch::BatchError;
use farechain_ledger::public_log::LogError;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

pyo3::create_exception!(farechain._core, LedgerError, PyException);

/// An argument that is refused: `ValueError` with the reason.
pub(crate) fn refused(reason: impl Display) -> PyErr {
    PyValueError::new_err(reason.to_string())
}

/// `LedgerError(kind, message)`.
pub(crate) fn ledger_error(kind: &'static str, message: impl Display) -> PyErr {
    LedgerError::new_err((kind, message.to_string()))
}

pub(crate) fn batch_error(error: &BatchError) -> PyErr {
    ledger_error("batch", error)
}

/// What stops work on the ledger or its public log.
pub(crate) enum Stop {
    Ledger(Refusal),
    Log(LogError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Ledger(refusal)
    }
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl From<Stop> for PyErr {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Ledger(refusal) => ledger_error(refusal.kind(), refusal),
            Stop::Log(error) => {
                let kind = match error {
                    LogError::Rollback(_) => "rollback",
                    LogError::Corrupt { .. } => "corrupt",
                    LogError::Io { .. } => "io",
                    LogError::Invalid(_) => "invalid",
                };
                ledger_error(kind, error)
            }
        }
    }
}

/// Does work without the interpreter. A panic there is `LedgerError("poisoned", ...)` and not a `PanicException`,
/// which, as a `BaseException`, would pass by every handler: the caller stops the process and opens again.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Stop> + Send) -> PyResult<T> {
    guarded(py, "poisoned", work)
}

/// The same for what reads the files as they are found: a panic there means that they contradict themselves, and opening
/// again would not help.
pub(crate) fn opening<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Stop> + Send) -> PyResult<T> {
    guarded(py, "corrupt", work)
}

fn guarded<T: Send>(
    py: Python<'_>,
    panicked: &'static str,
    work: impl FnOnce() -> Result<T, Stop> + Send,
) -> PyResult<T> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
        Ok(done) => done.map_err(PyErr::from),
        // Where records are read deep inside of a decision, the ledger's own error comes as a panic.
        Err(panic) => Err(match panic.downcast_ref::<Refusal>() {
            Some(refusal) => ledger_error(refusal.kind(), refusal),
            None => ledger_error(panicked, said(&*panic)),
        }),
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
