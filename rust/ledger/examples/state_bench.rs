//! What the map of state costs: `state_bench DIRECTORY [ENTRIES] [BUCKET]` prints the table of `docs/adr/0013`.
//!
//! Makes a map of random keys, applies a day of changes in one batch and, another day, minute by minute, then opens it
//! again. Half of a day's changes are new keys, half known ones. Processor time; the directory must be empty or missing.

#![allow(clippy::cast_precision_loss, reason = "figures for a person to read")]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use farechain_core::digest::{Digest, leaf};
use farechain_core::state_map::verify;
use farechain_ledger::state_map::{Changes, Entry, Held, Limits, Position, Rebuild, StateMap, View};
use rustix::time::{ClockId, clock_gettime};

/// Changes of a day.
const DAY: u64 = 180_000;
/// Commitments of a day, one a minute.
const MINUTES: u64 = 1_440;
const PROOFS: u64 = 20_000;

fn cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    (time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()) / 1000
}

/// Prints what some work took, in seconds, and by item where it has several.
fn timed<T>(what: &str, items: u64, work: impl FnOnce() -> T) -> T {
    let (started, wall) = (cpu_us(), Instant::now());
    let done = work();
    let us = cpu_us() - started;
    let each = us as f64 / items as f64;
    println!("{what:<52} {:>9.3} s CPU {:>9.3} s {each:>11.2} us each", us as f64 / 1e6, wall.elapsed().as_secs_f64());
    done
}

fn mixed(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn key(i: u64) -> Digest {
    let mut key = [0; 32];
    (0..4).for_each(|word| key[word * 8..][..8].copy_from_slice(&mixed(i * 4 + word as u64).to_be_bytes()));
    key
}

/// The changes of a day: every other one of a key that is there.
fn change(entries: u64, day: u64, i: u64) -> Entry {
    let known = mixed(day << 32 | i) % entries;
    let fresh = entries + day * DAY + i;
    (key(if i.is_multiple_of(2) { known } else { fresh }), held(day << 32 | i))
}

/// A record of this number.
fn held(i: u64) -> Held {
    Held { hash: leaf(&i.to_be_bytes()), place: i }
}

/// A line of the process's status, in MB.
fn memory_mb(line: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let found = status.lines().find_map(|l| l.strip_prefix(line))?;
    found.trim_start_matches(':').split_whitespace().next()?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

fn disk(dir: &Path) -> std::io::Result<String> {
    let (mut entries, mut journal) = (0, 0);
    for file in fs::read_dir(dir)? {
        let file = file?;
        let bytes = file.metadata()?.len();
        if file.file_name().to_string_lossy().starts_with("journal") { journal += bytes } else { entries += bytes }
    }
    Ok(format!("{:.1} MB of entries, {:.1} MB of journal", entries as f64 / 1e6, journal as f64 / 1e6))
}

fn show(map: &StateMap, dir: &Path) -> std::io::Result<()> {
    let resident = memory_mb("VmRSS").unwrap_or_default();
    let own = map.memory_bytes() as f64 / 1e6;
    println!("    {}; map {own:.1} MB of memory, process {resident:.1} MB resident", disk(dir)?);
    Ok(())
}

fn proofs(what: &str, view: &View, mut key_of: impl FnMut(u64) -> Digest, is_there: bool) {
    let (mut bytes, mut longest) = (0, 0);
    let keys: Vec<Digest> = (0..PROOFS).map(&mut key_of).collect();
    let made: Vec<Vec<u8>> = timed(&format!("prove, {what}"), PROOFS, || {
        keys.iter().map(|key| view.prove(key).expect("a good map").proof.to_bytes()).collect()
    });
    for proof in &made {
        bytes += proof.len();
        longest = longest.max(proof.len());
    }
    timed(&format!("verify, {what}"), PROOFS, || {
        for (key, proof) in keys.iter().zip(&made) {
            assert_eq!(black_box(verify(&view.root(), key, proof)).expect("a good proof").is_some(), is_there);
        }
    });
    println!("    {:.0} bytes, at most {longest}", bytes as f64 / PROOFS as f64);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("state_bench DIRECTORY [ENTRIES] [BUCKET]")?;
    let dir = Path::new(&dir).join("state");
    let entries: u64 = arguments.next().map_or(Ok(33_000_000), |words| words.parse())?;
    let standard = Limits::default();
    let bucket_entries = arguments.next().map_or(Ok(standard.bucket_entries), |words| words.parse())?;
    let limits = Limits { bucket_entries, ..standard };
    println!("{entries} entries, buckets of up to {bucket_entries}");

    let mut blocks = 1;
    let mut position = || {
        blocks += 1;
        Position { blocks, head: leaf(&blocks.to_be_bytes()) }
    };
    let mut map = timed("make it from all changes", entries, || {
        let mut rebuild = Rebuild::new(&dir, limits)?;
        (0..entries).try_for_each(|i| rebuild.push(key(i), held(i)))?;
        rebuild.finish(position())
    })?;
    show(&map, &dir)?;
    println!("    peak {:.1} MB", memory_mb("VmHWM").unwrap_or_default());

    for (day, batches) in [(0, 1), (1, MINUTES), (2, MINUTES), (3, MINUTES), (4, MINUTES)] {
        let each = DAY / batches;
        timed(&format!("a day in {batches} batches of {each}"), DAY, || {
            (0..batches).try_for_each(|batch| {
                let mut changes = Changes::default();
                (batch * each..(batch + 1) * each).for_each(|i| {
                    let (key, held) = change(entries, day, i);
                    changes.push(key, held);
                });
                map.apply(position(), &changes.take()).map(|_| ())
            })
        })?;
        show(&map, &dir)?;
    }

    let (root, view) = (map.root(), map.view());
    proofs("a key that is there", &view, |i| key(mixed(i ^ 0xABCD) % entries), true);
    proofs("a key that is not", &view, |i| key(u64::MAX / 8 - i), false);
    drop((view, map));
    let opened = timed("open", 1, || StateMap::open(&dir, limits, |_| true))?.ok_or("the map is damaged")?;
    assert_eq!(opened.root(), root);
    show(&opened, &dir)?;
    Ok(())
}
