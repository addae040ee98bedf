"""What the generated day is made of: planned inputs and the facts behind them. No randomness, no files."""

from dataclasses import dataclass
from enum import Enum

from farechain import _core
from farechain.data import Operator

NETWORK = "shenzhen"
COMMANDS = "farechain.commands"
PARTITIONS: dict[str, int] = {
    COMMANDS: 1,
    "payments.metro": 4,
    "payments.road": 2,
    "payments.parking": 1,
    "payments.scenic": 1,
}
"""Topics in the order of genesis, with their partitions."""
TOPIC_OF_SCENE = {
    "METRO": "payments.metro",
    "BUS": "payments.road",
    "AIRPORT_COACH": "payments.road",
    "TAXI": "payments.road",
    "PARKING": "payments.parking",
    "SCENIC": "payments.scenic",
}


@dataclass(frozen=True, slots=True, eq=False)
class Signer:
    """A key that signs inputs. ``name`` is the device's, the issuer's or the bureau's."""

    name: str
    seed: bytes
    public_key: bytes
    kid: str

    @staticmethod
    def of(name: str, seed: bytes) -> "Signer":
        """The signer with this 32-byte seed."""
        public_key = _core.public_key(seed)
        return Signer(name, seed, public_key, _core.kid(public_key))


@dataclass(slots=True, eq=False)
class Sale:
    """A payment or a top-up. Of two inputs with the same ``Sale`` object the later is a duplicate."""

    operator: Operator
    key: bytes
    topped_up: bool
    by_card: bool
    paid_fen: int
    invoiceable_fen: int
    paid_ms: int


@dataclass(slots=True, eq=False)
class Refund:
    """Money back for the sale with this key."""

    operator: Operator
    key: bytes
    refund_fen: int


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A command that takes effect."""


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """An input that must be rejected with this code, whatever came before it."""

    code: str


Fact = Sale | Refund | Order | Refused


class Headers(Enum):
    """How the signature headers of an input are written."""

    RIGHT = "right"
    NO_SIGNATURE = "no signature"
    NO_KID = "no key id"
    BIT_FLIPPED = "a bit of the signature flipped"
    CUT = "a signature of 63 bytes"
    KID_IN_CAPITALS = "key id in capitals"
    S_PLUS_L = "a second encoding of the same signature"


@dataclass(slots=True, eq=False)
class Planned:
    """One input: where and when it arrives (milliseconds since 1970), its bytes, who signs it, what it says.

    ``signed`` is what was signed where that is not ``value``; ``copy_of`` has the very same bytes and
    signature.
    """

    arrival_ms: int
    topic: str
    key: bytes
    signer: Signer
    value: bytes | None
    case: str
    fact: Fact
    signed: bytes | None = None
    headers: Headers = Headers.RIGHT
    copy_of: "Planned | None" = None


@dataclass(slots=True, eq=False)
class PlannedSale(Planned):
    """A planned input whose fact is a sale."""

    fact: Sale
