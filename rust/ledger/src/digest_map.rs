//! Maps keyed by digests: hashed by their first bytes and the ledger's own secret, so that nobody can choose digests that
//! meet in one place. The standard hasher costs more than all else that a look-up does.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use farechain_core::digest::Digest;

use crate::index::Secret;

/// A map keyed by digests.
pub type DigestMap<T> = HashMap<Digest, T, BySecret>;

/// Hashes digests under a secret.
#[derive(Debug, Clone, Copy)]
pub struct BySecret(pub Secret);

/// The hash of one digest.
#[derive(Debug)]
pub struct Mixed {
    secret: Secret,
    hash: u64,
}

impl BuildHasher for BySecret {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed { secret: self.0, hash: 0 }
    }
}

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        let first = bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        let [k0, k1] = self.secret;
        let product = u128::from(first ^ k0) * u128::from(k1 | 1);
        self.hash = product as u64 ^ (product >> 64) as u64;
    }

    /// The length of a digest says nothing.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farechain_core::digest::leaf;

    #[test]
    fn the_secret_moves_every_digest() {
        let hash = |secret, digest: &Digest| BySecret(secret).hash_one(digest);
        for i in 0..1000u32 {
            let digest = leaf(&i.to_be_bytes());
            assert_ne!(hash([1, 3], &digest), hash([2, 3], &digest));
            assert_ne!(hash([1, 3], &digest), hash([1, 5], &digest));
            assert_ne!(hash([1, 3], &digest), hash([1, 3], &leaf(&digest)));
        }
    }
}
