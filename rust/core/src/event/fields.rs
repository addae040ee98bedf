//! The members of an object, taken by name with none left over, and the forms of single members.

use crate::error::Code;
use crate::json::Value;
use crate::money::LIMIT_FEN;
use crate::text::{Text, unhex};

/// Integers that are no amounts stay below this: 2^53.
pub(crate) const INTEGER_LIMIT: u64 = 1 << 53;

/// The values of these members of an object, in the order of the names. The reader has refused members that stand twice.
///
/// # Errors
/// `E_SCHEMA` where it is not an object, lacks one of them, or has one that is neither of them nor of `besides`.
pub(crate) fn exactly<'a, const N: usize>(
    object: Value<'a>,
    besides: &[&str],
    names: [&str; N],
) -> Result<[Value<'a>; N], Code> {
    let (mut values, mut found) = ([object; N], 0);
    for key in object.keys().ok_or(Code::Schema)? {
        let name = text(key)?;
        let is_name = |known: &&str| known.as_bytes() == name;
        if let Some(at) = names.iter().position(is_name) {
            values[at] = key.member();
            found += 1;
        } else if !besides.iter().any(is_name) {
            return Err(Code::Schema);
        }
    }
    if found == N { Ok(values) } else { Err(Code::Schema) }
}

/// A member of an object, whatever else it has.
///
/// # Errors
/// `E_SCHEMA` where it is not an object or lacks the member.
pub(crate) fn member<'a>(object: Value<'a>, name: &str) -> Result<Value<'a>, Code> {
    let mut keys = object.keys().ok_or(Code::Schema)?;
    let key = keys.find(|key| key.as_text_bytes() == Some(name.as_bytes())).ok_or(Code::Schema)?;
    Ok(key.member())
}

/// The bytes of a text.
pub(crate) fn text(value: Value<'_>) -> Result<&[u8], Code> {
    value.as_text_bytes().ok_or(Code::Schema)
}

/// An amount: the rule of `docs/format.md`, section 2.
pub(crate) fn amount(value: Value<'_>) -> Result<u64, Code> {
    let written = value.as_number_bytes().ok_or(Code::Schema)?;
    if let Some(fen) = digits(written) {
        return Some(fen).filter(|fen| *fen < LIMIT_FEN).ok_or(Code::AmountOverflow);
    }
    if written.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        Err(Code::AmountFloat)
    } else if written.starts_with(b"-") {
        Err(Code::AmountNegative)
    } else {
        Err(Code::AmountOverflow)
    }
}

/// A plain integer from 0 to 2^53 - 1.
pub(crate) fn integer(value: Value<'_>) -> Result<u64, Code> {
    value.as_number_bytes().and_then(digits).filter(|value| *value < INTEGER_LIMIT).ok_or(Code::Schema)
}

/// The number that at most 19 digits write; no JSON number of more is below 2^53.
pub(crate) fn digits(written: &[u8]) -> Option<u64> {
    if written.len() > 19 {
        return None;
    }
    written.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

/// A text of `least` to `most` bytes that are all allowed.
pub(crate) fn checked(text: &[u8], (least, most): (usize, usize), allowed: impl Fn(u8) -> bool) -> Result<&[u8], Code> {
    let ok = (least..=most).contains(&text.len()) && text.iter().all(|byte| allowed(*byte));
    if ok { Ok(text) } else { Err(Code::Schema) }
}

/// A text of `least` to `N` bytes that are all allowed.
pub(crate) fn bounded<const N: usize>(
    value: Value<'_>,
    least: usize,
    allowed: impl Fn(u8) -> bool,
) -> Result<Text<N>, Code> {
    let text = checked(text(value)?, (least, N), allowed)?;
    Text::from_utf8(text).ok_or(Code::Schema)
}

/// Any byte.
pub(crate) fn any(_byte: u8) -> bool {
    true
}

/// `!` to `~`.
pub(crate) fn visible(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~')
}

/// A byte of a scene's code.
pub(crate) fn scene_byte(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')
}

/// Whether it names a member of `detail`: `[a-z][a-z0-9_]{0,31}`.
pub(crate) fn is_detail_name(text: &[u8]) -> bool {
    text.len() <= 32
        && text.first().is_some_and(u8::is_ascii_lowercase)
        && text.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// `2 * N` lower-case hex digits.
pub(crate) fn hex<const N: usize>(value: Value<'_>) -> Result<[u8; N], Code> {
    unhex(text(value)?).ok_or(Code::Schema)
}
