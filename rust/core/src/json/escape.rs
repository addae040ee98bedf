//! What stands behind a backslash in a JSON text.

use alloc::vec::Vec;

use crate::error::Code;

/// The bytes behind a backslash that its escape takes; `rest` begins behind the backslash.
pub(super) fn length(rest: &[u8]) -> Result<usize, Code> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(1),
        [b'u', hex @ ..] => unicode(hex).map(|(_, length)| length).ok_or(Code::Schema),
        _ => Err(Code::Schema),
    }
}

/// A text whose escapes and UTF-8 are right, unescaped.
pub(super) fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let after = &rest[at + 1..];
        let (character, length) = match after {
            [b'b', ..] => ('\u{8}', 1),
            [b'f', ..] => ('\u{c}', 1),
            [b'n', ..] => ('\n', 1),
            [b'r', ..] => ('\r', 1),
            [b't', ..] => ('\t', 1),
            [b'u', hex @ ..] => unicode(hex).unwrap_or(('\u{FFFD}', 5)),
            [other, ..] => (char::from(*other), 1),
            [] => break,
        };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &after[length..];
    }
    out.extend_from_slice(rest);
    out
}

/// The character of `\uXXXX` or of a surrogate pair (`hex` begins behind the `u`), and the bytes behind the backslash
/// that it takes; `None` for a lone surrogate or bad digits.
fn unicode(hex: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        hex.get(at..at + 4)?
            .iter()
            .try_fold(0u32, |sum, digit| char::from(*digit).to_digit(16).map(|digit| sum << 4 | digit))
    };
    let high = unit(0)?;
    if let Some(character) = char::from_u32(high) {
        return Some((character, 5));
    }
    if !(0xD800..0xDC00).contains(&high) || hex.get(4..6)? != b"\\u" {
        return None;
    }
    let low = unit(6).filter(|low| (0xDC00..0xE000).contains(low))?;
    Some((char::from_u32(0x1_0000 + ((high - 0xD800) << 10 | (low - 0xDC00)))?, 11))
}
