//! One signature at a time, without SIMD: field, points, and `[s]B + [k]P` from tables. Variable time: all is public.

pub(crate) mod field;
pub(crate) mod point;

use crate::packed::Packed;
use crate::recode::{STEPS, Schedule};
use crate::table::{BASE_MULTIPLES, KEY_MULTIPLES, Table};
use point::{Completed, Projective};

/// `[s]B + [k]P`, with the tables of B and P and scalars below 2^254.
pub(crate) fn multiply(
    (base, s): (&Table<BASE_MULTIPLES>, &Packed),
    (key, k): (&Table<KEY_MULTIPLES>, &Packed),
) -> Projective {
    let (s, k) = (Schedule::sparse(s, BASE_MULTIPLES), Schedule::sparse(k, KEY_MULTIPLES));
    let mut sum: Option<Completed> = None;
    for step in (0..STEPS).rev() {
        sum = sum.map(|sum| sum.projective().double());
        let terms = k.at(step).iter().map(|&term| (key.entry(term.index()), term));
        for (entry, term) in terms.chain(s.at(step).iter().map(|&term| (base.entry(term.index()), term))) {
            let point = sum.unwrap_or(Completed::IDENTITY).extended();
            let niels = entry.unpack();
            sum = Some(if term.is_negative() { point.subtract(&niels) } else { point.add(&niels) });
        }
    }
    sum.unwrap_or(Completed::IDENTITY).projective()
}

/// Whether each point encodes to the words beside it; one inversion for all.
pub(crate) fn encode_to(points: &[Projective], encodings: &[Packed]) -> Vec<bool> {
    let mut inverses: Vec<_> = points.iter().map(|point| point.z).collect();
    field::Fe::invert_all(&mut inverses);
    points
        .iter()
        .zip(inverses)
        .zip(encodings)
        .map(|((point, inverse), encoding)| {
            let mut words = (point.y * inverse).pack();
            words[3] |= (point.x * inverse).pack()[0] << 63;
            words == *encoding
        })
        .collect()
}
