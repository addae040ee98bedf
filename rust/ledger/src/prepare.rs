//! Everything about a batch that needs no state: input digests, decoding, signatures. Runs beside the writer, on all cores.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::thread;

use farechain_core::decide::Check;
use farechain_core::error::Code;
use farechain_core::event;
use farechain_core::input::{Input, Kid, MAX_VALUE_BYTES};
use farechain_core::signature::{self, PublicKey};
use farechain_lanes::{Job, Signer, Verifier};
use rustix::time::{ClockId, clock_gettime};

use crate::batch::{PreparedBatch, PreparedInput};
use crate::intake::{RawBatch, RawInput};

/// Smaller batches are not worth a second thread.
const PARALLEL_FROM: usize = 512;

/// CPU time of one preparation, all threads together.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrepareTimes {
    /// Input digests and JSON decoding, nanoseconds.
    pub decode_ns: u64,
    /// Signatures, nanoseconds of wall time (the verifier uses all threads).
    pub verify_ns: u64,
}

/// The signers seen so far. A kid names its public key for ever, so that nothing here goes stale.
#[derive(Debug, Default)]
pub struct Keyring {
    signers: RwLock<HashMap<Kid, Signer>>,
}

impl Keyring {
    /// The signer of a kid, or what `look_up` says of it (a key that the state has registered).
    fn signer(&self, kid: &Kid, look_up: &dyn Fn(&Kid) -> Option<PublicKey>) -> Option<Signer> {
        if let Some(signer) = self.signers.read().unwrap_or_else(PoisonError::into_inner).get(kid) {
            return Some(signer.clone());
        }
        let signer = Signer::new(&look_up(kid)?);
        let mut signers = self.signers.write().unwrap_or_else(PoisonError::into_inner);
        Some(signers.entry(*kid).or_insert(signer).clone())
    }
}

/// Decodes and verifies a sealed batch.
///
/// `look_up` reads a registered key from the state; what it does not know stays [`Check::UnknownKey`] and is looked at
/// again by `decide`, so a key registered by an earlier input of the same batch counts.
pub fn prepare(
    raw: RawBatch,
    keyring: &Keyring,
    verifier: &Verifier,
    threads: usize,
    look_up: &(dyn Fn(&Kid) -> Option<PublicKey> + Sync),
) -> (PreparedBatch, PrepareTimes) {
    let threads = if raw.inputs.len() < PARALLEL_FROM { 1 } else { threads.max(1) };
    let share = raw.inputs.len().div_ceil(threads).max(1);
    let parts: Vec<(Vec<PreparedInput>, u64)> = thread::scope(|scope| {
        let (raw, mut shares) = (&raw, raw.inputs.chunks(share));
        let first = shares.next().unwrap_or_default();
        let others: Vec<_> = shares.map(|part| scope.spawn(move || timed(|| decode_all(raw, part)))).collect();
        let mut parts = vec![timed(|| decode_all(raw, first))];
        parts.extend(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        parts
    });
    let mut times = PrepareTimes { decode_ns: parts.iter().map(|(_, ns)| ns).sum(), verify_ns: 0 };
    let mut inputs = Vec::with_capacity(raw.inputs.len());
    parts.into_iter().for_each(|(part, _)| inputs.extend(part));
    let mut batch = PreparedBatch { buffers: raw.buffers, inputs, ranges: raw.ranges };
    let started = std::time::Instant::now();
    let checks = verify_all(&batch, keyring, verifier, look_up);
    times.verify_ns = started.elapsed().as_nanos() as u64;
    for (input, check) in batch.inputs.iter_mut().zip(checks) {
        input.check = check;
    }
    (batch, times)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
    };
    let started = now();
    let result = work();
    (result, now() - started)
}

fn decode_all(raw: &RawBatch, part: &[RawInput]) -> Vec<PreparedInput> {
    part.iter().map(|input| decode_one(raw, input)).collect()
}

fn decode_one(raw: &RawBatch, raw_input: &RawInput) -> PreparedInput {
    let RawInput { source, timestamp_ms, buffer, start, end } = *raw_input;
    let bytes = &raw.buffers[buffer as usize][start as usize..end as usize];
    let input = Input::parse(bytes).expect("the intake writes canonical bytes");
    let event = match input.value {
        None => Err(Code::Schema),
        Some(value) if value.len() > MAX_VALUE_BYTES => Err(Code::Size),
        Some(value) => event::decode(value),
    };
    PreparedInput { source, timestamp_ms, buffer, start, end, digest: input.digest(), check: Check::UnknownKey, event }
}

fn verify_all(
    batch: &PreparedBatch,
    keyring: &Keyring,
    verifier: &Verifier,
    look_up: &dyn Fn(&Kid) -> Option<PublicKey>,
) -> Vec<Check> {
    let mut heads: HashMap<usize, Vec<u8>> = HashMap::new();
    let parsed: Vec<Option<(Input<'_>, Signer)>> = batch
        .inputs
        .iter()
        .map(|prepared| {
            let input = Input::parse(batch.bytes(prepared))?;
            input.signature?;
            let length = input.value.filter(|value| value.len() <= MAX_VALUE_BYTES)?.len();
            let signer = keyring.signer(&input.kid?, look_up)?;
            heads.entry(length).or_insert_with(|| signature::pae_head(length));
            Some((input, signer))
        })
        .collect();
    let jobs: Vec<Job<'_>> = parsed
        .iter()
        .flatten()
        .filter_map(|(input, signer)| {
            let message = input.value?;
            Some(Job { signer, prefix: &heads[&message.len()], message, signature: input.signature? })
        })
        .collect();
    let mut verdicts = verifier.verify_batch(&jobs).into_iter();
    parsed
        .iter()
        .map(|job| match job {
            None => Check::UnknownKey,
            Some(_) if verdicts.next() == Some(true) => Check::Good,
            Some(_) => Check::Bad,
        })
        .collect()
}
