//! The state machine: what becomes of one input, as a function of the state, the input and the block's time.

mod claim;
mod command;
mod drain;
mod invoice;
mod payment;
mod red_letter;
mod refund;
mod requests;
mod several;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::command::{InvoiceId, Role};
use crate::digest::Digest;
use crate::error::Code;
use crate::event::{Event, Signed};
use crate::input::{Input, MAX_VALUE_BYTES};
use crate::outcome::{Location, Verdict};
use crate::record::composed::Part;
use crate::record::{Line, PaymentState, Record};
use crate::registry::{Key, Registry};
use crate::signature::{self, PAYLOAD_TYPE};
use crate::standing::Standing;
use crate::text::{SceneCode, TaxId};

pub use drain::{can_drain, drain_input, drain_next, state_input};
pub use invoice::presented;
pub use several::Several;

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
    /// What the record names and came with this very input: see `docs/format.md`, section 4.
    pub annex: Option<Cow<'a, [u8]>>,
}

impl Entry<'_> {
    /// The canonical data of the input that made it; `None` for a record of a drain.
    pub fn data(&self) -> Option<&[u8]> {
        self.record.data(self.annex.as_deref())
    }
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
    /// What its event said may be invoiced, fen; refunds are not taken off.
    pub invoiceable_fen: u64,
    /// The key of its refunds.
    pub origin: Digest,
    /// What dates the rate, milliseconds since 1970.
    pub dated_at_ms: i64,
    /// See `FLAG_*` in `record`.
    pub flags: u64,
    /// Leaf hash of its canonical data.
    pub payments_root: Digest,
    /// The payer's commitment.
    pub payer: Option<[u8; 32]>,
    /// Why it was recorded and not invoiced; `None` where it was invoiced at once.
    pub state: Option<PaymentState>,
    /// What an invoice holds of it, more than nothing.
    pub live: Option<Live>,
    /// Whether it is, or was, in an invoice.
    pub was_invoiced: bool,
    /// Whether a red letter has released anything of it.
    pub released: bool,
}

/// What an invoice holds of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// The invoice.
    pub invoice: InvoiceId,
    /// What it holds, fen, at least 1.
    pub fen: u64,
}

/// What the ledger knows of a blue invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvoiceNow {
    /// Its code and number.
    pub id: InvoiceId,
    /// Its record hash.
    pub hash: Digest,
    /// The seller.
    pub seller: TaxId,
    /// The buyer's tax id.
    pub buyer_tax_id: Option<TaxId>,
    /// The payer's commitment, of an invoice for one payment issued at once.
    pub payer: Option<[u8; 32]>,
    /// Whether it is of kind 1: one payment, one line, no title.
    pub is_single: bool,
    /// Where it stands.
    pub standing: Standing,
}

/// A line of an invoice as issued, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineNow {
    /// As issued.
    pub line: Line,
    /// What is left, fen.
    pub remaining_fen: u64,
}

/// The state as `decide` reads it, the effect of earlier inputs of the same block included.
pub trait View {
    /// Keys, tables, mandates, grants, the queue.
    fn registry(&self) -> &Registry;
    /// Who occupies this identity (payments, top-ups, refunds, commands).
    fn occupant(&self, identity: &Digest) -> Option<Occupant>;
    /// The payment or top-up with this identity.
    fn payment(&self, identity: &Digest) -> Option<PaymentNow>;
    /// The blue invoice with this number.
    fn invoice(&self, id: &InvoiceId) -> Option<InvoiceNow>;
    /// Its lines.
    fn lines(&self, id: &InvoiceId) -> Vec<LineNow>;
    /// The payments that it was issued for.
    fn parts(&self, id: &InvoiceId) -> Vec<Part>;
    /// The sum of all refunds for this origin so far, before or after the payment, fen.
    fn refunded_fen(&self, origin: &Digest) -> u64;
}

/// What one accepted input does: how its outcome is called and the record it makes.
type Accepted<'a> = (Verdict, Entry<'a>);

/// What becomes of an input.
#[derive(Clone, Debug)]
pub enum Decision<'a> {
    /// A duplicate, or rejected: no record.
    Nothing(Verdict),
    /// This record.
    One(Verdict, Entry<'a>),
    /// Several records, all or none, each decided on what the ones before it left.
    Several(Verdict, Several),
}

/// Decides one input (`docs/format.md`, section 3). Pure: the same view, candidate and block give the same answer.
pub fn decide<'a, V: View>(view: &V, candidate: &Candidate<'a>, block: Block) -> Decision<'a> {
    accept(view, candidate, block).unwrap_or_else(Decision::Nothing)
}

/// What makes no record is the verdict alone.
fn accept<'a, V: View>(view: &V, candidate: &Candidate<'a>, block: Block) -> Result<Decision<'a>, Verdict> {
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
    let accepted = match &signed.event {
        Event::Payment(payment) => payment::decide(view, payment, candidate.data, candidate.timestamp_ms, block),
        Event::Refund(refund) => refund::decide(view, refund, candidate.data, block),
        Event::Command(command) => match Several::of(command, key, identity, candidate.data) {
            Some((verdict, several)) => return Ok(Decision::Several(verdict, several)),
            None => command::decide(view, command, identity, candidate.data, key, block),
        },
    };
    accepted.map(|(verdict, entry)| Decision::One(verdict, entry)).map_err(Verdict::Rejected)
}

/// What a command of an invoice says, by whom.
struct Said<'k, 'a> {
    /// The signer.
    key: &'k Key,
    /// The identity that its record occupies.
    identity: Digest,
    /// The canonical data.
    data: Cow<'a, [u8]>,
    /// Its leaf hash.
    data_root: Digest,
}

/// What may still be invoiced of a payment, live or not, fen.
fn headroom_fen(payment: &PaymentNow, refunded_fen: u64) -> u64 {
    match payment.state {
        Some(PaymentState::CoveredByTopup | PaymentState::InvoicedAtRide) => 0,
        _ => payment.invoiceable_fen.saturating_sub(refunded_fen),
    }
}

/// What may be invoiced of a payment and is not, fen.
pub fn uninvoiced_fen<V: View>(view: &V, payment: &PaymentNow) -> u64 {
    let live_fen = payment.live.map_or(0, |live| live.fen);
    headroom_fen(payment, view.refunded_fen(&payment.origin)).saturating_sub(live_fen)
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
    } else if key.is_valid_at(block.height) || is_admitted(key, candidate) {
        Ok(key)
    } else {
        Err(Code::KeyExpired)
    }
}

/// Whether a retired device's payment, top-up or refund is admitted.
fn is_admitted(key: &Key, candidate: &Candidate<'_>) -> bool {
    match candidate.event.map(|signed| &signed.event) {
        Ok(Event::Payment(payment)) => key.admits(payment.paid_at_ms),
        Ok(Event::Refund(refund)) => key.admits(refund.refunded_at_ms),
        _ => false,
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
