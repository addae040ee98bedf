//! Microseconds of CPU a signature, side by side in one run: `cargo run --release --example verify_bench [keys] [jobs]`.
//!
//! Every line is the least of several rounds, and the rounds of all lines are interleaved, so that a busy machine
//! disturbs them alike. One thread; the thread's CPU time.

#![allow(clippy::cast_precision_loss, reason = "a time in microseconds for a person to read")]

use ed25519_dalek::{Signature, VerifyingKey};
use farechain_core::signature::{self, PublicKey};
use farechain_lanes::{Job, Signer, Verifier, instructions};
use rustix::time::{ClockId, clock_gettime};

/// As many jobs as the writer seals into a block.
const BATCH: usize = 8192;
const ROUNDS: usize = 5;
/// A signed event of the usual size, after DSSE's head.
const MESSAGE_BYTES: usize = 450;

struct Signed {
    key: usize,
    message: Vec<u8>,
    signature: [u8; 64],
}

/// Least microseconds of CPU an item, and how often it was measured.
struct Line {
    name: &'static str,
    best_us: f64,
}

impl Line {
    fn measure(&mut self, items: usize, work: impl FnOnce()) {
        let started = cpu_us();
        work();
        self.best_us = self.best_us.min((cpu_us() - started) / items as f64);
    }
}

fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn number(argument: usize, otherwise: usize) -> usize {
    std::env::args().nth(argument).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Keys, and messages signed by keys in an order that looks random.
fn scene(keys: usize, jobs: usize) -> (Vec<PublicKey>, Vec<Signed>) {
    let seeds: Vec<[u8; 32]> =
        (0..keys as u64).map(|i| std::array::from_fn(|j| i.to_le_bytes()[j % 8] ^ j as u8)).collect();
    let public = seeds.iter().map(|seed| PublicKey::admit(signature::public_key(seed)).expect("a real key")).collect();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let signed = (0..jobs)
        .map(|i| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let key = random as usize % keys;
            let message: Vec<u8> = (0..MESSAGE_BYTES).map(|j| (i >> (j % 4 * 8)) as u8).collect();
            let signature = signature::sign(&seeds[key], &message);
            Signed { key, message, signature }
        })
        .collect();
    (public, signed)
}

fn jobs<'a>(signers: &'a [Signer], signed: &'a [Signed]) -> Vec<Job<'a>> {
    signed
        .iter()
        .map(|s| Job { signer: &signers[s.key], prefix: &[], message: &s.message, signature: &s.signature })
        .collect()
}

fn run(verifier: &Verifier, jobs: &[Job<'_>], batch: usize) {
    for batch in jobs.chunks(batch) {
        assert!(verifier.verify_batch(batch).into_iter().all(|verdict| verdict));
    }
}

fn main() {
    let (keys, count) = (number(1, 1000), number(2, 16384));
    let (public, signed) = scene(keys, count);
    let signers: Vec<Signer> = public.iter().map(Signer::new).collect();
    let mut sorted = jobs(&signers, &signed);
    let random = sorted.clone();
    sorted.sort_by_key(|job| *job.signer.key().as_bytes());
    let warm = Verifier::new(1, usize::MAX);
    let portable = Verifier::portable(1, usize::MAX);
    let cold = Verifier::new(1, 0);
    let dalek: Vec<VerifyingKey> =
        public.iter().map(|key| VerifyingKey::from_bytes(key.as_bytes()).expect("a real key")).collect();
    // Three signatures of each key are enough to want its table.
    let thrice: Vec<Job<'_>> =
        sorted.chunk_by(|a, b| a.signer.key() == b.signer.key()).flat_map(|of| [of[0]; 3]).collect();
    for verifier in [&warm, &portable] {
        run(verifier, &thrice, usize::MAX);
    }
    let mut lines = [
        "ed25519-dalek verify_strict",
        "farechain-core verify (oracle)",
        "no tables, batches of 8192",
        "portable, batches of 8192, random order",
        "fastest, batches of 8192, random order",
        "fastest, batches of 8192, sorted by key",
        "fastest, batches of 1, random order",
        "fastest, batches of 8192, first run: tables are built",
        "three of each key, tables are built",
        "three of each key, tables exist",
    ]
    .map(|name| Line { name, best_us: f64::INFINITY });
    for _ in 0..ROUNDS {
        let few = count.min(2048);
        lines[0].measure(few, || {
            for s in &signed[..few] {
                assert!(dalek[s.key].verify_strict(&s.message, &Signature::from_bytes(&s.signature)).is_ok());
            }
        });
        lines[1].measure(few, || {
            for s in &signed[..few] {
                assert!(signature::verify(&public[s.key], &s.message, &s.signature));
            }
        });
        lines[2].measure(few, || run(&cold, &random[..few], BATCH));
        lines[3].measure(count, || run(&portable, &random, BATCH));
        lines[4].measure(count, || run(&warm, &random, BATCH));
        lines[5].measure(count, || run(&warm, &sorted, BATCH));
        lines[6].measure(count, || run(&warm, &random, 1));
        let (new, first) = (public.iter().map(Signer::new).collect::<Vec<_>>(), Verifier::new(1, usize::MAX));
        let jobs = jobs(&new, &signed);
        lines[7].measure(count, || run(&first, &jobs, BATCH));
        let building = Verifier::new(1, usize::MAX);
        lines[8].measure(thrice.len(), || run(&building, &thrice, BATCH));
        lines[9].measure(thrice.len(), || run(&building, &thrice, BATCH));
    }
    let build = 3.0 * (lines[8].best_us - lines[9].best_us);
    println!("{} instructions, {keys} keys, {count} signatures of {MESSAGE_BYTES} bytes\n", instructions());
    println!("| microseconds of CPU a signature | |\n|---|---:|");
    for line in &lines {
        println!("| {} | {:.2} |", line.name, line.best_us);
    }
    println!("| **a table** | |\n| microseconds to build | {build:.1} |");
    println!("| uses that pay for it | {:.1} |", build / (lines[2].best_us - lines[4].best_us));
    println!("| bytes | {} |", building_bytes(&thrice));
}

/// Bytes a key, with the tables of all keys in memory.
fn building_bytes(thrice: &[Job<'_>]) -> usize {
    let verifier = Verifier::new(1, usize::MAX);
    run(&verifier, thrice, BATCH);
    verifier.memory_bytes() / (thrice.len() / 3)
}
