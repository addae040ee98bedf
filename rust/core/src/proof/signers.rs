//! Whose signature lines a proof's checkpoint has: the log's, and one of each witness whose key the proof carries.
//!
//! A carried key gives no trust. It is there so that every line verifies for a reader who knows the log's key alone, and
//! no byte of a line can change unnoticed. Whom the reader believes is decided by the keys that the reader was given.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::slice;

use super::Mismatch;
use crate::note::{Checkpoint, Kind, Note, NoteError, Signed, Verifier};

/// A checkpoint for a proof, and the verifier keys of its witnesses in the order of their lines. Lines that neither the
/// log nor one of `known` signed are left out, for nobody could verify them; so is a second line of one key.
///
/// # Errors
/// [`NoteError`] where the checkpoint is malformed.
pub fn witnessed(checkpoint: &str, known: &[Verifier]) -> Result<(String, Vec<String>), NoteError> {
    let note = Note::parse(checkpoint)?;
    let origin = Checkpoint::parse(note.text())?.origin;
    let start = note.text().len() + 1;
    let mut kept = String::from(&checkpoint[..start]);
    let (mut log_signed, mut embedded): (bool, Vec<&Verifier>) = (false, Vec::new());
    for (line, text) in note.lines().iter().zip(checkpoint[start..].split_inclusive('\n')) {
        let witness =
            known.iter().find(|known| matches!(line.verify(note.text(), slice::from_ref(known)), Ok(Some(_))));
        match witness {
            Some(witness) if embedded.iter().any(|other| other.key() == witness.key()) => continue,
            Some(witness) => embedded.push(witness),
            None if line.name == origin && !log_signed => log_signed = true,
            None => continue,
        }
        kept.push_str(text);
    }
    Ok((kept, embedded.iter().map(ToString::to_string).collect()))
}

/// The cosignatures of a checkpoint, each with the key that the proof carries for it: every line is the log's, once, or
/// of the next of the carried keys, and no key is left over. A carried key that is one of `given` needs no parsing, which
/// costs as much as a signature.
pub(super) fn cosignatures(
    note: &Note<'_>,
    log: &Verifier,
    embedded: &[String],
    given: &[Verifier],
) -> Result<Vec<(Verifier, Signed)>, Mismatch> {
    let mut witnesses = witness_keys(log, embedded, given)?.into_iter();
    let mut log_signed = false;
    let mut cosignatures = Vec::with_capacity(embedded.len());
    for line in note.lines() {
        if line.verify(note.text(), slice::from_ref(log)).map_err(Mismatch::Note)?.is_some() {
            if core::mem::replace(&mut log_signed, true) {
                return Err(Mismatch::Note(NoteError::RepeatedSigner(line.name.into())));
            }
            continue;
        }
        let unknown = || Mismatch::Signer(line.name.into());
        let witness = witnesses.next().ok_or_else(unknown)?;
        let signed = line.verify(note.text(), slice::from_ref(&witness)).map_err(Mismatch::Note)?;
        cosignatures.push((witness, signed.ok_or_else(unknown)?));
    }
    if !log_signed {
        return Err(Mismatch::LogSignature);
    }
    if witnesses.next().is_some() {
        return Err(Mismatch::WitnessKeys("one of them has not signed the checkpoint"));
    }
    Ok(cosignatures)
}

fn witness_keys(log: &Verifier, embedded: &[String], given: &[Verifier]) -> Result<Vec<Verifier>, Mismatch> {
    let given: Vec<(String, &Verifier)> = given.iter().map(|key| (key.to_string(), key)).collect();
    let mut witnesses: Vec<Verifier> = Vec::with_capacity(embedded.len());
    for text in embedded {
        let admitted = given.iter().find(|(known, _)| known == text).map(|(_, key)| (*key).clone());
        let parsed = || Verifier::parse(text).ok().filter(|parsed| parsed.to_string() == *text);
        let witness = admitted.or_else(parsed);
        let witness = witness.ok_or(Mismatch::WitnessKeys("one is not a verifier key"))?;
        if witness.kind() != Kind::Cosignature {
            return Err(Mismatch::WitnessKeys("one is not a cosignature/v1 key"));
        }
        if witness.key() == log.key() || witnesses.iter().any(|other| other.key() == witness.key()) {
            return Err(Mismatch::WitnessKeys("two of the log and the witnesses share a key"));
        }
        witnesses.push(witness);
    }
    Ok(witnesses)
}
