//! Ed25519 under the one strict rule, one signature at a time: the oracle of every faster path, and what signs.
//!
//! Canonical S (< L), canonical A and R, keys on the curve, of prime order; the cofactorless equation compared byte for
//! byte: `[S]B - [k]A` must encode to R. (RFC 8032, 5.1.7, with the choices that it leaves open made the strict way.)

use alloc::vec::Vec;
use core::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256, Sha512};

use crate::input::Kid;

/// The DSSE payload type of every signed input.
pub const PAYLOAD_TYPE: &str = "application/cloudevents+json";
/// The DSSE payload type of a key rotation's proof.
pub const ROTATE_TYPE: &str = "application/vnd.farechain.rotate";
/// The payload type under which a holder presents an invoice to a reimburser.
pub const PRESENT_TYPE: &str = "application/vnd.farechain.present";

/// What comes before the payload in DSSE's pre-authentication encoding.
pub fn pae_head(payload_type: &str, length: usize) -> Vec<u8> {
    alloc::format!("DSSEv1 {} {payload_type} {length} ", payload_type.len()).into_bytes()
}

/// DSSE's pre-authentication encoding (secure-systems-lab/dsse, protocol.md): what is signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = pae_head(payload_type, payload.len());
    out.extend_from_slice(payload);
    out
}

/// Why a public key is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not the canonical encoding of a point of the curve.
    Encoding,
    /// Of small order, or with a torsion part: `[L]A` is not the identity.
    Torsion,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyError::Encoding => "not the canonical encoding of a point of the curve",
            KeyError::Torsion => "not in the prime-order subgroup",
        })
    }
}

impl core::error::Error for KeyError {}

/// A public key that passed [`PublicKey::admit`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl PublicKey {
    /// Admits a key: canonical, on the curve, of prime order.
    ///
    /// # Errors
    /// [`KeyError`]; the caller refuses the registration.
    pub fn admit(bytes: [u8; 32]) -> Result<PublicKey, KeyError> {
        let point = CompressedEdwardsY(bytes).decompress().ok_or(KeyError::Encoding)?;
        if point.compress().0 != bytes {
            return Err(KeyError::Encoding);
        }
        if point.is_small_order() || !point.is_torsion_free() {
            return Err(KeyError::Torsion);
        }
        Ok(PublicKey(bytes))
    }

    /// A key that was admitted before and comes from a place that is checked by other means.
    pub(crate) fn from_admitted(bytes: [u8; 32]) -> PublicKey {
        PublicKey(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's id.
    pub fn kid(&self) -> Kid {
        kid(&self.0)
    }
}

/// A key's id: the first 16 bytes of SHA-256 of its 32 bytes.
pub fn kid(public_key: &[u8; 32]) -> Kid {
    let digest = Sha256::digest(public_key);
    core::array::from_fn(|i| digest[i])
}

/// Whether the signature over `message` is valid under the strict rule.
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    let (r, s) = signature.split_at(32);
    let scalar = <[u8; 32]>::try_from(s).ok().and_then(|s| Option::<Scalar>::from(Scalar::from_canonical_bytes(s)));
    let (Some(s), Some(a)) = (scalar, CompressedEdwardsY(key.0).decompress()) else { return false };
    let mut hasher = Sha512::new();
    hasher.update(r);
    hasher.update(key.0);
    hasher.update(message);
    let wide: [u8; 64] = core::array::from_fn({
        let digest = hasher.finalize();
        move |i| digest[i]
    });
    let k = Scalar::from_bytes_mod_order_wide(&wide);
    EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &-a, &s).compress().as_bytes() == r
}

/// A key that signs. Making one costs as much as a signature, so keep it where many events are signed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl SecretKey {
    /// The key of a seed (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> SecretKey {
        SecretKey(SigningKey::from_bytes(seed))
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Signs a message with the key of a seed (RFC 8032).
pub fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; 64] {
    SecretKey::from_seed(seed).sign(message)
}

/// The public key of a seed.
pub fn public_key(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_verifies_and_refuses_every_flipped_bit() {
        let seed = [7; 32];
        let key = PublicKey::admit(public_key(&seed)).expect("a real key");
        let message = pae(PAYLOAD_TYPE, b"{}");
        assert_eq!(message, b"DSSEv1 28 application/cloudevents+json 2 {}");
        let signature = sign(&seed, &message);
        assert!(verify(&key, &message, &signature));
        for bit in 0..512 {
            let mut other = signature;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&key, &message, &other), "bit {bit}");
        }
    }

    #[test]
    fn small_order_and_non_canonical_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::admit(identity), Err(KeyError::Torsion));
        assert_eq!(PublicKey::admit([0; 32]), Err(KeyError::Torsion));
        let mut non_canonical = [0xFF; 32];
        (non_canonical[0], non_canonical[31]) = (0xEE, 0x7F);
        assert_eq!(PublicKey::admit(non_canonical), Err(KeyError::Encoding));
    }
}
