//! Proofs of records: verified with nothing but keys, and turned from one form into the other.

use farechain_core::proof::{self, Proof};
use farechain_core::record::Record;
use farechain_core::state_proof::{self, Finding, StateProof, Subject};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::codecs::header_fields;
use crate::errors::refused;
use crate::fields::Fields;
use crate::notes::{verifier, verifiers};
use crate::records::{record_fields, standing_fields, state_fields};

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
pub(crate) fn verify_state_proof<'py>(
    py: Python<'py>,
    proof: &[u8],
    vkey: &str,
    witnesses: Vec<String>,
    threshold: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let log = verifier(vkey)?;
    let witnesses = verifiers(&witnesses)?;
    let verified = py.detach(|| state_proof::verify(&StateProof::parse(proof)?, &log, &witnesses, threshold));
    let proven = verified.map_err(refused)?;
    let commitment = proven.commitment;
    let cosigners: Vec<String> = commitment.cosigners.into_iter().map(|(name, _)| name).collect();
    let fields = Fields::new(py).with("finding", proven.finding.name())?.with("words", proven.finding.words())?;
    let (payment, asked) = match &proven.subject {
        Subject::Payment(identity) => (Some(identity), None),
        Subject::Invoice(id) => (None, Some((id.code.as_str(), id.number))),
    };
    let (invoice, fen, standing) = match &proven.finding {
        Finding::Invoiced { invoice, fen, standing } => (Some(invoice), *fen, Some(standing)),
        Finding::Invoice { standing } => (None, None, Some(standing)),
        Finding::RedLetter { original } => (Some(original), None, None),
        Finding::Unknown | Finding::NotInvoiced { .. } => (None, None, None),
    };
    let fields = fields.optional_bytes("payment", payment)?.with("asked", asked)?;
    let fields = fields.with("invoice", invoice.map(|id| (id.code.as_str(), id.number)))?.with("fen", fen)?;
    let standing = standing.map(|standing| standing_fields(py, standing)).transpose()?;
    let fields = state_fields(fields.with("standing", standing)?, &proven.state)?;
    Ok(fields
        .with("header", header_fields(py, &commitment.header)?)?
        .with("origin", commitment.origin)?
        .with("size", commitment.size)?
        .with("cosigners", cosigners)?
        .done())
}

#[pyfunction]
pub(crate) fn is_state_proof(proof: &[u8]) -> bool {
    StateProof::begins(proof)
}

#[pyfunction]
pub(crate) fn proof_to_json<'py>(py: Python<'py>, proof: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let json = if StateProof::begins(proof) {
        StateProof::parse(proof).map(|proof| proof.to_json())
    } else {
        Proof::from_compact(proof).map(|proof| proof.to_json())
    };
    Ok(PyBytes::new(py, json.map_err(refused)?.as_bytes()))
}

#[pyfunction]
pub(crate) fn proof_to_compact<'py>(py: Python<'py>, proof: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let compact = if StateProof::begins(proof) {
        StateProof::parse(proof).map(|proof| proof.to_compact())
    } else {
        Proof::from_json(proof).map(|proof| proof.to_compact())
    };
    Ok(PyBytes::new(py, &compact.map_err(refused)?))
}
