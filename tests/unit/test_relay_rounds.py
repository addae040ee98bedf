"""A relay that has much to send again holds a bounded part of it at once."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from aiokafka import AIOKafkaProducer

from farechain._core import Ledger
from farechain.pipeline.relay import BLOCKS_PER_ROUND_MAX, MESSAGES_PER_ROUND, Message, Position, Relay


def relay(place: Path, messages_in_block: int) -> Relay:
    """A relay over 200 blocks of so many messages each; its producer is never asked."""

    def fetch(first: int, max_blocks: int) -> tuple[int, list[Message]]:
        return first + max_blocks, [(b"key", b"value", [])] * (messages_in_block * max_blocks)

    ledger = cast(Ledger, SimpleNamespace(height=199))
    producer = cast(AIOKafkaProducer, None)
    return Relay(ledger, fetch, producer, "receipts", Position(place / "receipts.json"))


def test_a_round_of_full_blocks_is_one_block(tmp_path: Path) -> None:
    height, messages = relay(tmp_path, 8192)._collect(0)
    assert (height, len(messages)) == (1, 8192)


def test_a_round_of_small_blocks_is_bounded_by_blocks(tmp_path: Path) -> None:
    height, messages = relay(tmp_path, 2)._collect(10)
    assert (height, len(messages)) == (10 + BLOCKS_PER_ROUND_MAX, 2 * BLOCKS_PER_ROUND_MAX)


def test_a_round_ends_with_the_block_that_fills_it(tmp_path: Path) -> None:
    _height, messages = relay(tmp_path, 100)._collect(0)
    assert MESSAGES_PER_ROUND <= len(messages) < MESSAGES_PER_ROUND + 100


def test_empty_blocks_do_not_let_the_next_round_grow(tmp_path: Path) -> None:
    empty = relay(tmp_path, 0)
    assert empty._collect(0) == (BLOCKS_PER_ROUND_MAX, [])
    assert len(relay(tmp_path, 8192)._collect(64)[1]) == 8192
    assert empty._collect(190) == (200, [])
