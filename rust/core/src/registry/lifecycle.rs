//! What is open around invoices: delegations, requests for red letters, reversals that are owed.

use alloc::vec::Vec;

use crate::command::{InvoiceId, RedReason, Role};
use crate::digest::Digest;
use crate::input::Kid;
use crate::registry::{Key, Registry};
use crate::text::{SceneCode, TaxId};

/// An agent acts for a seller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// For these scenes.
    pub scenes: Vec<SceneCode>,
    /// First height at which it is over.
    pub to_height: u64,
}

/// Which side asked for a red letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// The seller's.
    Seller = 1,
    /// The reimburser's, or the buyer's.
    Reimburser = 2,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All that is left.
    All,
    /// These payments.
    Payments(Vec<Digest>),
    /// These owed refunds, by their identities.
    Owed(Vec<Digest>),
}

/// An open request for a red letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Who asked.
    pub side: Side,
    /// Why.
    pub reason: RedReason,
    /// For what.
    pub asked: Asked,
    /// Block time of the request, milliseconds since 1970.
    pub since_ms: u64,
}

/// A refund whose red letter needs the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The refund's identity.
    pub refund: Digest,
    /// The payment's identity.
    pub payment: Digest,
    /// What went back, fen.
    pub fen: u64,
    /// Block time at which it was recorded, milliseconds since 1970.
    pub since_ms: u64,
}

/// A request lapses after this long, milliseconds of block time.
pub const LAPSES_AFTER_MS: u64 = 72 * 3_600_000;

impl Pending {
    /// Whether nobody answered in time.
    pub fn has_lapsed(&self, now_ms: u64) -> bool {
        now_ms > self.since_ms.saturating_add(LAPSES_AFTER_MS)
    }
}

impl Registry {
    /// Whether a key acts for a seller where the invoice's or payment's scene is this one.
    pub fn acts_for(&self, key: &Key, seller: &TaxId, scene: &SceneCode, height: u64) -> bool {
        match key.role {
            Role::Issuer => key.tax_id == *seller,
            Role::Agent => self
                .delegations
                .get(&(*seller, key.tax_id))
                .is_some_and(|delegation| height < delegation.to_height && delegation.scenes.contains(scene)),
            _ => false,
        }
    }

    /// All delegations: seller, agent.
    pub fn delegations(&self) -> impl Iterator<Item = (&TaxId, &TaxId, &Delegation)> {
        self.delegations.iter().map(|((seller, agent), delegation)| (seller, agent, delegation))
    }

    /// Whether a reimburser takes invoices without a buyer.
    pub fn accepts_individuals(&self, reimburser: &TaxId) -> bool {
        self.individuals.contains(reimburser)
    }

    /// All reimbursers that take invoices without a buyer.
    pub fn individuals(&self) -> impl Iterator<Item = &TaxId> {
        self.individuals.iter()
    }

    /// The open request for a red letter of an invoice.
    pub fn pending(&self, invoice: &InvoiceId) -> Option<&Pending> {
        self.pending.get(invoice)
    }

    /// All open requests.
    pub fn all_pending(&self) -> impl Iterator<Item = (&InvoiceId, &Pending)> {
        self.pending.iter()
    }

    /// What is owed on an invoice, in the order in which it came.
    pub fn owed(&self, invoice: &InvoiceId) -> &[Owed] {
        self.owed.get(invoice).map_or(&[], |owed| &owed[..])
    }

    /// All owed reversals.
    pub fn all_owed(&self) -> impl Iterator<Item = (&InvoiceId, &Owed)> {
        self.owed.iter().flat_map(|(invoice, owed)| owed.iter().map(move |owed| (invoice, owed)))
    }

    /// The newest successor of a key, and itself where it has none.
    pub fn current(&self, kid: &Kid) -> Kid {
        let mut kid = *kid;
        while let Some(next) = self.keys.get(&kid).and_then(|key| key.successor) {
            kid = next;
        }
        kid
    }
}
