"""Signed payments for a load: the day's own sales of all sellers that invoice at once, with new transactions.

The bytes are the generated day's (``day/sales``), so that the ledger has a city's mix of scenes, amounts and
channels; a transaction id and a moment of payment make each an event of its own.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from farechain import _core
from farechain.data import Operator, operators
from farechain.day import sales
from farechain.day.parties import derive_parties
from farechain.day.plan import PARTITIONS, PlannedSale, Signer
from farechain.day.till import Calendar, Till, Transactions
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.keys import read_key_set
from farechain.partition import partition_of

TEMPLATES = 2_000
LEAST_OF_ONE = 20
_SELLERS: dict[str, sales.Seller] = {
    "METRO": sales.metro_without_cards,
    "BUS": sales.bus,
    "AIRPORT_COACH": sales.coach,
    "TAXI": sales.taxi,
    "PARKING": sales.parking,
    "SCENIC": sales.scenic,
}
Place = tuple[str, int]
"""Topic and partition."""
PLACES: tuple[Place, ...] = tuple(
    (topic, partition)
    for topic, count in PARTITIONS.items()
    if topic.startswith("payments.")
    for partition in range(count)
)
"""Where payments go."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A signed payment that is ready to be sent, and the fen that must be invoiced for it."""

    place: Place
    key: bytes
    kid: bytes
    signature: bytes
    value: bytes
    fen: int


@dataclass(frozen=True, slots=True)
class _Template:
    """A sale in parts; between them go a transaction id and a moment of payment."""

    topic: str
    seed: bytes
    kid: bytes
    key: bytes
    parts: tuple[bytes, bytes, bytes]
    fen: int


class Payments:
    """Makes payments whose transaction ids nobody used before.

    Args:
        keys: the directory that ``generate`` (or a local load) wrote the devices' keys to.
        run: goes into the transaction ids; another for each run on one ledger.
        generator: (n, m): this is the n-th of m, with devices of its own.

    Raises:
        FarechainError: ``E_KEY_FILE`` where there are no keys of devices of the generated day.
    """

    def __init__(self, keys: Path, *, seed: int, run: str, generator: tuple[int, int] = (1, 1)) -> None:
        number, of = generator
        self._prefix = f"L{run}{number:02d}"
        self._serial = 0
        rng = random.Random(f"payments {seed} {number}/{of}")  # noqa: S311 - no secret
        self._templates = _templates(rng, keys, number, of)
        rng.shuffle(self._templates)

    def make(self, count: int, paid_at: datetime, places: Sequence[Place] = ()) -> list[Payment]:
        """Signs payments on all cores.

        Args:
            paid_at: when all of them were paid, with an offset; not after they arrive.
            places: where they go, in turn; empty: where their keys lead, as with any Kafka producer.
        """
        moment = paid_at.isoformat(timespec="seconds").encode()
        topics = {topic for topic, _ in places}
        templates = [one for one in self._templates if not topics or one.topic in topics]
        of_topic = {topic: [place for place in places if place[0] == topic] for topic in topics}
        drafts = []
        for serial in range(self._serial, self._serial + count):
            template = templates[serial % len(templates)]
            txn_id = f"{self._prefix}{serial:09d}".encode()
            key = template.key + txn_id
            value = template.parts[0] + txn_id + template.parts[1] + moment + template.parts[2]
            listed = of_topic.get(template.topic)
            topic = template.topic
            place = listed[serial % len(listed)] if listed else (topic, partition_of(key, PARTITIONS[topic]))
            drafts.append((place, key, value, template))
        self._serial += count
        signatures = _core.sign_batch([one[3].seed for one in drafts], [one[2] for one in drafts])
        return [
            Payment(place, key, template.kid, signature, value, template.fen)
            for (place, key, value, template), signature in zip(drafts, signatures, strict=True)
        ]


def _templates(rng: random.Random, keys: Path, number: int, of: int) -> list[_Template]:
    made: list[_Template] = []
    seeds: dict[tuple[str, tuple[str, ...]], list[Signer]] = {}
    for key in read_key_set(keys / "devices.jsonl"):
        if key.state == "ACTIVE":
            seeds.setdefault((key.tax_id, key.scenes), []).append(Signer.of(key.device, key.seed))
    for operator in operators():
        signers = seeds.get((operator.tax_id, (operator.scene,)), [])
        if operator.share > 0 and signers:
            made += _of(rng, operator, signers[number - 1 :: of] or signers)
    if not made:
        message = f"{keys}: no device of a seller of the generated day: name the keys that it was made with"
        raise FarechainError("E_KEY_FILE", message, EXIT_USAGE)
    return made


def _of(rng: random.Random, operator: Operator, signers: list[Signer]) -> list[_Template]:
    calendar = Calendar("2000-01-01", 0)
    payers = derive_parties(lambda name: Signer.of(name, rng.randbytes(32))).payers
    till = Till(rng, calendar, Transactions(calendar), operator, signers, payers=payers)
    count = max(LEAST_OF_ONE, round(TEMPLATES * operator.share))
    planned = _SELLERS[operator.scene](rng, till, count, "load")
    till.close()
    return [_template(one, calendar) for one in planned]


def _template(sale: PlannedSale, calendar: Calendar) -> _Template:
    assert sale.value is not None
    prefix, _, txn_id = sale.key.rpartition(b"|")
    before, _, rest = sale.value.partition(txn_id)
    between, _, after = rest.partition(calendar.written(sale.fact.paid_ms).encode())
    parts = (before, between, after)
    kid = sale.signer.kid.encode()
    return _Template(sale.topic, sale.signer.seed, kid, prefix + b"|", parts, sale.fact.invoiceable_fen)
