//! The forms of single members, as narrow as the decoder of commands leaves them.

use alloc::vec::Vec;

use crate::cbor::{Decoder, Malformed};
use crate::code;
use crate::command::decode::MAX_ROWS;
use crate::event::fields::{INTEGER_LIMIT, scene_byte};
use crate::money::LIMIT_FEN;
use crate::text::{InvoiceCode, SceneCode, TaxId, Text};
use crate::time::MONTHS;
use crate::uscc;

pub(super) fn tax_id(d: &mut Decoder<'_>) -> Result<TaxId, Malformed> {
    uscc::check(d.text()?.as_bytes()).map_err(|_| Malformed)
}

pub(super) fn invoice_code(d: &mut Decoder<'_>) -> Result<InvoiceCode, Malformed> {
    code::check(d.text()?.as_bytes()).map_err(|_| Malformed)
}

pub(super) fn scene_code(d: &mut Decoder<'_>) -> Result<SceneCode, Malformed> {
    words(d, scene_byte)
}

/// A text that is not empty and whose bytes are all allowed.
pub(super) fn words<const N: usize>(d: &mut Decoder<'_>, allowed: impl Fn(u8) -> bool) -> Result<Text<N>, Malformed> {
    let text: Text<N> = d.text_of()?;
    let bytes = text.as_bytes();
    if !bytes.is_empty() && bytes.iter().all(|byte| allowed(*byte)) { Ok(text) } else { Err(Malformed) }
}

pub(super) fn integer(d: &mut Decoder<'_>) -> Result<u64, Malformed> {
    Some(d.uint()?).filter(|value| *value < INTEGER_LIMIT).ok_or(Malformed)
}

pub(super) fn amount(d: &mut Decoder<'_>) -> Result<u64, Malformed> {
    Some(d.uint()?).filter(|fen| *fen < LIMIT_FEN).ok_or(Malformed)
}

pub(super) fn number(d: &mut Decoder<'_>) -> Result<u32, Malformed> {
    let number = d.uint()?;
    code::check_range(number, number).map(|(number, _)| number).map_err(|_| Malformed)
}

pub(super) fn period(d: &mut Decoder<'_>) -> Result<u32, Malformed> {
    Some(d.uint_as()?).filter(|period| MONTHS.contains(period)).ok_or(Malformed)
}

/// The end of a range of heights; null where it is open.
pub(super) fn end(d: &mut Decoder<'_>) -> Result<u64, Malformed> {
    Ok(d.optional(integer)?.unwrap_or(u64::MAX))
}

pub(super) fn rows<'a, T>(
    d: &mut Decoder<'a>,
    read: impl Fn(&mut Decoder<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let length = d.array()?;
    if length > MAX_ROWS { Err(Malformed) } else { (0..length).map(|_| read(d)).collect() }
}

/// Rows that stand in the order of their names, none of them twice.
pub(super) fn ordered_rows<'a, T, K: Ord>(
    d: &mut Decoder<'a>,
    read: impl Fn(&mut Decoder<'a>) -> Result<T, Malformed>,
    name: impl Fn(&T) -> K,
) -> Result<Vec<T>, Malformed> {
    let rows = rows(d, read)?;
    let ordered = rows.windows(2).all(|pair| name(&pair[0]) < name(&pair[1]));
    if ordered { Ok(rows) } else { Err(Malformed) }
}
