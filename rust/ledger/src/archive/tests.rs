//! A ledger of several segments: cut off at every step, tampered with, and missing parts of its archive.

use std::fs;
use std::path::PathBuf;

use farechain_core::outcome::Location;

use super::*;
use crate::audit::{AuditOptions, audit};
use crate::ledger::{Ledger, OpenOptions};
use crate::scenario::{Dir, Signed, commit, create, open, payment, setup};

const KEEP: u32 = 2;

/// Enough payments for some small segments.
fn of_segments(dir: &Dir) -> u64 {
    create(dir);
    let ledger = open(dir);
    commit(&ledger, &setup(1000), 100);
    let payments: Vec<Signed> = (0..120).map(|n| payment(&format!("T{n}"), 100 + n)).collect();
    commit(&ledger, &payments, 4);
    ledger.close().expect("a snapshot");
    ledger.height()
}

fn place(dir: &Dir) -> PathBuf {
    dir.0.join("archive")
}

fn local(dir: &Dir, number: u32) -> PathBuf {
    segment_path(&dir.ledger().join("blocks"), number)
}

fn reader(dir: &Dir) -> Ledger {
    let options = OpenOptions { readonly: true, ..OpenOptions::default() };
    Ledger::open(&dir.ledger(), options).expect("opens")
}

/// All records and evidence of all blocks.
fn everything(ledger: &Ledger) -> Vec<Vec<u8>> {
    (0..=ledger.height())
        .flat_map(|height| {
            let block = ledger.log().block(height).expect("readable").expect("there");
            let evidence = ledger.log().evidence(height).expect("readable").expect("there");
            [block.bytes().to_vec(), evidence]
        })
        .collect()
}

fn assert_clean(dir: &Dir, what: &str) {
    let options = AuditOptions { signatures: true, threads: 1 };
    assert_eq!(audit(&dir.ledger(), &options).expect("readable").0.failure, None, "{what}");
}

#[test]
fn what_is_archived_reads_as_before_and_the_ledger_goes_on() {
    let dir = Dir::new("archived");
    let height = of_segments(&dir);
    let before = everything(&reader(&dir));
    let writing = open(&dir);
    let done = archive(&dir.ledger(), &place(&dir), KEEP).expect("beside its owner");
    assert!(done.segments >= 2 && done.segments == done.listed && done.kept >= u64::from(KEEP), "{done:?}");
    assert!(!local(&dir, 0).exists() && place(&dir).join("00000000.seg").exists());
    assert_eq!(everything(&writing), before, "its owner reads on");
    commit(&writing, &[payment("later", 100)], 1);
    writing.close().expect("closes");
    let ledger = open(&dir);
    assert_eq!(everything(&ledger)[..before.len()], before);
    commit(&ledger, &[payment("T0", 100), payment("much later", 100)], 1);
    assert_eq!(ledger.height(), height + 3, "a duplicate of an archived payment is found there");
    ledger.close().expect("closes");
    assert_clean(&dir, "gone on");
    fs::remove_dir_all(dir.ledger().join("index")).expect("derived data");
    assert_eq!(open(&dir).height(), height + 3, "all is read again, the archive too");
    assert_eq!(archive(&dir.ledger(), &place(&dir), 1000).expect("nothing to do").segments, 0);
}

#[test]
fn cut_off_at_any_step_it_goes_on() {
    let whole = Dir::new("archive-whole");
    of_segments(&whole);
    let mut steps = 0;
    archive_by_steps(&whole.ledger(), &place(&whole), KEEP, &mut |_| {
        steps += 1;
        Ok(())
    })
    .expect("moves");
    assert!(steps >= 8, "{steps}");
    for cut in 0..steps {
        let dir = Dir::new("archive-cut");
        of_segments(&dir);
        let before = everything(&reader(&dir));
        let mut left = cut;
        let ended = archive_by_steps(&dir.ledger(), &place(&dir), KEEP, &mut |_| {
            left -= 1;
            if left < 0 { Err(LedgerError::Io("cut off".into())) } else { Ok(()) }
        });
        assert!(ended.is_err());
        assert_eq!(everything(&reader(&dir)), before, "cut at {cut}");
        archive(&dir.ledger(), &place(&dir), KEEP).expect("goes on");
        assert_eq!(everything(&reader(&dir)), before, "cut at {cut}, gone on");
        assert!(!local(&dir, 0).exists(), "cut at {cut}");
        assert_clean(&dir, &format!("cut at {cut}"));
    }
}

#[test]
fn a_changed_or_missing_segment_is_named_and_nothing_of_it_is_served() {
    let dir = Dir::new("archive-changed");
    let height = of_segments(&dir);
    archive(&dir.ledger(), &place(&dir), KEEP).expect("moves");
    let path = place(&dir).join("00000001.seg");
    let good = fs::read(&path).expect("there");
    let ledger = reader(&dir);
    let first = (0..=height).find(|height| ledger.log().place(*height).expect("known").segment == 1).expect("some");
    drop(ledger);
    for byte in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[byte] ^= 1;
        fs::write(&path, &bad).expect("written");
        let ledger = reader(&dir);
        let location = Location { height: first, index: 0 };
        let refused =
            [ledger.log().record(location).err(), ledger.log().evidence(first).err(), ledger.block(first).err()];
        for error in refused {
            let Some(LedgerError::Archive(text)) = error else { panic!("{error:?}") };
            assert!(text.contains("00000001.seg"), "{text}");
        }
        assert!(ledger.block(0).expect("another segment").is_some() && ledger.block(height).expect("here").is_some());
        let (report, _) = audit(&dir.ledger(), &AuditOptions { signatures: false, threads: 1 }).expect("readable");
        assert_eq!(report.failure.map(|failure| failure.file), Some(path.clone()));
    }
    fs::remove_file(&path).expect("there");
    let ledger = reader(&dir);
    assert!(matches!(ledger.block(first), Err(LedgerError::Archive(_))));
    assert!(matches!(ledger.copy_of(first), Err(LedgerError::Archive(_))));
    assert!(ledger.block(0).expect("another segment").is_some());
    fs::write(&path, &good).expect("brought back");
    assert!(ledger.block(first).expect("read again").is_some());
}

#[test]
fn another_ledgers_files_are_not_taken_for_its_own() {
    let (one, other) = (Dir::new("archive-one"), Dir::new("archive-other"));
    of_segments(&one);
    of_segments(&other);
    fs::create_dir_all(place(&one)).expect("made");
    fs::write(place(&one).join("00000000.seg"), b"something else").expect("written");
    assert!(matches!(archive(&one.ledger(), &place(&one), KEEP), Err(LedgerError::Archive(_))));
    assert!(local(&one, 0).exists(), "nothing is removed");
    let path = local(&other, 0);
    let mut bytes = fs::read(&path).expect("there");
    bytes[40] ^= 1;
    fs::write(&path, bytes).expect("written");
    assert!(matches!(archive(&other.ledger(), &place(&other), KEEP), Err(LedgerError::Corrupt(_))));
}
