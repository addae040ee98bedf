//! Cut-off writes and rotten bytes: what was acknowledged is recovered or reported, never silently lost or altered.

mod scenario;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use farechain_ledger::audit::{AuditOptions, audit};
use farechain_ledger::error::LedgerError;
use farechain_ledger::ledger::{Ledger, OpenOptions};
use scenario::{Dir, commit, create, open, payment, setup};

const QUICK: AuditOptions = AuditOptions { signatures: false, threads: 1 };

fn segment(dir: &Dir) -> PathBuf {
    dir.ledger().join("blocks").join("00000000.seg")
}

/// A ledger with a few blocks; returns the ends of the used part before and after the last block.
fn small(dir: &Dir) -> (usize, usize) {
    create(dir);
    let ledger = open(dir);
    commit(&ledger, &setup(10), 4);
    let before = used(&segment(dir));
    commit(&ledger, &[payment("a", 200), payment("a", 200), payment("b", 0)], 8);
    (before, used(&segment(dir)))
}

fn change(path: &Path, at: usize, byte: u8) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("writable");
    file.write_all_at(&[byte], at as u64).expect("writable");
}

fn used(path: &Path) -> usize {
    let bytes = fs::read(path).expect("readable");
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| (last + 1).next_multiple_of(8))
}

fn first_bytes(path: &Path, count: usize) -> Vec<u8> {
    fs::read(path).expect("readable")[..count].to_vec()
}

#[test]
fn a_write_cut_off_at_any_byte_is_as_if_it_had_not_been() {
    let dir = Dir::new("cut");
    let (before, after) = small(&dir);
    let whole = first_bytes(&segment(&dir), after);
    let size = fs::metadata(segment(&dir)).expect("there").len() as usize;
    for end in (before..after).step_by(3) {
        let mut torn = whole[..end].to_vec();
        torn.resize(size, 0);
        // The frames' last bytes are padding: a cut there loses nothing.
        let complete = whole[end..].iter().all(|byte| *byte == 0);
        fs::write(segment(&dir), &torn).expect("writable");
        let ledger = open(&dir);
        assert_eq!(ledger.height(), if complete { 3 } else { 2 }, "cut at {end}");
        let again = commit(&ledger, &[payment("z", 100)], 8);
        assert_eq!(again.len(), 1, "cut at {end}");
        drop(ledger);
        assert_eq!(audit(&dir.ledger(), &QUICK).expect("readable").0.failure, None, "cut at {end}");
    }
}

#[test]
fn a_write_of_which_any_sector_is_missing_is_as_if_it_had_not_been() {
    let dir = Dir::new("sector");
    let (before, after) = small(&dir);
    let whole = fs::read(segment(&dir)).expect("readable");
    for hole in (before..after).step_by(64) {
        let mut torn = whole.clone();
        torn[hole..(hole + 64).min(after)].fill(0);
        if torn == whole {
            continue;
        }
        fs::write(segment(&dir), &torn).expect("writable");
        let ledger = open(&dir);
        assert_eq!(ledger.height(), 2, "hole at {hole}");
        assert_eq!(used(&segment(&dir)), before, "hole at {hole}: what was cut off is cleared");
    }
}

#[test]
fn every_rotten_byte_of_a_small_ledger_is_found_by_audit() {
    let dir = Dir::new("rot");
    let (_, after) = small(&dir);
    open(&dir).close().expect("a snapshot");
    let files = [(segment(&dir), after + 64, 1), (dir.ledger().join("index").join("snapshot"), usize::MAX, 7)];
    let (mut exact, mut found) = (0, 0);
    for (path, end, step) in files {
        let whole = fs::read(&path).expect("readable");
        for at in (0..whole.len().min(end)).step_by(step) {
            for mask in [1u8, 0x80, 0xFF] {
                change(&path, at, whole[at] ^ mask);
                let (report, _) = audit(&dir.ledger(), &QUICK).expect("readable");
                if path == segment(&dir) {
                    let failure = report.failure.unwrap_or_else(|| panic!("byte {at} ^ {mask:#x} was not found"));
                    assert_eq!(failure.file, path);
                    exact += u32::from(failure.byte == at as u64);
                    found += 1;
                } else {
                    // A snapshot that cannot be used is never read: opening takes the log.
                    let ledger = open(&dir);
                    assert_eq!(ledger.status().counts.invoices, 1, "byte {at}");
                }
            }
            change(&path, at, whole[at]);
        }
    }
    // What inputs give is compared byte for byte; of evidence and frame heads only digests are known.
    assert!(exact * 5 > found, "{exact} of {found} bytes were named exactly");
}

#[test]
fn a_broken_block_with_a_block_behind_it_stops_everything() {
    let dir = Dir::new("middle");
    let (before, _) = small(&dir);
    let whole = fs::read(segment(&dir)).expect("readable");
    for at in [100, before / 2, before - 100] {
        let mut rotten = whole.clone();
        rotten[at] ^= 0x10;
        fs::write(segment(&dir), &rotten).expect("writable");
        let opened = Ledger::open(&dir.ledger(), OpenOptions::default());
        let ends_with_advice = matches!(&opened, Err(LedgerError::Corrupt(text)) if text.contains("farechain audit"));
        // Evidence of a middle block is compared by audit, not by opening.
        assert!(ends_with_advice || opened.is_ok(), "byte {at}: {opened:?}");
        assert!(audit(&dir.ledger(), &QUICK).expect("readable").0.failure.is_some(), "byte {at}");
    }
}

#[test]
fn creating_again_after_a_cut_off_creation_works_and_never_over_a_ledger() {
    let dir = Dir::new("again");
    create(&dir);
    let genesis = fs::read(segment(&dir)).expect("readable");
    fs::write(segment(&dir), vec![0u8; genesis.len()]).expect("writable");
    create(&dir);
    assert_eq!(fs::read(segment(&dir)).expect("readable"), genesis);
    assert_eq!(open(&dir).height(), 0);
}

#[test]
fn what_another_version_wrote_is_refused_and_left_as_it_is() {
    let dir = Dir::new("foreign");
    let (before, after) = small(&dir);
    open(&dir).close().expect("a snapshot");
    let snapshot = dir.ledger().join("index").join("snapshot");
    let whole = fs::read(segment(&dir)).expect("readable");
    let length = u32::from_be_bytes(whole[before + 4..before + 8].try_into().expect("4 bytes")) as usize;
    let evidence = before + (24 + length).next_multiple_of(8);
    fs::remove_file(&snapshot).expect("there");
    for at in [0, before, evidence, after] {
        let mut later = whole.clone();
        later[at..at + 4].copy_from_slice(b"FCL2");
        fs::write(segment(&dir), &later).expect("writable");
        for readonly in [true, false] {
            let options = OpenOptions { readonly, ..OpenOptions::default() };
            let refused = Ledger::open(&dir.ledger(), options).expect_err("another format");
            assert_eq!(refused.kind(), "format", "mark at {at}: {refused}");
            assert!(refused.to_string().contains(&format!("byte {at} ")), "{refused}");
            assert_eq!(fs::read(segment(&dir)).expect("readable"), later, "nothing was changed");
        }
    }
}
