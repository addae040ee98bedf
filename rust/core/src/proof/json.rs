//! The JSON form (docs/format.md, section 7): these members in this order, no white space, canonical base64, texts as
//! `JSON.stringify` writes them. Any other spelling of the same proof is refused.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::compact::MAX_PATH;
use super::{MAX_PROOF_BYTES, Mismatch, Proof};
use crate::json::{self, Tokens, Value};
use crate::note::MAX_SIGNATURES;

const FORMAT: &str = "farechain-proof/1";

impl Proof {
    /// The JSON form.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(3072);
        out.push_str("{\"format\":");
        text(&mut out, FORMAT);
        out.push_str(",\"record\":");
        base64(&mut out, &self.record);
        number(&mut out, ",\"index\":", self.index.into());
        out.push_str(",\"path\":");
        list(&mut out, &self.path, |out, hash| base64(out, hash));
        out.push_str(",\"header\":");
        base64(&mut out, &self.header);
        number(&mut out, ",\"tlog_size\":", self.tlog_size);
        out.push_str(",\"tlog_path\":");
        list(&mut out, &self.tlog_path, |out, hash| base64(out, hash));
        out.push_str(",\"checkpoint\":");
        text(&mut out, &self.checkpoint);
        out.push_str(",\"witnesses\":");
        list(&mut out, &self.witnesses, |out, witness| text(out, witness));
        out.push('}');
        out
    }

    /// Reads the JSON form; only what [`Proof::to_json`] writes is accepted. The count is the header's.
    ///
    /// # Errors
    /// [`Mismatch::Form`]; [`Mismatch::Header`] where the header has no count.
    pub fn from_json(bytes: &[u8]) -> Result<Proof, Mismatch> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(Mismatch::Form("larger than 2,000,000 bytes"));
        }
        let mut tokens = Tokens::default();
        let document = json::parse(bytes, &mut tokens).map_err(|_| Mismatch::Form("not JSON, or a member twice"))?;
        let proof = read(document.root())?;
        if proof.to_json().as_bytes() != bytes {
            return Err(Mismatch::Form("not written in the one way that a proof is written"));
        }
        Ok(proof)
    }
}

/// A proof that is an object of a document; whether it is written in the one way is for whoever has its bytes to say.
pub(crate) fn read(root: Value<'_>) -> Result<Proof, Mismatch> {
    let mut members = root.members().ok_or(Mismatch::Form("not an object"))?;
    let mut next = |name: &str| members.next().filter(|(found, _)| *found == name).map(|(_, value)| value);
    let wrong = Mismatch::Form;
    let format = next("format").and_then(|value| value.as_text());
    if format != Some(FORMAT) {
        return Err(wrong("its format is not farechain-proof/1"));
    }
    let record = next("record").and_then(read_base64).ok_or(wrong("record"))?;
    let index = next("index").and_then(read_number).ok_or(wrong("index"))?;
    let path = next("path").and_then(read_path).ok_or(wrong("path"))?;
    let header = next("header").and_then(read_base64).ok_or(wrong("header"))?;
    let tlog_size = next("tlog_size").and_then(read_number).ok_or(wrong("tlog_size"))?;
    let tlog_path = next("tlog_path").and_then(read_path).ok_or(wrong("tlog_path"))?;
    let checkpoint = next("checkpoint").and_then(|value| value.as_text()).ok_or(wrong("checkpoint"))?.into();
    let witnesses = next("witnesses").and_then(read_witnesses).ok_or(wrong("witnesses"))?;
    if members.next().is_some() {
        return Err(wrong("a member too many"));
    }
    let count = crate::block::Header::decode(&header).map_err(|_| Mismatch::Header)?.record_count;
    Ok(Proof { record, index, count, path, header, tlog_size, tlog_path, checkpoint, witnesses })
}

pub(crate) fn read_base64(value: Value<'_>) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(value.as_text()?.as_bytes()).ok()
}

fn read_number<T: core::str::FromStr>(value: Value<'_>) -> Option<T> {
    value.as_number()?.parse().ok()
}

fn read_path(value: Value<'_>) -> Option<Vec<[u8; 32]>> {
    let mut path = Vec::new();
    for item in value.items()? {
        if path.len() == MAX_PATH {
            return None;
        }
        path.push(read_base64(item)?.try_into().ok()?);
    }
    Some(path)
}

fn read_witnesses(value: Value<'_>) -> Option<Vec<String>> {
    let mut witnesses = Vec::new();
    for item in value.items()? {
        if witnesses.len() == MAX_SIGNATURES {
            return None;
        }
        witnesses.push(item.as_text()?.into());
    }
    Some(witnesses)
}

pub(crate) fn base64(out: &mut String, bytes: &[u8]) {
    out.push('"');
    BASE64_STANDARD.encode_string(bytes, out);
    out.push('"');
}

fn number(out: &mut String, name: &str, value: u64) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{name}{value}");
}

fn list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // No note has other control characters; written so, the form stays JSON for a proof that has.
            '\0'..' ' => _ = write!(out, "\\u{:04x}", u32::from(character)),
            _ => out.push(character),
        }
    }
    out.push('"');
}
