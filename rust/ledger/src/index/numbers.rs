//! Invoices by number: numbers are gapless from the start of each grant, so a run of them is a plain array.

use std::collections::BTreeMap;

use farechain_core::text::InvoiceCode;

/// A run of numbers that were issued one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its first number.
    pub from: u32,
    /// Ordinals of the records, in order.
    pub records: Vec<u32>,
    /// How many of them were there at [`Numbers::settle`].
    pub settled: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Runs {
    /// In the order in which they began.
    runs: Vec<Run>,
    /// The place of a run by its first number.
    by_first: BTreeMap<u32, usize>,
}

/// Runs by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    codes: BTreeMap<InvoiceCode, Runs>,
}

impl Runs {
    /// The run that begins at or before a number, nearest to it.
    fn before(&self, number: u32) -> Option<usize> {
        self.by_first.range(..=number).next_back().map(|(_, place)| *place)
    }

    fn begin(&mut self, from: u32) -> &mut Run {
        let place = self.runs.len();
        self.by_first.insert(from, place);
        self.runs.push(Run { from, records: Vec::new(), settled: 0 });
        &mut self.runs[place]
    }
}

impl Numbers {
    /// Adds the next number of a grant.
    pub fn insert(&mut self, code: &InvoiceCode, number: u32, record: u32) {
        let runs = self.codes.entry(*code).or_default();
        let continued = runs.before(number).filter(|place| {
            let run = &runs.runs[*place];
            u64::from(run.from) + run.records.len() as u64 == u64::from(number)
        });
        match continued {
            Some(place) => runs.runs[place].records.push(record),
            None => runs.begin(number).records.push(record),
        }
    }

    /// Forgets a number that was the last one added of its run.
    pub fn take_back(&mut self, code: &InvoiceCode, number: u32) {
        let Some(runs) = self.codes.get_mut(code) else { return };
        if let Some(place) = runs.before(number) {
            runs.runs[place].records.pop();
        }
    }

    /// The ordinal of a number's record.
    pub fn get(&self, code: &InvoiceCode, number: u32) -> Option<u32> {
        let runs = self.codes.get(code)?;
        let run = &runs.runs[runs.before(number)?];
        run.records.get((number - run.from) as usize).copied()
    }

    /// All runs, codes in order, each code's runs in the order in which they began.
    pub fn runs(&self) -> impl Iterator<Item = (&InvoiceCode, &Run)> {
        self.codes.iter().flat_map(|(code, runs)| runs.runs.iter().map(move |run| (code, run)))
    }

    /// From here on, what is there is settled.
    pub fn settle(&mut self) {
        let runs = self.codes.values_mut().flat_map(|runs| &mut runs.runs);
        runs.for_each(|run| run.settled = run.records.len());
    }

    /// Adds to a run, or begins it, from a snapshot; refused where `settled` is not what the run has.
    pub fn extend(
        &mut self,
        code: InvoiceCode,
        from: u32,
        settled: usize,
        records: impl Iterator<Item = u32>,
    ) -> Option<()> {
        let runs = self.codes.entry(code).or_default();
        let run = match runs.by_first.get(&from) {
            Some(place) => &mut runs.runs[*place],
            None => runs.begin(from),
        };
        (run.records.len() == settled).then(|| run.records.extend(records))
    }

    /// Bytes of memory.
    pub fn memory_bytes(&self) -> usize {
        self.runs().map(|(_, run)| run.records.capacity() * size_of::<u32>()).sum()
    }
}
