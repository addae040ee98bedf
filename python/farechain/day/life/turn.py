"""One turn of the life: its inputs in their order, each with what it must become."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from farechain.day.commands import command_value
from farechain.day.life.known import Trip
from farechain.day.plan import COMMANDS, NETWORK, TOPIC_OF_SCENE, Order, Planned, Refund, Refused, Signer
from farechain.day.truth import Expected

_SHENZHEN = timezone(timedelta(hours=8))


@dataclass(slots=True)
class Turn:
    """What is planned between two looks at the ledger.

    Args:
        number: the turn's, from 1; part of every command's id.
        time_ms: the ledger's block time when it was looked at, milliseconds since 1970.
        next_offset: of the commands' partition.
    """

    number: int
    time_ms: int
    next_offset: int
    inputs: list[tuple[Planned, Expected]] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By command (or ``REFUND``) and by verdict, state or code."""
    _commands: int = 0
    _refunds: int = 0

    @property
    def period(self) -> str:
        """The month of the block time, ``YYYY-MM``."""
        return f"{self._now:%Y-%m}"

    @property
    def period_before(self) -> str:
        """The month before, which is over."""
        return f"{self._now.replace(day=1) - timedelta(days=1):%Y-%m}"

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.time_ms // 1000, _SHENZHEN)

    def order(self, signer: Signer, kind: str, expected: Expected, **members: Any) -> int:
        """Appends a command; returns the offset that it will have."""
        return self._append(f"life-{self.number}-{self._commands + 1}", signer, kind, expected, members)

    def order_as(
        self, command_id: str, signer: Signer, kind: str, expected: Expected, members: Mapping[str, Any]
    ) -> int:
        """Appends a command under an id that another has already."""
        return self._append(command_id, signer, kind, expected, members)

    def _append(
        self, command_id: str, signer: Signer, kind: str, expected: Expected, members: Mapping[str, Any]
    ) -> int:
        value = command_value(command_id, kind, members)
        self._add(kind, COMMANDS, command_id.encode(), signer, value, expected)
        self._commands += 1
        return self.next_offset + self._commands - 1

    def again(self, offset: int) -> None:
        """Appends the command at an offset of this turn again, byte for byte."""
        commands = [planned for planned, _ in self.inputs if planned.topic == COMMANDS]
        first = commands[offset - self.next_offset]
        expected = Expected("DUPLICATE", first=(COMMANDS, 0, offset))
        kind = first.case.split(": ")[1]
        self._add(kind, COMMANDS, first.key, first.signer, first.value or b"", expected, copy_of=first)
        self._commands += 1

    def refund(self, device: Signer, trip: Trip, fen: int, expected: Expected) -> None:
        """Appends a refund of a trip, signed by a device of its seller."""
        self._refunds += 1
        refund_id = f"L{self.time_ms}{self.number}{self._refunds:06d}"
        tax_id, channel, txn_id = trip.key.decode().split("|", 2)
        data = {
            "kind": "REFUNDED",
            "network": NETWORK,
            "seller_tax_id": tax_id,
            "channel": channel,
            "txn_id": txn_id,
            "refund_id": refund_id,
            "refund_fen": fen,
            "paid_at": self._now.isoformat(),
        }
        envelope = {"specversion": "1.0", "type": "farechain.payment.v1", "source": device.name}
        value = orjson.dumps({**envelope, "id": refund_id, "data": data})
        topic = TOPIC_OF_SCENE[trip.seller.scene]
        self._add("REFUND", topic, trip.key, device, value, expected, fact=Refund(trip.seller, trip.key, fen))

    def _add(  # noqa: PLR0917 - an input has so many parts
        self,
        kind: str,
        topic: str,
        key: bytes,
        signer: Signer,
        value: bytes,
        expected: Expected,
        *,
        copy_of: Planned | None = None,
        fact: Refund | None = None,
    ) -> None:
        bad = expected.code is not None
        case = f"bad life: {kind} {expected.code}" if bad else f"life: {kind}"
        said = fact or (Refused(expected.code) if expected.code is not None else Order())
        planned = Planned(self.time_ms, topic, key, signer, value, case, said, copy_of=copy_of)
        self.inputs.append((planned, expected))
        self.counts[kind, expected.code or expected.state or expected.verdict] += 1
