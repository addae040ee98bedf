//! A strict JSON reader (RFC 8259): one pass over the bytes into a flat list of tokens, nothing decoded that nobody asks for.
//!
//! Refused as `E_SCHEMA`: duplicate keys at any level (compared after unescaping), lone surrogates, control characters,
//! byte order marks, invalid UTF-8, anything behind the value. The 33rd open array or object is `E_DEPTH`.

mod escape;
mod reader;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use crate::error::Code;

/// The most arrays and objects that may be open at once.
pub const MAX_DEPTH: usize = 32;

/// As wide as the places beside it, so that a token has no padding to be copied around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
    #[default]
    Null,
    True,
    False,
    Number,
    /// `start..end` is inside the quotes.
    Text,
    /// `start..end` is of the unescaped texts.
    EscapedText,
    /// `end` is the token behind all that it holds.
    Array,
    /// `end` is the token behind all that it holds; each key is followed by its value.
    Object,
}

/// `start..end` of the bytes, unless its kind says otherwise.
#[derive(Clone, Copy, Debug, Default)]
struct Token {
    kind: Kind,
    start: u32,
    end: u32,
}

impl Token {
    /// The token behind this value, which is at `at`.
    fn behind(self, at: usize) -> usize {
        match self.kind {
            Kind::Array | Kind::Object => self.end as usize,
            _ => at + 1,
        }
    }
}

/// Where the tokens of a document are kept. Used again, it spares each document the allocations; it stays as large as
/// the largest document made it, at most 7 bytes a byte of that.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    list: Vec<Token>,
    /// The texts that had escapes, one after the other.
    unescaped: Vec<u8>,
    open: [reader::Open; MAX_DEPTH],
}

/// A parsed document.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    tokens: &'a Tokens,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    document: &'a Document<'a>,
    at: usize,
}

/// Parses a whole document.
///
/// # Errors
/// `E_SCHEMA` or `E_DEPTH`, whichever comes first in the bytes.
pub fn parse<'a>(bytes: &'a [u8], tokens: &'a mut Tokens) -> Result<Document<'a>, Code> {
    reader::read(bytes, tokens)?;
    Ok(Document { bytes, tokens })
}

impl Document<'_> {
    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { document: self, at: 0 }
    }
}

impl<'a> Value<'a> {
    fn token(&self) -> &'a Token {
        &self.document.tokens.list[self.at]
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.token().kind == Kind::Null
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.token().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// A number as it is written.
    pub fn as_number(&self) -> Option<&'a str> {
        self.as_number_bytes().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// A number as it is written: ASCII.
    pub(crate) fn as_number_bytes(&self) -> Option<&'a [u8]> {
        let token = self.token();
        (token.kind == Kind::Number).then(|| &self.document.bytes[token.start as usize..token.end as usize])
    }

    /// A text, unescaped.
    pub fn as_text(&self) -> Option<&'a str> {
        self.as_text_bytes().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// The bytes of a text, unescaped: UTF-8, which the reader has checked.
    pub(crate) fn as_text_bytes(&self) -> Option<&'a [u8]> {
        let Token { kind, start, end, .. } = *self.token();
        let bytes = match kind {
            Kind::Text => self.document.bytes,
            Kind::EscapedText => &self.document.tokens.unescaped,
            _ => return None,
        };
        Some(&bytes[start as usize..end as usize])
    }

    /// The members of an object in the order of the bytes.
    pub fn members(&self) -> Option<impl Iterator<Item = (&'a str, Value<'a>)> + use<'a>> {
        Some(self.keys()?.filter_map(|key| Some((key.as_text()?, key.member()))))
    }

    /// The keys of an object in the order of the bytes.
    pub(crate) fn keys(&self) -> Option<impl Iterator<Item = Value<'a>> + use<'a>> {
        (self.token().kind == Kind::Object).then(|| self.children(1))
    }

    /// The value of the member that this is the key of.
    pub(crate) fn member(self) -> Value<'a> {
        Value { document: self.document, at: self.at + 1 }
    }

    /// The items of an array.
    pub fn items(&self) -> Option<impl Iterator<Item = Value<'a>> + use<'a>> {
        (self.token().kind == Kind::Array).then(|| self.children(0))
    }

    /// The first token of each item or member; the value is `key` tokens behind it.
    fn children(&self, key: usize) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (document, mut at, end) = (self.document, self.at + 1, self.token().end as usize);
        core::iter::from_fn(move || {
            let child = (at < end).then_some(Value { document, at })?;
            at = document.tokens.list[at + key].behind(at + key);
            Some(child)
        })
    }
}
