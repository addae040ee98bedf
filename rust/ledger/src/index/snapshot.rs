//! The index and the registry as one checksummed file, so that opening need not read the whole log.
//!
//! Derived data: whatever is wrong with the file, it is ignored and the log is read from the start.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use farechain_core::cbor::{Decoder, Encoder, Malformed};
use farechain_core::digest::Digest;
use farechain_core::registry::Registry;

use crate::error::LedgerError;
use crate::index::numbers::Run;
use crate::index::{Counts, Index, Position, Secret, Table};
use crate::log::BlockPlace;
use crate::log::sync_dir;

const VERSION: u64 = 1;

/// What a snapshot holds: the state after the last of `places`.
#[derive(Debug)]
pub struct Snapshot {
    /// The index.
    pub index: Index,
    /// The registry.
    pub registry: Registry,
    /// Where every block lies.
    pub places: Vec<BlockPlace>,
}

/// Writes a snapshot: under another name, synced, renamed.
///
/// # Errors
/// `Io`; the ledger goes on without it.
pub fn write(path: &Path, index: &Index, registry: &Registry, places: &[BlockPlace]) -> Result<(), LedgerError> {
    let body = body(index, registry, places);
    let checksum = blake3::hash(&body);
    let draft = path.with_extension("new");
    let written = (|| {
        let mut file = File::create(&draft)?;
        file.write_all(checksum.as_bytes())?;
        file.write_all(&body)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    })();
    written.map_err(|error| LedgerError::io(path, "write", &error))?;
    sync_dir(path)
}

/// The bytes that a snapshot of this state has behind its checksum: equal states give equal bytes.
pub fn body(index: &Index, registry: &Registry, places: &[BlockPlace]) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 << 20);
    encode(&mut Encoder::new(&mut body), index, registry, places);
    body
}

/// Reads a snapshot; `None` where there is none that can be used. `secret` is the ledger's.
pub fn read(path: &Path, secret: Secret) -> Option<Snapshot> {
    let bytes = fs::read(path).ok()?;
    let (checksum, body) = bytes.split_at_checked(32)?;
    if blake3::hash(body).as_bytes() != checksum {
        return None;
    }
    decode(&mut Decoder::new(body), secret).ok()
}

fn encode(e: &mut Encoder<'_>, index: &Index, registry: &Registry, places: &[BlockPlace]) {
    e.uint(VERSION)
        .bytes(&words(index.identities.secret().into_iter()))
        .bytes(&registry.encode())
        .bytes(&index.head)
        .uint(index.time_ms);
    e.array(index.positions.len());
    for position in &index.positions {
        e.uint(position.next_offset).bytes(&position.last_digest);
    }
    encode_table(e, &index.identities);
    encode_table(e, &index.hashes);
    e.array(index.numbers.runs().count());
    for (code, run) in index.numbers.runs() {
        e.text(code.as_str()).uint(u64::from(run.from)).bytes(&words(run.places.iter().copied()));
    }
    for map in [&index.remaining, &index.drained, &index.reduced] {
        let mut entries: Vec<(u64, u64)> = map.iter().map(|(key, value)| (*key, *value)).collect();
        entries.sort_unstable();
        e.bytes(&words(entries.into_iter().flat_map(|(key, value)| [key, value])));
    }
    let mut origins: Vec<(&Digest, &u64)> = index.refunded.iter().collect();
    origins.sort_unstable();
    let mut refunded = Vec::with_capacity(origins.len() * 40);
    for (origin, fen) in origins {
        refunded.extend_from_slice(origin);
        refunded.extend_from_slice(&fen.to_be_bytes());
    }
    e.bytes(&refunded);
    encode_counts(e, &index.counts);
    e.bytes(&words(places.iter().flat_map(|p| [u64::from(p.segment) << 32 | u64::from(p.at), u64::from(p.body)])));
}

fn decode(d: &mut Decoder<'_>, secret: Secret) -> Result<Snapshot, Malformed> {
    if d.uint()? != VERSION || d.bytes()? != words(secret.into_iter()) {
        return Err(Malformed);
    }
    let registry = Registry::decode(d.bytes()?)?;
    let mut index = Index::new(secret, 0, registry.genesis().utc_offset_min);
    (index.head, index.time_ms) = (d.bytes_of()?, d.uint()?);
    for _ in 0..d.array()? {
        index.positions.push(Position { next_offset: d.uint()?, last_digest: d.bytes_of()? });
    }
    decode_table(d, &mut index.identities)?;
    decode_table(d, &mut index.hashes)?;
    for _ in 0..d.array()? {
        let (code, from) = (d.text_of()?, d.uint_as()?);
        index.numbers.insert_run(code, Run { from, places: numbers(d.bytes()?)?.collect() });
    }
    for map in [&mut index.remaining, &mut index.drained, &mut index.reduced] {
        map.extend(pairs(d.bytes()?)?);
    }
    for entry in d.bytes()?.chunks(40) {
        let (origin, fen) = entry.split_first_chunk::<32>().ok_or(Malformed)?;
        index.refunded.insert(*origin, u64::from_be_bytes(fen.try_into().map_err(|_| Malformed)?));
    }
    decode_counts(d, &mut index.counts)?;
    let places = pairs(d.bytes()?)?
        .map(|(at, body)| BlockPlace { segment: (at >> 32) as u32, at: at as u32, body: body as u32 })
        .collect();
    d.end()?;
    Ok(Snapshot { index, registry, places })
}

fn encode_table(e: &mut Encoder<'_>, table: &Table) {
    let mut entries: Vec<(u64, u64)> = table.entries().collect();
    entries.sort_unstable_by_key(|(_, place)| *place);
    e.bytes(&words(entries.into_iter().flat_map(|(fingerprint, place)| [fingerprint, place])));
}

fn decode_table(d: &mut Decoder<'_>, table: &mut Table) -> Result<(), Malformed> {
    pairs(d.bytes()?)?.for_each(|(fingerprint, place)| table.insert_fingerprint(fingerprint, place));
    Ok(())
}

fn encode_counts(e: &mut Encoder<'_>, counts: &Counts) {
    e.uint(counts.blocks).uint(counts.bytes).uint(counts.records).uint(counts.invoices).uint(counts.red_letters);
    e.bytes(&counts.blue_fen.to_be_bytes()).bytes(&counts.red_fen.to_be_bytes());
    e.bytes(&words(counts.verdicts.iter().chain(&counts.rejected).copied()));
    e.int(i64::from(counts.curve_day)).bytes(&words(counts.curve.iter().map(|count| u64::from(*count))));
}

fn decode_counts(d: &mut Decoder<'_>, counts: &mut Counts) -> Result<(), Malformed> {
    (counts.blocks, counts.bytes, counts.records) = (d.uint()?, d.uint()?, d.uint()?);
    (counts.invoices, counts.red_letters) = (d.uint()?, d.uint()?);
    counts.blue_fen = u128::from_be_bytes(d.bytes_of()?);
    counts.red_fen = u128::from_be_bytes(d.bytes_of()?);
    let all = counts.verdicts.iter_mut().chain(&mut counts.rejected);
    numbers(d.bytes()?)?.zip(all).for_each(|(read, count)| *count = read);
    counts.curve_day = i32::try_from(d.int()?).map_err(|_| Malformed)?;
    numbers(d.bytes()?)?.zip(&mut counts.curve).for_each(|(read, count)| *count = read as u32);
    Ok(())
}

fn words(values: impl Iterator<Item = u64>) -> Vec<u8> {
    values.flat_map(u64::to_be_bytes).collect()
}

fn numbers(bytes: &[u8]) -> Result<impl Iterator<Item = u64> + '_, Malformed> {
    let (words, rest) = bytes.as_chunks::<8>();
    if rest.is_empty() { Ok(words.iter().map(|word| u64::from_be_bytes(*word))) } else { Err(Malformed) }
}

fn pairs(bytes: &[u8]) -> Result<impl Iterator<Item = (u64, u64)> + '_, Malformed> {
    let (pairs, rest) = bytes.as_chunks::<16>();
    let word = |pair: &[u8; 16], at: usize| u64::from_be_bytes(pair[at..at + 8].try_into().expect("8 bytes"));
    if rest.is_empty() { Ok(pairs.iter().map(move |pair| (word(pair, 0), word(pair, 8)))) } else { Err(Malformed) }
}

/// The fingerprint secret of a ledger, from the 16 bytes of its file.
pub fn secret(bytes: &[u8; 16]) -> Secret {
    let word = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    [word(0), word(8)]
}

/// The digest of the whole state: equal for equal histories of inputs, however they were cut into blocks.
pub fn state_digest(index: &Index, registry: &Registry) -> Digest {
    let mut bytes = registry.encode_uncut();
    index.digest_into(&mut bytes);
    farechain_core::digest::leaf(&bytes)
}
