"""The reference against published answers: BLAKE3, RFC 8032, RFC 6962, RFC 8949, DOMAIN.md section 7."""

import pytest

from . import cbor, ed25519, fields, merkle, records
from .blake3 import blake3
from .digests import identity, leaf_hash, node_hash
from .errors import CODES, Rejected
from .strict_json import Number

# BLAKE3-team/BLAKE3, test_vectors/test_vectors.json: input is 0, 1, ... 250, 0, 1, ...; the first 32 bytes.
BLAKE3_KEY = b"whats the Elvish word for friend"
BLAKE3_HASH = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    2048: "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
    3072: "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
}
BLAKE3_KEYED = {
    0: "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
    1: "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b",
    1024: "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4",
    1025: "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69",
}
# RFC 8032, section 7.1: seed, public key, message, signature.
RFC8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def counting(size: int) -> bytes:
    return bytes(i % 251 for i in range(size))


@pytest.mark.parametrize("size", BLAKE3_HASH)
def test_blake3_hashes_as_its_vectors_say(size: int) -> None:
    assert blake3(counting(size)).hex() == BLAKE3_HASH[size]


@pytest.mark.parametrize("size", BLAKE3_KEYED)
def test_blake3_keyed_as_its_vectors_say(size: int) -> None:
    assert blake3(counting(size), BLAKE3_KEY).hex() == BLAKE3_KEYED[size]


@pytest.mark.parametrize(("seed", "key", "message", "signature"), RFC8032)
def test_ed25519_signs_as_rfc_8032_says(seed: str, key: str, message: str, signature: str) -> None:
    assert ed25519.public_key(bytes.fromhex(seed)).hex() == key
    assert ed25519.sign(bytes.fromhex(seed), bytes.fromhex(message)).hex() == signature
    assert ed25519.verify(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))
    assert not ed25519.verify(bytes.fromhex(key), b"other", bytes.fromhex(signature))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (65536, "1a00010000"),
        (2**32, "1b0000000100000000"),
        (-1, "20"),
        (-25, "3818"),
        (b"\x01\x02", "420102"),
        ("水", "63e6b0b4"),
        ([1, [2, 3]], "8201820203"),
        ({"aa": 1, "b": 2}, "a2616202626161" + "01"),
        ([None, True, False], "83f6f5f4"),
    ],
)
def test_cbor_is_deterministic(value: object, encoded: str) -> None:
    assert cbor.encode(value).hex() == encoded
    assert cbor.decode(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize(
    "encoded", ["1817", "190001", "f97e00", "c100", "9f01ff", "6161" + "00", "8201", "a2616201616101"]
)
def test_cbor_refuses_what_is_not_deterministic(encoded: str) -> None:
    with pytest.raises(ValueError, match=r"CBOR|end early|head|place"):
        cbor.decode(bytes.fromhex(encoded))


def test_trees_have_the_shape_of_rfc_6962() -> None:
    leaves = [bytes([i]) for i in range(7)]
    a, b, c, d, e, f, g = (leaf_hash(leaf) for leaf in leaves)
    left = node_hash(node_hash(a, b), node_hash(c, d))
    assert merkle.root(leaves) == node_hash(left, node_hash(node_hash(e, f), g))
    assert merkle.path(leaves, 6) == [node_hash(e, f), left]
    assert merkle.path(leaves, 3) == [c, node_hash(a, b), node_hash(node_hash(e, f), g)]


def test_identities_do_not_run_their_parts_together() -> None:
    assert identity(b"AB", b"C") != identity(b"A", b"BC")


@pytest.mark.parametrize(
    ("total", "rate", "net", "tax"),
    [
        (429900, 1300, 380442, 49458),
        (50000, 100, 49505, 495),
        (600, 300, 583, 17),
        (665, 300, 646, 19),
        (1000, 900, 917, 83),
        (200, 300, 194, 6),
        (1000, -1, 1000, 0),
        (1000, -2, 1000, 0),
    ],
)
def test_tax_is_split_as_the_domain_says(total: int, rate: int, net: int, tax: int) -> None:
    assert records.split_tax(total, rate) == (net, tax)


@pytest.mark.parametrize("code", ["91440300708461136T", "91110000600037341L", "92532528MA6L45LX6L"])
def test_real_tax_ids_are_accepted(code: str) -> None:
    assert fields.uscc(code) == code


@pytest.mark.parametrize(
    ("code", "why"), [("44078819091887401X", "E_USCC_CHECKSUM"), ("9111011233024848X", "E_USCC_FORMAT")]
)
def test_wrong_tax_ids_are_refused(code: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        fields.uscc(code)


@pytest.mark.parametrize(
    ("text", "milliseconds", "offset"),
    [
        ("1970-01-01T08:00:00+08:00", 0, 480),
        ("2026-03-01T00:00:00.1239Z", 1_772_323_200_123, 0),
        ("2024-02-29T23:59:59-00:30", 1_709_252_999_000, -30),
        ("1970-01-01T00:00:00.5+08:00", -28_799_500, 480),
    ],
)
def test_times_are_milliseconds_since_1970(text: str, milliseconds: int, offset: int) -> None:
    assert fields.time(text) == (milliseconds, offset)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("1.0", "E_AMOUNT_FLOAT"),
        ("1e2", "E_AMOUNT_FLOAT"),
        ("-1.5", "E_AMOUNT_FLOAT"),
        ("-1", "E_AMOUNT_NEGATIVE"),
        ("-0", "E_AMOUNT_NEGATIVE"),
        ("9007199254740992", "E_AMOUNT_OVERFLOW"),
        ("-9007199254740993", "E_AMOUNT_NEGATIVE"),
    ],
)
def test_amounts_are_refused_by_how_they_are_written(written: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        fields.amount(Number(written))
    assert fields.amount(Number("9007199254740991")) == 2**53 - 1


def test_every_code_has_a_number_of_its_own() -> None:
    assert len(set(CODES)) == len(CODES) == 35
