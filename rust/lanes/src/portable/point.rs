//! Points of the curve -x^2 + y^2 = 1 + d x^2 y^2 in the coordinates of Hisil, Wong, Carter and Dawson (2008), as in ref10.
//!
//! The formulas are complete: no case is exceptional, the identity included.

use super::field::Fe;
use crate::packed::Packed;

/// d = -121665 / 121666.
const D: Fe =
    Fe([929_955_233_495_203, 466_365_720_129_213, 1_662_059_464_998_953, 2_033_849_074_728_123, 1_442_794_654_840_575]);
/// 2d.
const D2: Fe =
    Fe([1_859_910_466_990_425, 932_731_440_258_426, 1_072_319_116_312_658, 1_815_898_335_770_999, 633_789_495_995_903]);
/// A square root of -1.
const SQRT_M1: Fe =
    Fe([1_718_705_420_411_056, 234_908_883_556_509, 2_233_514_472_574_048, 2_117_202_627_021_982, 765_476_049_583_133]);

/// x = X/Z, y = Y/Z.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projective {
    pub x: Fe,
    pub y: Fe,
    pub z: Fe,
}

/// x = X/Z, y = Y/Z, xy = T/Z.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extended {
    pub x: Fe,
    pub y: Fe,
    pub z: Fe,
    pub t: Fe,
}

/// x = X/Z, y = Y/T: what an addition gives before its last products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed {
    x: Fe,
    y: Fe,
    z: Fe,
    t: Fe,
}

/// An affine point to add: y + x, y - x, 2dxy, all halved, so that a sum needs its own Z and not twice that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Niels {
    pub y_plus_x: Fe,
    pub y_minus_x: Fe,
    pub xy2d: Fe,
}

/// [`Niels`], each coordinate canonical: what a table keeps. So aligned, an entry is in two cache lines, never in three.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct PackedNiels(pub [Packed; 3]);

impl PackedNiels {
    #[inline(always)]
    pub fn unpack(&self) -> Niels {
        let [y_plus_x, y_minus_x, xy2d] = &self.0;
        Niels { y_plus_x: Fe::unpack(y_plus_x), y_minus_x: Fe::unpack(y_minus_x), xy2d: Fe::unpack(xy2d) }
    }
}

impl Projective {
    #[inline(always)]
    pub fn double(&self) -> Completed {
        let (xx, yy, zz) = (self.x.square(), self.y.square(), self.z.square());
        let sum = (self.x + self.y).square();
        let y = yy + xx;
        // T is (2Z^2 + X^2) - Y^2, so that nothing above the bound of a subtrahend is subtracted.
        Completed { x: sum - y, y, z: yy - xx, t: zz + zz + xx - yy }
    }
}

impl Extended {
    #[inline(always)]
    pub fn add(&self, other: &Niels) -> Completed {
        let a = (self.y + self.x) * other.y_plus_x;
        let b = (self.y - self.x) * other.y_minus_x;
        let c = self.t * other.xy2d;
        Completed { x: a - b, y: a + b, z: self.z + c, t: self.z - c }
    }

    #[inline(always)]
    pub fn subtract(&self, other: &Niels) -> Completed {
        let a = (self.y + self.x) * other.y_minus_x;
        let b = (self.y - self.x) * other.y_plus_x;
        let c = self.t * other.xy2d;
        Completed { x: a - b, y: a + b, z: self.z - c, t: self.z + c }
    }

    /// The sum with another extended point.
    pub fn add_extended(&self, other: &Extended) -> Completed {
        let a = (self.y + self.x) * (other.y + other.x);
        let b = (self.y - self.x) * (other.y - other.x);
        let (c, d) = (self.t * other.t * D2, self.z * other.z);
        let d = d + d;
        Completed { x: a - b, y: a + b, z: d + c, t: d - c }
    }

    pub fn projective(&self) -> Projective {
        Projective { x: self.x, y: self.y, z: self.z }
    }

    /// In the form of a table's entry, with 1/2Z.
    pub fn pack(&self, inverse: Fe) -> PackedNiels {
        let (x, y) = (self.x * inverse, self.y * inverse);
        PackedNiels([(y + x).pack(), (y - x).pack(), (x * y * (D2 + D2)).pack()])
    }

    /// The negative of the point that the words encode; none if they encode no point of the curve (RFC 8032, 5.1.3).
    pub fn decode_negative(encoding: &Packed) -> Option<Extended> {
        let y = Fe::unpack(encoding);
        let yy = y.square();
        let (u, v) = (yy - Fe::ONE, yy * D + Fe::ONE);
        let v3 = v.square() * v;
        let root = u * v3 * (u * v3 * v3 * v).power_p58();
        let square = v * root.square();
        let x = if square.pack() == u.pack() {
            root
        } else if (square + u).pack() == Fe::ZERO.0[..4] {
            root * SQRT_M1
        } else {
            return None;
        };
        let x = if x.pack()[0] & 1 == encoding[3] >> 63 { (Fe::ZERO - x) * Fe::ONE } else { x };
        Some(Extended { x, y, z: Fe::ONE, t: x * y })
    }
}

impl Completed {
    pub const IDENTITY: Completed = Completed { x: Fe::ZERO, y: Fe::ONE, z: Fe::ONE, t: Fe::ONE };

    #[inline(always)]
    pub fn projective(&self) -> Projective {
        Projective { x: self.x * self.t, y: self.y * self.z, z: self.z * self.t }
    }

    #[inline(always)]
    pub fn extended(&self) -> Extended {
        Extended { x: self.x * self.t, y: self.y * self.z, z: self.z * self.t, t: self.x * self.y }
    }
}
