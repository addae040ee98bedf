//! Notes against Go's vectors, and what must be refused.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::json;
use crate::signature::public_key;

const TEXT: &str = "shenzhen/0\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const LOG: [u8; 32] = [1; 32];
const WITNESS: [u8; 32] = [2; 32];

fn log() -> Verifier {
    Verifier::new("shenzhen/0", Kind::Ed25519, public_key(&LOG)).expect("a real key")
}

fn witness() -> Verifier {
    Verifier::new("w.example/1", Kind::Cosignature, public_key(&WITNESS)).expect("a real key")
}

fn note() -> String {
    let log = sign("shenzhen/0", &LOG, TEXT).expect("a name");
    let witness = cosign("w.example/1", &WITNESS, TEXT, 1_679_315_147).expect("a name");
    format!("{TEXT}\n{log}{witness}")
}

fn open(note: &str, verifiers: &[Verifier]) -> Result<Vec<Signed>, NoteError> {
    Note::parse(note)?.open(verifiers)
}

#[test]
fn what_is_signed_and_cosigned_opens() {
    let note = note();
    let signed = open(&note, &[witness(), log()]).expect("both signed");
    let expected = [("shenzhen/0", 1, None), ("w.example/1", 0, Some(1_679_315_147))];
    assert_eq!(signed.len(), 2);
    for (signed, (name, verifier, time_s)) in signed.iter().zip(expected) {
        assert_eq!((signed.name.as_str(), signed.verifier, signed.time_s), (name, verifier, time_s));
    }
    assert_eq!(Note::parse(&note).expect("well formed").text(), TEXT);
    assert_eq!(Note::parse(&note).expect("well formed").open_whole(&[witness(), log()]), Ok(signed));
}

#[test]
fn unknown_keys_are_ignored_and_bad_signatures_of_known_keys_are_not() {
    let note = note();
    assert_eq!(open(&note, &[log()]).expect("the log signed").len(), 1);
    let stranger = Verifier::new("shenzhen/0", Kind::Ed25519, public_key(&[3; 32])).expect("a real key");
    assert_eq!(open(&note, &[stranger]), Err(NoteError::Unsigned));
    assert_eq!(open(&note, &[]), Err(NoteError::Unsigned));
    let other = note.replacen("\n3\n", "\n4\n", 1);
    assert_eq!(open(&other, &[log()]), Err(NoteError::BadSignature("shenzhen/0".to_string())));
    assert_eq!(open(&other, &[witness()]), Err(NoteError::BadSignature("w.example/1".to_string())));
}

#[test]
fn a_whole_note_has_no_foreign_and_no_repeated_line() {
    let note = note();
    let whole = |note: &str, verifiers: &[Verifier]| Note::parse(note).expect("well formed").open_whole(verifiers);
    assert_eq!(whole(&note, &[log()]), Err(NoteError::UnknownSigner("w.example/1".to_string())));
    let twice = format!("{note}{}", cosign("w.example/1", &WITNESS, TEXT, 1).expect("a name"));
    assert_eq!(whole(&twice, &[log(), witness()]), Err(NoteError::RepeatedSigner("w.example/1".to_string())));
    let opened = open(&twice, &[witness()]).expect("signed twice");
    assert_eq!((opened.len(), opened[0].time_s), (1, Some(1_679_315_147)));
}

#[test]
fn a_log_key_does_not_open_a_cosignature_nor_the_other_way_round() {
    let as_witness = Verifier::new("shenzhen/0", Kind::Cosignature, public_key(&LOG)).expect("a real key");
    assert_ne!(as_witness.key_hash(), log().key_hash());
    assert_eq!(open(&note(), &[as_witness]), Err(NoteError::Unsigned));
}

#[test]
fn every_flipped_bit_of_a_note_is_refused() {
    let note = note();
    for bit in 0..note.len() * 8 {
        let mut other = note.clone().into_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        let Ok(other) = String::from_utf8(other) else { continue };
        let opened = Note::parse(&other).and_then(|note| note.open_whole(&[log(), witness()]));
        assert!(opened.is_err(), "bit {bit}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let line = "\u{2014} a AAAAAAE=\n";
    let refused = |note: &str| Note::parse(note).expect_err("malformed");
    for (note, error) in [
        (String::new(), NoteError::NoSignatureLines),
        ("a\n".to_string(), NoteError::NoSignatureLines),
        (format!("a\n{line}"), NoteError::NoSignatureLines),
        (format!("a\n\n{}", line.trim_end()), NoteError::NoSignatureLines),
        ("a\n\n".to_string(), NoteError::NoSignatureLines),
        (format!("a\n\n{line}\n"), NoteError::NoSignatureLines),
        (format!("a\r\n\n{line}"), NoteError::ControlCharacter),
        (format!("a\n\n{line}- a AAAAAAE=\n"), NoteError::SignatureLine(2)),
        ("a\n\n\u{2014} a+b AAAAAAE=\n".to_string(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014}  AAAAAAE=\n".to_string(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a\u{a0}b AAAAAAE=\n".to_string(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAA==\n".to_string(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAAE\n".to_string(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAAF=\n".to_string(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAAE= \n".to_string(), NoteError::SignatureLine(1)),
        (format!("a\n\n{}", line.repeat(101)), NoteError::TooManySignatures),
        (format!("{}\n\n{line}", "a".repeat(MAX_NOTE_BYTES)), NoteError::TooLarge),
    ] {
        assert_eq!(refused(&note), error, "{}", note.chars().take(60).collect::<String>());
    }
    assert_eq!(Note::parse(&format!("a\n\n{}", line.repeat(100))).expect("the limit").lines().len(), 100);
    assert_eq!(Note::parse(&format!("a\n\nb\n\n{line}")).expect("blank lines inside").text(), "a\n\nb\n");
}

#[test]
fn verifier_keys_come_back_as_they_were_written() {
    for verifier in [log(), witness()] {
        assert_eq!(Verifier::parse(&verifier.to_string()), Ok(verifier));
    }
    let vkey = log().to_string();
    for at in 0..vkey.len() {
        let mut other = vkey.clone().into_bytes();
        other[at] ^= 1;
        let other = String::from_utf8(other).expect("ASCII");
        assert!(Verifier::parse(&other).is_err(), "{other}");
    }
    assert!(Verifier::new("a b", Kind::Ed25519, public_key(&LOG)).is_err());
    assert!(Verifier::new("a", Kind::Ed25519, [0; 32]).is_err());
    assert!(cosign("w", &WITNESS, TEXT, 1 << 63).is_err());
    let late = "\u{2014} w.example/1 ".to_string()
        + &BASE64_STANDARD.encode([&witness().key_hash().to_be_bytes()[..], &[0x80; 72]].concat());
    assert!(open(&format!("{TEXT}\n{late}\n"), &[witness()]).is_err());
}

#[test]
fn a_checkpoint_has_one_form() {
    let checkpoint = Checkpoint::parse(TEXT).expect("well formed");
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("shenzhen/0", 3));
    assert_eq!(checkpoint.to_string(), TEXT);
    let extended = format!("{TEXT}more\n");
    assert_eq!(Checkpoint::parse(&extended).expect("an extension").to_string(), extended);
    let root = TEXT.lines().nth(2).expect("the root");
    for wrong in [
        String::new(),
        TEXT.trim_end().to_string(),
        format!("\n3\n{root}\n"),
        format!("o\n03\n{root}\n"),
        format!("o\n+3\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        "o\n3\nAAAA\n".to_string(),
        format!("o\n3\n{}\n", root.trim_end_matches('=')),
        format!("o\n3\n{root}\n\nx\n"),
    ] {
        assert!(matches!(Checkpoint::parse(&wrong), Err(NoteError::Checkpoint(_))), "{wrong}");
    }
}

#[test]
fn the_vectors_of_go_and_c2sp() {
    let bytes = include_bytes!("../../../../tests/vectors/signed_note.json");
    let mut tokens = json::Tokens::default();
    let document = json::parse(bytes, &mut tokens).expect("the vectors are JSON");
    let root: Vec<_> = document.root().members().expect("object").collect();
    let member = |name: &str| root.iter().find(|(found, _)| *found == name).expect("a member of the vectors").1;
    let text = member("text").as_text().expect("text").to_string();
    let (mut note, mut verifiers) = (format!("{text}\n"), Vec::new());
    for signed in member("signed").items().expect("array") {
        let fields: Vec<_> = signed.members().expect("object").map(|(_, value)| value.as_text()).collect();
        verifiers.push(Verifier::parse(fields[0].expect("a key")).expect("a good key"));
        note.push_str(fields[1].expect("a line"));
    }
    assert_eq!(Note::parse(&note).expect("well formed").open_whole(&verifiers).expect("both signed").len(), 2);
    for bad in member("bad_vkeys").items().expect("array") {
        assert!(Verifier::parse(bad.as_text().expect("text")).is_err());
    }
    let checkpoint = member("checkpoint").as_text().expect("text").to_string();
    let checkpoint = Checkpoint::parse(Note::parse(&checkpoint).expect("a note").text()).expect("a checkpoint");
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(.|\n|\u{2014} a AAAAAAE=\n){0,40}") {
        let _ = Note::parse(&text).map(|note| note.open(&[log()]));
        let _ = Checkpoint::parse(&text);
        let _ = Verifier::parse(&text);
    }
}
