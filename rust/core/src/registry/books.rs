//! A seller's books by month: what was invoiced, what may still be, what was reversed; and what was declared.

use alloc::collections::BTreeMap;

use crate::registry::{Damage, Issuer, Registry};
use crate::text::TaxId;
use crate::time;

/// Totals of a month, fen. A year * 12 + month - 1 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Month {
    /// Blue totals of payments booked in it.
    pub invoiced_fen: i64,
    /// Of payments booked in it: what may be invoiced and is not; below 0 where refunds of earlier months outweigh it.
    pub uninvoiced_fen: i64,
    /// Magnitudes of red totals issued in it.
    pub red_fen: i64,
}

impl Month {
    /// What a declaration must say: invoiced, not invoiced, reversed.
    pub fn to_declare(&self) -> [u64; 3] {
        let below = (-self.uninvoiced_fen).max(0);
        [self.invoiced_fen, self.uninvoiced_fen.max(0), self.red_fen + below].map(|fen| fen.max(0).cast_unsigned())
    }
}

/// A declared month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Invoiced, not invoiced, reversed, fen: as declared.
    pub fen: [u64; 3],
    /// Whether the bureau has acknowledged it.
    pub acknowledged: bool,
}

impl Issuer {
    /// Whether a month was declared already, or lies before the first that was.
    pub fn is_declared(&self, month: impl FnOnce() -> u32) -> bool {
        self.declared.last_key_value().is_some_and(|(last, _)| month() <= *last)
    }

    /// The month that may be declared next; `None`: any that is over.
    pub fn next_to_declare(&self) -> Option<u32> {
        self.declared.last_key_value().map(|(last, _)| last + 1)
    }

    /// Totals of a month.
    pub fn books_of(&self, month: u32) -> Month {
        self.months.get(&month).copied().unwrap_or_default()
    }

    /// Counts what was issued against the monthly limit.
    pub(super) fn count_issued(&mut self, month: u32, fen: u64) {
        if self.month != month {
            (self.month, self.issued_fen) = (month, 0);
        }
        self.issued_fen = self.issued_fen.saturating_add(fen);
    }

    pub(super) fn book(&mut self, month: u32, change: impl FnOnce(&mut Month)) {
        change(self.months.entry(month).or_default());
    }
}

impl Registry {
    /// The month of a time in the chain's own zone.
    pub fn month_of(&self, time_ms: i64) -> u32 {
        time::month(time_ms, self.genesis.utc_offset_min)
    }

    /// Whether a payment dated so is late: its month was declared already.
    pub fn is_late(&self, seller: &TaxId, dated_at_ms: i64) -> bool {
        self.issuer(seller).is_some_and(|issuer| issuer.is_declared(|| self.month_of(dated_at_ms)))
    }

    pub(super) fn issuer_mut(&mut self, tax_id: &TaxId) -> Result<&mut Issuer, Damage> {
        self.issuers.get_mut(tax_id).ok_or(Damage("a record of a seller not admitted"))
    }

    /// All issuers.
    pub fn issuers(&self) -> &BTreeMap<TaxId, Issuer> {
        &self.issuers
    }
}
