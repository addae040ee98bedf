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
    /// Signatures, nanoseconds.
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

/// Decodes and verifies a sealed batch, each thread its share of it. The verifier works on the thread that calls it.
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
    let parts = in_shares(&raw, threads, |part| {
        let (mut inputs, decode_ns) = timed(|| decode_all(&raw, part));
        let (checks, verify_ns) = timed(|| verify_all(&raw, &inputs, keyring, verifier, look_up));
        for (input, check) in inputs.iter_mut().zip(checks) {
            input.check = check;
        }
        (inputs, PrepareTimes { decode_ns, verify_ns })
    });
    let mut times = PrepareTimes::default();
    let mut inputs = Vec::with_capacity(raw.inputs.len());
    for (part, spent) in parts {
        inputs.extend(part);
        times.decode_ns += spent.decode_ns;
        times.verify_ns += spent.verify_ns;
    }
    (PreparedBatch { buffers: raw.buffers, inputs, ranges: raw.ranges }, times)
}

/// Input digests and decoding alone, on `threads` threads; every check stays [`Check::UnknownKey`].
pub fn decode(raw: RawBatch, threads: usize) -> PreparedBatch {
    let inputs = in_shares(&raw, threads, |part| decode_all(&raw, part)).into_iter().flatten().collect();
    PreparedBatch { buffers: raw.buffers, inputs, ranges: raw.ranges }
}

/// Does some work on equal shares of a batch, one a thread, and keeps their order.
fn in_shares<T: Send>(raw: &RawBatch, threads: usize, work: impl Fn(&[RawInput]) -> T + Sync) -> Vec<T> {
    let threads = if raw.inputs.len() < PARALLEL_FROM { 1 } else { threads.max(1) };
    let share = raw.inputs.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let (work, mut shares) = (&work, raw.inputs.chunks(share));
        let first = shares.next().unwrap_or_default();
        let others: Vec<_> = shares.map(|part| scope.spawn(move || work(part))).collect();
        let mut parts = vec![work(first)];
        parts.extend(
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        );
        parts
    })
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
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
    raw: &RawBatch,
    inputs: &[PreparedInput],
    keyring: &Keyring,
    verifier: &Verifier,
    look_up: &dyn Fn(&Kid) -> Option<PublicKey>,
) -> Vec<Check> {
    let mut heads: HashMap<usize, Vec<u8>> = HashMap::new();
    let parsed: Vec<Option<(Input<'_>, Signer)>> = inputs
        .iter()
        .map(|prepared| {
            let bytes = &raw.buffers[prepared.buffer as usize][prepared.start as usize..prepared.end as usize];
            let input = Input::parse(bytes)?;
            input.signature?;
            let length = input.value.filter(|value| value.len() <= MAX_VALUE_BYTES)?.len();
            let signer = keyring.signer(&input.kid?, look_up)?;
            heads.entry(length).or_insert_with(|| signature::pae_head(signature::PAYLOAD_TYPE, length));
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
