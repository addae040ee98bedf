//! Proofs of state: the nodes on a key's way from the root, and the one entry at its end, the key's own or another's.

use alloc::vec::Vec;
use core::fmt;

use super::{Entry, bit, empty, leaf, node};
use crate::cbor::{Decoder, Encoder, Malformed};
use crate::digest::Digest;

/// The version of the form.
const VERSION: u64 = 1;
/// A key has no more bits.
const MAX_STEPS: usize = 256;
/// No proof is longer: 256 steps and an entry, with their heads.
pub const MAX_PROOF_BYTES: usize = 2 + (3 + MAX_STEPS) + (3 + 32 * MAX_STEPS) + 34 + 34;

/// A node on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The bit at which its keys part.
    pub bit: u8,
    /// Its child on the other side.
    pub sibling: Digest,
}

/// What stands at the end of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The key, with this value.
    Value(Digest),
    /// Another key with its value: the key itself is not there.
    Other(Entry),
    /// Nothing: there are no entries.
    Nothing,
}

impl Found {
    /// From the entry at the end of the way.
    pub fn of(entry: Option<&Entry>, key: &Digest) -> Found {
        match entry {
            Some((found, value)) if found == key => Found::Value(*value),
            Some(other) => Found::Other(*other),
            None => Found::Nothing,
        }
    }
}

/// A proof as it was made or received; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The nodes from the root on; bits increase.
    pub steps: Vec<Step>,
    /// What stands at the end.
    pub found: Found,
}

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The bytes are not a proof in its one form.
    Form,
    /// The entry that is shown in place of the key is the key's own, or is not where the key would be.
    Place,
    /// The proof does not lead to the root.
    Root,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Form => "not a proof of state in its one form",
            Refused::Place => "the entry that is shown does not stand where the key would",
            Refused::Root => "the proof does not lead to the root",
        })
    }
}

impl core::error::Error for Refused {}

impl Proof {
    /// The bytes: CBOR `[1, bits, siblings, other key or null, value or null]`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (other, value) = match &self.found {
            Found::Value(value) => (None, Some(&value[..])),
            Found::Other((key, value)) => (Some(&key[..]), Some(&value[..])),
            Found::Nothing => (None, None),
        };
        let bits: Vec<u8> = self.steps.iter().map(|step| step.bit).collect();
        let siblings: Vec<u8> = self.steps.iter().flat_map(|step| step.sibling).collect();
        let mut out = Vec::with_capacity(bits.len() + siblings.len() + 80);
        let mut encoder = Encoder::new(&mut out);
        encoder.array(5).uint(VERSION).bytes(&bits).bytes(&siblings).optional_bytes(other).optional_bytes(value);
        out
    }

    /// Reads a proof; only what [`Proof::to_bytes`] writes is accepted.
    ///
    /// # Errors
    /// [`Refused::Form`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Proof, Refused> {
        decode(bytes).map_err(|Malformed| Refused::Form)
    }

    /// What `key` has under `root`: its value, or `None` where it has none.
    ///
    /// A root of a tree that was made by the rules is taken for granted: whoever has the entries can make it again.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(&self, root: &Digest, key: &Digest) -> Result<Option<Digest>, Refused> {
        if !self.steps.is_sorted_by(|a, b| a.bit < b.bit) {
            return Err(Refused::Form);
        }
        let (end, value) = match &self.found {
            Found::Value(value) => (leaf(&(*key, *value)), Some(*value)),
            Found::Other(other) => {
                let apart = self.steps.iter().any(|step| bit(&other.0, step.bit) != bit(key, step.bit));
                if other.0 == *key || apart {
                    return Err(Refused::Place);
                }
                (leaf(other), None)
            }
            Found::Nothing if self.steps.is_empty() => (empty(), None),
            Found::Nothing => return Err(Refused::Form),
        };
        let top = self.steps.iter().rev().fold(end, |hash, step| {
            if bit(key, step.bit) { node(step.bit, &step.sibling, &hash) } else { node(step.bit, &hash, &step.sibling) }
        });
        if top == *root { Ok(value) } else { Err(Refused::Root) }
    }
}

fn decode(bytes: &[u8]) -> Result<Proof, Malformed> {
    let mut decoder = Decoder::new(bytes);
    decoder.array_of(5)?;
    if decoder.uint()? != VERSION {
        return Err(Malformed);
    }
    let bits = decoder.bytes()?;
    let (siblings, rest) = decoder.bytes()?.as_chunks::<32>();
    let other: Option<Digest> = decoder.optional(Decoder::bytes_of)?;
    let value: Option<Digest> = decoder.optional(Decoder::bytes_of)?;
    decoder.end()?;
    let found = match (other, value) {
        (None, Some(value)) => Found::Value(value),
        (Some(key), Some(value)) => Found::Other((key, value)),
        (None, None) if bits.is_empty() => Found::Nothing,
        _ => return Err(Malformed),
    };
    if bits.len() != siblings.len() || !rest.is_empty() || !bits.is_sorted_by(|a, b| a < b) {
        return Err(Malformed);
    }
    let steps = bits.iter().zip(siblings).map(|(bit, sibling)| Step { bit: *bit, sibling: *sibling }).collect();
    Ok(Proof { steps, found })
}

/// What `key` has under `root`, by the bytes of a proof.
///
/// # Errors
/// [`Refused`].
pub fn verify(root: &Digest, key: &Digest, proof: &[u8]) -> Result<Option<Digest>, Refused> {
    Proof::from_bytes(proof)?.verify(root, key)
}
