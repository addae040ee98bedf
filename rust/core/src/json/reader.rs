//! The pass that makes the tokens: grammar, depth and duplicate keys, errors in the order of the bytes. It is one loop, so
//! that no depth needs the stack.
//!
//! Keys leave a mark in 64 bits; only an object where two marks meet has its keys compared.

#![allow(
    clippy::inline_always,
    reason = "called rather than inlined, the steps keep the place and the count in memory"
)]

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
    /// The marks of its keys; an array has none.
    marks: u64,
    /// Its token.
    token: u32,
    /// What ends it.
    closing: u8,
}

/// Reads a whole document into `tokens`.
pub(super) fn read(bytes: &[u8], tokens: &mut Tokens) -> Result<(), Code> {
    let Tokens { list, unescaped, open: outer } = tokens;
    unescaped.clear();
    // Two bytes a token at least, but for the brackets that open and are never closed.
    let most = bytes.len() / 2 + outer.len() + 1;
    if list.len() < most {
        list.resize(most, Token::default());
    }
    let mut reader = Reader { bytes, list, count: 0, unescaped };
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
            let next = peek(bytes, at);
            at = space(bytes, at + 1);
            if next == b',' {
                at = reader.key(&mut open, at)?;
                break;
            }
            if next != open.closing {
                return Err(Code::Schema);
            }
            reader.close(open)?;
            depth -= 1;
            open = outer[depth];
        }
    }
}

struct Reader<'a, 't> {
    bytes: &'a [u8],
    list: &'t mut [Token],
    count: usize,
    unescaped: &'t mut Vec<u8>,
}

impl Reader<'_, '_> {
    #[inline(always)]
    fn push(&mut self, token: Token) {
        self.list[self.count] = token;
        self.count += 1;
    }

    #[inline(always)]
    fn open(&mut self, bracket: u8, at: usize) -> Open {
        let (kind, closing) = if bracket == b'{' { (Kind::Object, b'}') } else { (Kind::Array, b']') };
        let token = self.count as u32;
        self.push(Token { kind, start: at as u32, end: 0 });
        Open { marks: 0, token, closing }
    }

    #[inline(always)]
    fn close(&mut self, open: Open) -> Result<(), Code> {
        self.list[open.token as usize].end = self.count as u32;
        if open.marks != ALL_MARKS {
            return Ok(());
        }
        refuse_duplicates(self.bytes, self.unescaped, &self.list[open.token as usize..self.count])
    }

    /// Takes a key with its colon; in an array there is none to take. Returns where the value begins.
    #[inline(always)]
    fn key(&mut self, open: &mut Open, at: usize) -> Result<usize, Code> {
        if open.closing == b']' {
            return Ok(at);
        }
        if peek(self.bytes, at) != b'"' {
            return Err(Code::Schema);
        }
        let (end, mark) = self.text(at + 1)?;
        open.marks = if open.marks & mark == 0 { open.marks | mark } else { ALL_MARKS };
        let colon = space(self.bytes, end);
        if peek(self.bytes, colon) != b':' {
            return Err(Code::Schema);
        }
        Ok(space(self.bytes, colon + 1))
    }

    /// Takes a value that holds no other; returns what is behind it.
    #[inline(always)]
    fn scalar(&mut self, at: usize) -> Result<usize, Code> {
        let (kind, end) = match peek(self.bytes, at) {
            b'"' => return Ok(self.text(at + 1)?.0),
            b'-' | b'0'..=b'9' => (Kind::Number, number(self.bytes, at)?),
            b't' => (Kind::True, literal(self.bytes, at, b"true")?),
            b'f' => (Kind::False, literal(self.bytes, at, b"false")?),
            b'n' => (Kind::Null, literal(self.bytes, at, b"null")?),
            _ => return Err(Code::Schema),
        };
        self.push(Token { kind, start: at as u32, end: end as u32 });
        Ok(end)
    }

    /// Takes the text that begins at `start`, behind its quote; returns what is behind its other quote, and the mark that
    /// it leaves as a key.
    #[inline(always)]
    fn text(&mut self, start: usize) -> Result<(usize, u64), Code> {
        let end = plain(self.bytes, start);
        if peek(self.bytes, end) != b'"' {
            let (text, next) = other_text(self.bytes, start, end, self.unescaped)?;
            self.push(text);
            let base = base(self.bytes, self.unescaped, text.kind);
            return Ok((next, mark(base, text.start as usize, text.end as usize)));
        }
        self.push(Token { kind: Kind::Text, start: start as u32, end: end as u32 });
        Ok((end + 1, mark(self.bytes, start, end)))
    }
}

/// A text with characters outside ASCII or with escapes, the first of them at `stop`.
#[inline(never)]
fn other_text(bytes: &[u8], start: usize, stop: usize, unescaped: &mut Vec<u8>) -> Result<(Token, usize), Code> {
    let (mut at, mut from, first) = (stop, start, unescaped.len());
    loop {
        match peek(bytes, at) {
            b'"' => break,
            b'\\' => {
                unescaped.extend_from_slice(&bytes[from..at]);
                from = at + 1 + escape::unescape(&bytes[at + 1..], unescaped)?;
                at = from;
            }
            0x80.. => at += 1,
            0..b' ' => return Err(Code::Schema),
            _ => at = plain(bytes, at),
        }
    }
    if core::str::from_utf8(&bytes[start..at]).is_err() {
        return Err(Code::Schema);
    }
    let token = if from == start {
        Token { kind: Kind::Text, start: start as u32, end: at as u32 }
    } else {
        unescaped.extend_from_slice(&bytes[from..at]);
        Token { kind: Kind::EscapedText, start: first as u32, end: unescaped.len() as u32 }
    };
    Ok((token, at + 1))
}

/// What the places of a text are in.
#[inline(always)]
fn base<'b>(bytes: &'b [u8], unescaped: &'b [u8], kind: Kind) -> &'b [u8] {
    if kind == Kind::Text { bytes } else { unescaped }
}

/// Compares the keys of an object, whose tokens these are, its own first.
#[cold]
fn refuse_duplicates(bytes: &[u8], unescaped: &[u8], tokens: &[Token]) -> Result<(), Code> {
    let object = tokens[0].end as usize - tokens.len();
    let keys_from = |mut at: usize| {
        core::iter::from_fn(move || {
            let key = tokens.get(at)?;
            at = tokens[at + 1].behind(object + at + 1) - object;
            Some((&base(bytes, unescaped, key.kind)[key.start as usize..key.end as usize], at))
        })
    };
    let keys = || keys_from(1);
    let duplicate = if keys().take(PAIRWISE_MEMBERS + 1).count() <= PAIRWISE_MEMBERS {
        keys().any(|(key, next)| keys_from(next).any(|(other, _)| key == other))
    } else {
        let mut names: Vec<&[u8]> = keys().map(|(key, _)| key).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    };
    if duplicate { Err(Code::Schema) } else { Ok(()) }
}

/// The byte at `at`; behind the end a zero, which is no part of JSON.
#[inline(always)]
fn peek(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

#[inline(always)]
fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(peek(bytes, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}

fn literal(bytes: &[u8], at: usize, literal: &[u8]) -> Result<usize, Code> {
    if bytes[at..].starts_with(literal) { Ok(at + literal.len()) } else { Err(Code::Schema) }
}

#[inline(always)]
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
#[inline(always)]
fn digits(bytes: &[u8], start: usize) -> Result<usize, Code> {
    let mut at = start;
    while peek(bytes, at).is_ascii_digit() {
        at += 1;
    }
    if at == start { Err(Code::Schema) } else { Ok(at) }
}

/// From `start` to the first quote, backslash, control character or byte outside ASCII, or the end. A call of its own: where
/// everything is inlined there are not registers enough for this loop.
#[inline(never)]
pub(super) fn plain(bytes: &[u8], start: usize) -> usize {
    let (words, rest) = bytes.get(start..).unwrap_or_default().as_chunks();
    let mut at = start;
    for word in words {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + rest.iter().position(|byte| stops(u64::from(*byte) | each(b'a') << 8) != 0).unwrap_or(rest.len())
}

/// A byte in each of a word's eight.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of the first byte that is not plain is set, none below it is. (A borrow reaches only bytes above one that is
/// found.)
#[inline(always)]
fn stops(word: u64) -> u64 {
    let control = word.wrapping_sub(each(b' '));
    let quote = (word ^ each(b'"')).wrapping_sub(each(1));
    let backslash = (word ^ each(b'\\')).wrapping_sub(each(1));
    (control | quote | backslash | word) & each(0x80)
}

/// The eight bytes from `at`, the first one lowest; zeros behind the end.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => last_word(bytes, at),
    }
}

#[cold]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    bytes.iter().skip(at).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// One bit of 64, by the length and the first eight bytes of a key.
#[inline(always)]
pub(super) fn mark(bytes: &[u8], start: usize, end: usize) -> u64 {
    let (head, length) = (word(bytes, start), end - start);
    let head = if length < 8 { head & ((1 << (8 * length)) - 1) } else { head };
    1 << ((head ^ length as u64).wrapping_mul(MARK) >> 58)
}
