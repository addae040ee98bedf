//! A batch of signatures: sorted by key, tables found or built, split over threads, each with a verdict of its own.

use std::sync::Arc;
use std::thread;

use farechain_core::signature::PublicKey;

use crate::instructions::Path;
use crate::packed;
use crate::portable::point::Extended;
use crate::table::KeyTable;
use crate::tables::Tables;
use crate::verdicts::{self, Planned};
use crate::{Instructions, Job, Signer};

/// Uses after which a key's table is built. A table is paid for by three to four uses (`examples/verify_bench.rs`); to
/// build it when as much was lost without it bounds the regret, however often a key is used.
const USES_BEFORE_TABLE: u32 = 3;
/// Fewer signatures are not worth a second thread: it costs what two of them do to start one.
const JOBS_PER_THREAD_MIN: usize = 32;

/// Verifies batches, and keeps the tables of the keys it has seen. Shared between threads by reference.
#[derive(Debug)]
pub struct Verifier {
    path: Path,
    threads: usize,
    tables: Tables,
}

/// Jobs of the same key.
struct Group {
    key: PublicKey,
    jobs: Vec<usize>,
    table: Option<Arc<KeyTable>>,
}

impl Verifier {
    /// A verifier that splits a batch over `threads` threads (the caller's is one of them) and keeps at most
    /// `table_bytes_max` bytes of tables, the longest unused leaving first. Zero bytes are allowed: every key stays cold.
    pub fn new(threads: usize, table_bytes_max: usize) -> Verifier {
        Verifier { path: Path::chosen(), threads: threads.max(1), tables: Tables::new(table_bytes_max) }
    }

    /// The same with these instructions, whatever the process was told; none if this processor lacks them.
    pub fn with(instructions: Instructions, threads: usize, table_bytes_max: usize) -> Option<Verifier> {
        let path = Path::of(instructions)?;
        Some(Verifier { path, ..Verifier::new(threads, table_bytes_max) })
    }

    /// Bytes of tables in memory. Tables that left while a batch reads them are not counted.
    pub fn memory_bytes(&self) -> usize {
        self.tables.bytes()
    }

    /// The verdicts of a batch, in its order. Any number of jobs; a verdict depends on its job only.
    pub fn verify_batch(&self, jobs: &[Job<'_>]) -> Vec<bool> {
        let mut groups = group(jobs);
        self.find_tables(jobs, &mut groups);
        let order = || groups.iter().flat_map(|group| group.jobs.iter().map(move |&i| (i, group.table.as_deref())));
        let planned: Vec<Planned<'_>> = order().map(|(i, table)| (&jobs[i], table)).collect();
        let shares = self.split(&planned, JOBS_PER_THREAD_MIN, |share| verdicts::verdicts(self.path, share));
        let mut verdicts = vec![false; jobs.len()];
        for ((i, _), verdict) in order().zip(shares.into_iter().flat_map(|(_, verdicts)| verdicts)) {
            verdicts[i] = verdict;
        }
        verdicts
    }

    /// Gives each group the table there is or, if its key is used enough and there is room, a new one.
    fn find_tables(&self, jobs: &[Job<'_>], groups: &mut [Group]) {
        let keys: Vec<PublicKey> = groups.iter().map(|group| group.key).collect();
        let mut missing = Vec::new();
        for (i, (group, table)) in groups.iter_mut().zip(self.tables.of(&keys)).enumerate() {
            let signer = jobs[group.jobs[0]].signer;
            let uses = signer.count(group.jobs.len() as u32);
            if table.is_none() && uses >= USES_BEFORE_TABLE && signer.negative().is_some() {
                missing.push(i);
            }
            group.table = table;
        }
        // Where there is not room for all, the keys with the most jobs first.
        missing.sort_by_key(|&i| std::cmp::Reverse(groups[i].jobs.len()));
        missing.truncate(self.tables.reserve(missing.len()));
        let wanted: Vec<(usize, &Signer)> = missing.into_iter().map(|i| (i, jobs[groups[i].jobs[0]].signer)).collect();
        let mut built = Vec::with_capacity(wanted.len());
        for (share, tables) in self.split(&wanted, JOBS_PER_THREAD_MIN, build_share) {
            built.extend(share.iter().map(|(i, _)| *i).zip(tables));
        }
        self.tables.insert(built.iter().map(|(i, table)| (groups[*i].key, table.clone())));
        for (i, table) in built {
            groups[i].table = Some(table);
        }
    }

    /// Cuts the work into a share for each thread, at least `least` items each, and does the first on this one.
    fn split<'w, W: Sync, R: Send>(
        &self,
        work: &'w [W],
        least: usize,
        run: impl Fn(&[W]) -> Vec<R> + Sync,
    ) -> Vec<(&'w [W], Vec<R>)> {
        let share = work.len().div_ceil(self.threads).max(least);
        let mut shares = work.chunks(share);
        let Some(first) = shares.next() else { return Vec::new() };
        let run = &run;
        thread::scope(|scope| {
            let others: Vec<_> = shares.map(|share| (share, scope.spawn(move || run(share)))).collect();
            let mut done = vec![(first, run(first))];
            done.extend(
                others.into_iter().map(|(share, other)| {
                    (share, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                }),
            );
            done
        })
    }
}

/// The jobs by key, so that a table is read by signatures that follow each other: for 3,000 keys, whose tables do not fit
/// into a cache, 13 us a signature instead of 18; for 1,000 no difference.
fn group(jobs: &[Job<'_>]) -> Vec<Group> {
    let mut order: Vec<(u64, usize)> =
        jobs.iter().enumerate().map(|(i, job)| (packed::from_bytes(job.signer.key().as_bytes())[0], i)).collect();
    order.sort_unstable();
    let mut groups: Vec<Group> = Vec::new();
    for (_, i) in order {
        let key = *jobs[i].signer.key();
        match groups.last_mut() {
            Some(group) if group.key == key => group.jobs.push(i),
            _ => groups.push(Group { key, jobs: vec![i], table: None }),
        }
    }
    groups
}

fn build_share(share: &[(usize, &Signer)]) -> Vec<Arc<KeyTable>> {
    share
        .iter()
        .map(|(_, signer)| {
            let negative = Extended::decode_negative(&packed::from_bytes(signer.key().as_bytes()));
            Arc::new(KeyTable::new(&negative.expect("an admitted key is on the curve")))
        })
        .collect()
}
