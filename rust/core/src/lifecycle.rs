//! The table of an invoice's life: which command needs which standing, who may give it, and what it makes of it.
//!
//! `decide` asks it, the API answers "what is allowed" from it, and `docs/state-machine.md` is written from it.

use alloc::vec::Vec;

use crate::error::Code;
use crate::standing::{Claim, Fiscal, Standing, Use};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The command's kind.
    pub kind: u8,
    /// Its name.
    pub name: &'static str,
    /// Who may sign it.
    pub signers: &'static str,
    /// The fiscal state that it needs.
    pub fiscal: Option<Fiscal>,
    /// The claim states of which it needs one; none: any.
    pub claim: &'static [Claim],
    /// The use that it needs.
    pub deduction: Option<Use>,
    /// Whether the invoice must be frozen, or must not.
    pub frozen: Option<bool>,
    /// What else it needs.
    pub also: &'static str,
    /// What it makes of the standing.
    pub after: &'static str,
}

const fn rule(kind: u8, name: &'static str, signers: &'static str) -> Rule {
    Rule {
        kind,
        name,
        signers,
        fiscal: Some(Fiscal::Issued),
        claim: &[],
        deduction: None,
        frozen: Some(false),
        also: "",
        after: "",
    }
}

/// Every command of an invoice, in the order of their kinds.
pub const RULES: [Rule; 17] = [
    Rule {
        claim: &[Claim::Free],
        deduction: Some(Use::None),
        also: "two numbers",
        after: "REVERSED; a new invoice for what was left",
        ..rule(41, "RETITLE", "ISSUER or AGENT for the seller; AGENT of the holder")
    },
    Rule {
        also: "no holder yet",
        after: "holder",
        ..rule(42, "BIND", "ISSUER or AGENT for the seller; AGENT that opens the payer")
    },
    Rule { claim: &[Claim::Free], after: "holder", ..rule(43, "TRANSFER", "the holder") },
    Rule {
        claim: &[Claim::Free],
        also: "the buyer's own, or no buyer and a policy that accepts individuals; the holder's presentation",
        after: "LOCKED",
        ..rule(44, "LOCK", "REIMBURSER")
    },
    Rule {
        fiscal: None,
        claim: &[Claim::Locked],
        frozen: None,
        also: "the same claim, unless BUREAU",
        after: "FREE",
        ..rule(45, "UNLOCK", "the locker; BUREAU")
    },
    Rule {
        claim: &[Claim::Locked],
        also: "the same claim; at most what remains",
        after: "REIMBURSED",
        ..rule(46, "REIMBURSE", "the locker")
    },
    Rule {
        deduction: Some(Use::None),
        also: "not locked by another",
        after: "CONFIRMED",
        ..rule(47, "CONFIRM_USE", "REIMBURSER that is the buyer")
    },
    Rule { claim: &[Claim::Reimbursed], after: "POSTED", ..rule(48, "POST", "the locker") },
    Rule { claim: &[Claim::Posted], frozen: None, after: "REIMBURSED", ..rule(49, "UNPOST", "the locker") },
    Rule {
        also: "neither CONFIRMED nor POSTED (E_RED_NEEDS_CONFIRM); a number",
        after: "REVERSED, or ISSUED with less; LOCKED becomes FREE",
        ..rule(50, "RED_ISSUE", "ISSUER or AGENT for the seller")
    },
    Rule {
        also: "CONFIRMED or POSTED",
        after: "RED_PENDING",
        ..rule(51, "RED_REQUEST", "ISSUER or AGENT for the seller; REIMBURSER that is the locker or the buyer")
    },
    Rule {
        fiscal: Some(Fiscal::RedPending),
        frozen: None,
        also: "within 72 h; a number",
        after: "REVERSED, or ISSUED with less",
        ..rule(52, "RED_CONFIRM", "the other side")
    },
    Rule {
        fiscal: Some(Fiscal::RedPending),
        frozen: None,
        after: "ISSUED",
        ..rule(53, "RED_REFUSE", "the other side")
    },
    Rule {
        fiscal: Some(Fiscal::RedPending),
        frozen: None,
        after: "ISSUED",
        ..rule(54, "RED_WITHDRAW", "the side that asked")
    },
    Rule {
        fiscal: Some(Fiscal::RedPending),
        frozen: None,
        also: "after 72 h",
        after: "ISSUED",
        ..rule(55, "RED_EXPIRE", "anyone with a key")
    },
    Rule { fiscal: None, after: "frozen", ..rule(56, "FREEZE", "BUREAU") },
    Rule { fiscal: None, frozen: Some(true), after: "not frozen", ..rule(57, "UNFREEZE", "BUREAU") },
];

impl Rule {
    /// Whether a standing is one that this command needs.
    pub fn permits(&self, standing: &Standing) -> bool {
        self.fiscal.is_none_or(|fiscal| fiscal == standing.fiscal)
            && (self.claim.is_empty() || self.claim.contains(&standing.claim))
            && self.deduction.is_none_or(|deduction| deduction == standing.deduction)
            && self.frozen.is_none_or(|frozen| frozen == standing.frozen)
    }

    /// What the row does not say of the standing: a holder, a reversal that needs the other side.
    fn permits_also(&self, standing: &Standing) -> bool {
        match self.kind {
            42 => standing.holder.is_none(),
            50 => !standing.needs_confirmation(),
            51 => standing.needs_confirmation(),
            _ => true,
        }
    }
}

/// Whether a standing permits a command.
///
/// # Errors
/// `E_STATE`; `E_LOCKED_BY_OTHER` for a lock of what is locked; `E_RED_NEEDS_CONFIRM`.
pub fn check(kind: u8, standing: &Standing) -> Result<(), Code> {
    if kind == 44 && standing.claim == Claim::Locked {
        return Err(Code::LockedByOther);
    }
    let rule = RULES.iter().find(|rule| rule.kind == kind).ok_or(Code::Schema)?;
    if !rule.permits(standing) {
        return Err(Code::State);
    }
    match kind {
        _ if rule.permits_also(standing) => Ok(()),
        50 => Err(Code::RedNeedsConfirm),
        _ => Err(Code::State),
    }
}

/// The commands that a standing permits, whoever gives them. A transfer is its holder's: of what nobody holds it is
/// nobody's, and refused for who gives it.
pub fn allowed(standing: &Standing) -> Vec<&'static str> {
    let is_somebodys = |rule: &Rule| rule.kind != 43 || standing.holder.is_some();
    let permitted = |rule: &&Rule| rule.permits(standing) && rule.permits_also(standing) && is_somebodys(rule);
    let permitted = RULES.iter().filter(permitted);
    permitted.map(|rule| rule.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_invoice_allows_what_the_domain_lists() {
        let fresh = Standing::untouched(600, None);
        assert_eq!(allowed(&fresh), ["RETITLE", "BIND", "LOCK", "CONFIRM_USE", "RED_ISSUE", "FREEZE"]);
        let held = Standing { holder: Some([7; 16]), ..fresh };
        assert_eq!(allowed(&held), ["RETITLE", "TRANSFER", "LOCK", "CONFIRM_USE", "RED_ISSUE", "FREEZE"]);
        let posted = Standing { claim: Claim::Posted, ..fresh };
        assert_eq!(allowed(&posted), ["BIND", "CONFIRM_USE", "UNPOST", "RED_REQUEST", "FREEZE"]);
        assert_eq!(check(50, &posted), Err(Code::RedNeedsConfirm));
        let gone = Standing::untouched(0, None);
        assert_eq!(allowed(&gone), ["FREEZE"]);
        assert_eq!(check(44, &Standing { claim: Claim::Locked, ..fresh }), Err(Code::LockedByOther));
    }
}
