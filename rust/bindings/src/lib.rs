//! The Python module `farechain._core`: extract, detach from the interpreter, call, convert errors.
//!
//! Knows Python and the crates below it; holds no rule of its own. The surface with its docstrings is
//! `python/farechain/_core.pyi`, one file here for each of its groups; a test compares the two.
#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]

mod archive;
mod audit;
mod codecs;
mod committed;
mod copies;
mod digests;
mod errors;
mod fields;
mod intake;
mod ledger;
mod lengths;
mod notes;
mod proofs;
mod proving;
mod public_log;
mod records;
mod registry;
mod signatures;
mod views;

use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;
use pyo3::types::PyDict;

#[pyo3::pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::archive::archive;
    #[pymodule_export]
    use crate::audit::audit;
    #[pymodule_export]
    use crate::codecs::{
        check_uscc, decode_canonical, decode_event, decode_header, input_bytes, input_digest, split_tax,
    };
    #[pymodule_export]
    use crate::committed::Committed;
    #[pymodule_export]
    use crate::copies::{append_copy, apply_copy, copy_of, copy_to, create_copy};
    #[pymodule_export]
    use crate::digests::{block_hash, identity, inclusion_proof, leaf_hash, merkle_root, verify_inclusion};
    #[pymodule_export]
    use crate::errors::LedgerError;
    #[pymodule_export]
    use crate::intake::{Intake, PreparedBatch, RawBatch, end_of_batches};
    #[pymodule_export]
    use crate::ledger::Ledger;
    #[pymodule_export]
    use crate::notes::{
        cosign, open_note, parse_checkpoint, rfc6962_root, verify_consistency, vkey_cosignature, vkey_ed25519,
    };
    #[pymodule_export]
    use crate::proofs::{is_state_proof, proof_to_compact, proof_to_json, verify_proof, verify_state_proof};
    #[pymodule_export]
    use crate::public_log::PublicLog;
    #[pymodule_export]
    use crate::records::{decode_annex, decode_record};
    #[pymodule_export]
    use crate::registry::lifecycle_rules;
    #[pymodule_export]
    use crate::signatures::{
        admit_key, kid, public_key, sign, sign_batch, sign_presentation, sign_rotation, verify_batch,
    };

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let instructions = farechain_lanes::instructions().map_err(crate::errors::refused)?;
        module.add("INSTRUCTIONS", instructions.name())?;
        super::add_type_aliases(module)?;
        super::warn_of_debug_build(module.py())?;
        // PyO3 lists every export in it; the stub has none, since nothing here is meant for a star import.
        module.delattr("__all__")
    }
}

/// The stub's type aliases as values, so that importing them works when the program runs, too.
fn add_type_aliases(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let names = PyDict::new(module.py());
    names.set_item("Literal", module.py().import("typing")?.getattr("Literal")?)?;
    for (name, alias) in [
        ("Rate", c"int | Literal['EXEMPT', 'NONTAXABLE']"),
        ("SourceRecord", c"tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]"),
    ] {
        module.add(name, module.py().eval(alias, Some(&names), None)?)?;
    }
    Ok(())
}

/// Everything is many times slower without optimisation: nobody should measure or run that by accident.
fn warn_of_debug_build(py: Python<'_>) -> PyResult<()> {
    if cfg!(debug_assertions) {
        let text = c"farechain._core is a debug build: build it with `maturin develop --release`";
        return PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), text, 1);
    }
    Ok(())
}
