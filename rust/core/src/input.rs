//! An input as it was received: its canonical bytes, which are evidence, digest preimage and what is parsed.
//!
//! ```text
//! u64 offset
//! u32 key length, key                      (0xFFFF_FFFF: null)
//! u32 header count, then per header: u32 name length, name, u32 value length, value (0xFFFF_FFFF: null)
//! u32 value length, value                  (0xFFFF_FFFF: null)
//! ```
//! All integers are big-endian. Nothing is re-serialised: key, headers and value are the bytes of the broker.

use alloc::vec::Vec;

use crate::digest::{self, Digest};

/// The length that stands for a null.
pub const NULL: u32 = u32::MAX;
/// The largest value that is looked at, bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// The header that names the signing key: 32 lower-case hex digits.
pub const HEADER_KID: &[u8] = b"fc-kid";
/// The header that carries the signature: 64 raw bytes.
pub const HEADER_SIGNATURE: &[u8] = b"fc-sig";

/// The first 16 bytes of SHA-256 of a public key.
pub type Kid = [u8; 16];

/// The parts of an input, borrowed from its canonical bytes.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// All canonical bytes.
    pub bytes: &'a [u8],
    /// The offset in its partition.
    pub offset: u64,
    /// The record's key.
    pub key: Option<&'a [u8]>,
    /// The first `fc-kid` header, if it is 32 lower-case hex digits.
    pub kid: Option<Kid>,
    /// The first `fc-sig` header, if it has 64 bytes.
    pub signature: Option<&'a [u8; 64]>,
    /// The record's value.
    pub value: Option<&'a [u8]>,
}

impl<'a> Input<'a> {
    /// Parses canonical bytes; `None` if they are not of the form (possible only for damaged storage).
    pub fn parse(bytes: &'a [u8]) -> Option<Input<'a>> {
        let mut reader = Reader { bytes, at: 0 };
        let offset = u64::from_be_bytes(reader.take(8)?.try_into().ok()?);
        let key = reader.nullable()?;
        let count = reader.u32()?;
        let (mut kid, mut signature) = (None, None);
        for _ in 0..count {
            let length = reader.u32()?;
            let name = reader.take(length as usize)?;
            let value = reader.nullable()?;
            if name == HEADER_KID && kid.is_none() {
                kid = Some(value.and_then(parse_kid));
            } else if name == HEADER_SIGNATURE && signature.is_none() {
                signature = Some(value.and_then(|v| <&[u8; 64]>::try_from(v).ok()));
            }
        }
        let value = reader.nullable()?;
        (reader.at == bytes.len()).then_some(Input {
            bytes,
            offset,
            key,
            kid: kid.flatten(),
            signature: signature.flatten(),
            value,
        })
    }

    /// The digest that the block's `inputs_root` commits to.
    pub fn digest(&self) -> Digest {
        digest::keyed(&digest::INPUT, self.bytes)
    }
}

/// The headers of canonical bytes, in order; `None` if the bytes are not of the form.
pub fn headers(bytes: &[u8]) -> Option<impl Iterator<Item = (&[u8], Option<&[u8]>)>> {
    let mut reader = Reader { bytes, at: 8 };
    reader.nullable()?;
    let count = reader.u32()?;
    let headers: Option<Vec<_>> = (0..count)
        .map(|_| {
            let length = reader.u32()?;
            Some((reader.take(length as usize)?, reader.nullable()?))
        })
        .collect();
    Some(headers?.into_iter())
}

/// 32 lower-case hex digits as a key id.
pub fn parse_kid(hex: &[u8]) -> Option<Kid> {
    let hex: &[u8; 32] = hex.try_into().ok()?;
    let mut kid = [0u8; 16];
    for (byte, pair) in kid.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(kid)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Appends the canonical bytes of one record to `out`.
pub fn encode<'h>(
    out: &mut Vec<u8>,
    offset: u64,
    key: Option<&[u8]>,
    headers: impl ExactSizeIterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    value: Option<&[u8]>,
) {
    out.extend_from_slice(&offset.to_be_bytes());
    nullable(out, key);
    out.extend_from_slice(&u32::try_from(headers.len()).unwrap_or(0).to_be_bytes());
    for (name, value) in headers {
        nullable(out, Some(name));
        nullable(out, value);
    }
    nullable(out, value);
}

fn nullable(out: &mut Vec<u8>, part: Option<&[u8]>) {
    let length = part.map_or(NULL, |part| u32::try_from(part.len()).unwrap_or(NULL - 1));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(part.unwrap_or_default());
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// `None`: damaged. `Some(None)`: null.
    #[allow(clippy::option_option, reason = "outer: damaged; inner: null, as the broker has it")]
    fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.u32()? {
            NULL => Some(None),
            length => self.take(length as usize).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_bytes_come_back_as_they_went_in() {
        let mut bytes = Vec::new();
        let kid = b"000102030405060708090a0b0c0d0e0f";
        let headers = [(HEADER_KID, Some(&kid[..])), (HEADER_SIGNATURE, Some(&[7u8; 64][..])), (b"x", None)];
        encode(&mut bytes, 42, Some(b"k"), headers.into_iter(), Some(b"{}"));
        let input = Input::parse(&bytes).expect("well formed");
        assert_eq!((input.offset, input.key, input.value), (42, Some(&b"k"[..]), Some(&b"{}"[..])));
        assert_eq!(input.kid, Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
        assert_eq!(input.signature, Some(&[7u8; 64]));
        for end in 0..bytes.len() {
            assert!(Input::parse(&bytes[..end]).is_none());
        }
    }
}
