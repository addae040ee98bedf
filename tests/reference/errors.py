"""Why an input is refused, and the numbers that stand for the codes in an outcome."""


class Rejected(Exception):  # noqa: N818 - it is a verdict, not a failure
    """An input is refused; ``code`` is its ``E_*`` code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def require(condition: bool, code: str = "E_SCHEMA") -> None:
    """Refuses the input unless the condition holds."""
    if not condition:
        raise Rejected(code)


CODES = (  # noqa: SIM905
    "E_SCHEMA E_SIZE E_DEPTH E_SIGNATURE E_KEY_UNKNOWN E_KEY_EXPIRED E_ROLE E_CHAIN E_SHARD E_USCC_FORMAT"
    " E_USCC_CHECKSUM E_CODE_FORMAT E_CODE_REGION E_NUMBER_RANGE E_NUMBER_REUSED E_AMOUNT_NEGATIVE"
    " E_AMOUNT_FLOAT E_AMOUNT_OVERFLOW E_SUM_LINES E_TAX_MISMATCH E_RATE_NOT_ALLOWED E_TIME_NO_OFFSET"
    " E_TIME_FUTURE E_TITLE_REQUIRED E_TITLE_CHARS E_PAYMENT_UNKNOWN E_PAYMENT_SPENT E_PAYMENT_REFUNDED"
    " E_PAYMENT_CONFLICT E_SELLER_MIXED E_OVER_INVOICED E_STATE E_LOCKED_BY_OTHER E_RED_EXCEEDS"
    " E_RED_NEEDS_CONFIRM"
).split()
CODE_NUMBERS = {code: number for number, code in enumerate(CODES, start=1)}
