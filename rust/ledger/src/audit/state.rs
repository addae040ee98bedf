//! Commitments to current state: the map is made again from the blocks that were audited, beside the ledger, and compared.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use farechain_core::record::{Record, StateRecord};

use crate::audit::walk::Found;
use crate::audit::{Auditor, Failure};
use crate::error::LedgerError;
use crate::state_map::{Follower, Limits};

/// Nothing ends an audit early.
static GO_ON: AtomicBool = AtomicBool::new(false);

/// A map of the auditor's own, in a directory that goes with it.
#[derive(Debug)]
pub(super) struct Followed {
    follower: Follower,
    _place: Scratch,
}

#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

impl Scratch {
    fn new() -> Result<Scratch, LedgerError> {
        let mut random = [0u8; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| LedgerError::Io(format!("no random bytes: {error}")))?;
        let path = std::env::temp_dir().join(format!("farechain-audit-{:016x}", u64::from_be_bytes(random)));
        fs::create_dir(&path).map_err(|error| LedgerError::io(&path, "create", &error))?;
        Ok(Scratch(path))
    }
}

impl Auditor<'_> {
    /// What the first record of a block must be if it commits to current state: the root of the blocks up to the height that
    /// it names, found again. `None` where it does not.
    pub(super) fn state_of(&mut self, found: &Found<'_>) -> Result<Result<Option<StateRecord>, Failure>, LedgerError> {
        let body = &found.body;
        let first = (body.record_count() > 0).then(|| Record::decode(body.record(0)));
        let Some(Ok(Record::State(said))) = first else { return Ok(Ok(None)) };
        let height = body.header().height;
        let wrong = |what: String| Ok(Err(found.in_body(body.layout().records().start, what)));
        let last = self.state.as_ref().and_then(|(_, registry)| registry.committed());
        if said.height >= height || last.is_some_and(|last| said.height < last.height) {
            return wrong(format!("block {height} commits to the state after block {}, out of its place", said.height));
        }
        let (root, count) = self.map_after(said.height)?;
        if (said.root, said.count) != (root, count) {
            let what = "is not what the log gives";
            return wrong(format!("block {height}: the state after block {} that it commits to {what}", said.height));
        }
        self.report.states += 1;
        Ok(Ok(Some(StateRecord { root, count, height: said.height })))
    }

    /// Root and keys of the map after a block that was audited.
    fn map_after(&mut self, height: u64) -> Result<([u8; 32], u64), LedgerError> {
        let mut followed = if let Some(followed) = self.follower.take() {
            followed
        } else {
            let place = Scratch::new()?;
            let dir = place.0.join("state-map");
            let follower = Follower::open(&dir, Limits::default(), &self.log, height + 1, &GO_ON)?;
            Followed { follower, _place: place }
        };
        followed.follower.advance(&self.log, height + 1, &GO_ON)?;
        let view = followed.follower.view();
        self.follower = Some(followed);
        Ok((view.root(), view.count()))
    }
}
