//! Eight signatures at a time, one a lane, on processors with AVX-512 and its 52-bit multiplier (IFMA).
//!
//! Tables are the portable ones. Digits are all odd, so that each lane adds at the same places.

#![allow(clippy::many_single_char_names, reason = "scalars and coordinates, as in the equation")]

mod digits;
mod field;
mod point;
mod sha512;

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch, _mm512_cmpeq_epi64_mask, _mm512_slli_epi64, _mm512_xor_si512};

use crate::packed::Packed;
use crate::portable::field::Fe;
use crate::recode::{Regular, STEPS, positions};
use crate::sha512::Message;
use crate::table::{BASE, BASE_MULTIPLES, KEY_MULTIPLES, KeyTable, Table};
use crate::verdicts::Warm;
use digits::Digits8;
use field::{Fe8, transpose};
use point::{Completed8, Niels8};

/// Groups of eight whose additions alternate, so that one computes while the other waits for its carries.
const ABREAST: usize = 2;

/// What proves that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// Asks the processor, once a process.
    pub fn detect() -> Option<Avx512> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vbmi2");
        has.then_some(Avx512(()))
    }

    /// Whether each equation holds; one inversion for all.
    #[allow(unsafe_code, reason = "entering code that needs AVX-512 is what this module is for")]
    pub fn hold(self, equations: &[Warm<'_>]) -> Vec<bool> {
        let Avx512(()) = self;
        // SAFETY: the callee asks for nothing but what `detect` asks the processor for, and an `Avx512` exists only where
        // it was found.
        unsafe { hold(equations) }
    }

    /// The SHA-512 of eight messages.
    #[allow(unsafe_code, reason = "entering code that needs AVX-512 is what this module is for")]
    pub fn sha512(self, messages: &[Message<'_>; 8]) -> [[u8; 64]; 8] {
        let Avx512(()) = self;
        // SAFETY: as above.
        unsafe { sha512::digests(messages) }
    }
}

/// See [`Avx512::hold`].
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn hold(equations: &[Warm<'_>]) -> Vec<bool> {
    let Some(&first) = equations.first() else { return Vec::new() };
    // Idle lanes do the first equation again.
    let groups: Vec<[Warm<'_>; 8]> =
        equations.chunks(8).map(|few| std::array::from_fn(|lane| *few.get(lane).unwrap_or(&first))).collect();
    let mut points = Vec::with_capacity(groups.len());
    let (pairs, last) = groups.as_chunks::<ABREAST>();
    for pair in pairs {
        points.extend(multiply(pair));
    }
    for group in last {
        points.extend(multiply(std::array::from_ref(group)));
    }
    let mut verdicts = encode_to(&points, &groups);
    verdicts.truncate(equations.len());
    verdicts
}

/// `[s]B + [k](-A)`, projective, of groups abreast.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn multiply<const N: usize>(groups: &[[Warm<'_>; 8]; N]) -> [[Fe8; 3]; N] {
    let s = groups.map(|group| Digits8::<BASE_MULTIPLES>::new(group.map(|(_, equation)| &equation.s)));
    let k = groups.map(|group| Digits8::<KEY_MULTIPLES>::new(group.map(|(_, equation)| &equation.k)));
    let keys = groups.map(|group| group.map(|(table, _)| table));
    let base = [&*BASE; 8];
    let mut sums = [Completed8::identity(); N];
    for step in (0..STEPS).rev() {
        if step != STEPS - 1 {
            for sum in &mut sums {
                sum.double();
            }
        }
        if step != 0 {
            for i in 0..N {
                fetch(&keys[i], &k[i], step - 1);
            }
        }
        for position in positions(step) {
            if Regular::has(position, KEY_MULTIPLES) {
                for i in 0..N {
                    sums[i].add(&term(&keys[i], &k[i], position));
                }
            }
            if Regular::has(position, BASE_MULTIPLES) {
                for i in 0..N {
                    sums[i].add(&term(&base, &s[i], position));
                }
            }
        }
    }
    let mut results = [[Fe8::zero(); 3]; N];
    for i in 0..N {
        let [x, y, z] = sums[i].projective();
        results[i] = [x.carry(), y.carry(), z.carry()];
    }
    results
}

/// Asks memory for what the keys' digits of a step will read: thousands of keys do not fit into a cache.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi2")]
fn fetch(tables: &[&KeyTable; 8], digits: &Digits8<KEY_MULTIPLES>, step: usize) {
    for position in positions(step).filter(|&position| Regular::has(position, KEY_MULTIPLES)) {
        let (entries, _) = digits.at(position);
        for (table, entry) in tables.iter().zip(entries) {
            let [first, .., last] = &table.entry(entry as usize).0;
            prefetch(first);
            prefetch(last);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch(words: &Packed) {
    _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(words).cast());
}

/// The entries for the digits at bit `position`.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi2")]
fn term<const ODD: usize>(tables: &[&Table<ODD>; 8], digits: &Digits8<ODD>, position: usize) -> Niels8 {
    let (entries, negative) = digits.at(position);
    Niels8::gather(std::array::from_fn(|lane| tables[lane].entry(entries[lane] as usize)), negative)
}

/// Whether each point, X, Y and Z, encodes to its R.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn encode_to(points: &[[Fe8; 3]], groups: &[[Warm<'_>; 8]]) -> Vec<bool> {
    // Montgomery's trick down each lane, then across the lanes.
    let mut product = Fe8::one();
    let mut before = Vec::with_capacity(points.len());
    for [.., z] in points {
        before.push(product);
        product = product.product(z);
    }
    let mut across = product.elements();
    Fe::invert_all(&mut across);
    let mut inverse = Fe8::of(&across);
    let mut verdicts = vec![false; 8 * points.len()];
    for i in (0..points.len()).rev() {
        let [x, y, z] = &points[i];
        let own = inverse.product(&before[i]);
        inverse = inverse.product(z);
        let (x, y) = (x.product(&own).pack(), y.product(&own).pack());
        let r = transpose(groups[i].map(|(_, equation)| &equation.r));
        let mut equal = _mm512_cmpeq_epi64_mask(r[3], _mm512_xor_si512(y[3], _mm512_slli_epi64::<63>(x[0])));
        for word in 0..3 {
            equal &= _mm512_cmpeq_epi64_mask(r[word], y[word]);
        }
        for lane in 0..8 {
            verdicts[8 * i + lane] = equal >> lane & 1 == 1;
        }
    }
    verdicts
}
