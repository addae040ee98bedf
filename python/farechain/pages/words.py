"""Codes in words that a passenger or a billing operator reads."""

REASONS = {
    "E_SCHEMA": "not a payment event",
    "E_SIZE": "too large",
    "E_DEPTH": "nested too deep",
    "E_SIGNATURE": "bad signature",
    "E_KEY_UNKNOWN": "unknown key",
    "E_KEY_EXPIRED": "expired key",
    "E_ROLE": "not this signer's to say",
    "E_CHAIN": "another network",
    "E_SHARD": "another chain",
    "E_USCC_FORMAT": "malformed tax id",
    "E_USCC_CHECKSUM": "wrong tax id",
    "E_CODE_FORMAT": "malformed invoice code",
    "E_CODE_REGION": "another region's code",
    "E_NUMBER_RANGE": "wrong number range",
    "E_NUMBER_REUSED": "numbers granted twice",
    "E_AMOUNT_NEGATIVE": "negative amount",
    "E_AMOUNT_FLOAT": "amount not whole fen",
    "E_AMOUNT_OVERFLOW": "amount too large",
    "E_RATE_NOT_ALLOWED": "rate not allowed",
    "E_TIME_NO_OFFSET": "time without zone",
    "E_TIME_FUTURE": "time in the future",
    "E_OVER_INVOICED": "more than was paid",
    "E_PAYMENT_CONFLICT": "same payment, other content",
    "E_RED_EXCEEDS": "refund beyond payment",
    "E_STATE": "not allowed in this state",
}
"""What was refused, by code; a code that is not here is shown as it is."""

STATUSES = {
    "ok": ("Valid", "有效", "good"),
    "reduced": ("Valid, partly reversed", "部分红冲", "good"),
    "void": ("Reversed", "已红冲", "bad"),
    "red": ("Red-letter invoice", "红字发票", "plain"),
}
"""The status of an invoice: English, Chinese, tone."""
