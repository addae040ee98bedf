//! The vectors of `tests/vectors`, made by the Python reference: the core agrees byte for byte, both ways.

use std::fs;
use std::path::Path;

use farechain_core::block::{Header, SourceRange};
use farechain_core::cbor::Decoder;
use farechain_core::digest::{self, Digest};
use farechain_core::error::Code;
use farechain_core::event::{self, Event, Signed};
use farechain_core::input::{self, Input};
use farechain_core::merkle;
use farechain_core::outcome::Outcome;
use farechain_core::record::Record;
use farechain_core::state_map;
use serde_json::Value;

fn cases(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("the vectors are JSON");
    let cases = file["cases"].as_array().expect("cases").clone();
    assert!(!cases.is_empty() && file["provenance"].is_string());
    cases
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("not hex: {value}"));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn unhex_digest(value: &Value) -> Digest {
    unhex(value).try_into().expect("32 bytes")
}

fn items(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[test]
fn records_are_read_and_written_the_same() {
    for case in cases("records") {
        let bytes = unhex(&case["record"]);
        let record = Record::decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
        assert_eq!(record.to_bytes(), bytes, "{}", case["name"]);
        assert_eq!(record.hash(), unhex_digest(&case["hash"]));
        let fields = &case["fields"];
        let root = ["payments_root", "refund_root", "data_root"].iter().find_map(|name| fields.get(name));
        assert_eq!(record.identity().copied(), fields.get("identity").map(unhex_digest), "{}", case["name"]);
        assert_eq!(record.data_leaf().copied(), root.map(unhex_digest), "{}", case["name"]);
        match record {
            Record::Invoice(invoice) => {
                assert_eq!(u64::from(invoice.number), number(&fields["number"]));
                assert_eq!(Some(invoice.line.tax_fen), fields["tax_fen"].as_i64());
                assert_eq!(invoice.line.net_fen + invoice.line.tax_fen, invoice.line.total_fen);
            }
            Record::RedLetter(red) => {
                assert_eq!(Some(red.line.net_fen), fields["net_fen"].as_i64());
                assert_eq!(red.remaining_fen, number(&fields["remaining_fen"]));
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_no_record_is_refused() {
    for case in cases("records_refused") {
        assert!(Record::decode(&unhex(&case["record"])).is_err(), "{}", case["name"]);
    }
}

#[test]
fn every_cut_of_a_record_is_refused() {
    for case in cases("records") {
        let bytes = unhex(&case["record"]);
        for end in 0..bytes.len() {
            assert!(Record::decode(&bytes[..end]).is_err(), "{} cut at {end}", case["name"]);
        }
    }
}

#[test]
fn headers_and_their_roots() {
    for case in cases("headers") {
        let bytes = unhex(&case["header"]);
        let header = Header::decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
        assert_eq!(header.encode(), bytes);
        assert_eq!(digest::block(&bytes), unhex_digest(&case["hash"]));
        assert_eq!(header.height, number(&case["fields"]["height"]));
        let records: Vec<Digest> = items(&case["records"]).iter().map(|record| digest::leaf(&unhex(record))).collect();
        assert_eq!(merkle::root(&records), header.records_root);
        let mut inputs: Vec<Digest> =
            (0u16..).zip(items(&case["ranges"])).map(|(at, one)| range_leaf(at, one)).collect();
        inputs.extend(items(&case["outcomes"]).iter().map(|outcome| {
            let bytes: [u8; Outcome::BYTES] = unhex(outcome).try_into().expect("64 bytes");
            assert_eq!(Outcome::decode(&bytes).map(|outcome| outcome.encode()), Some(bytes));
            digest::leaf(&bytes)
        }));
        assert_eq!(merkle::root(&inputs), header.inputs_root, "{}", case["name"]);
    }
}

fn range_leaf(source: u16, case: &Value) -> Digest {
    let range = SourceRange {
        source,
        first_offset: number(&case["first_offset"]),
        next_offset: number(&case["next_offset"]),
        last_digest: unhex_digest(&case["last_digest"]),
    };
    let bytes = range.encode();
    assert_eq!(SourceRange::decode(&mut Decoder::new(&bytes)), Ok(range));
    digest::leaf(&bytes)
}

#[test]
fn inputs() {
    for case in cases("inputs") {
        let [offset, _, key, value, headers] = items(&case["record"]) else { panic!("five parts: {case}") };
        let nullable = |part: &Value| (!part.is_null()).then(|| unhex(part));
        let headers: Vec<(Vec<u8>, Option<Vec<u8>>)> = items(headers)
            .iter()
            .map(|header| (header[0].as_str().expect("a name").as_bytes().to_vec(), nullable(&header[1])))
            .collect();
        let pairs = headers.iter().map(|(name, value)| (name.as_slice(), value.as_deref()));
        let (key, value, mut bytes) = (nullable(key), nullable(value), Vec::new());
        input::encode(&mut bytes, number(offset), key.as_deref(), pairs, value.as_deref());
        assert_eq!(bytes, unhex(&case["bytes"]));
        let parsed = Input::parse(&bytes).expect("canonical");
        assert_eq!((parsed.offset, parsed.key, parsed.value), (number(offset), key.as_deref(), value.as_deref()));
        assert_eq!(parsed.digest(), unhex_digest(&case["digest"]));
    }
}

#[test]
fn identities() {
    for case in cases("identities") {
        let parts: Vec<Vec<u8>> = items(&case["parts"]).iter().map(unhex).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(digest::identity(&parts), unhex_digest(&case["identity"]), "{}", case["name"]);
    }
}

#[test]
fn trees() {
    let leaves: Vec<Digest> = (0u64..300).map(|leaf| digest::leaf(&leaf.to_be_bytes())).collect();
    for case in cases("trees") {
        let count = number(&case["count"]);
        let (leaves, root) = (&leaves[..count as usize], unhex_digest(&case["root"]));
        assert_eq!(merkle::root(leaves), root, "{count}");
        let Some(path) = case.get("path") else { continue };
        let (index, path): (u64, Vec<Digest>) =
            (number(&case["index"]), items(path).iter().map(unhex_digest).collect());
        assert_eq!(merkle::path(leaves, index as usize).as_ref(), Some(&path), "{index} of {count}");
        assert!(merkle::verify(&leaves[index as usize], index, count, &path, &root));
    }
}

#[test]
fn events() {
    for case in cases("events") {
        let value = case["value"].as_str().expect("a value");
        let decoded = event::decode(value.as_bytes());
        if let Some(code) = case.get("code") {
            assert_eq!(decoded.as_ref().err().map(|code| code.as_str()), code.as_str(), "{value}");
        } else {
            let (signed, data) = decoded.unwrap_or_else(|code| panic!("{code}: {value}"));
            compare(&case, &signed, &data);
        }
    }
}

fn compare(case: &Value, signed: &Signed, data: &[u8]) {
    let (kind, identity, data_leaf, origin) = match &signed.event {
        Event::Payment(one) => (one.kind as u8, &one.identity, &one.data_leaf, Some(one.origin)),
        Event::Refund(one) => (2, &one.identity, &one.data_leaf, Some(one.origin)),
        Event::Command(one) => (one.order.kind(), &one.identity, &one.data_leaf, None),
    };
    assert_eq!(Some(signed.network.as_str()), case["network"].as_str());
    assert_eq!(u64::from(kind), number(&case["kind"]));
    assert_eq!(*identity, unhex_digest(&case["identity"]), "{case}");
    assert_eq!(origin, case.get("origin").map(unhex_digest), "{case}");
    assert_eq!(data.to_vec(), unhex(&case["data"]), "{case}");
    assert_eq!((*data_leaf, digest::leaf(data)), (unhex_digest(&case["data_leaf"]), *data_leaf));
}

#[test]
fn the_numbers_of_the_codes() {
    let written: Vec<(u64, String)> = cases("codes")
        .iter()
        .map(|case| (number(&case["number"]), case["code"].as_str().expect("a code").to_owned()))
        .collect();
    let known: Vec<(u64, String)> = Code::ALL.iter().map(|code| (*code as u64, code.as_str().to_owned())).collect();
    assert_eq!(known, written);
}

#[test]
fn the_tree_over_current_state() {
    for case in cases("state_map") {
        let pair = |entry: &Value| (unhex_digest(&entry[0]), unhex_digest(&entry[1]));
        let mut entries: Vec<state_map::Entry> = items(&case["entries"]).iter().map(pair).collect();
        entries.sort_unstable();
        let root = unhex_digest(&case["root"]);
        assert_eq!(state_map::root(&entries), root, "{}", case["name"]);
        for one in items(&case["proofs"]) {
            let (key, proof) = (unhex_digest(&one["key"]), unhex(&one["proof"]));
            let value = one["value"].is_string().then(|| unhex_digest(&one["value"]));
            assert_eq!(state_map::prove(&entries, &key).to_bytes(), proof, "{}", case["name"]);
            assert_eq!(state_map::verify(&root, &key, &proof), Ok(value));
            for (what, bad) in one["refused"].as_object().expect("what is refused") {
                assert!(state_map::verify(&root, &key, &unhex(bad)).is_err(), "{}: {what}", case["name"]);
            }
        }
    }
}
