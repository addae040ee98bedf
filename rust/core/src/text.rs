//! Short texts of bounded length, kept inline so that an event is decoded without an allocation a field.

use core::fmt;

/// At most `N` bytes of UTF-8 (`N` < 256), inline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    /// The text, or `None` where it is longer than `N` bytes.
    pub fn new(text: &str) -> Option<Self> {
        Self::from_utf8(text.as_bytes())
    }

    /// The same, from bytes that are known to be UTF-8.
    pub(crate) fn from_utf8(text: &[u8]) -> Option<Self> {
        let len = u8::try_from(text.len()).ok()?;
        let mut bytes = [0u8; N];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { len, bytes })
    }

    /// The bytes of the text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self { len: 0, bytes: [0; N] }
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A unified social credit code, 18 characters.
pub type TaxId = Text<18>;
/// A scene's code, `METRO` for example.
pub type SceneCode = Text<16>;
/// A 19-digit tax code.
pub type TaxCode = Text<19>;
/// An invoice code: 12 digits of the code family, or the first 12 of an all-digital number of 20.
pub type InvoiceCode = Text<12>;

/// The values of the lower-case hex digits; all other bytes have a high bit set.
const HEX: [u8; 256] = hex_values();

const fn hex_values() -> [u8; 256] {
    let (digits, mut values, mut i) = (b"0123456789abcdef", [0x80; 256], 0);
    while i < digits.len() {
        values[digits[i] as usize] = i as u8;
        i += 1;
    }
    values
}

/// `2 * N` lower-case hex digits as bytes.
pub(crate) fn unhex<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let hex: &[[u8; 2]; N] = hex.as_chunks().0.try_into().ok().filter(|_| hex.len() == 2 * N)?;
    let (mut bytes, mut bad) = ([0; N], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(hex) {
        let (high, low) = (HEX[usize::from(*high)], HEX[usize::from(*low)]);
        bad |= high | low;
        *byte = high << 4 | low;
    }
    (bad < 0x10).then_some(bytes)
}
