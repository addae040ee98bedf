//! The codecs of a batch's records; what comes out is bounded, whatever goes in.

use std::borrow::Cow;
use std::io::Read;

/// The most bytes that a batch may have once decompressed.
pub const MAX_BATCH_BYTES: usize = 64 << 20;

/// Room made before the size is known: what ordinary compression comes to, so that little is copied as it grows.
const USUAL_RATIO: usize = 4;
const FAILED: &str = "cannot be decompressed";
const TOO_LARGE: &str = "larger than 64 MiB when decompressed";

pub(super) fn decompress(codec: i16, body: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    match codec {
        0 if body.len() > MAX_BATCH_BYTES => Err(TOO_LARGE),
        0 => Ok(Cow::Borrowed(body)),
        1 => bounded(body.len(), flate2::read::MultiGzDecoder::new(body)),
        2 => snappy(body).map(Cow::Owned),
        3 => bounded(body.len(), lz4_flex::frame::FrameDecoder::new(body)),
        4 => bounded(body.len(), zstd::Decoder::with_buffer(body).map_err(|_| FAILED)?),
        _ => Err("unknown compression"),
    }
}

fn bounded(compressed: usize, reader: impl Read) -> Result<Cow<'static, [u8]>, &'static str> {
    let mut out = Vec::with_capacity((compressed * USUAL_RATIO).min(MAX_BATCH_BYTES));
    reader.take(MAX_BATCH_BYTES as u64 + 1).read_to_end(&mut out).map_err(|_| FAILED)?;
    if out.len() > MAX_BATCH_BYTES { Err(TOO_LARGE) } else { Ok(Cow::Owned(out)) }
}

/// Raw snappy, or the framing of the Java client: 16 bytes of header, then blocks with an i32 length.
fn snappy(body: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let mut block = |bytes: &[u8]| {
        let length = snap::raw::decompress_len(bytes).map_err(|_| FAILED)?;
        let from = out.len();
        if length > MAX_BATCH_BYTES - from {
            return Err(TOO_LARGE);
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
