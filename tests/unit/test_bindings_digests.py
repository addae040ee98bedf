"""Trees, tax and tax ids: laws and known answers (DOMAIN, section 7). Bytes are compared in tests/vectors."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farechain import _core

LEAVES = [b"leaf %d" % number for number in range(300)]


def test_every_proof_of_trees_to_300_verifies_at_its_place_only() -> None:
    for count in [*range(1, 34), 63, 64, 65, 127, 128, 129, 255, 256, 257, 300]:
        leaves = LEAVES[:count]
        root = _core.merkle_root(leaves)
        for index in {0, 1, count // 2, count - 2, count - 1} & set(range(count)):
            path = _core.inclusion_proof(leaves, index)
            assert _core.verify_inclusion(leaves[index], index, count, path, root)
            assert not _core.verify_inclusion(leaves[index], index, count, [*path, root], root)
            assert not _core.verify_inclusion(leaves[index] + b"!", index, count, path, root)
            assert not path or not _core.verify_inclusion(leaves[index], index, count, path[1:], root)
            for other in {index + 1, index - 1, index ^ 2} & set(range(count)):
                assert not _core.verify_inclusion(leaves[index], other, count, path, root)


def test_roots_of_different_sizes_differ() -> None:
    roots = {_core.merkle_root(LEAVES[:count]) for count in range(301)}
    assert len(roots) == 301


def test_a_tree_of_one_leaf_is_its_leaf() -> None:
    assert _core.merkle_root([b"one"]) == _core.leaf_hash(b"one")
    assert _core.inclusion_proof([b"one"], 0) == []


@pytest.mark.parametrize(("count", "index"), [(0, 0), (1, 1), (3, 3), (3, -1)])
def test_a_leaf_that_is_not_there(count: int, index: int) -> None:
    with pytest.raises(IndexError):
        _core.inclusion_proof(LEAVES[:count], index)


def test_a_leaf_hash_is_no_block_hash_and_no_node() -> None:
    left, right = _core.leaf_hash(b"a"), _core.leaf_hash(b"b")
    assert _core.leaf_hash(left + right) != _core.merkle_root([b"a", b"b"])
    assert _core.leaf_hash(b"a") != _core.block_hash(b"a")


@pytest.mark.parametrize(
    ("total", "rate", "net", "tax"),
    [
        (429_900, 1300, 380_442, 49_458),
        (50_000, 100, 49_505, 495),
        (600, 300, 583, 17),
        (665, 300, 646, 19),
        (1000, 900, 917, 83),
        (200, 300, 194, 6),
    ],
)
def test_tax_known_answers(total: int, rate: int, net: int, tax: int) -> None:
    assert _core.split_tax(total, rate) == (net, tax)
    assert _core.split_tax(-total, rate) == (-net, -tax)


@given(st.integers(0, 2**53 - 1), st.integers(0, 10_000))
def test_net_is_the_nearest_integer_to_the_exact_one(total: int, rate: int) -> None:
    net, tax = _core.split_tax(total, rate)
    assert net + tax == total
    exact = Fraction(total * 10_000, 10_000 + rate)
    assert abs(net - exact) <= Fraction(1, 2)


@given(st.integers(-(2**53), 2**53))
def test_exempt_and_not_taxable_have_no_tax(total: int) -> None:
    assert _core.split_tax(total, "EXEMPT") == _core.split_tax(total, "NONTAXABLE") == (total, 0)


@pytest.mark.parametrize("rate", [10_001, -1, 2**40, "exempt", ""])
def test_what_is_no_rate(rate: _core.Rate) -> None:
    with pytest.raises(ValueError, match="rate"):
        _core.split_tax(100, rate)


@pytest.mark.parametrize("valid", ["91440300708461136T", "91110000600037341L", "92532528MA6L45LX6L"])
def test_valid_tax_ids(valid: str) -> None:
    _core.check_uscc(valid)
    for place in range(18):
        other = "A" if valid[place] != "A" else "B"
        with pytest.raises(ValueError, match="E_USCC_CHECKSUM"):
            _core.check_uscc(valid[:place] + other + valid[place + 1 :])


@pytest.mark.parametrize(
    ("invalid", "code"),
    [
        ("44078819091887401X", "E_USCC_CHECKSUM"),
        ("9111011233024848X", "E_USCC_FORMAT"),
        ("91440300708461136t", "E_USCC_FORMAT"),
        *((f"9144030070846113{letter}T", "E_USCC_FORMAT") for letter in "IOZSV"),
        ("", "E_USCC_FORMAT"),
        ("９1440300708461136T", "E_USCC_FORMAT"),
    ],
)
def test_invalid_tax_ids(invalid: str, code: str) -> None:
    with pytest.raises(ValueError, match=f"^{code}$"):
        _core.check_uscc(invalid)


def test_null_and_empty_are_different_inputs() -> None:
    one = _core.input_digest((0, 0, None, None, []))
    others = [
        _core.input_digest((0, 0, b"", None, [])),
        _core.input_digest((0, 0, None, b"", [])),
        _core.input_digest((0, 0, None, None, [("", None)])),
        _core.input_digest((0, 0, None, None, [("", b"")])),
        _core.input_digest((1, 0, None, None, [])),
    ]
    assert len({one, *others}) == 6
    assert _core.input_digest((0, 99, None, None, [])) == one, "the timestamp stands in the outcome"
