//! What preparing a day costs, part by part, in nanoseconds of CPU an event:
//! `cargo run --release -p farechain-ledger --example prepare_bench -- DIR [ROUNDS]`.
//!
//! DIR is what `farechain generate DIR` wrote. Every line is the least of several rounds on one thread. With 0 rounds each part is done
//! once and no clock is read, for `valgrind --tool=callgrind`, which rustix's clock does not survive.

#![allow(clippy::cast_precision_loss, reason = "a time in nanoseconds for a person to read")]

mod spool;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use farechain_core::digest;
use farechain_core::event::{self, Decoder, Preimages};
use farechain_core::input::Input;
use farechain_core::json::{self, Tokens};
use farechain_ledger::batch::PreparedBatch;
use farechain_ledger::intake::{Intake, RawBatch, SourceRecord};
use farechain_ledger::kafka_batch::Header;
use farechain_ledger::prepare;
use rustix::time::{ClockId, clock_gettime};
use spool::Record;

/// As many inputs as the writer seals into a block.
const BATCH: usize = 8192;
const ROUNDS: usize = 5;

/// The parts, each on the same batch one after the other, so that the batch is as warm as the fetcher leaves it.
const PARTS: [&str; 8] = [
    "canonical bytes, copied by the intake",
    "canonical bytes, parsed",
    "input digest, one at a time",
    "JSON read",
    "event decoded, no digest",
    "event decoded, its digests one at a time",
    "batch decoded, all digests",
    "batch freed",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("the argument is a directory that `farechain generate` wrote")?;
    let rounds = arguments.next().map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let files = spool::read(&Path::new(&dir).join("spool"))?;
    let (mut events, mut bytes, mut best) = (0, 0, [f64::INFINITY; PARTS.len()]);
    let clock = if rounds > 0 { cpu_ns } else { || 0.0 };
    for _ in 0..rounds.max(1) {
        let mut spent = [0.0; PARTS.len()];
        (events, bytes) = (0, 0);
        for chunk in files.iter().flat_map(|records| records.chunks(BATCH)) {
            bytes += round(chunk, clock, &mut spent);
            events += chunk.len();
        }
        best = std::array::from_fn(|part| f64::min(best[part], spent[part]));
    }
    println!("{events} events of {} canonical bytes, {rounds} rounds, ns of CPU an event", bytes / events);
    for (name, ns) in PARTS.iter().zip(best) {
        println!("{name:<44}{:>8.1}", ns / events as f64);
    }
    Ok(())
}

/// Does each part on one batch and adds what it cost; returns the batch's bytes.
fn round(records: &[Record], clock: fn() -> f64, spent: &mut [f64; PARTS.len()]) -> usize {
    let mut parts = spent.iter_mut();
    let mut measure = |work: &mut dyn FnMut() -> usize| {
        let started = clock();
        black_box(work());
        *parts.next().expect("a part each") += clock() - started;
    };
    let headers: Vec<Vec<_>> = records
        .iter()
        .map(|record| record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())).collect())
        .collect();
    let mut batch = RawBatch::default();
    measure(&mut || {
        batch = seal(records, &headers);
        batch.inputs.len()
    });
    let inputs: Vec<&[u8]> = canonical(&batch).collect();
    let values: Vec<&[u8]> = inputs.iter().filter_map(|bytes| Input::parse(bytes)?.value).collect();
    measure(&mut || inputs.iter().filter(|bytes| Input::parse(bytes).is_some()).count());
    measure(&mut || inputs.iter().map(|bytes| usize::from(digest::keyed(&digest::INPUT, bytes)[0])).sum());
    let mut tokens = Tokens::default();
    measure(&mut || values.iter().filter(|value| json::parse(value, &mut tokens).is_ok()).count());
    let (mut decoder, mut preimages) = (Decoder::default(), Preimages::default());
    measure(&mut || {
        let accepted = values.iter().filter(|value| {
            preimages.hashed();
            decoder.decode(value, &mut preimages).is_ok()
        });
        accepted.count()
    });
    measure(&mut || values.iter().filter(|value| event::decode(value).is_ok()).count());
    let total = inputs.iter().map(|bytes| bytes.len()).sum();
    let mut prepared = PreparedBatch::default();
    measure(&mut || {
        prepared = prepare::decode(std::mem::take(&mut batch), 1);
        prepared.inputs.len()
    });
    measure(&mut || std::mem::take(&mut prepared).inputs.len());
    total
}

fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// A chunk as the writer seals it.
fn seal(records: &[Record], headers: &[Vec<Header<'_>>]) -> RawBatch {
    let mut intake = Intake::new(vec![0]);
    let records = records.iter().zip(headers).map(|(record, headers)| SourceRecord {
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        key: record.key.as_deref(),
        headers,
        value: record.value.as_deref(),
    });
    intake.push_records(0, records, None, false);
    intake.seal(BATCH)
}

fn canonical(batch: &RawBatch) -> impl Iterator<Item = &[u8]> {
    batch.inputs.iter().map(|input| &batch.buffers[input.buffer as usize][input.start as usize..input.end as usize])
}
