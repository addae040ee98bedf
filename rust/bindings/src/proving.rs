//! Proofs of records from a ledger and a public log, whoever owns it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use farechain_core::block::Header;
use farechain_core::note::{Checkpoint, Note, Verifier};
use farechain_core::outcome::Location;
use farechain_core::proof::{self, Proof};
use farechain_core::state_proof::{StateProof, Subject};
use farechain_ledger::error::LedgerError as Refusal;
use farechain_ledger::ledger::Ledger;
use farechain_ledger::public_log::PublicDirectory;
use pyo3::prelude::*;

use crate::errors::{Stop, detached};
use crate::notes::verifiers;
use crate::public_log::PublicLog;

/// A log as its owner has it, or the directory that it publishes.
#[derive(FromPyObject)]
pub(crate) enum Log<'py> {
    Owned(PyRef<'py, PublicLog>),
    Directory(String),
}

/// Makes proofs, and keeps what those of one checkpoint have in common: its signatures cost far more than a path.
#[derive(Default)]
pub(crate) struct Prover {
    /// The directory that was read last, with its tiles.
    directory: Mutex<Option<PublicDirectory>>,
    witnessed: Mutex<Option<Arc<Witnessed>>>,
}

/// A published note as proofs show it to whoever knows these witnesses.
struct Witnessed {
    note: String,
    known: Vec<String>,
    size: u64,
    checkpoint: String,
    witnesses: Vec<String>,
}

impl Witnessed {
    fn new(note: String, known: Vec<String>, verifiers: &[Verifier]) -> Result<Witnessed, String> {
        if note.is_empty() {
            return Ok(Witnessed { note, known, size: 0, checkpoint: String::new(), witnesses: Vec::new() });
        }
        let parsed = Note::parse(&note).and_then(|note| Checkpoint::parse(note.text()));
        let size = parsed.map_err(|error| error.to_string())?.size;
        let (checkpoint, witnesses) = proof::witnessed(&note, verifiers).map_err(|error| error.to_string())?;
        Ok(Witnessed { note, known, size, checkpoint, witnesses })
    }
}

impl Prover {
    /// The compact proof of a record under the published checkpoint, with the cosignatures of the known witnesses.
    pub(crate) fn prove(
        &self,
        py: Python<'_>,
        ledger: &Ledger,
        location: Location,
        log: &Log<'_>,
        known: Vec<String>,
    ) -> PyResult<Vec<u8>> {
        let work = |witnessed: &Witnessed, directory: &PublicDirectory| {
            Ok(prove(ledger, location, witnessed, directory)?.to_compact())
        };
        self.under_checkpoint(py, log, known, work)
    }

    /// The compact proof of where somebody stands under the latest commitment that the published checkpoint covers; `None`
    /// where there is none that can be shown.
    pub(crate) fn prove_state(
        &self,
        py: Python<'_>,
        ledger: &Ledger,
        subject: Subject,
        log: &Log<'_>,
        known: Vec<String>,
    ) -> PyResult<Option<Vec<u8>>> {
        let work = |witnessed: &Witnessed, directory: &PublicDirectory| {
            let Some((location, view)) = ledger.committed_state(witnessed.size)? else { return Ok(None) };
            let steps = ledger.state_steps(&view, &subject)?;
            let commitment = prove(ledger, location, witnessed, directory)?;
            Ok(Some(StateProof { subject, commitment, steps }.to_compact()))
        };
        self.under_checkpoint(py, log, known, work)
    }

    /// Works under the published checkpoint, without the interpreter.
    fn under_checkpoint<T: Send>(
        &self,
        py: Python<'_>,
        log: &Log<'_>,
        known: Vec<String>,
        work: impl FnOnce(&Witnessed, &PublicDirectory) -> Result<T, Stop> + Send,
    ) -> PyResult<T> {
        let verifiers = verifiers(&known)?;
        let (directory, note) = match log {
            Log::Owned(log) => (log.directory().clone(), Some(log.note())),
            Log::Directory(path) => (self.directory(Path::new(path)), None),
        };
        detached(py, || {
            let note = note.map_or_else(|| directory.checkpoint(), Ok)?;
            let witnessed = self.witnessed(&directory, note, known, &verifiers)?;
            work(&witnessed, &directory)
        })
    }

    fn directory(&self, path: &Path) -> PublicDirectory {
        let mut last = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(directory) if directory.path() == path => directory.clone(),
            _ => last.insert(PublicDirectory::new(path)).clone(),
        }
    }

    fn witnessed(
        &self,
        directory: &PublicDirectory,
        note: String,
        known: Vec<String>,
        verifiers: &[Verifier],
    ) -> Result<Arc<Witnessed>, Stop> {
        let last = || self.witnessed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = last().as_ref().filter(|last| last.note == note && last.known == known) {
            return Ok(Arc::clone(same));
        }
        let damaged = |error| Refusal::Corrupt(format!("{}: {error}", directory.path().display()));
        let witnessed = Arc::new(Witnessed::new(note, known, verifiers).map_err(damaged)?);
        *last() = Some(Arc::clone(&witnessed));
        Ok(witnessed)
    }
}

fn prove(
    ledger: &Ledger,
    location: Location,
    witnessed: &Witnessed,
    directory: &PublicDirectory,
) -> Result<Proof, Stop> {
    let Location { height, index } = location;
    if witnessed.size <= height {
        return Err(Refusal::Invalid(format!("block {height} is not under a published checkpoint yet")).into());
    }
    let missing = || Refusal::Invalid(format!("no record {index} in block {height}"));
    let record = ledger.log().record(location)?.ok_or_else(missing)?;
    let path = ledger.record_path(location)?.ok_or_else(missing)?;
    let header = ledger.log().header(height)?.ok_or_else(missing)?;
    let count = Header::decode(&header).map_err(|_| Refusal::Corrupt(format!("header {height} cannot be read")))?;
    Ok(Proof {
        record,
        index,
        count: count.record_count,
        path,
        header,
        tlog_size: witnessed.size,
        tlog_path: directory.inclusion_under(witnessed.size, height)?,
        checkpoint: witnessed.checkpoint.clone(),
        witnesses: witnessed.witnesses.clone(),
    })
}
