//! The state machine: what becomes of one input, as a function of the state, the input and the block's time.

mod command;
mod drain;
mod payment;
mod refund;

use crate::command::Role;
use crate::digest::Digest;
use crate::error::Code;
use crate::event::{Event, Signed};
use crate::input::{Input, MAX_VALUE_BYTES};
use crate::outcome::{Location, Verdict};
use crate::record::{Line, PaymentState, Record};
use crate::registry::{Key, Registry};
use crate::signature::{self, PAYLOAD_TYPE};
use crate::text::{InvoiceCode, SceneCode, TaxId};

pub use drain::{can_drain, drain_input, drain_next};

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
    /// The event's canonical data; empty where there is no event.
    pub data: &'a [u8],
}

/// A record with its annex, as a block holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The record.
    pub record: Record,
    /// The canonical data whose leaf hash the record names, if it came with this very input.
    pub annex: Option<&'a [u8]>,
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

/// What one accepted input does: how its outcome is called and the record it makes.
type Accepted<'a> = (Verdict, Entry<'a>);

/// Decides one input (`docs/format.md`, section 3). Pure: the same view, candidate and block give the same answer.
///
/// Rejected inputs and duplicates make no record.
pub fn decide<'a, V: View>(view: &V, candidate: &Candidate<'a>, block: Block) -> (Verdict, Option<Entry<'a>>) {
    match accept(view, candidate, block) {
        Ok((verdict, entry)) => (verdict, Some(entry)),
        Err(verdict) => (verdict, None),
    }
}

/// What makes no record is the verdict alone.
fn accept<'a, V: View>(view: &V, candidate: &Candidate<'a>, block: Block) -> Result<Accepted<'a>, Verdict> {
    let key = signer(view, candidate, block)?;
    let signed = candidate.event?;
    if signed.network.as_bytes() != view.registry().genesis().network.as_bytes() {
        return Err(Verdict::Rejected(Code::Chain));
    }
    check_role(view.registry(), key, &signed.event)?;
    let (identity, data_leaf) = match &signed.event {
        Event::Payment(payment) => (payment.identity, &payment.data_leaf),
        Event::Refund(refund) => (refund.identity, &refund.data_leaf),
        Event::Command(command) => (command::occupied(command, key), &command.data_leaf),
    };
    if let Some(occupant) = view.occupant(&identity) {
        return Err(match &signed.event {
            _ if occupant.data_leaf == *data_leaf => Verdict::Duplicate(occupant.location),
            Event::Command(_) => Verdict::Rejected(Code::State),
            _ => Verdict::Rejected(Code::PaymentConflict),
        });
    }
    match &signed.event {
        Event::Payment(payment) => payment::decide(view, payment, candidate.data, candidate.timestamp_ms, block),
        Event::Refund(refund) => refund::decide(view, refund, candidate.data, block),
        Event::Command(command) => command::decide(view, command, candidate.data, key, block),
    }
    .map_err(Verdict::Rejected)
}

/// Size, headers, key, signature, validity: steps 1 to 3.
fn signer<'v, V: View>(view: &'v V, candidate: &Candidate<'_>, block: Block) -> Result<&'v Key, Code> {
    let input = &candidate.input;
    if input.value.is_some_and(|value| value.len() > MAX_VALUE_BYTES) {
        return Err(Code::Size);
    }
    let (Some(kid), Some(signature)) = (input.kid, input.signature) else { return Err(Code::Signature) };
    let value = input.value.ok_or(Code::Schema)?;
    let key = view.registry().key(&kid).ok_or(Code::KeyUnknown)?;
    let good = match candidate.check {
        Check::Good => true,
        Check::Bad => false,
        Check::UnknownKey => signature::verify(&key.public_key, &signature::pae(PAYLOAD_TYPE, value), signature),
    };
    if !good {
        Err(Code::Signature)
    } else if key.is_valid_at(block.height) {
        Ok(key)
    } else {
        Err(Code::KeyExpired)
    }
}

/// Payments and refunds are said by a device of the seller. Who may give which command is the command's own rule.
fn check_role(registry: &Registry, key: &Key, event: &Event) -> Result<(), Code> {
    let (seller, scene) = match event {
        Event::Payment(payment) => (&payment.seller, Some(&payment.scene)),
        Event::Refund(refund) => (&refund.seller, None),
        Event::Command(command) => return command::check_role(registry, &command.order, key),
    };
    let own = key.role == Role::Device && key.tax_id == *seller;
    if own && scene.is_none_or(|scene| key.scenes.contains(scene)) { Ok(()) } else { Err(Code::Role) }
}
