//! Commands: from JSON to orders, and their canonical data both ways.

mod canonical;
mod decoding;

use farechain_core::text::{InvoiceCode, TaxId, Text};
use farechain_core::{code, uscc};

const SELLER: &str = "91440300708461136T";
const OTHER_SELLER: &str = "91110000600037341L";
const CODE: &str = "144032609110";
const ALL_DIGITAL: &str = "264400000001";

fn tax_id(text: &str) -> TaxId {
    uscc::check(text.as_bytes()).expect("a tax id")
}

fn invoice_code(text: &str) -> InvoiceCode {
    code::check(text.as_bytes()).expect("a code")
}

fn words<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).expect("short")
}
