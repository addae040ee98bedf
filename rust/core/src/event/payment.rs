//! The `data` of payments, top-ups and refunds: checked in the order of `docs/format.md`, written as canonical data.

use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::digest::{self, Digest};
use crate::error::Code;
use crate::event::fields::{amount, any, bounded, checked, hex, integer, is_detail_name, scene_byte, text, visible};
use crate::event::preimages::Preimages;
use crate::event::{Channel, DetailType, Event, Kind, Payment, Refund, Signed};
use crate::json::Value;
use crate::text::{SceneCode, TaxId};
use crate::time::{self, Instant};
use crate::uscc;

const MAX_DETAIL_MEMBERS: usize = 16;
const MAX_DETAIL_TEXT: usize = 128;

/// The members that `data` has.
#[derive(Default)]
struct Members<'a> {
    kind: Option<Value<'a>>,
    network: Option<Value<'a>>,
    channel: Option<Value<'a>>,
    txn_id: Option<Value<'a>>,
    refund_id: Option<Value<'a>>,
    refund_fen: Option<Value<'a>>,
    order_no: Option<Value<'a>>,
    scene: Option<Value<'a>>,
    gross_fen: Option<Value<'a>>,
    paid_fen: Option<Value<'a>>,
    invoiceable_fen: Option<Value<'a>>,
    paid_at: Option<Value<'a>>,
    seller_tax_id: Option<Value<'a>>,
    payer: Option<Value<'a>>,
    device_seq: Option<Value<'a>>,
    detail: Option<Value<'a>>,
}

impl<'a> Members<'a> {
    fn new(data: Value<'a>) -> Result<Self, Code> {
        let mut members = Members::default();
        for key in data.keys().ok_or(Code::Schema)? {
            *members.named(text(key)?).ok_or(Code::Schema)? = Some(key.member());
        }
        Ok(members)
    }

    fn named(&mut self, name: &[u8]) -> Option<&mut Option<Value<'a>>> {
        Some(match name {
            b"kind" => &mut self.kind,
            b"network" => &mut self.network,
            b"channel" => &mut self.channel,
            b"txn_id" => &mut self.txn_id,
            b"refund_id" => &mut self.refund_id,
            b"refund_fen" => &mut self.refund_fen,
            b"order_no" => &mut self.order_no,
            b"scene" => &mut self.scene,
            b"gross_fen" => &mut self.gross_fen,
            b"paid_fen" => &mut self.paid_fen,
            b"invoiceable_fen" => &mut self.invoiceable_fen,
            b"paid_at" => &mut self.paid_at,
            b"seller_tax_id" => &mut self.seller_tax_id,
            b"payer" => &mut self.payer,
            b"device_seq" => &mut self.device_seq,
            b"detail" => &mut self.detail,
            _ => return None,
        })
    }
}

/// A member that must be there.
fn need(member: Option<Value<'_>>) -> Result<Value<'_>, Code> {
    member.ok_or(Code::Schema)
}

/// Members that this kind does not have.
fn refuse<const N: usize>(members: [Option<Value<'_>>; N]) -> Result<(), Code> {
    if members.iter().any(Option::is_some) { Err(Code::Schema) } else { Ok(()) }
}

pub(super) fn decode(data: Value<'_>, preimages: &mut Preimages) -> Result<Signed, Code> {
    let members = Members::new(data)?;
    let kind = match text(need(members.kind)?)? {
        b"PAID" => Kind::Paid,
        b"REFUNDED" => Kind::Refunded,
        b"TOPPED_UP" => Kind::ToppedUp,
        _ => return Err(Code::Schema),
    };
    let network = bounded(need(members.network)?, 1, any)?;
    let event = match kind {
        Kind::Refunded => Event::Refund(refund(&members, preimages)?),
        Kind::Paid | Kind::ToppedUp => Event::Payment(payment(&members, kind, preimages)?),
    };
    Ok(Signed { network, event })
}

fn channel(value: Value<'_>) -> Result<Channel, Code> {
    match text(value)? {
        b"WECHAT" => Ok(Channel::Wechat),
        b"ALIPAY" => Ok(Channel::Alipay),
        b"UNIONPAY" => Ok(Channel::Unionpay),
        b"CARD" => Ok(Channel::Card),
        b"CASH" => Ok(Channel::Cash),
        _ => Err(Code::Schema),
    }
}

/// The id of a transaction or of a refund.
fn id(value: Value<'_>) -> Result<&[u8], Code> {
    checked(text(value)?, (1, 64), visible)
}

fn order_no(value: Value<'_>) -> Result<&[u8], Code> {
    checked(text(value)?, (6, 64), |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'|' | b'*'))
}

fn scene(value: Value<'_>) -> Result<SceneCode, Code> {
    bounded(value, 1, scene_byte)
}

fn payment(members: &Members<'_>, kind: Kind, preimages: &mut Preimages) -> Result<Payment, Code> {
    let channel = channel(need(members.channel)?)?;
    let txn_id = id(need(members.txn_id)?)?;
    refuse([members.refund_id, members.refund_fen])?;
    let order_no = members.order_no.map(order_no).transpose()?;
    let scene = scene(need(members.scene)?)?;
    let gross_fen = amount(need(members.gross_fen)?)?;
    let paid_fen = amount(need(members.paid_fen)?)?;
    let invoiceable_fen = members.invoiceable_fen.map_or(Ok(paid_fen), amount)?;
    if invoiceable_fen > paid_fen {
        return Err(Code::OverInvoiced);
    }
    if paid_fen > gross_fen {
        return Err(Code::Schema);
    }
    let paid_at = time::parse(text(need(members.paid_at)?)?)?;
    let seller = uscc::check(text(need(members.seller_tax_id)?)?)?;
    let payer = members.payer.map(hex::<32>).transpose()?;
    let device_seq = members.device_seq.map(integer).transpose()?;
    let detail_at = preimages.push_data(|data| {
        let start = data.len();
        let mut encoder = Encoder::new(data);
        encoder.array(15).uint(1).uint(kind as u64).uint(channel as u64).utf8(txn_id);
        encoder.optional_utf8(order_no).utf8(scene.as_bytes());
        encoder.uint(gross_fen).uint(paid_fen).uint(invoiceable_fen);
        encode_instant(&mut encoder, paid_at).utf8(seller.as_bytes());
        encoder.optional_bytes(payer.as_ref().map(|payer| &payer[..])).optional_uint(device_seq);
        let detail_at = data.len() - start;
        encode_detail(members.detail, data)?;
        Ok(detail_at as u32)
    })?;
    preimages.push_identity(identity(&seller, &[channel as u8], &[kind as u8], txn_id));
    preimages.push_identity(origin(seller.as_bytes(), &[channel as u8], txn_id));
    Ok(Payment {
        kind,
        channel,
        scene,
        seller,
        gross_fen,
        paid_fen,
        invoiceable_fen,
        paid_at_ms: paid_at.ms,
        payer,
        detail_at,
        identity: Digest::default(),
        origin: Digest::default(),
        data_leaf: Digest::default(),
    })
}

fn refund(members: &Members<'_>, preimages: &mut Preimages) -> Result<Refund, Code> {
    let channel = channel(need(members.channel)?)?;
    let txn_id = id(need(members.txn_id)?)?;
    let refund_id = id(need(members.refund_id)?)?;
    let refund_fen = amount(need(members.refund_fen)?)?;
    if refund_fen == 0 {
        return Err(Code::Schema);
    }
    let order_no = members.order_no.map(order_no).transpose()?;
    let scene = members.scene.map(scene).transpose()?;
    refuse([members.gross_fen, members.paid_fen, members.invoiceable_fen])?;
    let refunded_at = time::parse(text(need(members.paid_at)?)?)?;
    let seller = uscc::check(text(need(members.seller_tax_id)?)?)?;
    refuse([members.payer])?;
    let device_seq = members.device_seq.map(integer).transpose()?;
    refuse([members.detail])?;
    preimages.push_data(|data| {
        let mut encoder = Encoder::new(data);
        encoder.array(12).uint(1).uint(Kind::Refunded as u64).uint(channel as u64).utf8(txn_id).utf8(refund_id);
        encoder.optional_utf8(order_no).optional_utf8(scene.as_ref().map(SceneCode::as_bytes));
        encoder.uint(refund_fen);
        encode_instant(&mut encoder, refunded_at).utf8(seller.as_bytes()).optional_uint(device_seq);
        Ok(())
    })?;
    preimages.push_identity(identity(&seller, &[channel as u8], &[Kind::Refunded as u8], refund_id));
    preimages.push_identity(origin(seller.as_bytes(), &[channel as u8], txn_id));
    preimages.push_identity(identity(&seller, &[channel as u8], &[Kind::Paid as u8], txn_id));
    preimages.push_identity(identity(&seller, &[channel as u8], &[Kind::ToppedUp as u8], txn_id));
    Ok(Refund {
        channel,
        seller,
        refund_fen,
        refunded_at_ms: refunded_at.ms,
        identity: Digest::default(),
        paid_identity: Digest::default(),
        topped_up_identity: Digest::default(),
        origin: Digest::default(),
        data_leaf: Digest::default(),
    })
}

pub(super) fn refund_of_annex(annex: &[u8]) -> Result<(Digest, u64), Malformed> {
    let mut d = Decoder::new(annex);
    d.array_of(12)?;
    if (d.uint()?, d.uint()?) != (1, Kind::Refunded as u64) {
        return Err(Malformed);
    }
    let channel: u8 = d.uint_as()?;
    let txn_id = d.text()?;
    let _refund_id = d.text()?;
    let _order_no = d.optional(Decoder::text)?;
    let _scene = d.optional(Decoder::text)?;
    let refund_fen = d.uint()?;
    let (_ms, _offset_min) = (d.int()?, d.int()?);
    Ok((digest::identity(&origin(d.text()?.as_bytes(), &[channel], txn_id.as_bytes())), refund_fen))
}

fn encode_instant<'e, 'b>(encoder: &'e mut Encoder<'b>, at: Instant) -> &'e mut Encoder<'b> {
    encoder.int(at.ms).int(i64::from(at.offset_min))
}

fn identity<'p>(seller: &'p TaxId, channel: &'p [u8; 1], kind: &'p [u8; 1], id: &'p [u8]) -> [&'p [u8]; 5] {
    [b"PAYMENT", seller.as_bytes(), channel, kind, id]
}

fn origin<'p>(seller: &'p [u8], channel: &'p [u8; 1], txn_id: &'p [u8]) -> [&'p [u8]; 4] {
    [b"ORIGIN", seller, channel, txn_id]
}

/// Writes the members of `detail` in canonical order: by the bytes of the encoded key, so shorter names first.
fn encode_detail(detail: Option<Value<'_>>, data: &mut Vec<u8>) -> Result<(), Code> {
    let mut encoder = Encoder::new(data);
    let Some(detail) = detail else {
        encoder.map(0);
        return Ok(());
    };
    let (mut keys, mut count) = ([detail; MAX_DETAIL_MEMBERS], 0);
    for key in detail.keys().ok_or(Code::Schema)? {
        *keys.get_mut(count).ok_or(Code::Schema)? = key;
        count += 1;
    }
    let keys = &mut keys[..count];
    keys.sort_unstable_by(|a, b| {
        let [a, b] = [a, b].map(|key| key.as_text_bytes().unwrap_or_default());
        (a.len(), a).cmp(&(b.len(), b))
    });
    encoder.map(count);
    for key in keys {
        let (name, value) = (text(*key)?, key.member());
        if !is_detail_name(name) {
            return Err(Code::Schema);
        }
        encoder.utf8(name);
        match value.as_text_bytes() {
            None => encoder.uint(integer(value)?),
            Some(text) if text.len() <= MAX_DETAIL_TEXT && !has_control(text) => encoder.utf8(text),
            Some(_) => return Err(Code::Schema),
        };
    }
    Ok(())
}

/// Whether UTF-8 has a character of category Cc: U+0000 to U+001F, U+007F to U+009F (two bytes, C2 80 to C2 9F).
fn has_control(text: &[u8]) -> bool {
    text.iter().any(|byte| *byte < b' ' || *byte == 0x7F)
        || text.windows(2).any(|pair| pair[0] == 0xC2 && pair[1] < 0xA0)
}

/// The names and types of the members of an encoded `detail`.
pub(super) fn detail(encoded: &[u8]) -> impl Iterator<Item = (&str, DetailType)> {
    let mut decoder = Decoder::new(encoded);
    let members = decoder.map().unwrap_or_default();
    (0..members).map_while(move |_| {
        let name = decoder.text().ok()?;
        let mut number = decoder.clone();
        if number.uint().is_ok() {
            decoder = number;
            return Some((name, DetailType::Integer));
        }
        decoder.text().ok().map(|_| (name, DetailType::Text))
    })
}

/// What the ledger needs to know of a payment or top-up from its canonical data.
pub(super) fn payment_of_annex(annex: &[u8]) -> Result<(Kind, u64, Digest), Malformed> {
    let mut d = Decoder::new(annex);
    d.array_of(15)?;
    if d.uint()? != 1 {
        return Err(Malformed);
    }
    let kind = match d.uint()? {
        1 => Kind::Paid,
        3 => Kind::ToppedUp,
        _ => return Err(Malformed),
    };
    let channel: u8 = d.uint_as()?;
    let txn_id = d.text()?;
    let (_order_no, _scene) = (d.optional(Decoder::text)?, d.text()?);
    let (_gross_fen, _paid_fen, invoiceable_fen) = (d.uint()?, d.uint()?, d.uint()?);
    let (_ms, _offset_min) = (d.int()?, d.int()?);
    let origin = digest::identity(&origin(d.text()?.as_bytes(), &[channel], txn_id.as_bytes()));
    Ok((kind, invoiceable_fen, origin))
}
