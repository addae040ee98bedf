"""Encryption of the store: what was sealed for one place opens in no other, and packing has one spelling."""

import pytest

from farechain.private.openings import Opening
from farechain.private.sealing import PADDED_BYTES, TamperedError, new_key, packed, seal, unpacked, unseal

SALT = bytes(range(16))


def test_what_was_sealed_opens_at_its_place_alone() -> None:
    key = new_key()
    sealed = seal(key, b"text", b"ENTRY", b"row")
    assert unseal(key, sealed, b"ENTRY", b"row") == b"text"
    for place in (
        (),
        (b"ENTRY",),
        (b"ENTRYrow",),
        (b"ENTRYr", b"ow"),
        (b"ENTRY", b"row", b""),
        (b"KEY", b"row"),
    ):
        with pytest.raises(TamperedError):
            unseal(key, sealed, *place)
    with pytest.raises(TamperedError):
        unseal(new_key(), sealed, b"ENTRY", b"row")


def test_the_same_message_is_never_sealed_alike() -> None:
    key = new_key()
    assert len({seal(key, b"text") for _ in range(100)}) == 100


@pytest.mark.parametrize("text", ["", "a", "名" * 15, "a" * 46, "a" * 47, "𠀀" * 25, "a" * 100])
def test_an_opening_is_packed_and_unpacked(text: str) -> None:
    plain = packed(Opening(SALT, text))
    assert len(plain) % PADDED_BYTES == 0
    assert tuple(unpacked(plain)) == (SALT, text)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        SALT,
        SALT + b"\0\1a",
        packed(Opening(SALT, "a")) + bytes(64),
        packed(Opening(SALT, "a"))[:-1] + b"\1",
        (SALT + b"\0\1\xff").ljust(64, b"\0"),
        (SALT + b"\xff\xffa").ljust(64, b"\0"),
    ],
)
def test_what_was_not_packed_here_is_no_opening(plain: bytes) -> None:
    with pytest.raises(TamperedError):
        unpacked(plain)
