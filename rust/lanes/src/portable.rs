//! One signature at a time, without SIMD: field, points, and `[s]B + [k]P` from tables. Variable time: all is public.

pub(crate) mod field;
pub(crate) mod point;

use crate::recode::{STEPS, Schedule};
use crate::table::{BASE, BASE_MULTIPLES, KEY_MULTIPLES};
use crate::verdicts::Warm;
use point::{Completed, Projective};

/// `[s]B + [k](-A)`.
pub(crate) fn multiply((key, equation): Warm<'_>) -> Projective {
    let base = &*BASE;
    let (s, k) = (Schedule::sparse(&equation.s, BASE_MULTIPLES), Schedule::sparse(&equation.k, KEY_MULTIPLES));
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

/// Whether each equation holds; one inversion for all.
pub(crate) fn hold(equations: &[Warm<'_>]) -> Vec<bool> {
    let points: Vec<Projective> = equations.iter().map(|equation| multiply(*equation)).collect();
    encode_to(&points, equations)
}

/// Whether each point encodes to the R of the equation beside it; one inversion for all.
pub(crate) fn encode_to(points: &[Projective], equations: &[Warm<'_>]) -> Vec<bool> {
    let mut inverses: Vec<_> = points.iter().map(|point| point.z).collect();
    field::Fe::invert_all(&mut inverses);
    points
        .iter()
        .zip(inverses)
        .zip(equations)
        .map(|((point, inverse), (_, equation))| {
            let mut words = (point.y * inverse).pack();
            words[3] |= (point.x * inverse).pack()[0] << 63;
            words == equation.r
        })
        .collect()
}
