//! Arithmetic modulo p = 2^255 - 19 in five limbs of 51 bits, in variable time: everything here is public.
//!
//! Bounds: a limb is *tight* below 2^51 + 2^14 and *loose* below 2^54. Products are tight and take loose operands.

#![allow(clippy::many_single_char_names, reason = "five limbs, as in the formulas")]

use std::ops::{Add, Mul, Sub};

use crate::packed::Packed;

const MASK: u64 = (1 << 51) - 1;
/// 4p, limb by limb: added before a subtraction so that no limb goes below zero.
const FOUR_P: [u64; 5] = [(1 << 53) - 76, (1 << 53) - 4, (1 << 53) - 4, (1 << 53) - 4, (1 << 53) - 4];

/// A field element: sum of `limb[i] * 2^(51 i)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fe(pub [u64; 5]);

impl Fe {
    pub const ZERO: Fe = Fe([0; 5]);
    pub const ONE: Fe = Fe([1, 0, 0, 0, 0]);

    /// Reads a canonical encoding; a 256th bit is ignored.
    pub fn unpack(words: &Packed) -> Fe {
        let [a, b, c, d] = *words;
        Fe([
            a & MASK,
            (a >> 51 | b << 13) & MASK,
            (b >> 38 | c << 26) & MASK,
            (c >> 25 | d << 39) & MASK,
            d >> 12 & MASK,
        ])
    }

    /// The canonical encoding, as four little-endian words.
    pub fn pack(self) -> Packed {
        let mut limbs = carry(self.0.map(u128::from));
        // The quotient by p is 0 or 1 now: it is the carry out of the top when 19 is added.
        let quotient = limbs.iter().fold(19, |carry, limb| (limb + carry) >> 51);
        let mut low = 19 * quotient;
        for limb in &mut limbs {
            low += *limb;
            *limb = low & MASK;
            low >>= 51;
        }
        let [a, b, c, d, e] = limbs;
        [a | b << 51, b >> 13 | c << 38, c >> 26 | d << 25, d >> 39 | e << 12]
    }

    pub fn square(self) -> Fe {
        let [a, b, c, d, e] = self.0;
        let m = |x: u64, y: u64| u128::from(x) * u128::from(y);
        let (a2, b2, c2, d2, d19, e19) = (a * 2, b * 2, c * 2, d * 2, d * 19, e * 19);
        Fe(carry([
            m(a, a) + m(b2, e19) + m(c2, d19),
            m(d, d19) + m(a2, b) + m(c2, e19),
            m(b, b) + m(a2, c) + m(d2, e19),
            m(e, e19) + m(a2, d) + m(b2, c),
            m(c, c) + m(a2, e) + m(b2, d),
        ]))
    }

    fn square_times(self, times: u32) -> Fe {
        (0..times).fold(self, |x, _| x.square())
    }

    /// `self^(2^250 - 1)` and `self^11`, which both chains below start from.
    fn power_ones250(self) -> (Fe, Fe) {
        let x2 = self.square();
        let x9 = x2.square_times(2) * self;
        let x11 = x9 * x2;
        let ones5 = x11.square() * x9;
        let ones10 = ones5.square_times(5) * ones5;
        let ones20 = ones10.square_times(10) * ones10;
        let ones40 = ones20.square_times(20) * ones20;
        let ones50 = ones40.square_times(10) * ones10;
        let ones100 = ones50.square_times(50) * ones50;
        let ones200 = ones100.square_times(100) * ones100;
        (ones200.square_times(50) * ones50, x11)
    }

    /// `1 / self`, and zero for zero: the power p - 2.
    pub fn invert(self) -> Fe {
        let (ones250, x11) = self.power_ones250();
        ones250.square_times(5) * x11
    }

    /// The power (p - 5) / 8, for square roots.
    pub fn power_p58(self) -> Fe {
        self.power_ones250().0.square_times(2) * self
    }

    /// Inverts every element in place with one inversion (Montgomery's trick). None may be zero.
    pub fn invert_all(elements: &mut [Fe]) {
        let mut product = Fe::ONE;
        let before: Vec<Fe> = elements
            .iter()
            .map(|&element| {
                let before = product;
                product = product * element;
                before
            })
            .collect();
        let mut inverse = product.invert();
        for (element, before) in elements.iter_mut().zip(before).rev() {
            let next = inverse * *element;
            *element = inverse * before;
            inverse = next;
        }
    }
}

/// One pass of carries from columns below 2^115: the result is tight.
#[inline(always)]
fn carry(mut columns: [u128; 5]) -> [u64; 5] {
    let mut limbs = [0; 5];
    for i in 0..5 {
        limbs[i] = columns[i] as u64 & MASK;
        let over = above(columns[i]);
        if i < 4 {
            columns[i + 1] += u128::from(over);
        } else {
            limbs[0] += over * 19;
        }
    }
    limbs[1] += limbs[0] >> 51;
    limbs[0] &= MASK;
    limbs
}

/// The bits above the 51st. A shift of both halves at once is one instruction, but a slow one on AMD's processors; the
/// rotation of a half that is below 2^51 shifts it, and the compiler does not join the two.
#[inline(always)]
fn above(column: u128) -> u64 {
    let (high, low) = ((column >> 64) as u64, column as u64);
    high.rotate_left(13) + (low >> 51)
}

/// The sum is not carried: two tight operands give a loose one.
impl Add for Fe {
    type Output = Fe;
    #[inline(always)]
    fn add(self, other: Fe) -> Fe {
        Fe(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
}

/// The difference is not carried: the subtrahend is below 2^53 - 76, the result at most 2^53 above the minuend.
impl Sub for Fe {
    type Output = Fe;
    #[inline(always)]
    fn sub(self, other: Fe) -> Fe {
        Fe(std::array::from_fn(|i| self.0[i] + FOUR_P[i] - other.0[i]))
    }
}

impl Mul for Fe {
    type Output = Fe;
    #[inline(always)]
    fn mul(self, other: Fe) -> Fe {
        let m = |x: u64, y: u64| u128::from(x) * u128::from(y);
        let ([a, b, c, d, e], [v, w, x, y, z]) = (self.0, other.0);
        let (w19, x19, y19, z19) = (w * 19, x * 19, y * 19, z * 19);
        Fe(carry([
            m(a, v) + m(e, w19) + m(d, x19) + m(c, y19) + m(b, z19),
            m(b, v) + m(a, w) + m(e, x19) + m(d, y19) + m(c, z19),
            m(c, v) + m(b, w) + m(a, x) + m(e, y19) + m(d, z19),
            m(d, v) + m(c, w) + m(b, x) + m(a, y) + m(e, z19),
            m(e, v) + m(d, w) + m(c, x) + m(b, y) + m(a, z),
        ]))
    }
}
