//! What preparing a day costs, part by part, in nanoseconds of CPU an event:
//! `cargo run --release -p farechain-ledger --example prepare_bench -- DIR/spool [ROUNDS]`.
//!
//! DIR is what `farechain generate DIR` wrote. Every line is the least of several rounds on one thread, and the rounds
//! of all lines are interleaved. One round under `valgrind --tool=callgrind` counts instructions.

#![allow(clippy::cast_precision_loss, reason = "a time in nanoseconds for a person to read")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use farechain_core::event::{self, Decoder, Preimages};
use farechain_core::input::Input;
use farechain_core::json::{self, Tokens, Value};
use farechain_ledger::intake::{Intake, RawBatch, SourceRecord};
use farechain_ledger::prepare;
use rustix::time::{ClockId, clock_gettime};

/// As many inputs as the writer seals into a block.
const BATCH: usize = 8192;
const ROUNDS: usize = 5;

type Bytes = Option<Vec<u8>>;

/// A line of a spool.
struct Record {
    offset: u64,
    timestamp_ms: i64,
    key: Bytes,
    headers: Vec<(Vec<u8>, Bytes)>,
    value: Bytes,
}

/// Least nanoseconds of CPU an event.
struct Line {
    name: &'static str,
    best_ns: f64,
}

impl Line {
    fn measure<T>(&mut self, events: usize, work: impl FnOnce() -> T) {
        let started = cpu_ns();
        black_box(work());
        self.best_ns = self.best_ns.min((cpu_ns() - started) / events as f64);
    }
}

fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("the argument is a spool directory")?;
    let rounds = arguments.next().map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let files = read(Path::new(&dir))?;
    let events = files.iter().map(Vec::len).sum();
    let batches = seal(&files);
    let bytes: Vec<&[u8]> = batches.iter().flat_map(canonical).collect();
    let values: Vec<&[u8]> = bytes.iter().filter_map(|bytes| Input::parse(bytes)?.value).collect();
    let mut lines = [
        "canonical bytes, copied by the intake",
        "canonical bytes, parsed",
        "input digest, one at a time",
        "JSON read",
        "event decoded, no digest",
        "event decoded, its digests one at a time",
        "batch decoded, all digests",
    ]
    .map(|name| Line { name, best_ns: f64::INFINITY });
    for _ in 0..rounds {
        let [copied, parsed, digest, read, decoded, hashed, batch] = &mut lines;
        copied.measure(events, || seal(&files));
        parsed.measure(events, || bytes.iter().filter(|bytes| Input::parse(bytes).is_some()).count());
        digest.measure(events, || bytes.iter().filter_map(|bytes| Some(Input::parse(bytes)?.digest()[0])).max());
        let mut tokens = Tokens::default();
        read.measure(events, || values.iter().filter(|value| json::parse(value, &mut tokens).is_ok()).count());
        decoded.measure(events, || {
            let (mut decoder, mut preimages) = (Decoder::default(), Preimages::default());
            let decoded = values.iter().filter(|value| {
                preimages.clear();
                decoder.decode(value, &mut preimages).is_ok()
            });
            decoded.count()
        });
        hashed.measure(events, || values.iter().filter(|value| event::decode(value).is_ok()).count());
        let sealed = seal(&files);
        batch.measure(events, || sealed.into_iter().map(|raw| prepare::decode(raw, 1).inputs.len()).sum::<usize>());
    }
    let total: usize = bytes.iter().map(|bytes| bytes.len()).sum();
    println!("{events} events of {} canonical bytes, {rounds} rounds, ns of CPU an event", total / events);
    for line in lines {
        println!("{:<44}{:>8.1}", line.name, line.best_ns);
    }
    Ok(())
}

/// Everything in batches as the writer seals them, one spool file after the other.
fn seal(files: &[Vec<Record>]) -> Vec<RawBatch> {
    let mut intake = Intake::new(vec![0; files.len()]);
    for (source, records) in files.iter().enumerate() {
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
            intake.push_records(source as u16, records, None);
        }
    }
    std::iter::from_fn(|| (!intake.is_empty()).then(|| intake.seal(BATCH))).collect()
}

fn canonical(batch: &RawBatch) -> impl Iterator<Item = &[u8]> {
    batch
        .inputs
        .iter()
        .map(|input| &batch.buffers[input.buffer as usize][input.start as usize..input.end as usize])
}

fn read(dir: &Path) -> Result<Vec<Vec<Record>>, Box<dyn Error>> {
    let mut paths: Vec<_> = fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = fs::read(path)?;
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.map(|line| record(line).ok_or_else(|| format!("{}: no record", path.display()).into())).collect()
        })
        .collect()
}

fn record(line: &[u8]) -> Option<Record> {
    let mut tokens = Tokens::default();
    let document = json::parse(line, &mut tokens).ok()?;
    let member = |name: &str| document.root().members()?.find(|(found, _)| found == name).map(|(_, value)| value);
    let headers = member("headers")?.items()?.map(|header| {
        let mut parts = header.items()?;
        Some((bytes(parts.next()?)?.unwrap_or_default(), bytes(parts.next()?)?))
    });
    Some(Record {
        offset: member("offset")?.as_number()?.parse().ok()?,
        timestamp_ms: member("timestamp")?.as_number()?.parse().ok()?,
        key: bytes(member("key")?)?,
        headers: headers.collect::<Option<_>>()?,
        value: bytes(member("value")?)?,
    })
}

/// Base64 or null; a header's name is written as it is, and no name of a header is base64.
#[allow(clippy::option_option, reason = "outer: damaged; inner: null, as the broker has it")]
fn bytes(value: Value<'_>) -> Option<Bytes> {
    if value.is_null() {
        return Some(None);
    }
    let text = value.as_text()?;
    Some(Some(BASE64_STANDARD.decode(text.as_bytes()).unwrap_or_else(|_| text.as_bytes().to_vec())))
}
