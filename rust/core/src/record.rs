//! Records: what the ledger holds, one Merkle leaf each. Deterministic CBOR arrays, at most 448 bytes.
//!
//! Layouts (first element the version, second the kind) are in `docs/format.md`; golden vectors in `tests/vectors`.

pub mod composed;

mod codec;
mod codec_of_lines;

use alloc::boxed::Box;

use crate::block::Genesis;
use crate::command::{InvoiceId, Rate, RedReason};
use crate::digest::Digest;
use crate::input::Kid;
use crate::standing::Standing;
use crate::text::{InvoiceCode, SceneCode, TaxCode, TaxId};

/// The most bytes that a record's encoding may have.
pub const MAX_RECORD_BYTES: usize = 448;

/// Set in `flags` when `paid_at` lay in the future and the broker's time was used.
pub const FLAG_FUTURE_DATED: u64 = 1;

/// Set in `flags` when the payment's month was declared already when the payment was recorded.
pub const FLAG_LATE: u64 = 2;

/// A line of an invoice. Amounts are negative on a red-letter invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The tax code.
    pub tax_code: TaxCode,
    /// The rate.
    pub rate: Rate,
    /// Rides, stays, tickets.
    pub quantity: i32,
    /// Without tax, fen.
    pub net_fen: i64,
    /// Tax, fen.
    pub tax_fen: i64,
    /// With tax, fen.
    pub total_fen: i64,
}

/// A blue invoice for one payment or top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Invoice code.
    pub code: InvoiceCode,
    /// Number, 1 to 99,999,999.
    pub number: u32,
    /// Block time, milliseconds since 1970.
    pub issued_at_ms: u64,
    /// The seller.
    pub seller: TaxId,
    /// The scene.
    pub scene: SceneCode,
    /// The only line.
    pub line: Line,
    /// What was paid, fen: the bound of all refunds.
    pub paid_fen: u64,
    /// What dates the rate, milliseconds since 1970.
    pub dated_at_ms: i64,
    /// See `FLAG_*`.
    pub flags: u64,
    /// The payment's identity.
    pub identity: Digest,
    /// Merkle root over the canonical data of the payments consumed.
    pub payments_root: Digest,
    /// The payer's commitment.
    pub payer: Option<[u8; 32]>,
}

/// A red-letter invoice caused by a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedLetter {
    /// Invoice code.
    pub code: InvoiceCode,
    /// Number.
    pub number: u32,
    /// Block time, milliseconds since 1970.
    pub issued_at_ms: u64,
    /// The seller.
    pub seller: TaxId,
    /// The original's code.
    pub original_code: InvoiceCode,
    /// The original's number.
    pub original_number: u32,
    /// The original's record hash.
    pub original_hash: Digest,
    /// The reversed part: the original's tax code and rate, amounts below zero, quantity -1 when nothing
    /// remains, else 0.
    pub line: Line,
    /// What is left of the original, fen.
    pub remaining_fen: u64,
    /// The refund's identity.
    pub identity: Digest,
    /// Leaf hash of the refund's canonical data.
    pub refund_root: Digest,
}

/// Why a payment is recorded and not invoiced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PaymentState {
    /// Nothing to invoice: the amount is 0.
    NothingToInvoice = 1,
    /// Paid with a card whose top-ups are invoiced.
    CoveredByTopup = 2,
    /// Waits for a claim (policy, or the issuer has given no mandate).
    Claimable = 3,
    /// Waits for numbers.
    WaitingGrant = 4,
    /// Waits for the issuer's monthly limit.
    WaitingCredit = 5,
    /// Refunded in full before it came.
    Refunded = 6,
    /// A top-up whose rides are invoiced.
    InvoicedAtRide = 7,
}

/// A payment that is recorded and not invoiced (now, or ever).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRecord {
    /// The seller.
    pub seller: TaxId,
    /// The scene.
    pub scene: SceneCode,
    /// Whether it is a top-up.
    pub topped_up: bool,
    /// Why.
    pub state: PaymentState,
    /// What was paid, fen.
    pub paid_fen: u64,
    /// What may be invoiced after refunds known so far, fen.
    pub invoiceable_fen: u64,
    /// What dates the rate, milliseconds since 1970.
    pub dated_at_ms: i64,
    /// See `FLAG_*`.
    pub flags: u64,
    /// The payment's identity.
    pub identity: Digest,
    /// Leaf hash of its canonical data.
    pub payments_root: Digest,
    /// The payer's commitment.
    pub payer: Option<[u8; 32]>,
}

/// Why a refund is recorded without a red-letter invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RefundState {
    /// Its payment has not come yet.
    BeforePayment = 1,
    /// Its payment is recorded and not invoiced: what may be invoiced is reduced.
    Reduced = 2,
    /// It reaches no invoiced amount: only money that was never invoiced goes back.
    NotInvoiced = 3,
    /// Its red-letter invoice waits for numbers.
    WaitingGrant = 4,
}

/// A refund that is recorded without a red-letter invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundRecord {
    /// The seller.
    pub seller: TaxId,
    /// Why.
    pub state: RefundState,
    /// What goes back, fen.
    pub refund_fen: u64,
    /// The payment's identity; its origin where the payment has not come.
    pub payment: Digest,
    /// The refund's identity.
    pub identity: Digest,
    /// Leaf hash of its canonical data.
    pub refund_root: Digest,
    /// By how much what may still be invoiced fell, fen.
    pub reduced_fen: u64,
}

/// A blue invoice for payments that were claimed together, under a title. Its annex is [`composed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimedInvoice {
    /// Its code and number.
    pub id: InvoiceId,
    /// Block time, milliseconds since 1970.
    pub issued_at_ms: u64,
    /// The seller.
    pub seller: TaxId,
    /// Sum of its lines.
    pub sum: Sum,
    /// The tax id of an organisation; `None`: an individual.
    pub buyer_tax_id: Option<TaxId>,
    /// The commitment to the title's text.
    pub title: Option<Digest>,
    /// The key that holds it at first.
    pub holder: Option<Kid>,
    /// Merkle root over its lines.
    pub lines_root: Digest,
    /// Merkle root over its payments.
    pub payments_root: Digest,
    /// The identity that it occupies.
    pub identity: Digest,
    /// Leaf hash of the command's canonical data.
    pub data_root: Digest,
}

/// Amounts of several lines together, fen; below zero on a red letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sum {
    /// Without tax.
    pub net_fen: i64,
    /// Tax.
    pub tax_fen: i64,
    /// With tax.
    pub total_fen: i64,
}

/// A red-letter invoice of lines and payments. Its annex is [`composed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRedLetter {
    /// Its code and number.
    pub id: InvoiceId,
    /// Block time, milliseconds since 1970.
    pub issued_at_ms: u64,
    /// The seller.
    pub seller: TaxId,
    /// The original.
    pub original: InvoiceId,
    /// The original's record hash.
    pub original_hash: Digest,
    /// Sum of its lines.
    pub sum: Sum,
    /// Why.
    pub reason: RedReason,
    /// What of it may be invoiced again, fen.
    pub released_fen: u64,
    /// Merkle root over its lines.
    pub lines_root: Digest,
    /// Merkle root over the payments that lose something.
    pub payments_root: Digest,
    /// The identity that it occupies.
    pub identity: Digest,
    /// Leaf hash of the canonical data of the command or refund.
    pub data_root: Digest,
    /// Where the original stands after it.
    pub standing: Standing,
}

/// What an owed refund does to its invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OwedState {
    /// It opens a request for a red letter.
    Requested = 1,
    /// A request is open already: it waits.
    Queued = 2,
}

/// A refund whose red letter needs the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwedRefund {
    /// The seller.
    pub seller: TaxId,
    /// Requested, or queued behind a request.
    pub state: OwedState,
    /// What goes back, fen.
    pub refund_fen: u64,
    /// The payment's identity.
    pub payment: Digest,
    /// The invoice that holds it.
    pub original: InvoiceId,
    /// The invoice's record hash.
    pub original_hash: Digest,
    /// The refund's identity.
    pub identity: Digest,
    /// Leaf hash of its canonical data.
    pub refund_root: Digest,
    /// Where the invoice stands after it.
    pub standing: Standing,
}

/// A change of an invoice's standing by a command; what the command says is the annex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRecord {
    /// The command's kind: 42 to 49, 51, 53 to 57.
    pub kind: u8,
    /// The signer.
    pub kid: Kid,
    /// The invoice.
    pub invoice: InvoiceId,
    /// Its record hash.
    pub invoice_hash: Digest,
    /// The identity that it occupies.
    pub identity: Digest,
    /// Leaf hash of the command's canonical data.
    pub data_root: Digest,
    /// Where the invoice stands after it.
    pub standing: Standing,
}

/// What is committed to of current state: the map of what every payment and invoice has, after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateRecord {
    /// The root of the map.
    pub root: Digest,
    /// Its keys.
    pub count: u64,
    /// The block after which it is so, below the block of the record.
    pub height: u64,
}

/// A command that took effect; what it says is the annex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// The kind: 16 admit issuer to 33 attest, 60 batch, see [`crate::command::Order::kind`].
    pub kind: u8,
    /// The signer.
    pub kid: Kid,
    /// The command's identity.
    pub identity: Digest,
    /// Leaf hash of its canonical data.
    pub data_root: Digest,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Kind 0, the only record of block 0.
    Genesis(Box<Genesis>),
    /// Kind 1.
    Invoice(Invoice),
    /// Kind 2.
    RedLetter(RedLetter),
    /// Kind 3.
    Payment(PaymentRecord),
    /// Kind 4.
    Refund(RefundRecord),
    /// Kind 5.
    Claimed(Box<ClaimedInvoice>),
    /// Kind 6.
    LineRedLetter(Box<LineRedLetter>),
    /// Kind 7.
    Owed(Box<OwedRefund>),
    /// Kind 8, made by the engine.
    State(StateRecord),
    /// Kinds 16 to 32, and 60.
    Command(CommandRecord),
    /// Kinds 42 to 49, 51, 53 to 57.
    Change(Box<ChangeRecord>),
}
