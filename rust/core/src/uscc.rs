//! Unified social credit codes: 18 characters with a check digit (GB 32100).

use crate::error::Code;
use crate::text::TaxId;

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// A code of the right form whose check digit is right.
///
/// # Errors
/// `E_USCC_FORMAT` for a wrong length or a character outside the alphabet (no I O Z S V), `E_USCC_CHECKSUM` otherwise.
pub fn check(text: &str) -> Result<TaxId, Code> {
    let id = TaxId::new(text).filter(|_| text.len() == 18).ok_or(Code::UsccFormat)?;
    let (mut sum, mut weight, mut last) = (0, 1, 0);
    for (i, byte) in text.bytes().enumerate() {
        let value = ALPHABET.iter().position(|letter| *letter == byte).ok_or(Code::UsccFormat)?;
        if i < 17 {
            sum += value * weight;
            weight = weight * 3 % 31;
        }
        last = value;
    }
    if (31 - sum % 31) % 31 == last { Ok(id) } else { Err(Code::UsccChecksum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for valid in ["91440300708461136T", "91110000600037341L", "92532528MA6L45LX6L"] {
            assert_eq!(check(valid).map(|id| id.as_str().len()), Ok(18), "{valid}");
        }
        assert_eq!(check("44078819091887401X"), Err(Code::UsccChecksum));
        assert_eq!(check("9111011233024848X"), Err(Code::UsccFormat));
        assert_eq!(check("91440300708461136I"), Err(Code::UsccFormat));
    }
}
