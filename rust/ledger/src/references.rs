//! What records say of things that are kept elsewhere: titles' commitments, and digests of outside facts.

use farechain_core::command::Order;
use farechain_core::digest::Digest;
use farechain_core::input::Kid;
use farechain_core::outcome::Location;
use farechain_core::record::{CommandRecord, Record};

use crate::error::LedgerError;
use crate::ledger::Ledger;

/// What one record refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The commitment to the title of an invoice.
    Title(Digest),
    /// An outside fact that somebody attests.
    Attested(Attested),
}

/// An attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// Where its record is.
    pub at: Location,
    /// The signer.
    pub kid: Kid,
    /// What kind of fact.
    pub subject: String,
    /// The fact's digest.
    pub digest: Digest,
}

impl Ledger {
    /// What records of blocks from `first` refer to, at most `max_blocks`: the next height, and the references in the
    /// order of the records.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn references(&self, first: u64, max_blocks: u64) -> Result<(u64, Vec<Reference>), LedgerError> {
        self.tail(first, max_blocks, |body, out| {
            let height = body.header().height;
            for (index, number) in (0..body.record_count()).zip(0u32..) {
                let at = Location { height, index: number };
                out.extend(Record::decode(body.record(index)).ok().and_then(|record| match record {
                    Record::Claimed(invoice) => invoice.title.map(Reference::Title),
                    Record::Command(command) => attested(&command, body.annex(index)?, at).map(Reference::Attested),
                    _ => None,
                }));
            }
            Ok(())
        })
    }
}

fn attested(command: &CommandRecord, annex: &[u8], at: Location) -> Option<Attested> {
    match Order::from_canonical(annex).ok()? {
        Order::Attest { subject, digest } => {
            Some(Attested { at, kid: command.kid, subject: subject.as_str().into(), digest })
        }
        _ => None,
    }
}
