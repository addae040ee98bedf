//! The digits of eight scalars: `recode.rs`'s regular ones, a scalar a lane.

use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmplt_epu64_mask, _mm512_mask_xor_epi64,
    _mm512_set_epi64, _mm512_set1_epi64, _mm512_shrdv_epi64,
};

use super::field::lanes;
use crate::packed::{self, Packed};
use crate::recode::{Regular, STEPS};

/// Eight scalars below L, for tables of so many odd multiples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits8<const ODD: usize> {
    words: [__m512i; 6],
}

impl<const ODD: usize> Digits8<ODD> {
    #[target_feature(enable = "avx512f")]
    pub fn new(scalars: [&Packed; 8]) -> Digits8<ODD> {
        let digits = scalars.map(|scalar| Regular::new(&packed::odd(scalar), ODD));
        let word = |i: usize| {
            let [a, b, c, d, e, f, g, h] = digits.map(|digits| digits.words()[i].cast_signed());
            _mm512_set_epi64(h, g, f, e, d, c, b, a)
        };
        Digits8 { words: [word(0), word(1), word(2), word(3), word(4), word(5)] }
    }

    /// Which entries the digits at bit `position` take, counted over all tables of a point, and which are negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vbmi2")]
    pub fn at(&self, position: usize) -> ([u64; 8], __mmask8) {
        let (word, shift) = (position / 64, _mm512_set1_epi64((position % 64).cast_signed() as i64));
        let all = |number: usize| _mm512_set1_epi64(number.cast_signed() as i64);
        let window = _mm512_shrdv_epi64(self.words[word], self.words[word + 1], shift);
        let window = _mm512_and_si512(window, all(2 * ODD - 1));
        // A window w is the digit 2w + 1 - 2 ODD, whose odd multiple is entry w - ODD or, if negative, ODD - 1 - w.
        let negative = _mm512_cmplt_epu64_mask(window, all(ODD));
        let entry = _mm512_and_si512(window, all(ODD - 1));
        let entry = _mm512_mask_xor_epi64(entry, negative, entry, all(ODD - 1));
        (lanes(_mm512_add_epi64(entry, all(position / STEPS * ODD))), negative)
    }
}
