//! What was counted: outcomes by kind and code, money, and the latest day's curve.

use farechain_core::error::Code;
use farechain_core::outcome::Verdict;
use farechain_core::record::Record;
use farechain_core::time;

use crate::index::Applied;

/// Buckets of ten minutes in a day.
pub const CURVE_BUCKETS: usize = 144;

/// Counts since genesis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    utc_offset_min: i16,
    /// Blocks, genesis included.
    pub blocks: u64,
    /// Bytes of the block log.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Inputs by verdict: issued, recorded, reversed, applied, drained, duplicate, rejected.
    pub verdicts: [u64; 7],
    /// Rejected inputs by the number of their code.
    pub rejected: [u64; 64],
    /// Blue invoices, drained ones included.
    pub invoices: u64,
    /// Red-letter invoices, drained ones included.
    pub red_letters: u64,
    /// All blue totals, fen.
    pub blue_fen: u128,
    /// All red totals, fen (a magnitude).
    pub red_fen: u128,
    /// The latest day, of those that payments are dated by, days since 1970.
    pub curve_day: i32,
    /// Blue invoices of that day by ten minutes.
    pub curve: [u32; CURVE_BUCKETS],
}

impl Counts {
    /// Nothing counted yet.
    pub fn new(utc_offset_min: i16) -> Counts {
        Counts {
            utc_offset_min,
            blocks: 0,
            bytes: 0,
            records: 0,
            verdicts: [0; 7],
            rejected: [0; 64],
            invoices: 0,
            red_letters: 0,
            blue_fen: 0,
            red_fen: 0,
            curve_day: 0,
            curve: [0; CURVE_BUCKETS],
        }
    }

    /// Counts a block.
    pub fn apply(&mut self, block: &Applied<'_>) {
        self.blocks += 1;
        self.bytes += block.bytes;
        self.records += block.entries.len() as u64;
        for outcome in block.outcomes {
            self.verdicts[verdict_index(&outcome.verdict)] += 1;
            if let Verdict::Rejected(code) = outcome.verdict {
                self.rejected[code as usize] += 1;
            }
        }
        for entry in block.entries {
            match &entry.record {
                Record::Invoice(invoice) => {
                    self.invoices += 1;
                    self.blue_fen += u128::from(invoice.line.total_fen.unsigned_abs());
                    self.add_to_curve(invoice.dated_at_ms);
                }
                Record::Claimed(invoice) => {
                    self.invoices += 1;
                    self.blue_fen += u128::from(invoice.sum.total_fen.unsigned_abs());
                    self.add_to_curve(invoice.issued_at_ms.cast_signed());
                }
                Record::RedLetter(red) => {
                    self.red_letters += 1;
                    self.red_fen += u128::from(red.line.total_fen.unsigned_abs());
                }
                Record::LineRedLetter(red) => {
                    self.red_letters += 1;
                    self.red_fen += u128::from(red.sum.total_fen.unsigned_abs());
                }
                _ => {}
            }
        }
    }

    fn add_to_curve(&mut self, dated_at_ms: i64) {
        let day = time::day(dated_at_ms, self.utc_offset_min);
        if day > self.curve_day {
            (self.curve_day, self.curve) = (day, [0; CURVE_BUCKETS]);
        }
        if day == self.curve_day {
            self.curve[usize::from(time::minute_of_day(dated_at_ms, self.utc_offset_min)) / 10] += 1;
        }
    }

    /// Inputs of all sources, the engine's own left out.
    pub fn inputs(&self) -> u64 {
        self.verdicts.iter().sum::<u64>() - self.verdicts[4]
    }

    /// Rejected inputs by code, those that occurred.
    pub fn rejected_by_code(&self) -> Vec<(Code, u64)> {
        let count = |code: &Code| (*code, self.rejected[*code as usize]);
        Code::ALL.iter().map(count).filter(|(_, count)| *count > 0).collect()
    }
}

/// The place of a verdict in [`Counts::verdicts`].
pub fn verdict_index(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Issued => 0,
        Verdict::Recorded => 1,
        Verdict::Reversed => 2,
        Verdict::Applied => 3,
        Verdict::Drained => 4,
        Verdict::Duplicate(_) => 5,
        Verdict::Rejected(_) => 6,
    }
}
