//! Points in four lanes: the formulas of `portable/point.rs`, with the bounds of [`Fe4`].

use std::arch::x86_64::{
    __m256i, _mm256_permute2x128_si256, _mm256_set_epi64x, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64,
};

use super::field::Fe4;
use crate::packed::Packed;
use crate::portable::point::{PackedNiels, Projective};

/// What an addition gives before its last products: x = X/Z, y = Y/T. X and Z have at
/// most three units, Y two, T five, so that T stays on the left of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed4 {
    x: Fe4,
    y: Fe4,
    z: Fe4,
    t: Fe4,
}

/// x = X/Z, y = Y/Z. Tight.
#[derive(Clone, Copy, Debug)]
struct Projective4 {
    x: Fe4,
    y: Fe4,
    z: Fe4,
}

/// Affine points to add: y + x, y - x, 2dxy, all halved. Tight but for the last, two units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Niels4 {
    y_plus_x: Fe4,
    y_minus_x: Fe4,
    xy2d: Fe4,
}

impl Niels4 {
    /// An entry a lane, those negated whose mask is all ones.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn gather(entries: [&PackedNiels; 4], negative: __m256i) -> Niels4 {
        let coordinate = |i: usize| Fe4::unpack(transpose(entries.map(|entry| entry.0[i])));
        let (plus, minus, xy2d) = (coordinate(0), coordinate(1), coordinate(2));
        Niels4 {
            y_plus_x: plus.blend(&minus, negative),
            y_minus_x: minus.blend(&plus, negative),
            xy2d: xy2d.blend(&Fe4::zero().subtract::<2>(&xy2d), negative),
        }
    }
}

/// Four numbers of four words: word by word, a number a lane.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(numbers: [Packed; 4]) -> [__m256i; 4] {
    let row =
        |[a, b, c, d]: Packed| _mm256_set_epi64x(d.cast_signed(), c.cast_signed(), b.cast_signed(), a.cast_signed());
    let [a, b, c, d] = [row(numbers[0]), row(numbers[1]), row(numbers[2]), row(numbers[3])];
    let (ab_even, ab_odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    let (cd_even, cd_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
    [
        _mm256_permute2x128_si256::<0x20>(ab_even, cd_even),
        _mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd),
        _mm256_permute2x128_si256::<0x31>(ab_even, cd_even),
        _mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd),
    ]
}

impl Completed4 {
    #[target_feature(enable = "avx2")]
    pub fn identity() -> Completed4 {
        Completed4 { x: Fe4::zero(), y: Fe4::one(), z: Fe4::one(), t: Fe4::one() }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn projective(&self) -> Projective4 {
        Projective4 { x: self.t.multiply(&self.x), y: self.y.multiply(&self.z), z: self.t.multiply(&self.z) }
    }

    /// The points, lane by lane.
    #[target_feature(enable = "avx2")]
    pub fn points(&self) -> [Projective; 4] {
        let Projective4 { x, y, z } = self.projective();
        let (x, y, z) = (x.elements(), y.elements(), z.elements());
        std::array::from_fn(|i| Projective { x: x[i], y: y[i], z: z[i] })
    }

    /// Doubles in place: a point is 1,280 bytes, worth not moving.
    #[target_feature(enable = "avx2")]
    pub fn double(&mut self) {
        let Projective4 { x, y, z } = self.projective();
        let (xx, yy, zz) = (x.square(), y.square(), z.square());
        let sum = x.add(&y).square();
        self.y = yy.add(&xx);
        self.z = yy.subtract::<2>(&xx);
        self.t = zz.add(&zz).add(&xx).subtract::<2>(&yy);
        self.x = sum.subtract::<4>(&self.y).reduce();
    }

    /// Adds an affine point in place.
    #[target_feature(enable = "avx2")]
    pub fn add(&mut self, other: &Niels4) {
        let Projective4 { x, y, z } = self.projective();
        let c = self.x.multiply(&self.y).multiply(&other.xy2d);
        let a = y.add(&x).multiply(&other.y_plus_x);
        let b = y.subtract::<2>(&x).multiply(&other.y_minus_x);
        self.x = a.subtract::<2>(&b);
        self.y = a.add(&b);
        self.z = z.add(&c);
        self.t = z.subtract::<2>(&c);
    }
}
