"""A trip as a payment app hands it in: whose it is, which payment, and what opens its payer."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from farechain import _core

CHANNELS = {"WECHAT": 1, "ALIPAY": 2, "UNIONPAY": 3, "CARD": 4, "CASH": 5}
"""By number (docs/format.md, section 2)."""
KINDS = {"PAID": 1, "TOPPED_UP": 3}
ROWS_MAX = 500
"""Of one request."""


class TripRow(BaseModel):
    """One payment of one passenger."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "holder": "6a3803d5f059902a1c6dafbc9ba47292",
                    "seller": "91440300708461136T",
                    "channel": "WECHAT",
                    "txn_id": "4200002345",
                    "opening": "ab" * 32,
                }
            ]
        },
    )

    holder: str = Field(pattern=r"^[0-9a-f]{32}$", description="Id of the passenger's HOLDER key.")
    seller: str = Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", description="Tax id of who was paid.")
    channel: Literal["WECHAT", "ALIPAY", "UNIONPAY", "CARD", "CASH"]
    txn_id: str = Field(pattern=r"^[!-~]{1,64}$", description="The channel's own id of the payment.")
    opening: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="What the payment's `payer` commits to, 32 bytes in hex."
    )
    kind: Literal["PAID", "TOPPED_UP"] = "PAID"

    @property
    def payment(self) -> bytes:
        """The payment's identity, 32 bytes."""
        channel, kind = bytes([CHANNELS[self.channel]]), bytes([KINDS[self.kind]])
        return _core.identity([b"PAYMENT", self.seller.encode(), channel, kind, self.txn_id.encode()])


class TripRows(BaseModel):
    """Trips of one request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    trips: list[TripRow] = Field(min_length=1, max_length=ROWS_MAX)


def payer_of(opening: bytes) -> bytes:
    """The commitment that 32 bytes open (docs/format.md, section 3)."""
    return _core.identity([b"PAYER", opening])
