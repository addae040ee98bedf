//! The witness keys that a proof carries: each of its own line, in their order, and none that says less than it seems to.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::tests::{CHAIN, Case, case};
use super::*;
use crate::note::{NoteError, cosign, sign};
use crate::signature::public_key;

/// What is wrong for a reader who knows the witnesses and for one who knows the log alone.
fn refused(case: &Case, change: impl FnOnce(&mut Proof)) -> Mismatch {
    let mut proof = case.proof.clone();
    change(&mut proof);
    let alone = case.verify_alone(&proof).expect_err("changed");
    assert_eq!(case.verify(&proof), Err(alone.clone()));
    alone
}

fn key(name: &str, kind: Kind, seed: u8) -> String {
    Verifier::new(name, kind, public_key(&[seed; 32])).expect("a real key").to_string()
}

/// Adds a line of this witness, and its key.
fn cosigned(proof: &mut Proof, name: &str, seed: u8) {
    let line = cosign(name, &[seed; 32], Note::parse(&proof.checkpoint).expect("a note").text(), 1_790_000_001);
    proof.checkpoint += &line.expect("a name");
    proof.witnesses.push(key(name, Kind::Cosignature, seed));
}

fn signer(number: u8) -> Mismatch {
    Mismatch::Signer(format!("witness{number}.example/shenzhen"))
}

#[test]
fn keys_and_lines_are_the_same_in_the_same_order() {
    let case = case(1, 2, 1, 2, 3);
    let missing = Mismatch::WitnessKeys("one of them has not signed the checkpoint");
    assert_eq!(refused(&case, |proof| proof.witnesses.swap(0, 1)), signer(0));
    assert_eq!(refused(&case, |proof| _ = proof.witnesses.remove(1)), signer(1));
    assert_eq!(refused(&case, |proof| _ = proof.witnesses.pop()), signer(2));
    assert_eq!(refused(&case, |proof| proof.witnesses.clear()), signer(0));
    assert_eq!(refused(&case, |proof| proof.witnesses.push(key("w", Kind::Cosignature, 50))), missing);
    let other = |proof: &mut Proof| proof.witnesses[1] = key("witness1.example/shenzhen", Kind::Cosignature, 50);
    assert_eq!(refused(&case, other), signer(1));
}

#[test]
fn a_line_is_signed_once_and_rightly() {
    let case = case(1, 2, 1, 2, 2);
    let twice = |line: usize| {
        move |proof: &mut Proof| {
            let line = proof.checkpoint.split_inclusive('\n').nth(4 + line).expect("a line").to_string();
            proof.checkpoint += &line;
        }
    };
    assert_eq!(refused(&case, twice(0)), Mismatch::Note(NoteError::RepeatedSigner(CHAIN.into())));
    assert_eq!(refused(&case, twice(1)), signer(0));
    let other_text = |proof: &mut Proof| {
        cosigned(proof, "w", 50);
        let line = cosign("w", &[50; 32], "shenzhen/0\n1\nother\n", 1_790_000_001).expect("a name");
        let at = proof.checkpoint.rfind("\u{2014}").expect("a line");
        proof.checkpoint.replace_range(at.., &line);
    };
    assert_eq!(refused(&case, other_text), Mismatch::Note(NoteError::BadSignature("w".into())));
    let by_another_log = |proof: &mut Proof| {
        let text = Note::parse(&proof.checkpoint).expect("a note").text();
        let line = sign("log", &[50; 32], text).expect("a name");
        proof.checkpoint += &line;
    };
    assert_eq!(refused(&case, by_another_log), Mismatch::Signer("log".into()));
}

#[test]
fn keys_are_of_witnesses_and_differ() {
    let case = case(1, 2, 1, 2, 2);
    let shared = Mismatch::WitnessKeys("two of the log and the witnesses share a key");
    assert_eq!(refused(&case, |proof| cosigned(proof, "the-log", 1)), shared);
    assert_eq!(refused(&case, |proof| cosigned(proof, "renamed", 10)), shared);
    let kind = Mismatch::WitnessKeys("one is not a cosignature/v1 key");
    assert_eq!(refused(&case, |proof| proof.witnesses[0] = key("w", Kind::Ed25519, 50)), kind);
    let form = Mismatch::WitnessKeys("one is not a verifier key");
    for spoil in [
        |key: &mut String| key.push('='),
        |key: &mut String| key.insert(0, ' '),
        |key: &mut String| *key = key.replacen(|c: char| ('a'..='f').contains(&c), "A", 1),
        |key: &mut String| key.truncate(key.len() - 1),
        String::clear,
    ] {
        assert_eq!(refused(&case, |proof| spoil(&mut proof.witnesses[1])), form);
    }
}

#[test]
fn strangers_may_cosign_and_count_for_nothing() {
    let mut case = case(1, 2, 1, 2, 2);
    cosigned(&mut case.proof, "stranger", 50);
    assert_eq!(case.verify(&case.proof).expect("holds").cosigners.len(), 2);
    assert_eq!(case.verify_alone(&case.proof).expect("holds").cosigners.len(), 0);
}

#[test]
fn a_proof_is_made_of_the_lines_that_can_be_verified() {
    let case = case(1, 2, 1, 2, 3);
    let mut checkpoint = case.proof.checkpoint.clone();
    let lines: Vec<&str> = case.proof.checkpoint.split_inclusive('\n').collect();
    checkpoint += lines[5];
    let text = Note::parse(&checkpoint).expect("a note").text();
    checkpoint = format!("{checkpoint}{}", cosign("stranger", &[50; 32], text, 1).expect("a name"));
    let made = |known: &[Verifier]| {
        let (checkpoint, witnesses) = witnessed(&checkpoint, known).expect("a checkpoint");
        Proof { checkpoint, witnesses, ..case.proof.clone() }
    };
    assert_eq!(made(&case.witnesses), case.proof);
    let turned: Vec<Verifier> = case.witnesses.iter().rev().cloned().collect();
    assert_eq!(made(&turned), case.proof, "in the order of the lines");
    for known in [&case.witnesses[..0], &case.witnesses[1..2], &case.witnesses[..2]] {
        let proof = made(known);
        assert_eq!(proof.witnesses.len(), known.len());
        assert_eq!(verify(&proof, &case.log, known, known.len()).expect("holds").cosigners.len(), known.len());
    }
    assert!(witnessed("no note", &[]).is_err());
}
