//! Integers of the wire: big-endian ones, and zigzag varints no longer than their type allows.

/// Reads from the front of some bytes; `None` where they end too soon or make no sense.
#[derive(Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }

    /// Bytes behind their length.
    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// The same, or null.
    #[allow(clippy::option_option, reason = "outer: malformed; inner: null, as the broker has it")]
    pub(super) fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Some(None),
            length => self.take(usize::try_from(length).ok()?).map(Some),
        }
    }

    /// A signed integer of 32 bits in at most five bytes.
    pub(super) fn varint(&mut self) -> Option<i32> {
        i32::try_from(self.zigzag(5)?).ok()
    }

    /// A signed integer of 64 bits in at most ten bytes.
    pub(super) fn varlong(&mut self) -> Option<i64> {
        self.zigzag(10)
    }

    #[inline]
    fn zigzag(&mut self, most: usize) -> Option<i64> {
        let mut value = 0u64;
        for (at, &byte) in self.0.iter().enumerate().take(most) {
            // Of the tenth byte one bit is left.
            if at == 9 && byte > 1 {
                return None;
            }
            value |= u64::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }
}

/// A big-endian integer inside a header whose length was checked.
pub(super) fn i64_at(bytes: &[u8], at: usize) -> i64 {
    bytes[at..at + 8].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)).cast_signed()
}

/// The same with 32 bits.
pub(super) fn i32_at(bytes: &[u8], at: usize) -> i32 {
    bytes[at..at + 4].iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)).cast_signed()
}
