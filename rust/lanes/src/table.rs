//! Odd multiples of a point, ready to add: what makes a known key cheaper than a new one.

use std::sync::LazyLock;

use crate::packed::{self, Packed};
use crate::portable::field::Fe;
use crate::portable::point::{Extended, PackedNiels};
use crate::recode::{STEPS, TABLES};

/// Odd multiples a table of a key: 1, 3, .. 31.
pub(crate) const KEY_MULTIPLES: usize = 16;
/// Odd multiples a table of the base point: 1, 3, .. 255.
pub(crate) const BASE_MULTIPLES: usize = 128;

/// The odd multiples of `[2^(STEPS t)]P` for each of the [`TABLES`] numbers t.
#[derive(Debug)]
pub(crate) struct Table<const ODD: usize>(Vec<[PackedNiels; ODD]>);

/// The table of a key: of -A, so that only sums are needed.
pub(crate) type KeyTable = Table<KEY_MULTIPLES>;

/// Bytes that one [`KeyTable`] takes.
pub(crate) const KEY_TABLE_BYTES: usize = TABLES * size_of::<[PackedNiels; KEY_MULTIPLES]>() + size_of::<KeyTable>();

/// The table of the base point.
pub(crate) static BASE: LazyLock<Table<BASE_MULTIPLES>> = LazyLock::new(|| {
    // The encoding of -B: y = 4/5, x odd.
    let minus_b: Packed = packed::from_bytes(&std::array::from_fn(|i| match i {
        0 => 0x58,
        31 => 0xE6,
        _ => 0x66,
    }));
    Table::new(&Extended::decode_negative(&minus_b).expect("RFC 8032's base point is on the curve"))
});

impl<const ODD: usize> Table<ODD> {
    pub fn new(point: &Extended) -> Table<ODD> {
        let mut points = Vec::with_capacity(TABLES * ODD);
        let mut first = *point;
        for table in 0..TABLES {
            let twice = first.projective().double().extended();
            let mut multiple = first;
            points.push(multiple);
            for _ in 1..ODD {
                multiple = multiple.add_extended(&twice).extended();
                points.push(multiple);
            }
            if table + 1 < TABLES {
                first = (2..STEPS).fold(twice.projective(), |p, _| p.double().projective()).double().extended();
            }
        }
        let mut inverses: Vec<Fe> = points.iter().map(|point| point.z + point.z).collect();
        Fe::invert_all(&mut inverses);
        let entries: Vec<PackedNiels> =
            points.iter().zip(inverses).map(|(point, inverse)| point.pack(inverse)).collect();
        Table(entries.as_chunks().0.to_vec())
    }

    /// An entry, counted over all tables.
    #[inline(always)]
    pub fn entry(&self, index: usize) -> &PackedNiels {
        &self.0.as_flattened()[index]
    }
}
