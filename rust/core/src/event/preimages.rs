//! What the digests of events are of, kept apart from the events so that many can be hashed at once.

use alloc::vec::Vec;

use crate::digest::Digest;
use crate::error::Code;
use crate::event::{Event, Signed};

/// The canonical data of events and what their identities name, in the order in which the events were decoded.
#[derive(Clone, Debug, Default)]
pub struct Preimages {
    data: Joined,
    identities: Joined,
}

/// Byte strings one after the other; the ends are those of the last ones.
#[derive(Clone, Debug, Default)]
struct Joined {
    bytes: Vec<u8>,
    start: usize,
    ends: Vec<u32>,
}

impl Joined {
    fn end(&mut self) {
        self.ends.push(self.bytes.len() as u32);
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = self.start;
        self.ends.iter().map(move |end| {
            let range = start..*end as usize;
            start = range.end;
            &self.bytes[range]
        })
    }

    fn lengths(&self) -> (usize, usize) {
        (self.ends.len(), self.bytes.len())
    }

    fn cut(&mut self, (ends, bytes): (usize, usize)) {
        self.ends.truncate(ends);
        self.bytes.truncate(bytes);
    }
}

impl Preimages {
    /// Room for `bytes` of canonical data.
    pub fn with_capacity(bytes: usize) -> Preimages {
        let data = Joined { bytes: Vec::with_capacity(bytes), ..Joined::default() };
        Preimages { data, identities: Joined::default() }
    }

    /// The canonical data of each event: what its data leaf is of, under [`crate::digest::LEAF`].
    pub fn data(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.data.iter()
    }

    /// What the identities are of, under [`crate::digest::IDENTITY`]: as many of each event as [`Signed::set_digests`]
    /// takes.
    pub fn identities(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.identities.iter()
    }

    /// Bytes of canonical data so far, those that are hashed included.
    pub fn data_bytes(&self) -> usize {
        self.data.bytes.len()
    }

    /// What there is has been hashed: `data` and `identities` begin anew, and the canonical data stays.
    pub fn hashed(&mut self) {
        self.data.ends.clear();
        self.data.start = self.data.bytes.len();
        self.identities.cut((0, 0));
    }

    /// The canonical data of all events, one after the other.
    pub fn into_data(self) -> Vec<u8> {
        self.data.bytes
    }

    /// Keeps what `decode` appends only if it accepts.
    pub(crate) fn append<T>(&mut self, decode: impl FnOnce(&mut Self) -> Result<T, Code>) -> Result<T, Code> {
        let (data, identities) = (self.data.lengths(), self.identities.lengths());
        let decoded = decode(self);
        if decoded.is_err() {
            self.data.cut(data);
            self.identities.cut(identities);
        }
        decoded
    }

    /// Appends the canonical data of one event as `write` writes it, and returns what that returned.
    pub(crate) fn push_data<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<T, Code>) -> Result<T, Code> {
        let written = write(&mut self.data.bytes);
        self.data.end();
        written
    }

    /// Appends the parts of an identity, as [`crate::digest::identity`] hashes them.
    #[inline]
    pub(crate) fn push_identity<const N: usize>(&mut self, parts: [&[u8]; N]) {
        for part in parts {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.identities.bytes.extend_from_slice(&length.to_be_bytes());
            self.identities.bytes.extend_from_slice(part);
        }
        self.identities.end();
    }
}

impl Signed {
    /// Sets the leaf hash of the canonical data, and takes as many digests of identities as the event has.
    pub fn set_digests(&mut self, data_leaf: Digest, identities: &mut impl Iterator<Item = Digest>) {
        let mut next = || identities.next().unwrap_or_default();
        match &mut self.event {
            Event::Payment(payment) => {
                (payment.identity, payment.origin) = (next(), next());
                payment.data_leaf = data_leaf;
            }
            Event::Refund(refund) => {
                (refund.identity, refund.origin) = (next(), next());
                (refund.paid_identity, refund.topped_up_identity) = (next(), next());
                refund.data_leaf = data_leaf;
            }
            Event::Command(command) => (command.identity, command.data_leaf) = (next(), data_leaf),
        }
    }
}
