"""What documents say in words, the same in every format: why a red letter is, and whom an invoice is for."""

from typing import NamedTuple

from farechain.export.document import Buyer, Reason

INDIVIDUAL = "个人"
NOT_AT_HAND = "抬头不在此处 title not at hand"
COMMITMENT_DIGITS = 16
"""Of a title that is not at hand: enough to tell whether it is the one that someone opens."""


class Words(NamedTuple):
    """A wording in both languages."""

    chinese: str
    english: str

    def __str__(self) -> str:
        return f"{self.chinese} {self.english}"


REASONS: dict[Reason, Words] = {
    "ISSUE_ERROR": Words("开票有误", "issued in error"),
    "SALES_RETURN": Words("销货退回", "sales return"),
    "SERVICE_SUSPENSION": Words("服务中止", "service suspended"),
    "SALES_DISCOUNT": Words("销售折让", "sales discount"),
    "RETITLED": Words("换开", "reissued under another title"),
}
"""Why a red letter was issued, as the reasons of a red-letter confirmation are called."""


def buyer_name(buyer: Buyer | None) -> str:
    """Whom an invoice is for, as it is printed."""
    if buyer is None:
        return INDIVIDUAL
    if buyer.name is not None:
        return buyer.name
    if buyer.title is None:
        return buyer.tax_id or INDIVIDUAL
    return f"{NOT_AT_HAND} ({buyer.title.hex()[:COMMITMENT_DIGITS]}…)"
