//! The members of an object, each taken once and checked at its turn; what nobody takes is refused at the start.

use crate::error::Code;
use crate::json::Value;
use crate::money::LIMIT_FEN;
use crate::text::{Text, unhex};

/// Integers that are no amounts stay below this: 2^53.
pub(crate) const INTEGER_LIMIT: u64 = 1 << 53;

/// The members of one object by position in a fixed list of names.
pub(crate) struct Fields<'a, const N: usize> {
    names: &'static [&'static str; N],
    values: [Option<Value<'a>>; N],
}

impl<'a, const N: usize> Fields<'a, N> {
    /// Sorts the members of `object` into the list.
    ///
    /// # Errors
    /// `E_SCHEMA` where it is not an object, or has a member that is not in the list.
    pub(crate) fn new(object: Value<'a>, names: &'static [&'static str; N]) -> Result<Self, Code> {
        let mut values = [None; N];
        for key in object.keys().ok_or(Code::Schema)? {
            let name = text(key)?;
            let at = names.iter().position(|known| known.as_bytes() == name).ok_or(Code::Schema)?;
            values[at] = Some(key.member());
        }
        Ok(Self { names, values })
    }

    /// The member, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.names.iter().position(|known| *known == name).and_then(|at| self.values[at])
    }

    /// The member.
    ///
    /// # Errors
    /// `E_SCHEMA` where it is missing.
    pub(crate) fn need(&self, name: &str) -> Result<Value<'a>, Code> {
        self.get(name).ok_or(Code::Schema)
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<&'a [u8], Code> {
        text(self.need(name)?)
    }
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
