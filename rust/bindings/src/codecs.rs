//! Inputs, events and headers between their bytes and Python values; tax and tax ids.

use farechain_core::block::{self, Header};
use farechain_core::cbor::{Decoder, Malformed};
use farechain_core::command::Rate;
use farechain_core::digest::{self, SUITE};
use farechain_core::event::{self, Event, Kind};
use farechain_core::{input, money, uscc};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString};

use crate::errors::refused;
use crate::fields::Fields;
use crate::records::{EXEMPT, NONTAXABLE, command_name};

/// A record as a source hands it over: offset, `timestamp_ms`, key, value, headers.
pub(crate) type SourceRecord<'py> =
    (u64, i64, Option<Bound<'py, PyBytes>>, Option<Bound<'py, PyBytes>>, Vec<(String, Option<Bound<'py, PyBytes>>)>);

fn canonical(record: &SourceRecord<'_>) -> Vec<u8> {
    let (offset, _, key, value, headers) = record;
    let mut out = Vec::with_capacity(1024);
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_ref().map(PyBytesMethods::as_bytes)));
    let [key, value] = [key, value].map(|part| part.as_ref().map(PyBytesMethods::as_bytes));
    input::encode(&mut out, *offset, key, headers, value);
    out
}

#[pyfunction]
pub(crate) fn input_bytes<'py>(py: Python<'py>, record: SourceRecord<'py>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &canonical(&record))
}

#[pyfunction]
pub(crate) fn input_digest<'py>(py: Python<'py>, record: SourceRecord<'py>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &digest::keyed(&digest::INPUT, &canonical(&record)))
}

#[pyfunction]
pub(crate) fn decode_event<'py>(py: Python<'py>, value: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let (signed, data) = py.detach(|| event::decode(value)).map_err(refused)?;
    let (kind, identity, data_leaf) = match &signed.event {
        Event::Payment(payment) => {
            let kind = if payment.kind == Kind::ToppedUp { "TOPPED_UP" } else { "PAID" };
            (kind, &payment.identity, &payment.data_leaf)
        }
        Event::Refund(refund) => ("REFUNDED", &refund.identity, &refund.data_leaf),
        Event::Command(command) => (command_name(command.order.kind()), &command.identity, &command.data_leaf),
    };
    Ok(Fields::new(py)
        .with("network", signed.network.as_str())?
        .with("kind", kind)?
        .bytes("identity", identity)?
        .bytes("data", &data)?
        .bytes("data_leaf", data_leaf)?
        .done())
}

#[pyfunction]
pub(crate) fn decode_canonical<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut d = Decoder::new(data);
    let value = item(py, &mut d, DEPTH_MAX)?;
    d.end().map_err(refused)?;
    Ok(value)
}

/// Arrays in arrays; the deepest are the payments of a claim in a batch, five.
const DEPTH_MAX: u32 = 8;

fn item<'py>(py: Python<'py>, d: &mut Decoder<'_>, depth: u32) -> PyResult<Bound<'py, PyAny>> {
    let Some(depth) = depth.checked_sub(1) else { return Err(refused(Malformed)) };
    if d.null() {
        return Ok(py.None().into_bound(py));
    }
    match d.rest().first().map(|first| first >> 5) {
        Some(0 | 1) => Ok(d.int().map_err(refused)?.into_pyobject(py)?.into_any()),
        Some(2) => Ok(PyBytes::new(py, d.bytes().map_err(refused)?).into_any()),
        Some(3) => Ok(PyString::new(py, d.text().map_err(refused)?).into_any()),
        Some(4) => {
            let items = PyList::empty(py);
            for _ in 0..d.array().map_err(refused)? {
                items.append(item(py, d, depth)?)?;
            }
            Ok(items.into_any())
        }
        Some(5) => {
            let fields = PyDict::new(py);
            for _ in 0..d.map().map_err(refused)? {
                fields.set_item(item(py, d, depth)?, item(py, d, depth)?)?;
            }
            Ok(fields.into_any())
        }
        _ => Ok(PyBool::new(py, d.bool().map_err(refused)?).to_owned().into_any()),
    }
}

#[pyfunction]
pub(crate) fn decode_header<'py>(py: Python<'py>, header: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    header_fields(py, &Header::decode(header).map_err(refused)?)
}

pub(crate) fn header_fields<'py>(py: Python<'py>, header: &Header) -> PyResult<Bound<'py, PyDict>> {
    Ok(Fields::new(py)
        .with("version", block::VERSION)?
        .with("suite", SUITE)?
        .with("chain", &header.chain)?
        .with("height", header.height)?
        .bytes("previous", &header.previous)?
        .with("time_ms", header.time_ms)?
        .with("record_count", header.record_count)?
        .bytes("records_root", &header.records_root)?
        .bytes("inputs_root", &header.inputs_root)?
        .done())
}

/// A rate as Python writes it: basis points, or one of the two names.
pub(crate) struct RateArgument(Rate);

impl<'a, 'py> FromPyObject<'a, 'py> for RateArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return match text.to_str()? {
                EXEMPT => Ok(Self(Rate::Exempt)),
                NONTAXABLE => Ok(Self(Rate::NonTaxable)),
                other => Err(refused(format!("no rate: {other}"))),
            };
        }
        let rate = object.extract::<i64>()?;
        let rate = u16::try_from(rate).ok().filter(|rate| *rate <= 10_000).map(Rate::BasisPoints);
        rate.map(Self).ok_or_else(|| refused("a rate is 0 to 10,000 basis points"))
    }
}

#[pyfunction]
pub(crate) fn split_tax(total_fen: i64, rate: RateArgument) -> (i64, i64) {
    money::split(total_fen, rate.0)
}

#[pyfunction]
pub(crate) fn check_uscc(text: &str) -> PyResult<()> {
    uscc::check(text.as_bytes()).map(|_| ()).map_err(refused)
}
