//! What commands say of invoices: claims, titles, holders, locks, postings, red letters. Types and their limits only.

use alloc::vec::Vec;

use crate::digest::Digest;
use crate::input::Kid;
use crate::text::{InvoiceCode, TaxId, Text};

/// The most orders of a batch.
pub(super) const MAX_ORDERS: usize = 64;

/// Which invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvoiceId {
    /// Its code.
    pub code: InvoiceCode,
    /// Its number.
    pub number: u32,
}

/// Whom an invoice is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Buyer {
    /// The tax id of an organisation; `None` for an individual.
    pub tax_id: Option<TaxId>,
    /// The commitment to the title's text.
    pub title: Option<Digest>,
    /// The key that holds the invoice.
    pub holder: Option<Kid>,
}

/// A payment that is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimedPayment {
    /// Its identity.
    pub identity: Digest,
    /// What opens its payer's commitment.
    pub opening: Option<[u8; 32]>,
}

/// Why an invoice is reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RedReason {
    /// Issued by mistake.
    IssueError = 1,
    /// Money went back.
    SalesReturn = 2,
    /// The service was not given.
    ServiceSuspension = 3,
    /// A discount after the fact.
    SalesDiscount = 4,
    /// Issued again under another title; written by `RETITLE` alone.
    Retitled = 5,
}

/// What a red letter is to take off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that is left.
    All,
    /// These payments, at least one, each once.
    Payments(Vec<Digest>),
    /// The reversals that are owed; of a request alone.
    Owed,
}

/// A change of one invoice's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// AGENT or ISSUER: an invoice without holder gets one.
    Bind {
        /// What opens the payer's commitment.
        opening: Option<[u8; 32]>,
        /// The new holder's key.
        holder: Kid,
    },
    /// The holder hands it over.
    Transfer {
        /// The new holder's key.
        holder: Kid,
    },
    /// A REIMBURSER takes it for a claim of expenses.
    Lock {
        /// The claim.
        claim_id: Text<32>,
        /// The holder's signature.
        presentation: Option<[u8; 64]>,
    },
    /// The lock is given up.
    Unlock {
        /// The claim.
        claim_id: Text<32>,
    },
    /// The claim was paid; irreversible.
    Reimburse {
        /// The claim.
        claim_id: Text<32>,
        /// What was paid, fen, at least 1.
        amount_fen: u64,
    },
    /// The buyer has used it for deduction.
    ConfirmUse,
    /// It stands in the books.
    Post {
        /// The voucher.
        voucher: Text<64>,
        /// The period of the books, year * 12 + month - 1.
        period: u32,
    },
    /// The book entry is taken back.
    Unpost,
    /// The seller's side alone reverses.
    RedIssue {
        /// Why.
        reason: RedReason,
        /// What; never [`Scope::Owed`].
        scope: Scope,
    },
    /// One side asks for a reversal.
    RedRequest {
        /// Why.
        reason: RedReason,
        /// What.
        scope: Scope,
    },
    /// The other side agrees: the red letter is issued.
    RedConfirm,
    /// The other side does not.
    RedRefuse,
    /// The requester takes it back.
    RedWithdraw,
    /// Nobody answered in time.
    RedExpire,
    /// BUREAU stops it.
    Freeze {
        /// Why.
        note: Text<100>,
    },
    /// BUREAU lets it go.
    Unfreeze,
}

impl Change {
    /// The number of its kind, which is also its record's where it makes a lifecycle record.
    pub fn kind(&self) -> u8 {
        match self {
            Change::Bind { .. } => 42,
            Change::Transfer { .. } => 43,
            Change::Lock { .. } => 44,
            Change::Unlock { .. } => 45,
            Change::Reimburse { .. } => 46,
            Change::ConfirmUse => 47,
            Change::Post { .. } => 48,
            Change::Unpost => 49,
            Change::RedIssue { .. } => 50,
            Change::RedRequest { .. } => 51,
            Change::RedConfirm => 52,
            Change::RedRefuse => 53,
            Change::RedWithdraw => 54,
            Change::RedExpire => 55,
            Change::Freeze { .. } => 56,
            Change::Unfreeze => 57,
        }
    }
}

impl RedReason {
    /// As people and messages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            RedReason::IssueError => "ISSUE_ERROR",
            RedReason::SalesReturn => "SALES_RETURN",
            RedReason::ServiceSuspension => "SERVICE_SUSPENSION",
            RedReason::SalesDiscount => "SALES_DISCOUNT",
            RedReason::Retitled => "RETITLED",
        }
    }

    /// The reason with this number.
    pub const fn from_u8(value: u8) -> Option<RedReason> {
        match value {
            1 => Some(RedReason::IssueError),
            2 => Some(RedReason::SalesReturn),
            3 => Some(RedReason::ServiceSuspension),
            4 => Some(RedReason::SalesDiscount),
            5 => Some(RedReason::Retitled),
            _ => None,
        }
    }
}

/// Whether none of the payments stands twice.
pub(super) fn all_differ<'a>(payments: impl Iterator<Item = &'a Digest>) -> bool {
    let mut sorted: Vec<&Digest> = payments.collect();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}
