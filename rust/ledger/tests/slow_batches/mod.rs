//! A second reading of record batches, slow and plain: everything copied, every step by the protocol's text.

use std::io::Read;

/// A record as both readings tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub offset: u64,
    pub timestamp_ms: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// The records of the batches before the first that is damaged, and that one's offset; none where all are good.
pub fn read(bytes: &[u8], asked: u64, aborted: &[(i64, i64)]) -> (Vec<Told>, Option<u64>) {
    let (mut told, mut at, mut expected) = (Vec::new(), 0, 0u64);
    let mut left: Vec<(i64, i64)> = aborted.to_vec();
    let mut dropped: Vec<i64> = Vec::new();
    loop {
        let rest = &bytes[at..];
        if rest.len() < 12 {
            return (told, (at == 0 && !rest.is_empty()).then_some(asked));
        }
        let base = int(&rest[..8]);
        let length = int(&rest[8..12]);
        let damaged = if base < 0 { expected.max(asked) } else { base as u64 };
        if base < 0 || length < 49 || (rest.len() > 16 && rest[16] != 2) {
            return (told, Some(damaged));
        }
        if (rest.len() as i64) < length + 12 {
            return (told, (at == 0).then_some(asked));
        }
        let batch = &rest[..length as usize + 12];
        match one(batch, asked, expected, &mut left, &mut dropped) {
            None => return (told, Some(damaged)),
            Some((records, next)) => {
                told.extend(records);
                expected = next;
            }
        }
        at += batch.len();
    }
}

fn one(
    batch: &[u8],
    asked: u64,
    expected: u64,
    left: &mut Vec<(i64, i64)>,
    dropped: &mut Vec<i64>,
) -> Option<(Vec<Told>, u64)> {
    let base = int(&batch[..8]);
    let attributes = int(&batch[21..23]);
    let last = base.checked_add(int(&batch[23..27]))?;
    let next = u64::try_from(last.checked_add(1)?).ok()?;
    let count = int(&batch[57..61]);
    if last < base || count < 0 || count > last - base + 1 || (base as u64) < expected || next <= asked {
        return None;
    }
    if crc(&batch[21..]) != int(&batch[17..21]) as u32 {
        return None;
    }
    let (transactional, control) = (attributes & 16 != 0, attributes & 32 != 0);
    let producer = int(&batch[43..51]);
    if transactional {
        dropped.extend(left.iter().filter(|(_, first)| *first <= last).map(|(producer, _)| *producer));
        left.retain(|(_, first)| *first > last);
    }
    if (control && !transactional) || (transactional && !control && dropped.contains(&producer)) {
        return Some((Vec::new(), next));
    }
    let records = records(batch, base, attributes, count)?;
    if control {
        if records.iter().any(|record| record.key.as_ref().is_none_or(|key| key.len() < 4)) {
            return None;
        }
        if records.first().is_some_and(|record| record.key.as_ref().is_some_and(|key| key[2..4] == [0, 0])) {
            dropped.retain(|other| *other != producer);
        }
        return Some((Vec::new(), next));
    }
    Some((records, next))
}

fn records(batch: &[u8], base: i64, attributes: i64, count: i64) -> Option<Vec<Told>> {
    let body = decompressed(attributes & 7, &batch[61..])?;
    if count > 1 << 20 {
        return None;
    }
    let (first_ms, most_ms) = (int(&batch[27..35]), int(&batch[35..43]));
    let (mut told, mut at, mut previous) = (Vec::new(), 0, -1);
    for _ in 0..count {
        let length = usize::try_from(varint(&body, &mut at, 5)?).ok()?;
        let record = body.get(at..at.checked_add(length)?)?;
        at += length;
        let mut inside = 1;
        record.first()?;
        let since = varint(record, &mut inside, 10)?;
        let delta = varint(record, &mut inside, 5)?;
        if delta <= previous || delta > int(&batch[23..27]) {
            return None;
        }
        previous = delta;
        let key = part(record, &mut inside)?;
        let value = part(record, &mut inside)?;
        let mut headers = Vec::new();
        let many = varint(record, &mut inside, 5)?;
        if many < 0 || many > record.len() as i64 {
            return None;
        }
        for _ in 0..many {
            headers.push((part(record, &mut inside)??, part(record, &mut inside)?));
        }
        if inside != record.len() {
            return None;
        }
        let timestamp_ms = if attributes & 8 != 0 { most_ms } else { first_ms.checked_add(since)? };
        told.push(Told { offset: (base + delta) as u64, timestamp_ms, key, value, headers });
    }
    (at == body.len()).then_some(told)
}

#[allow(clippy::option_option, reason = "outer: malformed; inner: null")]
fn part(record: &[u8], at: &mut usize) -> Option<Option<Vec<u8>>> {
    let length = varint(record, at, 5)?;
    if length == -1 {
        return Some(None);
    }
    let end = at.checked_add(usize::try_from(length).ok()?)?;
    let bytes = record.get(*at..end)?.to_vec();
    *at = end;
    Some(Some(bytes))
}

fn varint(bytes: &[u8], at: &mut usize, most: u32) -> Option<i64> {
    let mut sum = 0u128;
    for place in 0..most {
        let byte = *bytes.get(*at)?;
        *at += 1;
        sum += u128::from(byte % 128) * 128u128.pow(place);
        if byte < 128 {
            let half = i128::try_from(sum / 2).ok()?;
            let value = if sum.is_multiple_of(2) { half } else { -half - 1 };
            return if most == 5 { i32::try_from(value).ok().map(i64::from) } else { i64::try_from(value).ok() };
        }
    }
    None
}

fn decompressed(codec: i64, body: &[u8]) -> Option<Vec<u8>> {
    // The codecs are their libraries'. zstd looks at a frame's size in some ways of calling it and not in others, so it
    // is called in one way by both.
    let mut out = Vec::with_capacity(body.len() * 4);
    match codec {
        0 => out.extend_from_slice(body),
        1 => drop(flate2::read::MultiGzDecoder::new(body).read_to_end(&mut out).ok()?),
        2 => out = snap::raw::Decoder::new().decompress_vec(body).ok()?,
        3 => drop(lz4_flex::frame::FrameDecoder::new(body).read_to_end(&mut out).ok()?),
        4 => drop(zstd::Decoder::with_buffer(body).ok()?.read_to_end(&mut out).ok()?),
        _ => return None,
    }
    Some(out)
}

/// CRC-32C bit by bit.
pub fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82F6_3B78 } else { sum >> 1 })
    })
}

fn int(bytes: &[u8]) -> i64 {
    let sign = if bytes[0] >= 128 { -1 } else { 0 };
    bytes.iter().fold(sign, |sum, byte| sum << 8 | i64::from(*byte))
}
