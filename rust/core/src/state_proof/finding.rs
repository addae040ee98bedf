//! Where a payment or an invoice stands, as records say it, and in words.

use alloc::format;
use alloc::string::String;

use super::PartProof;
use crate::cbor::Decoder;
use crate::command::InvoiceId;
use crate::digest::Digest;
use crate::proof::Mismatch;
use crate::record::composed::{Loss, Part};
use crate::record::{Record, RefundState};
use crate::standing::{Claim, Fiscal, Standing, Use};

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The ledger has recorded nothing of it.
    Unknown,
    /// A payment that no invoice holds anything of.
    NotInvoiced {
        /// The kind of its latest record.
        latest: u8,
    },
    /// A payment that an invoice holds.
    Invoiced {
        /// The invoice.
        invoice: InvoiceId,
        /// What it holds of the payment, fen; `None` where only that it holds some of it is said: a refund is owed.
        fen: Option<u64>,
        /// Where the invoice stands.
        standing: Standing,
    },
    /// An invoice.
    Invoice {
        /// Where it stands.
        standing: Standing,
    },
    /// A red letter.
    RedLetter {
        /// Of which invoice.
        original: InvoiceId,
    },
}

impl Finding {
    /// `UNKNOWN`, `NOT_INVOICED`, `INVOICED`, `INVOICE` or `RED_LETTER`.
    pub fn name(&self) -> &'static str {
        match self {
            Finding::Unknown => "UNKNOWN",
            Finding::NotInvoiced { .. } => "NOT_INVOICED",
            Finding::Invoiced { .. } => "INVOICED",
            Finding::Invoice { .. } => "INVOICE",
            Finding::RedLetter { .. } => "RED_LETTER",
        }
    }

    /// The same in words.
    pub fn words(&self) -> String {
        match self {
            Finding::Unknown => "unknown to the ledger".into(),
            Finding::NotInvoiced { .. } => "not invoiced".into(),
            Finding::Invoiced { invoice, fen: Some(fen), standing } => {
                format!("invoiced as {} with {fen} fen; the invoice is {}", named(invoice), stands(standing))
            }
            Finding::Invoiced { invoice, fen: None, standing } => {
                format!("invoiced as {}, a refund is owed; the invoice is {}", named(invoice), stands(standing))
            }
            Finding::Invoice { standing } => stands(standing),
            Finding::RedLetter { original } => format!("a red letter of {}", named(original)),
        }
    }
}

fn named(id: &InvoiceId) -> String {
    format!("{}-{:08}", id.code.as_str(), id.number)
}

/// Where an invoice stands in words: free, locked by a tax id for a claim, reversed and so on.
fn stands(standing: &Standing) -> String {
    let locker = standing.locker.as_ref().map_or("nobody", |locker| locker.as_str());
    let claim_id = standing.claim_id.as_ref().map_or("none", |claim_id| claim_id.as_str());
    let mut words = match (standing.fiscal, standing.claim) {
        (Fiscal::Reversed, Claim::Free | Claim::Locked) => String::new(),
        (_, Claim::Free) => "free".into(),
        (_, Claim::Locked) => format!("locked by {locker} for claim {claim_id}"),
        (_, Claim::Reimbursed) => format!("reimbursed by {locker} for claim {claim_id}"),
        (_, Claim::Posted) => format!("reimbursed and posted by {locker} for claim {claim_id}"),
    };
    for (said, what) in [
        (standing.fiscal == Fiscal::Reversed, "reversed"),
        (standing.fiscal == Fiscal::RedPending, "asked to be reversed"),
        (standing.deduction == Use::Confirmed, "deducted"),
        (standing.frozen, "frozen"),
    ] {
        if said {
            words.push_str(if words.is_empty() { "" } else { ", " });
            words.push_str(what);
        }
    }
    words
}

/// What a record says of a payment.
pub(super) enum Says {
    /// No invoice holds any of it.
    Out,
    /// An invoice holds some of it.
    In { invoice: InvoiceId, held: Held },
}

/// How much of a payment an invoice holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// So much, fen.
    Fen(u64),
    /// All that is left of the invoice, which is for this payment alone.
    All,
    /// Some of it.
    Some,
}

impl Held {
    /// Fen, where the invoice stands so.
    pub(super) fn fen(self, standing: &Standing) -> Option<u64> {
        match self {
            Held::Fen(fen) => Some(fen),
            Held::All => Some(standing.remaining_fen),
            Held::Some => None,
        }
    }
}

/// What a record says of a payment, which is among its parts where these stand under a root.
pub(super) fn says_of_payment(payment: &Digest, record: &Record, part: Option<&PartProof>) -> Result<Says, Mismatch> {
    const OTHER: Mismatch = Mismatch::State("the record does not say where this payment stands");
    const PART: Mismatch = Mismatch::State("the payment is not shown among those of its record");
    if let Record::Claimed(_) | Record::LineRedLetter(_) = record {
        let part = part.ok_or(PART)?;
        return of_several(payment, record, part).ok_or(PART);
    }
    if part.is_some() {
        return Err(Mismatch::State("a payment is shown where none belongs"));
    }
    let (of, says) = match record {
        Record::Payment(recorded) => (recorded.identity, Says::Out),
        Record::Refund(refund) if refund.state == RefundState::Reduced => (refund.payment, Says::Out),
        Record::Invoice(invoice) => {
            let id = InvoiceId { code: invoice.code, number: invoice.number };
            (invoice.identity, Says::In { invoice: id, held: Held::All })
        }
        Record::Owed(owed) => (owed.payment, Says::In { invoice: owed.original, held: Held::Some }),
        _ => return Err(OTHER),
    };
    if of == *payment { Ok(says) } else { Err(OTHER) }
}

fn of_several(payment: &Digest, record: &Record, part: &PartProof) -> Option<Says> {
    let mut d = Decoder::new(&part.element);
    let (root, of, says) = match record {
        Record::Claimed(invoice) => {
            let held = Part::decode(&mut d).ok()?;
            (invoice.payments_root, held.identity, Says::In { invoice: invoice.id, held: Held::Fen(held.fen) })
        }
        Record::LineRedLetter(red) => {
            let lost = Loss::decode(&mut d).ok()?;
            let left = Says::In { invoice: red.original, held: Held::Fen(lost.after_fen) };
            (red.payments_root, lost.identity, if lost.after_fen == 0 { Says::Out } else { left })
        }
        _ => return None,
    };
    d.end().ok()?;
    (part.root() == Some(root) && of == *payment).then_some(says)
}

/// What a record says of an invoice or red letter.
pub(super) fn says_of_invoice(id: &InvoiceId, record: &Record) -> Result<Finding, Mismatch> {
    if record.stands_for() == Some(*id)
        && let Some(standing) = record.standing()
    {
        return Ok(Finding::Invoice { standing });
    }
    let own = record.invoice_id() == Some(*id);
    match record {
        Record::RedLetter(_) | Record::LineRedLetter(_) if own => {
            record.stands_for().map(|original| Finding::RedLetter { original })
        }
        _ if own => record.untouched().map(|standing| Finding::Invoice { standing }),
        _ => None,
    }
    .ok_or(Mismatch::State("the record does not say where this invoice stands"))
}
