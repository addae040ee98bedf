//! The members of an object, each taken once and checked at its turn; what nobody takes is refused at the start.

use alloc::borrow::Cow;

use crate::error::Code;
use crate::json::Value;
use crate::money::LIMIT_FEN;
use crate::text::Text;

/// The members of one object by position in a fixed list of names.
pub(crate) struct Fields<'d, 'a, const N: usize> {
    names: &'static [&'static str; N],
    values: [Option<Value<'d, 'a>>; N],
}

impl<'d, 'a, const N: usize> Fields<'d, 'a, N> {
    /// Sorts the members of `object` into the list.
    ///
    /// # Errors
    /// `E_SCHEMA` where it is not an object, or has a member that is not in the list.
    pub(crate) fn new(object: Value<'d, 'a>, names: &'static [&'static str; N]) -> Result<Self, Code> {
        let mut values = [None; N];
        for (name, value) in object.members().ok_or(Code::Schema)? {
            let at = names.iter().position(|known| *known == name).ok_or(Code::Schema)?;
            values[at] = Some(value);
        }
        Ok(Self { names, values })
    }

    /// The member, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'d, 'a>> {
        self.names.iter().position(|known| *known == name).and_then(|at| self.values[at])
    }

    /// The member.
    ///
    /// # Errors
    /// `E_SCHEMA` where it is missing.
    pub(crate) fn need(&self, name: &str) -> Result<Value<'d, 'a>, Code> {
        self.get(name).ok_or(Code::Schema)
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<Cow<'a, str>, Code> {
        self.need(name)?.as_text().ok_or(Code::Schema)
    }

    /// Refuses members that do not belong to this kind.
    pub(crate) fn refuse(&self, names: &[&str]) -> Result<(), Code> {
        if names.iter().any(|name| self.get(name).is_some()) { Err(Code::Schema) } else { Ok(()) }
    }
}

/// An amount: the rule of `docs/format.md`, section 2.
pub(crate) fn amount(value: Value<'_, '_>) -> Result<u64, Code> {
    let text = value.as_number().ok_or(Code::Schema)?;
    if text.contains(['.', 'e', 'E']) {
        Err(Code::AmountFloat)
    } else if text.starts_with('-') {
        Err(Code::AmountNegative)
    } else {
        text.parse().ok().filter(|fen| *fen < LIMIT_FEN).ok_or(Code::AmountOverflow)
    }
}

/// A plain integer from 0 to 2^53 - 1.
pub(crate) fn integer(value: Value<'_, '_>) -> Result<u64, Code> {
    let text = value.as_number().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).filter(|value| *value < LIMIT_FEN).ok_or(Code::Schema)
}

/// A text of `least` to `N` bytes that are all allowed.
pub(crate) fn bounded<const N: usize>(text: &str, least: usize, allowed: fn(u8) -> bool) -> Result<Text<N>, Code> {
    let ok = text.len() >= least && text.bytes().all(allowed);
    Text::new(text).filter(|_| ok).ok_or(Code::Schema)
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

/// A name of a member of `detail`: `[a-z][a-z0-9_]{0,31}`.
pub(crate) fn detail_name(text: &str) -> Result<Text<32>, Code> {
    let first = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    let name = bounded(text, 1, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))?;
    if first { Ok(name) } else { Err(Code::Schema) }
}

/// `2 * N` lower-case hex digits.
pub(crate) fn hex<const N: usize>(value: Value<'_, '_>) -> Result<[u8; N], Code> {
    let text = value.as_text().filter(|text| text.len() == 2 * N).ok_or(Code::Schema)?;
    let mut out = [0u8; N];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(Code::Schema),
        };
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(out)
}
