//! What records of invoices change beyond numbers and books: requests for red letters, and reversals that are owed.

use alloc::vec::Vec;

use crate::command::{Change, InvoiceId, Order, RedReason, Role, Scope};
use crate::digest::Digest;
use crate::record::{ChangeRecord, LineRedLetter, OwedRefund, OwedState, composed};
use crate::registry::{Asked, Damage, Owed, Pending, Registry, Side};
use crate::standing::Fiscal;

impl Registry {
    pub(super) fn apply_line_red_letter(&mut self, red: &LineRedLetter, annex: Option<&[u8]>) -> Result<(), Damage> {
        self.take_number(&red.id.code, red.id.number, &red.seller)?;
        let annex = annex.and_then(|annex| composed::of_red_letter(annex).ok());
        let annex = annex.ok_or(Damage("a red letter without its lines"))?;
        if annex.data.is_none() {
            self.leave_queue(&red.identity)?;
        }
        self.book_red(&red.seller, red.issued_at_ms, red.sum.total_fen, red.released_fen)?;
        let settled = match self.pending.remove(&red.original) {
            Some(Pending { asked: Asked::Owed(refunds), .. }) => refunds,
            _ => Vec::new(),
        };
        let gone =
            |payment: &Digest| annex.payments.iter().any(|loss| loss.identity == *payment && loss.after_fen == 0);
        let reversed = red.standing.fiscal == Fiscal::Reversed;
        self.forget_owed(&red.original, |owed| reversed || settled.contains(&owed.refund) || gone(&owed.payment));
        Ok(())
    }

    fn forget_owed(&mut self, invoice: &InvoiceId, is_over: impl Fn(&Owed) -> bool) {
        let Some(owed) = self.owed.get_mut(invoice) else { return };
        let over: Vec<Owed> = owed.extract_if(.., |owed| is_over(owed)).collect();
        if owed.is_empty() {
            self.owed.remove(invoice);
        }
        over.iter().for_each(|owed| self.forget_reversing(&owed.payment, owed.fen));
    }

    pub(super) fn apply_owed(&mut self, record: &OwedRefund, drained: bool, time_ms: u64) -> Result<(), Damage> {
        if drained {
            self.leave_queue(&record.identity)?;
        }
        let owed = Owed { refund: record.identity, payment: record.payment, fen: record.refund_fen, since_ms: time_ms };
        self.owe(record.original, owed);
        if record.state == OwedState::Requested {
            let pending = Pending {
                side: Side::Seller,
                reason: RedReason::SalesReturn,
                asked: Asked::Owed(alloc::vec![record.identity]),
                since_ms: time_ms,
            };
            self.pending.insert(record.original, pending);
        }
        Ok(())
    }

    /// Adds an owed reversal: counted against what more refunds may take off the same payment.
    pub(super) fn owe(&mut self, invoice: InvoiceId, owed: Owed) {
        let reversing = self.reversing.entry(owed.payment).or_default();
        *reversing = reversing.saturating_add(owed.fen);
        self.owed.entry(invoice).or_default().push(owed);
    }

    pub(super) fn apply_change(&mut self, record: &ChangeRecord, order: Order, time_ms: u64) -> Result<(), Damage> {
        let Order::Change { invoice, change } = order else {
            return Err(Damage("a change that is none"));
        };
        if invoice != record.invoice {
            return Err(Damage("a change of another invoice"));
        }
        match change {
            Change::RedRequest { reason, scope } => {
                let asked = match scope {
                    Scope::All => Asked::All,
                    Scope::Payments(payments) => Asked::Payments(payments),
                    Scope::Owed => Asked::Owed(self.owed(&invoice).iter().map(|owed| owed.refund).collect()),
                };
                let role = self.keys.get(&record.kid).map(|key| key.role);
                let side = if role == Some(Role::Reimburser) { Side::Reimburser } else { Side::Seller };
                self.pending.insert(invoice, Pending { side, reason, asked, since_ms: time_ms });
            }
            Change::RedRefuse | Change::RedWithdraw | Change::RedExpire => {
                self.pending.remove(&invoice).ok_or(Damage("an end of no request"))?;
            }
            _ => {}
        }
        Ok(())
    }
}
