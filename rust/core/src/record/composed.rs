//! The annex of an invoice of several lines and of its red letters: canonical data, lines, payments
//! (`docs/format.md`, section 4). Lines and payments are each under a Merkle root in the record.

use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::digest::{self, Digest};
use crate::merkle;
use crate::record::Line;
use crate::record::codec::{decode_line, encode_line};

/// A payment that an invoice holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The payment's identity.
    pub identity: Digest,
    /// Leaf hash of its canonical data.
    pub data_leaf: Digest,
    /// The line that it is in.
    pub line: u32,
    /// What it contributes, fen.
    pub fen: u64,
    /// The time whose month it is booked in, milliseconds since 1970.
    pub booked_at_ms: i64,
}

/// A line of a red letter: what it takes off the original's line, and what is left of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedLine {
    /// Amounts at or below zero.
    pub line: Line,
    /// What is left, fen.
    pub remaining_fen: u64,
}

/// A payment that loses something by a red letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The payment's identity.
    pub identity: Digest,
    /// The line that it is in.
    pub line: u32,
    /// What the invoice held of it, fen.
    pub before_fen: u64,
    /// What it holds of it now, fen.
    pub after_fen: u64,
}

impl Part {
    /// Appends it as the annex has it.
    pub fn encode(&self, e: &mut Encoder<'_>) {
        e.array(5).bytes_32(&self.identity).bytes_32(&self.data_leaf).uint(self.line.into());
        e.uint(self.fen).int(self.booked_at_ms);
    }

    /// The opposite of [`Part::encode`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(d: &mut Decoder<'_>) -> Result<Part, Malformed> {
        d.array_of(5)?;
        Ok(Part {
            identity: d.bytes_of()?,
            data_leaf: d.bytes_of()?,
            line: d.uint_as()?,
            fen: d.uint()?,
            booked_at_ms: d.int()?,
        })
    }
}

impl Loss {
    /// Appends it as the annex has it.
    pub fn encode(&self, e: &mut Encoder<'_>) {
        e.array(4).bytes_32(&self.identity).uint(self.line.into()).uint(self.before_fen).uint(self.after_fen);
    }

    /// The opposite of [`Loss::encode`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(d: &mut Decoder<'_>) -> Result<Loss, Malformed> {
        d.array_of(4)?;
        Ok(Loss { identity: d.bytes_of()?, line: d.uint_as()?, before_fen: d.uint()?, after_fen: d.uint()? })
    }
}

/// An annex taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed<'a, L, P> {
    /// The canonical data; `None` in a drain.
    pub data: Option<&'a [u8]>,
    /// The lines.
    pub lines: Vec<L>,
    /// The payments.
    pub payments: Vec<P>,
}

/// An annex that was put together, with its roots.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Merkle root over the lines.
    pub lines_root: Digest,
    /// Merkle root over the payments.
    pub payments_root: Digest,
}

/// The annex of a claimed invoice.
pub fn write_claim(data: &[u8], lines: &[Line], payments: &[Part]) -> Written {
    write(Some(data), lines, encode_line, payments, Part::encode)
}

/// The annex of a red letter of lines.
pub fn write_red_letter(data: Option<&[u8]>, lines: &[RedLine], payments: &[Loss]) -> Written {
    write(data, lines, encode_red_line, payments, Loss::encode)
}

fn write<L, P>(
    data: Option<&[u8]>,
    lines: &[L],
    line: impl Fn(&mut Encoder<'_>, &L),
    payments: &[P],
    payment: impl Fn(&P, &mut Encoder<'_>),
) -> Written {
    let mut bytes = Vec::with_capacity(data.map_or(1, <[u8]>::len) + 80 * lines.len() + 90 * payments.len() + 16);
    Encoder::new(&mut bytes).array(3).optional_bytes(data).array(lines.len());
    let lines_root = write_list(&mut bytes, lines, line);
    Encoder::new(&mut bytes).array(payments.len());
    let payments_root = write_list(&mut bytes, payments, |e, each| payment(each, e));
    Written { bytes, lines_root, payments_root }
}

fn write_list<T>(bytes: &mut Vec<u8>, items: &[T], encode: impl Fn(&mut Encoder<'_>, &T)) -> Digest {
    let mut leaves = Vec::with_capacity(items.len());
    for item in items {
        let start = bytes.len();
        encode(&mut Encoder::new(bytes), item);
        leaves.push(digest::leaf(&bytes[start..]));
    }
    merkle::root(&leaves)
}

/// The canonical data of an annex of either kind.
///
/// # Errors
/// [`Malformed`].
pub fn data(annex: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut d = Decoder::new(annex);
    d.array_of(3)?;
    d.optional(Decoder::bytes)
}

/// The annex of a claimed invoice.
///
/// # Errors
/// [`Malformed`].
pub fn of_claim(annex: &[u8]) -> Result<Composed<'_, Line, Part>, Malformed> {
    read(annex, decode_line, Part::decode)
}

/// The annex of a red letter of lines.
///
/// # Errors
/// [`Malformed`].
pub fn of_red_letter(annex: &[u8]) -> Result<Composed<'_, RedLine, Loss>, Malformed> {
    read(annex, decode_red_line, Loss::decode)
}

fn read<'a, L, P>(
    annex: &'a [u8],
    line: impl Fn(&mut Decoder<'a>) -> Result<L, Malformed>,
    payment: impl Fn(&mut Decoder<'a>) -> Result<P, Malformed>,
) -> Result<Composed<'a, L, P>, Malformed> {
    let mut d = Decoder::new(annex);
    d.array_of(3)?;
    let data = d.optional(Decoder::bytes)?;
    let lines = read_list(&mut d, line)?;
    let payments = read_list(&mut d, payment)?;
    d.end()?;
    Ok(Composed { data, lines, payments })
}

fn read_list<'a, T>(
    d: &mut Decoder<'a>,
    item: impl Fn(&mut Decoder<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    (0..d.array()?).map(|_| item(d)).collect()
}

fn encode_red_line(e: &mut Encoder<'_>, red: &RedLine) {
    let line = &red.line;
    e.array(7).text(line.tax_code.as_str()).int(line.rate.to_int()).int(line.quantity.into());
    e.int(line.net_fen).int(line.tax_fen).int(line.total_fen).uint(red.remaining_fen);
}

fn decode_red_line(d: &mut Decoder<'_>) -> Result<RedLine, Malformed> {
    d.array_of(7)?;
    let line = Line {
        tax_code: d.text_of()?,
        rate: crate::command::Rate::from_int(d.int()?).ok_or(Malformed)?,
        quantity: i32::try_from(d.int()?).map_err(|_| Malformed)?,
        net_fen: d.int()?,
        tax_fen: d.int()?,
        total_fen: d.int()?,
    };
    Ok(RedLine { line, remaining_fen: d.uint()? })
}
