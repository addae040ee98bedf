//! The little JSON that receipts are written in: objects of texts, integers and objects, members in order.

use farechain_core::error::Code;

/// An object that is being written.
#[derive(Debug)]
pub struct Object {
    bytes: Vec<u8>,
}

impl Object {
    /// `{`.
    pub fn new() -> Object {
        Object { bytes: vec![b'{'] }
    }

    fn name(&mut self, name: &str) {
        if self.bytes.len() > 1 {
            self.bytes.push(b',');
        }
        self.quoted(name);
        self.bytes.push(b':');
    }

    /// Names and values here are chain names, codes and digits; what JSON must escape is escaped all the same.
    fn quoted(&mut self, text: &str) {
        self.bytes.push(b'"');
        for character in text.chars() {
            match character {
                '"' | '\\' => self.bytes.extend_from_slice(&[b'\\', character as u8]),
                '\0'..='\u{1f}' => self.bytes.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes()),
                _ => self.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.bytes.push(b'"');
    }

    /// A text.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Object {
        self.name(name);
        self.quoted(value);
        self
    }

    /// A text, or no member.
    pub fn optional_text(&mut self, name: &str, value: Option<&str>) -> &mut Object {
        if let Some(value) = value {
            self.text(name, value);
        }
        self
    }

    /// Bytes in hex.
    pub fn hex(&mut self, name: &str, value: &[u8]) -> &mut Object {
        self.text(name, &hex(value))
    }

    /// A non-negative integer.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Object {
        self.name(name);
        self.bytes.extend_from_slice(value.to_string().as_bytes());
        self
    }

    /// An integer.
    pub fn integer(&mut self, name: &str, value: i64) -> &mut Object {
        self.name(name);
        self.bytes.extend_from_slice(value.to_string().as_bytes());
        self
    }

    /// An object.
    pub fn object(&mut self, name: &str, value: Object) -> &mut Object {
        self.name(name);
        self.bytes.extend_from_slice(&value.into_bytes());
        self
    }

    /// The whole text.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.push(b'}');
        self.bytes
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// RFC 3339 in UTC with milliseconds. Days become dates by the civil calendar counted from March.
pub fn rfc3339(ms: u64) -> String {
    let (days, of_day) = (ms / 86_400_000 + 719_468, ms % 86_400_000);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// What a code means, for the one who must repair the input.
pub fn message(code: Code) -> &'static str {
    match code {
        Code::Schema => "not a CloudEvent of this kind, or a field is missing, unknown or malformed",
        Code::Size => "larger than 64 KiB",
        Code::Depth => "nested deeper than 32 levels",
        Code::Signature => "no signature, proof or presentation where one is needed, or it does not verify",
        Code::KeyUnknown => "the key is not registered: register it and send again",
        Code::KeyExpired => "the key is not valid at this height, or is retired",
        Code::Role => "this key may not sign this",
        Code::Chain => "signed for another network",
        Code::Shard => "belongs to another chain of this network",
        Code::UsccFormat => "a tax id is not 18 characters of its alphabet",
        Code::UsccChecksum => "the check digit of a tax id is wrong",
        Code::CodeFormat => "not an invoice code of either family",
        Code::CodeRegion => "the code's region is not this chain's",
        Code::NumberRange => "a number outside 1 to 99999999 or of no blue invoice, or none to give now",
        Code::NumberReused => "the range overlaps one already granted",
        Code::AmountNegative => "an amount is negative",
        Code::AmountFloat => "an amount is not written as an integer",
        Code::AmountOverflow => "an amount is 2^53 fen or more",
        Code::SumLines => "an amount is not the sum that the ledger has",
        Code::TaxMismatch => "the tax is not that of the rate",
        Code::RateNotAllowed => "no mandate for this scene, or the rate table does not allow its rate on this day",
        Code::TimeNoOffset => "a time has no offset from UTC",
        Code::TimeFuture => "paid_at lies more than 48 hours after it was received",
        Code::TitleRequired => "an organisation needs a tax id and a title",
        Code::TitleChars => "the title has characters that none may have",
        Code::PaymentUnknown => "a payment that the ledger has not seen, or of which the invoice holds nothing",
        Code::PaymentSpent => "an invoice holds the payment already",
        Code::PaymentRefunded => "nothing of the payment is left to invoice",
        Code::PaymentConflict => "another payment with this identity and other data is in the ledger",
        Code::SellerMixed => "payments of several sellers: claim them apart",
        Code::OverInvoiced => "more than was paid, or than remains of the invoice",
        Code::State => "not allowed in the present state",
        Code::LockedByOther => "locked by another, or for another claim",
        Code::RedExceeds => "refunds exceed what was paid",
        Code::RedNeedsConfirm => "used or posted: ask the other side with RED_REQUEST",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_709_252_999_123), "2024-03-01T00:29:59.123Z");
        assert_eq!(rfc3339(1_798_761_599_999), "2026-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_code_has_a_message_of_its_own() {
        let messages: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| message(*code)).collect();
        assert_eq!(messages.len(), Code::ALL.len());
        assert!(messages.iter().all(|message| !message.is_empty()));
    }

    #[test]
    fn texts_are_escaped() {
        let mut object = Object::new();
        object.text("a", "\"\\\n").integer("b", -1);
        assert_eq!(object.into_bytes(), br#"{"a":"\"\\\u000a","b":-1}"#);
    }
}
