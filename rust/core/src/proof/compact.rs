//! The compact form: deterministic CBOR of
//! `[1, record, index, count, [path], header, tlog_size, [tlog path], checkpoint, [witness key]]` (docs/format.md, section 7).

use alloc::string::String;
use alloc::vec::Vec;

use super::{MAX_PROOF_BYTES, Mismatch, Proof};
use crate::cbor::{Decoder, Encoder, Malformed};
use crate::note::MAX_SIGNATURES;

/// The version of the compact form.
const VERSION: u64 = 1;
/// No path is longer: sizes have 64 bits.
pub(super) const MAX_PATH: usize = 64;

impl Proof {
    /// The compact form.
    pub fn to_compact(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        let mut encoder = Encoder::new(&mut out);
        encoder.array(10).uint(VERSION).bytes(&self.record).uint(self.index.into()).uint(self.count.into());
        encode_path(&mut encoder, &self.path);
        encoder.bytes(&self.header).uint(self.tlog_size);
        encode_path(&mut encoder, &self.tlog_path);
        encoder.text(&self.checkpoint).array(self.witnesses.len());
        for witness in &self.witnesses {
            encoder.text(witness);
        }
        out
    }

    /// Reads the compact form; only what [`Proof::to_compact`] writes is accepted.
    ///
    /// # Errors
    /// [`Mismatch::Form`].
    pub fn from_compact(bytes: &[u8]) -> Result<Proof, Mismatch> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(Mismatch::Form("larger than 2,000,000 bytes"));
        }
        decode(bytes).map_err(|Malformed| Mismatch::Form("not the compact form"))
    }
}

fn encode_path(encoder: &mut Encoder<'_>, path: &[[u8; 32]]) {
    encoder.array(path.len());
    for hash in path {
        encoder.bytes(hash);
    }
}

fn decode_path(decoder: &mut Decoder<'_>) -> Result<Vec<[u8; 32]>, Malformed> {
    let length = decoder.array()?;
    if length > MAX_PATH {
        return Err(Malformed);
    }
    (0..length).map(|_| decoder.bytes_of()).collect()
}

fn decode_witnesses(decoder: &mut Decoder<'_>) -> Result<Vec<String>, Malformed> {
    let length = decoder.array()?;
    if length > MAX_SIGNATURES {
        return Err(Malformed);
    }
    (0..length).map(|_| Ok(decoder.text()?.into())).collect()
}

fn decode(bytes: &[u8]) -> Result<Proof, Malformed> {
    let mut decoder = Decoder::new(bytes);
    decoder.array_of(10)?;
    if decoder.uint()? != VERSION {
        return Err(Malformed);
    }
    let proof = Proof {
        record: decoder.bytes()?.into(),
        index: decoder.uint_as()?,
        count: decoder.uint_as()?,
        path: decode_path(&mut decoder)?,
        header: decoder.bytes()?.into(),
        tlog_size: decoder.uint()?,
        tlog_path: decode_path(&mut decoder)?,
        checkpoint: decoder.text()?.into(),
        witnesses: decode_witnesses(&mut decoder)?,
    };
    decoder.end()?;
    Ok(proof)
}
