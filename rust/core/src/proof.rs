//! The proof of a record: everything from its bytes to a signed and cosigned checkpoint, verified with nothing but keys.
//!
//! record → leaf → `records_root` → header → entry of the public log → root → checkpoint → log signature → cosignatures.
//! The two forms, compact and JSON, are in `proof/compact.rs` and `proof/json.rs`; each proof has one encoding in each.
//! Whose signature lines the checkpoint may have is in `proof/signers.rs`.

mod compact;
pub(crate) mod json;
mod mismatch;
mod signers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_mutation;
#[cfg(test)]
mod tests_signers;

use alloc::string::String;
use alloc::vec::Vec;

pub use mismatch::Mismatch;
pub use signers::witnessed;

use crate::block::Header;
use crate::digest::{self, Digest};
use crate::merkle;
use crate::note::{Checkpoint, Kind, Note, Verifier};
use crate::tlog::{self, Hash};

/// The most bytes that a proof may have, in either form: that of its note, and room for the rest twice over.
pub const MAX_PROOF_BYTES: usize = 2 * crate::note::MAX_NOTE_BYTES;

/// A proof as it was made or received; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The record's bytes.
    pub record: Vec<u8>,
    /// Its place in the block.
    pub index: u32,
    /// The block's records; the header says the same.
    pub count: u32,
    /// The path from the record to `records_root`, suite 1, lowest first.
    pub path: Vec<Digest>,
    /// The block header's bytes, which are an entry of the public log.
    pub header: Vec<u8>,
    /// The size of the public log at the checkpoint; the checkpoint says the same.
    pub tlog_size: u64,
    /// The path from the entry to the checkpoint's root, RFC 6962, lowest first.
    pub tlog_path: Vec<Hash>,
    /// The checkpoint: a signed note.
    pub checkpoint: String,
    /// The verifier keys of the witnesses that cosigned it, in the order of their lines. They give no trust.
    pub witnesses: Vec<String>,
}

/// What a verified proof says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The record's hash; its last five hex digits are the check code.
    pub record_hash: Digest,
    /// The header of its block.
    pub header: Header,
    /// The log's origin, which is the chain's name.
    pub origin: String,
    /// The log's size at the checkpoint.
    pub size: u64,
    /// The witnesses that the verifier knows and that cosigned: name and time, seconds since 1970.
    pub cosigners: Vec<(String, u64)>,
}

impl Proof {
    /// Reads a proof in either form: JSON begins with a brace, the compact form does not.
    ///
    /// # Errors
    /// [`Mismatch::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Proof, Mismatch> {
        if bytes.first() == Some(&b'{') { Proof::from_json(bytes) } else { Proof::from_compact(bytes) }
    }
}

/// Verifies a proof against the log's key and at least `threshold` of the given witnesses; the log's key alone will do.
/// Nothing in the proof is left unverified: a path element too many is refused, and so is a signature line that is neither
/// the log's nor of a witness whose key the proof carries. Only witnesses that were given count.
///
/// # Errors
/// [`Mismatch`], whose text says what did not match. [`Mismatch::Keys`] is the caller's mistake, all else the proof's.
pub fn verify(proof: &Proof, log: &Verifier, witnesses: &[Verifier], threshold: usize) -> Result<Proven, Mismatch> {
    check_keys(log, witnesses, threshold)?;
    let header = Header::decode(&proof.header).map_err(|_| Mismatch::Header)?;
    if proof.count != header.record_count {
        return Err(Mismatch::Count { proof: proof.count, header: header.record_count });
    }
    let leaf = digest::leaf(&proof.record);
    if !merkle::verify(&leaf, proof.index.into(), proof.count.into(), &proof.path, &header.records_root) {
        return Err(Mismatch::Record);
    }
    let note = Note::parse(&proof.checkpoint).map_err(Mismatch::Note)?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(Mismatch::Note)?;
    if checkpoint.size != proof.tlog_size {
        return Err(Mismatch::Size { proof: proof.tlog_size, checkpoint: checkpoint.size });
    }
    let entry = tlog::leaf_hash(&proof.header);
    if !tlog::verify_inclusion(&entry, header.height, checkpoint.size, &proof.tlog_path, &checkpoint.root) {
        return Err(Mismatch::Log);
    }
    if checkpoint.origin != header.chain || checkpoint.origin != log.name() {
        let (chain, key) = (header.chain, log.name().into());
        return Err(Mismatch::Origin { checkpoint: checkpoint.origin, chain, key });
    }
    let cosigners = cosigners(proof, &note, log, witnesses, threshold)?;
    Ok(Proven { record_hash: leaf, header, origin: checkpoint.origin, size: checkpoint.size, cosigners })
}

/// A threshold counts different keys: one key under two names, or the log as its own witness, would count twice.
fn check_keys(log: &Verifier, witnesses: &[Verifier], threshold: usize) -> Result<(), Mismatch> {
    if log.kind() != Kind::Ed25519 {
        return Err(Mismatch::Keys("the log's key is not an Ed25519 note key"));
    }
    if witnesses.iter().any(|witness| witness.kind() != Kind::Cosignature) {
        return Err(Mismatch::Keys("a witness's key is not a cosignature/v1 key"));
    }
    for (place, witness) in witnesses.iter().enumerate() {
        let repeated = witnesses[..place].iter().any(|other| other.key() == witness.key());
        if repeated || witness.key() == log.key() {
            return Err(Mismatch::Keys("two of the log and the witnesses share a key"));
        }
    }
    if threshold > witnesses.len() {
        return Err(Mismatch::Keys("the threshold is above the number of witnesses"));
    }
    Ok(())
}

fn cosigners(
    proof: &Proof,
    note: &Note<'_>,
    log: &Verifier,
    witnesses: &[Verifier],
    threshold: usize,
) -> Result<Vec<(String, u64)>, Mismatch> {
    let signed = signers::cosignatures(note, log, &proof.witnesses, witnesses)?;
    // The whole key is compared: name and id alone could be those of another key.
    let given = signed.into_iter().filter(|(key, _)| witnesses.contains(key));
    let cosigners: Vec<(String, u64)> = given.filter_map(|(_, signer)| Some((signer.name, signer.time_s?))).collect();
    if cosigners.len() < threshold {
        return Err(Mismatch::Witnesses { found: cosigners.len(), threshold });
    }
    Ok(cosigners)
}
