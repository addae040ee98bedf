//! The open part of the registry as bytes: delegations, policies, requests for red letters, owed reversals.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::{InvoiceId, RedReason};
use crate::digest::Digest;
use crate::registry::snapshot::map;
use crate::registry::{Asked, Delegation, Owed, Pending, Registry, Side};

impl Registry {
    pub(super) fn encode_open(&self, e: &mut Encoder<'_>) {
        e.array(self.delegations.len());
        for ((seller, agent), delegation) in self.delegations.iter() {
            e.array(4).text(seller.as_str()).text(agent.as_str()).uint(delegation.to_height);
            e.array(delegation.scenes.len());
            delegation.scenes.iter().for_each(|scene| _ = e.text(scene.as_str()));
        }
        e.array(self.individuals.len());
        self.individuals.iter().for_each(|tax_id| _ = e.text(tax_id.as_str()));
        e.array(self.pending.len());
        self.pending.iter().for_each(|(invoice, pending)| encode_pending(e, invoice, pending));
        e.array(self.owed.len());
        for (invoice, all) in self.owed.iter() {
            encode_invoice(e.array(3), invoice).array(all.len());
            for owed in all {
                e.array(4).bytes(&owed.refund).bytes(&owed.payment).uint(owed.fen).uint(owed.since_ms);
            }
        }
    }

    pub(super) fn decode_open(&mut self, d: &mut Decoder<'_>) -> Result<(), Malformed> {
        *self.delegations = map(d, |d| {
            d.array_of(4)?;
            let (parties, to_height) = ((d.text_of()?, d.text_of()?), d.uint()?);
            let scenes = (0..d.array()?).map(|_| d.text_of()).collect::<Result<_, _>>()?;
            Ok((parties, Delegation { scenes, to_height }))
        })?;
        *self.individuals = (0..d.array()?).map(|_| d.text_of()).collect::<Result<_, _>>()?;
        *self.pending = map(d, decode_pending)?;
        let owed: BTreeMap<InvoiceId, Vec<Owed>> = map(d, |d| {
            d.array_of(3)?;
            let invoice = decode_invoice(d)?;
            Ok((invoice, (0..d.array()?).map(|_| decode_owed(d)).collect::<Result<_, _>>()?))
        })?;
        for (invoice, owed) in owed.into_iter().flat_map(|(invoice, all)| all.into_iter().map(move |o| (invoice, o))) {
            self.owe(invoice, owed);
        }
        Ok(())
    }

    /// Block times are where blocks were cut.
    pub(super) fn forget_times(&mut self) {
        self.pending.values_mut().for_each(|pending| pending.since_ms = 0);
        self.owed.values_mut().flatten().for_each(|owed| owed.since_ms = 0);
    }
}

fn encode_invoice<'e, 'b>(e: &'e mut Encoder<'b>, invoice: &InvoiceId) -> &'e mut Encoder<'b> {
    e.text(invoice.code.as_str()).uint(invoice.number.into())
}

fn decode_invoice(d: &mut Decoder<'_>) -> Result<InvoiceId, Malformed> {
    Ok(InvoiceId { code: d.text_of()?, number: d.uint_as()? })
}

fn encode_pending(e: &mut Encoder<'_>, invoice: &InvoiceId, pending: &Pending) {
    encode_invoice(e.array(7), invoice).uint(pending.side as u64).uint(pending.reason as u64).uint(pending.since_ms);
    let (kind, digests) = match &pending.asked {
        Asked::All => (1, &[][..]),
        Asked::Payments(payments) => (2, &payments[..]),
        Asked::Owed(refunds) => (3, &refunds[..]),
    };
    e.uint(kind).array(digests.len());
    digests.iter().for_each(|digest| _ = e.bytes(digest));
}

fn decode_pending(d: &mut Decoder<'_>) -> Result<(InvoiceId, Pending), Malformed> {
    d.array_of(7)?;
    let invoice = decode_invoice(d)?;
    let side = match d.uint()? {
        1 => Side::Seller,
        2 => Side::Reimburser,
        _ => return Err(Malformed),
    };
    let (reason, since_ms) = (RedReason::from_u8(d.uint_as()?).ok_or(Malformed)?, d.uint()?);
    let kind = d.uint()?;
    let digests: Vec<Digest> = (0..d.array()?).map(|_| d.bytes_of()).collect::<Result<_, _>>()?;
    let asked = match kind {
        1 => Asked::All,
        2 => Asked::Payments(digests),
        3 => Asked::Owed(digests),
        _ => return Err(Malformed),
    };
    Ok((invoice, Pending { side, reason, asked, since_ms }))
}

fn decode_owed(d: &mut Decoder<'_>) -> Result<Owed, Malformed> {
    d.array_of(4)?;
    Ok(Owed { refund: d.bytes_of()?, payment: d.bytes_of()?, fen: d.uint()?, since_ms: d.uint()? })
}
