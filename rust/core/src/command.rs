//! Commands of the bureau and of issuers: what they say. Their canonical data is the annex of their record.

pub(crate) mod canonical;
pub(crate) mod decode;
mod lifecycle;
mod names;

use alloc::vec::Vec;

use crate::digest::Digest;
use crate::event::DetailType;
use crate::input::Kid;
use crate::text::{InvoiceCode, SceneCode, TaxCode, TaxId, Text};

pub use canonical::command_id_of_canonical;
pub use lifecycle::{Buyer, Change, ClaimedPayment, InvoiceId, RedReason, Scope};
pub use names::kind_name;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Role {
    /// The tax bureau.
    Bureau = 1,
    /// An issuer of invoices.
    Issuer = 2,
    /// A gate, a bus, a barrier: signs payment events only.
    Device = 3,
    /// Acts for an issuer or for passengers.
    Agent = 4,
    /// Receives, transfers, presents.
    Holder = 5,
    /// Locks, reimburses, posts.
    Reimburser = 6,
    /// Reads.
    Auditor = 7,
}

/// A rate: basis points, or one of the two that print no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// 300 is 3 %; at most 10,000.
    BasisPoints(u16),
    /// Exempt from tax.
    Exempt,
    /// Not taxable: a stored-value top-up.
    NonTaxable,
}

/// When an invoice is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Policy {
    /// One invoice a payment, at once.
    Auto = 1,
    /// The payment waits for a claim.
    OnClaim = 2,
}

/// Where a stored-value card's money is invoiced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StoredValue {
    /// Each ride like any payment; a top-up is recorded and not invoiced.
    AtRide = 1,
    /// The top-up gets a non-taxable invoice; its rides are not invoiceable.
    AtTopup = 2,
}

/// A field that a scene's `detail` may or must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailField {
    /// Its name.
    pub name: Text<32>,
    /// Its type.
    pub kind: DetailType,
    /// Whether it must be there.
    pub required: bool,
}

/// A row of the scene table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// `METRO` for example.
    pub code: SceneCode,
    /// What people call it (Chinese), printed on documents.
    pub name: Text<64>,
    /// The fields of `detail`, ordered by name.
    pub detail: Vec<DetailField>,
}

/// A row of the rate table: this rate is allowed for this scene and tax code from one day to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRow {
    /// The scene.
    pub scene: SceneCode,
    /// The tax code.
    pub tax_code: TaxCode,
    /// The rate.
    pub rate: Rate,
    /// First day, days since 1970 in the chain's own zone.
    pub from_day: i32,
    /// Last day, inclusive; `i32::MAX` when open.
    pub to_day: i32,
}

/// A row of an issuing mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MandateRow {
    /// The scene.
    pub scene: SceneCode,
    /// When an invoice is made.
    pub policy: Policy,
    /// Where stored value is invoiced.
    pub stored_value: StoredValue,
    /// The tax code the issuer uses.
    pub tax_code: TaxCode,
    /// The rate the issuer uses; the rate table must allow it on the payment's day.
    pub rate: Rate,
}

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// BUREAU admits an issuer.
    AdmitIssuer {
        /// The issuer.
        tax_id: TaxId,
        /// Its name.
        name: Text<100>,
        /// Most it may issue in a calendar month, fen; `None`: no limit.
        credit_limit_fen: Option<u64>,
    },
    /// BUREAU registers any key, an ISSUER its own devices'.
    RegisterKey {
        /// The public key, not yet admitted under the strict rule.
        public_key: [u8; 32],
        /// What it may do.
        role: Role,
        /// Whose it is.
        tax_id: TaxId,
        /// The scenes a device may sign for; empty for other roles.
        scenes: Vec<SceneCode>,
        /// First height at which it is valid.
        from_height: u64,
        /// First height at which it is not; `u64::MAX` when open.
        to_height: u64,
    },
    /// The key's own holder replaces it; the new key has signed the old kid and itself.
    RotateKey {
        /// The new public key.
        public_key: [u8; 32],
        /// The new key's signature over `PAE("application/vnd.farechain.rotate", old kid || new key)`.
        proof: [u8; 64],
    },
    /// BUREAU or the key's ISSUER retires a key from this input on.
    RetireKey {
        /// The key.
        kid: Kid,
    },
    /// BUREAU replaces the scene table.
    SceneTable {
        /// All rows.
        rows: Vec<Scene>,
    },
    /// BUREAU replaces the rate table.
    RateTable {
        /// All rows.
        rows: Vec<RateRow>,
    },
    /// An ISSUER lets the ledger issue for its devices' payments; replaces its mandate.
    Mandate {
        /// All rows, one a scene.
        rows: Vec<MandateRow>,
    },
    /// BUREAU grants numbers.
    GrantNumbers {
        /// The invoice code.
        code: InvoiceCode,
        /// First number.
        from: u32,
        /// Last number, inclusive.
        to: u32,
        /// For this issuer alone; `None`: any issuer.
        tax_id: Option<TaxId>,
    },
    /// BUREAU closes a grant; its unused tail is recorded.
    CloseGrant {
        /// The invoice code.
        code: InvoiceCode,
        /// The grant's first number.
        from: u32,
    },
    /// BUREAU or the key's ISSUER: the key is retired and nothing that it signed is admitted any more.
    RevokeKey {
        /// The key.
        kid: Kid,
    },
    /// An ISSUER admits what a retired device signed in its own time.
    Admit {
        /// The key.
        kid: Kid,
        /// Payments up to this time, milliseconds since 1970.
        until_ms: i64,
    },
    /// An ISSUER lets an agent act for it; replaces its delegation to that agent.
    Delegate {
        /// The agent's tax id.
        agent: TaxId,
        /// For these scenes; none ends it.
        scenes: Vec<SceneCode>,
        /// First height at which it is over; `u64::MAX` when open.
        to_height: u64,
    },
    /// A REIMBURSER says whether it takes invoices without a buyer.
    ReimburserPolicy {
        /// Whether it does.
        accepts_individuals: bool,
    },
    /// An ISSUER applies for numbers.
    ApplyNumbers {
        /// How many.
        count: u32,
    },
    /// BUREAU refuses an application.
    RefuseNumbers {
        /// The issuer.
        tax_id: TaxId,
        /// Why.
        reason: Text<100>,
    },
    /// An ISSUER declares a month.
    Declare {
        /// The month, year * 12 + month - 1.
        period: u32,
        /// Invoiced, fen.
        invoiced_fen: u64,
        /// Not invoiced yet, fen.
        uninvoiced_fen: u64,
        /// Reversed in that month, fen.
        red_fen: u64,
    },
    /// BUREAU acknowledges a declaration.
    Acknowledge {
        /// The issuer.
        tax_id: TaxId,
        /// The month.
        period: u32,
    },
    /// Anybody but devices, holders and auditors puts the digest of an outside fact onto the ledger.
    Attest {
        /// What kind of fact; a name among those who attest it and those who check it.
        subject: Text<32>,
        /// The fact's digest, which says nothing to who does not have the fact.
        digest: [u8; 32],
    },
    /// Payments become one invoice under a title.
    Claim {
        /// Whom it is for.
        buyer: Buyer,
        /// The payments, at least one, each once.
        payments: Vec<ClaimedPayment>,
    },
    /// The invoice is reversed and issued again under another title.
    Retitle {
        /// The invoice.
        invoice: InvoiceId,
        /// Whom the new one is for.
        buyer: Buyer,
    },
    /// A change of one invoice's standing.
    Change {
        /// The invoice.
        invoice: InvoiceId,
        /// What happens to it.
        change: Change,
    },
    /// All or nothing.
    Batch {
        /// Claims, retitles and changes, 1 to 64.
        orders: Vec<Order>,
    },
}

/// A decoded command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who this command is, for ever: see `docs/format.md`.
    pub identity: Digest,
    /// What it asks for.
    pub order: Order,
    /// The leaf hash of the canonical data.
    pub data_leaf: Digest,
}

impl Order {
    /// Whether it is a claim or a change of one invoice, which makes one record of its own kind.
    pub fn is_of_invoice(&self) -> bool {
        matches!(self, Order::Claim { .. } | Order::Change { .. })
    }

    /// The number of its kind, which is also its record's.
    pub fn kind(&self) -> u8 {
        match self {
            Order::AdmitIssuer { .. } => 16,
            Order::RegisterKey { .. } => 17,
            Order::RotateKey { .. } => 18,
            Order::RetireKey { .. } => 19,
            Order::SceneTable { .. } => 20,
            Order::RateTable { .. } => 21,
            Order::Mandate { .. } => 22,
            Order::GrantNumbers { .. } => 23,
            Order::CloseGrant { .. } => 24,
            Order::RevokeKey { .. } => 25,
            Order::Admit { .. } => 26,
            Order::Delegate { .. } => 27,
            Order::ReimburserPolicy { .. } => 28,
            Order::ApplyNumbers { .. } => 29,
            Order::RefuseNumbers { .. } => 30,
            Order::Declare { .. } => 31,
            Order::Acknowledge { .. } => 32,
            Order::Attest { .. } => 33,
            Order::Claim { .. } => 40,
            Order::Retitle { .. } => 41,
            Order::Change { change, .. } => change.kind(),
            Order::Batch { .. } => 60,
        }
    }
}

impl Role {
    /// As people and messages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Bureau => "BUREAU",
            Role::Issuer => "ISSUER",
            Role::Device => "DEVICE",
            Role::Agent => "AGENT",
            Role::Holder => "HOLDER",
            Role::Reimburser => "REIMBURSER",
            Role::Auditor => "AUDITOR",
        }
    }

    /// The role with this number.
    pub const fn from_u8(value: u8) -> Option<Role> {
        match value {
            1 => Some(Role::Bureau),
            2 => Some(Role::Issuer),
            3 => Some(Role::Device),
            4 => Some(Role::Agent),
            5 => Some(Role::Holder),
            6 => Some(Role::Reimburser),
            7 => Some(Role::Auditor),
            _ => None,
        }
    }
}

impl Rate {
    /// As an integer: basis points, -1 exempt, -2 not taxable.
    pub const fn to_int(self) -> i64 {
        match self {
            Rate::BasisPoints(rate) => rate as i64,
            Rate::Exempt => -1,
            Rate::NonTaxable => -2,
        }
    }

    /// The opposite of [`Rate::to_int`].
    pub const fn from_int(value: i64) -> Option<Rate> {
        match value {
            -2 => Some(Rate::NonTaxable),
            -1 => Some(Rate::Exempt),
            0..=10_000 => Some(Rate::BasisPoints(value.cast_unsigned() as u16)),
            _ => None,
        }
    }
}
