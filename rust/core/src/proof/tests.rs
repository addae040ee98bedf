//! Proofs that hold, the size of a proof, and each way in which one that almost holds is refused.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;

use super::*;
use crate::command::Rate;
use crate::note::{NoteError, cosign, sign};
use crate::record::{FLAG_FUTURE_DATED, Invoice, Line, Record};
use crate::signature::public_key;
use crate::text::Text;

pub(super) const CHAIN: &str = "shenzhen/0";

/// A proof and the keys it verifies under.
pub(super) struct Case {
    pub proof: Proof,
    pub log: Verifier,
    pub witnesses: Vec<Verifier>,
}

impl Case {
    pub(super) fn verify(&self, proof: &Proof) -> Result<Proven, Mismatch> {
        verify(proof, &self.log, &self.witnesses, self.witnesses.len())
    }

    /// With nothing but the log's key.
    pub(super) fn verify_alone(&self, proof: &Proof) -> Result<Proven, Mismatch> {
        verify(proof, &self.log, &[], 0)
    }

    /// The proof without the signature line at this place; carried keys stay.
    fn without_line(&self, place: usize) -> Proof {
        let (text, lines) = self.proof.checkpoint.split_once("\n\n").expect("a note");
        let kept = lines.split_inclusive('\n').enumerate().filter(|(at, _)| *at != place);
        let kept: String = kept.map(|(_, line)| line).collect();
        Proof { checkpoint: format!("{text}\n\n{kept}"), ..self.proof.clone() }
    }

    fn refused(&self, change: impl FnOnce(&mut Proof)) -> Mismatch {
        let mut proof = self.proof.clone();
        change(&mut proof);
        self.verify(&proof).expect_err("changed")
    }
}

/// The longest invoice that there can be: every text full, every number of eight bytes, a payer. No other kind of record
/// but genesis is longer.
fn record(at: u32) -> Vec<u8> {
    fn text<const N: usize>() -> Text<N> {
        Text::new(&"9".repeat(N)).expect("N bytes")
    }
    let [net_fen, tax_fen, total_fen] = [i64::MIN; 3];
    let line = Line { tax_code: text(), rate: Rate::BasisPoints(1300), quantity: 1, net_fen, tax_fen, total_fen };
    let invoice = Invoice {
        code: text(),
        number: 90_000_000 + at,
        issued_at_ms: u64::MAX,
        seller: text(),
        scene: text(),
        line,
        paid_fen: u64::MAX,
        dated_at_ms: i64::MIN,
        flags: FLAG_FUTURE_DATED,
        identity: [5; 32],
        payments_root: [6; 32],
        payer: Some([7; 32]),
    };
    Record::Invoice(invoice).to_bytes()
}

/// The records are the longest, so that measured sizes are the largest.
pub(super) fn case(index: u32, count: u32, height: u64, size: u64, witnesses: u8) -> Case {
    let leaves: Vec<Digest> = (0..count).map(|at| digest::leaf(&record(at))).collect();
    let header = |at: u64| {
        let records_root = if at == height { merkle::root(&leaves) } else { [3; 32] };
        let chain = CHAIN.into();
        let time_ms = 1_790_000_000_000 + at;
        let record_count = count;
        Header { chain, height: at, previous: [1; 32], time_ms, record_count, records_root, inputs_root: [2; 32] }
    };
    let entries: Vec<Hash> = (0..size).map(|at| tlog::leaf_hash(&header(at).encode())).collect();
    let hash_at = |level: u32, place: u64| -> Result<Hash, Infallible> {
        let start = (place << level) as usize;
        let mut subtree = tlog::Frontier::new();
        entries[start..start + (1 << level)].iter().for_each(|leaf| subtree.append(*leaf));
        Ok(subtree.root())
    };
    let root = tlog::range_root(0, size, hash_at).expect("infallible").expect("not empty");
    let text = format!("{}", Checkpoint::new(CHAIN, size, root));
    let mut checkpoint = format!("{text}\n{}", sign(CHAIN, &[1; 32], &text).expect("a name"));
    let name = |number: u8| format!("witness{number}.example/shenzhen");
    for number in 0..witnesses {
        checkpoint += &cosign(&name(number), &[10 + number; 32], &text, 1_790_000_000).expect("a name");
    }
    let verifier = |name: &str, kind, seed: &[u8; 32]| Verifier::new(name, kind, public_key(seed)).expect("a real key");
    let keys: Vec<Verifier> = (0..witnesses).map(|n| verifier(&name(n), Kind::Cosignature, &[10 + n; 32])).collect();
    Case {
        proof: Proof {
            record: record(index),
            index,
            count,
            path: merkle::path(&leaves, index as usize).expect("index < count"),
            header: header(height).encode(),
            tlog_size: size,
            tlog_path: tlog::inclusion(height, size, hash_at).expect("infallible").expect("height < size"),
            checkpoint,
            witnesses: keys.iter().map(ToString::to_string).collect(),
        },
        log: verifier(CHAIN, Kind::Ed25519, &[1; 32]),
        witnesses: keys,
    }
}

#[test]
fn a_proof_holds_in_both_forms_at_many_places() {
    for (index, count, height, size) in [(0, 1, 0, 1), (2, 3, 4, 5), (7, 8, 3, 70), (6, 7, 69, 70), (99, 100, 64, 65)] {
        let case = case(index, count, height, size, 2);
        let proven = case.verify(&case.proof).expect("holds");
        assert_eq!(proven.record_hash, digest::leaf(&case.proof.record));
        assert_eq!((proven.header.height, proven.size, proven.origin.as_str()), (height, size, CHAIN));
        assert_eq!(proven.cosigners.len(), 2);
        assert_eq!(proven.cosigners[0], (String::from("witness0.example/shenzhen"), 1_790_000_000));
        assert_eq!(Proof::parse(&case.proof.to_compact()), Ok(case.proof.clone()));
        assert_eq!(Proof::parse(case.proof.to_json().as_bytes()), Ok(case.proof.clone()));
    }
}

#[test]
fn the_longest_invoice_of_a_full_block_is_proven_in_less_than_2_kib() {
    let case = case(5000, 8192, 57, 100, 3);
    case.verify(&case.proof).expect("holds");
    let (compact, json) = (case.proof.to_compact().len(), case.proof.to_json().len());
    assert!(compact < 2048, "{compact} bytes");
    assert!(json < 3072, "{json} bytes");
}

#[test]
fn each_field_is_bound() {
    let case = case(5, 11, 6, 13, 2);
    assert_eq!(case.refused(|proof| proof.record[9] ^= 1), Mismatch::Record);
    assert_eq!(case.refused(|proof| proof.index = 4), Mismatch::Record);
    assert_eq!(case.refused(|proof| proof.index = 11), Mismatch::Record);
    assert_eq!(case.refused(|proof| proof.count = 12), Mismatch::Count { proof: 12, header: 11 });
    assert_eq!(case.refused(|proof| proof.path.push([0; 32])), Mismatch::Record);
    assert_eq!(case.refused(|proof| _ = proof.path.pop()), Mismatch::Record);
    assert_eq!(case.refused(|proof| proof.path.swap(0, 1)), Mismatch::Record);
    assert_eq!(case.refused(|proof| proof.tlog_path.push([0; 32])), Mismatch::Log);
    assert_eq!(case.refused(|proof| _ = proof.tlog_path.pop()), Mismatch::Log);
    assert_eq!(case.refused(|proof| proof.tlog_size = 14), Mismatch::Size { proof: 14, checkpoint: 13 });
    assert_eq!(case.refused(|proof| proof.header.push(0)), Mismatch::Header);
    let other_time = |proof: &mut Proof| {
        let mut header = Header::decode(&proof.header).expect("a header");
        header.time_ms += 1;
        proof.header = header.encode();
    };
    assert_eq!(case.refused(other_time), Mismatch::Log);
    assert_eq!(case.refused(|proof| proof.checkpoint.push('\n')), Mismatch::Note(NoteError::NoSignatureLines));
}

#[test]
fn a_node_of_the_tree_is_no_record() {
    let case = case(0, 2, 0, 1, 0);
    let node = [digest::leaf(&case.proof.record), case.proof.path[0]].concat();
    let change = |proof: &mut Proof| {
        proof.record = node;
        proof.path.clear();
    };
    assert_eq!(case.refused(change), Mismatch::Record);
}

#[test]
fn the_log_must_sign_and_so_must_enough_of_the_given_witnesses() {
    let case = case(1, 2, 1, 2, 3);
    assert_eq!(case.verify(&case.without_line(0)), Err(Mismatch::LogSignature));
    let mut two_of_three = case.without_line(2);
    two_of_three.witnesses.remove(1);
    assert_eq!(case.verify(&two_of_three), Err(Mismatch::Witnesses { found: 2, threshold: 3 }));
    assert_eq!(verify(&two_of_three, &case.log, &case.witnesses, 2).expect("two suffice").cosigners.len(), 2);
    let stranger = Verifier::new("witness0.example/shenzhen", Kind::Cosignature, public_key(&[40; 32]));
    let given = [stranger.expect("a real key"), case.witnesses[2].clone()];
    assert_eq!(
        verify(&case.proof, &case.log, &given, 2),
        Err(Mismatch::Witnesses { found: 1, threshold: 2 }),
        "the name alone does not count"
    );
    let proven = verify(&case.proof, &case.log, &given, 1).expect("one suffices");
    assert_eq!(proven.cosigners, [(String::from("witness2.example/shenzhen"), 1_790_000_000)]);
}

#[test]
fn the_logs_key_alone_proves_and_names_no_cosigner() {
    for witnesses in 0..4 {
        let case = case(1, 2, 1, 2, witnesses);
        let proven = case.verify_alone(&case.proof).expect("holds");
        assert_eq!((proven.size, proven.cosigners.len()), (2, 0));
    }
}

#[test]
fn other_logs_and_senseless_keys_are_refused() {
    let case = case(1, 2, 1, 2, 2);
    let log = |name: &str, kind| Verifier::new(name, kind, public_key(&[1; 32])).expect("a real key");
    let other = log("shenzhen/1", Kind::Ed25519);
    assert!(matches!(verify(&case.proof, &other, &case.witnesses, 2), Err(Mismatch::Origin { .. })));
    let keys = |log: &Verifier, witnesses: &[Verifier], threshold| {
        matches!(verify(&case.proof, log, witnesses, threshold), Err(Mismatch::Keys(_)))
    };
    assert!(keys(&case.log, &case.witnesses, 3));
    assert!(keys(&log(CHAIN, Kind::Cosignature), &case.witnesses, 2));
    assert!(keys(&case.log, core::slice::from_ref(&case.log), 1));
    assert!(keys(&case.log, &[log("w", Kind::Cosignature)], 1));
    let twice = [case.witnesses[0].clone(), case.witnesses[0].clone()];
    assert!(keys(&case.log, &twice, 2));
    let renamed = Verifier::new("w2", Kind::Cosignature, public_key(&[10; 32])).expect("a real key");
    assert!(keys(&case.log, &[case.witnesses[0].clone(), renamed], 2));
}

#[test]
fn other_spellings_of_the_json_form_are_refused() {
    let case = case(1, 3, 1, 2, 1);
    let json = case.proof.to_json();
    let spellings = [
        json.replacen(':', ": ", 1),
        format!("{json}\n"),
        format!(" {json}"),
        json.replacen("\"index\":1", "\"index\":1.0", 1),
        json.replacen("\"index\":1", "\"index\":01", 1),
        json.replacen("\"index\":1,", "\"index\":1,\"index\":1,", 1),
        json.replacen("\"index\":1,", "\"index\":1,\"count\":3,", 1),
        json.replacen("\"index\":1,", "", 1),
        json.replacen('}', ",\"more\":0}", 1),
        json.replacen("\\n", "\\u000a", 1),
        json.replacen('/', "\\/", 1),
        json.replacen("\"record\"", "\"\\u0072ecord\"", 1),
        json.replacen("farechain-proof/1", "farechain-proof/2", 1),
        json.replacen("=\"", "\"", 1),
    ];
    for spelling in spellings {
        assert_ne!(spelling, json);
        assert!(Proof::parse(spelling.as_bytes()).is_err(), "{spelling}");
    }
    assert!(Proof::from_json(&alloc::vec![b' '; MAX_PROOF_BYTES + 1]).is_err());
    assert!(Proof::from_compact(&alloc::vec![0; MAX_PROOF_BYTES + 1]).is_err());
}
