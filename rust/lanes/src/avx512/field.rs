//! Eight elements modulo p = 2^255 - 19 in the eight lanes of AVX-512 registers, multiplied by IFMA: limbs of 51 bits.
//!
//! IFMA multiplies the low 52 bits of each lane, so a factor is *tight*: limbs below 2^52. Products are left *raw*,
//! without carries, and sums and differences are made of raw values, so that one pass of carries follows them all. A raw
//! product's columns are below 267 * 2^52 < 2^60.1, whatever its factors; nothing raw may pass 2^63.

#![allow(clippy::many_single_char_names, reason = "five limbs, four words, eight lanes")]

use std::arch::x86_64::{
    __m256i, __m512i, __mmask8, _mm256_set_epi64x, _mm512_add_epi64, _mm512_and_si512, _mm512_castsi256_si512,
    _mm512_inserti64x4, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_sub_epi64, _mm512_mullo_epi64,
    _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_shldi_epi64, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_sub_epi64, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi64,
};

use crate::packed::Packed;
use crate::portable::field::Fe;

const MASK: i64 = (1 << 51) - 1;
/// Limb 0 of 2p and its others: no tight limb of an unpacked number is above them.
const TWO_P: [i64; 2] = [(1 << 52) - 38, (1 << 52) - 2];
/// 2048p, limb by limb: above three raw products.
const MANY_P: [i64; 2] = [(1 << 62) - 19 * 2048, (1 << 62) - 2048];

/// Eight field elements, tight: limb i holds bits from `51 i`, a lane an element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fe8([__m512i; 5]);

/// Eight sums of products before their carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw8([__m512i; 5]);

impl Fe8 {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn zero() -> Fe8 {
        Fe8([_mm512_setzero_si512(); 5])
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn one() -> Fe8 {
        let mut one = Fe8::zero();
        one.0[0] = _mm512_set1_epi64(1);
        one
    }

    /// Reads eight canonical encodings, word by word; a 256th bit is ignored.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vbmi2")]
    pub fn unpack([a, b, c, d]: [__m512i; 4]) -> Fe8 {
        let mask = _mm512_set1_epi64(MASK);
        Fe8([
            _mm512_and_si512(a, mask),
            _mm512_and_si512(_mm512_shldi_epi64::<13>(b, a), mask),
            _mm512_and_si512(_mm512_shldi_epi64::<26>(c, b), mask),
            _mm512_and_si512(_mm512_shldi_epi64::<39>(d, c), mask),
            _mm512_and_si512(_mm512_srli_epi64::<12>(d), mask),
        ])
    }

    /// The canonical encodings, word by word.
    #[target_feature(enable = "avx512f")]
    pub fn pack(&self) -> [__m512i; 4] {
        let (mut limbs, over) = chain(self.0, _mm512_setzero_si512());
        limbs[0] = _mm512_add_epi64(limbs[0], times_19(over));
        // Now below 2^255 + 38. The quotient by p is 0 or 1: it is the carry out of the top when 19 is added.
        let mut quotient = _mm512_set1_epi64(19);
        for limb in limbs {
            quotient = _mm512_srli_epi64::<51>(_mm512_add_epi64(limb, quotient));
        }
        let (limbs, _) = chain(limbs, times_19(quotient));
        let [a, b, c, d, e] = limbs;
        [
            _mm512_or_si512(a, _mm512_slli_epi64::<51>(b)),
            _mm512_or_si512(_mm512_srli_epi64::<13>(b), _mm512_slli_epi64::<38>(c)),
            _mm512_or_si512(_mm512_srli_epi64::<26>(c), _mm512_slli_epi64::<25>(d)),
            _mm512_or_si512(_mm512_srli_epi64::<39>(d), _mm512_slli_epi64::<12>(e)),
        ]
    }

    /// The eight elements, one by one.
    #[target_feature(enable = "avx512f")]
    pub fn elements(&self) -> [Fe; 8] {
        let limbs = self.0.map(|limb| lanes(limb));
        std::array::from_fn(|lane| Fe(limbs.map(|limb| limb[lane])))
    }

    /// From eight elements with tight limbs.
    #[target_feature(enable = "avx512f")]
    pub fn of(elements: &[Fe; 8]) -> Fe8 {
        let limb = |i: usize| {
            let [a, b, c, d, e, f, g, h] = elements.map(|element| element.0[i].cast_signed());
            _mm512_set_epi64(h, g, f, e, d, c, b, a)
        };
        Fe8([limb(0), limb(1), limb(2), limb(3), limb(4)])
    }

    /// The negative in the lanes of the mask; of an unpacked element, whose limbs are below 2^51.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn negate_if(&self, mask: __mmask8) -> Fe8 {
        let mut negated = *self;
        for i in 0..5 {
            let p = _mm512_set1_epi64(TWO_P[usize::from(i > 0)]);
            negated.0[i] = _mm512_mask_sub_epi64(self.0[i], mask, p, self.0[i]);
        }
        negated
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn multiply(&self, other: &Fe8) -> Raw8 {
        let mut columns = [_mm512_setzero_si512(); 10];
        for i in 0..5 {
            for j in 0..5 {
                columns[i + j + 1] = _mm512_madd52hi_epu64(columns[i + j + 1], self.0[i], other.0[j]);
            }
        }
        // The high half starts at bit 52, twice what the next column is worth.
        for column in &mut columns[1..] {
            *column = _mm512_add_epi64(*column, *column);
        }
        for i in 0..5 {
            for j in 0..5 {
                columns[i + j] = _mm512_madd52lo_epu64(columns[i + j], self.0[i], other.0[j]);
            }
        }
        fold(&columns)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn square(&self) -> Raw8 {
        // Products of two different limbs count twice, and only once their sum is whole: twice a limb is not tight.
        let mut mixed = [_mm512_setzero_si512(); 10];
        let mut own = [_mm512_setzero_si512(); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                mixed[i + j + 1] = _mm512_madd52hi_epu64(mixed[i + j + 1], self.0[i], self.0[j]);
            }
            own[2 * i + 1] = _mm512_madd52hi_epu64(own[2 * i + 1], self.0[i], self.0[i]);
        }
        for column in &mut mixed[2..] {
            *column = _mm512_add_epi64(*column, *column);
        }
        for i in 0..5 {
            own[2 * i + 1] = _mm512_add_epi64(own[2 * i + 1], own[2 * i + 1]);
            for j in i + 1..5 {
                mixed[i + j] = _mm512_madd52lo_epu64(mixed[i + j], self.0[i], self.0[j]);
            }
            own[2 * i] = _mm512_madd52lo_epu64(own[2 * i], self.0[i], self.0[i]);
        }
        for i in 0..10 {
            own[i] = _mm512_add_epi64(own[i], _mm512_add_epi64(mixed[i], mixed[i]));
        }
        fold(&own)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn product(&self, other: &Fe8) -> Fe8 {
        self.multiply(other).carry()
    }
}

impl Raw8 {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn add(&self, other: &Raw8) -> Raw8 {
        let mut sum = *self;
        for i in 0..5 {
            sum.0[i] = _mm512_add_epi64(sum.0[i], other.0[i]);
        }
        sum
    }

    /// At most 2^62 more than the left side; on the right at most three products.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn subtract(&self, other: &Raw8) -> Raw8 {
        let mut difference = *self;
        for i in 0..5 {
            let p = _mm512_set1_epi64(MANY_P[usize::from(i > 0)]);
            difference.0[i] = _mm512_add_epi64(difference.0[i], _mm512_sub_epi64(p, other.0[i]));
        }
        difference
    }

    /// Tight: from below 2^63, 19 carries of 12 bits are below 2^17.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn carry(&self) -> Fe8 {
        let mask = _mm512_set1_epi64(MASK);
        let mut limbs = *self;
        for i in 0..5 {
            let own = _mm512_and_si512(self.0[i], mask);
            let over = _mm512_srli_epi64::<51>(self.0[(i + 4) % 5]);
            limbs.0[i] = if i == 0 {
                _mm512_madd52lo_epu64(own, over, _mm512_set1_epi64(19))
            } else {
                _mm512_add_epi64(own, over)
            };
        }
        Fe8(limbs.0)
    }
}

/// Carries from limb to limb, and out of the top; the limbs are below 2^51 then.
#[inline]
#[target_feature(enable = "avx512f")]
fn chain(mut limbs: [__m512i; 5], mut carry: __m512i) -> ([__m512i; 5], __m512i) {
    for limb in &mut limbs {
        carry = _mm512_add_epi64(*limb, carry);
        *limb = _mm512_and_si512(carry, _mm512_set1_epi64(MASK));
        carry = _mm512_srli_epi64::<51>(carry);
    }
    (limbs, carry)
}

/// Five columns of ten: 2^255 is worth 19.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn fold(columns: &[__m512i; 10]) -> Raw8 {
    let mut folded = [_mm512_setzero_si512(); 5];
    for i in 0..5 {
        folded[i] = _mm512_add_epi64(columns[i], _mm512_mullo_epi64(columns[i + 5], _mm512_set1_epi64(19)));
    }
    Raw8(folded)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn times_19(x: __m512i) -> __m512i {
    let three = _mm512_add_epi64(x, _mm512_add_epi64(x, x));
    _mm512_add_epi64(three, _mm512_slli_epi64::<4>(x))
}

/// Eight numbers of four words: word by word, a number a lane.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn transpose(numbers: [&Packed; 8]) -> [__m512i; 4] {
    let row = |number: &Packed| -> __m256i {
        let [a, b, c, d] = number.map(u64::cast_signed);
        _mm256_set_epi64x(d, c, b, a)
    };
    let pair = |low: usize| _mm512_inserti64x4::<1>(_mm512_castsi256_si512(row(numbers[low])), row(numbers[low + 4]));
    let [a, b, c, d] = [pair(0), pair(1), pair(2), pair(3)];
    let (ab_even, ab_odd) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let (cd_even, cd_odd) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
    let first = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    let second = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    [
        _mm512_permutex2var_epi64(ab_even, first, cd_even),
        _mm512_permutex2var_epi64(ab_odd, first, cd_odd),
        _mm512_permutex2var_epi64(ab_even, second, cd_even),
        _mm512_permutex2var_epi64(ab_odd, second, cd_odd),
    ]
}

/// A register's lanes as numbers.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the only way out of a register")]
pub(crate) fn lanes(register: __m512i) -> [u64; 8] {
    // SAFETY: both are 64 bytes, and every bit pattern is a number.
    unsafe { std::mem::transmute(register) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::avx512::Avx512;

    /// A tight element's limbs, often the least or the most; four of its lanes are others.
    fn limbs() -> impl Strategy<Value = [[u64; 5]; 8]> {
        let most = (1_u64 << 52) - 1;
        let limb =
            prop_oneof![2 => 0..=most, 1 => Just(most), 1 => Just(0_u64), 1 => (1_u64 << 51) - 20..=(1_u64 << 51) + 20];
        prop::array::uniform8(prop::array::uniform5(limb))
    }

    type Results = [[[u64; 4]; 8]; 8];

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
    fn here(left: &[Fe; 8], right: &[Fe; 8], mask: u8) -> Results {
        let (f, g) = (Fe8::of(left), Fe8::of(right));
        let (product, square) = (f.multiply(&g), g.square());
        let three = square.add(&square).add(&product);
        let words = |element: &Fe8| {
            let words = element.pack().map(|word| lanes(word));
            std::array::from_fn(|lane| words.map(|word| word[lane]))
        };
        let packed: [Packed; 8] = words(&f);
        let again = Fe8::unpack(transpose(packed.each_ref()));
        [
            packed,
            words(&product.carry()),
            words(&square.carry()),
            words(&product.subtract(&square).carry()),
            words(&square.add(&product).subtract(&three).carry()),
            words(&three.subtract(&product).carry()),
            words(&again.negate_if(mask)),
            words(&again.negate_if(mask).product(&g)),
        ]
    }

    fn there(left: &[Fe; 8], right: &[Fe; 8], mask: u8) -> Results {
        let each = |result: &dyn Fn(Fe, Fe) -> Fe| -> [Packed; 8] {
            // Tight limbs of the lanes are loose ones here.
            std::array::from_fn(|lane| result(left[lane] * Fe::ONE, right[lane] * Fe::ONE).pack())
        };
        let mut negated = each(&|f, _| Fe::ZERO - f);
        let mut product = each(&|f, g| (Fe::ZERO - f) * g);
        for lane in (0..8).filter(|lane| mask >> lane & 1 == 0) {
            (negated[lane], product[lane]) = (each(&|f, _| f)[lane], each(&|f, g| f * g)[lane]);
        }
        [
            each(&|f, _| f),
            each(&|f, g| f * g),
            each(&|_, g| g.square()),
            each(&|f, g| f * g - g.square()),
            each(&|_, g| Fe::ZERO - g.square()),
            each(&|_, g| g.square() + g.square()),
            negated,
            product,
        ]
    }

    proptest! {
        #[test]
        fn lanes_compute_what_the_portable_field_does(left in limbs(), right in limbs(), mask in any::<u8>()) {
            if Avx512::detect().is_none() {
                return Ok(()); // there are no lanes to compare
            }
            let (left, right) = (left.map(Fe), right.map(Fe));
            // SAFETY: `detect` asked the processor for all that the callee needs.
            #[allow(unsafe_code, reason = "entering code that needs AVX-512")]
            let here = unsafe { here(&left, &right, mask) };
            prop_assert_eq!(here, there(&left, &right, mask));
        }
    }
}
