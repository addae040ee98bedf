//! Kafka's record batches (message format 2), as a broker sends them: checked, decompressed, taken apart.
//!
//! Knows the wire format and nothing of the ledger. A batch that is damaged, or made to hurt, is an error that
//! names its first offset; the caller stops that partition rather than skip it.

use std::borrow::Cow;
use std::io::Read;

/// The most bytes that a batch may have once decompressed.
pub const MAX_BATCH_BYTES: usize = 64 << 20;

const HEADER_BYTES: usize = 61;
const CRC_FROM: usize = 21;

/// Why a batch cannot be read; its partition must not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchError {
    /// The batch's base offset, or the last one known where not even that can be read.
    pub offset: i64,
    /// What is wrong.
    pub what: &'static str,
}

impl std::fmt::Display for BatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "record batch at offset {}: {}", self.offset, self.what)
    }
}

impl std::error::Error for BatchError {}

/// A header of a record: name and value (null allowed).
pub type Header<'a> = (&'a [u8], Option<&'a [u8]>);

/// One record, borrowed from its decompressed batch.
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

/// Walks all whole batches in `bytes` and hands each data record to `each` with its headers.
/// A cut batch at the end is left alone, as brokers send them. Control batches are passed over.
///
/// Returns the offset after the last whole batch, or `None` where there was none.
///
/// # Errors
/// [`BatchError`] for a bad CRC, wrong counts, an unknown magic or codec, or more than [`MAX_BATCH_BYTES`].
pub fn walk(bytes: &[u8], mut each: impl FnMut(&Record<'_>, &[Header<'_>])) -> Result<Option<u64>, BatchError> {
    let (mut at, mut next) = (0, None);
    while let Some(batch) = whole_batch(&bytes[at..], next)? {
        at += batch.len();
        next = Some(read_batch(batch, &mut each)?);
    }
    Ok(next)
}

fn whole_batch(bytes: &[u8], next: Option<u64>) -> Result<Option<&[u8]>, BatchError> {
    if bytes.len() < 12 {
        return Ok(None);
    }
    let base = i64_at(bytes, 0);
    let bad = |what| BatchError { offset: if base < 0 { next.map_or(-1, u64::cast_signed) } else { base }, what };
    let length = usize::try_from(i32_at(bytes, 8)).map_err(|_| bad("negative length"))? + 12;
    if length < HEADER_BYTES {
        return Err(bad("shorter than a batch header"));
    }
    if base < 0 {
        return Err(bad("negative base offset"));
    }
    Ok(bytes.get(..length))
}

fn read_batch(batch: &[u8], each: &mut impl FnMut(&Record<'_>, &[Header<'_>])) -> Result<u64, BatchError> {
    let base = i64_at(batch, 0);
    let bad = |what| BatchError { offset: base, what };
    if batch[16] != 2 {
        return Err(bad("message format is not 2"));
    }
    if crc32c::crc32c(&batch[CRC_FROM..]) != i32_at(batch, 17).cast_unsigned() {
        return Err(bad("CRC-32C does not match"));
    }
    let attributes = i16::from_be_bytes([batch[21], batch[22]]);
    let last_delta = i32_at(batch, 23);
    let count = usize::try_from(i32_at(batch, 57)).map_err(|_| bad("negative record count"))?;
    if last_delta < 0 || count > last_delta.cast_unsigned() as usize + 1 {
        return Err(bad("record count beyond the offsets"));
    }
    let next = base.cast_unsigned() + u64::from(last_delta.cast_unsigned()) + 1;
    if attributes & 0x20 != 0 {
        return Ok(next);
    }
    let times = Times { append: attributes & 8 != 0, base: i64_at(batch, 27), max: i64_at(batch, 35) };
    let body = decompress(attributes & 7, &batch[HEADER_BYTES..]).map_err(bad)?;
    let mut reader = Reader { bytes: &body };
    let mut previous = -1;
    for _ in 0..count {
        let delta = reader.record(base, &times, each).ok_or_else(|| bad("record is malformed"))?;
        if delta <= previous || delta > i64::from(last_delta) {
            return Err(bad("record offsets are out of order"));
        }
        previous = delta;
    }
    if reader.bytes.is_empty() { Ok(next) } else { Err(bad("bytes behind the last record")) }
}

struct Times {
    append: bool,
    base: i64,
    max: i64,
}

fn decompress(codec: i16, body: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    const FAILED: &str = "cannot be decompressed";
    let bounded = |reader: &mut dyn Read| {
        let mut out = Vec::with_capacity((body.len() * 4).min(MAX_BATCH_BYTES));
        let limit = MAX_BATCH_BYTES as u64 + 1;
        reader.take(limit).read_to_end(&mut out).map_err(|_| FAILED)?;
        if out.len() > MAX_BATCH_BYTES { Err("larger than 64 MiB when decompressed") } else { Ok(Cow::Owned(out)) }
    };
    match codec {
        0 => Ok(Cow::Borrowed(body)),
        1 => bounded(&mut flate2::read::MultiGzDecoder::new(body)),
        2 => snappy(body).map(Cow::Owned),
        3 => bounded(&mut lz4_flex::frame::FrameDecoder::new(body)),
        4 => bounded(&mut zstd::Decoder::new(body).map_err(|_| FAILED)?),
        _ => Err("unknown compression"),
    }
}

/// Raw snappy, or the framing of the Java client: 16 bytes of header, then blocks with an i32 length.
fn snappy(body: &[u8]) -> Result<Vec<u8>, &'static str> {
    const FAILED: &str = "cannot be decompressed";
    let mut out = Vec::new();
    let mut block = |bytes: &[u8]| {
        let length = snap::raw::decompress_len(bytes).map_err(|_| FAILED)?;
        let from = out.len();
        if length > MAX_BATCH_BYTES - from {
            return Err("larger than 64 MiB when decompressed");
        }
        out.resize(from + length, 0);
        snap::raw::Decoder::new().decompress(bytes, &mut out[from..]).map_err(|_| FAILED)?;
        Ok(())
    };
    let Some(framed) = body.strip_prefix(b"\x82SNAPPY\0") else {
        block(body)?;
        return Ok(out);
    };
    let mut rest = framed.get(8..).ok_or(FAILED)?;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| FAILED)?;
        block(after.get(..length).ok_or(FAILED)?)?;
        rest = &after[length..];
    }
    if rest.is_empty() { Ok(out) } else { Err(FAILED) }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// One record; returns its offset delta.
    fn record(&mut self, base: i64, times: &Times, each: &mut impl FnMut(&Record<'_>, &[Header<'_>])) -> Option<i64> {
        let length = usize::try_from(self.varint()?).ok()?;
        let mut record = Reader { bytes: self.take(length)? };
        record.take(1)?;
        let timestamp_delta = record.varint()?;
        let delta = record.varint()?;
        let key = record.nullable()?;
        let value = record.nullable()?;
        let count = usize::try_from(record.varint()?).ok().filter(|count| *count <= record.bytes.len())?;
        let mut headers: Vec<Header<'a>> = Vec::with_capacity(count);
        for _ in 0..count {
            headers.push((record.nullable()??, record.nullable()?));
        }
        if !record.bytes.is_empty() || delta < 0 {
            return None;
        }
        let timestamp_ms = if times.append { times.max } else { times.base.checked_add(timestamp_delta)? };
        let offset = base.checked_add(delta)?.cast_unsigned();
        each(&Record { offset, timestamp_ms, key, value }, &headers);
        Some(delta)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(part)
    }

    #[allow(clippy::option_option, reason = "outer: malformed; inner: null, as the broker has it")]
    fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Some(None),
            length => self.take(usize::try_from(length).ok()?).map(Some),
        }
    }

    /// Zigzag varint of at most ten bytes.
    fn varint(&mut self) -> Option<i64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    bytes[at..at + 8].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)).cast_signed()
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    bytes[at..at + 4].iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)).cast_signed()
}
