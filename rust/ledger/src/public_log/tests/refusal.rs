//! What the log refuses: going back, a second root, foreign notes and headers, a second signer.

use super::*;

fn rollback<T>(result: &Result<T, LogError>) -> bool {
    matches!(result, Err(LogError::Rollback(_)))
}

fn corrupt<T>(result: &Result<T, LogError>) -> bool {
    matches!(result, Err(LogError::Corrupt { .. }))
}

fn invalid<T>(result: &Result<T, LogError>) -> bool {
    matches!(result, Err(LogError::Invalid(_)))
}

#[test]
fn only_the_next_header_of_the_chain_is_appended() {
    let place = Place::new();
    let mut log = place.grown(5);
    assert!(invalid(&log.append(&headers(6, 7))));
    assert!(invalid(&log.append(&headers(4, 6))));
    assert!(invalid(&log.append(&[b"not a header"])));
    let mut other = Header::decode(&header(5)).expect("a header");
    other.chain = "shenzhen/1".into();
    assert!(invalid(&log.append(&[other.encode()])));
    assert!(invalid(&log.append(&[header(5), header(7)])));
    assert_eq!(log.append(&headers(5, 6)).expect("a refusal leaves the log usable"), 6);
    assert_eq!(log.append::<Vec<u8>>(&[]).expect("nothing to do"), 6);
}

#[test]
fn an_empty_log_is_not_signed() {
    assert!(invalid(&Place::new().open().expect("opens").sign()));
}

#[test]
fn a_public_directory_from_before_the_last_signature_is_a_rollback() {
    let place = Place::new();
    let mut log = place.grown(200);
    published(&mut log);
    let old = place.copy();
    for size in [201, 256, 300, 600] {
        let mut log = place.grown(size);
        log.sign().expect("signs");
        let restored = old.copy();
        fs::copy(place.state().join("signed-head"), restored.state().join("signed-head")).expect("copies");
        let error = restored.open().expect_err("an old copy");
        assert!(matches!(error, LogError::Rollback(_)), "{size}: {error}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn a_published_checkpoint_counts_as_signed_where_the_state_is_older() {
    let place = Place::new();
    let mut log = place.grown(5);
    published(&mut log);
    let old = place.copy();
    let mut log = place.grown(9);
    published(&mut log);
    fs::copy(old.state().join("signed-head"), place.state().join("signed-head")).expect("copies");
    assert_eq!(place.open().expect("opens").size(), 9);
    fs::remove_file(place.state().join("signed-head")).expect("removes");
    let mut log = place.open().expect("opens");
    assert_eq!(log.size(), 9);
    log.append(&headers(9, 10)).expect("appends");
    published(&mut log);
    assert_eq!(place.open().expect("opens").size(), 10);
}

#[test]
fn no_second_root_is_signed_for_a_size() {
    let place = Place::new();
    let mut log = place.grown(5);
    log.sign().expect("signs");
    let forked = Head { size: 5, root: [9; 32] };
    assert!(corrupt(&forked.replace(&place.state(), ORIGIN, Head::load(&place.state(), ORIGIN).expect("a head"))));
    let behind = Head { size: 4, root: root(4) };
    assert!(rollback(&behind.replace(&place.state(), ORIGIN, Head::load(&place.state(), ORIGIN).expect("a head"))));
    let other = Place::new();
    let mut signed_elsewhere = other.grown(5);
    assert!(signed_elsewhere.append(&headers(5, 6)).is_ok());
    Head { size: 6, root: [9; 32] }.replace(&other.state(), ORIGIN, None).expect("records");
    assert!(corrupt(&other.open()), "the tiles give another root than was signed");
    assert!(rollback(&signed_elsewhere.sign()), "the head changed under an open log");
    assert!(matches!(signed_elsewhere.sign(), Err(LogError::Io { .. })), "a failed signature stops the log");
    assert!(matches!(signed_elsewhere.append(&headers(6, 7)), Err(LogError::Io { .. })));
}

#[test]
fn of_two_open_logs_only_the_first_to_sign_goes_on() {
    let place = Place::new();
    let mut one = place.grown(5);
    let mut two = place.open().expect("opens");
    two.append(&headers(0, 6)).expect("appends the same bytes");
    one.sign().expect("signs");
    let error = two.sign().expect_err("the head has changed");
    assert!(matches!(&error, LogError::Rollback(what) if what.contains("another process")), "{error}");
    one.append(&headers(5, 6)).expect("appends");
    one.sign().expect("signs");
}

#[test]
fn only_a_note_for_the_last_signed_head_is_published() {
    let place = Place::new();
    let mut log = place.grown(5);
    let five = log.sign().expect("signs");
    log.append(&headers(5, 6)).expect("appends");
    log.publish(&five).expect("the last signed");
    let six = log.sign().expect("signs");
    assert!(invalid(&log.publish(&five)), "not the last any more");
    assert!(invalid(&log.publish("no note")));
    assert!(invalid(&log.publish(&six.replace("\n6\n", "\n7\n"))), "altered");
    let text = Note::parse(&six).expect("a note").text().to_owned();
    let foreign = farechain_core::note::sign(ORIGIN, &[8; 32], &text).expect("a name");
    assert!(invalid(&log.publish(&format!("{text}\n{foreign}"))), "not our key");
    let extended = format!("{text}more\n");
    let line = farechain_core::note::sign(ORIGIN, &SEED, &extended).expect("a name");
    assert!(invalid(&log.publish(&format!("{extended}\n{line}"))), "an extension that was not asked for");
    log.publish(&six).expect("publishes");
    assert_eq!(log.published_size(), 6);
}

#[test]
fn another_key_or_origin_does_not_open_it() {
    let place = Place::new();
    published(&mut place.grown(2));
    let open = |origin: &str, seed| PublicLog::open(&place.public(), &place.state(), origin, seed);
    assert!(invalid(&open(ORIGIN, &[8; 32])));
    assert!(invalid(&open("shenzhen/1", &SEED)));
    assert!(invalid(&open("shen zhen", &SEED)));
    fs::remove_file(place.public().join("vkey")).expect("removes");
    assert!(corrupt(&open(ORIGIN, &[8; 32])), "the checkpoint is signed by another key");
}

#[test]
fn a_lost_public_directory_is_rebuilt_and_signs_only_from_the_last_signed_size() {
    let place = Place::new();
    let mut log = place.grown(300);
    let note = published(&mut log);
    let rebuild = || PublicLog::rebuild(&place.public(), &place.state(), ORIGIN, &SEED);
    assert!(invalid(&rebuild()), "there are tiles");
    fs::remove_dir_all(place.public()).expect("removes");
    assert!(rollback(&place.open()));
    let mut log = rebuild().expect("begins again");
    assert_eq!(log.append(&headers(0, 299)).expect("appends"), 299);
    assert!(rollback(&log.sign()));
    log.append(&headers(299, 300)).expect("appends");
    assert_eq!(published(&mut log), note);
    check(&place, 300).expect("clean");
}

#[test]
fn a_rebuilt_log_with_other_headers_stops_at_the_last_signed_size() {
    let place = Place::new();
    published(&mut place.grown(30));
    fs::remove_dir_all(place.public()).expect("removes");
    let mut log = PublicLog::rebuild(&place.public(), &place.state(), ORIGIN, &SEED).expect("begins again");
    let mut other = headers(0, 40);
    let mut changed = Header::decode(&other[7]).expect("a header");
    changed.time_ms += 1;
    other[7] = changed.encode();
    assert!(corrupt(&log.append(&other)));
}

#[test]
fn signing_waits_for_what_is_known_outside() {
    let place = Place::new();
    published(&mut place.grown(5));
    let backup = place.copy();
    let mut log = place.grown(9);
    let outside = published(&mut log);
    let mut restored = backup.grown(6);
    restored.known_outside(&outside).expect("ours");
    assert!(rollback(&restored.sign()));
    restored.append(&headers(6, 9)).expect("appends");
    assert_eq!(restored.sign().expect("reached"), outside);
    assert!(invalid(&restored.known_outside("no note")));
    let text = Checkpoint::new(ORIGIN, 7, [9; 32]).to_string();
    let fork = format!("{text}\n{}", farechain_core::note::sign(ORIGIN, &SEED, &text).expect("a name"));
    assert!(corrupt(&restored.known_outside(&fork)), "another root for a size that is here");
}
