//! Four signatures at a time, one a lane, on processors with AVX2.
//!
//! Tables are the portable ones. Digits are all odd, so that each lane adds at the same places.

mod field;
mod point;
mod sha512;

use std::arch::x86_64::{__m256i, _MM_HINT_T0, _mm_prefetch, _mm256_set_epi64x};

use crate::packed::{self, Packed};
use crate::portable::{self, point::Projective};
use crate::recode::{Regular, STEPS, positions};
use crate::sha512::Message;
use crate::table::{BASE, BASE_MULTIPLES, KEY_MULTIPLES, KeyTable, Table};
use crate::verdicts::Warm;
use point::{Completed4, Niels4};

/// What proves that this processor has AVX2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// Asks the processor, once a process.
    pub fn detect() -> Option<Avx2> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }

    /// Whether each equation holds; one inversion for all.
    pub fn hold(self, equations: &[Warm<'_>]) -> Vec<bool> {
        let (fours, few) = equations.as_chunks::<4>();
        let mut points: Vec<Projective> = fours.iter().flat_map(|four| self.multiply(four)).collect();
        points.extend(few.iter().map(|equation| portable::multiply(*equation)));
        portable::encode_to(&points, equations)
    }

    /// `[s]B + [k](-A)` of four.
    #[allow(unsafe_code, reason = "entering code that needs AVX2 is what this module is for")]
    fn multiply(self, equations: &[Warm<'_>; 4]) -> [Projective; 4] {
        let Avx2(()) = self;
        // SAFETY: the callee asks for nothing but AVX2, and an `Avx2` exists only where `detect` found it.
        unsafe { multiply(equations) }
    }

    /// The SHA-512 of four messages.
    #[allow(unsafe_code, reason = "entering code that needs AVX2 is what this module is for")]
    pub fn sha512(self, messages: &[Message<'_>; 4]) -> [[u8; 64]; 4] {
        let Avx2(()) = self;
        // SAFETY: as above.
        unsafe { sha512::digests(messages) }
    }
}

/// See [`Avx2::multiply`].
#[target_feature(enable = "avx2")]
fn multiply(equations: &[Warm<'_>; 4]) -> [Projective; 4] {
    let s = equations.map(|(_, equation)| Regular::new(&packed::odd(&equation.s), BASE_MULTIPLES));
    let k = equations.map(|(_, equation)| Regular::new(&packed::odd(&equation.k), KEY_MULTIPLES));
    let keys = equations.map(|(table, _)| table);
    let mut sum = Completed4::identity();
    for step in (0..STEPS).rev() {
        if step != STEPS - 1 {
            sum.double();
        }
        if step != 0 {
            fetch(keys, &k, step - 1);
        }
        for position in positions(step) {
            if Regular::has(position, KEY_MULTIPLES) {
                sum.add(&term(keys, &k, position));
            }
            if Regular::has(position, BASE_MULTIPLES) {
                sum.add(&term([&*BASE; 4], &s, position));
            }
        }
    }
    sum.points()
}

/// Asks memory for what the keys' digits of a step will read: thousands of keys do not fit into a cache.
#[inline]
#[target_feature(enable = "avx2")]
fn fetch(tables: [&KeyTable; 4], digits: &[Regular; 4], step: usize) {
    for position in positions(step).filter(|&position| Regular::has(position, KEY_MULTIPLES)) {
        for (table, digits) in tables.iter().zip(digits) {
            let [first, .., last] = &table.entry(digits.at(position).index()).0;
            prefetch(first);
            prefetch(last);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn prefetch(words: &Packed) {
    _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(words).cast());
}

/// The entries for the digits at bit `position`.
#[inline]
#[target_feature(enable = "avx2")]
fn term<const ODD: usize>(tables: [&Table<ODD>; 4], digits: &[Regular; 4], position: usize) -> Niels4 {
    let terms = [0, 1, 2, 3].map(|lane: usize| digits[lane].at(position));
    let [a, b, c, d] = terms.map(|term| -i64::from(term.is_negative()));
    let negative: __m256i = _mm256_set_epi64x(d, c, b, a);
    Niels4::gather(std::array::from_fn(|lane| tables[lane].entry(terms[lane].index())), negative)
}
