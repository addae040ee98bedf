//! The proof of where a payment or an invoice stands: from a checkpoint to the latest commitment to current state under it,
//! from its root to what the key has, and the record of that hash. Verified with nothing but keys.
//!
//! A payment in an invoice takes two steps: its own record names the invoice, and what that has says what is left of it.
//! The forms, compact and JSON, are in `state_proof/forms.rs`; each proof has one encoding in each (`docs/format.md`,
//! section 10). What a verified proof says is in `state_proof/finding.rs`.

mod finding;
mod forms;
mod part;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

pub use finding::Finding;
pub use part::PartProof;

use crate::command::InvoiceId;
use crate::digest::{self, Digest};
use crate::note::Verifier;
use crate::proof::{self, Mismatch, Proven};
use crate::record::{Record, StateRecord};
use crate::state_map::{self, of_invoice};
use finding::{Held, Says, says_of_invoice, says_of_payment};

/// Of whom a proof speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A payment, by its identity.
    Payment(Digest),
    /// An invoice or a red letter.
    Invoice(InvoiceId),
}

impl Subject {
    /// Its key in the map.
    pub fn key(&self) -> Digest {
        match self {
            Subject::Payment(identity) => *identity,
            Subject::Invoice(id) => of_invoice(id),
        }
    }
}

/// What one key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The proof of state, as section 9 writes it.
    pub state: Vec<u8>,
    /// The record whose hash the key has; `None` where it has nothing.
    pub record: Option<Vec<u8>>,
    /// The payment among those that the record names by a root: of a payment whose record is of kind 5 or 6.
    pub part: Option<PartProof>,
}

/// A proof as it was made or received; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// Of whom it speaks.
    pub subject: Subject,
    /// The proof of the commitment's record.
    pub commitment: proof::Proof,
    /// What the subject has; then, where an invoice holds some of a payment, what the invoice has.
    pub steps: Vec<Step>,
}

/// What a verified proof says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProven {
    /// Of whom.
    pub subject: Subject,
    /// The commitment's record, its block and its checkpoint.
    pub commitment: Proven,
    /// What is committed to: the state after the block of this height.
    pub state: StateRecord,
    /// Where the subject stands.
    pub finding: Finding,
}

/// The invoice whose step follows that of a payment with this record: one that holds some of it. `None` where none does.
///
/// # Errors
/// [`Mismatch::State`] where the record does not say where this payment stands.
pub fn named_invoice(payment: &Digest, record: &[u8], part: Option<&PartProof>) -> Result<Option<InvoiceId>, Mismatch> {
    Ok(match says_of_payment(payment, &read(record)?, part)? {
        Says::In { invoice, .. } => Some(invoice),
        Says::Out => None,
    })
}

/// Verifies a proof against the log's key and at least `threshold` of the given witnesses, as [`proof::verify`] does.
/// Nothing in it is left unverified.
///
/// # Errors
/// [`Mismatch`], whose text says what did not match. [`Mismatch::Keys`] is the caller's mistake, all else the proof's.
pub fn verify(
    proof: &StateProof,
    log: &Verifier,
    witnesses: &[Verifier],
    threshold: usize,
) -> Result<StateProven, Mismatch> {
    let commitment = proof::verify(&proof.commitment, log, witnesses, threshold)?;
    let Record::State(state) = read(&proof.commitment.record)? else {
        return Err(Mismatch::State("the record that is proved commits to no state"));
    };
    if state.height >= commitment.header.height {
        return Err(Mismatch::State("the state that is committed to is not older than its block"));
    }
    let (first, rest) = proof.steps.split_first().ok_or(Mismatch::State("no step"))?;
    let held = look_up(&state.root, &proof.subject.key(), first)?;
    let finding = match (&proof.subject, &held) {
        (_, None) => Finding::Unknown,
        (Subject::Invoice(id), Some(record)) if first.part.is_none() => says_of_invoice(id, record)?,
        (Subject::Invoice(_), Some(_)) => return Err(Mismatch::State("a payment is shown where none belongs")),
        (Subject::Payment(identity), Some(record)) => {
            return match says_of_payment(identity, record, first.part.as_ref())? {
                Says::Out => alone(rest, Finding::NotInvoiced { latest: record.kind() }),
                Says::In { invoice, held } => in_invoice(&state.root, &invoice, held, record.kind(), rest),
            }
            .map(|finding| StateProven { subject: proof.subject, commitment, state, finding });
        }
    };
    let finding = alone(rest, finding)?;
    Ok(StateProven { subject: proof.subject, commitment, state, finding })
}

/// No step must follow.
fn alone(rest: &[Step], finding: Finding) -> Result<Finding, Mismatch> {
    if rest.is_empty() { Ok(finding) } else { Err(Mismatch::State("a step too many")) }
}

/// What the invoice that holds a payment has.
fn in_invoice(root: &Digest, invoice: &InvoiceId, held: Held, latest: u8, rest: &[Step]) -> Result<Finding, Mismatch> {
    let [step] = rest else { return Err(Mismatch::State("an invoice holds the payment: one more step must follow")) };
    let record = look_up(root, &of_invoice(invoice), step)?;
    let record = record.filter(|_| step.part.is_none()).ok_or(Mismatch::State("the invoice's step is not one"))?;
    let Finding::Invoice { standing, .. } = says_of_invoice(invoice, &record)? else {
        return Err(Mismatch::State("a red letter holds no payment"));
    };
    if standing.remaining_fen == 0 {
        return Ok(Finding::NotInvoiced { latest });
    }
    Ok(Finding::Invoiced { invoice: *invoice, fen: held.fen(&standing), standing })
}

/// The record that a key has, by its step.
fn look_up(root: &Digest, key: &Digest, step: &Step) -> Result<Option<Record>, Mismatch> {
    let value = state_map::verify(root, key, &step.state).map_err(Mismatch::Map)?;
    match (value, &step.record, &step.part) {
        (None, None, None) => Ok(None),
        (Some(hash), Some(record), _) if digest::leaf(record) == hash => read(record).map(Some),
        (Some(_), Some(_), _) => Err(Mismatch::State("the record is not the one that the state has")),
        (Some(_), None, _) => Err(Mismatch::State("the record is missing")),
        (None, ..) => Err(Mismatch::State("a record where the state has none")),
    }
}

fn read(record: &[u8]) -> Result<Record, Mismatch> {
    Record::decode(record).map_err(|_| Mismatch::State("a record that cannot be read"))
}
