//! Claims: payments become one invoice under a title. Retitles: the same, anew, for another buyer.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::command::{Buyer, ClaimedPayment, InvoiceId, Rate, RedReason, Role};
use crate::decide::invoice::{acts_for_seller, check_holder, find, number_for};
use crate::decide::payment::{month, terms};
use crate::decide::red_letter::{Cause, LivePart, Takes, live_parts, red_letter};
use crate::decide::{Accepted, Block, Entry, PaymentNow, Said, View, headroom_fen};
use crate::digest::{self, Digest};
use crate::error::Code;
use crate::lifecycle;
use crate::money;
use crate::outcome::Verdict;
use crate::record::composed::{self, Part};
use crate::record::{ClaimedInvoice, FLAG_LATE, Line, PaymentState, Record, Sum};
use crate::registry::{Grant, Key};
use crate::text::{TaxCode, TaxId};

/// The most lines of an invoice.
const MAX_LINES: usize = 100;

/// A line of a claim: the line's tax code, and its rate as in CBOR.
type LineKey = (TaxCode, i64);

/// A payment of a claim that may be claimed.
struct Claimable {
    identity: Digest,
    payment: PaymentNow,
    fen: u64,
    line: LineKey,
}

pub(super) fn claim<'a, V: View>(
    view: &V,
    said: &Said<'_, 'a>,
    buyer: &Buyer,
    claimed: &[ClaimedPayment],
    block: Block,
) -> Result<Accepted<'a>, Code> {
    let registry = view.registry();
    let (seller, found) = find_claimable(view, said.key, claimed, block)?;
    check_holder(registry, buyer.holder.as_ref())?;
    let mut amounts: BTreeMap<LineKey, (i32, i64)> = BTreeMap::new();
    for it in &found {
        let line = amounts.entry(it.line).or_default();
        *line = (line.0 + 1, line.1 + it.fen.cast_signed());
    }
    if amounts.len() > MAX_LINES {
        return Err(Code::Schema);
    }
    let line = |(key, amount): (&LineKey, &(i32, i64))| line_of(key, amount.0, amount.1);
    let lines: Vec<Line> = amounts.iter().map(line).collect();
    let total_fen = found.iter().map(|it| it.fen).fold(0, u64::saturating_add);
    let issuer = registry.issuer(&seller).ok_or(Code::Role)?;
    if !issuer.has_credit(|| month(registry, block), total_fen) {
        return Err(Code::State);
    }
    let grant = number_for(registry, &seller)?;
    let place = |key: &LineKey| amounts.keys().position(|other| other == key).unwrap_or_default();
    let part = |it: &Claimable| Part {
        identity: it.identity,
        data_leaf: it.payment.payments_root,
        line: place(&it.line) as u32,
        fen: it.fen,
        booked_at_ms: booked_at_ms(&it.payment, block),
    };
    let parts: Vec<Part> = found.iter().map(part).collect();
    Ok((Verdict::Issued, issue(said, buyer, &seller, grant, &lines, &parts, block)))
}

/// The seller and the payments of a claim, each looked at completely in its turn.
fn find_claimable<V: View>(
    view: &V,
    key: &Key,
    claimed: &[ClaimedPayment],
    block: Block,
) -> Result<(TaxId, Vec<Claimable>), Code> {
    let registry = view.registry();
    let mut seller = None;
    let mut found = Vec::with_capacity(claimed.len());
    for claimed in claimed {
        let payment = view.payment(&claimed.identity).ok_or(Code::PaymentUnknown)?;
        if *seller.get_or_insert(payment.seller) != payment.seller {
            return Err(Code::SellerMixed);
        }
        let fen = claimable_fen(view, key, claimed, &payment, block)?;
        let row = registry.mandate(&payment.seller, &payment.scene).ok_or(Code::RateNotAllowed)?;
        let terms = terms(registry, row, &payment.scene, payment.topped_up, payment.dated_at_ms);
        let terms = terms.ok_or(Code::RateNotAllowed)?;
        let line = (terms.tax_code, terms.rate.to_int());
        found.push(Claimable { identity: claimed.identity, payment, fen, line });
    }
    Ok((seller.ok_or(Code::Schema)?, found))
}

/// What a claim takes of a payment, if its signer may claim it and it may be claimed.
fn claimable_fen<V: View>(
    view: &V,
    key: &Key,
    claimed: &ClaimedPayment,
    payment: &PaymentNow,
    block: Block,
) -> Result<u64, Code> {
    let registry = view.registry();
    let opens = key.role == Role::Agent && opens_payer(payment.payer.as_ref(), claimed.opening.as_ref());
    if !registry.acts_for(key, &payment.seller, &payment.scene, block.height) && !opens {
        return Err(Code::Role);
    }
    if payment.live.is_some() {
        return Err(Code::PaymentSpent);
    }
    let never = matches!(
        payment.state,
        Some(PaymentState::CoveredByTopup | PaymentState::InvoicedAtRide | PaymentState::NothingToInvoice)
    );
    if never || registry.is_waiting(&claimed.identity) {
        return Err(Code::State);
    }
    match headroom_fen(payment, view.refunded_fen(&payment.origin)) {
        0 => Err(Code::PaymentRefunded),
        fen => Ok(fen),
    }
}

/// Whether these 32 bytes open a payer's commitment.
pub(super) fn opens_payer(payer: Option<&[u8; 32]>, opening: Option<&[u8; 32]>) -> bool {
    payer.zip(opening).is_some_and(|(payer, opening)| digest::identity(&[b"PAYER", opening]) == *payer)
}

fn booked_at_ms(payment: &PaymentNow, block: Block) -> i64 {
    if payment.released || payment.flags & FLAG_LATE != 0 { block.time_ms.cast_signed() } else { payment.dated_at_ms }
}

fn line_of((tax_code, rate): &LineKey, quantity: i32, total_fen: i64) -> Line {
    let rate = Rate::from_int(*rate).unwrap_or(Rate::Exempt);
    let (net_fen, tax_fen) = money::split(total_fen, rate);
    Line { tax_code: *tax_code, rate, quantity, net_fen, tax_fen, total_fen }
}

fn issue<'a>(
    said: &Said<'_, 'a>,
    buyer: &Buyer,
    seller: &TaxId,
    grant: &Grant,
    lines: &[Line],
    parts: &[Part],
    block: Block,
) -> Entry<'a> {
    let annex = composed::write_claim(&said.data, lines, parts);
    let invoice = ClaimedInvoice {
        id: InvoiceId { code: grant.code, number: grant.next },
        issued_at_ms: block.time_ms,
        seller: *seller,
        sum: lines.iter().fold(Sum::default(), Sum::plus),
        buyer_tax_id: buyer.tax_id,
        title: buyer.title,
        holder: buyer.holder,
        lines_root: annex.lines_root,
        payments_root: annex.payments_root,
        identity: said.identity,
        data_root: said.data_root,
    };
    Entry { record: Record::Claimed(Box::new(invoice)), annex: Some(Cow::Owned(annex.bytes)) }
}

/// The blue half of a retitle, decided with its red half.
#[derive(Clone, Debug)]
pub(super) struct Reissue {
    buyer: Buyer,
    seller: TaxId,
    lines: Vec<Line>,
    parts: Vec<Part>,
}

/// The red half of a retitle, and what its blue half will be.
pub(super) fn retitle<V: View>(
    view: &V,
    said: &Said<'_, '_>,
    id: &InvoiceId,
    buyer: &Buyer,
    block: Block,
) -> Result<(Entry<'static>, Reissue), Code> {
    let registry = view.registry();
    let now = find(view, id)?;
    let holder = now.standing.holder.and_then(|kid| registry.key(&registry.current(&kid)));
    let of_holder = said.key.role == Role::Agent && holder.is_some_and(|holder| holder.tax_id == said.key.tax_id);
    if !of_holder && !acts_for_seller(view, said.key, &now, block) {
        return Err(Code::Role);
    }
    lifecycle::check(41, &now.standing)?;
    check_holder(registry, buyer.holder.as_ref())?;
    let grant = number_for(registry, &now.seller)?;
    let live = live_parts(view, id);
    let takes: Vec<Takes> = live.iter().map(|part| Takes { payment: part.part.identity, fen: part.live_fen }).collect();
    let cause = Cause {
        reason: RedReason::Retitled,
        identity: said.identity,
        data: Some(&said.data),
        data_root: said.data_root,
        refunding_fen: None,
        is_refund: false,
    };
    let red = red_letter(view, &now, &takes, &cause, grant, block)?;
    let lines = view.lines(id);
    let kept: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].remaining_fen > 0).collect();
    let of_line = |line: usize| live.iter().filter(move |part| part.part.line as usize == line);
    let blue = |line: &usize| {
        let now = &lines[*line];
        let quantity = of_line(*line).fold(0, |count, _| count + 1);
        line_of(&(now.line.tax_code, now.line.rate.to_int()), quantity, now.remaining_fen.cast_signed())
    };
    let part = |live: &LivePart| Part {
        line: kept.iter().position(|line| *line == live.part.line as usize).unwrap_or_default() as u32,
        fen: live.live_fen,
        booked_at_ms: block.time_ms.cast_signed(),
        ..live.part
    };
    let (lines, parts) = (kept.iter().map(blue).collect(), live.iter().map(part).collect());
    Ok((red, Reissue { buyer: *buyer, seller: now.seller, lines, parts }))
}

/// The blue half of a retitle, after the red half was applied.
pub(super) fn reissue<V: View>(
    view: &V,
    said: &Said<'_, 'static>,
    reissue: &Reissue,
    block: Block,
) -> Result<Entry<'static>, Code> {
    let grant = number_for(view.registry(), &reissue.seller)?;
    Ok(issue(said, &reissue.buyer, &reissue.seller, grant, &reissue.lines, &reissue.parts, block))
}
