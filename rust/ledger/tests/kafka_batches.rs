//! The decoder of record batches against a second, slow reading, on batches that were spoilt in many ways.
//!
//! `FARECHAIN_FUZZ` is the number of spoilt fetches; a seed that fails is printed and is the whole reproduction.

#![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "the oracle spells out the wire's integers")]

mod slow_batches;

use std::io::Write;

use farechain_ledger::intake::Intake;
use farechain_ledger::kafka_batch::{Batches, Fetched};
use slow_batches::{Told, crc, read};

/// splitmix64: the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut zigzag = (value << 1 ^ value >> 63) as u64;
    while zigzag >= 128 {
        out.push(zigzag as u8 | 128);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

fn part(out: &mut Vec<u8>, random: &mut Random) {
    if random.below(6) == 0 {
        return varint(out, -1);
    }
    let length = random.below(40);
    varint(out, length as i64);
    out.extend(std::iter::repeat_n(b'a' + length as u8 % 26, length));
}

fn record(random: &mut Random, delta: i64) -> Vec<u8> {
    let mut inside = vec![0];
    varint(&mut inside, random.next() as i64 >> (20 + random.below(44)));
    varint(&mut inside, delta);
    part(&mut inside, random);
    part(&mut inside, random);
    let headers = random.below(4);
    varint(&mut inside, headers as i64);
    for _ in 0..headers {
        varint(&mut inside, 2);
        inside.extend_from_slice(b"fc");
        part(&mut inside, random);
    }
    let mut out = Vec::new();
    varint(&mut out, inside.len() as i64);
    out.extend(inside);
    out
}

fn compressed(codec: usize, body: Vec<u8>) -> Vec<u8> {
    match codec {
        1 => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(&body).and_then(|()| out.finish()).expect("memory")
        }
        2 => snap::raw::Encoder::new().compress_vec(&body).expect("memory"),
        3 => {
            let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
            out.write_all(&body).expect("memory");
            out.finish().expect("memory")
        }
        4 => zstd::encode_all(&body[..], 1).expect("memory"),
        _ => body,
    }
}

/// A good batch at `base`; returns its bytes and the offset after it.
fn batch(random: &mut Random, base: u64) -> (Vec<u8>, u64) {
    let count = random.below(6);
    let (mut body, mut delta) = (Vec::new(), -1);
    for _ in 0..count {
        delta += 1 + i64::from(random.below(8) == 0);
        body.extend(record(random, delta));
    }
    let (last, codec) = (delta.max(0), random.below(5));
    let body = compressed(codec, body);
    let transactional = random.below(3) == 0;
    let control = transactional && count == 0;
    let attributes = codec | usize::from(transactional) << 4 | usize::from(control) << 5 | random.below(2) << 3;
    let mut out = base.to_be_bytes().to_vec();
    out.extend((49 + body.len() as u32).to_be_bytes());
    out.extend([0, 0, 0, 0, 2, 0, 0, 0, 0]);
    out.extend((attributes as u16).to_be_bytes());
    out.extend((last as i32).to_be_bytes());
    out.extend((random.next() >> 24).to_be_bytes());
    out.extend((random.next() >> 24).to_be_bytes());
    out.extend((random.below(3) as u64).to_be_bytes());
    out.extend([0; 6]);
    out.extend((count as u32).to_be_bytes());
    out.extend(body);
    (out, base + last as u64 + 1)
}

fn set_crc(batch: &mut [u8]) {
    if batch.len() > 21 {
        let sum = crc(&batch[21..]);
        batch[17..21].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Spoils a batch in one of the ways that break decoders.
fn spoil(random: &mut Random, batch: &mut Vec<u8>) {
    const FIELDS: [(usize, usize); 8] = [(0, 8), (8, 4), (16, 1), (21, 2), (23, 4), (27, 8), (43, 8), (57, 4)];
    match random.below(6) {
        0 => {
            let at = random.below(batch.len());
            batch[at] ^= 1 << random.below(8);
        }
        1 => {
            let (at, length) = FIELDS[random.below(FIELDS.len())];
            let extreme = [0, 1, -1, i64::MAX, i64::MIN, i64::from(i32::MAX), 1 << 20][random.below(7)];
            batch[at..at + length].copy_from_slice(&extreme.to_be_bytes()[8 - length..]);
        }
        2 => batch.truncate(random.below(batch.len() + 1)),
        3 if batch.len() > 61 => {
            let at = 61 + random.below(batch.len() - 61);
            batch.splice(at..at, std::iter::repeat_n(0xFF, 1 + random.below(11)));
        }
        4 if batch.len() > 61 => {
            let at = 61 + random.below(batch.len() - 61);
            batch[at] = random.next() as u8;
        }
        _ => {}
    }
    if batch.len() >= 12 && random.below(8) > 0 {
        let length = batch.len() as u32 - 12;
        if random.below(3) > 0 {
            batch[8..12].copy_from_slice(&length.to_be_bytes());
        }
        set_crc(batch);
    }
}

fn fetch(random: &mut Random) -> (Vec<u8>, u64, Vec<(i64, i64)>) {
    let asked = random.next() >> random.below(64).max(2);
    let (mut bytes, mut base) = (Vec::new(), asked.saturating_sub(random.below(3) as u64));
    let mut aborted = Vec::new();
    for _ in 0..=random.below(5) {
        if random.below(3) == 0 {
            aborted.push((random.below(3) as i64, base as i64));
        }
        let (mut one, next) = batch(random, base);
        set_crc(&mut one);
        if random.below(3) == 0 {
            spoil(random, &mut one);
        }
        bytes.extend(one);
        base = next + random.below(2) as u64;
    }
    (bytes, asked, aborted)
}

fn ours(fetched: Fetched<'_>) -> (Vec<Told>, Option<u64>) {
    let (mut told, mut batches) = (Vec::new(), Batches::new(fetched));
    loop {
        let mut of_batch = Vec::new();
        let read = batches.step().and_then(|batch| {
            let Some(batch) = batch else { return Ok(false) };
            batch.records(|record, headers| {
                of_batch.push(Told {
                    offset: record.offset,
                    timestamp_ms: record.timestamp_ms,
                    key: record.key.map(<[u8]>::to_vec),
                    value: record.value.map(<[u8]>::to_vec),
                    headers: headers.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect(),
                });
            })?;
            Ok(true)
        });
        match read {
            Ok(false) => return (told, None),
            Ok(true) => told.extend(of_batch),
            Err(error) => return (told, Some(error.offset)),
        }
    }
}

#[test]
fn spoilt_batches_are_read_as_the_slow_reading_reads_them() {
    let rounds = std::env::var("FARECHAIN_FUZZ").map_or(5_000, |count| count.parse().expect("a number"));
    let mut damaged = 0;
    for seed in 0..rounds {
        let mut random = Random(seed);
        let (bytes, asked, aborted) = fetch(&mut random);
        let fetched = Fetched { bytes: &bytes, offset: asked, aborted: &aborted };
        let (slow, (told, stopped)) = (read(&bytes, asked, &aborted), ours(fetched));
        assert_eq!((&told, stopped), (&slow.0, slow.1), "seed {seed}");
        damaged += u64::from(stopped.is_some());

        let mut intake = Intake::new(vec![asked]);
        let pushed = intake.push_raw(0, fetched);
        assert_eq!(pushed.err().map(|error| error.offset), stopped, "seed {seed}");
        let new = told.iter().filter(|record| record.offset >= asked).count();
        assert_eq!((intake.pending(), intake.dropped()), (new, (told.len() - new) as u64), "seed {seed}");
        if stopped.is_none() {
            assert_eq!(intake.expected(0), fetched.next_offset().max(asked), "seed {seed}");
        }
        assert_eq!(intake.seal(usize::MAX).inputs.len(), new);
        assert_eq!(intake.pending_bytes(), 0);
    }
    assert!(damaged * 20 > rounds && damaged * 10 < rounds * 9, "{damaged} of {rounds} were damaged");
}

#[test]
fn bytes_that_are_no_batches_at_all_are_refused() {
    let mut random = Random(7);
    for _ in 0..5_000 {
        let bytes: Vec<u8> = (0..random.below(200)).map(|_| random.next() as u8).collect();
        let fetched = Fetched { bytes: &bytes, offset: 5, aborted: &[] };
        assert_eq!(ours(fetched).0, []);
        assert_eq!(fetched.next_offset(), 5);
    }
}
