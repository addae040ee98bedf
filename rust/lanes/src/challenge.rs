//! From signatures and their messages to the two scalars of each equation.

use curve25519_dalek::Scalar;

use crate::Job;
use crate::instructions::Path;
use crate::packed::{self, Packed};
use crate::sha512::Message;

/// What `[s]B - [k]A` has to encode to, and its scalars, both below L.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Equation {
    pub r: Packed,
    pub s: Packed,
    pub k: Packed,
}

impl Equation {
    /// The jobs' equations; none where S is not below L, so that the signature is refused without arithmetic.
    pub fn of_all(path: Path, jobs: &[&Job<'_>]) -> Vec<Option<Equation>> {
        let messages: Vec<Message<'_>> = jobs
            .iter()
            .map(|job| Message::new([&job.signature[..32], job.signer.key().as_bytes(), job.prefix, job.message]))
            .collect();
        jobs.iter()
            .zip(digests(path, &messages))
            .map(|(job, digest)| {
                let (halves, _) = job.signature.as_chunks::<32>();
                let [r, s] = [&halves[0], &halves[1]].map(packed::from_bytes);
                let k = || packed::from_bytes(Scalar::from_bytes_mod_order_wide(&digest).as_bytes());
                packed::is_below_order(&s).then(|| Equation { r, s, k: k() })
            })
            .collect()
    }
}

/// The messages' SHA-512, in their order.
fn digests(path: Path, messages: &[Message<'_>]) -> Vec<[u8; 64]> {
    match path {
        Path::Portable => messages.iter().map(Message::digest).collect(),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2(avx2) => in_lanes(messages, |four| avx2.sha512(four)),
        #[cfg(target_arch = "x86_64")]
        Path::Avx512(avx512) => in_lanes(messages, |eight| avx512.sha512(eight)),
    }
}

/// The digests of as many messages at a time as there are lanes, the lengths in order, so that few lanes wait for a longer
/// one; the message that is left alone by itself.
#[cfg(target_arch = "x86_64")]
fn in_lanes<const LANES: usize>(
    messages: &[Message<'_>],
    hash: impl Fn(&[Message<'_>; LANES]) -> [[u8; 64]; LANES],
) -> Vec<[u8; 64]> {
    let mut order: Vec<usize> = (0..messages.len()).collect();
    order.sort_by_key(|&i| messages[i].blocks_left());
    let mut digests = vec![[0; 64]; messages.len()];
    for some in order.chunks(LANES) {
        if let [alone] = some {
            digests[*alone] = messages[*alone].digest();
            continue;
        }
        // Idle lanes do the first again.
        let lanes = hash(&std::array::from_fn(|lane| messages[*some.get(lane).unwrap_or(&some[0])]));
        for (&i, digest) in some.iter().zip(lanes) {
            digests[i] = digest;
        }
    }
    digests
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha512};

    use super::*;
    use crate::Instructions;

    #[test]
    fn every_path_hashes_messages_of_any_lengths_as_sha2_does() {
        let bytes: Vec<u8> = (0..1200_u32).map(|i| ((i * i) >> 3) as u8).collect();
        // All lengths around the ends of blocks, short and long beside each other.
        let lengths: Vec<usize> = (0..600).map(|i| i * 263 % 600).chain([1200, 0, 1111]).collect();
        for count in (0..20).chain([lengths.len()]) {
            let pieces = lengths[..count].iter().map(|&length| {
                let (first, rest) = bytes[..length].split_at(length / 3);
                [first, &[], &rest[..rest.len() / 2], &rest[rest.len() / 2..]]
            });
            let messages: Vec<Message<'_>> = pieces.map(Message::new).collect();
            let expected: Vec<[u8; 64]> =
                lengths[..count].iter().map(|&length| Sha512::digest(&bytes[..length]).into()).collect();
            for path in Instructions::available().into_iter().filter_map(Path::of) {
                assert!(digests(path, &messages) == expected, "{path:?}, {count} messages");
            }
        }
    }
}
