//! Keys of notes: verifier keys in text form, Ed25519 note signatures (algorithm 1) and cosignature/v1 (algorithm 4).
//!
//! Every key is admitted and every signature checked under the strict rule of [`crate::signature`].

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::{LINE_START, NoteError};
use crate::signature::{self, PublicKey};

/// The largest time of a cosignature, seconds since 1970 (C2SP tlog-cosignature).
const MAX_TIME_S: u64 = i64::MAX.cast_unsigned();

/// How a key signs notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Ed25519 over the text: a log.
    Ed25519 = 1,
    /// Ed25519 over time and text (cosignature/v1): a witness.
    Cosignature = 4,
}

/// A key that verifies notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key_hash: u32,
    kind: Kind,
    key: PublicKey,
}

impl Verifier {
    /// The verifier of a named key.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`] where the name is empty or has spaces or `+`, or the key is not admitted.
    pub fn new(name: &str, kind: Kind, public_key: [u8; 32]) -> Result<Verifier, NoteError> {
        if !is_name(name) {
            return Err(NoteError::VerifierKey("a name is not empty and has no space, control character or +"));
        }
        let key = PublicKey::admit(public_key)
            .map_err(|_| NoteError::VerifierKey("not an Ed25519 key of the prime-order subgroup"))?;
        Ok(Verifier { name: name.to_owned(), key_hash: key_hash(name, kind, &public_key), kind, key })
    }

    /// Reads the text form, `<name>+<8 hex digits of the key's id>+<base64 of algorithm and key>`.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`] that says which part is wrong.
    pub fn parse(vkey: &str) -> Result<Verifier, NoteError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::VerifierKey("not of the form name+id+key"));
        };
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| NoteError::VerifierKey("the key is not base64"))?;
        let (kind, key) = match bytes.split_first() {
            Some((1, key)) => (Kind::Ed25519, key),
            Some((4, key)) => (Kind::Cosignature, key),
            _ => return Err(NoteError::VerifierKey("the algorithm is neither 1 nor 4")),
        };
        let key = key.try_into().map_err(|_| NoteError::VerifierKey("the key has not 32 bytes"))?;
        let verifier = Verifier::new(name, kind, key)?;
        if alloc::format!("{:08x}", verifier.key_hash) != hash {
            return Err(NoteError::VerifierKey("the id is not that of name and key"));
        }
        Ok(verifier)
    }

    /// The key's name; a log's is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id, as signature lines carry it.
    pub fn key_hash(&self) -> u32 {
        self.key_hash
    }

    /// How the key signs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// `None` where the signature does not verify, else a cosignature's time.
    #[allow(clippy::option_option, reason = "outer: whether it verifies; inner: only cosignatures have a time")]
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        match self.kind {
            Kind::Ed25519 => signature::verify(&self.key, text.as_bytes(), signature.try_into().ok()?).then_some(None),
            Kind::Cosignature => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time_s = u64::from_be_bytes(*time);
                let message = cosigned(time_s, text);
                let valid = time_s <= MAX_TIME_S && signature::verify(&self.key, &message, signature.try_into().ok()?);
                valid.then_some(Some(time_s))
            }
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = alloc::vec![self.kind as u8];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.key_hash, BASE64_STANDARD.encode(bytes))
    }
}

/// A log's signature line, newline included, over a text that ends in a newline.
///
/// # Errors
/// [`NoteError::VerifierKey`] where the name is not one.
pub fn sign(name: &str, seed: &[u8; 32], text: &str) -> Result<String, NoteError> {
    line(name, Kind::Ed25519, seed, &signature::sign(seed, text.as_bytes()))
}

/// A witness's signature line, newline included: that at `time_s` it held the checkpoint `text` for consistent.
///
/// # Errors
/// [`NoteError::VerifierKey`] where the name is not one or the time is beyond 2^63 - 1.
pub fn cosign(name: &str, seed: &[u8; 32], text: &str, time_s: u64) -> Result<String, NoteError> {
    if time_s > MAX_TIME_S {
        return Err(NoteError::VerifierKey("the time of a cosignature is beyond 2^63 - 1"));
    }
    let mut bytes = time_s.to_be_bytes().to_vec();
    bytes.extend_from_slice(&signature::sign(seed, &cosigned(time_s, text)));
    line(name, Kind::Cosignature, seed, &bytes)
}

fn line(name: &str, kind: Kind, seed: &[u8; 32], signature: &[u8]) -> Result<String, NoteError> {
    let verifier = Verifier::new(name, kind, signature::public_key(seed))?;
    let mut bytes = verifier.key_hash.to_be_bytes().to_vec();
    bytes.extend_from_slice(signature);
    Ok(alloc::format!("{LINE_START}{name} {}\n", BASE64_STANDARD.encode(bytes)))
}

/// The message of cosignature/v1.
fn cosigned(time_s: u64, text: &str) -> Vec<u8> {
    alloc::format!("cosignature/v1\ntime {time_s}\n{text}").into_bytes()
}

fn key_hash(name: &str, kind: Kind, public_key: &[u8; 32]) -> u32 {
    let mut hasher = Sha256::new();
    hasher.update(name);
    hasher.update([b'\n', kind as u8]);
    hasher.update(public_key);
    let digest = hasher.finalize();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Whether a key may have this name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c < ' ' || c == '+')
}
