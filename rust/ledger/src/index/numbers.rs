//! Invoices by number: numbers are gapless from the start of each grant, so a run of them is a plain array.

use std::collections::BTreeMap;

use farechain_core::text::InvoiceCode;

/// A run of numbers that were issued one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its first number.
    pub from: u32,
    /// Packed locations of the records, in order.
    pub places: Vec<u64>,
}

/// Runs by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    runs: BTreeMap<InvoiceCode, Vec<Run>>,
}

impl Numbers {
    /// Adds the next number of a grant.
    pub fn insert(&mut self, code: &InvoiceCode, number: u32, place: u64) {
        let runs = self.runs.entry(*code).or_default();
        match runs.iter_mut().find(|run| u64::from(run.from) + run.places.len() as u64 == u64::from(number)) {
            Some(run) => run.places.push(place),
            None => runs.push(Run { from: number, places: vec![place] }),
        }
    }

    /// The packed location of a number's record.
    pub fn get(&self, code: &InvoiceCode, number: u32) -> Option<u64> {
        let runs = self.runs.get(code)?;
        runs.iter().find_map(|run| run.places.get(number.checked_sub(run.from)? as usize).copied())
    }

    /// All runs, for a snapshot.
    pub fn runs(&self) -> impl Iterator<Item = (&InvoiceCode, &Run)> {
        self.runs.iter().flat_map(|(code, runs)| runs.iter().map(move |run| (code, run)))
    }

    /// Adds a run from a snapshot.
    pub fn insert_run(&mut self, code: InvoiceCode, run: Run) {
        self.runs.entry(code).or_default().push(run);
    }

    /// Bytes of memory.
    pub fn memory_bytes(&self) -> usize {
        self.runs().map(|(_, run)| run.places.capacity() * size_of::<u64>()).sum()
    }
}
