//! Crashes: any subset of what a step was changing may be on disk, nothing of later steps. Opening, appending and signing
//! must then give exactly what an uninterrupted run gives.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

type Snapshot = BTreeMap<String, Vec<u8>>;

/// A small generator with a seed that is printed, so that a failure can be replayed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn snapshot(place: &Place) -> Snapshot {
    files(&place.0).into_iter().collect()
}

fn restore(snapshot: &Snapshot) -> Place {
    let place = Place::new();
    for (path, bytes) in snapshot {
        let path = place.0.join(path);
        fs::create_dir_all(path.parent().expect("below the place")).expect("creates");
        fs::write(path, bytes).expect("writes");
    }
    place
}

/// The states between the steps of one checkpoint: before, after the append, after the signature, after the publication.
fn steps(from: u64, to: u64) -> (Vec<Snapshot>, String) {
    let place = Place::new();
    published(&mut place.grown(from));
    let mut log = place.open().expect("opens");
    let mut steps = vec![snapshot(&place)];
    log.append(&headers(from, to)).expect("appends");
    steps.push(snapshot(&place));
    let note = log.sign().expect("signs");
    steps.push(snapshot(&place));
    log.publish(&note).expect("publishes");
    steps.push(snapshot(&place));
    (steps, note)
}

/// `before` with some of the changes towards `after`, and torn leftovers of writing. Nothing is removed before
/// everything new is there: removals come after the sync of what replaces them.
fn torn(before: &Snapshot, after: &Snapshot, random: &mut Random) -> Snapshot {
    let mut state = before.clone();
    let changed: Vec<_> = after.iter().filter(|(path, bytes)| before.get(*path) != Some(*bytes)).collect();
    let removed: BTreeSet<_> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    let all_new = random.next().is_multiple_of(4);
    for (path, bytes) in changed {
        if all_new || random.next().is_multiple_of(2) {
            state.insert(path.clone(), bytes.clone());
        }
    }
    for path in removed.into_iter().filter(|_| all_new) {
        if random.next().is_multiple_of(2) {
            state.remove(path);
        }
    }
    for directory in ["public", "state"] {
        state.insert(format!("{directory}/.new/0"), vec![0; (random.next() % 50) as usize]);
    }
    state
}

#[test]
fn a_crash_in_any_step_is_recovered_by_opening() {
    let mut random = Random(0x0FA2_EC4A);
    println!("seed {:#x}", random.0);
    for (from, to) in [(1, 2), (5, 9), (250, 256), (255, 257), (256, 258), (250, 520), (65_530, 65_540)] {
        let (steps, expected) = steps(from, to);
        let trials = if to > 1000 { 1 } else { 6 };
        for (step, pair) in steps.windows(2).enumerate() {
            for trial in 0..trials {
                let place = restore(&torn(&pair[0], &pair[1], &mut random));
                let mut log = place.open().unwrap_or_else(|error| panic!("{from} to {to}, {step}, {trial}: {error}"));
                let size = log.size();
                assert!([from, to].contains(&size), "{size}");
                log.append(&headers(size, to)).expect("appends again");
                assert_eq!(published(&mut log), expected, "{from} to {to}, step {step}, trial {trial}");
                check(&place, to).expect("clean");
                assert_eq!(place.open().expect("opens").size(), to);
            }
        }
    }
}

#[test]
fn a_crash_inside_the_recovery_of_a_crash_is_recovered() {
    let mut random = Random(0x5EED);
    println!("seed {:#x}", random.0);
    let (steps, expected) = steps(250, 520);
    for trial in 0..10 {
        let mut state = torn(&steps[0], &steps[1], &mut random);
        for depth in 0..3 {
            let place = restore(&state);
            place.grown(520);
            state = torn(&state, &snapshot(&place), &mut random);
            assert!(place.open().is_ok(), "trial {trial}, depth {depth}");
        }
        let place = restore(&state);
        assert_eq!(published(&mut place.grown(520)), expected, "trial {trial}");
        check(&place, 520).expect("clean");
    }
}

#[test]
fn a_failed_write_stops_the_log_until_it_is_opened_again() {
    let place = Place::new();
    let mut log = place.grown(3);
    published(&mut log);
    let (blocked, aside) = (place.public().join("tile/0/000.p"), place.public().join("aside"));
    fs::rename(&blocked, &aside).expect("renames");
    fs::write(&blocked, b"a file where a directory must be").expect("writes");
    assert!(log.append(&headers(3, 4)).is_err());
    fs::remove_file(&blocked).expect("removes");
    fs::rename(&aside, &blocked).expect("renames");
    for result in [log.append(&headers(3, 4)).map(|_| ()), log.sign().map(|_| ()), log.publish("")] {
        assert!(matches!(result, Err(LogError::Io { .. })));
    }
    published(&mut place.grown(4));
    check(&place, 4).expect("clean");
}
