//! The log on a real directory: growth, proofs, reopening; crashes in `tests/crash.rs`, damage in `tests/damage.rs`.

mod crash;
mod damage;
mod refusal;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use farechain_core::block::Header;
use farechain_core::note::{Checkpoint, Kind, Note, Verifier, cosign};
use farechain_core::signature::public_key;
use farechain_core::tlog::{self, Hash};

use super::*;

const ORIGIN: &str = "shenzhen/0";
const SEED: [u8; 32] = [7; 32];

/// A directory that goes with the test.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("farechain-log-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary directory");
        Place(path)
    }

    fn public(&self) -> PathBuf {
        self.0.join("public")
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    fn open(&self) -> Result<PublicLog, LogError> {
        PublicLog::open(&self.public(), &self.state(), ORIGIN, &SEED)
    }

    /// Opens and appends what is missing up to `size`, as a ledger that has so many blocks does.
    fn grown(&self, size: u64) -> PublicLog {
        let mut log = self.open().expect("opens");
        let from = log.size();
        assert_eq!(log.append(&headers(from, size)).expect("appends"), size);
        log
    }

    /// A copy of it.
    fn copy(&self) -> Place {
        let other = Place::new();
        for (path, bytes) in files(&self.0) {
            let path = other.0.join(path);
            fs::create_dir_all(path.parent().expect("below the place")).expect("creates");
            fs::write(path, bytes).expect("writes");
        }
        other
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left in the system's temporary directory harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every file below a directory, by its path there, sorted.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(directory) = open.pop() {
        for item in fs::read_dir(directory).expect("a directory") {
            let path = item.expect("an item").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").to_owned();
                found.push((name, fs::read(path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

fn header(height: u64) -> Vec<u8> {
    let chain = ORIGIN.into();
    let (records_root, inputs_root) = (tlog::leaf_hash(&height.to_be_bytes()), [2; 32]);
    let time_ms = 1_790_000_000_000 + height;
    Header { chain, height, previous: [1; 32], time_ms, record_count: 1, records_root, inputs_root }.encode()
}

fn headers(from: u64, to: u64) -> Vec<Vec<u8>> {
    (from..to).map(header).collect()
}

fn root(size: u64) -> Hash {
    tlog::root(&headers(0, size))
}

fn published(log: &mut PublicLog) -> String {
    let note = log.sign().expect("signs");
    log.publish(&note).expect("publishes");
    note
}

fn check(place: &Place, blocks: u64) -> Result<PublicCounts, Wrong> {
    let vkey = Verifier::new(ORIGIN, Kind::Ed25519, public_key(&SEED)).expect("a real key").to_string();
    check_public(&place.public(), ORIGIN, headers(0, blocks), &vkey, &[])
}

/// The tile as C2SP tlog-tiles defines it, word by word.
fn tile_by_definition(level: u32, index: u64, width: u64) -> Vec<u8> {
    let span = 256u64.pow(level);
    (0..width).flat_map(|i| tlog::root(&headers((index * 256 + i) * span, (index * 256 + i + 1) * span))).collect()
}

#[test]
fn the_files_of_a_log_of_700_blocks_are_those_of_the_definition() {
    let place = Place::new();
    for size in [1, 2, 3, 255, 256, 257, 511, 600, 700] {
        let mut log = place.grown(size);
        let note = published(&mut log);
        let checkpoint = Checkpoint::parse(Note::parse(&note).expect("a note").text()).expect("a checkpoint");
        assert_eq!(checkpoint, Checkpoint::new(ORIGIN, size, root(size)));
        let counts = check(&place, size).expect("clean");
        assert_eq!((counts.size, counts.entries, counts.signatures), (size, size, 1));
    }
    let names: Vec<String> = files(&place.public().join("tile")).into_iter().map(|(name, _)| name).collect();
    let expected = [
        "0/000",
        "0/001",
        "0/002.p/188",
        "0/002.p/88",
        "1/000.p/1",
        "1/000.p/2",
        "entries/000",
        "entries/001",
        "entries/002.p/188",
        "entries/002.p/88",
    ];
    assert_eq!(names, expected);
    let read = |name: &str| fs::read(place.public().join("tile").join(name)).expect("a tile");
    assert_eq!(read("0/001"), tile_by_definition(0, 1, 256));
    assert_eq!(read("0/002.p/188"), tile_by_definition(0, 2, 188));
    assert_eq!(read("1/000.p/2"), tile_by_definition(1, 0, 2));
    let bundle: Vec<u8> =
        headers(512, 600).iter().flat_map(|h| [&(h.len() as u16).to_be_bytes()[..], h].concat()).collect();
    assert_eq!(read("entries/002.p/88"), bundle);
}

#[test]
fn higher_levels_fill_as_well() {
    let place = Place::new();
    let mut log = place.grown(65_000);
    published(&mut log);
    log.append(&headers(65_000, 70_000)).expect("appends");
    published(&mut log);
    let read = |name: &str| fs::read(place.public().join("tile").join(name)).expect("a tile");
    assert_eq!(read("1/000")[255 * 32..], tlog::root(&headers(255 * 256, 256 * 256)));
    assert_eq!(read("1/001.p/17").len(), 17 * 32);
    assert_eq!(read("2/000.p/1"), tlog::root(&headers(0, 65_536)));
    assert!(!place.public().join("tile/1/000.p").exists(), "a full tile's partial forms are removed");
    let reopened = place.open().expect("opens");
    assert_eq!(reopened.edge, log.edge);
    for (index, size) in [(0, 70_000), (65_535, 65_536), (69_999, 70_000), (40_000, 66_000)] {
        let path = reopened.inclusion(index, size).expect("a path");
        assert!(tlog::verify_inclusion(&tlog::leaf_hash(&header(index)), index, size, &path, &root(size)));
    }
    assert_eq!(check(&place, 70_000).expect("clean").size, 70_000);
}

#[test]
fn a_log_opens_as_it_was_left() {
    let place = Place::new();
    for size in (1..=20).chain(253..=259).chain([300, 511, 512, 513]) {
        let mut log = place.grown(size);
        published(&mut log);
        let reopened = place.open().expect("opens");
        assert_eq!(reopened.edge, log.edge, "{size}");
        assert_eq!((reopened.size(), reopened.published_size()), (size, size));
        assert_eq!(reopened.checkpoint(), log.checkpoint());
    }
}

#[test]
fn proofs_of_every_pair_verify_whatever_partial_tiles_were_written() {
    let place = Place::new();
    for size in [10, 60, 255, 290] {
        let mut log = place.grown(size);
        published(&mut log);
    }
    let (log, reader) = (place.open().expect("opens"), PublicDirectory::new(&place.public()));
    let roots: Vec<Hash> = (0..=290).map(root).collect();
    for new in [1, 2, 60, 200, 256, 257, 290] {
        for old in (0..=new).step_by(7).chain([new]) {
            let proof = log.consistency(old, new).expect("a proof");
            let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
            assert_eq!(tlog::verify_consistency(old, old_root, new, new_root, &proof), Ok(()), "{old} to {new}");
            assert_eq!(reader.consistency(old, new).expect("a proof"), proof);
        }
        for index in (0..new).step_by(5) {
            let path = reader.inclusion(index, new).expect("a path");
            let leaf = tlog::leaf_hash(&header(index));
            assert!(tlog::verify_inclusion(&leaf, index, new, &path, &roots[new as usize]), "{index} of {new}");
        }
    }
    for size in [10, 60, 255, 290, 10] {
        for index in 0..size {
            let expected = reader.inclusion(index, size).expect("a path");
            assert_eq!(reader.inclusion_under(size, index).expect("a path"), expected, "{index} of {size}");
        }
    }
    for (error, what) in [
        (reader.inclusion_under(290, 290).err(), "an index beyond the checkpoint's size"),
        (log.inclusion(290, 290).err(), "an index beyond the size"),
        (log.inclusion(0, 291).err(), "a size beyond the log"),
        (log.consistency(3, 2).err(), "sizes that go back"),
        (reader.consistency(3, 291).err(), "a size beyond the log"),
    ] {
        assert!(matches!(error, Some(LogError::Invalid(_))), "{what}");
    }
}

#[test]
fn a_cosigned_note_is_published_as_it_is() {
    let place = Place::new();
    let mut log = place.grown(3);
    let note = log.sign().expect("signs");
    let text = Note::parse(&note).expect("a note").text().to_owned();
    let cosigned = note.clone() + &cosign("w.example/1", &[9; 32], &text, 1_790_000_000).expect("a name");
    log.publish(&cosigned).expect("publishes");
    assert_eq!(fs::read_to_string(place.public().join("checkpoint")).expect("a file"), cosigned);
    assert_eq!((log.checkpoint(), log.published_size()), (cosigned.as_str(), 3));
    assert_eq!(log.sign().expect("signs again"), note);
    assert_eq!(fs::read_to_string(place.public().join("vkey")).expect("a file"), format!("{}\n", log.vkey()));
    let witness = Verifier::new("w.example/1", Kind::Cosignature, public_key(&[9; 32])).expect("a real key");
    let counts = check_public(&place.public(), ORIGIN, headers(0, 3), &log.vkey(), &[witness]).expect("clean");
    assert_eq!(counts.signatures, 2);
}
