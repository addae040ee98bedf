//! Fills the lanes: messages of about the same length go together, the rest to the `blake3` crate.

use farechain_core::digest::{self, Digest};

use super::{BLOCK_BYTES, CHUNK_BYTES, Lanes};

/// Messages that are sorted together by length. Enough that few lanes idle in mixed lengths, few enough that what is read
/// is still in the cache.
const WINDOW: usize = 512;
/// Fewer messages than this are faster one by one (`examples/hash_bench.rs`).
const FEW: usize = 4;
/// Lengths in blocks, 0 to 16, and the class of messages that are longer than a chunk.
const CLASSES: usize = CHUNK_BYTES / BLOCK_BYTES + 2;

/// Appends the keyed hash of each message to `digests`.
pub fn keyed_many<'m, const LANES: usize>(
    lanes: impl Lanes<LANES>,
    key: &[u8; 32],
    mut messages: impl ExactSizeIterator<Item = &'m [u8]>,
    digests: &mut Vec<Digest>,
) {
    if messages.len() < FEW {
        digests.extend(messages.map(|message| digest::keyed(key, message)));
        return;
    }
    let mut window: [&[u8]; WINDOW] = [&[]; WINDOW];
    loop {
        let mut count = 0;
        for (place, message) in window.iter_mut().zip(&mut messages) {
            *place = message;
            count += 1;
        }
        if count == 0 {
            return;
        }
        let start = digests.len();
        digests.resize(start + count, [0; 32]);
        hash_window(lanes, key, &window[..count], &mut digests[start..]);
    }
}

/// The digests of at most [`WINDOW`] messages, the longest first.
fn hash_window<const LANES: usize>(
    lanes: impl Lanes<LANES>,
    key: &[u8; 32],
    messages: &[&[u8]],
    digests: &mut [Digest],
) {
    let (order, long) = by_length(messages);
    let (long, short) = order[..messages.len()].split_at(long);
    for &i in long {
        digests[usize::from(i)] = digest::keyed(key, messages[usize::from(i)]);
    }
    for group in short.chunks(LANES) {
        if group.len() < FEW {
            for &i in group {
                digests[usize::from(i)] = digest::keyed(key, messages[usize::from(i)]);
            }
            continue;
        }
        let filled = std::array::from_fn(|lane| group.get(lane).map_or(&[][..], |&i| messages[usize::from(i)]));
        for (&i, digest) in group.iter().zip(lanes.chunks(key, filled)) {
            digests[usize::from(i)] = digest;
        }
    }
}

/// The messages by descending number of blocks, and how many of them are longer than a chunk. A sort by counting.
fn by_length(messages: &[&[u8]]) -> ([u16; WINDOW], usize) {
    let class = |message: &[u8]| CLASSES - 1 - message.len().div_ceil(BLOCK_BYTES).min(CLASSES - 1);
    let mut counts = [0; CLASSES];
    for message in messages {
        counts[class(message)] += 1;
    }
    let long = counts[0];
    let mut next = [0; CLASSES];
    for i in 1..CLASSES {
        next[i] = next[i - 1] + counts[i - 1];
    }
    let mut order = [0; WINDOW];
    for (i, message) in messages.iter().enumerate() {
        let place = &mut next[class(message)];
        order[*place] = i as u16;
        *place += 1;
    }
    (order, long)
}

/// Makes the nodes over `children`, two by two, a last odd one moving up as it is.
pub fn level<const LANES: usize>(lanes: impl Lanes<LANES>, children: &[Digest], parents: &mut Vec<Digest>) {
    let (pairs, _) = children.as_chunks::<2>();
    let (groups, rest) = pairs.as_chunks::<LANES>();
    for group in groups {
        parents.extend(lanes.nodes(group));
    }
    let mut done = groups.len() * LANES;
    if rest.len() >= FEW {
        let filled = std::array::from_fn(|lane| rest.get(lane).copied().unwrap_or_default());
        parents.extend(&lanes.nodes(&filled)[..rest.len()]);
        done += rest.len();
    }
    level_portable(&children[2 * done..], parents);
}

/// The same, node by node.
pub fn level_portable(children: &[Digest], parents: &mut Vec<Digest>) {
    let (pairs, odd) = children.as_chunks::<2>();
    parents.extend(pairs.iter().map(|[left, right]| digest::node(left, right)));
    parents.extend(odd);
}
