//! Frames: how bytes lie in a segment.
//!
//! ```text
//! u32 magic   u32 body length   u32 CRC-32C over (kind, height, body)   u32 kind   u64 height   body   zeros to 8
//! ```
//! All integers are big-endian. A block is two frames written together: its body, then its evidence.

use std::fmt;

/// Bytes before a frame's body.
pub const HEAD_BYTES: usize = 24;
const MAGIC: u32 = 0x4643_4C31;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A block's body.
    Block = 1,
    /// The accepted inputs of the block before it.
    Evidence = 2,
    /// The bytes of a block's rejected inputs, in the erasable store.
    Rejected = 3,
}

/// The head of a frame, not yet checked against its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the body.
    pub length: u32,
    /// CRC-32C over kind, height and body.
    pub crc: u32,
    /// What it holds.
    pub kind: Kind,
    /// The block it belongs to.
    pub height: u64,
}

/// Bytes that a frame with this body takes in a segment.
pub fn padded(body: usize) -> usize {
    (HEAD_BYTES + body).next_multiple_of(8)
}

/// Bytes of zeros behind a body of this many bytes.
pub fn padding(body: usize) -> &'static [u8] {
    &[0; 8][..padded(body) - HEAD_BYTES - body]
}

/// The head of a frame whose body is these pieces, one behind the other, and the body's length.
///
/// # Panics
/// For a body of 4 GiB or more; blocks are bounded far below.
pub fn head(kind: Kind, height: u64, body: &[&[u8]]) -> ([u8; HEAD_BYTES], usize) {
    let length = body.iter().map(|piece| piece.len()).sum();
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&MAGIC.to_be_bytes());
    head[4..8].copy_from_slice(&u32::try_from(length).expect("a block is smaller than 4 GiB").to_be_bytes());
    head[12..16].copy_from_slice(&(kind as u32).to_be_bytes());
    head[16..].copy_from_slice(&height.to_be_bytes());
    let crc = body.iter().fold(crc32c::crc32c(&head[12..]), |crc, piece| crc32c::crc32c_append(crc, piece));
    head[8..12].copy_from_slice(&crc.to_be_bytes());
    (head, length)
}

/// A frame in one place.
pub fn encode(kind: Kind, height: u64, body: &[&[u8]]) -> Vec<u8> {
    let (head, length) = head(kind, height, body);
    [&head[..], &body.concat(), padding(length)].concat()
}

impl Head {
    /// Reads a head; `None` where there is none.
    pub fn parse(bytes: &[u8]) -> Option<Head> {
        let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        if word(0)? != MAGIC {
            return None;
        }
        let kind = match word(12)? {
            1 => Kind::Block,
            2 => Kind::Evidence,
            3 => Kind::Rejected,
            _ => return None,
        };
        let height = u64::from_be_bytes(bytes.get(16..24)?.try_into().ok()?);
        Some(Head { length: word(4)?, crc: word(8)?, kind, height })
    }

    /// Whether this is the body that the head was written for.
    pub fn matches(&self, body: &[u8]) -> bool {
        let kind = (self.kind as u32).to_be_bytes();
        let head = [&kind[..], &self.height.to_be_bytes()[..]].concat();
        body.len() == self.length as usize && crc32c::crc32c_append(crc32c::crc32c(&head), body) == self.crc
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Block => "block",
            Kind::Evidence => "evidence",
            Kind::Rejected => "rejected inputs",
        })
    }
}

/// A whole, valid frame at the start of `bytes`, with the bytes it takes.
pub fn read(bytes: &[u8]) -> Option<(Head, &[u8], usize)> {
    let head = Head::parse(bytes)?;
    let body = bytes.get(HEAD_BYTES..HEAD_BYTES + head.length as usize)?;
    let length = padded(body.len());
    (head.matches(body) && bytes.len() >= length).then_some((head, body, length))
}

/// Whether a frame that another version of this program wrote begins here: a later mark, or a whole frame of a kind that
/// is not known. A write of this version that was cut off is never one: what is missing of it is zeros.
pub fn is_foreign(bytes: &[u8]) -> bool {
    let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (Some(mark), Some(length), Some(crc), Some(kind)) = (word(0), word(4), word(8), word(12)) else { return false };
    if mark != MAGIC {
        return mark >> 8 == MAGIC >> 8 && mark > MAGIC;
    }
    let covered = bytes.get(12..HEAD_BYTES + length as usize);
    kind > Kind::Rejected as u32 && covered.is_some_and(|covered| crc32c::crc32c(covered) == crc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_of_a_frame_is_noticed() {
        let mut bytes = encode(Kind::Block, 7, &[b"twelve", b"", b" bytes"]);
        bytes.extend(encode(Kind::Evidence, 7, &[]));
        let (head, body, length) = read(&bytes).expect("whole");
        assert_eq!((head.kind, head.height, body, length), (Kind::Block, 7, &b"twelve bytes"[..], 40));
        assert_eq!(read(&bytes[40..]).map(|(head, ..)| head.kind), Some(Kind::Evidence));
        for at in 0..36 {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(read(&other).is_none(), "byte {at}");
        }
        assert!(read(&bytes[..39]).is_none());
    }

    #[test]
    fn frames_of_other_versions_are_known_as_such_and_cut_ones_of_this_are_not() {
        let bytes = encode(Kind::Block, 7, &[b"twelve bytes"]);
        for end in 0..=bytes.len() {
            let mut cut = bytes.clone();
            cut[end..].fill(0);
            assert!(!is_foreign(&cut), "cut at {end}");
            assert!(!is_foreign(&bytes[..end]), "short of {end}");
        }
        let mut later = bytes.clone();
        later[3] += 1;
        assert!(is_foreign(&later));
        let mut unknown = bytes;
        unknown[15] = 9;
        assert!(!is_foreign(&unknown), "its checksum is of another kind");
        let crc = crc32c::crc32c(&unknown[12..36]);
        unknown[8..12].copy_from_slice(&crc.to_be_bytes());
        assert!(is_foreign(&unknown));
    }
}
