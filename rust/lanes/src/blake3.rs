//! Keyed BLAKE3 of many short messages at once, one a lane: leaves, input digests, and the nodes of Merkle trees.
//!
//! Every digest equals [`farechain_core::digest::keyed`]'s, which is also the oracle of the tests. The `blake3` crate uses
//! lanes for the chunks of one long message; ours are independent and shorter than a chunk, so it does them one by one.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod batch;
#[cfg(target_arch = "x86_64")]
mod compression;
mod tree;

use std::sync::LazyLock;

use farechain_core::digest::{self, Digest};

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
pub use tree::Tree;

use crate::instructions::VARIABLE;

/// The bytes of a BLAKE3 chunk. Longer messages are trees of their own and go to the `blake3` crate.
const CHUNK_BYTES: usize = 1024;
/// The bytes of a block, the unit of the compression.
const BLOCK_BYTES: usize = 64;

/// What the process uses: the fastest on this machine, or what `FARECHAIN_INSTRUCTIONS` names.
static CHOSEN: LazyLock<Hashing> = LazyLock::new(|| match std::env::var(VARIABLE) {
    Ok(name) => Hashing::named(&name).unwrap_or_else(Hashing::detect),
    Err(_) => Hashing::detect(),
});

/// A way to hash. All give the same digests.
#[derive(Clone, Copy, Debug)]
pub struct Hashing(Path);

#[derive(Clone, Copy, Debug)]
enum Path {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// Hashes as many messages at once as there are lanes.
trait Lanes<const LANES: usize>: Copy {
    /// The keyed hashes of messages of at most a chunk, each of any length.
    fn chunks(self, key: &[u8; 32], messages: [&[u8]; LANES]) -> [Digest; LANES];

    /// The nodes over pairs of children.
    fn nodes(self, pairs: &[[Digest; 2]; LANES]) -> [Digest; LANES];
}

impl Hashing {
    /// The fastest on this machine.
    pub fn detect() -> Hashing {
        ["avx512", "avx2"].into_iter().find_map(Hashing::named).unwrap_or_else(Hashing::portable)
    }

    /// One message after the other, by the `blake3` crate, which chooses instructions of its own.
    pub fn portable() -> Hashing {
        Hashing(Path::Portable)
    }

    /// The one of that name, `portable`, `avx2` or `avx512`; `None` where this machine has no such instructions.
    pub fn named(name: &str) -> Option<Hashing> {
        match name {
            "portable" => Some(Hashing::portable()),
            #[cfg(target_arch = "x86_64")]
            "avx2" => Avx2::detect().map(|avx2| Hashing(Path::Avx2(avx2))),
            #[cfg(target_arch = "x86_64")]
            "avx512" => Avx512::detect().map(|avx512| Hashing(Path::Avx512(avx512))),
            _ => None,
        }
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Path::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Path::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Path::Avx512(_) => "avx512",
        }
    }

    /// See [`keyed_many`].
    pub fn keyed_many<'m>(
        self,
        key: &[u8; 32],
        messages: impl IntoIterator<IntoIter: ExactSizeIterator<Item = &'m [u8]>>,
        digests: &mut Vec<Digest>,
    ) {
        let messages = messages.into_iter();
        match self.0 {
            Path::Portable => digests.extend(messages.map(|message| digest::keyed(key, message))),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2(avx2) => batch::keyed_many(avx2, key, messages, digests),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512(avx512) => batch::keyed_many(avx512, key, messages, digests),
        }
    }

    /// Makes the nodes over `children`, two by two, a last odd one moving up as it is.
    fn level(self, children: &[Digest], parents: &mut Vec<Digest>) {
        match self.0 {
            Path::Portable => batch::level_portable(children, parents),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2(avx2) => batch::level(avx2, children, parents),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512(avx512) => batch::level(avx512, children, parents),
        }
    }
}

/// Appends the keyed hash of each message to `digests`, in their order. Messages may have any lengths, mixed; up to 1,024
/// bytes they go through lanes. Allocates nothing but what `digests` needs.
pub fn keyed_many<'m>(
    key: &[u8; 32],
    messages: impl IntoIterator<IntoIter: ExactSizeIterator<Item = &'m [u8]>>,
    digests: &mut Vec<Digest>,
) {
    CHOSEN.keyed_many(key, messages, digests);
}

/// The messages that lie one after the other in `bytes`, each until its end; the first begins at `start`.
pub fn split<'m>(bytes: &'m [u8], start: usize, ends: &[u32]) -> impl ExactSizeIterator<Item = &'m [u8]> {
    let mut start = start;
    ends.iter().map(move |&end| {
        let message = &bytes[start..end as usize];
        start = end as usize;
        message
    })
}

/// The root over leaf digests, equal to [`farechain_core::merkle::root`].
pub fn merkle_root(leaves: &[Digest]) -> Digest {
    tree::root(*CHOSEN, leaves)
}
