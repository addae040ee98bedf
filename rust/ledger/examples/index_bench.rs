//! What an index of identities costs, by kind, in one run: `index_bench [ENTRIES]` prints the table of `docs/adr/0010`.

#![allow(clippy::cast_precision_loss, reason = "bytes an entry for a person to read")]

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::FileExt;

use farechain_core::digest::Digest;
use farechain_ledger::index::Table;
use rustix::time::{ClockId, clock_gettime};

const PROBES: u64 = 1_000_000;
/// How many probes ahead a batch prefetches.
const AHEAD: u64 = 8;
/// Bits of filter an entry.
const FILTER_BITS: usize = 12;
const PAGE: usize = 4096;

fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

fn each_ns(count: u64, mut work: impl FnMut(u64)) -> u64 {
    let started = cpu_ns();
    (0..count).for_each(&mut work);
    (cpu_ns() - started) / count
}

fn mixed(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn digest(i: u64) -> Digest {
    let word = mixed(i);
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&word.to_le_bytes());
    digest[8..16].copy_from_slice(&(!word).to_le_bytes());
    digest[16..24].copy_from_slice(&word.rotate_left(17).to_be_bytes());
    digest
}

/// An entry that exists, in no order.
fn present(i: u64, entries: u64) -> u64 {
    mixed(i ^ 0xABCD) % (entries - 1) + 1
}

/// The table before: 16 bytes a slot, a power of two of them, all moved at once.
struct Doubling {
    slots: Vec<(u64, u64)>,
    used: usize,
}

impl Doubling {
    fn insert(&mut self, fingerprint: u64, place: u64) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            let doubled = vec![(0, 0); self.slots.len() * 2];
            let old = std::mem::replace(&mut self.slots, doubled);
            old.into_iter().filter(|(fingerprint, _)| *fingerprint != 0).for_each(|(f, p)| self.place(f, p));
        }
        self.place(fingerprint, place);
        self.used += 1;
    }

    fn place(&mut self, fingerprint: u64, place: u64) {
        let mask = self.slots.len() - 1;
        let mut at = fingerprint as usize & mask;
        while self.slots[at].0 != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = (fingerprint, place);
    }

    fn get(&self, fingerprint: u64) -> Option<u64> {
        let mask = self.slots.len() - 1;
        let mut at = fingerprint as usize & mask;
        while self.slots[at].0 != 0 && self.slots[at].0 != fingerprint {
            at = (at + 1) & mask;
        }
        (self.slots[at].0 == fingerprint).then_some(self.slots[at].1)
    }
}

/// A blocked Bloom filter in memory, the entries in one sorted file: the best case of an index on disk.
struct Filtered {
    filter: Vec<[u64; 8]>,
    file: File,
    fences: Vec<u64>,
}

impl Filtered {
    fn new(entries: u64) -> std::io::Result<Filtered> {
        let mut sorted: Vec<u64> = (1..entries).map(mixed).collect();
        sorted.sort_unstable();
        let path = std::env::temp_dir().join(format!("index-bench-{}", std::process::id()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(&path)?;
        let mut filter = vec![[0u64; 8]; entries as usize * FILTER_BITS / 512 + 1];
        let mut fences = Vec::new();
        for page in sorted.chunks(PAGE / 16) {
            fences.push(page[0]);
            let bytes: Vec<u8> = page.iter().flat_map(|word| [*word, 0]).flat_map(u64::to_le_bytes).collect();
            file.write_all(&bytes)?;
        }
        let lines = filter.len();
        sorted.iter().for_each(|word| bits(*word, lines, |line, at, bit| filter[line][at] |= bit));
        Ok(Filtered { filter, file, fences })
    }

    fn get(&self, word: u64) -> bool {
        let mut may = true;
        bits(word, self.filter.len(), |line, at, bit| may &= self.filter[line][at] & bit != 0);
        may && {
            let page = self.fences.partition_point(|first| *first <= word).saturating_sub(1);
            let mut bytes = [0; PAGE];
            let read = self.file.read_at(&mut bytes, (page * PAGE) as u64).unwrap_or(0);
            bytes[..read].as_chunks::<16>().0.iter().any(|entry| entry[..8] == word.to_le_bytes())
        }
    }
}

fn bits(word: u64, lines: usize, mut each: impl FnMut(usize, usize, u64)) {
    let line = ((u128::from(word) * lines as u128) >> 64) as usize;
    let rest = mixed(word);
    for turn in 0..6 {
        let bit = rest >> (turn * 9) & 511;
        each(line, bit as usize / 64, 1 << (bit % 64));
    }
}

fn show(name: &str, insert: u64, hit: u64, miss: u64, bytes: usize, entries: u64) {
    println!("{name:<44} {insert:>7} {hit:>7} {miss:>7} {:>9.1}", bytes as f64 / entries as f64);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(33_000_000), |words| words.parse())?;
    println!("{entries} entries; CPU ns each         {:>19} {:>7} {:>7} {:>9}", "insert", "hit", "miss", "bytes");
    {
        let mut table = Doubling { slots: vec![(0, 0); 1024], used: 0 };
        let insert = each_ns(entries - 1, |i| table.insert(mixed(i + 1), i + 1));
        let hit = each_ns(PROBES, |i| assert!(black_box(table.get(mixed(present(i, entries)))).is_some()));
        let miss = each_ns(PROBES, |i| assert!(black_box(table.get(mixed(entries + i))).is_none()));
        show("16-byte slots, doubled at once (before)", insert, hit, miss, table.slots.len() * 16, entries);
    }
    {
        let mut table = Table::new([1, 2]);
        let insert = each_ns(entries - 1, |i| {
            table.insert(&digest(i + 1), (i + 1) as u32);
            if i % 250_000 == 0 {
                table.settle();
            }
        });
        let hit = each_ns(PROBES, |i| assert!(table.candidates(&digest(present(i, entries))).next().is_some()));
        let miss = each_ns(PROBES, |i| assert!(black_box(table.candidates(&digest(entries + i)).count()) < 3));
        show("8-byte slots in order, 256 shards", insert, hit, miss, table.memory_bytes(), entries);
        let hit = each_ns(PROBES, |i| {
            table.prefetch(&digest(present(i + AHEAD, entries)));
            assert!(table.candidates(&digest(present(i, entries))).next().is_some());
        });
        let miss = each_ns(PROBES, |i| {
            table.prefetch(&digest(entries + i + AHEAD));
            black_box(table.candidates(&digest(entries + i)).next());
        });
        show("the same, prefetched 8 ahead", insert, hit, miss, table.memory_bytes(), entries);
    }
    let filtered = Filtered::new(entries)?;
    let hit = each_ns(PROBES, |i| assert!(filtered.get(mixed(present(i, entries)))));
    let miss = each_ns(PROBES, |i| assert!(!black_box(filtered.get(mixed(entries + i)))));
    let bytes = filtered.filter.len() * 64 + filtered.fences.len() * 8;
    show("filter + one sorted file by pread, cached", 0, hit, miss, bytes, entries);
    Ok(())
}
