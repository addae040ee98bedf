"""The reference and the Rust core agree: hostile events, odd keys and signatures, digests, trees, tax."""

import hashlib
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from farechain import _core

from . import cbor, ed25519, events, fields, merkle, orders, records, spoiling
from .blake3 import blake3
from .digests import block_hash, leaf_hash
from .errors import Rejected
from .event import decode
from .inputs import PAYLOAD_TYPE, Input, from_canonical, kid_of, pae

JSON_LETTERS = '{}[]",:\\u0123dD8aef-+.E \n\ttrnls'
SPOILED_EVENTS = 12_000
DECODER_CODES = {
    *(
        "accepted",
        "E_SCHEMA",
        "E_DEPTH",
        "E_USCC_FORMAT",
        "E_USCC_CHECKSUM",
        "E_CODE_FORMAT",
        "E_NUMBER_RANGE",
    ),
    *("E_AMOUNT_NEGATIVE", "E_AMOUNT_FLOAT", "E_AMOUNT_OVERFLOW", "E_OVER_INVOICED", "E_TIME_NO_OFFSET"),
}
MANY = settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))


def by_core(value: bytes) -> tuple[Any, ...]:
    try:
        found = _core.decode_event(value)
    except ValueError as refusal:
        return (str(refusal),)
    return found["network"], found["identity"], found["data"], found["data_leaf"]


def by_reference(value: bytes) -> tuple[Any, ...]:
    try:
        event = decode(value)
    except Rejected as refusal:
        return (refusal.code,)
    return event.network, event.identity, event.canonical, event.leaf


def test_spoiled_events_decode_alike() -> None:
    """Thousands of events, nearly right; all codes of the decoder come up."""
    codes: Counter[str] = Counter()
    for seed in range(SPOILED_EVENTS):
        value = spoiling.spoiled(seed)
        found = by_core(value)
        assert found == by_reference(value), value
        codes[found[0] if len(found) == 1 else "accepted"] += 1
    assert set(codes) == DECODER_CODES
    assert min(codes.values()) >= 5


def test_spoiled_commands_of_invoices_decode_alike() -> None:
    codes: Counter[str] = Counter()
    starts = orders.well_formed()
    for seed in range(SPOILED_EVENTS):
        value = spoiling.spoiled(seed, starts)
        found = by_core(value)
        assert found == by_reference(value), value
        codes[found[0] if len(found) == 1 else "accepted"] += 1
    assert set(codes) >= DECODER_CODES - {"E_OVER_INVOICED", "E_TIME_NO_OFFSET"} | {"E_TITLE_REQUIRED"}


@MANY
@given(
    st.binary(max_size=60)
    | st.text(alphabet='{}[]",:\\u0123dD8aef-+.E \n\ttrnlsue', max_size=40).map(str.encode)
)
@example(b'{"a":{"x":1,"x":1},"b":' + b"[" * 33)
@example(b"[" * 33 + b"\xff")
@example(b"{}\xff")
def test_random_bytes_decode_alike(value: bytes) -> None:
    assert by_core(value) == by_reference(value)


def well_formed() -> list[bytes]:
    paid = events.payment
    datas: list[dict[str, Any]] = [
        paid(),
        paid(kind="TOPPED_UP", payer="ab" * 32, device_seq=0, order_no="A|b*-_1"),
        paid(detail={"b": "x", "a": 1, "a_name_over_24_bytes_long": "", "c": 2**53 - 1}),
        paid(detail={}, invoiceable_fen=0),
        paid(network="水" * 21, txn_id="!~" * 32, paid_at="1970-01-01T00:00:00+08:00"),
        events.refund(),
        events.refund(scene="METRO", order_no="123456", device_seq=7),
        *events.COMMANDS,
        *orders.well_formed(),
    ]
    values = [events.value(data) for data in datas]
    extra = {
        "time": "",
        "subject": "",
        "datacontenttype": "application/json",
        "dataschema": "x",
        "ext1": None,
    }
    return [*values, events.value(paid(), **extra)]


@pytest.mark.parametrize("value", well_formed())
def test_well_formed_events_are_accepted_alike(value: bytes) -> None:
    assert len(by_core(value)) == 4
    assert by_core(value) == by_reference(value)


def test_the_first_failing_step_is_the_code() -> None:
    """Every pair of failing steps, in both orders of the members, gives the earlier step's code."""
    failing: list[tuple[dict[str, Any], str]] = [
        ({"channel": "BARTER"}, "E_SCHEMA"),
        ({"gross_fen": events.number("7e2")}, "E_AMOUNT_FLOAT"),
        ({"paid_fen": -1}, "E_AMOUNT_NEGATIVE"),
        ({"invoiceable_fen": 2**53}, "E_AMOUNT_OVERFLOW"),
        ({"invoiceable_fen": 666}, "E_OVER_INVOICED"),
        ({"paid_at": "2026-03-01T00:00:00"}, "E_TIME_NO_OFFSET"),
        ({"seller_tax_id": "9111011233024848X"}, "E_USCC_FORMAT"),
        ({"seller_tax_id": "44078819091887401X"}, "E_USCC_CHECKSUM"),
        ({"payer": "AB" * 32}, "E_SCHEMA"),
    ]
    for first, (one, code) in enumerate(failing):
        for other, _ in failing[first + 1 :]:
            if one.keys() & other.keys():
                continue
            data = events.payment(**one, **other)
            for members in (data, dict(reversed(data.items()))):
                value = events.value(members)
                assert by_core(value) == by_reference(value) == (code,), value


def test_a_refund_s_refused_members_are_refused_at_their_turn() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"refund_fen": -1, "gross_fen": 1}, "E_AMOUNT_NEGATIVE"),
        ({"gross_fen": 1, "paid_at": "2026-03-01T00:00:00"}, "E_SCHEMA"),
        ({"payer": "ab" * 32, "paid_at": "2026-03-01T00:00:00"}, "E_TIME_NO_OFFSET"),
        ({"detail": {}, "seller_tax_id": "44078819091887401X"}, "E_USCC_CHECKSUM"),
        ({"refund_fen": 0}, "E_SCHEMA"),
    ]
    for members, code in cases:
        value = events.value(events.refund(**members))
        assert by_core(value) == by_reference(value) == (code,), value


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
"""The eight points of small order, and encodings of them that are not canonical."""


def odd_keys() -> list[bytes]:
    """Keys of small order, with torsion, not canonical, not on the curve, and good ones."""
    rng = random.Random(7)
    good = [ed25519.public_key(bytes([n]) * 32) for n in range(4)]
    eighth = ed25519.decode(bytes.fromhex(SMALL_ORDER[4]))
    mixed = [ed25519.encode(ed25519.add(ed25519.decode(key), eighth)) for key in good]
    small = [bytes.fromhex(key) for key in SMALL_ORDER]
    return good + mixed + small + [rng.randbytes(32) for _ in range(60)] + [b"\xff" * 32]


@pytest.mark.parametrize("key", odd_keys(), ids=lambda key: key.hex()[:12])
def test_keys_are_admitted_alike(key: bytes) -> None:
    def admits(admit: Any) -> bool:
        try:
            admit(key)
        except ValueError:
            return False
        return True

    assert admits(_core.admit_key) == admits(ed25519.admit_key)


def odd_signatures() -> list[tuple[bytes, bytes, bytes]]:
    """(key, value, signature): good; S + L; torsion in R or A; spoiled bits; other messages; foreign keys."""
    rng = random.Random(11)
    cases = []
    torsion = ed25519.decode(bytes.fromhex(SMALL_ORDER[4]))
    for n in range(8):
        seed, value = bytes([n]) * 32, rng.randbytes(n * 20)
        key, message = ed25519.public_key(seed), pae(PAYLOAD_TYPE, value)
        good = ed25519.sign(seed, message)
        s = int.from_bytes(good[32:], "little")
        shifted = ed25519.encode(ed25519.add(ed25519.decode(good[:32]), torsion))
        cases += [
            (key, value, good),
            (key, value + b" ", good),
            (ed25519.public_key(bytes([n + 1]) * 32), value, good),
            (key, value, good[:32] + (s + ed25519.L).to_bytes(32, "little")),
            (key, value, good[:32] + bytes(32)),
            (key, value, shifted + good[32:]),
            (key, value, bytes.fromhex(SMALL_ORDER[0]) + good[32:]),
            (ed25519.encode(ed25519.add(ed25519.decode(key), torsion)), value, good),
        ]
        for _ in range(6):
            bit = rng.randrange(512)
            spoiled = bytearray(good)
            spoiled[bit // 8] ^= 1 << bit % 8
            cases.append((key, value, bytes(spoiled)))
    for small in SMALL_ORDER:
        point = bytes.fromhex(small)
        cases += [(point, b"x", point + bytes(32)), (cases[0][0], b"x", point + bytes(32))]
    return cases + identity_r_signatures()


def identity_r_signatures() -> list[tuple[bytes, bytes, bytes]]:
    """R is the identity, which the rule admits where the equation holds (S = k a) and R is canonical."""
    seed, value = b"\x05" * 32, b"identity"
    key, scalar = ed25519.public_key(seed), ed25519._expand(seed)[0]
    cases = []
    for r in (bytes.fromhex(SMALL_ORDER[0]), bytes.fromhex(SMALL_ORDER[8]), bytes.fromhex(SMALL_ORDER[9])):
        digest = hashlib.sha512(r + key + pae(PAYLOAD_TYPE, value)).digest()
        s = int.from_bytes(digest, "little") * scalar % ed25519.L
        cases.append((key, value, r + s.to_bytes(32, "little")))
    return cases


def test_signatures_are_judged_alike_in_batches_and_alone() -> None:
    cases = odd_signatures()
    expected = [ed25519.verify(key, pae(PAYLOAD_TYPE, value), signature) for key, value, signature in cases]
    assert set(expected) == {True, False}
    keys, values, signatures = (list(column) for column in zip(*cases, strict=True))
    assert _core.verify_batch(keys, values, signatures) == expected
    assert [_core.verify_batch([k], [v], [s])[0] for k, v, s in cases] == expected
    shuffled = list(range(len(cases))) * 40
    random.Random(3).shuffle(shuffled)
    many = [cases[at] for at in shuffled]
    keys, values, signatures = (list(column) for column in zip(*many, strict=True))
    assert _core.verify_batch(keys, values, signatures) == [expected[at] for at in shuffled]


def test_signing_is_deterministic_and_alike() -> None:
    for n in range(6):
        seed, value = bytes([n * 7 + 1]) * 32, bytes(n * 13)
        assert _core.public_key(seed) == ed25519.public_key(seed)
        assert _core.sign(seed, value) == ed25519.sign(seed, pae(PAYLOAD_TYPE, value))
        assert _core.kid(_core.public_key(seed)) == kid_of(ed25519.public_key(seed)).hex()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=20), st.data())
def test_trees_and_digests_are_alike(leaves: list[bytes], data: st.DataObject) -> None:
    assert _core.merkle_root(leaves) == merkle.root(leaves)
    assert _core.block_hash(b"".join(leaves)) == block_hash(b"".join(leaves))
    if leaves:
        index = data.draw(st.integers(0, len(leaves) - 1))
        assert _core.leaf_hash(leaves[index]) == leaf_hash(leaves[index])
        assert _core.inclusion_proof(leaves, index) == merkle.path(leaves, index)


RECORDS = st.tuples(
    st.integers(0, 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.binary(max_size=50),
    st.none() | st.binary(max_size=3000),
    st.lists(st.tuples(st.text(max_size=12), st.none() | st.binary(max_size=70)), max_size=4),
)


@settings(max_examples=100, deadline=None)
@given(RECORDS)
def test_input_bytes_and_digests_are_alike(record: Any) -> None:
    offset, timestamp, key, value, headers = record
    mine = Input(3, offset, timestamp, key, value, headers)
    assert _core.input_bytes(record) == mine.canonical
    assert _core.input_digest(record) == mine.digest
    assert from_canonical(3, timestamp, mine.canonical) == mine


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**53 - 1), st.integers(0, 10_000))
def test_tax_is_split_alike(total: int, rate: int) -> None:
    assert _core.split_tax(total, rate) == records.split_tax(total, rate)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=fields.USCC_DIGITS + "IOZ", min_size=17, max_size=19))
def test_tax_ids_are_checked_alike(text: str) -> None:
    for candidate in [text, *(text[:17] + digit for digit in fields.USCC_DIGITS)]:
        mine = core = None
        try:
            fields.uscc(candidate)
        except Rejected as refusal:
            mine = refusal.code
        try:
            _core.check_uscc(candidate)
        except ValueError as refusal:
            core = str(refusal)
        assert mine == core


def test_headers_and_records_are_read_alike() -> None:
    header = cbor.encode([1, 1, "shenzhen/0", 5, bytes(32), 1_700_000_000_000, 2, blake3(b"r"), blake3(b"i")])
    fields_ = _core.decode_header(header)
    assert (fields_["chain"], fields_["height"], fields_["record_count"]) == ("shenzhen/0", 5, 2)
    for broken in (header + b"\0", header[:-1], header.replace(b"\x01\x01", b"\x01\x02", 1)):
        with pytest.raises(ValueError, match=r".+"):
            _core.decode_header(broken)
