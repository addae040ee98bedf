//! The compact and the JSON form (`docs/format.md`, section 10). Any other spelling of the same proof is refused.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::{PartProof, StateProof, Step, Subject};
use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::InvoiceId;
use crate::json::{self, Tokens, Value};
use crate::proof::json::{base64, read as read_proof, read_base64};
use crate::proof::{MAX_PROOF_BYTES, Mismatch, Proof};
use crate::text::{self, Text};

const VERSION: u64 = 1;
/// A payment's and its invoice's.
const MAX_STEPS: usize = 2;
const FORMAT: &str = "farechain-state-proof/1";
const HEAD: &str = "{\"format\":\"farechain-state-proof/1\",";
const COMPACT_HEAD: u8 = 0x84;

impl StateProof {
    /// Whether some bytes begin as a proof of this kind does, in either form, and not as one of a record.
    pub fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(HEAD.as_bytes()) || bytes.first() == Some(&COMPACT_HEAD)
    }

    /// Reads a proof in either form: JSON begins with a brace, the compact form does not.
    ///
    /// # Errors
    /// [`Mismatch::Form`]; [`Mismatch::Header`] as [`Proof::parse`].
    pub fn parse(bytes: &[u8]) -> Result<StateProof, Mismatch> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(Mismatch::Form("larger than 2,000,000 bytes"));
        }
        if bytes.first() == Some(&b'{') { from_json(bytes) } else { from_compact(bytes) }
    }

    /// The compact form: CBOR `[1, subject, commitment, [[state, record or null, part or null]...]]`.
    pub fn to_compact(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4096);
        let mut e = Encoder::new(&mut out);
        e.array(4).uint(VERSION);
        match &self.subject {
            Subject::Payment(identity) => _ = e.bytes(identity),
            Subject::Invoice(id) => _ = e.array(2).text(id.code.as_str()).uint(id.number.into()),
        }
        e.bytes(&self.commitment.to_compact()).array(self.steps.len());
        for step in &self.steps {
            let part = step.part.as_ref().map(PartProof::to_bytes);
            e.array(3).bytes(&step.state).optional_bytes(step.record.as_deref()).optional_bytes(part.as_deref());
        }
        out
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(6144);
        out.push_str(HEAD);
        // Writing to a String cannot fail.
        match &self.subject {
            Subject::Payment(identity) => {
                out.push_str("\"payment\":\"");
                identity.iter().for_each(|byte| _ = write!(out, "{byte:02x}"));
            }
            Subject::Invoice(id) => _ = write!(out, "\"invoice\":\"{}-{:08}", id.code.as_str(), id.number),
        }
        out.push_str("\",\"commitment\":");
        out.push_str(&self.commitment.to_json());
        out.push_str(",\"steps\":[");
        for (place, step) in self.steps.iter().enumerate() {
            out.push_str(if place == 0 { "{\"state\":" } else { ",{\"state\":" });
            base64(&mut out, &step.state);
            for (name, value) in
                [(",\"record\":", step.record.clone()), (",\"part\":", step.part.as_ref().map(PartProof::to_bytes))]
            {
                out.push_str(name);
                match value {
                    Some(value) => base64(&mut out, &value),
                    None => out.push_str("null"),
                }
            }
            out.push('}');
        }
        out.push_str("]}");
        out
    }
}

fn from_compact(bytes: &[u8]) -> Result<StateProof, Mismatch> {
    let (subject, commitment, steps) = decode(bytes).map_err(|Malformed| Mismatch::Form("not the compact form"))?;
    Ok(StateProof { subject, commitment: Proof::from_compact(commitment)?, steps })
}

fn decode(bytes: &[u8]) -> Result<(Subject, &[u8], Vec<Step>), Malformed> {
    let mut d = Decoder::new(bytes);
    d.array_of(4)?;
    if d.uint()? != VERSION {
        return Err(Malformed);
    }
    let mut invoice = Decoder::new(d.rest());
    let subject = if invoice.array_of(2).is_ok() {
        d.array_of(2)?;
        Subject::Invoice(InvoiceId { code: d.text_of()?, number: d.uint_as()? })
    } else {
        Subject::Payment(d.bytes_of()?)
    };
    let commitment = d.bytes()?;
    let count = d.array()?;
    if count > MAX_STEPS {
        return Err(Malformed);
    }
    let steps = (0..count).map(|_| decode_step(&mut d)).collect::<Result<_, _>>()?;
    d.end()?;
    Ok((subject, commitment, steps))
}

fn decode_step(d: &mut Decoder<'_>) -> Result<Step, Malformed> {
    d.array_of(3)?;
    Ok(Step {
        state: d.bytes()?.into(),
        record: d.optional(Decoder::bytes)?.map(Into::into),
        part: d.optional(Decoder::bytes)?.map(PartProof::from_bytes).transpose()?,
    })
}

fn from_json(bytes: &[u8]) -> Result<StateProof, Mismatch> {
    let mut tokens = Tokens::default();
    let document = json::parse(bytes, &mut tokens).map_err(|_| Mismatch::Form("not JSON, or a member twice"))?;
    let proof = read(document.root())?;
    if proof.to_json().as_bytes() != bytes {
        return Err(Mismatch::Form("not written in the one way that a proof is written"));
    }
    Ok(proof)
}

fn read(root: Value<'_>) -> Result<StateProof, Mismatch> {
    let wrong = Mismatch::Form;
    let mut members = root.members().ok_or(wrong("not an object"))?;
    let format = members.next().filter(|(name, _)| *name == "format");
    if format.and_then(|(_, value)| value.as_text()) != Some(FORMAT) {
        return Err(wrong("its format is not farechain-state-proof/1"));
    }
    let subject = members.next().and_then(|(name, value)| read_subject(name, value.as_text()?));
    let subject = subject.ok_or(wrong("payment or invoice"))?;
    let mut next = |name: &str| members.next().filter(|(found, _)| *found == name).map(|(_, value)| value);
    let commitment = read_proof(next("commitment").ok_or(wrong("commitment"))?)?;
    let steps = next("steps").and_then(|steps| steps.items()).ok_or(wrong("steps"))?;
    let steps: Option<Vec<Step>> = steps.map(read_step).collect();
    let steps = steps.filter(|steps| steps.len() <= MAX_STEPS).ok_or(wrong("steps"))?;
    Ok(StateProof { subject, commitment, steps })
}

fn read_subject(name: &str, said: &str) -> Option<Subject> {
    match name {
        "payment" => text::unhex(said.as_bytes()).map(Subject::Payment),
        "invoice" => {
            let (code, number) = said.split_once('-')?;
            Some(Subject::Invoice(InvoiceId { code: Text::new(code)?, number: number.parse().ok()? }))
        }
        _ => None,
    }
}

fn read_step(step: Value<'_>) -> Option<Step> {
    let mut members = step.members()?;
    let mut next = |name: &str| members.next().filter(|(found, _)| *found == name).map(|(_, value)| value);
    let state = next("state").and_then(read_base64)?;
    let record = read_optional(next("record")?).ok()?;
    let part = read_optional(next("part")?).ok()?;
    let part = part.map(|part| PartProof::from_bytes(&part)).transpose().ok()?;
    Some(Step { state, record, part })
}

/// Bytes or null.
fn read_optional(value: Value<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    if value.is_null() { Ok(None) } else { read_base64(value).map(Some).ok_or(Malformed) }
}
