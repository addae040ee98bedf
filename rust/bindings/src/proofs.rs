//! Proofs of records: verified with nothing but keys, and turned from one form into the other.

use farechain_core::proof::{self, Proof};
use farechain_core::record::Record;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::codecs::header_fields;
use crate::errors::refused;
use crate::fields::Fields;
use crate::notes::{verifier, verifiers};
use crate::records::record_fields;

#[pyfunction]
pub(crate) fn verify_proof<'py>(
    py: Python<'py>,
    proof: &[u8],
    vkey: &str,
    witnesses: Vec<String>,
    threshold: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let log = verifier(vkey)?;
    let witnesses = verifiers(&witnesses)?;
    let verified = py.detach(|| {
        let proof = Proof::parse(proof)?;
        proof::verify(&proof, &log, &witnesses, threshold).map(|proven| (proof, proven))
    });
    let (proof, proven) = verified.map_err(refused)?;
    let record = Record::decode(&proof.record).map_err(|error| refused(format!("the record is {error}")))?;
    let cosigners: Vec<String> = proven.cosigners.into_iter().map(|(name, _)| name).collect();
    Ok(Fields::new(py)
        .bytes("record", &proof.record)?
        .bytes("hash", &proven.record_hash)?
        .with("fields", record_fields(py, &record)?)?
        .with("header", header_fields(py, &proven.header)?)?
        .with("origin", proven.origin)?
        .with("size", proven.size)?
        .with("cosigners", cosigners)?
        .done())
}

#[pyfunction]
pub(crate) fn proof_to_json<'py>(py: Python<'py>, proof: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let proof = Proof::from_compact(proof).map_err(refused)?;
    Ok(PyBytes::new(py, proof.to_json().as_bytes()))
}

#[pyfunction]
pub(crate) fn proof_to_compact<'py>(py: Python<'py>, proof: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let proof = Proof::from_json(proof).map_err(refused)?;
    Ok(PyBytes::new(py, &proof.to_compact()))
}
