//! Scalars as signed digits, each with the table that holds its multiples and the doublings it still needs.
//!
//! A digit at bit `p` is looked up in table `p / STEPS`, which holds multiples of `2^(STEPS (p / STEPS))`, and is added
//! when `p % STEPS` doublings are left to do: [`TABLES`] ways share the doublings.

use crate::packed::Packed;

/// Tables a point, so a scalar is split so many ways.
pub(crate) const TABLES: usize = 8;
/// Bits between two tables: doublings of one multiplication, and one more than are done.
pub(crate) const STEPS: usize = 256 / TABLES;

/// The digit's sign, above the entry's index.
const NEGATIVE: u16 = 1 << 15;

/// An entry of a table, to add or to subtract.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Term(u16);

impl Term {
    /// The odd multiple `|digit|` of the table of bit `position`; a table holds `odd_multiples` entries.
    fn new(position: usize, digit: i64, odd_multiples: usize) -> Term {
        let index = (position / STEPS * odd_multiples) as u16 + (digit.unsigned_abs() >> 1) as u16;
        Term(if digit < 0 { index | NEGATIVE } else { index })
    }

    /// Which entry, counted over all tables of the point.
    pub fn index(self) -> usize {
        usize::from(self.0 & !NEGATIVE)
    }

    pub fn is_negative(self) -> bool {
        self.0 & NEGATIVE != 0
    }
}

/// The terms of a scalar by the doublings they still need.
#[derive(Debug)]
pub(crate) struct Schedule {
    counts: [u8; STEPS],
    terms: [[Term; TABLES]; STEPS],
}

impl Schedule {
    /// The non-adjacent form with as many odd multiples a table: few additions, at places that depend on the scalar.
    pub fn sparse(scalar: &Packed, odd_multiples: usize) -> Schedule {
        let mut schedule = Schedule { counts: [0; STEPS], terms: [[Term::default(); TABLES]; STEPS] };
        let width = odd_multiples.ilog2() + 2;
        let words = padded(scalar);
        let (mut position, mut carry) = (0, 0);
        loop {
            position += (bits(&words, position) ^ u64::wrapping_neg(carry)).trailing_zeros() as usize;
            if position >= 256 {
                return schedule;
            }
            let window = bits(&words, position);
            if window & 1 == carry {
                continue; // sixty-four equal bits
            }
            let value = (window & ((1 << width) - 1)) + carry;
            carry = value >> (width - 1);
            let digit = value.cast_signed() - (carry << width).cast_signed();
            schedule.push(position, Term::new(position, digit, odd_multiples));
            position += width as usize;
        }
    }

    fn push(&mut self, position: usize, term: Term) {
        let step = position % STEPS;
        self.terms[step][usize::from(self.counts[step])] = term;
        self.counts[step] += 1;
    }

    /// The terms to add when `step` doublings are left.
    pub fn at(&self, step: usize) -> &[Term] {
        &self.terms[step][..usize::from(self.counts[step])]
    }
}

/// The digits of an odd scalar below 2^254 in a window's place each, all odd: more additions than in a [`Schedule`], but
/// at the same places for every scalar, as lanes need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regular {
    /// `(scalar + 2^(width * digits) - 1) / 2`: its window b is the digit `2b + 1 - 2^width`.
    words: [u64; 6],
    odd_multiples: usize,
}

impl Regular {
    pub fn new(odd_scalar: &Packed, odd_multiples: usize) -> Regular {
        let mut words = padded(odd_scalar);
        for i in 0..4 {
            words[i] = words[i] >> 1 | words[i + 1] << 63;
        }
        let top = Regular::digits(odd_multiples) * Regular::width(odd_multiples) - 1;
        words[top / 64] |= 1 << (top % 64);
        Regular { words, odd_multiples }
    }

    /// For lanes, which read the windows in their own way.
    #[cfg(target_arch = "x86_64")]
    pub fn words(&self) -> &[u64; 6] {
        &self.words
    }

    /// Whether there is a digit at bit `position`.
    #[cfg(target_arch = "x86_64")]
    pub fn has(position: usize, odd_multiples: usize) -> bool {
        let width = Regular::width(odd_multiples);
        position.is_multiple_of(width) && position < width * Regular::digits(odd_multiples)
    }

    /// Bits a digit, with as many odd multiples a table.
    pub const fn width(odd_multiples: usize) -> usize {
        odd_multiples.ilog2() as usize + 1
    }

    /// Digits of a scalar below 2^254.
    pub const fn digits(odd_multiples: usize) -> usize {
        254usize.div_ceil(Regular::width(odd_multiples))
    }

    /// The term of the digit at bit `position`.
    pub fn at(&self, position: usize) -> Term {
        let width = Regular::width(self.odd_multiples);
        let window = bits(&self.words, position) & ((1 << width) - 1);
        Term::new(position, (2 * window + 1).cast_signed() - (1 << width), self.odd_multiples)
    }
}

/// The bits whose digits are added when `step` doublings are left.
#[cfg(target_arch = "x86_64")]
pub(crate) fn positions(step: usize) -> impl Iterator<Item = usize> {
    (0..TABLES).map(move |table| table * STEPS + step)
}

/// With room to read past the end.
fn padded(scalar: &Packed) -> [u64; 6] {
    let [a, b, c, d] = *scalar;
    [a, b, c, d, 0, 0]
}

/// Sixty-four bits from `position`, below 257.
fn bits(words: &[u64; 6], position: usize) -> u64 {
    let (word, shift) = (position / 64, position % 64);
    words[word] >> shift | words[word + 1].checked_shl(64 - shift as u32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the digits of a scalar add up to, modulo 2^256: `terms` are positions and terms, as a table is read.
    fn value(terms: impl Iterator<Item = (usize, Term)>, odd_multiples: usize) -> Packed {
        let mut sum = [0_u64; 4];
        for (step, term) in terms {
            let position = term.index() / odd_multiples * STEPS + step;
            let digit = 2 * (term.index() % odd_multiples) as u64 + 1;
            let (word, shift) = (position / 64, position % 64);
            let mut add = [0; 5];
            add[word] = digit << shift;
            add[word + 1] = digit.checked_shr(64 - shift as u32).unwrap_or(0);
            let mut carry = false;
            for (sum, add) in sum.iter_mut().zip(add) {
                (*sum, carry) =
                    if term.is_negative() { sum.borrowing_sub(add, carry) } else { sum.carrying_add(add, carry) };
            }
        }
        sum
    }

    fn scalar() -> impl Strategy<Value = Packed> {
        let word = prop_oneof![3 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)];
        ([word.clone(), word.clone(), word.clone(), word]).prop_map(|[a, b, c, d]| [a, b, c, d >> 2])
    }

    proptest! {
        #[test]
        fn sparse_digits_add_up_to_the_scalar(scalar in scalar(), log in 2..8_u32) {
            let odd_multiples = 1 << log;
            let schedule = Schedule::sparse(&scalar, odd_multiples);
            let terms = (0..STEPS).flat_map(|step| schedule.at(step).iter().map(move |&term| (step, term)));
            prop_assert_eq!(value(terms, odd_multiples), scalar);
        }

        #[test]
        fn regular_digits_add_up_to_the_scalar(mut scalar in scalar(), log in 2..8_u32) {
            scalar[0] |= 1;
            let odd_multiples = 1 << log;
            let digits = Regular::new(&scalar, odd_multiples);
            let terms = (0..Regular::digits(odd_multiples)).map(|digit| {
                let position = digit * Regular::width(odd_multiples);
                (position % STEPS, digits.at(position))
            });
            prop_assert_eq!(value(terms, odd_multiples), scalar);
        }
    }
}
