//! Ed25519 verification for known signers: tables of each key's multiples, an exact verdict for each signature.
//!
//! The rule is [`farechain_core::signature::verify`]'s, which is also the oracle of the tests: `R' = [S]B + [k](-A)` is
//! encoded and compared with R, so R is never decompressed and no signature's verdict depends on another's. Everything
//! here is public, so nothing takes constant time. Hashes of many short messages are in [`blake3`], by the same means.

#![allow(
    clippy::inline_always,
    reason = "a field product or point sum that is called rather than inlined spills its limbs"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod blake3;
mod challenge;
mod instructions;
mod packed;
mod portable;
mod prefetch;
mod recode;
mod sha512;
mod table;
mod tables;
mod verdicts;
mod verifier;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use farechain_core::signature::PublicKey;

pub use instructions::{Instructions, Unavailable, instructions};
pub use prefetch::prefetch;
pub use verifier::Verifier;

/// A key that verifies, and how often it has. Clones share the count.
#[derive(Clone)]
pub struct Signer(Arc<Known>);

struct Known {
    key: PublicKey,
    /// -A; none only if the key was never admitted, and then no signature is valid.
    negative: Option<EdwardsPoint>,
    uses: AtomicU32,
}

impl Signer {
    /// A signer that has not verified anything yet. Costs a decompression, 5 us, so keep it.
    pub fn new(key: &PublicKey) -> Signer {
        let negative = CompressedEdwardsY(*key.as_bytes()).decompress().map(|point| -point);
        Signer(Arc::new(Known { key: *key, negative, uses: AtomicU32::new(0) }))
    }

    /// The public key.
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    fn negative(&self) -> Option<&EdwardsPoint> {
        self.0.negative.as_ref()
    }

    /// Counts `more` uses and says how many there are. The count only decides when a table is worth its price, so that
    /// it may wrap.
    fn count(&self, more: u32) -> u32 {
        self.0.uses.fetch_add(more, Ordering::Relaxed).saturating_add(more)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(self.key()).finish()
    }
}

/// A signature to verify: over `prefix` followed by `message`, by `signer`.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Who is said to have signed.
    pub signer: &'a Signer,
    /// The first signed bytes, such as DSSE's head.
    pub prefix: &'a [u8],
    /// The rest of the signed bytes.
    pub message: &'a [u8],
    /// R and S, 32 bytes each.
    pub signature: &'a [u8; 64],
}
