//! Rows of the tables.

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::canonical::forms::{ordered_rows, scene_code, words};
use crate::command::{DetailField, MandateRow, Policy, Rate, RateRow, Scene, StoredValue};
use crate::event::DetailType;
use crate::event::fields::{any, is_detail_name};
use crate::text::TaxCode;
use crate::time::DAYS;

pub(super) fn encode_scene(encoder: &mut Encoder<'_>, row: &Scene) {
    encoder.array(3).text(row.code.as_str()).text(row.name.as_str()).array(row.detail.len());
    for field in &row.detail {
        encoder.array(3).text(field.name.as_str()).uint(field.kind as u64).bool(field.required);
    }
}

pub(super) fn decode_scene(d: &mut Decoder<'_>) -> Result<Scene, Malformed> {
    d.array_of(3)?;
    Ok(Scene {
        code: scene_code(d)?,
        name: words(d, any)?,
        detail: ordered_rows(d, decode_detail_field, |field| field.name)?,
    })
}

fn decode_detail_field(d: &mut Decoder<'_>) -> Result<DetailField, Malformed> {
    d.array_of(3)?;
    let name = d.text_of()?;
    if !is_detail_name(name.as_bytes()) {
        return Err(Malformed);
    }
    let kind = match d.uint()? {
        1 => DetailType::Text,
        2 => DetailType::Integer,
        _ => return Err(Malformed),
    };
    Ok(DetailField { name, kind, required: d.bool()? })
}

pub(super) fn encode_rate_row(encoder: &mut Encoder<'_>, row: &RateRow) {
    encoder.array(5).text(row.scene.as_str()).text(row.tax_code.as_str()).int(row.rate.to_int());
    encoder.int(i64::from(row.from_day));
    if row.to_day == i32::MAX {
        encoder.null()
    } else {
        encoder.int(i64::from(row.to_day))
    };
}

pub(super) fn decode_rate_row(d: &mut Decoder<'_>) -> Result<RateRow, Malformed> {
    d.array_of(5)?;
    Ok(RateRow {
        scene: scene_code(d)?,
        tax_code: decode_tax_code(d)?,
        rate: decode_rate(d)?,
        from_day: decode_day(d)?,
        to_day: d.optional(decode_day)?.unwrap_or(i32::MAX),
    })
}

pub(super) fn encode_mandate_row(encoder: &mut Encoder<'_>, row: &MandateRow) {
    encoder.array(5).text(row.scene.as_str()).uint(row.policy as u64).uint(row.stored_value as u64);
    encoder.text(row.tax_code.as_str()).int(row.rate.to_int());
}

pub(super) fn decode_mandate_row(d: &mut Decoder<'_>) -> Result<MandateRow, Malformed> {
    d.array_of(5)?;
    Ok(MandateRow {
        scene: scene_code(d)?,
        policy: match d.uint()? {
            1 => Policy::Auto,
            2 => Policy::OnClaim,
            _ => return Err(Malformed),
        },
        stored_value: match d.uint()? {
            1 => StoredValue::AtRide,
            2 => StoredValue::AtTopup,
            _ => return Err(Malformed),
        },
        tax_code: decode_tax_code(d)?,
        rate: decode_rate(d)?,
    })
}

fn decode_tax_code(d: &mut Decoder<'_>) -> Result<TaxCode, Malformed> {
    let code: TaxCode = words(d, |byte| byte.is_ascii_digit())?;
    if code.as_bytes().len() == 19 { Ok(code) } else { Err(Malformed) }
}

fn decode_rate(d: &mut Decoder<'_>) -> Result<Rate, Malformed> {
    Rate::from_int(d.int()?).ok_or(Malformed)
}

fn decode_day(d: &mut Decoder<'_>) -> Result<i32, Malformed> {
    Some(d.uint_as()?).filter(|day| DAYS.contains(day)).ok_or(Malformed)
}
