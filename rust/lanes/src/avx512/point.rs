//! Points in eight lanes: the formulas of `portable/point.rs`, with carries only where a product needs them.

#![allow(clippy::many_single_char_names, reason = "as in the formulas")]

use std::arch::x86_64::{__m512i, __mmask8, _mm512_mask_blend_epi64};

use super::field::{Fe8, Raw8, transpose};
use crate::portable::point::PackedNiels;

/// What an addition gives before its last products: x = X/Z, y = Y/T.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed8 {
    x: Fe8,
    y: Fe8,
    z: Fe8,
    t: Fe8,
}

/// Affine points to add: y + x, y - x, 2dxy, all halved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Niels8 {
    y_plus_x: Fe8,
    y_minus_x: Fe8,
    xy2d: Fe8,
}

impl Niels8 {
    /// An entry a lane, those negated whose bit is set.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vbmi2")]
    pub fn gather(entries: [&PackedNiels; 8], negative: __mmask8) -> Niels8 {
        let coordinate = |i: usize| transpose(entries.map(|entry| &entry.0[i]));
        let (plus, minus) = (coordinate(0), coordinate(1));
        // A negative swaps its first two coordinates.
        let swap = |own: [__m512i; 4], other: [__m512i; 4]| {
            [0, 1, 2, 3].map(|i: usize| _mm512_mask_blend_epi64(negative, own[i], other[i]))
        };
        Niels8 {
            y_plus_x: Fe8::unpack(swap(plus, minus)),
            y_minus_x: Fe8::unpack(swap(minus, plus)),
            xy2d: Fe8::unpack(coordinate(2)).negate_if(negative),
        }
    }
}

impl Completed8 {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn identity() -> Completed8 {
        Completed8 { x: Fe8::zero(), y: Fe8::one(), z: Fe8::one(), t: Fe8::one() }
    }

    /// X, Y and Z of the points: x = X/Z, y = Y/Z.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn projective(&self) -> [Raw8; 3] {
        [self.x.multiply(&self.t), self.y.multiply(&self.z), self.z.multiply(&self.t)]
    }

    /// Doubles in place.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn double(&mut self) {
        let [x, y, z] = self.projective();
        let sum = x.add(&y).carry().square();
        let (xx, yy, zz) = (x.carry().square(), y.carry().square(), z.carry().square());
        let y = yy.add(&xx);
        self.x = sum.subtract(&y).carry();
        self.y = y.carry();
        self.z = yy.subtract(&xx).carry();
        self.t = zz.add(&zz).add(&xx).subtract(&yy).carry();
    }

    /// Adds affine points in place.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub fn add(&mut self, other: &Niels8) {
        let [x, y, z] = self.projective();
        let c = self.x.product(&self.y).multiply(&other.xy2d);
        let a = y.add(&x).carry().multiply(&other.y_plus_x);
        let b = y.subtract(&x).carry().multiply(&other.y_minus_x);
        self.x = a.subtract(&b).carry();
        self.y = a.add(&b).carry();
        self.z = z.add(&c).carry();
        self.t = z.subtract(&c).carry();
    }
}
