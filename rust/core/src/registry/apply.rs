//! How records move the registry. A record that does not follow from the state is [`Damage`].

use alloc::sync::Arc;

use crate::command::Order;
use crate::digest;
use crate::outcome::Location;
use crate::record::{
    ClaimedInvoice, FLAG_LATE, Invoice, PaymentRecord, PaymentState, Record, RedLetter, RefundRecord, RefundState,
    StateRecord, composed,
};
use crate::registry::{Committed, Damage, Key, Registry, Waiting};
use crate::text::{InvoiceCode, SceneCode, TaxId};

impl Registry {
    /// Applies the next record of the ledger (genesis excepted: [`Registry::new`]), at the time of its block.
    ///
    /// `annex` is what came with the record's input; records of a drain have none, or one without data. Whether the record
    /// names it is [`Record::names`]: what was just decided need not be asked. Keys were admitted when their registration
    /// was decided, which costs more than all else here: audit decides again, this does not.
    ///
    /// # Errors
    /// [`Damage`] where the record cannot follow: the log is damaged.
    pub fn apply(
        &mut self,
        record: &Record,
        annex: Option<&[u8]>,
        location: Location,
        time_ms: u64,
    ) -> Result<(), Damage> {
        match record {
            Record::Genesis(_) => Err(Damage("genesis comes once, first")),
            Record::Invoice(invoice) => self.apply_invoice(invoice, annex.is_none()),
            Record::RedLetter(red) => self.apply_red_letter(red, annex.is_none()),
            Record::Payment(payment) => self.apply_payment(payment, location, time_ms),
            Record::Refund(refund) => self.apply_refund(refund, location, annex.is_none(), time_ms),
            Record::Claimed(invoice) => self.apply_claimed(invoice, annex),
            Record::LineRedLetter(red) => self.apply_line_red_letter(red, annex),
            Record::State(state) => self.apply_state(state, location),
            Record::Owed(owed) => self.apply_owed(owed, annex.is_none(), time_ms),
            Record::Change(change) => self.apply_change(change, read(annex, change.kind)?, time_ms),
            Record::Command(command) => self.apply_order(command, read(annex, command.kind)?, location.height, time_ms),
        }
    }

    /// What the map is after a block is the log's to say; here is looked at which block may be meant.
    fn apply_state(&mut self, state: &StateRecord, location: Location) -> Result<(), Damage> {
        if state.height >= location.height {
            return Err(Damage("a commitment to a state that is not there yet"));
        }
        if self.committed.is_some_and(|last| state.height < last.height) {
            return Err(Damage("a commitment to a state before the one that was committed to"));
        }
        self.committed = Some(Committed { location, height: state.height });
        Ok(())
    }

    fn apply_invoice(&mut self, invoice: &Invoice, drained: bool) -> Result<(), Damage> {
        self.take_number(&invoice.code, invoice.number, &invoice.seller)?;
        if drained {
            self.leave_queue(&invoice.identity)?;
        }
        let total_fen = invoice.line.total_fen;
        let now = self.month_of(signed(invoice.issued_at_ms)?);
        let booked = if invoice.flags & FLAG_LATE == 0 { self.month_of(invoice.dated_at_ms) } else { now };
        let seller = self.issuer_mut(&invoice.seller)?;
        seller.count_issued(now, total_fen.unsigned_abs());
        seller.book(booked, |month| {
            month.invoiced_fen += total_fen;
            month.uninvoiced_fen -= if drained { total_fen } else { 0 };
        });
        Ok(())
    }

    fn apply_red_letter(&mut self, red: &RedLetter, drained: bool) -> Result<(), Damage> {
        self.take_number(&red.code, red.number, &red.seller)?;
        if drained {
            self.leave_queue(&red.identity)?;
        }
        self.book_red(&red.seller, red.issued_at_ms, red.line.total_fen, 0)
    }

    pub(super) fn book_red(
        &mut self,
        seller: &TaxId,
        issued_at_ms: u64,
        fen: i64,
        released_fen: u64,
    ) -> Result<(), Damage> {
        let (month, released_fen) = (self.month_of(signed(issued_at_ms)?), signed(released_fen)?);
        self.issuer_mut(seller)?.book(month, |month| {
            month.red_fen -= fen;
            month.uninvoiced_fen += released_fen;
        });
        Ok(())
    }

    fn apply_claimed(&mut self, invoice: &ClaimedInvoice, annex: Option<&[u8]>) -> Result<(), Damage> {
        self.take_number(&invoice.id.code, invoice.id.number, &invoice.seller)?;
        let annex = annex.and_then(|annex| composed::of_claim(annex).ok());
        let annex = annex.ok_or(Damage("an invoice without its payments"))?;
        let issued = self.month_of(signed(invoice.issued_at_ms)?);
        self.issuer_mut(&invoice.seller)?.count_issued(issued, invoice.sum.total_fen.unsigned_abs());
        for part in &annex.payments {
            let (month, fen) = (self.month_of(part.booked_at_ms), signed(part.fen)?);
            self.issuer_mut(&invoice.seller)?.book(month, |month| {
                month.invoiced_fen += fen;
                month.uninvoiced_fen -= fen;
            });
        }
        Ok(())
    }

    /// Numbers are gapless from the start of each grant.
    pub(super) fn take_number(&mut self, code: &InvoiceCode, number: u32, seller: &TaxId) -> Result<(), Damage> {
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

    pub(super) fn leave_queue(&mut self, identity: &digest::Digest) -> Result<(), Damage> {
        let (seller, place) = self.places.remove(identity).ok_or(Damage("a drained record of nothing that waits"))?;
        let queue = self.queues.get_mut(&seller).ok_or(Damage("a drained record of no queue"))?;
        let waiting = queue.remove(&place).ok_or(Damage("a drained record of no place"))?;
        if let Waiting::Refund { payment, refund_fen, .. } = waiting {
            self.forget_reversing(&payment, refund_fen);
        }
        Ok(())
    }

    pub(super) fn forget_reversing(&mut self, payment: &digest::Digest, fen: u64) {
        if let Some(reversing) = self.reversing.get_mut(payment) {
            *reversing = reversing.saturating_sub(fen);
            if *reversing == 0 {
                self.reversing.remove(payment);
            }
        }
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

    fn apply_payment(&mut self, payment: &PaymentRecord, location: Location, time_ms: u64) -> Result<(), Damage> {
        use PaymentState::{Claimable, WaitingCredit, WaitingGrant};
        if matches!(payment.state, WaitingGrant | WaitingCredit) {
            let waiting = Waiting::Payment { identity: payment.identity, left_fen: payment.invoiceable_fen };
            self.enqueue(payment.seller, location.pack(), waiting);
        }
        if matches!(payment.state, Claimable | WaitingGrant | WaitingCredit) {
            let late = payment.flags & FLAG_LATE != 0;
            let month = self.month_of(if late { signed(time_ms)? } else { payment.dated_at_ms });
            let fen = signed(payment.invoiceable_fen)?;
            self.issuer_mut(&payment.seller)?.book(month, |month| month.uninvoiced_fen += fen);
        }
        Ok(())
    }

    fn apply_refund(
        &mut self,
        refund: &RefundRecord,
        location: Location,
        drained: bool,
        time_ms: u64,
    ) -> Result<(), Damage> {
        let RefundRecord { payment, identity, refund_fen, refund_root, .. } = *refund;
        if drained {
            return self.leave_queue(&identity);
        }
        match refund.state {
            RefundState::WaitingGrant => {
                let waiting = Waiting::Refund { identity, payment, refund_fen, refund_root };
                self.enqueue(refund.seller, location.pack(), waiting);
            }
            RefundState::Reduced => self.reduce_waiting(&payment, refund_fen),
            RefundState::BeforePayment | RefundState::NotInvoiced => {}
        }
        if refund.reduced_fen > 0 {
            let (month, fen) = (self.month_of(signed(time_ms)?), signed(refund.reduced_fen)?);
            self.issuer_mut(&refund.seller)?.book(month, |month| month.uninvoiced_fen -= fen);
        }
        Ok(())
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

    /// The one copy of a list of scenes.
    pub(super) fn shared(&mut self, scenes: Arc<[SceneCode]>) -> Arc<[SceneCode]> {
        if let Some(shared) = self.scene_lists.get(&scenes) {
            return Arc::clone(shared);
        }
        self.scene_lists.insert(Arc::clone(&scenes));
        scenes
    }

    pub(super) fn insert_key(&mut self, key: Key) -> Result<(), Damage> {
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

/// An amount or a time that must fit a signed number.
pub(super) fn signed(value: u64) -> Result<i64, Damage> {
    i64::try_from(value).map_err(|_| Damage("an amount or a time beyond all bounds"))
}

/// What a command's record says.
fn read(annex: Option<&[u8]>, kind: u8) -> Result<Order, Damage> {
    let annex = annex.ok_or(Damage("a command without its annex"))?;
    let order = Order::from_canonical(annex).map_err(|_| Damage("a command that cannot be read"))?;
    if order.kind() == kind { Ok(order) } else { Err(Damage("a command whose annex is of another kind")) }
}
