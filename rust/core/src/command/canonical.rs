//! Canonical data of commands: deterministic CBOR `[1, kind, command_id, members...]`, both ways. Recovery and audit
//! read orders back from here.

use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::{DetailField, MandateRow, Order, Policy, Rate, RateRow, Role, Scene, StoredValue};
use crate::event::DetailType;
use crate::text::Text;

impl Order {
    /// The canonical data of a command with this id.
    pub fn encode_canonical(&self, command_id: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        let mut encoder = Encoder::new(&mut out);
        encoder.array(3 + self.members()).uint(1).uint(u64::from(self.kind())).text(command_id);
        self.encode_members(&mut encoder);
        out
    }

    fn members(&self) -> usize {
        match self {
            Order::AdmitIssuer { .. } => 3,
            Order::RegisterKey { .. } => 6,
            Order::RotateKey { .. } | Order::CloseGrant { .. } => 2,
            Order::RetireKey { .. } | Order::SceneTable { .. } | Order::RateTable { .. } | Order::Mandate { .. } => 1,
            Order::GrantNumbers { .. } => 4,
        }
    }

    fn encode_members(&self, encoder: &mut Encoder<'_>) {
        match self {
            Order::AdmitIssuer { tax_id, name, credit_limit_fen } => {
                encoder.text(tax_id.as_str()).text(name.as_str()).optional_uint(*credit_limit_fen);
            }
            Order::RegisterKey { public_key, role, tax_id, scenes, from_height, to_height } => {
                encoder.bytes(public_key).uint(*role as u64).text(tax_id.as_str()).array(scenes.len());
                for scene in scenes {
                    encoder.text(scene.as_str());
                }
                encoder.uint(*from_height).optional_uint((*to_height != u64::MAX).then_some(*to_height));
            }
            Order::RotateKey { public_key, proof } => _ = encoder.bytes(public_key).bytes(proof),
            Order::RetireKey { kid } => _ = encoder.bytes(kid),
            Order::SceneTable { rows } => {
                encoder.array(rows.len());
                rows.iter().for_each(|row| encode_scene(encoder, row));
            }
            Order::RateTable { rows } => {
                encoder.array(rows.len());
                rows.iter().for_each(|row| encode_rate_row(encoder, row));
            }
            Order::Mandate { rows } => {
                encoder.array(rows.len());
                rows.iter().for_each(|row| encode_mandate_row(encoder, row));
            }
            Order::GrantNumbers { code, from, to, tax_id } => {
                encoder.text(code.as_str()).uint(u64::from(*from)).uint(u64::from(*to));
                encoder.optional_text(tax_id.as_ref().map(Text::as_str));
            }
            Order::CloseGrant { code, from } => _ = encoder.text(code.as_str()).uint(u64::from(*from)),
        }
    }

    /// Reads canonical data back: the order and its command id.
    ///
    /// # Errors
    /// [`Malformed`] for anything that `encode_canonical` does not write.
    pub fn from_canonical(bytes: &[u8]) -> Result<Order, Malformed> {
        let mut d = Decoder::new(bytes);
        let length = d.array()?;
        if d.uint()? != 1 {
            return Err(Malformed);
        }
        let kind = d.uint()?;
        d.text()?;
        let order = decode_members(kind, &mut d)?;
        d.end()?;
        if length == 3 + order.members() { Ok(order) } else { Err(Malformed) }
    }
}

fn decode_members(kind: u64, d: &mut Decoder<'_>) -> Result<Order, Malformed> {
    Ok(match kind {
        16 => Order::AdmitIssuer {
            tax_id: d.text_of()?,
            name: d.text_of()?,
            credit_limit_fen: d.optional(Decoder::uint)?,
        },
        17 => Order::RegisterKey {
            public_key: d.bytes_of()?,
            role: Role::from_u8(d.uint_as()?).ok_or(Malformed)?,
            tax_id: d.text_of()?,
            scenes: rows(d, Decoder::text_of)?,
            from_height: d.uint()?,
            to_height: d.optional(Decoder::uint)?.unwrap_or(u64::MAX),
        },
        18 => Order::RotateKey { public_key: d.bytes_of()?, proof: d.bytes_of()? },
        19 => Order::RetireKey { kid: d.bytes_of()? },
        20 => Order::SceneTable { rows: rows(d, decode_scene)? },
        21 => Order::RateTable { rows: rows(d, decode_rate_row)? },
        22 => Order::Mandate { rows: rows(d, decode_mandate_row)? },
        23 => Order::GrantNumbers {
            code: d.text_of()?,
            from: d.uint_as()?,
            to: d.uint_as()?,
            tax_id: d.optional(Decoder::text_of)?,
        },
        24 => Order::CloseGrant { code: d.text_of()?, from: d.uint_as()? },
        _ => return Err(Malformed),
    })
}

fn rows<'a, T>(
    d: &mut Decoder<'a>,
    read: impl Fn(&mut Decoder<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    (0..d.array()?).map(|_| read(d)).collect()
}

fn decode_rate(d: &mut Decoder<'_>) -> Result<Rate, Malformed> {
    Rate::from_int(d.int()?).ok_or(Malformed)
}

fn encode_scene(encoder: &mut Encoder<'_>, row: &Scene) {
    encoder.array(3).text(row.code.as_str()).text(row.name.as_str()).array(row.detail.len());
    for field in &row.detail {
        encoder.array(3).text(field.name.as_str()).uint(field.kind as u64).bool(field.required);
    }
}

fn decode_scene(d: &mut Decoder<'_>) -> Result<Scene, Malformed> {
    d.array_of(3)?;
    Ok(Scene {
        code: d.text_of()?,
        name: d.text_of()?,
        detail: rows(d, |d| {
            d.array_of(3)?;
            let name = d.text_of()?;
            let kind = match d.uint()? {
                1 => DetailType::Text,
                2 => DetailType::Integer,
                _ => return Err(Malformed),
            };
            Ok(DetailField { name, kind, required: d.bool()? })
        })?,
    })
}

fn encode_rate_row(encoder: &mut Encoder<'_>, row: &RateRow) {
    encoder.array(5).text(row.scene.as_str()).text(row.tax_code.as_str()).int(row.rate.to_int());
    encoder.int(i64::from(row.from_day));
    if row.to_day == i32::MAX {
        encoder.null()
    } else {
        encoder.int(i64::from(row.to_day))
    };
}

fn decode_rate_row(d: &mut Decoder<'_>) -> Result<RateRow, Malformed> {
    d.array_of(5)?;
    let day = |d: &mut Decoder<'_>| i32::try_from(d.int()?).map_err(|_| Malformed);
    Ok(RateRow {
        scene: d.text_of()?,
        tax_code: d.text_of()?,
        rate: decode_rate(d)?,
        from_day: day(d)?,
        to_day: d.optional(day)?.unwrap_or(i32::MAX),
    })
}

fn encode_mandate_row(encoder: &mut Encoder<'_>, row: &MandateRow) {
    encoder.array(5).text(row.scene.as_str()).uint(row.policy as u64).uint(row.stored_value as u64);
    encoder.text(row.tax_code.as_str()).int(row.rate.to_int());
}

fn decode_mandate_row(d: &mut Decoder<'_>) -> Result<MandateRow, Malformed> {
    d.array_of(5)?;
    Ok(MandateRow {
        scene: d.text_of()?,
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
        tax_code: d.text_of()?,
        rate: decode_rate(d)?,
    })
}
