"""What becomes of an input before the database sees it: signature, JSON, rules, tax. Runs in workers."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

Verify = Callable[[bytes, bytes], bool]
"""Of a signature and a message."""
Input = tuple[bytes | None, bytes | None, bytes | None]
"""Key id, signature, value."""

PAYLOAD_TYPE = b"application/cloudevents+json"
TAX_PER_CENT = 3
MAX_BYTES = 64 * 1024


class Invoice(NamedTuple):
    """What a good input says, before it has a number."""

    identity: str
    kind: str
    seller: str
    total_fen: int
    tax_fen: int
    digest: bytes


_verifiers: dict[bytes, Verify] = {}


def _openssl(public_key: bytes) -> Verify:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    verify = Ed25519PublicKey.from_public_bytes(public_key).verify

    def verdict(signature: bytes, message: bytes) -> bool:
        try:
            verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verdict


def _libsodium(public_key: bytes) -> Verify:
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    verify = VerifyKey(public_key).verify

    def verdict(signature: bytes, message: bytes) -> bool:
        try:
            verify(message, signature)
        except (BadSignatureError, ValueError):
            return False
        return True

    return verdict


LIBRARIES = {"cryptography": _openssl, "pynacl": _libsodium}


def know_keys(library: str, registry: dict[bytes, bytes]) -> None:
    """Makes this process ready: a verifier for every registered key id."""
    make = LIBRARIES[library]
    _verifiers.update({kid: make(public_key) for kid, public_key in registry.items()})


def judge(inputs: list[Input]) -> list[Invoice | None]:
    """What each input says; None for one that is refused."""
    return [_invoice(*each) for each in inputs]


def _invoice(kid: bytes | None, signature: bytes | None, value: bytes | None) -> Invoice | None:
    verify = _verifiers.get(kid or b"")
    if verify is None or signature is None or value is None or len(value) > MAX_BYTES:
        return None
    if not verify(signature, b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE, len(value), value)):
        return None
    try:
        return _decoded(orjson.loads(value)["data"], sha256(value).digest())
    except (ValueError, KeyError, TypeError):
        return None


def _decoded(data: dict[str, Any], digest: bytes) -> Invoice | None:
    kind, seller = data["kind"], data["seller_tax_id"]
    refund = kind == "REFUNDED"
    total = -data["refund_fen"] if refund else data.get("invoiceable_fen", data["paid_fen"])
    if type(total) is not int or abs(total) > 1 << 53 or data["network"] != "shenzhen":
        return None
    number = data["refund_id"] if refund else data["txn_id"]
    net = round(total * 100 / (100 + TAX_PER_CENT))
    return Invoice(f"{seller}|{data['channel']}|{kind}|{number}", kind, seller, total, total - net, digest)
