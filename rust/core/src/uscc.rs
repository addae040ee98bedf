//! Unified social credit codes: 18 characters with a check digit (GB 32100).

use crate::error::Code;
use crate::text::TaxId;

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// The value of every byte, 31 for those outside the alphabet.
const VALUES: [u8; 256] = values();
/// 3^i mod 31; the check digit has no weight.
const WEIGHTS: [u32; 18] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 0];

const fn values() -> [u8; 256] {
    let mut values = [31; 256];
    let mut i = 0;
    while i < ALPHABET.len() {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
}

/// A code of the right form whose check digit is right.
///
/// # Errors
/// `E_USCC_FORMAT` for a wrong length or a character outside the alphabet (no I O Z S V), `E_USCC_CHECKSUM` otherwise.
pub fn check(text: &[u8]) -> Result<TaxId, Code> {
    let text: &[u8; 18] = text.try_into().map_err(|_| Code::UsccFormat)?;
    let values = text.map(|byte| u32::from(VALUES[usize::from(byte)]));
    if values.contains(&31) {
        return Err(Code::UsccFormat);
    }
    let sum: u32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    let id = TaxId::from_utf8(text).ok_or(Code::UsccFormat)?;
    if (31 - sum % 31) % 31 == values[17] { Ok(id) } else { Err(Code::UsccChecksum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for valid in ["91440300708461136T", "91110000600037341L", "92532528MA6L45LX6L"] {
            assert_eq!(check(valid.as_bytes()).map(|id| id.as_str().len()), Ok(18), "{valid}");
        }
        assert_eq!(check(b"44078819091887401X"), Err(Code::UsccChecksum));
        assert_eq!(check(b"9111011233024848X"), Err(Code::UsccFormat));
        assert_eq!(check(b"91440300708461136I"), Err(Code::UsccFormat));
    }
}
