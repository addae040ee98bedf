//! What the digests of events are of, kept apart from the events so that many can be hashed at once.

use alloc::vec::Vec;

use crate::digest::{self, Digest};
use crate::error::Code;
use crate::event::{Event, Signed};

/// The canonical data of events and what their identities name, in the order in which the events were decoded.
#[derive(Clone, Debug, Default)]
pub struct Preimages {
    data: Joined,
    identities: Joined,
}

/// Byte strings one after the other.
#[derive(Clone, Debug, Default)]
struct Joined {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Joined {
    fn end(&mut self) {
        self.ends.push(self.bytes.len() as u32);
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let range = start..*end as usize;
            start = range.end;
            &self.bytes[range]
        })
    }

    fn cut(&mut self, (ends, bytes): (usize, usize)) {
        self.ends.truncate(ends);
        self.bytes.truncate(bytes);
    }

    fn lengths(&self) -> (usize, usize) {
        (self.ends.len(), self.bytes.len())
    }
}

impl Preimages {
    /// Forgets all, and keeps the memory.
    pub fn clear(&mut self) {
        self.data.cut((0, 0));
        self.identities.cut((0, 0));
    }

    /// The canonical data of each event: what its data leaf is of, under [`digest::LEAF`].
    pub fn data(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.data.iter()
    }

    /// What the identities are of, under [`digest::IDENTITY`]: as many of each event as [`Signed::set_digests`] takes.
    pub fn identities(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.identities.iter()
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

    /// Appends the canonical data of one event, as `write` writes it, and returns what that returned.
    pub(crate) fn push_data<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<T, Code>) -> Result<T, Code> {
        let written = write(&mut self.data.bytes);
        self.data.end();
        written
    }

    /// Appends the parts of an identity, as [`digest::identity`] hashes them.
    pub(crate) fn push_identity(&mut self, parts: &[&[u8]]) {
        for part in parts {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.identities.bytes.extend_from_slice(&length.to_be_bytes());
            self.identities.bytes.extend_from_slice(part);
        }
        self.identities.end();
    }
}

impl Signed {
    /// Sets the canonical data with its leaf hash, and as many digests of identities as the event has.
    pub fn set_digests(&mut self, data: &[u8], data_leaf: Digest, identities: &mut impl Iterator<Item = Digest>) {
        let mut next = || identities.next().unwrap_or_default();
        match &mut self.event {
            Event::Payment(payment) => {
                (payment.identity, payment.origin) = (next(), next());
                (payment.data, payment.data_leaf) = (data.into(), data_leaf);
            }
            Event::Refund(refund) => {
                (refund.identity, refund.origin) = (next(), next());
                (refund.paid_identity, refund.topped_up_identity) = (next(), next());
                (refund.data, refund.data_leaf) = (data.into(), data_leaf);
            }
            Event::Command(command) => {
                command.identity = next();
                (command.data, command.data_leaf) = (data.into(), data_leaf);
            }
        }
    }
}

/// Hashes the only event of `preimages` one digest at a time.
pub(super) fn hash_one(signed: &mut Signed, preimages: &Preimages) {
    let data = preimages.data().next().unwrap_or_default();
    let mut identities = preimages.identities().map(|parts| digest::keyed(&digest::IDENTITY, parts));
    signed.set_digests(data, digest::leaf(data), &mut identities);
}
