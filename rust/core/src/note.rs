//! Signed notes (C2SP signed-note): the text, its signature lines, and which of them verify under given keys.
//!
//! Keys and signatures are in `note/key.rs`, the checkpoint body in `note/checkpoint.rs`. Knows nothing of trees.

mod checkpoint;
mod error;
mod key;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

pub use checkpoint::Checkpoint;
pub use error::NoteError;
pub use key::{Kind, Verifier, cosign, sign};

/// The most bytes that a note may have.
pub const MAX_NOTE_BYTES: usize = 1_000_000;
/// The most signature lines that a note may have; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// What begins a signature line: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// A note, taken apart. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<SignatureLine<'a>>,
}

/// A signature line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine<'a> {
    /// The key's name.
    pub name: &'a str,
    /// The key's id, which stands for key and algorithm.
    pub key_hash: u32,
    /// What the key's algorithm made of the text.
    pub signature: Vec<u8>,
}

/// A signature that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The place of its key in the list of verifiers.
    pub verifier: usize,
    /// The key's name.
    pub name: String,
    /// A cosignature's time, seconds since 1970; `None` for an Ed25519 note signature.
    pub time_s: Option<u64>,
}

impl<'a> Note<'a> {
    /// Takes a note apart: the text ends at the last blank line, signature lines follow.
    ///
    /// # Errors
    /// [`NoteError`] where it is not of the form, or larger than the limits.
    pub fn parse(note: &'a str) -> Result<Note<'a>, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::ControlCharacter);
        }
        let (before, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatureLines)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatureLines)?;
        let text = &note[..=before.len()];
        let mut parsed = Vec::new();
        for (number, line) in lines.split('\n').enumerate() {
            if number == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            parsed.push(SignatureLine::parse(line).ok_or(NoteError::SignatureLine(number + 1))?);
        }
        Ok(Note { text, lines: parsed })
    }

    /// The signed text, with its last newline. To be ignored until [`Note::open`] says that a trusted key signed it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The signature lines, in their order.
    pub fn lines(&self) -> &[SignatureLine<'a>] {
        &self.lines
    }

    /// The signatures that verify, the first of each key, in the order of the lines. Lines of other keys are ignored.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] where a line of one of the keys does not verify (reject the note),
    /// [`NoteError::Unsigned`] where none of them signed.
    pub fn open(&self, verifiers: &[Verifier]) -> Result<Vec<Signed>, NoteError> {
        let mut signed: Vec<Signed> = Vec::new();
        for line in &self.lines {
            let Some(found) = line.verify(self.text, verifiers)? else { continue };
            if signed.iter().all(|other| other.verifier != found.verifier) {
                signed.push(found);
            }
        }
        if signed.is_empty() { Err(NoteError::Unsigned) } else { Ok(signed) }
    }

    /// As [`Note::open`], but every line must be of one of the keys and no key may sign twice: nothing in the note is
    /// left unverified.
    ///
    /// # Errors
    /// Those of `open`, [`NoteError::UnknownSigner`] and [`NoteError::RepeatedSigner`].
    pub fn open_whole(&self, verifiers: &[Verifier]) -> Result<Vec<Signed>, NoteError> {
        let mut signed: Vec<Signed> = Vec::new();
        for line in &self.lines {
            let found = line.verify(self.text, verifiers)?;
            let found = found.ok_or_else(|| NoteError::UnknownSigner(line.name.to_owned()))?;
            if signed.iter().any(|other| other.verifier == found.verifier) {
                return Err(NoteError::RepeatedSigner(found.name));
            }
            signed.push(found);
        }
        if signed.is_empty() { Err(NoteError::Unsigned) } else { Ok(signed) }
    }
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Option<SignatureLine<'a>> {
        let (name, base64) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        let bytes = BASE64_STANDARD.decode(base64).ok()?;
        let (hash, signature) = bytes.split_first_chunk::<4>()?;
        if !key::is_name(name) || signature.is_empty() {
            return None;
        }
        Some(SignatureLine { name, key_hash: u32::from_be_bytes(*hash), signature: signature.to_vec() })
    }

    /// `None` for a line of a key that is not among the verifiers: the same name or the same id alone says nothing.
    pub(crate) fn verify(&self, text: &str, verifiers: &[Verifier]) -> Result<Option<Signed>, NoteError> {
        let known = |verifier: &Verifier| verifier.name() == self.name && verifier.key_hash() == self.key_hash;
        let Some(place) = verifiers.iter().position(known) else { return Ok(None) };
        let name = self.name.to_owned();
        match verifiers[place].verify(text, &self.signature) {
            Some(time_s) => Ok(Some(Signed { verifier: place, name, time_s })),
            None => Err(NoteError::BadSignature(name)),
        }
    }
}

#[cfg(test)]
mod tests;
