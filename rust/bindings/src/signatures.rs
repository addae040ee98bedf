//! Keys and signatures of events: one at a time, and many at once on all cores.

use std::collections::HashMap;
use std::fmt::Write;
use std::thread;

use farechain_core::command::InvoiceId;
use farechain_core::decide::presented;
use farechain_core::signature::{self, PAYLOAD_TYPE, PublicKey, ROTATE_TYPE, SecretKey};
use farechain_core::text::Text;
use farechain_lanes::{Job, Signer, Verifier};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::refused;
use crate::lengths::Exactly;

/// Fewer signatures than this are done by the calling thread: 64 of them take about as long as starting a thread.
const PARALLEL_FROM: usize = 64;
/// Tables of the keys of one `verify_batch`; they are dropped with it.
const TABLE_BYTES_MAX: usize = 64 << 20;

#[pyfunction]
pub(crate) fn public_key(seed: Exactly<32>) -> [u8; 32] {
    signature::public_key(&seed.0)
}

#[pyfunction]
pub(crate) fn kid(public_key: Exactly<32>) -> String {
    signature::kid(&public_key.0).iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[pyfunction]
pub(crate) fn admit_key(public_key: Exactly<32>) -> PyResult<()> {
    PublicKey::admit(public_key.0).map(|_| ()).map_err(refused)
}

#[pyfunction]
pub(crate) fn sign<'py>(py: Python<'py>, seed: Exactly<32>, value: &[u8]) -> Bound<'py, PyBytes> {
    let signature = py.detach(|| sign_event(&seed.0, value));
    PyBytes::new(py, &signature)
}

#[pyfunction]
pub(crate) fn sign_presentation<'py>(
    py: Python<'py>,
    seed: Exactly<32>,
    code: &str,
    number: u32,
    reimburser: &str,
    claim_id: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let code = Text::new(code).ok_or_else(|| refused("an invoice code has at most 12 bytes"))?;
    let signed = presented(&InvoiceId { code, number }, reimburser, claim_id);
    Ok(PyBytes::new(py, &signature::sign(&seed.0, &signed)))
}

#[pyfunction]
pub(crate) fn sign_rotation(py: Python<'_>, seed: Exactly<32>, old: Exactly<32>) -> Bound<'_, PyBytes> {
    let both = [&signature::kid(&old.0)[..], &signature::public_key(&seed.0)].concat();
    PyBytes::new(py, &signature::sign(&seed.0, &signature::pae(ROTATE_TYPE, &both)))
}

#[pyfunction]
pub(crate) fn sign_batch<'py>(
    py: Python<'py>,
    seeds: Vec<Exactly<32>>,
    values: Vec<Bound<'py, PyBytes>>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    if seeds.len() != values.len() {
        return Err(refused(format!("{} seeds for {} values", seeds.len(), values.len())));
    }
    let values: Vec<&[u8]> = values.iter().map(PyBytesMethods::as_bytes).collect();
    let signatures = py.detach(|| {
        let mut keys = HashMap::new();
        for seed in &seeds {
            keys.entry(seed.0).or_insert_with(|| SecretKey::from_seed(&seed.0));
        }
        on_all_cores(values.len(), |i| keys[&seeds[i].0].sign(&signature::pae(PAYLOAD_TYPE, values[i])))
    });
    Ok(signatures.iter().map(|signature| PyBytes::new(py, signature)).collect())
}

#[pyfunction]
pub(crate) fn verify_batch(
    py: Python<'_>,
    public_keys: Vec<Exactly<32>>,
    values: Vec<Bound<'_, PyBytes>>,
    signatures: Vec<Exactly<64>>,
) -> PyResult<Vec<bool>> {
    if public_keys.len() != values.len() || values.len() != signatures.len() {
        let lengths = (public_keys.len(), values.len(), signatures.len());
        return Err(refused(format!("{} keys and {} values for {} signatures", lengths.0, lengths.1, lengths.2)));
    }
    let values: Vec<&[u8]> = values.iter().map(PyBytesMethods::as_bytes).collect();
    Ok(py.detach(|| verify_all(&public_keys, &values, &signatures)))
}

fn verify_all(public_keys: &[Exactly<32>], values: &[&[u8]], signatures: &[Exactly<64>]) -> Vec<bool> {
    let (mut signers, mut heads) = (HashMap::new(), HashMap::new());
    for (key, value) in public_keys.iter().zip(values) {
        signers.entry(key.0).or_insert_with(|| PublicKey::admit(key.0).ok().map(|key| Signer::new(&key)));
        heads.entry(value.len()).or_insert_with(|| signature::pae_head(PAYLOAD_TYPE, value.len()));
    }
    let (mut jobs, mut places) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    for (place, ((key, value), signature)) in public_keys.iter().zip(values).zip(signatures).enumerate() {
        if let Some(signer) = &signers[&key.0] {
            jobs.push(Job { signer, prefix: &heads[&value.len()], message: value, signature: &signature.0 });
            places.push(place);
        }
    }
    let mut verdicts = vec![false; values.len()];
    for (place, verdict) in places.into_iter().zip(Verifier::new(cores(), TABLE_BYTES_MAX).verify_batch(&jobs)) {
        verdicts[place] = verdict;
    }
    verdicts
}

fn sign_event(seed: &[u8; 32], value: &[u8]) -> [u8; 64] {
    signature::sign(seed, &signature::pae(PAYLOAD_TYPE, value))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// `work(0)`, `work(1)`, ... in order, shared out between all cores.
fn on_all_cores<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = if count < PARALLEL_FROM { 1 } else { cores() };
    let share = count.div_ceil(threads).max(1);
    let work = &work;
    let part = move |from: usize| -> Vec<T> { (from..count.min(from + share)).map(work).collect() };
    thread::scope(|scope| {
        let others: Vec<_> = (share..count).step_by(share).map(|from| scope.spawn(move || part(from))).collect();
        let mut all = part(0);
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    })
}
