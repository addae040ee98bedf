//! A strict JSON reader (RFC 8259): one pass over the bytes into a flat list of tokens, nothing decoded that nobody asks for.
//!
//! Refused as `E_SCHEMA`: duplicate keys at any level (compared after unescaping), lone surrogates, control characters,
//! byte order marks, invalid UTF-8, anything behind the value. The 33rd open array or object is `E_DEPTH`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Code;

/// The most arrays and objects that may be open at once.
pub const MAX_DEPTH: usize = 32;
/// Objects with more members than this are checked for duplicates by sorting.
const PAIRWISE_MEMBERS: usize = 24;

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

/// `start..end` of the bytes (inside the quotes for texts) and the token behind this value.
#[derive(Clone, Copy, Debug)]
struct Token {
    kind: Kind,
    start: u32,
    end: u32,
    next: u32,
}

/// A parsed document.
#[derive(Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    tokens: Vec<Token>,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub struct Value<'d, 'a> {
    document: &'d Document<'a>,
    at: usize,
}

/// Parses a whole document.
///
/// # Errors
/// `E_SCHEMA` or `E_DEPTH`, whichever comes first in the bytes.
pub fn parse(bytes: &[u8]) -> Result<Document<'_>, Code> {
    let valid = match core::str::from_utf8(bytes) {
        Ok(_) => bytes,
        Err(error) => &bytes[..error.valid_up_to()],
    };
    let tokens = Vec::with_capacity(64);
    let mut parser = Parser { bytes: valid, at: 0, depth: 0, tokens };
    parser.space();
    parser.value()?;
    parser.space();
    if parser.at != bytes.len() {
        return Err(Code::Schema);
    }
    Ok(Document { bytes, tokens: parser.tokens })
}

impl<'a> Document<'a> {
    /// The outermost value.
    pub fn root(&self) -> Value<'_, 'a> {
        Value { document: self, at: 0 }
    }
}

impl<'d, 'a> Value<'d, 'a> {
    fn token(&self) -> Token {
        self.document.tokens[self.at]
    }

    fn slice(&self) -> &'a [u8] {
        let token = self.token();
        &self.document.bytes[token.start as usize..token.end as usize]
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
        (self.token().kind == Kind::Number).then(|| core::str::from_utf8(self.slice()).unwrap_or_default())
    }

    /// A text, unescaped.
    pub fn as_text(&self) -> Option<Cow<'a, str>> {
        let raw = core::str::from_utf8(self.slice()).unwrap_or_default();
        match self.token().kind {
            Kind::Text => Some(Cow::Borrowed(raw)),
            Kind::EscapedText => Some(Cow::Owned(unescape(raw))),
            _ => None,
        }
    }

    /// The members of an object in the order of the bytes.
    pub fn members(&self) -> Option<impl Iterator<Item = (Cow<'a, str>, Value<'d, 'a>)> + use<'d, 'a>> {
        let Value { document, at } = *self;
        (self.token().kind == Kind::Object).then(|| {
            children(document, at).filter_map(move |key| {
                let name = key.as_text()?;
                Some((name, Value { document, at: key.at + 1 }))
            })
        })
    }

    /// The items of an array.
    pub fn items(&self) -> Option<impl Iterator<Item = Value<'d, 'a>> + use<'d, 'a>> {
        (self.token().kind == Kind::Array).then(|| children(self.document, self.at))
    }
}

/// The items of an array, or the keys of an object (a key's `next` lies behind its value).
fn children<'d, 'a>(document: &'d Document<'a>, parent: usize) -> impl Iterator<Item = Value<'d, 'a>> + use<'d, 'a> {
    let end = document.tokens[parent].next as usize;
    let mut at = parent + 1;
    core::iter::from_fn(move || {
        let value = (at < end).then_some(Value { document, at })?;
        at = document.tokens[at].next as usize;
        Some(value)
    })
}

fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (character, length) = match after.as_bytes() {
            [b'b', ..] => ('\u{8}', 1),
            [b'f', ..] => ('\u{c}', 1),
            [b'n', ..] => ('\n', 1),
            [b'r', ..] => ('\r', 1),
            [b't', ..] => ('\t', 1),
            [b'u', hex @ ..] => unicode(hex).unwrap_or(('\u{FFFD}', 5)),
            [other, ..] => (char::from(*other), 1),
            [] => break,
        };
        out.push(character);
        rest = &after[length..];
    }
    out.push_str(rest);
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

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    tokens: Vec<Token>,
}

impl Parser<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<(), Code> {
        match self.peek() {
            b'"' => self.text(),
            b'{' => self.nested(Kind::Object),
            b'[' => self.nested(Kind::Array),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal(b"true", Kind::True),
            b'f' => self.literal(b"false", Kind::False),
            b'n' => self.literal(b"null", Kind::Null),
            _ => Err(Code::Schema),
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.tokens.len() as u32 + 1;
        self.tokens.push(Token { kind, start: start as u32, end: end as u32, next });
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<(), Code> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(Code::Schema);
        }
        self.at += word.len();
        self.push(kind, self.at, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Code> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(Code::Schema) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Code> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    fn text(&mut self) -> Result<(), Code> {
        self.at += 1;
        let (start, mut kind) = (self.at, Kind::Text);
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::EscapedText;
                    self.at += 1 + self.escape_length()?;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(Code::Schema),
            }
        }
        self.push(kind, start, self.at);
        self.at += 1;
        Ok(())
    }

    fn escape_length(&self) -> Result<usize, Code> {
        match self.bytes.get(self.at + 1..) {
            Some([b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..]) => Ok(1),
            Some([b'u', hex @ ..]) => unicode(hex).map(|(_, length)| length).ok_or(Code::Schema),
            _ => Err(Code::Schema),
        }
    }

    fn nested(&mut self, kind: Kind) -> Result<(), Code> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Code::Depth);
        }
        let (close, index) = (if kind == Kind::Object { b'}' } else { b']' }, self.tokens.len());
        self.push(kind, self.at, self.at);
        self.at += 1;
        self.space();
        if self.peek() != close {
            self.children(kind)?;
        }
        if self.peek() != close {
            return Err(Code::Schema);
        }
        self.at += 1;
        self.depth -= 1;
        self.tokens[index].next = self.tokens.len() as u32;
        self.tokens[index].end = self.at as u32;
        if kind == Kind::Object { self.refuse_duplicates(index) } else { Ok(()) }
    }

    fn children(&mut self, kind: Kind) -> Result<(), Code> {
        loop {
            self.space();
            let key = self.tokens.len();
            if kind == Kind::Object {
                if self.peek() != b'"' {
                    return Err(Code::Schema);
                }
                self.text()?;
                self.space();
                if self.peek() != b':' {
                    return Err(Code::Schema);
                }
                self.at += 1;
                self.space();
            }
            self.value()?;
            self.tokens[key].next = self.tokens.len() as u32;
            self.space();
            if self.peek() != b',' {
                return Ok(());
            }
            self.at += 1;
        }
    }

    fn refuse_duplicates(&self, object: usize) -> Result<(), Code> {
        let end = self.tokens[object].next as usize;
        let keys = || {
            let mut at = object + 1;
            core::iter::from_fn(move || {
                let token = (at < end).then(|| self.tokens[at])?;
                at = token.next as usize;
                Some(token)
            })
        };
        let count = keys().count();
        let plain = count <= PAIRWISE_MEMBERS && keys().all(|token| token.kind == Kind::Text);
        let duplicate = if plain {
            let mut at = object + 1;
            keys().any(|key| {
                at = key.next as usize;
                let mut other = at;
                let mut equal = false;
                while other < end && !equal {
                    equal = self.raw(key) == self.raw(self.tokens[other]);
                    other = self.tokens[other].next as usize;
                }
                equal
            })
        } else {
            let mut names: Vec<Cow<'_, str>> = keys().map(|key| self.name(key)).collect();
            names.sort_unstable();
            names.windows(2).any(|pair| pair[0] == pair[1])
        };
        if duplicate { Err(Code::Schema) } else { Ok(()) }
    }

    fn raw(&self, token: Token) -> &[u8] {
        &self.bytes[token.start as usize..token.end as usize]
    }

    fn name(&self, token: Token) -> Cow<'_, str> {
        let raw = core::str::from_utf8(self.raw(token)).unwrap_or_default();
        if token.kind == Kind::Text { Cow::Borrowed(raw) } else { Cow::Owned(unescape(raw)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn code(text: &[u8]) -> Option<Code> {
        parse(text).err()
    }

    #[test]
    fn what_rfc_8259_allows() {
        for text in
            ["0", "-0", "1e400", "-1.5E-3", " [1 , 2 ]\n", "{}", "\"\\ud83d\\ude00\\u0041\"", "{\"a\":{\"a\":[]}}"]
        {
            assert_eq!(code(text.as_bytes()), None, "{text}");
        }
        let document = parse(b"{\"a\\n\":[true,null,\"x\\u00e9\\/\"]}").expect("valid");
        let (name, list) = document.root().members().expect("object").next().expect("one");
        assert_eq!(name, "a\n");
        let items: Vec<_> = list.items().expect("array").collect();
        assert_eq!((items[0].as_bool(), items[1].is_null()), (Some(true), true));
        assert_eq!(items[2].as_text().map(|text| text.to_string()), Some("xé/".to_string()));
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "01",
            "+1",
            ".5",
            "1.",
            "1e",
            "NaN",
            "nul",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "\"\t\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\u{feff}{}",
            "{} {}",
            "[1",
            "\"abc",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "[{\"x\":[{\"b\":1,\"b\":1}]}]",
        ] {
            assert_eq!(code(text.as_bytes()), Some(Code::Schema), "{text}");
        }
        assert_eq!(code(b"\"\xff\""), Some(Code::Schema));
        assert_eq!(code(b"{}\xff"), Some(Code::Schema));
        assert_eq!(code("[".repeat(32).as_bytes()), Some(Code::Schema));
        assert_eq!(code("[".repeat(33).as_bytes()), Some(Code::Depth));
        assert_eq!(code(&[&[b'['; 33][..], b"\xff"].concat()), Some(Code::Depth));
    }

    #[test]
    fn many_members_are_checked_as_well() {
        let many = |last: &str| {
            let members: Vec<String> = (0..9000).map(|i| alloc::format!("\"k{i}\":0")).collect();
            alloc::format!("{{{},\"{last}\":0}}", members.join(","))
        };
        assert_eq!(code(many("other").as_bytes()), None);
        assert_eq!(code(many("k17").as_bytes()), Some(Code::Schema));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
