//! What a crash or a bad disk leaves: an earlier whole state, or a map that is made again, never a wrong one.

use std::fs;
use std::path::Path;

use farechain_core::digest::Digest;

use super::tests::{Model, Scratch, TINY, check, entry, fresh, held, latest, number, position, reopened, root_of};
use super::*;

const BATCHES: u32 = 30;

/// A map after some batches, its roots by height, and what it holds.
fn filled(scratch: &Scratch) -> (Vec<Digest>, Model) {
    let (mut map, mut model) = (fresh(scratch, TINY), Model::new());
    let mut roots = vec![map.root()];
    for batch in 0..BATCHES {
        let changes: Vec<_> = (0..7).map(|i| number(batch * 5 + i)).collect();
        model.extend(changes.iter().copied());
        let changes = latest(changes);
        roots.push(map.apply(position(u64::from(batch) + 1), &changes).expect("applied"));
    }
    (roots, model)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir).expect("a map").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn open(dir: &Path) -> Option<StateMap> {
    StateMap::open(dir, TINY, |_| true).expect("readable")
}

/// Whatever opens is a state that the map has had, and goes on from there.
fn is_a_past_state(dir: &Path, roots: &[Digest]) -> bool {
    let Some(mut map) = open(dir) else { return false };
    assert_eq!(map.root(), roots[map.position().blocks as usize]);
    let blocks = map.position().blocks;
    map.apply(position(blocks + 1), &[entry(number(9999))]).expect("applied");
    let root = map.root();
    drop(map);
    assert_eq!(open(dir).expect("a good map").root(), root);
    true
}

fn copied(from: &Path, to: &Path) {
    _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("a directory");
    for file in files(from) {
        fs::copy(&file, to.join(named(&file))).expect("copied");
    }
}

/// The files as a crash during the next `apply` may leave them: the frame cut anywhere, then some files written again.
#[test]
fn a_crash_while_applying_leaves_the_state_before_or_after() {
    let (scratch, before, crashed) = (Scratch::new(), Scratch::new(), Scratch::new());
    let (roots, model) = filled(&scratch);
    copied(&scratch.map(), &before.map());
    let changes = latest(model.keys().map(|key| (*key, [7; 32])));
    let mut map = reopened(&scratch, TINY);
    let after = map.apply(position(u64::from(BATCHES) + 1), &changes).expect("applied");
    let written: Vec<PathBuf> =
        files(&scratch.map()).into_iter().filter(|file| !same_in(&before.map(), file)).collect();
    let (journal, entries): (Vec<_>, Vec<_>) = written.iter().partition(|file| named(file).starts_with("journal-"));
    assert!(journal.len() == 1 && entries.len() > 10, "{written:?}");
    let whole = fs::read(journal[0]).expect("a journal");
    let old = fs::read(before.map().join(named(journal[0]))).unwrap_or_default().len();
    for length in (old..whole.len()).step_by(101) {
        copied(&before.map(), &crashed.map());
        fs::write(crashed.map().join(named(journal[0])), &whole[..length]).expect("written");
        assert!(is_a_past_state(&crashed.map(), &roots));
    }
    copied(&before.map(), &crashed.map());
    for file in [journal[0]].into_iter().chain(entries) {
        fs::copy(file, crashed.map().join(named(file))).expect("copied");
        assert_eq!(open(&crashed.map()).expect("a good map").root(), after, "{}", file.display());
    }
}

/// Lost frames are noticed by the files that are ahead of those that are left.
#[test]
fn a_journal_that_lost_its_end_is_a_past_state_or_none() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let (roots, _) = filled(&scratch);
    let journal = files(&scratch.map()).pop().expect("a journal");
    let size = fs::metadata(&journal).expect("a journal").len();
    for length in (0..size).step_by(53) {
        copied(&scratch.map(), &other.map());
        let cut = fs::File::options().write(true).open(other.map().join(named(&journal))).expect("a journal");
        cut.set_len(length).expect("cut");
        is_a_past_state(&other.map(), &roots);
    }
}

fn named(file: &Path) -> &str {
    file.file_name().and_then(|name| name.to_str()).expect("a name")
}

fn same_in(dir: &Path, file: &Path) -> bool {
    fs::read(dir.join(named(file))).is_ok_and(|bytes| fs::read(file).is_ok_and(|other| other == bytes))
}

#[test]
fn a_changed_byte_anywhere_is_noticed_at_the_latest_where_it_is_read() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let (roots, model) = filled(&scratch);
    let keys: Vec<Digest> = model.keys().copied().collect();
    for file in files(&scratch.map()) {
        let good = fs::read(&file).expect("a file");
        for at in (0..good.len()).step_by(211) {
            copied(&scratch.map(), &other.map());
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            fs::write(other.map().join(named(&file)), bad).expect("written");
            let Some(map) = open(&other.map()) else { continue };
            assert_eq!(map.root(), roots[map.position().blocks as usize]);
            for key in &keys {
                match map.view().prove(key) {
                    Ok(shown) => assert!(shown.proof.verify(&map.root(), key).is_ok()),
                    Err(error) => assert_eq!(error.kind(), "corrupt"),
                }
            }
        }
    }
}

#[test]
fn a_missing_file_is_a_missing_map_and_drafts_are_nobodys() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let (roots, model) = filled(&scratch);
    for file in files(&scratch.map()) {
        copied(&scratch.map(), &other.map());
        fs::remove_file(other.map().join(named(&file))).expect("removed");
        if let Some(map) = open(&other.map()) {
            assert_eq!(map.root(), roots[map.position().blocks as usize]);
        }
    }
    fs::write(scratch.map().join("entries-00.new"), b"half").expect("written");
    let draft = scratch.map().with_extension("new");
    fs::create_dir_all(&draft).expect("a directory");
    fs::write(draft.join("run-00000000"), b"half").expect("written");
    check(&reopened(&scratch, TINY).view(), &model, &[]);
    let mut rebuild = Rebuild::new(&scratch.map(), TINY).expect("begun");
    model.iter().try_for_each(|(key, value)| rebuild.push(*key, held(*value))).expect("pushed");
    assert_eq!(rebuild.finish(position(30)).expect("made").root(), root_of(&model));
    assert!(!draft.exists());
}

#[test]
fn a_map_of_other_blocks_is_not_opened() {
    let scratch = Scratch::new();
    filled(&scratch);
    let known = |ours: Position| StateMap::open(&scratch.map(), TINY, |found| *found == ours).expect("readable");
    assert!(known(position(u64::from(BATCHES))).is_some());
    assert!(known(Position { head: [1; 32], ..position(u64::from(BATCHES)) }).is_none());
    assert!(StateMap::open(&scratch.map().join("nowhere"), TINY, |_| true).expect("readable").is_none());
}

#[test]
fn a_failed_write_stops_the_map_and_views_go_on() {
    let scratch = Scratch::new();
    let (mut map, mut model) = (fresh(&scratch, TINY), Model::new());
    model.extend((0..20).map(number));
    map.apply(position(1), &latest((0..20).map(number))).expect("applied");
    let view = map.view();
    fs::rename(scratch.map(), scratch.map().with_extension("away")).expect("moved");
    let many = latest((0..100).map(number));
    assert!(matches!(map.apply(position(2), &many), Err(LedgerError::Io(_))));
    assert!(matches!(map.apply(position(3), &[]), Err(LedgerError::Poisoned(_))));
    check(&view, &model, &[]);
    fs::rename(scratch.map().with_extension("away"), scratch.map()).expect("moved");
    let opened = reopened(&scratch, TINY);
    model.extend((0..100).map(number));
    assert_eq!((opened.position(), opened.root()), (position(2), root_of(&model)));
}
