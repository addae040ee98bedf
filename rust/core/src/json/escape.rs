//! What stands behind a backslash in a JSON text.

use alloc::vec::Vec;

use crate::error::Code;

/// Appends the character that the escape at the start of `rest`, behind its backslash, stands for; returns the escape's
/// length.
pub(super) fn unescape(rest: &[u8], out: &mut Vec<u8>) -> Result<usize, Code> {
    let (character, length) = match rest {
        [same @ (b'"' | b'\\' | b'/'), ..] => (char::from(*same), 1),
        [b'b', ..] => ('\u{8}', 1),
        [b'f', ..] => ('\u{c}', 1),
        [b'n', ..] => ('\n', 1),
        [b'r', ..] => ('\r', 1),
        [b't', ..] => ('\t', 1),
        [b'u', hex @ ..] => unicode(hex).ok_or(Code::Schema)?,
        _ => return Err(Code::Schema),
    };
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(length)
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
