"""The proof of a key rotation: the new key's own signature (RFC 8032) over the old key's id and itself."""

from hashlib import sha512

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
ORDER = _L
"""The order of the group: adding it to S gives the second encoding that strict verification refuses."""
_D = -121665 * pow(121666, -1, _P) % _P
_BY = 4 * pow(5, -1, _P) % _P
_BX = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_ROTATE_TYPE = b"application/vnd.farechain.rotate"

Point = tuple[int, int, int, int]


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times_base(scalar: int) -> bytes:
    result, power = (0, 1, 1, 0), (_BX, _BY, 1, _BX * _BY % _P)
    while scalar:
        if scalar & 1:
            result = _add(result, power)
        power, scalar = _add(power, power), scalar >> 1
    z = pow(result[2], -1, _P)
    x, y = result[0] * z % _P, result[1] * z % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def rotation_proof(new_seed: bytes, new_public_key: bytes, old_kid: str) -> bytes:
    """The 64 bytes of ``ROTATE_KEY``'s ``proof``: over PAE(rotate type, old kid bytes, new key bytes).

    Not constant in time: for keys that are made here and now, not for a signing service.
    """
    statement = bytes.fromhex(old_kid) + new_public_key
    message = b"DSSEv1 %d %b %d %b" % (len(_ROTATE_TYPE), _ROTATE_TYPE, len(statement), statement)
    digest = sha512(new_seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    nonce = int.from_bytes(sha512(digest[32:] + message).digest(), "little") % _L
    commitment = _times_base(nonce)
    challenge = int.from_bytes(sha512(commitment + new_public_key + message).digest(), "little")
    return commitment + ((nonce + challenge * scalar) % _L).to_bytes(32, "little")
