//! Re-derives everything from the log alone and names the first byte that is wrong.
//!
//! Every block is built again by the writer's own code from its evidence, its ranges and its time, and compared byte for
//! byte: signatures, digests, decisions, numbers, tax, state, roots. Nothing of the index is trusted; it is compared too.

mod ahead;
mod block;
mod state;
mod walk;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use farechain_core::digest::Digest;
use farechain_core::registry::Registry;
use farechain_lanes::Verifier;

use crate::error::LedgerError;
use crate::index::Index;
use crate::index::snapshot::{self, Part};
use crate::ledger::genesis_is_there;
use crate::log::LogReader;
use crate::prepare::Keyring;
use crate::rejected::RejectedStore;
use state::Followed;

/// What to look at.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Verify every signature again.
    pub signatures: bool,
    /// Threads.
    pub threads: usize,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file.
    pub file: PathBuf,
    /// The byte in it.
    pub byte: u64,
    /// What is wrong with it.
    pub what: String,
}

/// What audit counted, and what it found wrong.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// `None`: all is as it must be.
    pub failure: Option<Failure>,
    /// Blocks, genesis included.
    pub blocks: u64,
    /// Bytes of frames.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Blue invoices.
    pub invoices: u64,
    /// Red-letter invoices.
    pub red_letters: u64,
    /// Inputs, each with exactly one outcome.
    pub inputs: u64,
    /// Duplicates among them.
    pub duplicates: u64,
    /// Rejected among them.
    pub rejected: u64,
    /// Rejected inputs whose bytes were there, so that the reason was found again.
    pub rejected_rederived: u64,
    /// Commitments to current state, each compared with the map that the blocks before it make.
    pub states: u64,
    /// Rejected inputs whose bytes have expired.
    pub rejected_expired: u64,
    /// Accepted inputs whose signature was verified again.
    pub signatures_verified: u64,
    /// The hash of the last block.
    pub head: Digest,
    /// The digest of the state after it.
    pub state_digest: Digest,
}

/// What audit builds up while it walks.
struct Auditor<'a> {
    options: &'a AuditOptions,
    log: LogReader,
    rejected: RejectedStore,
    keyring: Keyring,
    verifier: Verifier,
    state: Option<(Index, Registry)>,
    snapshot: VecDeque<Part>,
    /// The map of current state, once a commitment to it was found.
    follower: Option<Followed>,
    /// How many inputs are prepared together, next time.
    inputs_ahead: usize,
    report: Report,
}

/// Audits the ledger at `dir`. Takes no lock and writes nothing there; the map of current state, where one was committed to,
/// is made in the directory for temporary files; a ledger that is being written is audited up to its head.
///
/// # Errors
/// `Missing`, `Io`. What is wrong with the ledger is no error but [`Report::failure`].
pub fn audit(dir: &Path, options: &AuditOptions) -> Result<(Report, LogReader), LedgerError> {
    if !genesis_is_there(dir)? {
        return Err(LedgerError::Missing(format!("no ledger in {}", dir.display())));
    }
    let log = LogReader::new(&dir.join("blocks"));
    let secret = fs::read(dir.join("index").join("secret")).ok();
    let secret = secret.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()).map_or([0; 2], |b| snapshot::secret(&b));
    let mut auditor = Auditor {
        options,
        log: log.clone(),
        rejected: RejectedStore::open(&dir.join("rejected"), false)?,
        keyring: Keyring::default(),
        verifier: Verifier::new(1, 192 << 20),
        state: None,
        snapshot: snapshot::parts(&dir.join("index"), secret).into(),
        follower: None,
        inputs_ahead: 1,
        report: Report::default(),
    };
    let failure = match Auditor::check_rejected_store(dir)? {
        Some(failure) => Some(failure),
        None => auditor.walk(secret)?,
    };
    let mut report = auditor.report;
    report.failure = failure;
    if let Some((index, registry)) = &auditor.state {
        report.head = index.head;
        report.state_digest = snapshot::state_digest(index, registry, &auditor.log);
    }
    Ok((report, log))
}

impl Auditor<'_> {
    fn check_rejected_store(dir: &Path) -> Result<Option<Failure>, LedgerError> {
        let damage = RejectedStore::damage(&dir.join("rejected"))?;
        let what = "the rejected inputs end here with something that is no whole frame";
        Ok(damage.map(|(file, byte)| Failure { file, byte, what: what.into() }))
    }

    /// Once the walk is where a part of the snapshot ends: it must be what this walk derived. From the first damaged part
    /// on they are derived data that nobody reads.
    fn check_snapshot(&mut self) -> Option<Failure> {
        // A ledger that is closed right behind a final part has an open end of nothing at the same place.
        let here = |auditor: &Self| auditor.snapshot.front().is_some_and(|part| part.blocks() == auditor.log.blocks());
        loop {
            let failure = self.check_part();
            if failure.is_some() || !here(self) {
                return failure;
            }
        }
    }

    fn check_part(&mut self) -> Option<Failure> {
        let (index, registry) = self.state.as_mut()?;
        if self.snapshot.is_empty() {
            index.settle();
        }
        let part = self.snapshot.pop_front_if(|part| part.blocks() == self.log.blocks())?;
        let Some(stored) = part.whole() else {
            self.snapshot.clear();
            return None;
        };
        let byte = first_difference(&[&part.derived(index, registry, &self.log)], &stored);
        if part.is_final {
            index.settle();
        }
        let what = "the index snapshot is not what the log gives: delete it, it is made again";
        byte.map(|byte| Failure { file: part.path, byte, what: what.into() })
    }
}

/// Where what was derived, one piece behind the other, and what is stored first differ, their lengths included.
fn first_difference(derived: &[&[u8]], stored: &[u8]) -> Option<u64> {
    let mut rest = stored;
    for piece in derived {
        let (same, behind) = rest.split_at(piece.len().min(rest.len()));
        if same != *piece {
            let at = same.iter().zip(*piece).position(|(a, b)| a != b).unwrap_or(same.len());
            return Some((stored.len() - rest.len() + at) as u64);
        }
        rest = behind;
    }
    (!rest.is_empty()).then(|| (stored.len() - rest.len()) as u64)
}
