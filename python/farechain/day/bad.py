"""Bad input of every kind, each made from a good payment that comes soon after and must still be invoiced."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from farechain.day.bad_json import BAD_JSON
from farechain.day.keyring import Keyring
from farechain.day.plan import Headers, Planned, PlannedSale, Refused, Signer
from farechain.day.till import Counter

Change = Callable[[bytes], bytes]


def member(name: str, json: str) -> Change:
    """Replaces the value of a member."""
    pattern = re.compile(rf'"{name}":("(?:[^"\\]|\\.)*"|[^,}}]*)'.encode())
    replacement = f'"{name}":{json}'.encode()
    return lambda value: pattern.sub(lambda _: replacement, value, count=1)


def added(json: str) -> Change:
    """Adds members at the start of ``data``."""
    return lambda value: value.replace(b'"data":{', b'"data":{' + json.encode(), 1)


@dataclass(frozen=True, slots=True)
class Bad:
    """A kind of bad input: a good one changed (``change``) before its device signs it."""

    case: str
    code: str
    change: Change


def _without_payer(value: bytes) -> bytes:
    return re.sub(rb'"payer":"[0-9a-f]*",', b"", value, count=1)


def _over_invoiced(value: bytes) -> bytes:
    plain = re.sub(rb'"invoiceable_fen":\d+,', b"", value, count=1)
    return re.sub(rb'"paid_fen":(\d+)', rb'"paid_fen":\1,"invoiceable_fen":\g<1>0', plain, count=1)


FIELDS: tuple[Bad, ...] = (
    Bad("unknown kind", "E_SCHEMA", member("kind", '"GIVEN"')),
    Bad("unknown member", "E_SCHEMA", added('"tip_fen":1,')),
    Bad("missing member", "E_SCHEMA", lambda v: re.sub(rb'"gross_fen":\d+,', b"", v, count=1)),
    Bad("unknown channel", "E_SCHEMA", member("channel", '"BARTER"')),
    Bad("transaction id with a space", "E_SCHEMA", member("txn_id", '"a b"')),
    Bad("order number too short", "E_SCHEMA", added('"order_no":"12345",')),
    Bad("payer in capitals", "E_SCHEMA", lambda v: added(f'"payer":"{"AB" * 32}",')(_without_payer(v))),
    Bad("refund amount in a payment", "E_SCHEMA", added('"refund_id":"r","refund_fen":1,')),
    Bad("amount negative", "E_AMOUNT_NEGATIVE", member("paid_fen", "-190")),
    Bad("amount minus zero", "E_AMOUNT_NEGATIVE", member("gross_fen", "-0")),
    Bad("amount with a point", "E_AMOUNT_FLOAT", member("paid_fen", "1.90")),
    Bad("amount with an exponent", "E_AMOUNT_FLOAT", member("gross_fen", "1e3")),
    Bad("amount 2^53", "E_AMOUNT_OVERFLOW", member("gross_fen", str(1 << 53))),
    Bad("amount of thirty digits", "E_AMOUNT_OVERFLOW", member("gross_fen", "9" * 30)),
    Bad("amount as text", "E_SCHEMA", member("gross_fen", '"200"')),
    Bad("paid more than the price", "E_SCHEMA", member("gross_fen", "1")),
    Bad("more to invoice than paid", "E_OVER_INVOICED", _over_invoiced),
    Bad("other network", "E_CHAIN", member("network", '"guangzhou"')),
    Bad("tax id of 17 characters", "E_USCC_FORMAT", member("seller_tax_id", '"9111011233024848X"')),
    Bad("tax id with a letter O", "E_USCC_FORMAT", member("seller_tax_id", '"9144030070846113O6"')),
    Bad("tax id's check digit", "E_USCC_CHECKSUM", member("seller_tax_id", '"44078819091887401X"')),
    Bad("time without offset", "E_TIME_NO_OFFSET", lambda v: v.replace(b'+08:00"', b'"', 1)),
    Bad("time with a space", "E_SCHEMA", member("paid_at", '"2025-01-01 08:00:00+08:00"')),
    Bad("30 February", "E_SCHEMA", member("paid_at", '"2025-02-30T08:00:00+08:00"')),
    Bad("time far ahead", "E_TIME_FUTURE", member("paid_at", '"2199-01-01T00:00:00+08:00"')),
    Bad("paid before any rate", "E_RATE_NOT_ALLOWED", member("paid_at", '"2016-04-30T23:59:59+08:00"')),
    Bad(
        "detail unknown to the scene",
        "E_SCHEMA",
        lambda v: v.replace(b'"detail":{', b'"detail":{"mood":"good",', 1),
    ),
    Bad("detail of the wrong type", "E_SCHEMA", member("exit", "7")),
    Bad("detail's name", "E_SCHEMA", lambda v: v.replace(b'"detail":{', b'"detail":{"Exit":"x",', 1)),
    Bad("seller of another device", "E_ROLE", member("seller_tax_id", '"91440300708461136T"')),
    Bad("scene not the device's", "E_ROLE", member("scene", '"SCENIC"')),
)
"""Fields that break a rule; all are made from rides by metro."""


@dataclass(slots=True)
class BadInputs:
    """Plans bad inputs from good sales.

    ``bases`` are the first operator's rides, ``elsewhere`` sales of other scenes.
    """

    rng: random.Random
    keyring: Keyring
    counter: Counter
    bases: Sequence[PlannedSale]
    elsewhere: Sequence[PlannedSale]
    planned: list[Planned] = field(default_factory=list)
    _next: int = 0

    def plan(self, rounds: int) -> list[Planned]:
        """Plans every kind ``rounds`` times."""
        for _ in range(rounds):
            for bad in FIELDS:
                self._changed(bad.case, bad.code, bad.change)
            for case, code, change in BAD_JSON:
                self._changed(case, code, change, self._base_elsewhere())
            self._signatures()
            self._keys()
            self._conflicts()
        return self.planned

    def _base(self) -> PlannedSale:
        base = self.bases[self._next % len(self.bases)]
        self._next += 1
        return base

    def _base_elsewhere(self) -> PlannedSale:
        self._next += 1
        return self.elsewhere[self._next % len(self.elsewhere)]

    def _add(
        self,
        case: str,
        code: str,
        base: PlannedSale,
        value: bytes | None,
        *,
        signer: Signer | None = None,
        signed: bytes | None = None,
        headers: Headers = Headers.RIGHT,
        after_ms: int | None = None,
    ) -> None:
        """Before the good one, so that it is seen to occupy nothing; ``after_ms`` puts it behind."""
        shift_ms = -500 - int(self.rng.random() * 60_000) if after_ms is None else after_ms
        self.planned.append(
            Planned(
                base.arrival_ms + shift_ms,
                base.topic,
                base.key,
                signer or base.signer,
                value,
                f"bad: {case}",
                Refused(code),
                signed,
                headers,
            )
        )

    def _changed(self, case: str, code: str, change: Change, base: PlannedSale | None = None) -> None:
        base = base or self._base()
        value = change(base.value or b"")
        if value == base.value:
            raise AssertionError(f"{case} changed nothing")
        self._add(case, code, base, value)

    def _signatures(self) -> None:
        for headers in Headers:
            if headers is not Headers.RIGHT:
                base = self._base_elsewhere()
                self._add(headers.value, "E_SIGNATURE", base, base.value, headers=headers)
        base = self._base()
        altered = member("gross_fen", "100000")(base.value or b"")
        self._add("altered after signing", "E_SIGNATURE", base, altered, signed=base.value)
        base = self._base()
        forger = self.keyring.special.unregistered
        named = Signer(base.signer.name, forger.seed, base.signer.public_key, base.signer.kid)
        self._add("signed by another's key", "E_SIGNATURE", base, base.value, signer=named)
        base = self._base()
        self._add("no value", "E_SCHEMA", base, None)

    def _keys(self) -> None:
        special = self.keyring.special
        operator = self.keyring.operators
        for case, code, signer in (
            ("unknown key", "E_KEY_UNKNOWN", special.unregistered),
            ("expired key", "E_KEY_EXPIRED", special.expired),
            ("key not valid yet", "E_KEY_EXPIRED", special.not_yet),
            ("retired key", "E_KEY_EXPIRED", special.retired),
            ("key rotated away", "E_KEY_EXPIRED", special.rotated_old),
            ("device of another seller", "E_ROLE", self.keyring.devices[operator[1].code][0]),
            ("signed by the issuer", "E_ROLE", self.keyring.issuers[operator[0].code]),
            ("signed by the bureau", "E_ROLE", self.keyring.bureau),
        ):
            base = self._base()
            self._add(case, code, base, base.value, signer=signer)
        base = self._base()
        ferry = member("scene", '"FERRY"')(base.value or b"")
        self._add("scene not in the table", "E_SCHEMA", base, ferry, signer=special.ferry)

    def _conflicts(self) -> None:
        base = self._base()
        other = member("gross_fen", "99900")(base.value or b"")
        self._add("conflict", "E_PAYMENT_CONFLICT", base, other, after_ms=3_000)
        base = self._base()
        for case, code, change in (
            ("refund of nothing", "E_SCHEMA", member("refund_fen", "0")),
            ("refund negative", "E_AMOUNT_NEGATIVE", member("refund_fen", "-5")),
            ("refund with a payer", "E_SCHEMA", added(f'"payer":"{"ab" * 32}",')),
        ):
            refund = self.counter.refund(base, base.fact.paid_ms, 100, "")
            self._add(case, code, base, change(refund.value or b""))

    def conflicting_refund(self, refund: Planned) -> None:
        """Plans the same refund id with another amount, after the refund itself."""
        value = member("refund_fen", "1")(refund.value or b"")
        self.planned.append(
            Planned(
                refund.arrival_ms + 5_000,
                refund.topic,
                refund.key,
                refund.signer,
                value,
                "bad: conflict of refunds",
                Refused("E_PAYMENT_CONFLICT"),
            )
        )
