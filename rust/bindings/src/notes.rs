//! Signed notes, checkpoints and consistency proofs of the public log (C2SP).

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use farechain_core::note::{self, Checkpoint, Kind, Note, Verifier};
use farechain_core::tlog::{self, Hash};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::refused;
use crate::lengths::Exactly;

#[pyfunction]
pub(crate) fn rfc6962_root<'py>(py: Python<'py>, entries: Vec<Bound<'py, PyBytes>>) -> Bound<'py, PyBytes> {
    let entries: Vec<&[u8]> = entries.iter().map(PyBytesMethods::as_bytes).collect();
    let root = py.detach(|| tlog::root(&entries));
    PyBytes::new(py, &root)
}

#[pyfunction]
pub(crate) fn verify_consistency(
    old_size: u64,
    old_root: Exactly<32>,
    new_size: u64,
    new_root: Exactly<32>,
    proof: Vec<Exactly<32>>,
) -> PyResult<()> {
    let proof: Vec<Hash> = proof.iter().map(|node| node.0).collect();
    tlog::verify_consistency(old_size, &old_root.0, new_size, &new_root.0, &proof).map_err(refused)
}

#[pyfunction]
pub(crate) fn vkey_ed25519(name: &str, public_key: Exactly<32>) -> PyResult<String> {
    vkey(name, Kind::Ed25519, public_key)
}

#[pyfunction]
pub(crate) fn vkey_cosignature(name: &str, public_key: Exactly<32>) -> PyResult<String> {
    vkey(name, Kind::Cosignature, public_key)
}

fn vkey(name: &str, kind: Kind, public_key: Exactly<32>) -> PyResult<String> {
    Verifier::new(name, kind, public_key.0).map(|verifier| verifier.to_string()).map_err(refused)
}

/// Keys that are kept once they were parsed: far more than a service trusts, few enough to forget about.
const KEYS_MAX: usize = 128;

/// Keys by their text. A text gives the same key for ever, and to admit one costs as much as a signature.
static KEYS: LazyLock<Mutex<HashMap<String, Verifier>>> = LazyLock::new(Mutex::default);

/// A verifier key from its text.
pub(crate) fn verifier(vkey: &str) -> PyResult<Verifier> {
    let keys = || KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = keys().get(vkey) {
        return Ok(known.clone());
    }
    let parsed = Verifier::parse(vkey).map_err(refused)?;
    let mut keys = keys();
    if keys.len() == KEYS_MAX {
        keys.clear();
    }
    keys.insert(vkey.to_owned(), parsed.clone());
    Ok(parsed)
}

/// Verifier keys from their text.
pub(crate) fn verifiers(vkeys: &[String]) -> PyResult<Vec<Verifier>> {
    vkeys.iter().map(|vkey| verifier(vkey)).collect()
}

#[pyfunction]
pub(crate) fn open_note(text: &str, vkeys: Vec<String>) -> PyResult<Vec<(String, Option<u64>)>> {
    let verifiers = verifiers(&vkeys)?;
    let signed = Note::parse(text).and_then(|note| note.open(&verifiers)).map_err(refused)?;
    Ok(signed.into_iter().map(|signed| (signed.name, signed.time_s)).collect())
}

#[pyfunction]
pub(crate) fn parse_checkpoint<'py>(py: Python<'py>, text: &str) -> PyResult<(String, u64, Bound<'py, PyBytes>)> {
    let checkpoint = Note::parse(text).and_then(|note| Checkpoint::parse(note.text())).map_err(refused)?;
    Ok((checkpoint.origin, checkpoint.size, PyBytes::new(py, &checkpoint.root)))
}

#[pyfunction]
pub(crate) fn cosign(name: &str, seed: Exactly<32>, note: &str, time_s: u64) -> PyResult<String> {
    let note = Note::parse(note).map_err(refused)?;
    Checkpoint::parse(note.text()).map_err(refused)?;
    note::cosign(name, &seed.0, note.text(), time_s).map_err(refused)
}
