//! A payment among those of an invoice or red letter of several: its element of the annex, and the way to the root that the
//! record has. Sides are said instead of a place, so that the way has one spelling.

use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::digest::{self, Digest};
use crate::merkle;

/// No annex has as many payments.
const MAX_PATH: usize = 64;

/// An element of a list under a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartProof {
    /// The element's bytes.
    pub element: Vec<u8>,
    /// For each node from the element up: 1 where the sibling stands on the left, else 0.
    pub sides: Vec<u8>,
    /// The siblings.
    pub siblings: Vec<Digest>,
}

impl PartProof {
    /// The proof of element `index` of all; `None` where there is none.
    pub fn of(elements: &[&[u8]], index: usize) -> Option<PartProof> {
        let leaves: Vec<Digest> = elements.iter().map(|element| digest::leaf(element)).collect();
        let siblings = merkle::path(&leaves, index)?;
        let (mut at, mut last, mut sides) = (index, leaves.len() - 1, Vec::with_capacity(siblings.len()));
        while last > 0 {
            if at % 2 == 1 || at < last {
                sides.push((at % 2) as u8);
            }
            (at, last) = (at / 2, last / 2);
        }
        Some(PartProof { element: elements[index].into(), sides, siblings })
    }

    /// The root that it leads to; `None` for a way that is no way.
    pub fn root(&self) -> Option<Digest> {
        if self.sides.len() != self.siblings.len() {
            return None;
        }
        self.sides.iter().zip(&self.siblings).try_fold(
            digest::leaf(&self.element),
            |hash, (side, sibling)| match side {
                0 => Some(digest::node(&hash, sibling)),
                1 => Some(digest::node(sibling, &hash)),
                _ => None,
            },
        )
    }

    /// The bytes: CBOR `[element, sides, siblings]`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.element.len() + 33 * self.siblings.len() + 12);
        let siblings: Vec<u8> = self.siblings.concat();
        Encoder::new(&mut out).array(3).bytes(&self.element).bytes(&self.sides).bytes(&siblings);
        out
    }

    /// The opposite of [`PartProof::to_bytes`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<PartProof, Malformed> {
        let mut d = Decoder::new(bytes);
        d.array_of(3)?;
        let (element, sides) = (d.bytes()?, d.bytes()?);
        let (siblings, rest) = d.bytes()?.as_chunks::<32>();
        d.end()?;
        if !rest.is_empty() || siblings.len() > MAX_PATH || sides.len() != siblings.len() {
            return Err(Malformed);
        }
        Ok(PartProof { element: element.into(), sides: sides.into(), siblings: siblings.into() })
    }
}
