//! Microseconds of CPU a signature, side by side in one run: `cargo run --release --example verify_bench [keys] [jobs]`.
//!
//! Every line is the least of several rounds, and the rounds of all lines are interleaved, so that a busy machine
//! disturbs them alike. One thread; the thread's CPU time.

#![allow(clippy::cast_precision_loss, reason = "a time in microseconds for a person to read")]

use ed25519_dalek::{Signature, VerifyingKey};
use farechain_core::signature::{self, PublicKey};
use farechain_lanes::{Instructions, Job, Signer, Verifier};
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

/// Least microseconds of CPU an item.
struct Line {
    name: &'static str,
    best_us: f64,
}

impl Line {
    fn new(name: &'static str) -> Line {
        Line { name, best_us: f64::INFINITY }
    }

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

/// What every path is asked to do.
struct Work<'a> {
    public: &'a [PublicKey],
    signed: &'a [Signed],
    random: Vec<Job<'a>>,
    sorted: Vec<Job<'a>>,
    /// One in a batch is forged.
    forged: Vec<Job<'a>>,
    /// Three signatures of each key are enough to want its table.
    thrice: Vec<Job<'a>>,
}

/// The lines of one path.
struct Column {
    path: Instructions,
    warm: Verifier,
    lines: [Line; 12],
}

impl Column {
    fn new(path: Instructions, work: &Work<'_>) -> Column {
        let lines = [
            "batches of 8192, random order",
            "batches of 8192, sorted by key",
            "batches of 8192, one forged in each",
            "batches of 64, random order",
            "batches of 16, random order",
            "batches of 8, random order",
            "batches of 4, random order",
            "batches of 1, random order",
            "batches of 8192, no tables",
            "batches of 8192, first run: tables are built",
            "three of each key, tables are built",
            "three of each key, tables exist",
        ];
        let warm = verifier(path, usize::MAX);
        run(&warm, &work.thrice, usize::MAX);
        Column { path, warm, lines: lines.map(Line::new) }
    }

    fn round(&mut self, work: &Work<'_>) {
        let (lines, warm) = (&mut self.lines, &self.warm);
        let few = work.random.len().min(2048);
        lines[0].measure(work.random.len(), || run(warm, &work.random, BATCH));
        lines[1].measure(work.sorted.len(), || run(warm, &work.sorted, BATCH));
        lines[2].measure(work.forged.len(), || {
            for batch in work.forged.chunks(BATCH) {
                assert_eq!(warm.verify_batch(batch).into_iter().filter(|verdict| !verdict).count(), 1);
            }
        });
        for (line, batch) in lines[3..].iter_mut().zip([64, 16, 8, 4, 1]) {
            line.measure(few, || run(warm, &work.random[..few], batch));
        }
        let cold = verifier(self.path, 0);
        lines[8].measure(few, || run(&cold, &work.random[..few], BATCH));
        let new: Vec<Signer> = work.public.iter().map(Signer::new).collect();
        let (first, jobs) = (verifier(self.path, usize::MAX), jobs(&new, work.signed));
        lines[9].measure(jobs.len(), || run(&first, &jobs, BATCH));
        let building = verifier(self.path, usize::MAX);
        lines[10].measure(work.thrice.len(), || run(&building, &work.thrice, BATCH));
        lines[11].measure(work.thrice.len(), || run(&building, &work.thrice, BATCH));
    }

    /// Microseconds a table.
    fn build_us(&self) -> f64 {
        3.0 * (self.lines[10].best_us - self.lines[11].best_us)
    }

    fn uses_that_pay(&self) -> f64 {
        self.build_us() / (self.lines[8].best_us - self.lines[0].best_us)
    }
}

fn verifier(path: Instructions, table_bytes_max: usize) -> Verifier {
    Verifier::with(path, 1, table_bytes_max).expect("it is available")
}

fn main() {
    let (keys, count) = (number(1, 1000), number(2, 16384));
    let (public, signed) = scene(keys, count);
    let signers: Vec<Signer> = public.iter().map(Signer::new).collect();
    let random = jobs(&signers, &signed);
    let mut sorted = random.clone();
    sorted.sort_by_key(|job| *job.signer.key().as_bytes());
    let mut forged = random.clone();
    for batch in forged.chunks_mut(BATCH) {
        // A signature of another message.
        batch[batch.len() / 2].signature = batch[0].signature;
    }
    let thrice = sorted.chunk_by(|a, b| a.signer.key() == b.signer.key()).flat_map(|of| [of[0]; 3]).collect();
    let work = Work { public: &public, signed: &signed, random, sorted, forged, thrice };
    let dalek: Vec<VerifyingKey> =
        public.iter().map(|key| VerifyingKey::from_bytes(key.as_bytes()).expect("a real key")).collect();
    let mut single = [Line::new("ed25519-dalek verify_strict"), Line::new("farechain-core verify (oracle)")];
    let mut columns: Vec<Column> = Instructions::available().into_iter().map(|path| Column::new(path, &work)).collect();
    for _ in 0..ROUNDS {
        let few = count.min(1024);
        single[0].measure(few, || {
            for s in &signed[..few] {
                assert!(dalek[s.key].verify_strict(&s.message, &Signature::from_bytes(&s.signature)).is_ok());
            }
        });
        single[1].measure(few, || {
            for s in &signed[..few] {
                assert!(signature::verify(&public[s.key], &s.message, &s.signature));
            }
        });
        for column in &mut columns {
            column.round(&work);
        }
    }
    println!("{keys} keys, {count} signatures of {MESSAGE_BYTES} bytes\n");
    for line in &single {
        println!("{}: {:.2} us", line.name, line.best_us);
    }
    print(&columns, keys);
}

fn print(columns: &[Column], keys: usize) {
    let row = |name: &str, cell: &dyn Fn(&Column) -> String| {
        println!("| {name} | {} |", columns.iter().map(cell).collect::<Vec<_>>().join(" | "));
    };
    println!();
    row("microseconds of CPU a signature", &|column| column.path.to_string());
    println!("|---|{}", "---:|".repeat(columns.len()));
    for (i, line) in columns[0].lines.iter().enumerate() {
        row(line.name, &|column| format!("{:.2}", column.lines[i].best_us));
    }
    row("microseconds to build a table", &|column| format!("{:.1}", column.build_us()));
    row("uses that pay for it", &|column| format!("{:.1}", column.uses_that_pay()));
    row("bytes a table", &|column| (column.warm.memory_bytes() / keys).to_string());
}
