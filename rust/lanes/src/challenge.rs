//! From a signature and its message to the two scalars of the equation.

use curve25519_dalek::Scalar;
use sha2::{Digest as _, Sha512};

use crate::Job;
use crate::packed::{self, Packed};

/// What `[s]B - [k]A` has to encode to, and its scalars, both below L.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Equation {
    pub r: Packed,
    pub s: Packed,
    pub k: Packed,
}

impl Equation {
    /// None if S is not below L, so that the signature is refused without arithmetic.
    pub fn of(job: &Job<'_>) -> Option<Equation> {
        let (halves, _) = job.signature.as_chunks::<32>();
        let [r, s] = [&halves[0], &halves[1]];
        let scalar = packed::from_bytes(s);
        if !packed::is_below_order(&scalar) {
            return None;
        }
        let mut hasher = Sha512::new();
        hasher.update(r);
        hasher.update(job.signer.key().as_bytes());
        hasher.update(job.prefix);
        hasher.update(job.message);
        let k = Scalar::from_bytes_mod_order_wide(&hasher.finalize().into());
        Some(Equation { r: packed::from_bytes(r), s: scalar, k: packed::from_bytes(k.as_bytes()) })
    }
}
