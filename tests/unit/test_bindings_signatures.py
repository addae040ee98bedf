"""Signing and the strict rule, compared with OpenSSL's Ed25519 by ``cryptography``."""

import hashlib
import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from farechain import _core

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19


def pae(value: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 28 application/cloudevents+json %d %s" % (len(value), value)


def by_openssl(key: bytes, value: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, pae(value))
    except (InvalidSignature, ValueError):
        return False
    return True


def events(count: int, seed: int) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes]]:
    """Seeds (some repeated), keys, values of many lengths, signatures."""
    rng = random.Random(seed)
    seeds = [rng.randbytes(32) for _ in range(max(1, count // 7))]
    chosen = [rng.choice(seeds) for _ in range(count)]
    values = [rng.randbytes(rng.choice([0, 1, 63, 64, 111, 112, 480, 700])) for _ in range(count)]
    return chosen, [_core.public_key(one) for one in chosen], values, _core.sign_batch(chosen, values)


def test_signatures_are_those_of_openssl() -> None:
    seeds, keys, values, signatures = events(300, seed=1)
    for seed, key, value, signature in zip(seeds, keys, values, signatures, strict=True):
        private = Ed25519PrivateKey.from_private_bytes(seed)
        assert private.public_key().public_bytes_raw() == key
        assert private.sign(pae(value)) == signature == _core.sign(seed, value)


def test_a_kid_is_half_the_sha256_of_the_key() -> None:
    key = _core.public_key(bytes(range(32)))
    assert _core.kid(key) == hashlib.sha256(key).hexdigest()[:32]


def test_rfc_8032_first_vector() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert _core.public_key(seed) == key
    _core.admit_key(key)


@pytest.mark.parametrize("count", [1, 2, 31, 32, 63, 64, 65, 500, 2000])
def test_honest_batches_of_any_size_verify(count: int) -> None:
    _, keys, values, signatures = events(count, seed=count)
    assert _core.verify_batch(keys, values, signatures) == [True] * count


def mutated(rng: random.Random, key: bytes, value: bytes, signature: bytes) -> tuple[bytes, bytes, bytes]:
    """One of the ways in which a signature goes wrong."""
    match rng.randrange(8):
        case 0:
            return key, value, flipped(rng, signature[:32]) + signature[32:]
        case 1:
            return key, value, signature[:32] + flipped(rng, signature[32:])
        case 2:
            return key, value + b"\0", signature
        case 3:
            return flipped(rng, key), value, signature
        case 4:  # S + L: the same scalar, written in another way
            scalar = int.from_bytes(signature[32:], "little") + L
            return key, value, signature[:32] + scalar.to_bytes(32, "little")
        case 5:
            return key, value, bytes(64)
        case 6:
            return key, value, rng.randbytes(64)
        case _:
            return key, value, signature[32:] + signature[:32]


def flipped(rng: random.Random, part: bytes) -> bytes:
    at = rng.randrange(len(part) * 8)
    return bytes(byte ^ (1 << at % 8 if place == at // 8 else 0) for place, byte in enumerate(part))


def test_each_verdict_of_a_mixed_batch_is_that_of_openssl() -> None:
    """Each signature has a verdict of its own: forged neighbours change nothing."""
    rng = random.Random(2)
    _, keys, values, signatures = events(3000, seed=3)
    batch = [
        mutated(rng, *one) if rng.random() < 0.4 else one
        for one in zip(keys, values, signatures, strict=True)
    ]
    verdicts = _core.verify_batch(*map(list, zip(*batch, strict=True)))
    assert verdicts == [by_openssl(*one) for one in batch]
    assert 1000 < sum(verdicts) < 2500


def test_one_forgery_in_each_place_is_found_there_and_nowhere_else() -> None:
    _, keys, values, signatures = events(70, seed=4)
    for place in range(70):
        forged = [*signatures[:place], bytes(64), *signatures[place + 1 :]]
        assert _core.verify_batch(keys, values, forged) == [at != place for at in range(70)]


def encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


SMALL_ORDER = [
    encoded(1),
    encoded(0),
    encoded(0, 1),
    encoded(P - 1),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
]
NON_CANONICAL = [
    encoded(P),
    encoded(P + 1),
    encoded(P + 1, 1),
    encoded(2**255 - 1),
    encoded(1, 1),
    encoded(P - 1, 1),
]


@pytest.mark.parametrize("key", SMALL_ORDER, ids=bytes.hex)
def test_a_key_of_small_order_is_not_admitted_and_verifies_nothing(key: bytes) -> None:
    """Under such a key a signature of zeros would be valid for any message without this rule."""
    with pytest.raises(ValueError, match="prime-order"):
        _core.admit_key(key)
    trivial = encoded(1) + bytes(32)
    assert _core.verify_batch([key] * 40, [b"%d" % i for i in range(40)], [trivial] * 40) == [False] * 40


@pytest.mark.parametrize("key", NON_CANONICAL, ids=bytes.hex)
def test_a_key_in_another_encoding_is_not_admitted(key: bytes) -> None:
    with pytest.raises(ValueError, match=r"canonical|prime-order"):
        _core.admit_key(key)


def test_an_admitted_key_is_canonical_for_random_bytes() -> None:
    rng = random.Random(5)
    admitted = 0
    for _ in range(300):
        key = rng.randbytes(32)
        try:
            _core.admit_key(key)
            admitted += 1
        except ValueError:
            continue
    # Half of all encodings are on the curve, an eighth of those in the subgroup of prime order.
    assert 5 <= admitted <= 45
