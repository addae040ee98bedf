//! Commitments that lie, and those that are out of their place: audit names the block, the writer makes none.

use std::path::PathBuf;

use farechain_core::block::Source;
use farechain_core::outcome::Location;
use farechain_core::record::StateRecord;
use farechain_core::signature::public_key;

use crate::audit::{AuditOptions, audit};
use crate::error::LedgerError;
use crate::ledger::{Create, Ledger, OpenOptions};

struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Genesis alone.
fn opened(name: &str) -> (Dir, Ledger) {
    let dir = Dir(std::env::temp_dir().join(format!("farechain-state-{name}-{}", std::process::id())));
    let chain = Create {
        network: "shenzhen".into(),
        chain: "shenzhen/0".into(),
        bureau: public_key(&[1; 32]),
        sources: vec![Source { topic: "commands".into(), topic_id: [0; 16], partition: 0 }],
        regions: vec!["4403".into()],
        time_ms: 1_772_323_200_000,
        utc_offset_min: 480,
        drain_max: 8,
        secret: [7; 16],
    };
    Ledger::create(&dir.0, &chain).expect("created");
    let ledger = Ledger::open(&dir.0, OpenOptions::default()).expect("opened");
    (dir, ledger)
}

fn commit(ledger: &Ledger, state: StateRecord) -> Result<u64, LedgerError> {
    let (batch, _) = ledger.prepare(ledger.intake().seal(1));
    ledger.commit_checked(&batch, 0, Some(state)).map(|committed| committed.height)
}

#[test]
fn audit_names_the_block_whose_root_is_forged() {
    let (dir, ledger) = opened("forged");
    let options = AuditOptions { signatures: true, threads: 1 };
    ledger.apply_state().expect("applied");
    let (honest, view) = ledger.state_to_commit().expect("applied");
    assert_eq!((honest.height, honest.count, view.root()), (0, 0, honest.root));
    assert_eq!(commit(&ledger, honest), Ok(1));
    assert_eq!(audit(&dir.0, &options).expect("readable").0.states, 1);
    assert_eq!(commit(&ledger, StateRecord { root: [9; 32], height: 1, ..honest }), Ok(2));
    let (report, _) = audit(&dir.0, &options).expect("readable");
    let what = report.failure.expect("a lie").what;
    assert_eq!(what, "block 2: the state after block 1 that it commits to is not what the log gives");
    assert_eq!(report.states, 1);
    // Opening believes the record, as it does all others: only who makes the map again can tell.
    drop(ledger);
    let reader = Ledger::open(&dir.0, OpenOptions { readonly: true, ..OpenOptions::default() }).expect("opened");
    let (place, said) = reader.state_status().committed.expect("a commitment");
    assert_eq!((place, said.root), (Location { height: 2, index: 0 }, [9; 32]));
}

#[test]
fn no_commitment_is_to_a_state_that_is_not_there_or_before_the_last_one() {
    for (name, height) in [("ahead", 3), ("back", 0)] {
        let (_dir, ledger) = opened(name);
        ledger.apply_state().expect("applied");
        let (honest, _) = ledger.state_to_commit().expect("applied");
        assert_eq!(commit(&ledger, honest), Ok(1));
        assert_eq!(commit(&ledger, StateRecord { height: 1, ..honest }), Ok(2));
        let wrong = commit(&ledger, StateRecord { height, ..honest });
        assert!(matches!(wrong, Err(LedgerError::Corrupt(_))), "{wrong:?}");
    }
}

#[test]
fn what_state_is_known_can_be_asked_while_a_block_that_commits_to_it_is_written() {
    let (_dir, ledger) = opened("asked");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..100 {
                ledger.apply_state().expect("applied");
                let (batch, _) = ledger.prepare(ledger.intake().seal(1));
                ledger.commit_with_state(&batch, 0).expect("committed");
            }
        });
        while !writer.is_finished() {
            let committed = ledger.state_status().committed;
            assert!(committed.is_none_or(|(location, _)| location.height <= ledger.height()));
        }
        writer.join().expect("written");
    });
    assert_eq!(ledger.height(), 100);
}
