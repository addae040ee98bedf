//! Damage: every changed byte of every file is found by the check, and nothing damaged is ever signed.

use super::*;

const MASKS: [u8; 3] = [0x01, 0x80, 0xFF];

fn small() -> Place {
    let place = Place::new();
    for size in [1, 3, 4] {
        published(&mut place.grown(size));
    }
    place
}

#[test]
fn every_changed_byte_of_every_file_is_found_and_named() {
    let place = small();
    let all = files(&place.public());
    assert!(all.len() > 8);
    for (name, bytes) in all.iter().filter(|(name, _)| !name.starts_with(".new")) {
        for at in 0..bytes.len() {
            for mask in MASKS {
                let mut other = bytes.clone();
                other[at] ^= mask;
                fs::write(place.public().join(name), other).expect("writes");
                let wrong = check(&place, 4).expect_err("a changed byte");
                assert_eq!(&wrong.file, name, "{wrong}");
                assert!(name == "checkpoint" || wrong.byte == at as u64, "{wrong}");
            }
        }
        fs::write(place.public().join(name), bytes).expect("writes");
    }
    assert_eq!(check(&place, 4).expect("clean again").files, 6);
}

#[test]
fn truncated_longer_missing_and_foreign_files_are_found() {
    let place = small();
    for (name, bytes) in files(&place.public()).iter().filter(|(name, _)| !name.starts_with(".new")) {
        let path = place.public().join(name);
        fs::write(&path, &bytes[..bytes.len() - 1]).expect("writes");
        assert_eq!(&check(&place, 4).expect_err("truncated").file, name);
        fs::write(&path, [bytes, &b"\n"[..]].concat()).expect("writes");
        assert_eq!(&check(&place, 4).expect_err("longer").file, name);
        fs::write(&path, b"").expect("writes");
        assert_eq!(&check(&place, 4).expect_err("empty").file, name);
        fs::remove_file(&path).expect("removes");
        let needed = name == "vkey" || name.ends_with("000.p/4");
        assert_eq!(check(&place, 4).is_err(), needed, "{name}");
        fs::write(&path, bytes).expect("writes");
    }
    for name in ["tile/0/000", "tile/0/000.p/5", "tile/0/000.p/04", "tile/1/000.p/1", "tile/x", "tile/entries/001.p/1"]
    {
        let path = place.public().join(name);
        fs::create_dir_all(path.parent().expect("below")).expect("creates");
        fs::write(&path, b"").expect("writes");
        assert_eq!(check(&place, 4).expect_err("foreign").file, name);
        fs::remove_file(&path).expect("removes");
    }
}

#[test]
fn a_full_log_is_checked_file_by_file() {
    let place = Place::new();
    published(&mut place.grown(700));
    for (name, bytes) in files(&place.public().join("tile")) {
        let (name, path) = (format!("tile/{name}"), place.public().join("tile").join(&name));
        let mut other = bytes.clone();
        let at = bytes.len() * 2 / 3;
        other[at] ^= 4;
        fs::write(&path, other).expect("writes");
        let wrong = check(&place, 700).expect_err("damaged");
        assert_eq!((wrong.file.as_str(), wrong.byte), (name.as_str(), at as u64));
        fs::remove_file(&path).expect("removes");
        assert_eq!(check(&place, 700).expect_err("missing").file, name);
        fs::write(&path, bytes).expect("writes");
    }
    assert_eq!(check(&place, 699).expect_err("a block is missing").file, "checkpoint");
    let mut fewer = headers(0, 700);
    fewer.swap(3, 4);
    let vkey = place.open().expect("opens").vkey();
    assert!(check_public(&place.public(), ORIGIN, fewer, &vkey, &[]).is_err());
    assert!(check_public(&place.public(), "shenzhen/1", headers(0, 700), &vkey, &[]).is_err());
}

#[test]
fn tiles_behind_the_blocks_are_clean() {
    let place = Place::new();
    published(&mut place.grown(4));
    assert_eq!(check(&place, 300).expect("the log has not caught up").size, 4);
    place.grown(260);
    assert_eq!(check(&place, 300).expect("not signed yet").size, 4);
}

#[test]
fn a_damaged_edge_does_not_open_and_is_not_signed() {
    let place = Place::new();
    published(&mut place.grown(258));
    let edge = ["tile/0/001.p/2", "tile/entries/001.p/2", "tile/1/000.p/1"];
    for name in edge {
        let path = place.public().join(name);
        let good = fs::read(&path).expect("a tile");
        for at in 0..good.len() {
            let mut other = good.clone();
            other[at] ^= 0x10;
            fs::write(&path, other).expect("writes");
            assert!(matches!(place.open(), Err(LogError::Corrupt { .. })), "{name} at {at}");
        }
        fs::write(&path, &good[..good.len() - 1]).expect("writes");
        assert!(matches!(place.open(), Err(LogError::Corrupt { .. })), "{name} truncated");
        fs::write(&path, good).expect("writes");
    }
    for name in ["tile/0/001.p/3", "tile/entries/001.p/3", "tile/0/001", "tile/entries/001", "tile/1/000.p/2"] {
        let copy = place.copy();
        let mut log = copy.grown(if name.ends_with('3') { 259 } else { 520 });
        let before = fs::read(copy.state().join("signed-head")).expect("a head");
        let path = copy.public().join(name);
        let mut other = fs::read(&path).expect("a tile");
        let at = other.len() - 1;
        other[at] ^= 1;
        fs::write(&path, other).expect("writes");
        assert!(matches!(log.sign(), Err(LogError::Corrupt { .. })), "{name}");
        assert_eq!(fs::read(copy.state().join("signed-head")).expect("a head"), before, "nothing was recorded");
    }
}

#[test]
fn a_full_tile_with_other_bytes_is_never_written_over() {
    let place = Place::new();
    published(&mut place.grown(200));
    place.grown(256);
    let path = place.public().join("tile/0/000");
    let mut other = fs::read(&path).expect("a tile");
    other[8000] ^= 1;
    fs::write(&path, &other).expect("writes");
    let mut log = place.open().expect("the signed part is whole");
    assert!(matches!(log.append(&headers(200, 256)), Err(LogError::Corrupt { .. })));
    assert_eq!(fs::read(&path).expect("a tile"), other);
}

#[test]
fn a_damaged_head_or_checkpoint_does_not_open() {
    let place = small();
    for path in [place.state().join("signed-head"), place.public().join("checkpoint")] {
        let good = fs::read(&path).expect("a file");
        for at in 0..good.len() {
            let mut other = good.clone();
            other[at] ^= 0x01;
            fs::write(&path, other).expect("writes");
            assert!(matches!(place.open(), Err(LogError::Corrupt { .. })), "{} at {at}", path.display());
        }
        fs::write(&path, good).expect("writes");
    }
    assert_eq!(place.open().expect("opens").size(), 4);
}
