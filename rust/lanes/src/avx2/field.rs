//! Four elements modulo p = 2^255 - 19 in the four lanes of AVX2 registers: ten limbs of 26 and 25 bits in turn.
//!
//! Bounds, in units of a limb's size (2^26 even, 2^25 odd): products and reductions are *tight*, one unit and a little;
//! everything else says how many units it gives. A product takes at most five units on its left and three on its right:
//! three times 19 is the most that 32 bits hold, and ten columns of 5 * 3 * 38 then stay below 2^63.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_blendv_epi8, _mm256_extract_epi64, _mm256_mul_epu32,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_sub_epi64,
};

use crate::portable::field::Fe;

const MASK26: i64 = (1 << 26) - 1;
const MASK25: i64 = (1 << 25) - 1;

/// The block for each limb, with its number a constant: the compiler does not unroll a loop that long by itself, and only
/// constant numbers let the limbs live in registers.
macro_rules! each_limb {
    ($limb:ident => $block:block) => {
        each_limb!(@ $limb $block 0 1 2 3 4 5 6 7 8 9);
    };
    (@ $limb:ident $block:block $($number:literal)*) => {
        $({ const $limb: usize = $number; $block })*
    };
}

/// Four field elements: limb i holds bits from `ceil(25.5 i)`, a lane an element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fe4([__m256i; 10]);

impl Fe4 {
    #[target_feature(enable = "avx2")]
    pub fn zero() -> Fe4 {
        Fe4([_mm256_setzero_si256(); 10])
    }

    #[target_feature(enable = "avx2")]
    pub fn one() -> Fe4 {
        let mut one = Fe4::zero();
        one.0[0] = _mm256_set1_epi64x(1);
        one
    }

    /// Reads four canonical encodings, word by word.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn unpack(words: [__m256i; 4]) -> Fe4 {
        let [a, b, c, d] = words;
        let low = |x| _mm256_and_si256(x, _mm256_set1_epi64x(MASK26));
        let high = |x| _mm256_and_si256(x, _mm256_set1_epi64x(MASK25));
        let join = |x, y| _mm256_add_epi64(x, y);
        Fe4([
            low(a),
            high(_mm256_srli_epi64::<26>(a)),
            low(join(_mm256_srli_epi64::<51>(a), _mm256_slli_epi64::<13>(b))),
            high(_mm256_srli_epi64::<13>(b)),
            low(join(_mm256_srli_epi64::<38>(b), _mm256_slli_epi64::<26>(c))),
            high(c),
            low(_mm256_srli_epi64::<25>(c)),
            high(join(_mm256_srli_epi64::<51>(c), _mm256_slli_epi64::<13>(d))),
            low(_mm256_srli_epi64::<12>(d)),
            high(_mm256_srli_epi64::<38>(d)),
        ])
    }

    /// The four elements, one by one; from at most three units.
    #[target_feature(enable = "avx2")]
    pub fn elements(&self) -> [Fe; 4] {
        let mut elements = [Fe::ZERO; 4];
        for i in 0..5 {
            let limb = _mm256_add_epi64(self.0[2 * i], _mm256_slli_epi64::<26>(self.0[2 * i + 1]));
            for (element, limb) in elements.iter_mut().zip(lanes(limb)) {
                element.0[i] = limb;
            }
        }
        elements
    }

    /// The units of both, added.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn add(&self, other: &Fe4) -> Fe4 {
        let mut sum = *self;
        for i in 0..10 {
            sum.0[i] = _mm256_add_epi64(sum.0[i], other.0[i]);
        }
        sum
    }

    /// `UNITS` more than on the left, of which the right side has fewer.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn subtract<const UNITS: i64>(&self, other: &Fe4) -> Fe4 {
        let mut difference = *self;
        for i in 0..10 {
            // UNITS times p, so that no limb goes below zero.
            let p = match i {
                0 => MASK26 - 18,
                _ if i % 2 == 0 => MASK26,
                _ => MASK25,
            };
            let above = _mm256_add_epi64(difference.0[i], _mm256_set1_epi64x(UNITS * p));
            difference.0[i] = _mm256_sub_epi64(above, other.0[i]);
        }
        difference
    }

    /// The other's element in the lanes whose mask is all ones.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn blend(&self, other: &Fe4, mask: __m256i) -> Fe4 {
        let mut mixed = *self;
        for i in 0..10 {
            mixed.0[i] = _mm256_blendv_epi8(mixed.0[i], other.0[i], mask);
        }
        mixed
    }

    /// Tight again, from any number of units that fits.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn reduce(&self) -> Fe4 {
        let mut reduced = *self;
        let mut carry = _mm256_setzero_si256();
        for (i, limb) in reduced.0.iter_mut().enumerate() {
            let (own, over) = cut(i, *limb);
            *limb = _mm256_add_epi64(own, carry);
            carry = over;
        }
        reduced.0[0] = _mm256_add_epi64(reduced.0[0], _mm256_mul_epu32(carry, _mm256_set1_epi64x(19)));
        reduced
    }

    /// The product: at most five units on the left and three on the right.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn multiply(&self, other: &Fe4) -> Fe4 {
        let f = &self.0;
        // The right side twice, first as it is worth when it wraps, so that row i is the ten limbs from 10 - i.
        let mut rows = [_mm256_setzero_si256(); 20];
        for j in 0..10 {
            rows[j] = _mm256_mul_epu32(other.0[j], _mm256_set1_epi64x(19));
            rows[10 + j] = other.0[j];
        }
        let mut columns = [_mm256_setzero_si256(); 10];
        for i in 0..10 {
            // Two limbs at odd places meet half a bit below their column, which is then even.
            let even = if i % 2 == 1 { _mm256_add_epi64(f[i], f[i]) } else { f[i] };
            let row = &rows[10 - i..20 - i];
            for k in 0..10 {
                let left = if k % 2 == 0 { even } else { f[i] };
                columns[k] = _mm256_add_epi64(columns[k], _mm256_mul_epu32(left, row[k]));
            }
        }
        carry(columns)
    }

    /// The square, of at most two units.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn square(&self) -> Fe4 {
        let f = &self.0;
        // What wraps is worth 19, and at odd places twice that.
        let mut over = *f;
        for (i, limb) in over.iter_mut().enumerate().skip(5) {
            *limb = _mm256_mul_epu32(*limb, _mm256_set1_epi64x(if i % 2 == 1 { 38 } else { 19 }));
        }
        let mut columns = [_mm256_setzero_si256(); 10];
        each_limb!(I => {
            let twice = _mm256_add_epi64(f[I], f[I]);
            let four_times = _mm256_add_epi64(twice, twice);
            for j in I..10 {
                let orders = if j == I { 1 } else { 2 };
                let halves = if I % 2 == 1 && j % 2 == 1 { 2 } else { 1 };
                let (right, has) = if I + j < 10 { (f[j], 1) } else { (over[j], 1 + j % 2) };
                let left = match orders * halves / has {
                    1 => f[I],
                    2 => twice,
                    _ => four_times,
                };
                let column = &mut columns[(I + j) % 10];
                *column = _mm256_add_epi64(*column, _mm256_mul_epu32(left, right));
            }
        });
        carry(columns)
    }
}

/// A register's lanes as numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) fn lanes(register: __m256i) -> [u64; 4] {
    [
        _mm256_extract_epi64::<0>(register).cast_unsigned(),
        _mm256_extract_epi64::<1>(register).cast_unsigned(),
        _mm256_extract_epi64::<2>(register).cast_unsigned(),
        _mm256_extract_epi64::<3>(register).cast_unsigned(),
    ]
}

/// The limb's own bits, and what is above them.
#[inline]
#[target_feature(enable = "avx2")]
fn cut(i: usize, limb: __m256i) -> (__m256i, __m256i) {
    if i.is_multiple_of(2) {
        (_mm256_and_si256(limb, _mm256_set1_epi64x(MASK26)), _mm256_srli_epi64::<26>(limb))
    } else {
        (_mm256_and_si256(limb, _mm256_set1_epi64x(MASK25)), _mm256_srli_epi64::<25>(limb))
    }
}

/// Carries columns below 2^63: two chains side by side, as in ref10. The result is tight.
#[inline]
#[target_feature(enable = "avx2")]
fn carry(mut columns: [__m256i; 10]) -> Fe4 {
    for i in [0, 4, 1, 5, 2, 6, 3, 7, 4, 8] {
        let (limb, over) = cut(i, columns[i]);
        columns[i] = limb;
        columns[i + 1] = _mm256_add_epi64(columns[i + 1], over);
    }
    let (limb, over) = cut(9, columns[9]);
    columns[9] = limb;
    // 19 times a carry of up to 38 bits.
    let twice = _mm256_add_epi64(over, over);
    let many = _mm256_add_epi64(_mm256_add_epi64(over, twice), _mm256_slli_epi64::<3>(twice));
    let (limb, over) = cut(0, _mm256_add_epi64(columns[0], many));
    columns[0] = limb;
    columns[1] = _mm256_add_epi64(columns[1], over);
    Fe4(columns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An element's limbs, each at most `units` of its size and a little, often the most.
    fn limbs(units: u64) -> impl Strategy<Value = [u64; 10]> {
        prop::array::uniform10(prop_oneof![2 => 0..=u64::MAX, 1 => Just(u64::MAX)]).prop_map(move |limbs| {
            std::array::from_fn(|i| limbs[i] % (units << (26 - i % 2)) + if limbs[i] == u64::MAX { 1 << 15 } else { 0 })
        })
    }

    /// Four copies but for the last lane, which is one more.
    #[target_feature(enable = "avx2")]
    fn lanes(limbs: [u64; 10]) -> Fe4 {
        let mut lanes = Fe4::zero();
        for (lane, limb) in lanes.0.iter_mut().zip(limbs) {
            *lane = _mm256_set1_epi64x(limb.cast_signed());
        }
        lanes.0[0] = _mm256_add_epi64(lanes.0[0], std::arch::x86_64::_mm256_set_epi64x(1, 0, 0, 0));
        lanes
    }

    fn portable(limbs: [u64; 10]) -> [Fe; 4] {
        let first = Fe(std::array::from_fn(|i| limbs[2 * i] + (limbs[2 * i + 1] << 26))) * Fe::ONE;
        [first, first, first, first + Fe::ONE]
    }

    type Limbs = [u64; 10];
    /// Four results of four lanes.
    type Results = [[[u64; 4]; 4]; 4];

    /// Both sides' results, packed: the product, the square of the right, the sum, the difference, and it reduced.
    #[target_feature(enable = "avx2")]
    fn results(left: Limbs, right: Limbs, small: Limbs) -> (Results, Results) {
        let (f, g, h) = (lanes(left), lanes(right), lanes(small));
        let difference = h.subtract::<4>(&h.add(&h));
        let here = [f.multiply(&g), h.add(&h).square(), f.reduce().add(&g.reduce()), difference.reduce()];
        let here = here.map(|lanes| lanes.elements().map(Fe::pack));
        let (f, g, h) = (portable(left), portable(right), portable(small));
        let each = |result: &dyn Fn(usize) -> Fe| [0, 1, 2, 3].map(|i| result(i).pack());
        let there = [
            each(&|i| f[i] * g[i]),
            each(&|i| (h[i] + h[i]).square()),
            each(&|i| f[i] + g[i]),
            each(&|i| (Fe::ZERO - h[i]) * Fe::ONE),
        ];
        (here, there)
    }

    proptest! {
        #[test]
        fn lanes_compute_what_the_portable_field_does(left in limbs(5), right in limbs(3), small in limbs(1)) {
            if !is_x86_feature_detected!("avx2") {
                return Ok(()); // there are no lanes to compare
            }
            // SAFETY: the processor was asked for AVX2, and the callee needs nothing else.
            #[allow(unsafe_code, reason = "entering code that needs AVX2")]
            let (here, there) = unsafe { results(left, right, small) };
            prop_assert_eq!(here, there);
        }
    }
}
