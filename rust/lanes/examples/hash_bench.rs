//! Nanoseconds of CPU a digest, side by side in one run: `cargo run --release --example hash_bench`.
//!
//! Every figure is the least of several rounds, and the rounds of all are interleaved, so that a busy machine disturbs
//! them alike. One thread; the thread's CPU time. `portable` is the `blake3` crate, message by message.

#![allow(clippy::cast_precision_loss, reason = "a time in nanoseconds for a person to read")]

use std::hint::black_box;

use farechain_core::digest::{self, Digest};
use farechain_core::merkle;
use farechain_lanes::blake3::{Hashing, Tree};
use rustix::time::{ClockId, clock_gettime};

/// As many messages as the writer seals into a block.
const COUNT: usize = 8192;
const ROUNDS: usize = 15;

/// Something to hash many times: its name, and a call that hashes `items` of them.
struct Line {
    name: String,
    items: usize,
    best_ns: Vec<f64>,
    work: Box<dyn Fn(Hashing)>,
}

fn line(name: impl Into<String>, items: usize, work: impl Fn(Hashing) + 'static) -> Line {
    Line { name: name.into(), items, best_ns: Vec::new(), work: Box::new(work) }
}

fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn messages(lengths: impl Fn(usize) -> usize) -> Vec<Vec<u8>> {
    (0..COUNT).map(|i| (0..lengths(i)).map(|j| (i + j) as u8).collect()).collect()
}

/// Hashes the messages in batches of that size.
fn keyed(name: &str, lengths: impl Fn(usize) -> usize, batch: usize) -> Line {
    let messages = messages(lengths);
    let name = if batch == COUNT { name.to_owned() } else { format!("{name}, {batch} at a time") };
    line(name, COUNT, move |path| {
        let mut digests = Vec::with_capacity(COUNT);
        for batch in messages.chunks(batch) {
            path.keyed_many(&digest::LEAF, batch.iter().map(Vec::as_slice), &mut digests);
        }
        black_box(&mut digests);
    })
}

fn leaves(count: usize) -> Vec<Digest> {
    (0..count as u64).map(|i| digest::leaf(&i.to_be_bytes())).collect()
}

fn lines() -> Vec<Line> {
    let mixed = |i: usize| 60 + i * 7919 % 841;
    let mut lines: Vec<Line> =
        [64, 80, 170, 330, 700, 1000].map(|bytes| keyed(&format!("{bytes} bytes"), move |_| bytes, COUNT)).into();
    lines.push(keyed("60 to 900 bytes, mixed", mixed, COUNT));
    for batch in [1, 2, 3, 4, 8, 16, 64] {
        lines.push(keyed("330 bytes", |_| 330, batch));
    }
    lines.push(keyed("60 to 900 bytes, mixed", mixed, 64));
    for count in [2, 9, 64, COUNT] {
        let leaves = leaves(count);
        lines.push(line(format!("tree over {count} leaves, a leaf"), 64 * count, move |path| {
            for _ in 0..64 {
                black_box(Tree::with(path, leaves.clone()));
            }
        }));
    }
    let leaves = leaves(COUNT);
    lines.push(line("`merkle::root` of the core, a leaf", COUNT, move |_| {
        black_box(merkle::root(&leaves));
    }));
    lines
}

fn main() {
    let paths: Vec<Hashing> = ["portable", "avx2", "avx512"].into_iter().filter_map(Hashing::named).collect();
    let mut lines = lines();
    for line in &mut lines {
        line.best_ns = vec![f64::INFINITY; paths.len()];
    }
    for _ in 0..ROUNDS {
        for line in &mut lines {
            for (path, best_ns) in paths.iter().zip(&mut line.best_ns) {
                let started = cpu_ns();
                (line.work)(*path);
                *best_ns = best_ns.min((cpu_ns() - started) / line.items as f64);
            }
        }
    }
    println!("| ns of CPU a digest | {} |", paths.iter().map(|path| path.name()).collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---:|".repeat(paths.len()));
    for line in &lines {
        let figures: Vec<String> = line.best_ns.iter().map(|ns| format!("{ns:.0}")).collect();
        println!("| {} | {} |", line.name, figures.join(" | "));
    }
}
