//! Many signatures, good and bad in every way known, on every path against the oracle and ed25519-dalek's strict rule.
//!
//! `FARECHAIN_DIFFERENTIAL=2000000` and `FARECHAIN_FUZZ=200000` say how many; `FARECHAIN_SEED=1` starts elsewhere. A failure
//! prints what repeats it.

use std::env;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, VerifyingKey};
use farechain_core::signature::{self, PublicKey};
use farechain_lanes::{Instructions, Job, Signer, Verifier};

/// L, little-endian.
const L: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
const KEYS: usize = 48;
/// Signed messages that the cases start from.
const ORIGINALS: usize = 2048;

/// xorshift64*: the same cases for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }
}

/// A signature by one of the signers, good or not.
#[derive(Clone)]
struct Case {
    signer: usize,
    message: Vec<u8>,
    signature: [u8; 64],
}

struct Scene {
    random: Random,
    signers: Vec<Signer>,
    strict: Vec<VerifyingKey>,
    originals: Vec<Case>,
    paths: Vec<(Instructions, Verifier)>,
}

fn number(variable: &str, otherwise: usize) -> usize {
    env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

impl Scene {
    fn new(stream: u64) -> Scene {
        let seed = number("FARECHAIN_SEED", 1) as u64;
        let mut random = Random((seed << 8 | stream).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let secrets: Vec<[u8; 32]> = (0..KEYS).map(|_| std::array::from_fn(|_| random.next() as u8)).collect();
        let keys: Vec<PublicKey> =
            secrets.iter().map(|secret| PublicKey::admit(signature::public_key(secret)).expect("a real key")).collect();
        let originals = (0..ORIGINALS)
            .map(|_| {
                let (signer, length) = (random.below(KEYS), random.below(700));
                let message: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
                let signature = signature::sign(&secrets[signer], &message);
                Case { signer, message, signature }
            })
            .collect();
        let path = |path| (path, Verifier::with(path, 1, usize::MAX).expect("it is available"));
        Scene {
            random,
            signers: keys.iter().map(Signer::new).collect(),
            strict: keys.iter().map(|key| VerifyingKey::from_bytes(key.as_bytes()).expect("a real key")).collect(),
            originals,
            paths: Instructions::available().into_iter().map(path).collect(),
        }
    }

    /// What the oracle says. The strict rule is the same but for R: it refuses small order, the oracle what is not equal.
    fn expected(&self, case: &Case) -> bool {
        let oracle = signature::verify(self.signers[case.signer].key(), &case.message, &case.signature);
        let small = CompressedEdwardsY::from_slice(&case.signature[..32])
            .is_ok_and(|r| r.decompress().is_some_and(|point| point.is_small_order()));
        if !small {
            let strict = &self.strict[case.signer];
            let strictly = strict.verify_strict(&case.message, &Signature::from_bytes(&case.signature)).is_ok();
            assert_eq!(oracle, strictly, "{:?} {:02x?}", case.message, case.signature);
        }
        oracle
    }

    /// Every path gives these verdicts; a message is cut where `cut` says.
    fn check(&self, cases: &[Case], expected: &[bool], cut: usize) {
        let jobs: Vec<Job<'_>> = cases
            .iter()
            .map(|case| {
                let (prefix, message) = case.message.split_at(cut % (case.message.len() + 1));
                Job { signer: &self.signers[case.signer], prefix, message, signature: &case.signature }
            })
            .collect();
        for (path, verifier) in &self.paths {
            let verdicts = verifier.verify_batch(&jobs);
            assert_eq!(verdicts.len(), cases.len());
            for ((case, verdict), expected) in cases.iter().zip(verdicts).zip(expected) {
                let key = self.signers[case.signer].key();
                assert_eq!(verdict, *expected, "{path} {key:?} {:?} {:02x?}", case.message, case.signature);
            }
        }
    }

    fn original(&mut self) -> Case {
        let at = self.random.below(ORIGINALS);
        self.originals[at].clone()
    }

    /// Half are good; the others are wrong in one of the ways that implementations differ in.
    fn case(&mut self) -> Case {
        let mut case = self.original();
        let random = &mut self.random;
        let bit = random.below(512);
        match random.below(22) {
            0..2 => case.signature[bit / 8] ^= 1 << (bit % 8),
            2 => case.message.push(bit as u8),
            3 => case.signer = (case.signer + 1 + random.below(KEYS - 1)) % KEYS,
            4 => add(&mut case.signature[32..], &L),
            5 => case.signature[63] ^= 0xE0,
            6 => case.signature[31] ^= 0x80,
            7 => case.signature[..32].copy_from_slice(&EIGHT_TORSION[bit % 8].compress().0),
            8 => {
                // Not canonical: p and a little, and the top bit.
                case.signature[..32].fill(0xFF);
                case.signature[0] = 0xEC + (bit % 20) as u8;
                case.signature[31] = if bit < 256 { 0x7F } else { 0xFF };
            }
            9 => {
                // The equation holds but for a point of small order.
                let r = CompressedEdwardsY::from_slice(&case.signature[..32]).expect("32 bytes");
                let moved = r.decompress().expect("a signature's R") + EIGHT_TORSION[1 + bit % 7];
                case.signature[..32].copy_from_slice(&moved.compress().0);
            }
            10 => case.signature[32..].fill(0),
            _ => {}
        }
        case
    }

    /// Any bytes of a case changed, several times.
    fn mutant(&mut self) -> Case {
        let (mut case, other) = (self.original(), self.original());
        let random = &mut self.random;
        for _ in 0..random.below(4) {
            let (at, value) = (random.below(64), random.next() as u8);
            match random.below(9) {
                0 => case.signature[at] = value,
                1 => case.signature[at] = [0, 1, 0x7F, 0x80, 0xED, 0xFF][usize::from(value) % 6],
                2 => case.signature[at..].copy_from_slice(&other.signature[at..]),
                3 => case.signature[at..].fill(value),
                4 => case.signature.rotate_left(at),
                5 => case.message.truncate(at * 8),
                6 => case.message.extend(&other.message[..other.message.len().min(at)]),
                7 => case.message.iter_mut().skip(at).take(1).for_each(|byte| *byte = value),
                _ => add(&mut case.signature[32..], &L),
            }
        }
        case
    }

    fn run(&mut self, count: usize, make: fn(&mut Scene) -> Case) {
        let (mut done, mut good) = (0, 0);
        for round in 0.. {
            let size = if round % 64 == 63 { 8192 } else { round % 41 }.min(count - done);
            let cases: Vec<Case> = (0..size).map(|_| make(self)).collect();
            let expected: Vec<bool> = cases.iter().map(|case| self.expected(case)).collect();
            self.check(&cases, &expected, round);
            done += size;
            good += expected.iter().filter(|good| **good).count();
            if done == count {
                break;
            }
        }
        println!("{count} signatures, {good} of them good, on {} paths", self.paths.len());
        assert!(good > count / 10 && good < count);
    }
}

/// Little-endian, without the last carry.
fn add(bytes: &mut [u8], more: &[u8; 32]) {
    let mut carry = 0;
    for (byte, more) in bytes.iter_mut().zip(more) {
        let sum = u16::from(*byte) + u16::from(*more) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

#[test]
fn all_paths_agree_on_what_implementations_differ_in() {
    Scene::new(0).run(number("FARECHAIN_DIFFERENTIAL", 20_000), Scene::case);
}

#[test]
fn all_paths_agree_on_mutants() {
    Scene::new(1).run(number("FARECHAIN_FUZZ", 10_000), Scene::mutant);
}

#[test]
fn a_forgery_is_found_at_every_place_of_a_batch() {
    let scene = Scene::new(2);
    for size in 1..=40 {
        let mut cases = scene.originals[size..2 * size].to_vec();
        let mut expected = vec![true; size];
        scene.check(&cases, &expected, size);
        for forged in 0..size {
            cases[forged].signature[forged] ^= 1;
            expected[forged] = false;
            scene.check(&cases, &expected, size);
            cases[forged].signature[forged] ^= 1;
            expected[forged] = true;
        }
    }
}
