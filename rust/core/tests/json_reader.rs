//! The JSON reader against a plain one that reads character by character: mutated events and small documents, the same
//! value or the same first error.
//!
//! `FARECHAIN_FUZZ` is how many documents (20,000 if not given), `FARECHAIN_FUZZ_SEED` where they start: a failure names
//! its seed.

use std::fs;
use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use farechain_core::error::Code;
use farechain_core::json::{self, MAX_DEPTH, Tokens, Value};

#[derive(Debug, PartialEq)]
enum Node {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

fn slow(bytes: &[u8]) -> Result<Node, Code> {
    let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let mut slow = Slow { rest: valid.chars().peekable(), depth: 0 };
    let node = slow.value()?;
    slow.space();
    if slow.rest.next().is_none() && valid.len() == bytes.len() { Ok(node) } else { Err(Code::Schema) }
}

struct Slow<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Slow<'_> {
    fn space(&mut self) {
        while self.rest.next_if(|c| " \n\r\t".contains(*c)).is_some() {}
    }

    fn take(&mut self, wanted: &str) -> Result<(), Code> {
        wanted.chars().try_for_each(|c| self.rest.next_if_eq(&c).map(|_| ()).ok_or(Code::Schema))
    }

    fn value(&mut self) -> Result<Node, Code> {
        self.space();
        match self.rest.peek() {
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('"') => self.text().map(Node::Text),
            Some('-' | '0'..='9') => self.number(),
            Some('t') => self.take("true").map(|()| Node::Bool(true)),
            Some('f') => self.take("false").map(|()| Node::Bool(false)),
            Some('n') => self.take("null").map(|()| Node::Null),
            _ => Err(Code::Schema),
        }
    }

    fn open(&mut self) -> Result<(), Code> {
        self.rest.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Code::Depth) } else { Ok(()) }
    }

    /// Whether another item follows, after a comma.
    fn more(&mut self, end: char) -> Result<bool, Code> {
        self.space();
        match self.rest.next() {
            Some(',') => Ok(true),
            Some(found) if found == end => {
                self.depth -= 1;
                Ok(false)
            }
            _ => Err(Code::Schema),
        }
    }

    fn is_empty(&mut self, end: char) -> bool {
        self.space();
        let empty = self.rest.next_if_eq(&end).is_some();
        self.depth -= usize::from(empty);
        empty
    }

    fn array(&mut self) -> Result<Node, Code> {
        self.open()?;
        let mut items = Vec::new();
        if !self.is_empty(']') {
            items.push(self.value()?);
            while self.more(']')? {
                items.push(self.value()?);
            }
        }
        Ok(Node::Array(items))
    }

    fn object(&mut self) -> Result<Node, Code> {
        self.open()?;
        let mut members: Vec<(String, Node)> = Vec::new();
        if !self.is_empty('}') {
            members.push(self.member()?);
            while self.more('}')? {
                members.push(self.member()?);
            }
        }
        for (i, (name, _)) in members.iter().enumerate() {
            if members[..i].iter().any(|(other, _)| other == name) {
                return Err(Code::Schema);
            }
        }
        Ok(Node::Object(members))
    }

    fn member(&mut self) -> Result<(String, Node), Code> {
        self.space();
        let name = self.text()?;
        self.space();
        self.take(":")?;
        Ok((name, self.value()?))
    }

    fn digits(&mut self, number: &mut String) -> Result<(), Code> {
        let before = number.len();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            number.push(digit);
        }
        if number.len() > before { Ok(()) } else { Err(Code::Schema) }
    }

    fn number(&mut self) -> Result<Node, Code> {
        let mut number = String::new();
        number.extend(self.rest.next_if_eq(&'-'));
        match self.rest.next_if_eq(&'0') {
            Some(zero) => number.push(zero),
            None => self.digits(&mut number)?,
        }
        if let Some(point) = self.rest.next_if_eq(&'.') {
            number.push(point);
            self.digits(&mut number)?;
        }
        if let Some(e) = self.rest.next_if(|c| "eE".contains(*c)) {
            number.push(e);
            number.extend(self.rest.next_if(|c| "+-".contains(*c)));
            self.digits(&mut number)?;
        }
        Ok(Node::Number(number))
    }

    fn text(&mut self) -> Result<String, Code> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) if c >= ' ' => text.push(c),
                _ => return Err(Code::Schema),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Code> {
        let simple = [('b', '\u{8}'), ('f', '\u{c}'), ('n', '\n'), ('r', '\r'), ('t', '\t')];
        match self.rest.next() {
            Some(same @ ('"' | '\\' | '/')) => Ok(same),
            Some('u') => {
                let first = self.unit()?;
                if let Some(character) = char::from_u32(first) {
                    return Ok(character);
                }
                self.take("\\u")?;
                let units = [first as u16, self.unit()? as u16];
                char::decode_utf16(units).next().and_then(Result::ok).ok_or(Code::Schema)
            }
            Some(c) => simple.iter().find(|(name, _)| *name == c).map(|(_, character)| *character).ok_or(Code::Schema),
            None => Err(Code::Schema),
        }
    }

    fn unit(&mut self) -> Result<u32, Code> {
        (0..4).try_fold(0, |sum, _| {
            let digit = self.rest.next().and_then(|c| c.to_digit(16)).ok_or(Code::Schema)?;
            Ok(sum << 4 | digit)
        })
    }
}

fn node(value: Value<'_>) -> Node {
    if let Some(members) = value.members() {
        return Node::Object(members.map(|(name, value)| (name.to_owned(), node(value))).collect());
    }
    if let Some(items) = value.items() {
        return Node::Array(items.map(node).collect());
    }
    if let Some(text) = value.as_text() {
        return Node::Text(text.to_owned());
    }
    if let Some(number) = value.as_number() {
        return Node::Number(number.to_owned());
    }
    value.as_bool().map_or(Node::Null, Node::Bool)
}

/// The next number of a linear congruential generator, below `below`.
fn random(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    ((*state >> 33) as usize) % below.max(1)
}

/// What hostile documents are made of.
const PIECES: [&[u8]; 36] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b" ",
    b"\n",
    b"\t",
    b"\x00",
    b"\x1f",
    b"\x7f",
    b"0",
    b"-",
    b"1e9",
    b".5",
    b"true",
    b"null",
    b"NaN",
    b"\\u0061",
    b"\\ud83d\\ude00",
    b"\\ud800",
    b"\\udc00",
    b"\\u00",
    b"\\n",
    b"\\\"",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xe5\x8f\xb7",
    b"\xc2\x85",
    b"99999999999999999999999",
    b"\"kind\":1,",
    b"\"\\u006bind\":\"PAID\",",
];

/// A document with up to four changes: pieces put in or over others, cuts, parts repeated, brackets nested.
fn mutated(seeds: &[Vec<u8>], state: &mut u64) -> Vec<u8> {
    let mut bytes = seeds[random(state, seeds.len())].clone();
    for _ in 0..=random(state, 4) {
        let at = random(state, bytes.len() + 1);
        let end = (at + random(state, 12)).min(bytes.len());
        let piece = PIECES[random(state, PIECES.len())];
        match random(state, 7) {
            0 => drop(bytes.splice(at..at, piece.iter().copied())),
            1 => drop(bytes.splice(at..end, piece.iter().copied())),
            2 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => drop(bytes.splice(at..at, [b"[", &b"{\"\":"[..]][random(state, 2)].repeat(random(state, 40)))),
            _ if at < bytes.len() => bytes[at] ^= 1 << random(state, 8),
            _ => {}
        }
    }
    bytes
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn seeds() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/events.json");
    let file = fs::read(path).expect("the vectors of events");
    let file: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").iter();
    cases.map(|case| case["value"].as_str().expect("a value").as_bytes().to_vec()).collect()
}

#[test]
fn mutated_events_are_read_alike() {
    let (seeds, first, mut tokens) = (seeds(), number("FARECHAIN_FUZZ_SEED", 0), Tokens::default());
    let mut read = [0; 3];
    for seed in first..first + number("FARECHAIN_FUZZ", 20_000) {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bytes = mutated(&seeds, &mut state);
        let found = json::parse(&bytes, &mut tokens).map(|document| node(document.root()));
        read[match found {
            Ok(_) => 0,
            Err(Code::Depth) => 1,
            Err(_) => 2,
        }] += 1;
        assert_eq!(found, slow(&bytes), "seed {seed}: {}", String::from_utf8_lossy(&bytes));
    }
    assert!(read.iter().all(|count| *count > 0), "accepted, too deep, refused: {read:?}");
}

#[test]
fn every_cut_of_an_event_is_read_alike() {
    let mut tokens = Tokens::default();
    for bytes in seeds().iter().take(40) {
        for end in 0..bytes.len() {
            let found = json::parse(&bytes[..end], &mut tokens).map(|document| node(document.root()));
            assert_eq!(found, slow(&bytes[..end]), "{}", String::from_utf8_lossy(&bytes[..end]));
        }
    }
}

#[test]
fn large_documents_are_read_alike() {
    let keys = |from: usize| (from..from + 5000).map(|i| format!("\"k{i}\":0")).collect::<Vec<_>>().join(",");
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let mut tokens = Tokens::default();
    for text in [
        format!("[{}]", vec!["0"; 32_000].join(",")),
        format!("[{}]", vec!["[]"; 21_000].join(",")),
        format!("{{{}}}", keys(0)),
        format!("{{{},\"\\u006b17\":1}}", keys(0)),
        format!("[{{\"a\":1,\"a\":2}},{}]", nested(40)),
        format!("\"{}\"", "a".repeat(65_534)),
        format!("\"{}\"", "\\u00e9".repeat(10_000)),
        "9".repeat(65_536),
        nested(32),
        nested(33),
        format!("[{},{}]", nested(31), nested(32)),
        " ".repeat(65_536),
        "{\"\":".repeat(20_000),
        "[".repeat(32),
    ] {
        let found = json::parse(text.as_bytes(), &mut tokens).map(|document| node(document.root()));
        assert!(found == slow(text.as_bytes()), "{}", &text[..60.min(text.len())]);
    }
}
