//! Invoice codes and number ranges of the 12-digit family: `1`, region (4), year (2), industry, `9`, batch, copy, `0`.

use crate::error::Code;
use crate::text::InvoiceCode;

/// The greatest number of a code.
pub const MAX_NUMBER: u32 = 99_999_999;

/// A code of the form `^1\d{4}\d{2}\d9\d\d0$`.
///
/// # Errors
/// `E_CODE_FORMAT`.
pub fn check(bytes: &[u8]) -> Result<InvoiceCode, Code> {
    let well_formed = bytes.len() == 12
        && bytes.iter().all(u8::is_ascii_digit)
        && (bytes[0], bytes[8], bytes[11]) == (b'1', b'9', b'0');
    InvoiceCode::from_utf8(bytes).filter(|_| well_formed).ok_or(Code::CodeFormat)
}

/// The region of a checked code, digits 2 to 5.
pub fn region(code: &InvoiceCode) -> &str {
    code.as_str().get(1..5).unwrap_or_default()
}

/// A range of numbers, both ends inclusive.
///
/// # Errors
/// `E_NUMBER_RANGE` outside 1 to 99,999,999 or when it is empty.
pub fn check_range(from: u64, to: u64) -> Result<(u32, u32), Code> {
    match (u32::try_from(from), u32::try_from(to)) {
        (Ok(from), Ok(to)) if 1 <= from && from <= to && to <= MAX_NUMBER => Ok((from, to)),
        _ => Err(Code::NumberRange),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for valid in ["144031809110", "144031909110"] {
            assert_eq!(check(valid.as_bytes()).map(|code| region(&code) == "4403"), Ok(true));
        }
        assert_eq!(check(b"144052009110").map(|code| region(&code) == "4403"), Ok(false), "not Shenzhen's");
        for invalid in ["144032009111", "14403190911", "1440319091100", "x44031909110"] {
            assert_eq!(check(invalid.as_bytes()), Err(Code::CodeFormat), "{invalid}");
        }
        assert_eq!(check_range(1, 99_999_999), Ok((1, 99_999_999)));
        for (from, to) in [(0, 1), (2, 1), (1, 100_000_000)] {
            assert_eq!(check_range(from, to), Err(Code::NumberRange));
        }
    }
}
