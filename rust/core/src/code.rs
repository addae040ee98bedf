//! Invoice codes and number ranges. The 12-digit family: `1`, region (4), year (2), industry, `9`, batch, copy, `0`. Of an
//! all-digital number of twenty the code is the first twelve: year (2), region (2), channel, the upper 7 of 15 digits of
//! sequence.

use crate::error::Code;
use crate::text::InvoiceCode;

/// The greatest number of a code.
pub const MAX_NUMBER: u32 = 99_999_999;

/// A code of the form `^1\d{4}\d{2}\d9\d\d0$` or `^[2-9]\d{11}$`.
///
/// # Errors
/// `E_CODE_FORMAT`.
pub fn check(bytes: &[u8]) -> Result<InvoiceCode, Code> {
    let digits = bytes.len() == 12 && bytes.iter().all(u8::is_ascii_digit);
    let well_formed = digits
        && match bytes[0] {
            b'0' => false,
            b'1' => (bytes[8], bytes[11]) == (b'9', b'0'),
            _ => true,
        };
    InvoiceCode::from_utf8(bytes).filter(|_| well_formed).ok_or(Code::CodeFormat)
}

/// Whether a checked code is of a region of four digits: they are digits 2 to 5, or begin with digits 3 and 4 of an
/// all-digital code, which names no more of it.
pub fn is_of_region(code: &InvoiceCode, region: &str) -> bool {
    let (code, region) = (code.as_bytes(), region.as_bytes());
    if code.first() == Some(&b'1') {
        code.get(1..5) == Some(region)
    } else {
        code.get(2..4).is_some_and(|province| region.starts_with(province))
    }
}

/// Whether a checked code is the beginning of all-digital numbers of 20 digits.
pub fn is_all_digital(code: &InvoiceCode) -> bool {
    code.as_bytes().first() != Some(&b'1')
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
            assert_eq!(check(valid.as_bytes()).map(|code| is_of_region(&code, "4403")), Ok(true));
        }
        assert_eq!(check(b"144052009110").map(|code| is_of_region(&code, "4403")), Ok(false), "not Shenzhen's");
        for (valid, of_shenzhen) in [("264400000001", true), ("994499999999", true), ("264300000001", false)] {
            assert_eq!(check(valid.as_bytes()).map(|code| is_of_region(&code, "4403")), Ok(of_shenzhen), "{valid}");
        }
        for invalid in ["144032009111", "144032001110", "14403190911", "1440319091100", "x44031909110", ""] {
            assert_eq!(check(invalid.as_bytes()), Err(Code::CodeFormat), "{invalid}");
        }
        for invalid in ["064400000001", "26440000000", "2644000000012", "26440000000x"] {
            assert_eq!(check(invalid.as_bytes()), Err(Code::CodeFormat), "{invalid}");
        }
        assert_eq!(check_range(1, 99_999_999), Ok((1, 99_999_999)));
        for (from, to) in [(0, 1), (2, 1), (1, 100_000_000)] {
            assert_eq!(check_range(from, to), Err(Code::NumberRange));
        }
    }
}
