//! The public log: what tails the ledger into tiles, and signs and publishes checkpoints.
//!
//! Sizes, key and the published note are read without waiting for a thread that is writing tiles.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use farechain_ledger::public_log::{self, PublicDirectory};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{Stop, detached, opening};
use crate::ledger::Ledger;
use crate::lengths::Exactly;

/// Headers that are in memory at a time while catching up.
const HEADERS_AT_A_TIME: usize = 4096;

#[pyclass(frozen, module = "farechain._core")]
pub(crate) struct PublicLog {
    vkey: String,
    directory: PublicDirectory,
    size: AtomicU64,
    published: RwLock<Published>,
    log: Mutex<public_log::PublicLog>,
}

/// The note in its place.
struct Published {
    size: u64,
    note: String,
}

impl Published {
    fn of(log: &public_log::PublicLog) -> Self {
        Self { size: log.published_size(), note: log.checkpoint().to_owned() }
    }
}

impl PublicLog {
    pub(crate) fn directory(&self) -> &PublicDirectory {
        &self.directory
    }

    /// The published note; empty before the first.
    pub(crate) fn note(&self) -> String {
        self.published.read().unwrap_or_else(PoisonError::into_inner).note.clone()
    }

    /// Works on the log without the interpreter; what others see of it is brought up to date.
    fn write<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut public_log::PublicLog) -> Result<T, Stop> + Send,
    ) -> PyResult<T> {
        detached(py, || {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(&mut log);
            self.size.store(log.size(), Ordering::Release);
            done
        })
    }
}

#[pymethods]
impl PublicLog {
    #[staticmethod]
    fn open(py: Python<'_>, public: &str, state: &str, origin: &str, seed: Exactly<32>) -> PyResult<Self> {
        let log =
            opening(py, || Ok(public_log::PublicLog::open(Path::new(public), Path::new(state), origin, &seed.0)?))?;
        Ok(Self {
            vkey: log.vkey(),
            directory: log.directory().clone(),
            size: AtomicU64::new(log.size()),
            published: RwLock::new(Published::of(&log)),
            log: Mutex::new(log),
        })
    }

    #[getter]
    fn vkey(&self) -> &str {
        &self.vkey
    }

    #[getter]
    fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    #[getter]
    fn published_size(&self) -> u64 {
        self.published.read().unwrap_or_else(PoisonError::into_inner).size
    }

    #[pyo3(signature = (ledger, max_blocks=4096))]
    fn catch_up(&self, py: Python<'_>, ledger: &Ledger, max_blocks: u64) -> PyResult<u64> {
        let ledger = ledger.opened()?;
        self.write(py, move |log| {
            let end = log.size().saturating_add(max_blocks).min(ledger.height() + 1);
            while log.size() < end {
                let count = usize::try_from(end - log.size()).unwrap_or(usize::MAX).min(HEADERS_AT_A_TIME);
                log.append(&ledger.headers(log.size(), count)?)?;
            }
            Ok(log.size())
        })
    }

    fn sign(&self, py: Python<'_>) -> PyResult<String> {
        self.write(py, |log| Ok(log.sign()?))
    }

    fn publish(&self, py: Python<'_>, note: &str) -> PyResult<()> {
        self.write(py, |log| {
            log.publish(note)?;
            *self.published.write().unwrap_or_else(PoisonError::into_inner) = Published::of(log);
            Ok(())
        })
    }

    fn checkpoint(&self) -> String {
        self.note()
    }

    fn consistency<'py>(&self, py: Python<'py>, old: u64, new: u64) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let proof = self.write(py, |log| Ok(log.consistency(old, new)?))?;
        Ok(proof.iter().map(|node| PyBytes::new(py, node)).collect())
    }

    fn inclusion<'py>(&self, py: Python<'py>, index: u64, size: u64) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let proof = self.write(py, |log| Ok(log.inclusion(index, size)?))?;
        Ok(proof.iter().map(|node| PyBytes::new(py, node)).collect())
    }
}
