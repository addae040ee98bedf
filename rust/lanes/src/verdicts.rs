//! What each of a share of a batch's signatures is: its equation, the point that it asks for, and the comparison with R.

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;

use crate::Job;
use crate::challenge::Equation;
use crate::instructions::Path;
use crate::packed;
use crate::portable;
use crate::table::KeyTable;

/// Signatures that share an inversion: its 3 us are then little beside the rest, and what they need fits into a cache.
const BLOCK: usize = 512;

/// A job and the table of its key, if it has one.
pub(crate) type Planned<'a> = (&'a Job<'a>, Option<&'a KeyTable>);

/// An equation with the table of its key.
pub(crate) type Warm<'a> = (&'a KeyTable, &'a Equation);

/// The verdicts, in the order of the jobs.
pub(crate) fn verdicts(path: Path, share: &[Planned<'_>]) -> Vec<bool> {
    share.chunks(BLOCK).flat_map(|block| of_block(path, block)).collect()
}

fn of_block(path: Path, block: &[Planned<'_>]) -> Vec<bool> {
    let jobs: Vec<&Job<'_>> = block.iter().map(|(job, _)| *job).collect();
    let equations = Equation::of_all(path, &jobs);
    let (mut warm, mut cold) = (Vec::with_capacity(block.len()), Vec::new());
    for (i, ((job, table), equation)) in block.iter().zip(&equations).enumerate() {
        match (equation, table) {
            (None, _) => {}
            (Some(equation), Some(table)) => warm.push((i, (*table, equation))),
            (Some(equation), None) => cold.push((i, (*job, equation))),
        }
    }
    let mut verdicts = vec![false; block.len()];
    let (places, warm): (Vec<usize>, Vec<Warm<'_>>) = warm.into_iter().unzip();
    for (place, verdict) in places.into_iter().zip(hold(path, &warm)) {
        verdicts[place] = verdict;
    }
    let (places, cold): (Vec<usize>, Vec<(&Job<'_>, &Equation)>) = cold.into_iter().unzip();
    for (place, verdict) in places.into_iter().zip(hold_cold(&cold)) {
        verdicts[place] = verdict;
    }
    verdicts
}

/// Whether each equation holds.
fn hold(path: Path, equations: &[Warm<'_>]) -> Vec<bool> {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Avx2(avx2) => avx2.hold(equations),
        // One signature in eight lanes takes as long as eight.
        #[cfg(target_arch = "x86_64")]
        Path::Avx512(avx512) if equations.len() > 1 => avx512.hold(equations),
        _ => portable::hold(equations),
    }
}

/// The same for keys without a table: curve25519-dalek's multiplication, and one inversion for all.
fn hold_cold(equations: &[(&Job<'_>, &Equation)]) -> Vec<bool> {
    let scalar = |words: packed::Packed| Scalar::from_canonical_bytes(packed::to_bytes(&words)).into_option();
    let points: Vec<Option<EdwardsPoint>> = equations
        .iter()
        .map(|(job, equation)| {
            let (s, k) = (scalar(equation.s)?, scalar(equation.k)?);
            Some(EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, job.signer.negative()?, &s))
        })
        .collect();
    let computed: Vec<EdwardsPoint> = points.iter().flatten().copied().collect();
    let mut encodings = EdwardsPoint::compress_batch_alloc(&computed).into_iter();
    let mut encodes_to = |r: &packed::Packed| encodings.next().is_some_and(|e| packed::from_bytes(e.as_bytes()) == *r);
    points.iter().zip(equations).map(|(point, (_, equation))| point.is_some() && encodes_to(&equation.r)).collect()
}
