//! The move of old segments to a cheaper place.

use std::path::Path;

use farechain_ledger::archive::archive as archive_segments;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::opening;
use crate::fields::Fields;

#[pyfunction]
#[pyo3(signature = (path, target, *, keep))]
pub(crate) fn archive<'py>(py: Python<'py>, path: &str, target: &str, keep: u32) -> PyResult<Bound<'py, PyDict>> {
    let done = opening(py, || Ok(archive_segments(Path::new(path), Path::new(target), keep)?))?;
    Ok(Fields::new(py)
        .with("segments", done.segments)?
        .with("bytes", done.bytes)?
        .with("listed", done.listed)?
        .with("kept", done.kept)?
        .done())
}
