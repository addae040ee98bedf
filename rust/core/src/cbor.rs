//! Deterministic CBOR (RFC 8949, 4.2.1): the subset that records, headers and canonical data use.
//!
//! Shortest integers, definite lengths, map keys ordered by their encoded bytes. No floats, no tags.

use alloc::vec::Vec;
use core::fmt;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const FALSE: u8 = 0xF4;
const TRUE: u8 = 0xF5;
const NULL: u8 = 0xF6;

/// Appends items to a buffer.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Inlined, since most lengths are known where it is called.
    #[inline]
    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        if value < 24 {
            self.out.push(major << 5 | value as u8);
            return self;
        }
        self.long_head(major << 5, value)
    }

    fn long_head(&mut self, major: u8, value: u64) -> &mut Self {
        match value {
            0..0x100 => self.out.extend_from_slice(&[major | 24, value as u8]),
            0x100..0x1_0000 => {
                self.out.push(major | 25);
                self.out.extend_from_slice(&(value as u16).to_be_bytes());
            }
            0x1_0000..0x1_0000_0000 => {
                self.out.push(major | 26);
                self.out.extend_from_slice(&(value as u32).to_be_bytes());
            }
            _ => {
                self.out.push(major | 27);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
        }
        self
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.head(UNSIGNED, value)
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) -> &mut Self {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            Err(_) => self.head(NEGATIVE, !value.cast_unsigned()),
        }
    }

    /// A digest or a commitment.
    pub fn bytes_32(&mut self, value: &[u8; 32]) -> &mut Self {
        let mut item = [0; 34];
        item[..2].copy_from_slice(&[BYTES << 5 | 24, 32]);
        item[2..].copy_from_slice(value);
        self.out.extend_from_slice(&item);
        self
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(BYTES, value.len() as u64).out.extend_from_slice(value);
        self
    }

    /// A text string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.utf8(value.as_bytes())
    }

    /// A text string, as bytes that are known to be UTF-8.
    pub(crate) fn utf8(&mut self, value: &[u8]) -> &mut Self {
        self.head(TEXT, value.len() as u64).out.extend_from_slice(value);
        self
    }

    /// A text string, as bytes that are known to be UTF-8, or null.
    pub(crate) fn optional_utf8(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.utf8(value),
            None => self.null(),
        }
    }

    /// The head of an array of `length` items.
    pub fn array(&mut self, length: usize) -> &mut Self {
        self.head(ARRAY, length as u64)
    }

    /// The head of a map of `length` pairs; the caller orders them by encoded key.
    pub fn map(&mut self, length: usize) -> &mut Self {
        self.head(MAP, length as u64)
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.out.push(if value { TRUE } else { FALSE });
        self
    }

    /// Null.
    pub fn null(&mut self) -> &mut Self {
        self.out.push(NULL);
        self
    }

    /// A byte string or null.
    pub fn optional_bytes(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.bytes(value),
            None => self.null(),
        }
    }

    /// A text string or null.
    pub fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// An unsigned integer or null.
    pub fn optional_uint(&mut self, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.uint(value),
            None => self.null(),
        }
    }
}

/// The bytes are not the deterministic CBOR that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the deterministic CBOR that was expected")
    }
}

impl core::error::Error for Malformed {}

/// Reads items one after the other, refusing every encoding but the shortest.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
}

#[allow(
    clippy::missing_errors_doc,
    reason = "each reads one item; what is not such an item, in its shortest form, is Malformed"
)]
impl<'a> Decoder<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (&byte, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(byte)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (part, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(part)
    }

    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let first = self.byte()?;
        let (value, least) = match first & 31 {
            small @ 0..24 => return Ok((first >> 5, u64::from(small))),
            24 => (self.number(1)?, 24),
            25 => (self.number(2)?, 0x100),
            26 => (self.number(4)?, 0x1_0000),
            27 => (self.number(8)?, 0x1_0000_0000),
            _ => return Err(Malformed),
        };
        if value < least { Err(Malformed) } else { Ok((first >> 5, value)) }
    }

    fn number(&mut self, length: u64) -> Result<u64, Malformed> {
        Ok(self.take(length)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn expect(&mut self, major: u8) -> Result<u64, Malformed> {
        match self.head()? {
            (found, value) if found == major => Ok(value),
            _ => Err(Malformed),
        }
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, Malformed> {
        self.expect(UNSIGNED)
    }

    /// An unsigned integer that fits `T`.
    pub fn uint_as<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.uint()?).map_err(|_| Malformed)
    }

    /// A signed integer.
    pub fn int(&mut self) -> Result<i64, Malformed> {
        match self.head()? {
            (UNSIGNED, value) => i64::try_from(value).map_err(|_| Malformed),
            (NEGATIVE, value) => i64::try_from(value).map(|value| !value).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.expect(BYTES)?;
        self.take(length)
    }

    /// A byte string of exactly `N` bytes.
    pub fn bytes_of<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes()?.try_into().map_err(|_| Malformed)
    }

    /// A text string.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.expect(TEXT)?;
        core::str::from_utf8(self.take(length)?).map_err(|_| Malformed)
    }

    /// A text of at most `N` bytes.
    pub fn text_of<const N: usize>(&mut self) -> Result<crate::text::Text<N>, Malformed> {
        crate::text::Text::new(self.text()?).ok_or(Malformed)
    }

    /// The head of an array: its length.
    pub fn array(&mut self) -> Result<usize, Malformed> {
        let length = self.expect(ARRAY)?;
        usize::try_from(length).ok().filter(|length| *length <= self.rest.len()).ok_or(Malformed)
    }

    /// The head of an array of exactly `length` items.
    pub fn array_of(&mut self, length: usize) -> Result<(), Malformed> {
        if self.array()? == length { Ok(()) } else { Err(Malformed) }
    }

    /// The head of a map: how many pairs.
    pub fn map(&mut self) -> Result<usize, Malformed> {
        let length = self.expect(MAP)?;
        usize::try_from(length).ok().filter(|length| *length <= self.rest.len()).ok_or(Malformed)
    }

    /// A boolean.
    pub fn bool(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            FALSE => Ok(false),
            TRUE => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// Takes a null if one is next.
    pub fn null(&mut self) -> bool {
        if let Some((&NULL, rest)) = self.rest.split_first() {
            self.rest = rest;
            return true;
        }
        false
    }

    /// Null, or what `item` reads.
    pub fn optional<T>(
        &mut self,
        item: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.null() { Ok(None) } else { item(self).map(Some) }
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(build: impl Fn(&mut Encoder<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        build(&mut Encoder::new(&mut out));
        out
    }

    #[test]
    fn integers_are_as_in_appendix_a_of_rfc_8949() {
        for (value, bytes) in [
            (0u64, &[0x00][..]),
            (23, &[0x17]),
            (24, &[0x18, 24]),
            (1000, &[0x19, 0x03, 0xE8]),
            (1_000_000, &[0x1A, 0, 0x0F, 0x42, 0x40]),
            (u64::MAX, &[0x1B, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(encoded(|e| _ = e.uint(value)), bytes);
            assert_eq!(Decoder::new(bytes).uint(), Ok(value));
        }
        assert_eq!(encoded(|e| _ = e.int(-1000)), [0x39, 0x03, 0xE7]);
        assert_eq!(Decoder::new(&[0x39, 0x03, 0xE7]).int(), Ok(-1000));
    }

    #[test]
    fn longer_than_needed_is_refused() {
        for bytes in [&[0x18, 23][..], &[0x19, 0, 24], &[0x1A, 0, 0, 1, 0], &[0x5F, 0xFF], &[0x1C]] {
            assert_eq!(Decoder::new(bytes).head(), Err(Malformed));
        }
    }
}
