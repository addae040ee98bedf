//! Parts that are missing, cut off, rotten or stale: opening gives the state that the log gives. (Parts are small here.)

use std::fs;
use std::path::{Path, PathBuf};

use farechain_core::digest::Digest;

use super::*;
use crate::audit::{AuditOptions, Failure, audit};
use crate::ledger::OpenOptions;
use crate::scenario::{Dir, commit, create, open, payment, story};

/// A ledger of several final parts, an open end, and a tail behind it.
fn of_parts(dir: &Dir) -> Digest {
    create(dir);
    let ledger = open(dir);
    commit(&ledger, &story(), 2);
    ledger.close().expect("an open end");
    let ledger = open(dir);
    commit(&ledger, &[payment("tail", 100)], 1);
    let finals = files(dir).iter().filter(|path| path.to_string_lossy().contains("snapshot-")).count();
    assert!(finals >= 3, "{finals} final parts");
    ledger.state_digest()
}

fn index_dir(dir: &Dir) -> PathBuf {
    dir.ledger().join("index")
}

/// The parts in their order, the open end first.
fn files(dir: &Dir) -> Vec<PathBuf> {
    let names = fs::read_dir(index_dir(dir)).expect("readable").map(|entry| entry.expect("readable").path());
    let mut names: Vec<PathBuf> = names.filter(|path| path.to_string_lossy().contains("snapshot")).collect();
    names.sort();
    names
}

fn digest_read_only(dir: &Dir) -> Digest {
    let options = OpenOptions { readonly: true, ..OpenOptions::default() };
    crate::ledger::Ledger::open(&dir.ledger(), options).expect("opens").state_digest()
}

fn failure(dir: &Dir) -> Option<Failure> {
    audit(&dir.ledger(), &AuditOptions { signatures: false, threads: 1 }).expect("readable").0.failure
}

/// Opens for writing, goes on, and opens again: the parts that were made again are good.
fn goes_on(dir: &Dir, digest: Digest, what: &str) {
    let ledger = open(dir);
    assert_eq!(ledger.state_digest(), digest, "{what}");
    commit(&ledger, &[payment(what, 100), payment("more", 300), payment("still more", 400)], 1);
    let digest = ledger.state_digest();
    drop(ledger);
    let ledger = open(dir);
    assert_eq!(ledger.state_digest(), digest, "{what}, gone on");
    ledger.close().expect("an open end");
    assert_eq!(digest_read_only(dir), digest, "{what}, gone on and closed");
    assert_eq!(failure(dir), None, "{what}");
}

fn copy(dir: &Dir) -> Dir {
    fn copy_dir(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("writable");
        for entry in fs::read_dir(from).expect("readable") {
            let entry = entry.expect("readable");
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy_dir(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).expect("writable");
            }
        }
    }
    let other = Dir::new("copy");
    copy_dir(&dir.0, &other.0);
    other
}

#[test]
fn a_rotten_or_cut_off_part_is_as_if_there_were_none() {
    let dir = Dir::new("parts");
    let digest = of_parts(&dir);
    for path in files(&dir) {
        let whole = fs::read(&path).expect("readable");
        for at in (0..whole.len()).step_by(whole.len() / 60) {
            let mut rotten = whole.clone();
            rotten[at] ^= 0x20;
            fs::write(&path, &rotten).expect("writable");
            assert_eq!(digest_read_only(&dir), digest, "{} at byte {at}", path.display());
            fs::write(&path, &whole[..at]).expect("writable");
            assert_eq!(digest_read_only(&dir), digest, "{} cut at {at}", path.display());
        }
        assert_eq!(failure(&dir), None, "{}: derived data that nobody reads", path.display());
        fs::write(&path, &whole).expect("writable");
    }
}

#[test]
fn a_crash_at_any_step_of_writing_a_part_loses_nothing() {
    let dir = Dir::new("steps");
    let digest = of_parts(&dir);
    let parts = files(&dir);
    for (number, path) in parts.iter().enumerate() {
        let other = copy(&dir);
        fs::remove_file(index_dir(&other).join(path.file_name().expect("a name"))).expect("there");
        goes_on(&other, digest, &format!("part {number} never renamed"));
    }
    let other = copy(&dir);
    let last = fs::read(parts.last().expect("parts")).expect("readable");
    fs::write(index_dir(&other).join("snapshot.new"), &last[..last.len() / 2]).expect("writable");
    goes_on(&other, digest, "cut off while writing");
    let other = copy(&dir);
    fs::copy(&parts[1], index_dir(&other).join("snapshot")).expect("writable");
    goes_on(&other, digest, "an open end that is stale");
    goes_on(&dir, digest, "nothing wrong");
}

#[test]
fn a_snapshot_ahead_of_the_log_is_ignored_by_opening_and_reported_by_audit() {
    let dir = Dir::new("ahead");
    create(&dir);
    let ledger = open(&dir);
    commit(&ledger, &story()[..10], 1);
    drop(ledger);
    let other = copy(&dir);
    let ledger = open(&dir);
    commit(&ledger, &[payment("lost", 100)], 1);
    ledger.close().expect("an open end");
    for path in files(&dir) {
        fs::copy(&path, index_dir(&other).join(path.file_name().expect("a name"))).expect("writable");
    }
    assert!(failure(&other).is_some_and(|failure| failure.what.contains("ahead of the log")));
    assert_eq!(open(&other).height(), open(&dir).height() - 1);
}

#[test]
fn audit_compares_every_part_with_what_the_log_gives() {
    let dir = Dir::new("forged");
    of_parts(&dir);
    let used = parts(&index_dir(&dir), secret(&[9; 16]));
    assert!(used.len() >= 3, "{used:?}");
    for path in used.into_iter().map(|part| part.path) {
        let whole = fs::read(&path).expect("readable");
        let forged = part::tests::with_another_number(&whole);
        fs::write(&path, forged).expect("writable");
        let found = failure(&dir).expect("a failure");
        assert_eq!(found.file, path);
        assert!(found.what.contains("not what the log gives"), "{found:?}");
        fs::write(&path, &whole).expect("writable");
    }
    assert_eq!(failure(&dir), None);
}
