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

/// Where the parts of an input lie in its canonical bytes: what is kept of one that was parsed.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    offset: u64,
    kid: Option<Kid>,
    /// Of the 64 bytes; 0 where there is no signature.
    signature: u32,
    key: Place,
    value: Place,
}

/// Start and length of a part; a null has the length [`NULL`].
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    length: u32,
}

impl Place {
    fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        if self.length == NULL { None } else { bytes.get(self.start as usize..)?.get(..self.length as usize) }
    }
}

impl Places {
    /// Parses canonical bytes; `None` if they are not of the form (possible only for damaged storage).
    pub fn find(bytes: &[u8]) -> Option<Places> {
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
                kid = Some(value.of(bytes).and_then(parse_kid));
            } else if name == HEADER_SIGNATURE && signature.is_none() {
                signature = Some(if value.length == 64 { value.start } else { 0 });
            }
        }
        let value = reader.nullable()?;
        let places = Places { offset, kid: kid.flatten(), signature: signature.unwrap_or(0), key, value };
        (reader.at == bytes.len()).then_some(places)
    }

    /// The parts of the bytes that this was found in.
    pub fn of<'a>(&self, bytes: &'a [u8]) -> Input<'a> {
        let Places { offset, kid, signature, key, value } = *self;
        let signature = if signature == 0 { None } else { bytes.get(signature as usize..) };
        Input {
            bytes,
            offset,
            key: key.of(bytes),
            kid,
            signature: signature.and_then(<[u8]>::first_chunk),
            value: value.of(bytes),
        }
    }
}

impl<'a> Input<'a> {
    /// Parses canonical bytes; `None` if they are not of the form (possible only for damaged storage).
    pub fn parse(bytes: &'a [u8]) -> Option<Input<'a>> {
        Places::find(bytes).map(|places| places.of(bytes))
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
            Some((reader.take(length as usize)?, reader.nullable()?.of(bytes)))
        })
        .collect();
    Some(headers?.into_iter())
}

/// 32 lower-case hex digits as a key id.
pub fn parse_kid(hex: &[u8]) -> Option<Kid> {
    crate::text::unhex(hex)
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

    fn nullable(&mut self) -> Option<Place> {
        let length = self.u32()?;
        let start = u32::try_from(self.at).ok()?;
        if length != NULL {
            self.take(length as usize)?;
        }
        Some(Place { start, length })
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
