//! How records move the registry. A record that does not follow from the state is [`Damage`].

use alloc::sync::Arc;

use crate::code::MAX_NUMBER;
use crate::command::{Order, Role};
use crate::digest;
use crate::outcome::Location;
use crate::record::{
    CommandRecord, Invoice, PaymentRecord, PaymentState, Record, RedLetter, RefundRecord, RefundState,
};
use crate::registry::{Damage, Grant, Issuer, Key, Registry, Waiting};
use crate::signature::PublicKey;
use crate::text::{InvoiceCode, SceneCode, TaxId};
use crate::time;

impl Registry {
    /// Applies the next record of the ledger (genesis excepted: [`Registry::new`]).
    ///
    /// `annex` is the canonical data that came with the record's input; records of a drain have none. Whether the record
    /// names it is [`Record::names`]: what was just decided need not be asked. Keys were admitted when their registration
    /// was decided, which costs more than all else here: audit decides again, this does not.
    ///
    /// # Errors
    /// [`Damage`] where the record cannot follow: the log is damaged.
    pub fn apply(&mut self, record: &Record, annex: Option<&[u8]>, location: Location) -> Result<(), Damage> {
        match record {
            Record::Genesis(_) => Err(Damage("genesis comes once, first")),
            Record::Invoice(invoice) => self.apply_invoice(invoice, annex.is_none()),
            Record::RedLetter(red) => self.apply_red_letter(red, annex.is_none()),
            Record::Payment(payment) => {
                self.apply_payment(payment, location);
                Ok(())
            }
            Record::Refund(refund) => {
                self.apply_refund(refund, location);
                Ok(())
            }
            Record::Command(command) => {
                let annex = annex.ok_or(Damage("a command without its annex"))?;
                let order = Order::from_canonical(annex).map_err(|_| Damage("a command that cannot be read"))?;
                if order.kind() != command.kind {
                    return Err(Damage("a command whose annex is of another kind"));
                }
                self.apply_order(command, order, location.height)
            }
        }
    }

    fn apply_invoice(&mut self, invoice: &Invoice, drained: bool) -> Result<(), Damage> {
        self.take_number(&invoice.code, invoice.number, &invoice.seller)?;
        if drained {
            self.leave_queue(&invoice.identity)?;
        }
        let utc_offset_min = self.genesis.utc_offset_min;
        let issuer = self.issuers.get_mut(&invoice.seller).ok_or(Damage("an invoice of a seller not admitted"))?;
        let issued_at_ms = i64::try_from(invoice.issued_at_ms).map_err(|_| Damage("a time beyond all times"))?;
        let month = time::month(issued_at_ms, utc_offset_min);
        if issuer.month != month {
            (issuer.month, issuer.issued_fen) = (month, 0);
        }
        issuer.issued_fen = issuer.issued_fen.saturating_add(invoice.line.total_fen.unsigned_abs());
        Ok(())
    }

    fn apply_red_letter(&mut self, red: &RedLetter, drained: bool) -> Result<(), Damage> {
        self.take_number(&red.code, red.number, &red.seller)?;
        if drained { self.leave_queue(&red.identity) } else { Ok(()) }
    }

    /// Numbers are gapless from the start of each grant.
    fn take_number(&mut self, code: &InvoiceCode, number: u32, seller: &TaxId) -> Result<(), Damage> {
        let grant = self
            .grants
            .iter_mut()
            .find(|grant| grant.code == *code && (grant.from..=grant.to).contains(&number))
            .ok_or(Damage("a number that was never granted"))?;
        if grant.next != number || grant.closed {
            return Err(Damage("a number out of order"));
        }
        if grant.tax_id.is_some_and(|owner| owner != *seller) {
            return Err(Damage("a number of another issuer"));
        }
        grant.next = number + 1;
        Ok(())
    }

    fn leave_queue(&mut self, identity: &digest::Digest) -> Result<(), Damage> {
        let (seller, place) = self.places.remove(identity).ok_or(Damage("a drained record of nothing that waits"))?;
        let queue = self.queues.get_mut(&seller).ok_or(Damage("a drained record of no queue"))?;
        let waiting = queue.remove(&place).ok_or(Damage("a drained record of no place"))?;
        if let Waiting::Refund { payment, refund_fen, .. } = waiting
            && let Some(fen) = self.reversing.get_mut(&payment)
        {
            *fen = fen.saturating_sub(refund_fen);
            if *fen == 0 {
                self.reversing.remove(&payment);
            }
        }
        Ok(())
    }

    /// Puts an item in its seller's queue: at its place of arrival, which is its record's location.
    pub(super) fn enqueue(&mut self, seller: TaxId, place: u64, waiting: Waiting) {
        if let Waiting::Refund { payment, refund_fen, .. } = waiting {
            let fen = self.reversing.entry(payment).or_default();
            *fen = fen.saturating_add(refund_fen);
        }
        self.places.insert(*waiting.identity(), (seller, place));
        self.queues.entry(seller).or_default().insert(place, waiting);
    }

    fn apply_payment(&mut self, payment: &PaymentRecord, location: Location) {
        if matches!(payment.state, PaymentState::WaitingGrant | PaymentState::WaitingCredit) {
            let waiting = Waiting::Payment { identity: payment.identity, left_fen: payment.invoiceable_fen };
            self.enqueue(payment.seller, location.pack(), waiting);
        }
    }

    fn apply_refund(&mut self, refund: &RefundRecord, location: Location) {
        let RefundRecord { payment, identity, refund_fen, refund_root, .. } = *refund;
        match refund.state {
            RefundState::WaitingGrant => {
                let waiting = Waiting::Refund { identity, payment, refund_fen, refund_root };
                self.enqueue(refund.seller, location.pack(), waiting);
            }
            RefundState::Reduced => self.reduce_waiting(&payment, refund_fen),
            RefundState::BeforePayment | RefundState::NotInvoiced => {}
        }
    }

    /// A refund of a payment that waits: what will be invoiced falls; at 0 nothing waits any more.
    fn reduce_waiting(&mut self, payment: &digest::Digest, refund_fen: u64) {
        let Some((seller, place)) = self.places.get(payment).copied() else { return };
        let Some(queue) = self.queues.get_mut(&seller) else { return };
        if let Some(Waiting::Payment { left_fen, .. }) = queue.get_mut(&place) {
            *left_fen = left_fen.saturating_sub(refund_fen);
            if *left_fen == 0 {
                queue.remove(&place);
                self.places.remove(payment);
            }
        }
    }

    fn apply_order(&mut self, command: &CommandRecord, order: Order, height: u64) -> Result<(), Damage> {
        match order {
            Order::AdmitIssuer { tax_id, name, credit_limit_fen } => {
                let issuer =
                    self.issuers.entry(tax_id).or_insert(Issuer { name, credit_limit_fen, month: 0, issued_fen: 0 });
                (issuer.name, issuer.credit_limit_fen) = (name, credit_limit_fen);
            }
            Order::RegisterKey { public_key, role, tax_id, scenes, from_height, to_height } => {
                let public_key = PublicKey::from_admitted(public_key);
                let scenes = self.shared(scenes.into());
                self.insert_key(Key { public_key, role, tax_id, scenes, from_height, to_height, retired: false })?;
            }
            Order::RotateKey { public_key, .. } => {
                let public_key = PublicKey::from_admitted(public_key);
                let old = self.keys.get_mut(&command.kid).ok_or(Damage("a rotation of no key"))?;
                let new = Key { public_key, from_height: height, ..old.clone() };
                old.retired = true;
                self.insert_key(new)?;
            }
            Order::RetireKey { kid } => {
                self.keys.get_mut(&kid).ok_or(Damage("a retirement of no key"))?.retired = true;
            }
            Order::SceneTable { rows } => {
                self.scenes = rows.into_iter().map(|row| (row.code, row)).collect();
            }
            Order::RateTable { rows } => self.rates = rows,
            Order::Mandate { rows } => {
                let issuer = self.keys.get(&command.kid).filter(|key| key.role == Role::Issuer);
                let tax_id = issuer.ok_or(Damage("a mandate of no issuer"))?.tax_id;
                self.mandates.insert(tax_id, rows);
            }
            Order::GrantNumbers { code, from, to, tax_id } => {
                if from == 0 || from > to || to > MAX_NUMBER || self.overlaps(&code, from, to) {
                    return Err(Damage("a grant of numbers that cannot be granted"));
                }
                self.grants.push(Grant { code, from, to, next: from, tax_id, closed: false });
            }
            Order::CloseGrant { code, from } => {
                let open = |grant: &&mut Grant| grant.code == code && grant.from == from && !grant.closed;
                self.grants.iter_mut().find(open).ok_or(Damage("a closing of no open grant"))?.closed = true;
            }
        }
        Ok(())
    }

    /// The one copy of a list of scenes.
    pub(super) fn shared(&mut self, scenes: Arc<[SceneCode]>) -> Arc<[SceneCode]> {
        if let Some(shared) = self.scene_lists.get(&scenes) {
            return Arc::clone(shared);
        }
        self.scene_lists.insert(Arc::clone(&scenes));
        scenes
    }

    fn insert_key(&mut self, key: Key) -> Result<(), Damage> {
        match self.keys.insert(key.public_key.kid(), key) {
            None => Ok(()),
            Some(_) => Err(Damage("a key registered twice")),
        }
    }

    /// Whether a range of numbers overlaps one that was granted.
    pub fn overlaps(&self, code: &InvoiceCode, from: u32, to: u32) -> bool {
        self.grants.iter().any(|grant| grant.code == *code && from <= grant.to && grant.from <= to)
    }
}
