//! The digests of suite 1: BLAKE3 in keyed mode, a key per use, so that one use can never be read as another.

/// 32 bytes of digest.
pub type Digest = [u8; 32];

/// The id of the only suite there is: BLAKE3 leaves and nodes, Ed25519 signatures.
pub const SUITE: u64 = 1;

pub(crate) const fn key(name: &[u8]) -> [u8; 32] {
    let mut key = [0u8; 32];
    let mut i = 0;
    while i < name.len() {
        key[i] = name[i];
        i += 1;
    }
    key
}

/// Key of a Merkle leaf; also of a record's hash, whose last five hex digits are the check code.
pub const LEAF: [u8; 32] = key(b"farechain/1 leaf");
/// Key of a Merkle node: two children of 32 bytes, one compression.
pub const NODE: [u8; 32] = key(b"farechain/1 node");
/// Key of a block's hash, over its header bytes.
pub const BLOCK: [u8; 32] = key(b"farechain/1 block");
/// Key of an input's digest, over its canonical bytes.
pub const INPUT: [u8; 32] = key(b"farechain/1 input");
/// Key of an identity.
pub const IDENTITY: [u8; 32] = key(b"farechain/1 identity");

/// The keyed hash of suite 1.
pub fn keyed(key: &[u8; 32], bytes: &[u8]) -> Digest {
    *blake3::keyed_hash(key, bytes).as_bytes()
}

/// The hash of a leaf (a record, a payment's canonical data, an outcome).
pub fn leaf(bytes: &[u8]) -> Digest {
    keyed(&LEAF, bytes)
}

/// The hash of an inner node.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut both = [0u8; 64];
    both[..32].copy_from_slice(left);
    both[32..].copy_from_slice(right);
    keyed(&NODE, &both)
}

/// The hash of a block: of its header's bytes.
pub fn block(header: &[u8]) -> Digest {
    keyed(&BLOCK, header)
}

/// A hash over length-prefixed parts (u32 big-endian each), for identities.
pub fn identity(parts: &[&[u8]]) -> Digest {
    let mut hasher = blake3::Hasher::new_keyed(&IDENTITY);
    for part in parts {
        hasher.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}
