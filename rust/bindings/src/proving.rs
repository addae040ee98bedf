//! Proofs of records from a ledger and a public log, whoever owns it.

use std::path::Path;

use farechain_core::block::Header;
use farechain_core::note::Verifier;
use farechain_core::outcome::Location;
use farechain_core::proof::{self, Proof};
use farechain_ledger::error::LedgerError as Refusal;
use farechain_ledger::ledger::Ledger;
use farechain_ledger::public_log::PublicDirectory;
use pyo3::prelude::*;

use crate::errors::{Stop, detached};
use crate::public_log::{PublicLog, Published};

/// A log as its owner has it, or the directory that it publishes.
#[derive(FromPyObject)]
pub(crate) enum Log<'py> {
    Owned(PyRef<'py, PublicLog>),
    Directory(String),
}

impl Log<'_> {
    /// The compact proof of a record under the published checkpoint, with the cosignatures of the known witnesses.
    pub(crate) fn prove(
        &self,
        py: Python<'_>,
        ledger: &Ledger,
        location: Location,
        known: &[Verifier],
    ) -> PyResult<Vec<u8>> {
        match self {
            Log::Owned(log) => {
                let (published, directory) = (log.published(), log.directory());
                detached(py, || prove(ledger, location, &published, directory, known))
            }
            Log::Directory(public) => detached(py, || {
                let directory = PublicDirectory::new(Path::new(public));
                let published = Published::in_directory(&directory)?;
                prove(ledger, location, &published, &directory, known)
            }),
        }
    }
}

fn prove(
    ledger: &Ledger,
    location: Location,
    published: &Published,
    directory: &PublicDirectory,
    known: &[Verifier],
) -> Result<Vec<u8>, Stop> {
    let Location { height, index } = location;
    if published.size <= height {
        return Err(Refusal::Invalid(format!("block {height} is not under a published checkpoint yet")).into());
    }
    let missing = || Refusal::Invalid(format!("no record {index} in block {height}"));
    let record = ledger.log().record(location)?.ok_or_else(missing)?;
    let path = ledger.record_path(location)?.ok_or_else(missing)?;
    let header = ledger.log().header(height)?.ok_or_else(missing)?;
    let count = Header::decode(&header).map_err(|_| Refusal::Corrupt(format!("header {height} cannot be read")))?;
    let (checkpoint, witnesses) = proof::witnessed(&published.note, known)
        .map_err(|error| Refusal::Corrupt(format!("{}: {error}", directory.path().display())))?;
    let proof = Proof {
        record,
        index,
        count: count.record_count,
        path,
        header,
        tlog_size: published.size,
        tlog_path: directory.inclusion(height, published.size)?,
        checkpoint,
        witnesses,
    };
    Ok(proof.to_compact())
}
