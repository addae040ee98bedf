//! From a `CloudEvent`'s bytes to what it says, or to the one code for which it is refused (`docs/format.md`, section 2).

use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::digest;
use crate::error::Code;
use crate::event::fields::{Fields, amount, any, bounded, detail_name, hex, integer, scene_byte, visible};
use crate::event::{Channel, Detail, DetailType, Event, Kind, Payment, Refund, Signed};
use crate::json::{self, Value};
use crate::text::{SceneCode, TaxId, Text};
use crate::time::{self, Instant};
use crate::{command, uscc};

const PAYMENT_TYPE: &str = "farechain.payment.v1";
const COMMAND_TYPE: &str = "farechain.command.v1";
const MAX_DETAIL_MEMBERS: usize = 16;

const PAYMENT_FIELDS: [&str; 16] = [
    "kind",
    "network",
    "channel",
    "txn_id",
    "refund_id",
    "refund_fen",
    "order_no",
    "scene",
    "gross_fen",
    "paid_fen",
    "invoiceable_fen",
    "paid_at",
    "seller_tax_id",
    "payer",
    "device_seq",
    "detail",
];

/// Decodes the value of an input.
///
/// # Errors
/// The code that the first failing check of `docs/format.md` gives.
pub fn decode(value: &[u8]) -> Result<Signed, Code> {
    let document = json::parse(value)?;
    let (kind, data) = envelope(document.root())?;
    match kind {
        EventType::Payment => payment_event(data),
        EventType::Command => command::decode::decode(data),
    }
}

enum EventType {
    Payment,
    Command,
}

fn envelope<'d, 'a>(root: Value<'d, 'a>) -> Result<(EventType, Value<'d, 'a>), Code> {
    let (mut spec, mut id, mut source, mut kind, mut data) = (false, false, false, None, None);
    for (name, value) in root.members().ok_or(Code::Schema)? {
        let text = value.as_text();
        let bytes = text.as_ref().map(|text| text.len());
        match &*name {
            "specversion" => spec = text.as_deref() == Some("1.0"),
            "id" => id = bytes.is_some_and(|bytes| (1..=128).contains(&bytes)),
            "source" => source = bytes.is_some_and(|bytes| (1..=256).contains(&bytes)),
            "type" => {
                kind = match text.as_deref() {
                    Some(PAYMENT_TYPE) => Some(EventType::Payment),
                    Some(COMMAND_TYPE) => Some(EventType::Command),
                    _ => return Err(Code::Schema),
                }
            }
            "data" => data = Some(value),
            "time" | "subject" | "dataschema" if text.is_some() => {}
            "datacontenttype" if text.as_deref() == Some("application/json") => {}
            "time" | "subject" | "dataschema" | "datacontenttype" | "data_base64" => return Err(Code::Schema),
            name => extension(name, value)?,
        }
    }
    if spec && id && source { kind.zip(data).ok_or(Code::Schema) } else { Err(Code::Schema) }
}

fn extension(name: &str, value: Value<'_, '_>) -> Result<(), Code> {
    let named = (1..=20).contains(&name.len()) && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
    let number = || {
        let text = value.as_number().map(|text| text.strip_prefix('-').unwrap_or(text));
        let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|text| text.parse().ok()).is_some_and(|value: u64| value < 1 << 53)
    };
    let scalar = value.is_null() || value.as_bool().is_some() || value.as_text().is_some() || number();
    if named && scalar { Ok(()) } else { Err(Code::Schema) }
}

fn payment_event(data: Value<'_, '_>) -> Result<Signed, Code> {
    let fields = Fields::new(data, &PAYMENT_FIELDS)?;
    let kind = match &*fields.text("kind")? {
        "PAID" => Kind::Paid,
        "REFUNDED" => Kind::Refunded,
        "TOPPED_UP" => Kind::ToppedUp,
        _ => return Err(Code::Schema),
    };
    let network = bounded(&fields.text("network")?, 1, any)?;
    let event =
        if kind == Kind::Refunded { Event::Refund(refund(&fields)?) } else { Event::Payment(payment(&fields, kind)?) };
    Ok(Signed { network, event })
}

type PaymentFields<'d, 'a> = Fields<'d, 'a, 16>;

fn channel(fields: &PaymentFields<'_, '_>) -> Result<Channel, Code> {
    match &*fields.text("channel")? {
        "WECHAT" => Ok(Channel::Wechat),
        "ALIPAY" => Ok(Channel::Alipay),
        "UNIONPAY" => Ok(Channel::Unionpay),
        "CARD" => Ok(Channel::Card),
        "CASH" => Ok(Channel::Cash),
        _ => Err(Code::Schema),
    }
}

fn order_no(fields: &PaymentFields<'_, '_>) -> Result<Option<Text<64>>, Code> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'|' | b'*');
    fields.get("order_no").map(|value| bounded(&value.as_text().ok_or(Code::Schema)?, 6, allowed)).transpose()
}

fn scene(value: Value<'_, '_>) -> Result<SceneCode, Code> {
    bounded(&value.as_text().ok_or(Code::Schema)?, 1, scene_byte)
}

fn payment(fields: &PaymentFields<'_, '_>, kind: Kind) -> Result<Payment, Code> {
    let channel = channel(fields)?;
    let txn_id: Text<64> = bounded(&fields.text("txn_id")?, 1, visible)?;
    fields.refuse(&["refund_id", "refund_fen"])?;
    let order_no = order_no(fields)?;
    let scene = scene(fields.need("scene")?)?;
    let gross_fen = amount(fields.need("gross_fen")?)?;
    let paid_fen = amount(fields.need("paid_fen")?)?;
    let invoiceable_fen = fields.get("invoiceable_fen").map_or(Ok(paid_fen), amount)?;
    if invoiceable_fen > paid_fen {
        return Err(Code::OverInvoiced);
    }
    if paid_fen > gross_fen {
        return Err(Code::Schema);
    }
    let paid_at = time::parse(&fields.text("paid_at")?)?;
    let seller = uscc::check(&fields.text("seller_tax_id")?)?;
    let payer = fields.get("payer").map(hex::<32>).transpose()?;
    let device_seq = fields.get("device_seq").map(integer).transpose()?;
    let details = details(fields)?;

    let mut data = Vec::with_capacity(256);
    let mut encoder = Encoder::new(&mut data);
    encoder.array(15).uint(1).uint(kind as u64).uint(channel as u64).text(txn_id.as_str());
    encoder.optional_text(order_no.as_ref().map(Text::as_str)).text(scene.as_str());
    encoder.uint(gross_fen).uint(paid_fen).uint(invoiceable_fen);
    encode_instant(&mut encoder, paid_at).text(seller.as_str());
    encoder.optional_bytes(payer.as_ref().map(|payer| &payer[..])).optional_uint(device_seq).map(details.len());
    for (name, value) in &details {
        encoder.text(name.as_str());
        match value {
            DetailValue::Text(text) => encoder.text(text),
            DetailValue::Integer(value) => encoder.uint(*value),
        };
    }
    let detail: Detail = details.iter().map(|(name, value)| (*name, value.kind())).collect();
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
        detail,
        identity: identity(&seller, channel, kind, txn_id.as_str()),
        origin: origin(&seller, channel, txn_id.as_str()),
        data_leaf: digest::leaf(&data),
        data: data.into(),
    })
}

fn refund(fields: &PaymentFields<'_, '_>) -> Result<Refund, Code> {
    let channel = channel(fields)?;
    let txn_id: Text<64> = bounded(&fields.text("txn_id")?, 1, visible)?;
    let refund_id: Text<64> = bounded(&fields.text("refund_id")?, 1, visible)?;
    let refund_fen = amount(fields.need("refund_fen")?)?;
    if refund_fen == 0 {
        return Err(Code::Schema);
    }
    let order_no = order_no(fields)?;
    let scene = fields.get("scene").map(scene).transpose()?;
    fields.refuse(&["gross_fen", "paid_fen", "invoiceable_fen"])?;
    let refunded_at = time::parse(&fields.text("paid_at")?)?;
    let seller = uscc::check(&fields.text("seller_tax_id")?)?;
    fields.refuse(&["payer"])?;
    let device_seq = fields.get("device_seq").map(integer).transpose()?;
    fields.refuse(&["detail"])?;

    let mut data = Vec::with_capacity(192);
    let mut encoder = Encoder::new(&mut data);
    encoder.array(12).uint(1).uint(Kind::Refunded as u64).uint(channel as u64);
    encoder.text(txn_id.as_str()).text(refund_id.as_str());
    encoder.optional_text(order_no.as_ref().map(Text::as_str));
    encoder.optional_text(scene.as_ref().map(Text::as_str)).uint(refund_fen);
    encode_instant(&mut encoder, refunded_at).text(seller.as_str()).optional_uint(device_seq);
    Ok(Refund {
        channel,
        seller,
        refund_fen,
        refunded_at_ms: refunded_at.ms,
        identity: identity(&seller, channel, Kind::Refunded, refund_id.as_str()),
        paid_identity: identity(&seller, channel, Kind::Paid, txn_id.as_str()),
        topped_up_identity: identity(&seller, channel, Kind::ToppedUp, txn_id.as_str()),
        origin: origin(&seller, channel, txn_id.as_str()),
        data_leaf: digest::leaf(&data),
        data: data.into(),
    })
}

pub(super) fn refund_of_annex(annex: &[u8]) -> Result<(digest::Digest, u64), Malformed> {
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
    Ok((origin_of(d.text()?, channel, txn_id), refund_fen))
}

fn encode_instant<'e, 'b>(encoder: &'e mut Encoder<'b>, at: Instant) -> &'e mut Encoder<'b> {
    encoder.int(at.ms).int(i64::from(at.offset_min))
}

fn identity(seller: &TaxId, channel: Channel, kind: Kind, id: &str) -> digest::Digest {
    digest::identity(&[b"PAYMENT", seller.as_str().as_bytes(), &[channel as u8], &[kind as u8], id.as_bytes()])
}

fn origin(seller: &TaxId, channel: Channel, txn_id: &str) -> digest::Digest {
    origin_of(seller.as_str(), channel as u8, txn_id)
}

fn origin_of(seller: &str, channel: u8, txn_id: &str) -> digest::Digest {
    digest::identity(&[b"ORIGIN", seller.as_bytes(), &[channel], txn_id.as_bytes()])
}

enum DetailValue<'a> {
    Text(alloc::borrow::Cow<'a, str>),
    Integer(u64),
}

impl DetailValue<'_> {
    fn kind(&self) -> DetailType {
        match self {
            DetailValue::Text(_) => DetailType::Text,
            DetailValue::Integer(_) => DetailType::Integer,
        }
    }
}

/// The members of `detail` in canonical order: by the bytes of the encoded key, so shorter names first.
fn details<'a>(fields: &PaymentFields<'_, 'a>) -> Result<Vec<(Text<32>, DetailValue<'a>)>, Code> {
    let Some(detail) = fields.get("detail") else { return Ok(Vec::new()) };
    let mut members = Vec::with_capacity(8);
    for (name, value) in detail.members().ok_or(Code::Schema)? {
        if members.len() == MAX_DETAIL_MEMBERS {
            return Err(Code::Schema);
        }
        members.push((detail_name(&name)?, detail_value(value)?));
    }
    members.sort_unstable_by(|(a, _), (b, _)| (a.as_str().len(), a.as_str()).cmp(&(b.as_str().len(), b.as_str())));
    Ok(members)
}

fn detail_value<'a>(value: Value<'_, 'a>) -> Result<DetailValue<'a>, Code> {
    let Some(text) = value.as_text() else { return integer(value).map(DetailValue::Integer) };
    if text.len() > 128 || text.chars().any(char::is_control) {
        return Err(Code::Schema);
    }
    Ok(DetailValue::Text(text))
}
