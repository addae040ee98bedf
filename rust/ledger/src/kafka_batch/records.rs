//! The records of a batch, borrowed from its decompressed bytes.

use super::bytes::Bytes;
use super::header::BatchHeader;

/// The most records that a batch may have: empty ones take seven bytes each, and ten times that once taken apart.
pub const MAX_BATCH_RECORDS: usize = 1 << 20;

const MALFORMED: &str = "a record is malformed";

/// A header of a record: name and value (null allowed).
pub type Header<'a> = (&'a [u8], Option<&'a [u8]>);

/// One record.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its offset.
    pub offset: u64,
    /// The broker's append time or the producer's time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// Hands each record to `each`; says what is wrong where one is not as the header says, or offsets do not rise.
pub(super) fn read<'a>(
    batch: &BatchHeader,
    body: &'a [u8],
    mut each: impl FnMut(&Record<'a>, &[Header<'a>]),
) -> Result<(), &'static str> {
    if batch.count > MAX_BATCH_RECORDS {
        return Err("more than 1,048,576 records");
    }
    let mut rest = Bytes(body);
    let mut headers = Vec::new();
    let mut previous = -1;
    for _ in 0..batch.count {
        let (delta, record) = read_one(batch, &mut rest, &mut headers).ok_or(MALFORMED)?;
        if delta <= previous || delta > batch.last_delta {
            return Err("offsets of records are out of order");
        }
        previous = delta;
        each(&record, &headers);
    }
    if rest.0.is_empty() { Ok(()) } else { Err("bytes behind the last record") }
}

fn read_one<'a>(batch: &BatchHeader, rest: &mut Bytes<'a>, headers: &mut Vec<Header<'a>>) -> Option<(i32, Record<'a>)> {
    let mut record = Bytes(rest.sized()?);
    record.take(1)?;
    let timestamp_delta = record.varlong()?;
    let delta = record.varint()?;
    let key = record.nullable()?;
    let value = record.nullable()?;
    // A header takes two bytes at least.
    let count = usize::try_from(record.varint()?).ok().filter(|count| *count <= record.0.len() / 2)?;
    headers.clear();
    for _ in 0..count {
        headers.push((record.sized()?, record.nullable()?));
    }
    if !record.0.is_empty() {
        return None;
    }
    let timestamp_ms =
        if batch.has_append_time() { batch.max_ms } else { batch.base_ms.checked_add(timestamp_delta)? };
    let offset = batch.base + u64::try_from(delta).ok()?;
    Some((delta, Record { offset, timestamp_ms, key, value }))
}
