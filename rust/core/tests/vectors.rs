//! The vectors of `tests/vectors`, made by the Python reference: the core agrees byte for byte, both ways.

use std::fs;
use std::path::Path;

use farechain_core::block::{Header, SourceRange};
use farechain_core::cbor::Decoder;
use farechain_core::code;
use farechain_core::command::{self, InvoiceId};
use farechain_core::decide::presented;
use farechain_core::digest::{self, Digest};
use farechain_core::error::Code;
use farechain_core::event::{self, Event, Signed};
use farechain_core::input::{self, Input};
use farechain_core::merkle;
use farechain_core::outcome::Outcome;
use farechain_core::record::{ClaimedInvoice, LineRedLetter, OwedState, Record, Sum, composed};
use farechain_core::signature::{self, PublicKey};
use farechain_core::standing::Standing;
use farechain_core::state_map;
use farechain_core::text::Text;
use serde_json::{Value, json};

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

fn optional(value: &Value) -> Option<Vec<u8>> {
    (!value.is_null()).then(|| unhex(value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
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
        let root = ["data_root", "refund_root", "payments_root"].iter().find_map(|name| fields.get(name));
        assert_eq!(record.identity().copied(), fields.get("identity").map(unhex_digest), "{}", case["name"]);
        assert_eq!(record.data_leaf().copied(), root.map(unhex_digest), "{}", case["name"]);
        if record.kind() >= 16 {
            assert_eq!(command::kind_name(record.kind()), fields["kind"].as_str());
        }
        compare_fields(&record, fields);
    }
}

fn compare_fields(record: &Record, fields: &Value) {
    let invoice = |id: &InvoiceId| (id.code.as_str().to_owned(), u64::from(id.number));
    let named = |code: &str, at: &str| (fields[code].as_str().expect("a code").to_owned(), number(&fields[at]));
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
        Record::Refund(refund) => assert_eq!(refund.reduced_fen, number(&fields["reduced_fen"])),
        Record::Claimed(claimed) => {
            assert_eq!(invoice(&claimed.id), named("code", "number"));
            compare_claimed(claimed, fields);
        }
        Record::LineRedLetter(red) => {
            assert_eq!(invoice(&red.id), named("code", "number"));
            assert_eq!(invoice(&red.original), named("original_code", "original_number"));
            compare_red_letter(red, fields);
        }
        Record::Owed(owed) => {
            assert_eq!(invoice(&owed.original), named("code", "number"));
            assert_eq!(
                (owed.refund_fen, owed.payment),
                (number(&fields["refund_fen"]), unhex_digest(&fields["payment"]))
            );
            let state = if owed.state == OwedState::Requested { "RED_REQUESTED" } else { "RED_QUEUED" };
            assert_eq!((state, owed.original_hash), (text(&fields["state"]), unhex_digest(&fields["original_hash"])));
            assert_eq!(by_name(&owed.standing), fields["standing"]);
        }
        Record::Change(change) => {
            assert_eq!(invoice(&change.invoice), named("code", "number"));
            assert_eq!(
                (change.kid.to_vec(), change.invoice_hash),
                (unhex(&fields["kid"]), unhex_digest(&fields["original_hash"]))
            );
            assert_eq!(by_name(&change.standing), fields["standing"]);
        }
        Record::Genesis(_) | Record::Payment(_) | Record::Command(_) | Record::State(_) => {}
    }
}

fn compare_claimed(claimed: &ClaimedInvoice, fields: &Value) {
    compare_sum(&claimed.sum, fields);
    assert_eq!(claimed.buyer_tax_id.as_ref().map(Text::as_str), fields["buyer_tax_id"].as_str());
    assert_eq!(claimed.title.map(|title| title.to_vec()), optional(&fields["title"]));
    assert_eq!(claimed.holder.map(|holder| holder.to_vec()), optional(&fields["holder"]));
    let roots = [&fields["lines_root"], &fields["payments_root"]].map(unhex_digest);
    assert_eq!([claimed.lines_root, claimed.payments_root], roots);
}

fn compare_red_letter(red: &LineRedLetter, fields: &Value) {
    compare_sum(&red.sum, fields);
    assert_eq!((red.reason.as_str(), red.released_fen), (text(&fields["reason"]), number(&fields["released_fen"])));
    let digests = ["original_hash", "lines_root", "payments_root"].map(|name| unhex_digest(&fields[name]));
    assert_eq!([red.original_hash, red.lines_root, red.payments_root], digests);
    assert_eq!(by_name(&red.standing), fields["standing"]);
}

fn compare_sum(sum: &Sum, fields: &Value) {
    let named = ["net_fen", "tax_fen", "total_fen"].map(|name| fields[name].as_i64());
    assert_eq!([sum.net_fen, sum.tax_fen, sum.total_fen].map(Some), named);
}

/// A standing under the names of the format.
fn by_name(standing: &Standing) -> Value {
    let holder = standing.holder.map(|kid| format!("{:032x}", u128::from_be_bytes(kid)));
    json!({
        "fiscal": standing.fiscal.as_str(),
        "claim": standing.claim.as_str(),
        "use": standing.deduction.as_str(),
        "frozen": standing.frozen,
        "remaining_fen": standing.remaining_fen,
        "holder": holder,
        "locker": standing.locker.as_ref().map(Text::as_str),
        "claim_id": standing.claim_id.as_ref().map(Text::as_str),
        "reimbursed_fen": standing.reimbursed_fen,
    })
}

#[test]
fn annexes_are_read_and_are_their_records_own() {
    for case in cases("annexes") {
        let (record, annex) = (Record::decode(&unhex(&case["record"])).expect("a record"), unhex(&case["annex"]));
        let data = optional(&case["data"]);
        assert_eq!(record.data(Some(&annex)).map(<[u8]>::to_vec), data, "{}", case["name"]);
        assert!(record.names(&annex), "{}", case["name"]);
        let written = match record {
            Record::Claimed(_) => {
                let parts = composed::of_claim(&annex).expect("an annex");
                assert_eq!(parts.lines.len(), items(&case["lines"]).len());
                composed::write_claim(&data.expect("a claim's"), &parts.lines, &parts.payments)
            }
            Record::LineRedLetter(_) => {
                let parts = composed::of_red_letter(&annex).expect("an annex");
                assert_eq!(parts.payments.len(), items(&case["payments"]).len());
                composed::write_red_letter(data.as_deref(), &parts.lines, &parts.payments)
            }
            _ => continue,
        };
        assert_eq!(written.bytes, annex, "{}", case["name"]);
        let roots = [&case["lines_root"], &case["payments_root"]].map(unhex_digest);
        assert_eq!([written.lines_root, written.payments_root], roots);
    }
}

#[test]
fn what_is_no_annex_or_another_s_is_refused() {
    for case in cases("annexes_refused") {
        let (record, annex) = (Record::decode(&unhex(&case["record"])).expect("a record"), unhex(&case["annex"]));
        assert!(!record.names(&annex), "{}", case["name"]);
        let malformed = match record {
            Record::Claimed(_) => composed::of_claim(&annex).is_err(),
            Record::LineRedLetter(_) => composed::of_red_letter(&annex).is_err(),
            _ => false,
        };
        assert_eq!(Some(malformed), case["malformed"].as_bool(), "{}", case["name"]);
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
        let headers: Vec<(Vec<u8>, Option<Vec<u8>>)> = items(headers)
            .iter()
            .map(|header| (header[0].as_str().expect("a name").as_bytes().to_vec(), optional(&header[1])))
            .collect();
        let pairs = headers.iter().map(|(name, value)| (name.as_slice(), value.as_deref()));
        let (key, value, mut bytes) = (optional(key), optional(value), Vec::new());
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
fn identities_of_an_input_s_records() {
    for case in cases("parts") {
        let occupied = unhex_digest(&case["occupied"]);
        for (place, identity) in (0u32..).zip(items(&case["identities"])) {
            let own = if place == 0 { occupied } else { digest::identity(&[b"PART", &occupied, &place.to_be_bytes()]) };
            assert_eq!(own, unhex_digest(identity), "{place}");
        }
    }
}

#[test]
fn presentations() {
    for case in cases("presentations") {
        let code = code::check(text(&case["code"]).as_bytes()).expect("a code");
        let invoice = InvoiceId { code, number: number(&case["number"]) as u32 };
        let signed = presented(&invoice, text(&case["reimburser"]), text(&case["claim_id"]));
        assert_eq!(signed, unhex(&case["signed"]), "{}", case["name"]);
        let key = PublicKey::admit(unhex_digest(&case["public_key"])).expect("a key");
        let signature = unhex(&case["signature"]).try_into().expect("64 bytes");
        assert!(signature::verify(&key, &signed, &signature), "{}", case["name"]);
    }
}

#[test]
fn invoice_codes() {
    for case in cases("invoice_codes") {
        let checked = code::check(text(&case["code"]).as_bytes());
        if let Some(refused) = case.get("refused") {
            assert_eq!(checked.err().map(Code::as_str), refused.as_str(), "{case}");
            continue;
        }
        let code = checked.unwrap_or_else(|code| panic!("{code}: {case}"));
        assert_eq!(Some(code::is_all_digital(&code)), case["all_digital"].as_bool(), "{case}");
        let regions: Vec<&str> =
            ["4403", "4401", "1100"].into_iter().filter(|region| code::is_of_region(&code, region)).collect();
        assert_eq!(json!(regions), case["regions"], "{case}");
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
    if let Event::Command(one) = &signed.event {
        assert!(command::kind_name(one.order.kind()).is_some_and(|name| case["value"].to_string().contains(name)));
    }
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
