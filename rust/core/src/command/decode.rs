//! From the `data` of a command's `CloudEvent` to an order, checked in the order of the table of `docs/format.md`.

use alloc::vec::Vec;

use crate::code;
use crate::command::{Command, DetailField, MandateRow, Order, Policy, Rate, RateRow, Role, Scene, StoredValue};
use crate::digest::Digest;
use crate::error::Code;
use crate::event::fields::{Fields, amount, any, bounded, hex, integer, is_detail_name, scene_byte, text, visible};
use crate::event::{DetailType, Event, Preimages, Signed};
use crate::json::Value;
use crate::text::{SceneCode, TaxCode, TaxId, Text};
use crate::{time, uscc};

/// The most rows of a table.
pub const MAX_ROWS: usize = 256;

const FIELDS: [&str; 17] = [
    "kind",
    "network",
    "command_id",
    "tax_id",
    "name",
    "credit_limit_fen",
    "public_key",
    "role",
    "scenes",
    "from_height",
    "to_height",
    "proof",
    "kid",
    "rows",
    "code",
    "from",
    "to",
];

type CommandFields<'a> = Fields<'a, 17>;

pub(crate) fn decode(data: Value<'_>, preimages: &mut Preimages) -> Result<Signed, Code> {
    let fields = Fields::new(data, &FIELDS)?;
    let kind = fields.text("kind")?;
    let network = bounded(fields.need("network")?, 1, any)?;
    let command_id: Text<64> = bounded(fields.need("command_id")?, 1, visible)?;
    let (members, read) = reader(kind)?;
    let foreign = FIELDS[3..].iter().any(|name| fields.get(name).is_some() != members.contains(name));
    if foreign {
        return Err(Code::Schema);
    }
    let order = read(&fields)?;
    preimages.push_data(|data| {
        data.extend_from_slice(&order.encode_canonical(command_id.as_str()));
        Ok(())
    })?;
    preimages.push_identity([b"COMMAND", command_id.as_bytes()]);
    let command = Command { identity: Digest::default(), order, data_leaf: Digest::default() };
    Ok(Signed { network, event: Event::Command(command) })
}

type Read = for<'a, 'f> fn(&'f CommandFields<'a>) -> Result<Order, Code>;

/// The members that a kind has, all of them needed, and what reads them.
fn reader(kind: &[u8]) -> Result<(&'static [&'static str], Read), Code> {
    Ok(match kind {
        b"ADMIT_ISSUER" => (&["tax_id", "name", "credit_limit_fen"], admit_issuer),
        b"REGISTER_KEY" => (&["public_key", "role", "tax_id", "scenes", "from_height", "to_height"], register_key),
        b"ROTATE_KEY" => (&["public_key", "proof"], |f| {
            Ok(Order::RotateKey { public_key: hex(f.need("public_key")?)?, proof: hex(f.need("proof")?)? })
        }),
        b"RETIRE_KEY" => (&["kid"], |f| Ok(Order::RetireKey { kid: hex(f.need("kid")?)? })),
        b"SCENE_TABLE" => (&["rows"], scene_table),
        b"RATE_TABLE" => (&["rows"], |f| Ok(Order::RateTable { rows: rows(f.need("rows")?, rate_row)? })),
        b"MANDATE" => (&["rows"], mandate),
        b"GRANT_NUMBERS" => (&["code", "from", "to", "tax_id"], grant_numbers),
        b"CLOSE_GRANT" => (&["code", "from"], close_grant),
        _ => return Err(Code::Schema),
    })
}

fn nullable<'a, T>(value: Value<'a>, read: fn(Value<'a>) -> Result<T, Code>) -> Result<Option<T>, Code> {
    if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

fn rows<'a, T>(value: Value<'a>, read: fn(Value<'a>) -> Result<T, Code>) -> Result<Vec<T>, Code> {
    let mut all = Vec::new();
    for item in value.items().ok_or(Code::Schema)? {
        if all.len() == MAX_ROWS {
            return Err(Code::Schema);
        }
        all.push(read(item)?);
    }
    Ok(all)
}

fn tax_id(value: Value<'_>) -> Result<TaxId, Code> {
    uscc::check(text(value)?)
}

fn scene_code(value: Value<'_>) -> Result<SceneCode, Code> {
    bounded(value, 1, scene_byte)
}

fn tax_code(value: Value<'_>) -> Result<TaxCode, Code> {
    bounded(value, 19, |byte| byte.is_ascii_digit())
}

fn rate(value: Value<'_>) -> Result<Rate, Code> {
    match value.as_text_bytes() {
        Some(b"EXEMPT") => Ok(Rate::Exempt),
        Some(b"NONTAXABLE") => Ok(Rate::NonTaxable),
        Some(_) => Err(Code::Schema),
        None => integer(value)?.try_into().ok().and_then(Rate::from_int).ok_or(Code::Schema),
    }
}

fn date(value: Value<'_>) -> Result<i32, Code> {
    time::parse_date(text(value)?).ok_or(Code::Schema)
}

fn admit_issuer(fields: &CommandFields<'_>) -> Result<Order, Code> {
    Ok(Order::AdmitIssuer {
        tax_id: tax_id(fields.need("tax_id")?)?,
        name: bounded(fields.need("name")?, 1, any)?,
        credit_limit_fen: nullable(fields.need("credit_limit_fen")?, amount)?,
    })
}

fn register_key(fields: &CommandFields<'_>) -> Result<Order, Code> {
    let public_key = hex(fields.need("public_key")?)?;
    let role = match fields.text("role")? {
        b"ISSUER" => Role::Issuer,
        b"DEVICE" => Role::Device,
        b"AGENT" => Role::Agent,
        b"HOLDER" => Role::Holder,
        b"REIMBURSER" => Role::Reimburser,
        b"AUDITOR" => Role::Auditor,
        _ => return Err(Code::Schema),
    };
    let tax_id = tax_id(fields.need("tax_id")?)?;
    let scenes = rows(fields.need("scenes")?, scene_code)?;
    if scenes.is_empty() == (role == Role::Device) {
        return Err(Code::Schema);
    }
    let from_height = integer(fields.need("from_height")?)?;
    let to_height = nullable(fields.need("to_height")?, integer)?.unwrap_or(u64::MAX);
    Ok(Order::RegisterKey { public_key, role, tax_id, scenes, from_height, to_height })
}

fn scene_table(fields: &CommandFields<'_>) -> Result<Order, Code> {
    let mut rows = rows(fields.need("rows")?, |row| {
        let row = Fields::new(row, &["code", "name", "detail"])?;
        let code = scene_code(row.need("code")?)?;
        let name = bounded(row.need("name")?, 1, any)?;
        let mut detail = rows(row.need("detail")?, detail_field)?;
        detail.sort_unstable_by_key(|field| field.name);
        let repeated = detail.windows(2).any(|pair| pair[0].name == pair[1].name);
        if repeated { Err(Code::Schema) } else { Ok(Scene { code, name, detail }) }
    })?;
    rows.sort_unstable_by_key(|row| row.code);
    let repeated = rows.windows(2).any(|pair| pair[0].code == pair[1].code);
    if repeated { Err(Code::Schema) } else { Ok(Order::SceneTable { rows }) }
}

fn detail_name(value: Value<'_>) -> Result<Text<32>, Code> {
    let name = text(value)?;
    Text::from_utf8(name).filter(|_| is_detail_name(name)).ok_or(Code::Schema)
}

fn detail_field(field: Value<'_>) -> Result<DetailField, Code> {
    let field = Fields::new(field, &["name", "type", "required"])?;
    Ok(DetailField {
        name: detail_name(field.need("name")?)?,
        kind: match field.text("type")? {
            b"TEXT" => DetailType::Text,
            b"INTEGER" => DetailType::Integer,
            _ => return Err(Code::Schema),
        },
        required: field.need("required")?.as_bool().ok_or(Code::Schema)?,
    })
}

fn rate_row(row: Value<'_>) -> Result<RateRow, Code> {
    let row = Fields::new(row, &["scene", "tax_code", "rate", "from", "to"])?;
    Ok(RateRow {
        scene: scene_code(row.need("scene")?)?,
        tax_code: tax_code(row.need("tax_code")?)?,
        rate: rate(row.need("rate")?)?,
        from_day: date(row.need("from")?)?,
        to_day: nullable(row.need("to")?, date)?.unwrap_or(i32::MAX),
    })
}

fn mandate(fields: &CommandFields<'_>) -> Result<Order, Code> {
    let mut rows = rows(fields.need("rows")?, |row| {
        let row = Fields::new(row, &["scene", "policy", "stored_value", "tax_code", "rate"])?;
        Ok(MandateRow {
            scene: scene_code(row.need("scene")?)?,
            policy: match row.text("policy")? {
                b"AUTO" => Policy::Auto,
                b"ON_CLAIM" => Policy::OnClaim,
                _ => return Err(Code::Schema),
            },
            stored_value: match row.text("stored_value")? {
                b"AT_RIDE" => StoredValue::AtRide,
                b"AT_TOPUP" => StoredValue::AtTopup,
                _ => return Err(Code::Schema),
            },
            tax_code: tax_code(row.need("tax_code")?)?,
            rate: rate(row.need("rate")?)?,
        })
    })?;
    rows.sort_unstable_by_key(|row| row.scene);
    let repeated = rows.windows(2).any(|pair| pair[0].scene == pair[1].scene);
    if repeated { Err(Code::Schema) } else { Ok(Order::Mandate { rows }) }
}

fn grant_numbers(fields: &CommandFields<'_>) -> Result<Order, Code> {
    let code = code::check(fields.text("code")?)?;
    let (from, to) = code::check_range(integer(fields.need("from")?)?, integer(fields.need("to")?)?)?;
    let tax_id = nullable(fields.need("tax_id")?, tax_id)?;
    Ok(Order::GrantNumbers { code, from, to, tax_id })
}

fn close_grant(fields: &CommandFields<'_>) -> Result<Order, Code> {
    let code = code::check(fields.text("code")?)?;
    let from = integer(fields.need("from")?)?;
    let (from, _) = code::check_range(from, from)?;
    Ok(Order::CloseGrant { code, from })
}
