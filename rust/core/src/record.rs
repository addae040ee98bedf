//! Records: what the ledger holds, one Merkle leaf each. Deterministic CBOR arrays, at most 448 bytes.
//!
//! Layouts (first element the version, second the kind) are in `docs/format.md`; golden vectors in `tests/vectors`.

mod codec;

use alloc::boxed::Box;

use crate::block::Genesis;
use crate::command::Rate;
use crate::digest::Digest;
use crate::input::Kid;
use crate::text::{InvoiceCode, SceneCode, TaxCode, TaxId};

/// The most bytes that a record's encoding may have.
pub const MAX_RECORD_BYTES: usize = 448;

/// Set in `flags` when `paid_at` lay in the future and the broker's time was used.
pub const FLAG_FUTURE_DATED: u64 = 1;

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
}

/// A command that took effect; what it says is the annex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// The kind: 16 admit issuer, 17 register key, 18 rotate key, 19 retire key, 20 scene table, 21 rate table,
    /// 22 mandate, 23 grant numbers, 24 close grant.
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
    /// Kinds 16 to 24.
    Command(CommandRecord),
}
