//! Preparing a batch in windows, lanes and shares gives what each of its inputs gives by itself.

use std::fs;
use std::path::Path;

use farechain_core::decide::Check;
use farechain_core::error::Code;
use farechain_core::event;
use farechain_core::input::{HEADER_KID, HEADER_SIGNATURE, Input, MAX_VALUE_BYTES};
use farechain_core::json::{self, Tokens};
use farechain_core::signature::{PAYLOAD_TYPE, PublicKey, kid, pae, public_key, sign};
use farechain_lanes::Verifier;
use farechain_ledger::batch::PreparedBatch;
use farechain_ledger::intake::{Intake, RawBatch, SourceRecord};
use farechain_ledger::prepare::{self, Keyring};

const KNOWN: [u8; 32] = [1; 32];
const UNKNOWN: [u8; 32] = [2; 32];
/// Enough for several windows and shares.
const INPUTS: usize = 3000;

/// The values of the vectors of events, and what never reaches the decoder.
fn values() -> Vec<Option<Vec<u8>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/events.json");
    let file = fs::read(path).expect("the vectors of events");
    let mut tokens = Tokens::default();
    let file = json::parse(&file, &mut tokens).expect("JSON");
    let mut members = file.root().members().expect("an object");
    let cases = members.find(|(name, _)| *name == "cases").and_then(|(_, cases)| cases.items()).expect("cases");
    let value = |case: json::Value<'_>| {
        let (_, value) = case.members()?.find(|(name, _)| *name == "value")?;
        value.as_text().map(|text| text.as_bytes().to_vec())
    };
    let mut values: Vec<_> = cases.map(value).collect();
    values.extend([None, Some(Vec::new()), Some(vec![b' '; MAX_VALUE_BYTES]), Some(vec![b' '; MAX_VALUE_BYTES + 1])]);
    values
}

/// Each value signed well, badly, by nobody known, or not at all.
fn batch(values: &[Option<Vec<u8>>]) -> RawBatch {
    let mut intake = Intake::new(vec![0]);
    let signed: Vec<_> = values
        .iter()
        .map(|value| {
            let signed = pae(PAYLOAD_TYPE, value.as_deref().unwrap_or_default());
            [sign(&KNOWN, &signed), sign(&UNKNOWN, &signed)]
        })
        .collect();
    let kids = [KNOWN, UNKNOWN].map(|seed| hex(&kid(&public_key(&seed))));
    for i in 0..INPUTS {
        let (at, how) = (i % values.len(), i % 7);
        let who = usize::from(how == 1);
        let signature = &signed[at][usize::from(how < 3 && how > 0)][..];
        let headers = [(HEADER_KID, Some(kids[who].as_bytes())), (HEADER_SIGNATURE, Some(signature))];
        let headers = &headers[usize::from(how == 3)..];
        let (offset, value) = (i as u64, values[at].as_deref());
        let record = SourceRecord { offset, timestamp_ms: 5, key: Some(b"k"), headers, value };
        intake.push_records(0, std::iter::once(record), None, false);
    }
    intake.seal(INPUTS)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn check_events(batch: &PreparedBatch, values: &[Option<Vec<u8>>]) {
    assert_eq!(batch.inputs.len(), INPUTS);
    for (i, input) in batch.inputs.iter().enumerate() {
        let value = values[i % values.len()].as_deref();
        let parsed = Input::parse(batch.bytes(input)).expect("canonical bytes");
        let candidate = batch.candidate(input);
        assert_eq!((parsed.offset, parsed.value, parsed.key), (i as u64, value, Some(&b"k"[..])));
        assert_eq!((candidate.input.offset, candidate.input.value), (parsed.offset, parsed.value));
        assert_eq!((candidate.input.kid, candidate.input.signature), (parsed.kid, parsed.signature));
        assert_eq!(input.digest, parsed.digest());
        let alone = match value {
            None => Err(Code::Schema),
            Some(value) if value.len() > MAX_VALUE_BYTES => Err(Code::Size),
            Some(value) => event::decode(value),
        };
        match alone {
            Ok((signed, data)) => assert_eq!((candidate.event, candidate.data), (Ok(&signed), &data[..]), "{i}"),
            Err(code) => assert_eq!((candidate.event, candidate.data), (Err(code), &[][..]), "{i}"),
        }
    }
}

#[test]
fn a_batch_is_what_its_inputs_are_one_by_one() {
    let values = values();
    for threads in [1, 2, 3] {
        check_events(&prepare::decode(batch(&values), threads), &values);
    }
}

#[test]
fn signatures_of_known_keys_are_checked_and_others_left() {
    let (values, keyring, verifier) = (values(), Keyring::default(), Verifier::new(1, 1 << 20));
    let known = PublicKey::admit(public_key(&KNOWN)).expect("a good key");
    let look_up = |kid: &[u8; 16]| (*kid == known.kid()).then_some(known);
    for threads in [1, 2] {
        let (batch, _) = prepare::prepare(batch(&values), &keyring, &verifier, threads, &look_up);
        check_events(&batch, &values);
        for (i, input) in batch.inputs.iter().enumerate() {
            let verifiable = values[i % values.len()].as_ref().is_some_and(|value| value.len() <= MAX_VALUE_BYTES);
            let expected = match i % 7 {
                1 | 3 => Check::UnknownKey,
                _ if !verifiable => Check::UnknownKey,
                2 => Check::Bad,
                _ => Check::Good,
            };
            assert_eq!(input.check, expected, "{i}");
        }
    }
}
