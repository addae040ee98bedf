//! A strict JSON reader (RFC 8259): one pass over the bytes into a flat list of tokens, nothing decoded that nobody asks for.
//!
//! Refused as `E_SCHEMA`: duplicate keys at any level (compared after unescaping), lone surrogates, control characters,
//! byte order marks, invalid UTF-8, anything behind the value. The 33rd open array or object is `E_DEPTH`.

mod escape;
mod reader;
#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::error::Code;

/// The most arrays and objects that may be open at once.
pub const MAX_DEPTH: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    Text,
    EscapedText,
    Array,
    Object,
}

/// `start..end` of the bytes (inside the quotes for texts) and the token behind this value; a key's `next` lies behind
/// its member's value.
#[derive(Clone, Copy, Debug)]
struct Token {
    kind: Kind,
    start: u32,
    end: u32,
    next: u32,
}

/// Where the tokens of a document are kept. Reused, it spares each document an allocation; it stays as large as the
/// largest document made it: at most 8 bytes a byte of that.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<Token>);

/// A parsed document.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    tokens: &'a [Token],
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
    reader::read(bytes, &mut tokens.0)?;
    Ok(Document { bytes, tokens: &tokens.0 })
}

impl<'a> Document<'a> {
    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { document: self, at: 0 }
    }

    fn slice(&self, token: Token) -> &'a [u8] {
        &self.bytes[token.start as usize..token.end as usize]
    }
}

impl<'a> Value<'a> {
    fn token(&self) -> Token {
        self.document.tokens[self.at]
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
        (token.kind == Kind::Number).then(|| self.document.slice(token))
    }

    /// A text, unescaped.
    pub fn as_text(&self) -> Option<Cow<'a, str>> {
        Some(match self.as_text_bytes()? {
            Cow::Borrowed(bytes) => Cow::Borrowed(core::str::from_utf8(bytes).unwrap_or_default()),
            Cow::Owned(bytes) => Cow::Owned(alloc::string::String::from_utf8(bytes).unwrap_or_default()),
        })
    }

    /// The bytes of a text, unescaped: UTF-8, which the reader has checked.
    pub(crate) fn as_text_bytes(&self) -> Option<Cow<'a, [u8]>> {
        let token = self.token();
        match token.kind {
            Kind::Text => Some(Cow::Borrowed(self.document.slice(token))),
            Kind::EscapedText => Some(Cow::Owned(escape::unescape(self.document.slice(token)))),
            _ => None,
        }
    }

    /// The members of an object in the order of the bytes.
    pub fn members(&self) -> Option<impl Iterator<Item = (Cow<'a, str>, Value<'a>)> + use<'a>> {
        Some(self.keys()?.filter_map(|key| Some((key.as_text()?, key.member()))))
    }

    /// The keys of an object in the order of the bytes.
    pub(crate) fn keys(&self) -> Option<impl Iterator<Item = Value<'a>> + use<'a>> {
        (self.token().kind == Kind::Object).then(|| self.children())
    }

    /// The value of the member that this is the key of.
    pub(crate) fn member(self) -> Value<'a> {
        Value { document: self.document, at: self.at + 1 }
    }

    /// The items of an array.
    pub fn items(&self) -> Option<impl Iterator<Item = Value<'a>> + use<'a>> {
        (self.token().kind == Kind::Array).then(|| self.children())
    }

    /// The items of an array, or the keys of an object.
    fn children(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (document, mut at, end) = (self.document, self.at + 1, self.token().next as usize);
        core::iter::from_fn(move || {
            let value = (at < end).then_some(Value { document, at })?;
            at = document.tokens[at].next as usize;
            Some(value)
        })
    }
}
