//! Byte strings of exactly one length: another length is a `ValueError` before any work is done.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::refused;

/// `N` bytes, copied out of a Python `bytes`.
#[derive(Clone, Copy)]
pub(crate) struct Exactly<const N: usize>(pub(crate) [u8; N]);

impl<'a, 'py, const N: usize> FromPyObject<'a, 'py> for Exactly<N> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let bytes = object.cast::<PyBytes>()?;
        let bytes = bytes.as_bytes();
        let exact = bytes.try_into().map_err(|_| refused(format!("expected {N} bytes, got {}", bytes.len())))?;
        Ok(Self(exact))
    }
}
