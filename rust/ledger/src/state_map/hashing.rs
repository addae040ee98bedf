//! The roots of small sets, the hashes of their entries in lanes.

use farechain_core::digest::Digest;
use farechain_core::state_map;
use farechain_lanes::blake3::keyed_many;

use super::entry::{Entry, Held};

/// The hashes of entries.
pub(super) fn leaves(entries: &[Entry]) -> Vec<Digest> {
    let pairs: Vec<[u8; 64]> = entries.iter().map(pair).collect();
    let mut hashes = Vec::with_capacity(entries.len());
    keyed_many(&state_map::LEAF, pairs.iter().map(<[u8; 64]>::as_slice), &mut hashes);
    hashes
}

/// Equal to [`farechain_core::state_map::root`].
pub(super) fn root(entries: &[Entry]) -> Digest {
    state_map::root_of(entries, &leaves(entries))
}

fn pair((key, Held { hash, .. }): &Entry) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(key);
    both[32..].copy_from_slice(hash);
    both
}
