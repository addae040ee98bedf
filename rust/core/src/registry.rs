//! The small part of the state: keys, issuers, tables, mandates, grants and the queue of what waits for numbers.
//!
//! It is a fold over records: [`Registry::apply`] is the only way in, for the writer, for recovery and for audit.

mod apply;
mod books;
mod invoices;
mod lifecycle;
mod orders;
mod shared;
mod snapshot;
mod snapshot_of_open;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::block::Genesis;
use crate::command::{InvoiceId, MandateRow, Rate, RateRow, Role, Scene};
use crate::digest::Digest;
use crate::input::Kid;
use crate::outcome::Location;
use crate::signature::PublicKey;
use crate::text::{InvoiceCode, SceneCode, TaxCode, TaxId, Text};

use shared::Shared;

pub use books::{Declared, Month};
pub use lifecycle::{Asked, Delegation, Owed, Pending, Side};

/// A record that cannot follow from the state before it: the log is damaged, or was written by other rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(pub &'static str);

impl core::fmt::Display for Damage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Damage {}

/// A registered key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The public key.
    pub public_key: PublicKey,
    /// What it may do.
    pub role: Role,
    /// Whose it is; empty for the bureau.
    pub tax_id: TaxId,
    /// The scenes a device may sign for. Few lists are different, so that equal ones are shared and stay in the cache.
    pub scenes: Arc<[SceneCode]>,
    /// First height at which it is valid.
    pub from_height: u64,
    /// First height at which it is not.
    pub to_height: u64,
    /// The time of the block that retired it: from that input on it signs nothing.
    pub retired_ms: Option<u64>,
    /// Nothing that it signed is admitted any more.
    pub revoked: bool,
    /// What it signed is admitted up to this time, milliseconds since 1970.
    pub admitted_ms: Option<i64>,
    /// The key that replaced it.
    pub successor: Option<Kid>,
}

impl Key {
    /// A key that may do nothing yet: nobody's, valid at no height.
    pub(crate) fn new(public_key: PublicKey) -> Key {
        Key {
            public_key,
            role: Role::Auditor,
            tax_id: Text::default(),
            scenes: Arc::default(),
            from_height: 0,
            to_height: 0,
            retired_ms: None,
            revoked: false,
            admitted_ms: None,
            successor: None,
        }
    }

    /// Whether it may sign at this height.
    pub fn is_valid_at(&self, height: u64) -> bool {
        self.retired_ms.is_none() && (self.from_height..self.to_height).contains(&height)
    }

    /// Whether what a retired device said at this time is admitted.
    pub fn admits(&self, said_at_ms: i64) -> bool {
        self.retired_ms.is_some() && !self.revoked && self.admitted_ms.is_some_and(|until| said_at_ms <= until)
    }
}

/// An admitted issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Its name.
    pub name: Text<100>,
    /// Most it may issue in a calendar month, fen.
    pub credit_limit_fen: Option<u64>,
    /// The month (year * 12 + month - 1) of `issued_fen`.
    pub month: u32,
    /// Issued in that month, fen.
    pub issued_fen: u64,
    /// Totals by month (year * 12 + month - 1).
    pub months: BTreeMap<u32, Month>,
    /// The months that were declared, in order without a gap.
    pub declared: BTreeMap<u32, Declared>,
    /// Numbers that were applied for and neither granted nor refused.
    pub applied_for: Option<u32>,
}

impl Issuer {
    /// An issuer that has issued nothing.
    pub(crate) fn new(name: Text<100>, credit_limit_fen: Option<u64>) -> Issuer {
        Issuer {
            name,
            credit_limit_fen,
            month: 0,
            issued_fen: 0,
            months: BTreeMap::new(),
            declared: BTreeMap::new(),
            applied_for: None,
        }
    }

    /// What it has issued in a month, fen.
    fn issued_fen_in(&self, month: u32) -> u64 {
        if self.month == month { self.issued_fen } else { 0 }
    }

    /// Whether it may issue this much more in a month; the month is asked for only where there is a limit.
    pub fn has_credit(&self, month: impl FnOnce() -> u32, more_fen: u64) -> bool {
        self.credit_limit_fen.is_none_or(|limit| self.issued_fen_in(month()).saturating_add(more_fen) <= limit)
    }
}

/// Granted numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The invoice code.
    pub code: InvoiceCode,
    /// First number.
    pub from: u32,
    /// Last number.
    pub to: u32,
    /// The next to be used; `to + 1` when none is left.
    pub next: u32,
    /// For this issuer alone.
    pub tax_id: Option<TaxId>,
    /// Closed: what was left stays unused.
    pub closed: bool,
}

impl Grant {
    /// Whether it has a number left.
    pub fn is_open(&self) -> bool {
        !self.closed && self.next <= self.to
    }
}

/// Something that waits for numbers or credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A payment or top-up.
    Payment {
        /// Its identity.
        identity: Digest,
        /// What would be invoiced now, fen.
        left_fen: u64,
    },
    /// A refund whose payment is invoiced.
    Refund {
        /// Its identity.
        identity: Digest,
        /// The payment's identity.
        payment: Digest,
        /// What goes back, fen.
        refund_fen: u64,
        /// Leaf hash of its canonical data.
        refund_root: Digest,
    },
}

impl Waiting {
    /// The identity of the input that waits.
    pub fn identity(&self) -> &Digest {
        match self {
            Waiting::Payment { identity, .. } | Waiting::Refund { identity, .. } => identity,
        }
    }
}

/// The latest commitment to current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where its record stands.
    pub location: Location,
    /// The block after which the state is so.
    pub height: u64,
}

/// Keys, issuers, tables, mandates, grants, queue. A copy, which everything that makes several records is undone by, costs
/// nothing for what is not changed while it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    genesis: Genesis,
    keys: Shared<BTreeMap<Kid, Key>>,
    /// Every list of scenes that a key has.
    scene_lists: BTreeSet<Arc<[SceneCode]>>,
    issuers: BTreeMap<TaxId, Issuer>,
    scenes: BTreeMap<SceneCode, Scene>,
    rates: Vec<RateRow>,
    mandates: BTreeMap<TaxId, Vec<MandateRow>>,
    grants: Vec<Grant>,
    /// By seller, then by place of arrival.
    queues: Shared<BTreeMap<TaxId, BTreeMap<u64, Waiting>>>,
    /// The seller and place of every waiting identity.
    places: Shared<BTreeMap<Digest, (TaxId, u64)>>,
    /// What waiting and owed refunds will take off a payment's invoice, by the payment's identity, fen.
    reversing: Shared<BTreeMap<Digest, u64>>,
    /// By seller and agent.
    delegations: Shared<BTreeMap<(TaxId, TaxId), Delegation>>,
    /// Reimbursers that take invoices without a buyer.
    individuals: Shared<BTreeSet<TaxId>>,
    /// Requests for red letters that are open.
    pending: Shared<BTreeMap<InvoiceId, Pending>>,
    /// Owed reversals by invoice, in the order in which they came.
    owed: Shared<BTreeMap<InvoiceId, Vec<Owed>>>,
    /// What is committed to of current state.
    committed: Option<Committed>,
}

impl Registry {
    /// The state after genesis: the bureau's key, nothing else.
    ///
    /// # Errors
    /// [`Damage`] where the bureau's key is not admitted by the strict rule.
    pub fn new(genesis: &Genesis) -> Result<Registry, Damage> {
        let public_key = PublicKey::admit(genesis.bureau).map_err(|_| Damage("the bureau's key is not a valid key"))?;
        let bureau = Key { role: Role::Bureau, to_height: u64::MAX, ..Key::new(public_key) };
        Ok(Registry {
            genesis: genesis.clone(),
            keys: Shared::new(BTreeMap::from([(public_key.kid(), bureau)])),
            scene_lists: BTreeSet::from([Arc::default()]),
            issuers: BTreeMap::new(),
            scenes: BTreeMap::new(),
            rates: Vec::new(),
            mandates: BTreeMap::new(),
            grants: Vec::new(),
            queues: Shared::default(),
            places: Shared::default(),
            reversing: Shared::default(),
            delegations: Shared::default(),
            individuals: Shared::default(),
            pending: Shared::default(),
            owed: Shared::default(),
            committed: None,
        })
    }

    /// What the chain is.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The latest commitment to current state.
    pub fn committed(&self) -> Option<Committed> {
        self.committed
    }

    /// A registered key, retired ones included.
    pub fn key(&self, kid: &Kid) -> Option<&Key> {
        self.keys.get(kid)
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = (&Kid, &Key)> {
        self.keys.iter()
    }

    /// An admitted issuer.
    pub fn issuer(&self, tax_id: &TaxId) -> Option<&Issuer> {
        self.issuers.get(tax_id)
    }

    /// A row of the scene table.
    pub fn scene(&self, code: &SceneCode) -> Option<&Scene> {
        self.scenes.get(code)
    }

    /// Whether the rate table allows this on a day; on any day where `day` is `None`.
    pub fn allows(&self, scene: &SceneCode, tax_code: &TaxCode, rate: Rate, day: Option<i32>) -> bool {
        self.rates.iter().any(|row| {
            row.rate == rate
                && row.scene == *scene
                && row.tax_code == *tax_code
                && day.is_none_or(|day| (row.from_day..=row.to_day).contains(&day))
        })
    }

    /// The row of an issuer's mandate for a scene.
    pub fn mandate(&self, tax_id: &TaxId, scene: &SceneCode) -> Option<&MandateRow> {
        self.mandates.get(tax_id)?.iter().find(|row| row.scene == *scene)
    }

    /// All rows of an issuer's mandate.
    pub fn mandate_of(&self, tax_id: &str) -> &[MandateRow] {
        Text::new(tax_id).and_then(|tax_id| self.mandates.get(&tax_id)).map_or(&[], |rows| &rows[..])
    }

    /// How many items of each seller wait.
    pub fn all_waiting(&self) -> impl Iterator<Item = (&TaxId, usize)> {
        self.queues.iter().map(|(seller, queue)| (seller, queue.len())).filter(|(_, count)| *count > 0)
    }

    /// What of a seller waits, each after its place of arrival, the oldest first.
    pub fn waiting_of(&self, seller: &TaxId) -> impl Iterator<Item = (u64, &Waiting)> {
        self.queues.get(seller).into_iter().flatten().map(|(place, waiting)| (*place, waiting))
    }

    /// The scene table.
    pub fn scenes(&self) -> impl Iterator<Item = &Scene> {
        self.scenes.values()
    }

    /// The rate table.
    pub fn rates(&self) -> &[RateRow] {
        &self.rates
    }

    /// All grants in the order of granting.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The grant that a seller's next number comes from: its own first, then anybody's.
    pub fn next_grant(&self, seller: &TaxId) -> Option<&Grant> {
        let mut shared = None;
        for grant in self.grants.iter().filter(|grant| grant.is_open()) {
            match &grant.tax_id {
                Some(owner) if owner == seller => return Some(grant),
                Some(_) => {}
                None => shared = shared.or(Some(grant)),
            }
        }
        shared
    }

    /// The grant of a seller's next number, if nothing of the seller waits for one.
    pub fn free_grant(&self, seller: &TaxId) -> Option<&Grant> {
        self.next_grant(seller).filter(|_| !self.has_queue(seller))
    }

    /// Whether something of this seller waits.
    pub fn has_queue(&self, seller: &TaxId) -> bool {
        self.queues.get(seller).is_some_and(|queue| !queue.is_empty())
    }

    /// What refunds that wait for their red letters, or are owed, will take off this payment's invoice, fen.
    pub fn reversing_fen(&self, payment: &Digest) -> u64 {
        self.reversing.get(payment).copied().unwrap_or(0)
    }

    /// Each seller's first waiting item with its place of arrival.
    pub fn queue_heads(&self) -> impl Iterator<Item = (&TaxId, u64, &Waiting)> {
        self.queues.iter().filter_map(|(seller, queue)| {
            let (place, waiting) = queue.first_key_value()?;
            Some((seller, *place, waiting))
        })
    }

    /// Whether an input waits.
    pub fn is_waiting(&self, identity: &Digest) -> bool {
        self.places.contains_key(identity)
    }

    /// How many items wait.
    pub fn waiting(&self) -> usize {
        self.places.len()
    }
}
