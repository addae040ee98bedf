//! A block's header and what its two roots commit to.

use alloc::string::String;
use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::digest::{Digest, SUITE};

/// The version of headers and records.
pub const VERSION: u64 = 1;

/// The header of a block: deterministic CBOR of
/// `[version, suite, chain, height, previous, time_ms, record_count, records_root, inputs_root]`.
/// Its bytes are the block's entry in the public log; its hash is [`crate::digest::block`] of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The chain's name, `<network>/<number>`.
    pub chain: String,
    /// 0 for genesis.
    pub height: u64,
    /// The hash of the block before; zeros for genesis.
    pub previous: Digest,
    /// Block time, milliseconds since 1970; never goes back.
    pub time_ms: u64,
    /// Records in the block.
    pub record_count: u32,
    /// Merkle root over the records' bytes.
    pub records_root: Digest,
    /// Merkle root over the source ranges, then the outcomes (their encoded bytes).
    pub inputs_root: Digest,
}

/// What a block consumed of one source: deterministic CBOR of `[source, first_offset, next_offset, last_digest]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRange {
    /// Index into the genesis list of sources.
    pub source: u16,
    /// The position before the block.
    pub first_offset: u64,
    /// The position after it.
    pub next_offset: u64,
    /// The digest of the last input consumed of this source, ever: refetched and compared at start.
    pub last_digest: Digest,
}

/// A partition as genesis lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The topic's name; `system` for the engine's own inputs (always source 0).
    pub topic: String,
    /// The topic's id; zeros where the source has none (a spool).
    pub topic_id: [u8; 16],
    /// The partition.
    pub partition: u32,
}

/// What a chain is: the only record of block 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The network's name, which every signed input carries.
    pub network: String,
    /// The chain's name, `<network>/<number>`; the public log's origin is derived from it.
    pub chain: String,
    /// Minutes east of UTC for dates and periods: 480.
    pub utc_offset_min: i16,
    /// The bureau's public key.
    pub bureau: [u8; 32],
    /// How many waiting payments one block may issue.
    pub drain_max: u32,
    /// The regions (digits 2 to 5 of a code) for which numbers may be granted, `4403` for example.
    pub regions: Vec<String>,
    /// The partitions; index 0 is the engine's own `system`/0.
    pub sources: Vec<Source>,
}

impl Header {
    /// The header's bytes: what is hashed, and what the public log lists.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        Encoder::new(&mut out)
            .array(9)
            .uint(VERSION)
            .uint(SUITE)
            .text(&self.chain)
            .uint(self.height)
            .bytes(&self.previous)
            .uint(self.time_ms)
            .uint(u64::from(self.record_count))
            .bytes(&self.records_root)
            .bytes(&self.inputs_root);
        out
    }

    /// The opposite of [`Header::encode`].
    ///
    /// # Errors
    /// [`Malformed`] for anything that `encode` does not write.
    pub fn decode(bytes: &[u8]) -> Result<Header, Malformed> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_of(9)?;
        if (decoder.uint()?, decoder.uint()?) != (VERSION, SUITE) {
            return Err(Malformed);
        }
        let header = Header {
            chain: decoder.text()?.into(),
            height: decoder.uint()?,
            previous: decoder.bytes_of()?,
            time_ms: decoder.uint()?,
            record_count: decoder.uint_as()?,
            records_root: decoder.bytes_of()?,
            inputs_root: decoder.bytes_of()?,
        };
        decoder.end()?;
        Ok(header)
    }

    /// Whether these begin as a header of a version or a suite that is not known here.
    pub fn is_foreign(bytes: &[u8]) -> bool {
        let mut decoder = Decoder::new(bytes);
        let marks = decoder.array().and_then(|_| Ok((decoder.uint()?, decoder.uint()?)));
        marks.is_ok_and(|marks| marks != (VERSION, SUITE))
    }
}

impl SourceRange {
    /// The leaf under `inputs_root`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(56);
        Encoder::new(&mut out)
            .array(4)
            .uint(u64::from(self.source))
            .uint(self.first_offset)
            .uint(self.next_offset)
            .bytes(&self.last_digest);
        out
    }

    /// The opposite of [`SourceRange::encode`]; reads one range and leaves what follows it.
    ///
    /// # Errors
    /// [`Malformed`] for anything that `encode` does not write.
    pub fn decode(decoder: &mut Decoder<'_>) -> Result<SourceRange, Malformed> {
        decoder.array_of(4)?;
        Ok(SourceRange {
            source: decoder.uint_as()?,
            first_offset: decoder.uint()?,
            next_offset: decoder.uint()?,
            last_digest: decoder.bytes_of()?,
        })
    }
}

impl Genesis {
    /// The body of record kind 0, after version and kind.
    pub(crate) fn encode_fields(&self, encoder: &mut Encoder<'_>) {
        encoder
            .uint(SUITE)
            .text(&self.network)
            .text(&self.chain)
            .int(i64::from(self.utc_offset_min))
            .bytes(&self.bureau)
            .uint(u64::from(self.drain_max))
            .array(self.regions.len());
        for region in &self.regions {
            encoder.text(region);
        }
        encoder.array(self.sources.len());
        for source in &self.sources {
            encoder.array(3).text(&source.topic).bytes(&source.topic_id).uint(u64::from(source.partition));
        }
    }

    /// The opposite of `encode_fields`.
    pub(crate) fn decode_fields(decoder: &mut Decoder<'_>) -> Result<Genesis, Malformed> {
        if decoder.uint()? != SUITE {
            return Err(Malformed);
        }
        let network = decoder.text()?.into();
        let chain = decoder.text()?.into();
        let utc_offset_min = i16::try_from(decoder.int()?).map_err(|_| Malformed)?;
        let bureau = decoder.bytes_of()?;
        let drain_max = decoder.uint_as()?;
        let regions = (0..decoder.array()?).map(|_| decoder.text().map(String::from)).collect::<Result<_, _>>()?;
        let count = decoder.array()?;
        let mut sources = Vec::with_capacity(count);
        for _ in 0..count {
            decoder.array_of(3)?;
            let topic = decoder.text()?.into();
            sources.push(Source { topic, topic_id: decoder.bytes_of()?, partition: decoder.uint_as()? });
        }
        Ok(Genesis { network, chain, utc_offset_min, bureau, drain_max, regions, sources })
    }
}
