//! The reasons for which an input is rejected: the closed list of `E_*` codes of the domain.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal => $text:literal,)*) => {
        /// Why an input was rejected. The number is written into outcomes and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Code { $($(#[$doc])* $name = $value,)* }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as people and headers write it, `E_SCHEMA` for example.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The code with this number, if there is one.
            pub const fn from_u8(value: u8) -> Option<Code> {
                match value { $($value => Some(Code::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// Not JSON, not a `CloudEvent`, or a field that is missing, unknown or of the wrong form.
    Schema = 1 => "E_SCHEMA",
    /// Larger than 64 KiB.
    Size = 2 => "E_SIZE",
    /// Nested deeper than 32 levels.
    Depth = 3 => "E_DEPTH",
    /// No signature, or one that does not verify under the strict rule.
    Signature = 4 => "E_SIGNATURE",
    /// Signed by a key that was never registered.
    KeyUnknown = 5 => "E_KEY_UNKNOWN",
    /// Signed by a key outside its range of heights.
    KeyExpired = 6 => "E_KEY_EXPIRED",
    /// The signer may not say this.
    Role = 7 => "E_ROLE",
    /// Signed for another network.
    Chain = 8 => "E_CHAIN",
    /// Belongs to another chain of the same network.
    Shard = 9 => "E_SHARD",
    /// Not 18 characters of the USCC alphabet.
    UsccFormat = 10 => "E_USCC_FORMAT",
    /// The check digit of the USCC is wrong (GB 32100).
    UsccChecksum = 11 => "E_USCC_CHECKSUM",
    /// Not an invoice code of either family.
    CodeFormat = 12 => "E_CODE_FORMAT",
    /// The code's region is not one the ledger issues for.
    CodeRegion = 13 => "E_CODE_REGION",
    /// A number outside 1 to 99,999,999, or an empty range.
    NumberRange = 14 => "E_NUMBER_RANGE",
    /// A range that overlaps one already granted.
    NumberReused = 15 => "E_NUMBER_REUSED",
    /// An amount below zero.
    AmountNegative = 16 => "E_AMOUNT_NEGATIVE",
    /// An amount that is not written as an integer.
    AmountFloat = 17 => "E_AMOUNT_FLOAT",
    /// An amount of 2^53 fen or more.
    AmountOverflow = 18 => "E_AMOUNT_OVERFLOW",
    /// Lines that do not add up.
    SumLines = 19 => "E_SUM_LINES",
    /// Tax that differs from the rule by more than a fen.
    TaxMismatch = 20 => "E_TAX_MISMATCH",
    /// No row of the rate table allows this rate on this date.
    RateNotAllowed = 21 => "E_RATE_NOT_ALLOWED",
    /// A time without an offset from UTC.
    TimeNoOffset = 22 => "E_TIME_NO_OFFSET",
    /// More than 48 hours after the broker received it.
    TimeFuture = 23 => "E_TIME_FUTURE",
    /// An organisation without a tax id or a title.
    TitleRequired = 24 => "E_TITLE_REQUIRED",
    /// A title with forbidden characters.
    TitleChars = 25 => "E_TITLE_CHARS",
    /// A payment the ledger has not seen.
    PaymentUnknown = 26 => "E_PAYMENT_UNKNOWN",
    /// A payment that is invoiced already.
    PaymentSpent = 27 => "E_PAYMENT_SPENT",
    /// A payment that was refunded.
    PaymentRefunded = 28 => "E_PAYMENT_REFUNDED",
    /// The same identity with other content.
    PaymentConflict = 29 => "E_PAYMENT_CONFLICT",
    /// Payments of several sellers in one invoice.
    SellerMixed = 30 => "E_SELLER_MIXED",
    /// More to invoice than was paid.
    OverInvoiced = 31 => "E_OVER_INVOICED",
    /// Not allowed in the present state.
    State = 32 => "E_STATE",
    /// Locked by another claim.
    LockedByOther = 33 => "E_LOCKED_BY_OTHER",
    /// Refunds or reversals beyond what was paid.
    RedExceeds = 34 => "E_RED_EXCEEDS",
    /// A reversal that needs the other side.
    RedNeedsConfirm = 35 => "E_RED_NEEDS_CONFIRM",
}

impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}
