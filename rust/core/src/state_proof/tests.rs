//! Ways among the payments of a record, and readers that no bytes make panic. Whole proofs: `tests/unit/test_state_proofs.py`
//! and `tests/reference/test_oracle_state.py`.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::{PartProof, StateProof};
use crate::digest::{self, Digest};
use crate::merkle;

#[test]
fn every_element_of_every_list_leads_to_the_root_and_no_changed_way_does() {
    for count in 1..40u8 {
        let elements: Vec<Vec<u8>> = (0..count).map(|at| [at; 3].into()).collect();
        let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
        let leaves: Vec<Digest> = elements.iter().map(|element| digest::leaf(element)).collect();
        let root = merkle::root(&leaves);
        for index in 0..usize::from(count) {
            let part = PartProof::of(&elements, index).expect("an element");
            assert_eq!(part.element, elements[index]);
            assert_eq!(part.root(), Some(root));
            let bytes = part.to_bytes();
            assert_eq!(PartProof::from_bytes(&bytes), Ok(part));
            for at in 0..bytes.len() {
                let mut other = bytes.clone();
                other[at] ^= 1;
                let other = PartProof::from_bytes(&other);
                assert!(!other.is_ok_and(|other| other.root() == Some(root)), "byte {at} of {index} of {count}");
            }
        }
        assert_eq!(PartProof::of(&elements, usize::from(count)), None);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), start in 0..4usize) {
        let starts: [&[u8]; 4] = [
            b"",
            b"\x84\x01\x82\x6c144032609110\x01",
            b"{\"format\":\"farechain-state-proof/1\",\"invoice\":\"144032609110-00000001\",",
            b"{\"format\":\"farechain-state-proof/1\",\"payment\":",
        ];
        bytes.splice(0..0, starts[start].iter().copied());
        let _ = StateProof::parse(&bytes);
    }
}
