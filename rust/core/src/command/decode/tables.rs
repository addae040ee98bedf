//! The tables of the bureau and of an issuer: scenes, rates, mandates.

use crate::command::decode::{Body, nullable, once_by, rows, scene_code};
use crate::command::{DetailField, MandateRow, Order, Policy, Rate, RateRow, Scene, StoredValue};
use crate::error::Code;
use crate::event::DetailType;
use crate::event::fields::{any, bounded, exactly, integer, is_detail_name, text};
use crate::json::Value;
use crate::text::{TaxCode, Text};
use crate::time;

pub(super) fn scene_table(body: &Body<'_>) -> Result<Order, Code> {
    let [value] = body.exactly(["rows"])?;
    Ok(Order::SceneTable { rows: once_by(rows(value, scene)?, |row| row.code)? })
}

pub(super) fn rate_table(body: &Body<'_>) -> Result<Order, Code> {
    let [value] = body.exactly(["rows"])?;
    Ok(Order::RateTable { rows: rows(value, rate_row)? })
}

pub(super) fn mandate(body: &Body<'_>) -> Result<Order, Code> {
    let [value] = body.exactly(["rows"])?;
    Ok(Order::Mandate { rows: once_by(rows(value, mandate_row)?, |row| row.scene)? })
}

fn scene(row: Value<'_>) -> Result<Scene, Code> {
    let [code, name, detail] = exactly(row, &[], ["code", "name", "detail"])?;
    Ok(Scene {
        code: scene_code(code)?,
        name: bounded(name, 1, any)?,
        detail: once_by(rows(detail, detail_field)?, |field| field.name)?,
    })
}

fn detail_field(field: Value<'_>) -> Result<DetailField, Code> {
    let [name, kind, required] = exactly(field, &[], ["name", "type", "required"])?;
    Ok(DetailField {
        name: detail_name(name)?,
        kind: match text(kind)? {
            b"TEXT" => DetailType::Text,
            b"INTEGER" => DetailType::Integer,
            _ => return Err(Code::Schema),
        },
        required: required.as_bool().ok_or(Code::Schema)?,
    })
}

fn detail_name(value: Value<'_>) -> Result<Text<32>, Code> {
    let name = text(value)?;
    Text::from_utf8(name).filter(|_| is_detail_name(name)).ok_or(Code::Schema)
}

fn rate_row(row: Value<'_>) -> Result<RateRow, Code> {
    let [scene, tax, at, from, to] = exactly(row, &[], ["scene", "tax_code", "rate", "from", "to"])?;
    Ok(RateRow {
        scene: scene_code(scene)?,
        tax_code: tax_code(tax)?,
        rate: rate(at)?,
        from_day: date(from)?,
        to_day: nullable(to, date)?.unwrap_or(i32::MAX),
    })
}

fn mandate_row(row: Value<'_>) -> Result<MandateRow, Code> {
    let [scene, policy, stored, tax, at] = exactly(row, &[], ["scene", "policy", "stored_value", "tax_code", "rate"])?;
    Ok(MandateRow {
        scene: scene_code(scene)?,
        policy: match text(policy)? {
            b"AUTO" => Policy::Auto,
            b"ON_CLAIM" => Policy::OnClaim,
            _ => return Err(Code::Schema),
        },
        stored_value: match text(stored)? {
            b"AT_RIDE" => StoredValue::AtRide,
            b"AT_TOPUP" => StoredValue::AtTopup,
            _ => return Err(Code::Schema),
        },
        tax_code: tax_code(tax)?,
        rate: rate(at)?,
    })
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
