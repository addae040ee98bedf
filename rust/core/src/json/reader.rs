//! The pass that makes the tokens: grammar, depth and duplicate keys, errors in the order of the bytes.
//!
//! Texts are scanned eight bytes at a time in a word. Keys leave a mark in 64 bits; only an object where two marks meet,
//! or where a key is escaped, has its keys compared.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Kind, MAX_DEPTH, Token, escape};
use crate::error::Code;

/// Objects with more members than this are compared by sorting.
const PAIRWISE_MEMBERS: usize = 24;
/// Spreads the keys of a payment and of its envelope over 64 marks, each of them over another (`tests` says so).
const MARK: u64 = 0x91B7_584A_2265_B1F5;

/// Reads a whole document into `tokens`.
pub(super) fn read(bytes: &[u8], tokens: &mut Vec<Token>) -> Result<(), Code> {
    tokens.clear();
    let mut reader = Reader { bytes, at: 0, depth: 0, tokens };
    reader.space();
    reader.value()?;
    reader.space();
    if reader.at == bytes.len() { Ok(()) } else { Err(Code::Schema) }
}

/// A byte in each of a word's eight.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The eight bytes from `at`, the first one lowest; zeros behind the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    if let Some(eight) = rest.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The high bit of the first byte that ends a run of plain text is set, none below it is: a quote, a backslash, a control
/// character or the end. (A borrow reaches only bytes above one that is found.)
fn stops(word: u64) -> u64 {
    let zero_in = |word: u64| word.wrapping_sub(each(1)) & !word;
    let below_space = word.wrapping_sub(each(b' ')) & !word;
    (zero_in(word ^ each(b'"')) | zero_in(word ^ each(b'\\')) | below_space) & each(0x80)
}

/// One bit of 64, by the length and the first eight bytes of the key that begins at `start`.
pub(super) fn mark(bytes: &[u8], start: usize, length: usize) -> u64 {
    let head = word(bytes, start);
    let head = if length < 8 { head & ((1 << (8 * length)) - 1) } else { head };
    1 << ((head ^ length as u64).wrapping_mul(MARK) >> 58)
}

struct Reader<'a, 't> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    tokens: &'t mut Vec<Token>,
}

impl Reader<'_, '_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Takes a byte that must come next.
    fn expect(&mut self, byte: u8) -> Result<(), Code> {
        if self.peek() != byte {
            return Err(Code::Schema);
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Result<(), Code> {
        match self.peek() {
            b'"' => self.text(),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => self.object(),
            b'[' => self.array(),
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

    fn literal(&mut self, literal: &[u8], kind: Kind) -> Result<(), Code> {
        if !self.bytes[self.at..].starts_with(literal) {
            return Err(Code::Schema);
        }
        self.at += literal.len();
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
        let start = self.at + 1;
        let (mut at, mut kind, mut bits) = (start, Kind::Text, 0);
        loop {
            let word = word(self.bytes, at);
            let stops = stops(word);
            if stops == 0 {
                bits |= word;
                at += 8;
                continue;
            }
            bits |= word & (stops - 1);
            at += stops.trailing_zeros() as usize / 8;
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 1 + escape::length(&self.bytes[at + 1..])?,
                _ => return Err(Code::Schema),
            }
            kind = Kind::EscapedText;
        }
        if bits & each(0x80) != 0 && core::str::from_utf8(&self.bytes[start..at]).is_err() {
            return Err(Code::Schema);
        }
        self.push(kind, start, at);
        self.at = at + 1;
        Ok(())
    }

    fn open(&mut self, kind: Kind) -> Result<usize, Code> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Code::Depth);
        }
        self.push(kind, self.at, self.at);
        self.at += 1;
        self.space();
        Ok(self.tokens.len() - 1)
    }

    /// Takes the bracket that ends what `open` began.
    fn close(&mut self, index: usize) {
        self.at += 1;
        self.depth -= 1;
        let next = self.tokens.len() as u32;
        let token = &mut self.tokens[index];
        (token.next, token.end) = (next, self.at as u32);
    }

    fn array(&mut self) -> Result<(), Code> {
        let index = self.open(Kind::Array)?;
        if self.peek() != b']' {
            self.value()?;
            self.space();
            while self.peek() == b',' {
                self.at += 1;
                self.space();
                self.value()?;
                self.space();
            }
        }
        if self.peek() != b']' {
            return Err(Code::Schema);
        }
        self.close(index);
        Ok(())
    }

    fn object(&mut self) -> Result<(), Code> {
        let index = self.open(Kind::Object)?;
        let (mut marks, mut compare) = (0, false);
        if self.peek() != b'}' {
            self.member(&mut marks, &mut compare)?;
            while self.peek() == b',' {
                self.at += 1;
                self.space();
                self.member(&mut marks, &mut compare)?;
            }
        }
        if self.peek() != b'}' {
            return Err(Code::Schema);
        }
        self.close(index);
        if compare { self.refuse_duplicates(index) } else { Ok(()) }
    }

    fn member(&mut self, marks: &mut u64, compare: &mut bool) -> Result<(), Code> {
        let key = self.tokens.len();
        if self.peek() != b'"' {
            return Err(Code::Schema);
        }
        self.text()?;
        let Token { kind, start, end, .. } = self.tokens[key];
        let mark = mark(self.bytes, start as usize, (end - start) as usize);
        *compare |= *marks & mark != 0 || kind == Kind::EscapedText;
        *marks |= mark;
        self.space();
        self.expect(b':')?;
        self.space();
        self.value()?;
        self.tokens[key].next = self.tokens.len() as u32;
        self.space();
        Ok(())
    }

    fn refuse_duplicates(&self, object: usize) -> Result<(), Code> {
        let end = self.tokens[object].next as usize;
        let keys_from = |mut at: usize| {
            core::iter::from_fn(move || {
                let token = (at < end).then(|| self.tokens[at])?;
                at = token.next as usize;
                Some(token)
            })
        };
        let keys = || keys_from(object + 1);
        let plain = keys().take(PAIRWISE_MEMBERS + 1).count() <= PAIRWISE_MEMBERS
            && keys().all(|token| token.kind == Kind::Text);
        let duplicate = if plain {
            keys().any(|key| keys_from(key.next as usize).any(|other| self.raw(key) == self.raw(other)))
        } else {
            let mut names: Vec<Cow<'_, [u8]>> = keys().map(|key| self.name(key)).collect();
            names.sort_unstable();
            names.windows(2).any(|pair| pair[0] == pair[1])
        };
        if duplicate { Err(Code::Schema) } else { Ok(()) }
    }

    fn raw(&self, token: Token) -> &[u8] {
        &self.bytes[token.start as usize..token.end as usize]
    }

    fn name(&self, token: Token) -> Cow<'_, [u8]> {
        let raw = self.raw(token);
        if token.kind == Kind::Text { Cow::Borrowed(raw) } else { Cow::Owned(escape::unescape(raw)) }
    }
}
