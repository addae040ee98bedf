//! What committing a day costs the writer, stage by stage, in nanoseconds of CPU an event:
//! `cargo run --release -p farechain-ledger --example commit_bench -- DIR [ROUNDS] [BATCH]`.
//!
//! DIR is what `farechain generate DIR` wrote. The day is prepared once, with every key registered; each round commits
//! it to a new ledger on one thread. A line is the least of the rounds. One round under `perf record` or
//! `valgrind --tool=callgrind --toggle-collect='*Ledger*commit*'` shows where the time goes.

#![allow(clippy::cast_precision_loss, reason = "a time in nanoseconds for a person to read")]

mod spool;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use farechain_core::block::Source;
use farechain_ledger::batch::PreparedBatch;
use farechain_ledger::intake::{Intake, SourceRecord};
use farechain_ledger::ledger::{Committed, Create, Ledger, OpenOptions};

use spool::Record;

/// As many inputs as the writer seals into a block.
const BATCH: usize = 8192;
const ROUNDS: usize = 5;
/// After every input of any day.
const TIME_MS: u64 = 4_000_000_000_000;

/// A stage, and how to read what a block spent there.
type Stage = (&'static str, fn(&Committed) -> u64);

const STAGES: [Stage; 5] = [
    ("decide", |block| block.decide_ns),
    ("hash", |block| block.hash_ns),
    ("append", |block| block.append_ns),
    ("index", |block| block.index_ns),
    ("sync (waiting)", |block| block.sync_ns),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("the argument is a directory that `farechain generate` wrote")?;
    let mut number = |otherwise| arguments.next().map_or(Ok(otherwise), |text| text.parse::<usize>());
    let (rounds, batch) = (number(ROUNDS)?, number(BATCH)?);
    let dir = Path::new(&dir);
    let files = spool::read(&dir.join("spool"))?;
    let bureau = key(&fs::read_to_string(dir.join("keys").join("bureau.pub"))?)?;
    let place = std::env::temp_dir().join(format!("farechain-commit-bench-{}", std::process::id()));
    let open = || {
        create(&place, bureau, files.len())?;
        Ok::<_, Box<dyn Error>>(Ledger::open(&place, OpenOptions::default())?)
    };
    let [commands, payments] = prepare_day(&open()?, &files, batch)?;
    let events: usize = payments.iter().map(|batch| batch.inputs.len()).sum();
    let mut best = [f64::INFINITY; STAGES.len()];
    let mut best_wall = f64::INFINITY;
    let mut state = [0; 32];
    for _ in 0..rounds {
        let ledger = open()?;
        commit(&ledger, &commands)?;
        let started = Instant::now();
        let blocks = commit(&ledger, &payments)?;
        best_wall = best_wall.min(started.elapsed().as_nanos() as f64 / events as f64);
        for (best, (_, read)) in best.iter_mut().zip(STAGES) {
            *best = best.min(blocks.iter().map(read).sum::<u64>() as f64 / events as f64);
        }
        state = ledger.head();
    }
    fs::remove_dir_all(&place)?;
    println!("{events} events in blocks of {batch}, {rounds} rounds, ns of CPU an event");
    for ((name, _), best) in STAGES.iter().zip(best) {
        println!("{name:<16}{best:>8.1}");
    }
    println!("{:<16}{best_wall:>8.1}", "all, wall time");
    println!("head {:02x?}", &state[..8]);
    Ok(())
}

fn key(hex: &str) -> Result<[u8; 32], Box<dyn Error>> {
    let mut key = [0; 32];
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2).ok_or("a key has 64 hex digits")?, 16)?;
    }
    Ok(key)
}

fn create(place: &Path, bureau: [u8; 32], sources: usize) -> Result<(), Box<dyn Error>> {
    if place.exists() {
        fs::remove_dir_all(place)?;
    }
    let sources = 0..sources as u32;
    let sources = sources.map(|partition| Source { topic: "spool".into(), topic_id: [0; 16], partition });
    let chain = Create {
        network: "shenzhen".into(),
        chain: "shenzhen/0".into(),
        bureau,
        sources: sources.collect(),
        regions: vec!["4403".into()],
        time_ms: 0,
        utc_offset_min: 480,
        drain_max: 1024,
        secret: [9; 16],
    };
    Ok(Ledger::create(place, &chain)?)
}

/// The commands and then the payments, in batches; the commands, the first file's, are committed to `ledger` on the way.
fn prepare_day(
    ledger: &Ledger,
    files: &[Vec<Record>],
    batch: usize,
) -> Result<[Vec<PreparedBatch>; 2], Box<dyn Error>> {
    let mut intake = ledger.intake();
    push(&mut intake, 1, &files[0]);
    let commands = prepare(ledger, &mut intake, BATCH);
    commit(ledger, &commands)?;
    for (source, records) in (1..).zip(files).skip(1) {
        push(&mut intake, source, records);
    }
    Ok([commands, prepare(ledger, &mut intake, batch)])
}

fn push(intake: &mut Intake, source: u16, records: &[Record]) {
    for chunk in records.chunks(BATCH) {
        let headers: Vec<Vec<_>> = chunk
            .iter()
            .map(|record| record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())).collect())
            .collect();
        let records = chunk.iter().zip(&headers).map(|(record, headers)| SourceRecord {
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            key: record.key.as_deref(),
            headers,
            value: record.value.as_deref(),
        });
        intake.push_records(source, records, None, false);
    }
}

fn prepare(ledger: &Ledger, intake: &mut Intake, batch: usize) -> Vec<PreparedBatch> {
    std::iter::from_fn(|| (!intake.is_empty()).then(|| ledger.prepare(intake.seal(batch)).0)).collect()
}

fn commit(ledger: &Ledger, batches: &[PreparedBatch]) -> Result<Vec<Committed>, Box<dyn Error>> {
    Ok(batches.iter().map(|batch| ledger.commit(batch, TIME_MS)).collect::<Result<_, _>>()?)
}
