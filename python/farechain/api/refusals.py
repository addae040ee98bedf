"""Why a command was refused: the HTTP status of each code, and one line for the one who must repair it."""

STATUS = {
    "E_SIZE": 413,
    "E_SIGNATURE": 401,
    "E_KEY_UNKNOWN": 401,
    "E_KEY_EXPIRED": 401,
    "E_ROLE": 403,
    "E_PAYMENT_UNKNOWN": 404,
    "E_NUMBER_REUSED": 409,
    "E_PAYMENT_SPENT": 409,
    "E_PAYMENT_REFUNDED": 409,
    "E_PAYMENT_CONFLICT": 409,
    "E_STATE": 409,
    "E_LOCKED_BY_OTHER": 409,
    "E_RED_NEEDS_CONFIRM": 409,
    "E_AMOUNT_NEGATIVE": 422,
    "E_AMOUNT_FLOAT": 422,
    "E_AMOUNT_OVERFLOW": 422,
    "E_SUM_LINES": 422,
    "E_TAX_MISMATCH": 422,
    "E_RATE_NOT_ALLOWED": 422,
    "E_SELLER_MIXED": 422,
    "E_OVER_INVOICED": 422,
    "E_RED_EXCEEDS": 422,
}
"""By kind; a code that is not here is a mistake in the command's form: 400."""
ALL_STATUSES = sorted({*STATUS.values(), 400, 408, 415, 503})

DETAIL = {
    "E_SCHEMA": "not a command of this kind, or a member is missing, unknown or malformed",
    "E_SIZE": "larger than 64 KiB",
    "E_DEPTH": "nested deeper than 32 levels",
    "E_SIGNATURE": "a signature does not verify",
    "E_KEY_UNKNOWN": "the key is not registered: register it and send again",
    "E_KEY_EXPIRED": "the key is not valid at this height: use its successor",
    "E_ROLE": "this key may not give this command here",
    "E_CHAIN": "signed for another network",
    "E_SHARD": "another chain keeps this",
    "E_USCC_FORMAT": "a tax id is not 18 characters of its alphabet",
    "E_USCC_CHECKSUM": "the check digit of a tax id is wrong",
    "E_CODE_FORMAT": "not an invoice code",
    "E_CODE_REGION": "the code's region is not this chain's",
    "E_NUMBER_RANGE": "a number outside 1 to 99999999, or an empty range",
    "E_NUMBER_REUSED": "the range overlaps one already granted",
    "E_AMOUNT_NEGATIVE": "an amount is negative",
    "E_AMOUNT_FLOAT": "an amount is not written as a whole number of fen",
    "E_AMOUNT_OVERFLOW": "an amount is 2^53 fen or more",
    "E_SUM_LINES": "an amount is not the ledger's",
    "E_RATE_NOT_ALLOWED": "the rate table does not allow this rate on that day",
    "E_TIME_NO_OFFSET": "a time has no offset from UTC",
    "E_TITLE_REQUIRED": "an organisation needs its tax id and a title",
    "E_PAYMENT_UNKNOWN": "a payment is not in the ledger, or not in this invoice",
    "E_PAYMENT_SPENT": "a payment is in an invoice already",
    "E_PAYMENT_REFUNDED": "nothing of a payment is left to invoice",
    "E_PAYMENT_CONFLICT": "another payment has this identity",
    "E_SELLER_MIXED": "the payments are not of one seller",
    "E_OVER_INVOICED": "more than is left of the invoice",
    "E_STATE": "the present state does not permit this",
    "E_LOCKED_BY_OTHER": "another has locked it",
    "E_RED_EXCEEDS": "more than was paid",
    "E_RED_NEEDS_CONFIRM": "used or posted: ask the other side with RED_REQUEST",
}

NUMBERS_ARE_OUT = "no number can be given now: none is granted, or earlier payments wait; send it again later"
UNKNOWN_INVOICE = "no blue invoice with this code and number"
OTHER_KEY_UNKNOWN = "a key that the command names is not registered"
OTHER_SIGNATURE = "a presentation, proof or key inside the command does not verify"
USED_ID = "its command_id was used for another command, or it differs from what the state permits"


def status_of(code: str) -> int:
    """The HTTP status of a code that stands for itself."""
    return STATUS.get(code, 400)


def detail_of(code: str) -> str:
    """One line for a person."""
    return DETAIL.get(code, "refused; see the code")


def decided(code: str, *, invoices_exist: bool, permitted: bool) -> tuple[int, str]:
    """(HTTP status, line) of what the ledger refused after the door had verified signer and form.

    Args:
        code: the outcome's.
        invoices_exist: whether all invoices that the command names are there.
        permitted: whether the state of those permits the command, so that something else does not.
    """
    if code == "E_NUMBER_RANGE":
        return (409, NUMBERS_ARE_OUT) if invoices_exist else (404, UNKNOWN_INVOICE)
    if code == "E_KEY_UNKNOWN":
        return 404, OTHER_KEY_UNKNOWN
    if code == "E_SIGNATURE":
        return 403, OTHER_SIGNATURE
    if code == "E_STATE" and permitted:
        return 409, USED_ID
    return status_of(code), detail_of(code)
