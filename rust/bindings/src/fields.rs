//! Dictionaries of named fields, filled one after the other.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// A dictionary that is being filled.
pub(crate) struct Fields<'py>(Bound<'py, PyDict>);

impl<'py> Fields<'py> {
    pub(crate) fn new(py: Python<'py>) -> Self {
        Self(PyDict::new(py))
    }

    pub(crate) fn py(&self) -> Python<'py> {
        self.0.py()
    }

    pub(crate) fn with(self, name: &str, value: impl IntoPyObject<'py>) -> PyResult<Self> {
        self.0.set_item(name, value)?;
        Ok(self)
    }

    pub(crate) fn bytes(self, name: &str, value: &[u8]) -> PyResult<Self> {
        let value = PyBytes::new(self.0.py(), value);
        self.with(name, value)
    }

    pub(crate) fn optional_bytes<const N: usize>(self, name: &str, value: Option<&[u8; N]>) -> PyResult<Self> {
        let value = value.map(|value| PyBytes::new(self.0.py(), value));
        self.with(name, value)
    }

    pub(crate) fn done(self) -> Bound<'py, PyDict> {
        self.0
    }
}
