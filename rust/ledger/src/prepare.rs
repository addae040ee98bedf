//! Everything about a batch that needs no state: input digests, decoding, signatures. Runs beside the writer, on all cores.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::thread;

use farechain_core::decide::Check;
use farechain_core::digest::{self, Digest};
use farechain_core::error::Code;
use farechain_core::event::{Decoder, Preimages};
use farechain_core::input::{Input, Kid, MAX_VALUE_BYTES, Places};
use farechain_core::signature::{self, PublicKey};
use farechain_lanes::blake3::keyed_many;
use farechain_lanes::{Job, Signer, Verifier};
use rustix::time::{ClockId, clock_gettime};

use crate::batch::{PreparedBatch, PreparedInput};
use crate::intake::{RawBatch, RawInput};

/// Smaller batches are not worth a second thread.
const PARALLEL_FROM: usize = 512;

/// Inputs that are decoded and then hashed: enough to fill lanes, few enough that their bytes are still in the cache.
const WINDOW: usize = 512;

/// Canonical data of an event, about; more of it makes its buffer grow.
const DATA_BYTES: usize = 224;

/// What a thread takes at a time: a few per cent of CPU above halves, and no thread waits long for the other's last one.
const SHARE: usize = 1024;

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
    /// The signers of some kids; none for those of which `look_up`, which asks the state, knows no registered key.
    fn signers<'k>(
        &self,
        kids: impl Iterator<Item = &'k Kid>,
        look_up: &dyn Fn(&Kid) -> Option<PublicKey>,
    ) -> Vec<Option<Signer>> {
        let mut missing = Vec::new();
        let known = self.signers.read().unwrap_or_else(PoisonError::into_inner);
        let mut signers: Vec<Option<Signer>> = kids
            .enumerate()
            .map(|(i, kid)| {
                let signer = known.get(kid).cloned();
                if signer.is_none() {
                    missing.push((i, *kid));
                }
                signer
            })
            .collect();
        drop(known);
        for (i, kid) in missing {
            signers[i] = self.signer(&kid, look_up);
        }
        signers
    }

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
        let (mut share, decode_ns) = timed(|| Share::decode(&raw, part));
        let ((), verify_ns) = timed(|| verify_all(&raw, &mut share.inputs, keyring, verifier, look_up));
        (share, PrepareTimes { decode_ns, verify_ns })
    });
    let mut times = PrepareTimes::default();
    for (_, spent) in &parts {
        times.decode_ns += spent.decode_ns;
        times.verify_ns += spent.verify_ns;
    }
    (join(raw, parts.into_iter().map(|(share, _)| share)), times)
}

/// Input digests and decoding alone, on `threads` threads; every check stays [`Check::UnknownKey`].
pub fn decode(raw: RawBatch, threads: usize) -> PreparedBatch {
    let shares = in_shares(&raw, threads, |part| Share::decode(&raw, part));
    join(raw, shares.into_iter())
}

fn join(raw: RawBatch, shares: impl ExactSizeIterator<Item = Share>) -> PreparedBatch {
    let mut batch = PreparedBatch { buffers: raw.buffers, ranges: raw.ranges, ..PreparedBatch::default() };
    for mut share in shares {
        if batch.inputs.is_empty() {
            batch.inputs = share.inputs;
            batch.inputs.reserve(raw.inputs.len() - batch.inputs.len());
        } else {
            share.inputs.iter_mut().for_each(|input| input.share = batch.data.len() as u32);
            batch.inputs.append(&mut share.inputs);
        }
        batch.data.push(share.data);
    }
    batch
}

/// Does some work on shares of a batch, each thread the next one that is left, and keeps their order: the threads end
/// together, though others may hold up one of them.
fn in_shares<T: Send>(raw: &RawBatch, threads: usize, work: impl Fn(&[RawInput]) -> T + Sync) -> Vec<T> {
    let share = if threads < 2 || raw.inputs.len() < PARALLEL_FROM { raw.inputs.len().max(1) } else { SHARE };
    let shares: Vec<_> = raw.inputs.chunks(share).collect();
    let next = AtomicUsize::new(0);
    let work_on = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = shares.get(at) else { return done };
            done.push((at, work(part)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(shares.len())).map(|_| scope.spawn(work_on)).collect();
        let mut done = work_on();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, part)| part).collect()
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

/// A thread's share of a batch, decoded.
struct Share {
    inputs: Vec<PreparedInput>,
    /// The canonical data of its events.
    data: Vec<u8>,
}

impl Share {
    fn decode(raw: &RawBatch, part: &[RawInput]) -> Share {
        let (mut decoder, mut preimages) = (Decoder::default(), Preimages::with_capacity(part.len() * DATA_BYTES));
        let (mut inputs, mut digests) = (Vec::with_capacity(part.len()), Vec::with_capacity(WINDOW));
        for window in part.chunks(WINDOW) {
            let first = inputs.len();
            inputs.extend(window.iter().map(|input| decode_one(raw, input, &mut decoder, &mut preimages)));
            set_digests(raw, &mut inputs[first..], &preimages, &mut digests);
            preimages.hashed();
        }
        Share { inputs, data: preimages.into_data() }
    }
}

fn decode_one(raw: &RawBatch, input: &RawInput, decoder: &mut Decoder, preimages: &mut Preimages) -> PreparedInput {
    let RawInput { source, timestamp_ms, buffer, start, end } = *input;
    let bytes = &raw.buffers[buffer as usize][start as usize..end as usize];
    let places = Places::find(bytes).expect("the intake writes canonical bytes");
    let data_start = preimages.data_bytes() as u32;
    let event = match places.of(bytes).value {
        None => Err(Code::Schema),
        Some(value) if value.len() > MAX_VALUE_BYTES => Err(Code::Size),
        Some(value) => decoder.decode(value, preimages),
    };
    let data_end = preimages.data_bytes() as u32;
    let (digest, check) = (Digest::default(), Check::UnknownKey);
    PreparedInput {
        source,
        timestamp_ms,
        buffer,
        start,
        end,
        digest,
        places,
        check,
        event,
        share: 0,
        data_start,
        data_end,
    }
}

/// Hashes what a window of inputs has to be hashed, each kind of digest at once. `digests` is only a place to work in.
fn set_digests(raw: &RawBatch, inputs: &mut [PreparedInput], preimages: &Preimages, digests: &mut Vec<Digest>) {
    digests.clear();
    let bytes = |input: &PreparedInput| &raw.buffers[input.buffer as usize][input.start as usize..input.end as usize];
    keyed_many(&digest::INPUT, inputs.iter().map(bytes), digests);
    keyed_many(&digest::LEAF, preimages.data(), digests);
    keyed_many(&digest::IDENTITY, preimages.identities(), digests);
    let (of_inputs, others) = digests.split_at(inputs.len());
    let (leaves, identities) = others.split_at(preimages.data().len());
    let (mut leaves, mut identities) = (leaves.iter().copied(), identities.iter().copied());
    for (input, digest) in inputs.iter_mut().zip(of_inputs) {
        input.digest = *digest;
        if let Ok(signed) = &mut input.event {
            signed.set_digests(leaves.next().unwrap_or_default(), &mut identities);
        }
    }
}

/// Checks the signatures of those inputs whose key is known; the others' check stays [`Check::UnknownKey`].
fn verify_all(
    raw: &RawBatch,
    inputs: &mut [PreparedInput],
    keyring: &Keyring,
    verifier: &Verifier,
    look_up: &dyn Fn(&Kid) -> Option<PublicKey>,
) {
    let parts = |input: &PreparedInput| {
        let bytes = &raw.buffers[input.buffer as usize][input.start as usize..input.end as usize];
        let Input { kid, signature, value, .. } = input.places.of(bytes);
        Some((kid?, signature?, value.filter(|value| value.len() <= MAX_VALUE_BYTES)?))
    };
    let signed: Vec<_> = inputs.iter().enumerate().filter_map(|(i, input)| Some((i, parts(input)?))).collect();
    let signers = keyring.signers(signed.iter().map(|(_, (kid, ..))| kid), look_up);
    let heads = Heads::of(signed.iter().map(|(_, (.., value))| value.len()));
    let known = || signed.iter().zip(&signers).filter_map(|(signed, signer)| Some((signed, signer.as_ref()?)));
    let jobs: Vec<Job<'_>> = known()
        .map(|((_, (_, signature, message)), signer)| Job {
            signer,
            prefix: heads.get(message.len()),
            message,
            signature,
        })
        .collect();
    let verdicts = verifier.verify_batch(&jobs);
    let checks: Vec<(usize, bool)> = known().map(|((i, _), _)| *i).zip(verdicts).collect();
    for (i, good) in checks {
        inputs[i].check = if good { Check::Good } else { Check::Bad };
    }
}

/// DSSE's heads for the lengths of a batch's values.
struct Heads {
    /// By length: its head.
    heads: Vec<Vec<u8>>,
}

impl Heads {
    fn of(lengths: impl Iterator<Item = usize>) -> Heads {
        let mut heads: Vec<Vec<u8>> = Vec::new();
        for length in lengths {
            if heads.len() <= length {
                heads.resize(length + 1, Vec::new());
            }
            if heads[length].is_empty() {
                heads[length] = signature::pae_head(signature::PAYLOAD_TYPE, length);
            }
        }
        Heads { heads }
    }

    fn get(&self, length: usize) -> &[u8] {
        &self.heads[length]
    }
}
