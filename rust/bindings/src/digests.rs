//! Digests and Merkle trees of suite 1.

use farechain_core::digest::{self, Digest};
use farechain_core::merkle;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::lengths::Exactly;

#[pyfunction]
pub(crate) fn leaf_hash<'py>(py: Python<'py>, data: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &digest::leaf(data))
}

#[pyfunction]
pub(crate) fn identity<'py>(py: Python<'py>, parts: Vec<Bound<'py, PyBytes>>) -> Bound<'py, PyBytes> {
    let parts: Vec<&[u8]> = parts.iter().map(PyBytesMethods::as_bytes).collect();
    PyBytes::new(py, &digest::identity(&parts))
}

#[pyfunction]
pub(crate) fn block_hash<'py>(py: Python<'py>, header: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &digest::block(header))
}

#[pyfunction]
pub(crate) fn merkle_root<'py>(py: Python<'py>, leaves: Vec<Bound<'py, PyBytes>>) -> Bound<'py, PyBytes> {
    let leaves: Vec<&[u8]> = leaves.iter().map(PyBytesMethods::as_bytes).collect();
    let root = py.detach(|| merkle::root(&hash_all(&leaves)));
    PyBytes::new(py, &root)
}

#[pyfunction]
pub(crate) fn inclusion_proof<'py>(
    py: Python<'py>,
    leaves: Vec<Bound<'py, PyBytes>>,
    index: isize,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let leaves: Vec<&[u8]> = leaves.iter().map(PyBytesMethods::as_bytes).collect();
    let path = usize::try_from(index).ok().and_then(|index| py.detach(|| merkle::path(&hash_all(&leaves), index)));
    let path = path.ok_or_else(|| PyIndexError::new_err(format!("no leaf {index} of {}", leaves.len())))?;
    Ok(path.iter().map(|node| PyBytes::new(py, node)).collect())
}

#[pyfunction]
pub(crate) fn verify_inclusion(leaf: &[u8], index: u64, count: u64, path: Vec<Exactly<32>>, root: Exactly<32>) -> bool {
    let path: Vec<Digest> = path.iter().map(|node| node.0).collect();
    merkle::verify(&digest::leaf(leaf), index, count, &path, &root.0)
}

fn hash_all(leaves: &[&[u8]]) -> Vec<Digest> {
    leaves.iter().map(|leaf| digest::leaf(leaf)).collect()
}
