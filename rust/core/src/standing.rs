//! Where an invoice stands on its axes: fiscal, claim, use, frozen, holder. A record that moves it carries all of it.

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::input::Kid;
use crate::text::{TaxId, Text};

/// Whether the invoice is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Fiscal {
    /// It is.
    Issued = 1,
    /// One side has asked for a reversal.
    RedPending = 2,
    /// Nothing of it is left.
    Reversed = 3,
}

/// Whether somebody claims expenses with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Claim {
    /// Nobody.
    Free = 1,
    /// A reimburser, for one claim.
    Locked = 2,
    /// Paid, for ever.
    Reimbursed = 3,
    /// In the books.
    Posted = 4,
}

/// Whether the buyer has deducted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Use {
    /// Not yet.
    None = 1,
    /// It has.
    Confirmed = 2,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In force, pending, reversed.
    pub fiscal: Fiscal,
    /// Free, locked, reimbursed, posted.
    pub claim: Claim,
    /// Deducted or not.
    pub deduction: Use,
    /// Stopped by the bureau.
    pub frozen: bool,
    /// What is left of its total after all red letters, fen.
    pub remaining_fen: u64,
    /// The key that holds it.
    pub holder: Option<Kid>,
    /// Who locked it, or reimbursed it.
    pub locker: Option<TaxId>,
    /// For which claim.
    pub claim_id: Option<Text<32>>,
    /// What was reimbursed, fen.
    pub reimbursed_fen: u64,
}

impl Standing {
    /// Of an invoice that nothing but short red letters has touched.
    pub fn untouched(remaining_fen: u64, holder: Option<Kid>) -> Standing {
        Standing {
            fiscal: if remaining_fen == 0 { Fiscal::Reversed } else { Fiscal::Issued },
            claim: Claim::Free,
            deduction: Use::None,
            frozen: false,
            remaining_fen,
            holder,
            locker: None,
            claim_id: None,
            reimbursed_fen: 0,
        }
    }

    /// Whether a reversal needs the other side: the invoice is used or posted.
    pub fn needs_confirmation(&self) -> bool {
        self.deduction == Use::Confirmed || self.claim == Claim::Posted
    }

    /// After a red letter that leaves this much: a lock is cancelled, a pending request is over.
    #[must_use]
    pub fn reversed_to(self, remaining_fen: u64) -> Standing {
        let fiscal = if remaining_fen == 0 { Fiscal::Reversed } else { Fiscal::Issued };
        let standing = Standing { fiscal, remaining_fen, ..self };
        if self.claim == Claim::Locked { standing.unlocked() } else { standing }
    }

    /// Free again.
    #[must_use]
    pub fn unlocked(self) -> Standing {
        Standing { claim: Claim::Free, locker: None, claim_id: None, ..self }
    }

    /// Appends it as a CBOR array of nine.
    pub fn encode(&self, e: &mut Encoder<'_>) {
        e.array(9).uint(self.fiscal as u64).uint(self.claim as u64).uint(self.deduction as u64).bool(self.frozen);
        e.uint(self.remaining_fen).optional_bytes(self.holder.as_ref().map(|kid| &kid[..]));
        e.optional_text(self.locker.as_ref().map(Text::as_str));
        e.optional_text(self.claim_id.as_ref().map(Text::as_str)).uint(self.reimbursed_fen);
    }

    /// The opposite of [`Standing::encode`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(d: &mut Decoder<'_>) -> Result<Standing, Malformed> {
        d.array_of(9)?;
        Ok(Standing {
            fiscal: Fiscal::from_u8(d.uint_as()?).ok_or(Malformed)?,
            claim: Claim::from_u8(d.uint_as()?).ok_or(Malformed)?,
            deduction: match d.uint()? {
                1 => Use::None,
                2 => Use::Confirmed,
                _ => return Err(Malformed),
            },
            frozen: d.bool()?,
            remaining_fen: d.uint()?,
            holder: d.optional(Decoder::bytes_of)?,
            locker: d.optional(Decoder::text_of)?,
            claim_id: d.optional(Decoder::text_of)?,
            reimbursed_fen: d.uint()?,
        })
    }
}

impl Fiscal {
    /// The state with this number.
    pub const fn from_u8(value: u8) -> Option<Fiscal> {
        match value {
            1 => Some(Fiscal::Issued),
            2 => Some(Fiscal::RedPending),
            3 => Some(Fiscal::Reversed),
            _ => None,
        }
    }

    /// As people and documents name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fiscal::Issued => "ISSUED",
            Fiscal::RedPending => "RED_PENDING",
            Fiscal::Reversed => "REVERSED",
        }
    }
}

impl Claim {
    /// The state with this number.
    pub const fn from_u8(value: u8) -> Option<Claim> {
        match value {
            1 => Some(Claim::Free),
            2 => Some(Claim::Locked),
            3 => Some(Claim::Reimbursed),
            4 => Some(Claim::Posted),
            _ => None,
        }
    }

    /// As people and documents name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Claim::Free => "FREE",
            Claim::Locked => "LOCKED",
            Claim::Reimbursed => "REIMBURSED",
            Claim::Posted => "POSTED",
        }
    }
}

impl Use {
    /// As people and documents name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Use::None => "NONE",
            Use::Confirmed => "CONFIRMED",
        }
    }
}
