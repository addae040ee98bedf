"""Ed25519 (RFC 8032) in plain integers, with the one strict rule of farechain.

Strict: the key and R are canonical encodings, S < L, the key is on the curve, not of small order and free of
torsion, and ``[S]B - [k]A`` encodes to exactly R (no cofactor).
"""

import hashlib
from functools import lru_cache

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""Extended coordinates: x = X/Z, y = Y/Z, T = XY/Z."""

IDENTITY: Point = (0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    """Section 5.1.4; complete, so it doubles too."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(p: Point) -> Point:
    return -p[0] % P, p[1], p[2], -p[3] % P


def multiply(scalar: int, p: Point) -> Point:
    return multiply_two(scalar, p, 0, IDENTITY)


def multiply_two(a: int, p: Point, b: int, q: Point) -> Point:
    """``[a]p + [b]q``, doubling once for both."""
    both, result = add(p, q), IDENTITY
    choices = {(True, False): p, (False, True): q, (True, True): both}
    for bit in range(max(a.bit_length(), b.bit_length()) - 1, -1, -1):
        result = add(result, result)
        choice = choices.get((bool(a >> bit & 1), bool(b >> bit & 1)))
        if choice is not None:
            result = add(result, choice)
    return result


def is_identity(p: Point) -> bool:
    return p[0] % P == 0 and (p[1] - p[2]) % P == 0


def encode(p: Point) -> bytes:
    inverse = pow(p[2], -1, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point:
    """The point of a canonical encoding. Raises ``ValueError`` (section 5.1.3; y < p, no negative zero)."""
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if len(data) != 32 or y >= P:
        raise ValueError("not canonical")
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * SQRT_MINUS_1 % P
    if v * x * x % P != u:
        raise ValueError("not on the curve")
    if x == 0 and sign:
        raise ValueError("not canonical")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


@lru_cache(maxsize=8192)
def admit_key(public_key: bytes) -> Point:
    """The point of a key that may be registered. Raises ``ValueError`` for every other."""
    point = decode(public_key)
    if is_identity(multiply(8, point)):
        raise ValueError("of small order")
    if not is_identity(multiply(L, point)):
        raise ValueError("has torsion")
    return point


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature holds under the strict rule."""
    try:
        point = admit_key(public_key)
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % L
    return encode(multiply_two(s, BASE, k, negate(point))) == signature[:32]


def _expand(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    clamped = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return clamped, digest[32:]


def public_key(seed: bytes) -> bytes:
    return encode(multiply(_expand(seed)[0], BASE))


def sign(seed: bytes, message: bytes) -> bytes:
    """Section 5.1.6."""
    scalar, prefix = _expand(seed)
    key = encode(multiply(scalar, BASE))
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    start = encode(multiply(r, BASE))
    k = int.from_bytes(hashlib.sha512(start + key + message).digest(), "little") % L
    return start + ((r + k * scalar) % L).to_bytes(32, "little")
