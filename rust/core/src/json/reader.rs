//! The pass that makes the tokens: grammar, depth and duplicate keys, errors in the order of the bytes. It is one loop, so
//! that no depth needs the stack.
//!
//! Texts are scanned in words of eight bytes. Keys leave a mark in 64 bits; only an object where two marks meet has its
//! keys compared.

use alloc::vec::Vec;

use super::{Kind, Token, Tokens, escape};
use crate::error::Code;

/// Objects with more members than this are compared by sorting.
const PAIRWISE_MEMBERS: usize = 24;
/// Spreads the keys of a payment, and of its envelope, over 64 marks each without two that meet (the tests say so).
const MARK: u64 = 0x91B7_584A_2265_B1F5;
/// The marks of an object whose keys must be compared.
const ALL_MARKS: u64 = u64::MAX;

/// An array or object that is open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Open {
    /// Its token.
    token: u32,
    /// The token of the key whose value comes next; an array's own token.
    key: u32,
    /// The marks of its keys; an array has none.
    marks: u64,
    /// What ends it.
    closing: u8,
}

/// Reads a whole document into `tokens`.
pub(super) fn read(bytes: &[u8], tokens: &mut Tokens) -> Result<(), Code> {
    let Tokens { list, unescaped, open: outer } = tokens;
    list.clear();
    unescaped.clear();
    let mut reader = Reader { bytes, list, unescaped };
    let (mut depth, mut open) = (0, Open::default());
    let mut at = space(bytes, 0);
    loop {
        // A value begins here.
        if let bracket @ (b'{' | b'[') = peek(bytes, at) {
            *outer.get_mut(depth).ok_or(Code::Depth)? = open;
            depth += 1;
            open = reader.open(bracket, at);
            at = space(bytes, at + 1);
            if peek(bytes, at) != open.closing {
                at = reader.key(&mut open, at)?;
                continue;
            }
        } else {
            at = space(bytes, reader.scalar(at)?);
        }
        // A value has ended, or an empty array or object is about to.
        loop {
            if depth == 0 {
                return if at == bytes.len() { Ok(()) } else { Err(Code::Schema) };
            }
            reader.end_value(open);
            let next = peek(bytes, at);
            if next == b',' {
                at = reader.key(&mut open, space(bytes, at + 1))?;
                break;
            }
            if next != open.closing {
                return Err(Code::Schema);
            }
            at += 1;
            reader.close(open, at)?;
            depth -= 1;
            (open, at) = (outer[depth], space(bytes, at));
        }
    }
}

struct Reader<'a, 't> {
    bytes: &'a [u8],
    list: &'t mut Vec<Token>,
    unescaped: &'t mut Vec<u8>,
}

impl Reader<'_, '_> {
    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.list.len() as u32 + 1;
        self.list.push(Token { kind, start: start as u32, end: end as u32, next });
    }

    fn open(&mut self, bracket: u8, at: usize) -> Open {
        let token = self.list.len() as u32;
        let (kind, closing) = if bracket == b'{' { (Kind::Object, b'}') } else { (Kind::Array, b']') };
        self.push(kind, at, at);
        Open { token, key: token, marks: 0, closing }
    }

    /// Ends an array or object before `end`.
    fn close(&mut self, open: Open, end: usize) -> Result<(), Code> {
        let next = self.list.len() as u32;
        let token = &mut self.list[open.token as usize];
        (token.next, token.end) = (next, end as u32);
        if open.marks == ALL_MARKS { self.refuse_duplicates(open.token as usize) } else { Ok(()) }
    }

    /// Takes a key with its colon; in an array there is none to take. Returns where the value begins.
    #[inline]
    fn key(&mut self, open: &mut Open, at: usize) -> Result<usize, Code> {
        if open.closing == b']' {
            return Ok(at);
        }
        if peek(self.bytes, at) != b'"' {
            return Err(Code::Schema);
        }
        open.key = self.list.len() as u32;
        let end = self.text(at + 1)?;
        let Token { kind, start, end: key_end, .. } = self.list[open.key as usize];
        let mark = mark(self.base(kind), start as usize, (key_end - start) as usize);
        open.marks = if open.marks & mark == 0 { open.marks | mark } else { ALL_MARKS };
        let colon = space(self.bytes, end);
        if peek(self.bytes, colon) != b':' {
            return Err(Code::Schema);
        }
        Ok(space(self.bytes, colon + 1))
    }

    /// The token of a value's key points behind the value.
    fn end_value(&mut self, open: Open) {
        self.list[open.key as usize].next = self.list.len() as u32;
    }

    /// Takes a value that holds no other; returns what is behind it.
    #[inline]
    fn scalar(&mut self, at: usize) -> Result<usize, Code> {
        let (kind, end) = match peek(self.bytes, at) {
            b'"' => return self.text(at + 1),
            b'-' | b'0'..=b'9' => (Kind::Number, number(self.bytes, at)?),
            b't' => (Kind::True, literal(self.bytes, at, b"true")?),
            b'f' => (Kind::False, literal(self.bytes, at, b"false")?),
            b'n' => (Kind::Null, literal(self.bytes, at, b"null")?),
            _ => return Err(Code::Schema),
        };
        self.push(kind, at, end);
        Ok(end)
    }

    /// Takes the text that begins at `start`, behind its quote; returns what is behind its other quote.
    #[inline]
    fn text(&mut self, start: usize) -> Result<usize, Code> {
        let (end, bits) = plain(self.bytes, start);
        if peek(self.bytes, end) != b'"' || bits & each(0x80) != 0 {
            return self.other_text(start, end);
        }
        self.push(Kind::Text, start, end);
        Ok(end + 1)
    }

    /// A text with characters outside ASCII or with escapes, the first of them at `stop`.
    #[inline(never)]
    fn other_text(&mut self, start: usize, stop: usize) -> Result<usize, Code> {
        let (mut at, mut from, first) = (stop, start, self.unescaped.len());
        while peek(self.bytes, at) == b'\\' {
            self.unescaped.extend_from_slice(&self.bytes[from..at]);
            from = at + 1 + escape::unescape(&self.bytes[at + 1..], self.unescaped)?;
            at = plain(self.bytes, from).0;
        }
        if peek(self.bytes, at) != b'"' || core::str::from_utf8(&self.bytes[start..at]).is_err() {
            return Err(Code::Schema);
        }
        if from == start {
            self.push(Kind::Text, start, at);
        } else {
            self.unescaped.extend_from_slice(&self.bytes[from..at]);
            self.push(Kind::EscapedText, first, self.unescaped.len());
        }
        Ok(at + 1)
    }

    /// What the places of a text are in.
    fn base(&self, kind: Kind) -> &[u8] {
        if kind == Kind::Text { self.bytes } else { self.unescaped }
    }

    fn raw(&self, text: &Token) -> &[u8] {
        &self.base(text.kind)[text.start as usize..text.end as usize]
    }

    #[cold]
    fn refuse_duplicates(&self, object: usize) -> Result<(), Code> {
        let end = self.list[object].next as usize;
        let keys_from = |mut at: usize| {
            core::iter::from_fn(move || {
                let token = (at < end).then(|| &self.list[at])?;
                at = token.next as usize;
                Some(token)
            })
        };
        let keys = || keys_from(object + 1);
        let duplicate = if keys().take(PAIRWISE_MEMBERS + 1).count() <= PAIRWISE_MEMBERS {
            keys().any(|key| keys_from(key.next as usize).any(|other| self.raw(key) == self.raw(other)))
        } else {
            let mut names: Vec<&[u8]> = keys().map(|key| self.raw(key)).collect();
            names.sort_unstable();
            names.windows(2).any(|pair| pair[0] == pair[1])
        };
        if duplicate { Err(Code::Schema) } else { Ok(()) }
    }
}

/// The byte at `at`; behind the end a zero, which is no part of JSON.
fn peek(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(peek(bytes, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}

fn literal(bytes: &[u8], at: usize, literal: &[u8]) -> Result<usize, Code> {
    if bytes[at..].starts_with(literal) { Ok(at + literal.len()) } else { Err(Code::Schema) }
}

fn number(bytes: &[u8], start: usize) -> Result<usize, Code> {
    let mut at = start + usize::from(peek(bytes, start) == b'-');
    at = if peek(bytes, at) == b'0' { at + 1 } else { digits(bytes, at)? };
    if peek(bytes, at) == b'.' {
        at = digits(bytes, at + 1)?;
    }
    if matches!(peek(bytes, at), b'e' | b'E') {
        at += 1;
        at = digits(bytes, at + usize::from(matches!(peek(bytes, at), b'+' | b'-')))?;
    }
    Ok(at)
}

/// Behind the digits at `start`, at least one.
fn digits(bytes: &[u8], start: usize) -> Result<usize, Code> {
    let mut at = start;
    while peek(bytes, at).is_ascii_digit() {
        at += 1;
    }
    if at == start { Err(Code::Schema) } else { Ok(at) }
}

/// From `at` to the first quote, backslash, control character or the end; and bits of which a high one is set if there is
/// a byte outside ASCII before it.
#[inline]
fn plain(bytes: &[u8], mut at: usize) -> (usize, u64) {
    let mut bits = 0;
    loop {
        let word = word(bytes, at);
        let stops = stops(word);
        if stops != 0 {
            return (at + stops.trailing_zeros() as usize / 8, bits | word & (stops - 1));
        }
        bits |= word;
        at += 8;
    }
}

/// A byte in each of a word's eight.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The eight bytes from `at`, the first one lowest; zeros behind the end.
#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => last_word(rest),
    }
}

#[cold]
fn last_word(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The high bit of the first byte that ends a run of plain text is set, none below it is: a quote, a backslash, a control
/// character or the end. (A borrow reaches only bytes above one that is found.)
fn stops(word: u64) -> u64 {
    let zero_in = |word: u64| word.wrapping_sub(each(1)) & !word;
    let below_space = word.wrapping_sub(each(b' ')) & !word;
    (zero_in(word ^ each(b'"')) | zero_in(word ^ each(b'\\')) | below_space) & each(0x80)
}

/// One bit of 64, by the length and the first eight bytes of a key that begins at `start`.
#[inline]
pub(super) fn mark(bytes: &[u8], start: usize, length: usize) -> u64 {
    let head = word(bytes, start);
    let head = if length < 8 { head & ((1 << (8 * length)) - 1) } else { head };
    1 << ((head ^ length as u64).wrapping_mul(MARK) >> 58)
}
