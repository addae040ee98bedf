//! A changed byte anywhere in a proof, in either form, is refused; so are truncations; no bytes make the reader panic.

use proptest::prelude::*;

use super::Proof;
use super::tests::{Case, case};

const MASKS: [u8; 3] = [0x01, 0x20, 0xFF];

/// Refused both with the witnesses' keys and with the log's alone.
fn refused(case: &Case, bytes: &[u8]) -> bool {
    let Ok(proof) = Proof::parse(bytes) else { return true };
    case.verify(&proof).is_err() && case.verify_alone(&proof).is_err()
}

fn accepted(case: &Case, bytes: &[u8]) -> bool {
    let proof = Proof::parse(bytes).expect("a proof");
    case.verify(&proof).is_ok() && case.verify_alone(&proof).is_ok()
}

#[test]
fn every_changed_byte_of_both_forms_is_refused() {
    for case in [case(5000, 8192, 57, 100, 3), case(2, 3, 4, 5, 1), case(0, 1, 0, 1, 0)] {
        for form in [case.proof.to_compact(), case.proof.to_json().into_bytes()] {
            assert!(accepted(&case, &form));
            let mut other = form.clone();
            for at in 0..form.len() {
                for mask in MASKS {
                    other[at] ^= mask;
                    assert!(refused(&case, &other), "byte {at} of {} with {mask:#04x}", form.len());
                    other[at] = form[at];
                }
                assert!(refused(&case, &form[..at]), "cut at {at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), start in 0..3usize) {
        let starts: [&[u8]; 3] = [b"", b"\x8a\x01", b"{\"format\":\"farechain-proof/1\","];
        bytes.splice(0..0, starts[start].iter().copied());
        let _ = Proof::parse(&bytes);
    }

    #[test]
    fn splices_of_two_proofs_are_refused(from in 0..1000usize, to in 0..1000usize) {
        // Blocks of other records: in two blocks of the same records, a splice may be a proof that holds.
        let (one, two) = (case(1, 3, 2, 5, 1), case(2, 4, 3, 5, 1));
        let (a, b) = (one.proof.to_compact(), two.proof.to_compact());
        let (from, to) = (from.min(a.len()), to.min(b.len()));
        let spliced = [&a[..from], &b[to..]].concat();
        prop_assert!(spliced == a || spliced == b || refused(&one, &spliced));
    }
}
