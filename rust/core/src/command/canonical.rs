//! Canonical data of commands: deterministic CBOR `[1, kind, command_id, members...]`, both ways. Recovery and audit
//! read orders back from here.

mod forms;
mod lifecycle;
mod tables;

use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::code;
use crate::command::decode::is_subject;
use crate::command::{Order, Role};
use crate::event::fields::{any, scene_byte};
use crate::text::{SceneCode, Text};
use forms::{amount, end, integer, invoice_code, number, ordered_rows, period, rows, scene_code, tax_id, words};

/// The id of the command that this is the canonical data of.
///
/// # Errors
/// [`Malformed`] where it does not begin as canonical data; what comes behind the id is not looked at.
pub fn command_id_of_canonical(bytes: &[u8]) -> Result<&str, Malformed> {
    head(&mut Decoder::new(bytes)).map(|head| head.command_id)
}

/// What stands before the members.
struct Head<'a> {
    members: usize,
    kind: u64,
    command_id: &'a str,
}

fn head<'a>(d: &mut Decoder<'a>) -> Result<Head<'a>, Malformed> {
    let members = d.array()?.checked_sub(3).ok_or(Malformed)?;
    if d.uint()? != 1 {
        return Err(Malformed);
    }
    Ok(Head { members, kind: d.uint()?, command_id: d.text()? })
}

impl Order {
    /// The canonical data of a command with this id; of an order of a batch, that of its own record.
    pub fn encode_canonical(&self, command_id: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        let mut encoder = Encoder::new(&mut out);
        encoder.array(3 + self.members()).uint(1).uint(u64::from(self.kind())).text(command_id);
        self.encode_members(&mut encoder);
        out
    }

    fn members(&self) -> usize {
        match self {
            Order::RetireKey { .. }
            | Order::SceneTable { .. }
            | Order::RateTable { .. }
            | Order::Mandate { .. }
            | Order::RevokeKey { .. }
            | Order::ReimburserPolicy { .. }
            | Order::ApplyNumbers { .. }
            | Order::Batch { .. } => 1,
            Order::RotateKey { .. }
            | Order::CloseGrant { .. }
            | Order::Admit { .. }
            | Order::RefuseNumbers { .. }
            | Order::Acknowledge { .. }
            | Order::Attest { .. } => 2,
            Order::AdmitIssuer { .. } | Order::Delegate { .. } => 3,
            Order::GrantNumbers { .. } | Order::Declare { .. } => 4,
            Order::Claim { .. } => 5,
            Order::RegisterKey { .. } | Order::Retitle { .. } => 6,
            Order::Change { change, .. } => 2 + lifecycle::members_of_change(change),
        }
    }

    fn encode_members(&self, encoder: &mut Encoder<'_>) {
        match self {
            Order::AdmitIssuer { tax_id, name, credit_limit_fen } => {
                encoder.text(tax_id.as_str()).text(name.as_str()).optional_uint(*credit_limit_fen);
            }
            Order::RegisterKey { public_key, role, tax_id, scenes, from_height, to_height } => {
                encoder.bytes(public_key).uint(*role as u64).text(tax_id.as_str());
                encode_scenes(encoder, scenes);
                encoder.uint(*from_height).optional_uint(open_ended(*to_height));
            }
            Order::RotateKey { public_key, proof } => _ = encoder.bytes(public_key).bytes(proof),
            Order::RetireKey { kid } | Order::RevokeKey { kid } => _ = encoder.bytes(kid),
            Order::SceneTable { rows } => encode_rows(encoder, rows, tables::encode_scene),
            Order::RateTable { rows } => encode_rows(encoder, rows, tables::encode_rate_row),
            Order::Mandate { rows } => encode_rows(encoder, rows, tables::encode_mandate_row),
            Order::GrantNumbers { code, from, to, tax_id } => {
                encoder.text(code.as_str()).uint(u64::from(*from)).uint(u64::from(*to));
                encoder.optional_text(tax_id.as_ref().map(Text::as_str));
            }
            Order::CloseGrant { code, from } => _ = encoder.text(code.as_str()).uint(u64::from(*from)),
            Order::Admit { kid, until_ms } => _ = encoder.bytes(kid).int(*until_ms),
            Order::Delegate { agent, scenes, to_height } => {
                encoder.text(agent.as_str());
                encode_scenes(encoder, scenes);
                encoder.optional_uint(open_ended(*to_height));
            }
            Order::ReimburserPolicy { accepts_individuals } => _ = encoder.bool(*accepts_individuals),
            Order::ApplyNumbers { count } => _ = encoder.uint(u64::from(*count)),
            Order::RefuseNumbers { tax_id, reason } => _ = encoder.text(tax_id.as_str()).text(reason.as_str()),
            Order::Declare { period, invoiced_fen, uninvoiced_fen, red_fen } => {
                encoder.uint(u64::from(*period)).uint(*invoiced_fen).uint(*uninvoiced_fen).uint(*red_fen);
            }
            Order::Acknowledge { tax_id, period } => _ = encoder.text(tax_id.as_str()).uint(u64::from(*period)),
            Order::Attest { subject, digest } => _ = encoder.text(subject.as_str()).bytes(digest),
            Order::Claim { buyer, payments } => lifecycle::encode_claim(encoder, buyer, payments),
            Order::Retitle { invoice, buyer } => lifecycle::encode_retitle(encoder, invoice, buyer),
            Order::Change { invoice, change } => lifecycle::encode_change(encoder, invoice, change),
            Order::Batch { orders } => encode_rows(encoder, orders, |encoder, order| {
                encoder.array(1 + order.members()).uint(u64::from(order.kind()));
                order.encode_members(encoder);
            }),
        }
    }

    /// Reads canonical data back: the order. Its command id is [`command_id_of_canonical`].
    ///
    /// # Errors
    /// [`Malformed`] for anything that is not the canonical data of a command that the decoder accepts.
    pub fn from_canonical(bytes: &[u8]) -> Result<Order, Malformed> {
        let mut d = Decoder::new(bytes);
        let head = head(&mut d)?;
        let order = match head.kind {
            0..=24 => decode_register(head.kind, &mut d),
            25..=33 => decode_conduct(head.kind, &mut d),
            60 => lifecycle::decode_batch(&mut d),
            kind => lifecycle::decode_order(kind, &mut d),
        }?;
        d.end()?;
        if head.members == order.members() { Ok(order) } else { Err(Malformed) }
    }
}

/// Issuers, keys, tables and grants.
fn decode_register(kind: u64, d: &mut Decoder<'_>) -> Result<Order, Malformed> {
    Ok(match kind {
        16 => Order::AdmitIssuer { tax_id: tax_id(d)?, name: words(d, any)?, credit_limit_fen: d.optional(amount)? },
        17 => {
            let (public_key, role) = (d.bytes_of()?, Role::from_u8(d.uint_as()?).ok_or(Malformed)?);
            let (tax_id, scenes) = (tax_id(d)?, rows(d, scene_code)?);
            if role == Role::Bureau || scenes.is_empty() == (role == Role::Device) {
                return Err(Malformed);
            }
            Order::RegisterKey { public_key, role, tax_id, scenes, from_height: integer(d)?, to_height: end(d)? }
        }
        18 => Order::RotateKey { public_key: d.bytes_of()?, proof: d.bytes_of()? },
        19 => Order::RetireKey { kid: d.bytes_of()? },
        20 => Order::SceneTable { rows: ordered_rows(d, tables::decode_scene, |row| row.code)? },
        21 => Order::RateTable { rows: rows(d, tables::decode_rate_row)? },
        22 => Order::Mandate { rows: ordered_rows(d, tables::decode_mandate_row, |row| row.scene)? },
        23 => {
            let (code, from, to) = (invoice_code(d)?, d.uint()?, d.uint()?);
            let (from, to) = code::check_range(from, to).map_err(|_| Malformed)?;
            Order::GrantNumbers { code, from, to, tax_id: d.optional(tax_id)? }
        }
        24 => Order::CloseGrant { code: invoice_code(d)?, from: number(d)? },
        _ => return Err(Malformed),
    })
}

/// What issuers, reimbursers and the bureau do with what is registered.
fn decode_conduct(kind: u64, d: &mut Decoder<'_>) -> Result<Order, Malformed> {
    Ok(match kind {
        25 => Order::RevokeKey { kid: d.bytes_of()? },
        26 => Order::Admit { kid: d.bytes_of()?, until_ms: d.int()? },
        27 => Order::Delegate { agent: tax_id(d)?, scenes: rows(d, scene_code)?, to_height: end(d)? },
        28 => Order::ReimburserPolicy { accepts_individuals: d.bool()? },
        29 => Order::ApplyNumbers { count: number(d)? },
        30 => Order::RefuseNumbers { tax_id: tax_id(d)?, reason: words(d, any)? },
        31 => Order::Declare {
            period: period(d)?,
            invoiced_fen: amount(d)?,
            uninvoiced_fen: amount(d)?,
            red_fen: amount(d)?,
        },
        32 => Order::Acknowledge { tax_id: tax_id(d)?, period: period(d)? },
        33 => Order::Attest { subject: subject(d)?, digest: d.bytes_of()? },
        _ => return Err(Malformed),
    })
}

fn subject(d: &mut Decoder<'_>) -> Result<Text<32>, Malformed> {
    let subject: Text<32> = words(d, scene_byte)?;
    if is_subject(subject.as_bytes()) { Ok(subject) } else { Err(Malformed) }
}

/// The end of a range of heights as a member.
fn open_ended(end: u64) -> Option<u64> {
    (end != u64::MAX).then_some(end)
}

fn encode_scenes(encoder: &mut Encoder<'_>, scenes: &[SceneCode]) {
    encode_rows(encoder, scenes, |encoder, scene| _ = encoder.text(scene.as_str()));
}

fn encode_rows<T>(encoder: &mut Encoder<'_>, rows: &[T], encode: impl Fn(&mut Encoder<'_>, &T)) {
    encoder.array(rows.len());
    rows.iter().for_each(|row| encode(encoder, row));
}
