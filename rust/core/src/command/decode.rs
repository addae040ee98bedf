//! From the `data` of a command's `CloudEvent` to an order, checked in the order of the table of `docs/format.md`.

mod lifecycle;
mod tables;

use alloc::vec::Vec;

use crate::code;
use crate::command::{Command, Order, Role};
use crate::digest::Digest;
use crate::error::Code;
use crate::event::fields::{amount, any, bounded, exactly, hex, integer, member, scene_byte, text, visible};
use crate::event::{Event, Preimages, Signed};
use crate::input::Kid;
use crate::json::Value;
use crate::text::{SceneCode, TaxId, Text};
use crate::{time, uscc};

/// The most rows of a table, scenes of a key or payments of an order.
pub const MAX_ROWS: usize = 256;

/// An object that gives an order.
struct Body<'a> {
    object: Value<'a>,
    /// The members that it has besides those of the order.
    besides: &'static [&'static str],
}

impl<'a> Body<'a> {
    /// The members of the order, all of them there and no others.
    fn exactly<const N: usize>(&self, names: [&str; N]) -> Result<[Value<'a>; N], Code> {
        exactly(self.object, self.besides, names)
    }
}

pub(crate) fn decode(data: Value<'_>, preimages: &mut Preimages) -> Result<Signed, Code> {
    let kind = text(member(data, "kind")?)?;
    let network = bounded(member(data, "network")?, 1, any)?;
    let command_id: Text<64> = bounded(member(data, "command_id")?, 1, visible)?;
    let order = order(kind, &Body { object: data, besides: &["kind", "network", "command_id"] })?;
    preimages.push_data(|data| {
        data.extend_from_slice(&order.encode_canonical(command_id.as_str()));
        Ok(())
    })?;
    preimages.push_identity([b"COMMAND", command_id.as_bytes()]);
    let command = Command { identity: Digest::default(), order, data_leaf: Digest::default() };
    Ok(Signed { network, event: Event::Command(command) })
}

fn order(kind: &[u8], body: &Body<'_>) -> Result<Order, Code> {
    match kind {
        b"ADMIT_ISSUER" => admit_issuer(body),
        b"REGISTER_KEY" => register_key(body),
        b"ROTATE_KEY" => rotate_key(body),
        b"RETIRE_KEY" => Ok(Order::RetireKey { kid: kid(body)? }),
        b"SCENE_TABLE" => tables::scene_table(body),
        b"RATE_TABLE" => tables::rate_table(body),
        b"MANDATE" => tables::mandate(body),
        b"GRANT_NUMBERS" => grant_numbers(body),
        b"CLOSE_GRANT" => close_grant(body),
        b"REVOKE_KEY" => Ok(Order::RevokeKey { kid: kid(body)? }),
        b"ADMIT" => admit(body),
        b"DELEGATE" => delegate(body),
        b"REIMBURSER_POLICY" => reimburser_policy(body),
        b"APPLY_NUMBERS" => apply_numbers(body),
        b"REFUSE_NUMBERS" => refuse_numbers(body),
        b"DECLARE" => declare(body),
        b"ACKNOWLEDGE" => acknowledge(body),
        b"ATTEST" => attest(body),
        b"BATCH" => lifecycle::batch(body),
        _ => lifecycle::order(kind, body),
    }
}

fn nullable<'a, T>(value: Value<'a>, read: impl FnOnce(Value<'a>) -> Result<T, Code>) -> Result<Option<T>, Code> {
    if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

fn rows<'a, T>(value: Value<'a>, read: impl Fn(Value<'a>) -> Result<T, Code>) -> Result<Vec<T>, Code> {
    let mut all = Vec::new();
    for item in value.items().ok_or(Code::Schema)? {
        if all.len() == MAX_ROWS {
            return Err(Code::Schema);
        }
        all.push(read(item)?);
    }
    Ok(all)
}

/// Rows by what names them, which no two of them share.
fn once_by<T, K: Ord>(mut rows: Vec<T>, name: impl Fn(&T) -> K) -> Result<Vec<T>, Code> {
    rows.sort_unstable_by_key(&name);
    let repeated = rows.windows(2).any(|pair| name(&pair[0]) == name(&pair[1]));
    if repeated { Err(Code::Schema) } else { Ok(rows) }
}

fn tax_id(value: Value<'_>) -> Result<TaxId, Code> {
    uscc::check(text(value)?)
}

fn scene_code(value: Value<'_>) -> Result<SceneCode, Code> {
    bounded(value, 1, scene_byte)
}

/// One number of an invoice, or a count of them.
fn number(value: Value<'_>) -> Result<u32, Code> {
    let number = integer(value)?;
    code::check_range(number, number).map(|(number, _)| number)
}

fn period(value: Value<'_>) -> Result<u32, Code> {
    time::parse_month(text(value)?).ok_or(Code::Schema)
}

/// The only member of two kinds.
fn kid(body: &Body<'_>) -> Result<Kid, Code> {
    let [kid] = body.exactly(["kid"])?;
    hex(kid)
}

fn admit_issuer(body: &Body<'_>) -> Result<Order, Code> {
    let [id, name, limit] = body.exactly(["tax_id", "name", "credit_limit_fen"])?;
    Ok(Order::AdmitIssuer {
        tax_id: tax_id(id)?,
        name: bounded(name, 1, any)?,
        credit_limit_fen: nullable(limit, amount)?,
    })
}

fn register_key(body: &Body<'_>) -> Result<Order, Code> {
    let names = ["public_key", "role", "tax_id", "scenes", "from_height", "to_height"];
    let [public_key, role, id, scenes, from, to] = body.exactly(names)?;
    let public_key = hex(public_key)?;
    let role = match text(role)? {
        b"ISSUER" => Role::Issuer,
        b"DEVICE" => Role::Device,
        b"AGENT" => Role::Agent,
        b"HOLDER" => Role::Holder,
        b"REIMBURSER" => Role::Reimburser,
        b"AUDITOR" => Role::Auditor,
        _ => return Err(Code::Schema),
    };
    let tax_id = tax_id(id)?;
    let scenes = rows(scenes, scene_code)?;
    if scenes.is_empty() == (role == Role::Device) {
        return Err(Code::Schema);
    }
    let from_height = integer(from)?;
    let to_height = nullable(to, integer)?.unwrap_or(u64::MAX);
    Ok(Order::RegisterKey { public_key, role, tax_id, scenes, from_height, to_height })
}

fn rotate_key(body: &Body<'_>) -> Result<Order, Code> {
    let [public_key, proof] = body.exactly(["public_key", "proof"])?;
    Ok(Order::RotateKey { public_key: hex(public_key)?, proof: hex(proof)? })
}

fn grant_numbers(body: &Body<'_>) -> Result<Order, Code> {
    let [code, from, to, id] = body.exactly(["code", "from", "to", "tax_id"])?;
    let code = code::check(text(code)?)?;
    let (from, to) = code::check_range(integer(from)?, integer(to)?)?;
    let tax_id = nullable(id, tax_id)?;
    Ok(Order::GrantNumbers { code, from, to, tax_id })
}

fn close_grant(body: &Body<'_>) -> Result<Order, Code> {
    let [code, from] = body.exactly(["code", "from"])?;
    Ok(Order::CloseGrant { code: code::check(text(code)?)?, from: number(from)? })
}

fn admit(body: &Body<'_>) -> Result<Order, Code> {
    let [kid, until] = body.exactly(["kid", "until"])?;
    Ok(Order::Admit { kid: hex(kid)?, until_ms: time::parse(text(until)?)?.ms })
}

fn delegate(body: &Body<'_>) -> Result<Order, Code> {
    let [agent, scenes, to] = body.exactly(["agent", "scenes", "to_height"])?;
    Ok(Order::Delegate {
        agent: tax_id(agent)?,
        scenes: rows(scenes, scene_code)?,
        to_height: nullable(to, integer)?.unwrap_or(u64::MAX),
    })
}

fn reimburser_policy(body: &Body<'_>) -> Result<Order, Code> {
    let [accepts] = body.exactly(["accepts_individuals"])?;
    Ok(Order::ReimburserPolicy { accepts_individuals: accepts.as_bool().ok_or(Code::Schema)? })
}

fn apply_numbers(body: &Body<'_>) -> Result<Order, Code> {
    let [count] = body.exactly(["count"])?;
    Ok(Order::ApplyNumbers { count: number(count)? })
}

fn refuse_numbers(body: &Body<'_>) -> Result<Order, Code> {
    let [id, reason] = body.exactly(["tax_id", "reason"])?;
    Ok(Order::RefuseNumbers { tax_id: tax_id(id)?, reason: bounded(reason, 1, any)? })
}

fn declare(body: &Body<'_>) -> Result<Order, Code> {
    let [month, invoiced, uninvoiced, red] = body.exactly(["period", "invoiced_fen", "uninvoiced_fen", "red_fen"])?;
    Ok(Order::Declare {
        period: period(month)?,
        invoiced_fen: amount(invoiced)?,
        uninvoiced_fen: amount(uninvoiced)?,
        red_fen: amount(red)?,
    })
}

/// What an attestation is about begins with a letter.
pub(super) fn is_subject(subject: &[u8]) -> bool {
    subject.first().is_some_and(u8::is_ascii_uppercase)
}

fn attest(body: &Body<'_>) -> Result<Order, Code> {
    let [subject, digest] = body.exactly(["subject", "digest"])?;
    let subject: Text<32> = bounded(subject, 1, scene_byte)?;
    if !is_subject(subject.as_bytes()) {
        return Err(Code::Schema);
    }
    Ok(Order::Attest { subject, digest: hex(digest)? })
}

fn acknowledge(body: &Body<'_>) -> Result<Order, Code> {
    let [id, month] = body.exactly(["tax_id", "period"])?;
    Ok(Order::Acknowledge { tax_id: tax_id(id)?, period: period(month)? })
}
