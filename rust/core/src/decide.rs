//! The state machine: what becomes of one input, as a function of the state, the input and the block's time.

use alloc::boxed::Box;

use crate::digest::Digest;
use crate::error::Code;
use crate::event::Signed;
use crate::input::Input;
use crate::outcome::Location;
use crate::record::{Line, PaymentState, Record};
use crate::registry::Registry;
use crate::text::{InvoiceCode, SceneCode, TaxId};

/// The block that is being built.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its height.
    pub height: u64,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
}

/// What checking the signature gave, before the state was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Verified under the key that `fc-kid` names.
    Good,
    /// Does not verify under that key.
    Bad,
    /// That key was not registered when it was looked up: `decide` looks again and verifies by itself.
    UnknownKey,
}

/// An input with what could be found out about it without the state.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The input.
    pub input: Input<'a>,
    /// The broker's append time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// What checking the signature gave (meaningless where the input has no kid or signature).
    pub check: Check,
    /// What decoding the value gave.
    pub event: Result<&'a Signed, Code>,
}

/// A record with its annex, as a block holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// The canonical data whose leaf hash the record names, if it came with this very input.
    pub annex: Option<Box<[u8]>>,
}

/// The first record of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// Where it stands.
    pub location: Location,
    /// The leaf hash of its canonical data: equal means duplicate, other means conflict.
    pub data_leaf: Digest,
}

/// What the ledger knows of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentNow {
    /// The seller.
    pub seller: TaxId,
    /// The scene.
    pub scene: SceneCode,
    /// Whether it is a top-up.
    pub topped_up: bool,
    /// What was paid, fen.
    pub paid_fen: u64,
    /// What dates the rate, milliseconds since 1970.
    pub dated_at_ms: i64,
    /// See `FLAG_*` in `record`.
    pub flags: u64,
    /// Leaf hash of its canonical data.
    pub payments_root: Digest,
    /// The payer's commitment.
    pub payer: Option<[u8; 32]>,
    /// Invoiced or not.
    pub standing: Standing,
}

/// Whether a payment is invoiced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A blue invoice exists.
    Invoiced {
        /// Its code.
        code: InvoiceCode,
        /// Its number.
        number: u32,
        /// Its record hash.
        hash: Digest,
        /// Its line as issued.
        line: Line,
        /// What is left of its total after all reversals so far, fen.
        remaining_fen: u64,
    },
    /// Recorded only.
    Recorded {
        /// Why.
        state: PaymentState,
        /// What may still be invoiced, after all refunds so far, fen.
        invoiceable_fen: u64,
    },
}

/// The state as `decide` reads it, the effect of earlier inputs of the same block included.
pub trait View {
    /// Keys, tables, mandates, grants, the queue.
    fn registry(&self) -> &Registry;
    /// Who occupies this identity (payments, top-ups, refunds, commands).
    fn occupant(&self, identity: &Digest) -> Option<Occupant>;
    /// The payment or top-up with this identity.
    fn payment(&self, identity: &Digest) -> Option<PaymentNow>;
    /// The sum of all refunds for this origin so far, before or after the payment, fen.
    fn refunded_fen(&self, origin: &Digest) -> u64;
}
