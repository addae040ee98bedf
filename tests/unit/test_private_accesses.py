"""Look-ups by officers: recorded before anything is opened, chained, known by a head kept elsewhere."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from farechain.errors import FarechainError
from farechain.private.accesses import EMPTY_HEAD, AccessHead, Officer
from farechain.private.openings import Kind
from farechain.private.store import Store

KEK = b"k" * 32
OFFICER = Officer("11440300MB2C92312F", "0123456789abcdef")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "private" / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, KEK, create=True, clock_ms=lambda: 1_772_323_200_000) as opened:
        yield opened


def tampered(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    for trigger in ("accesses_stay", "accesses_are_not_changed"):
        connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_look_up_opens_and_is_recorded(store: Store) -> None:
    commitment = store.put("a", Kind.TITLE, "甲公司")
    assert store.access_head() == EMPTY_HEAD
    opening = store.look_up(commitment, OFFICER, "case 2026-0113")
    assert opening is not None
    assert opening.text == "甲公司"
    (row,) = store.accesses()
    assert (row.number, row.by, row.commitment, row.purpose) == (1, OFFICER, commitment, "case 2026-0113")
    assert store.access_head() == AccessHead(1, row.hash)


def test_a_look_up_that_finds_nothing_is_recorded_too(store: Store) -> None:
    commitment = store.put("a", Kind.TITLE, "甲公司")
    store.erase("a")
    assert store.look_up(commitment, OFFICER, "case 1") is None
    assert store.look_up(bytes(32), OFFICER, "case 1") is None
    assert store.verify_accesses() == 2


def test_it_is_recorded_before_it_is_opened(store: Store, path: Path) -> None:
    commitment = store.put("a", Kind.TITLE, "甲公司")
    tampered(path, "UPDATE entries SET sealed = zeroblob(92)")
    with pytest.raises(FarechainError):
        store.look_up(commitment, OFFICER, "case 1")
    assert store.access_head().number == 1


@pytest.mark.parametrize("purpose", ["", " ", "王小明", "x" * 65, "a\nb", " case", "case "])
def test_a_purpose_is_a_case_number(store: Store, purpose: str) -> None:
    commitment = store.put("a", Kind.TITLE, "甲公司")
    with pytest.raises(ValueError, match="purpose"):
        store.look_up(commitment, OFFICER, purpose)
    with pytest.raises(ValueError, match="officer"):
        store.look_up(commitment, Officer("", "t"), "case 1")
    assert store.accesses() == []


def test_the_longest_row_fits_one_chunk_of_the_digest(store: Store) -> None:
    store.look_up(bytes(32), Officer("p" * 64, "t" * 64), "c" * 64)
    assert store.verify_accesses() == 1


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE accesses SET purpose = 'case 9' WHERE number = 2", 2),
        ("UPDATE accesses SET party = 'x' WHERE number = 1", 1),
        ("UPDATE accesses SET at_ms = at_ms + 1 WHERE number = 3", 3),
        ("UPDATE accesses SET commitment = zeroblob(32) WHERE number = 2", 2),
        ("UPDATE accesses SET hash = zeroblob(32) WHERE number = 2", 2),
        ("DELETE FROM accesses WHERE number = 1", 1),
        ("DELETE FROM accesses WHERE number = 2", 2),
    ],
)
def test_a_changed_or_missing_row_is_named(store: Store, path: Path, statement: str, number: int) -> None:
    commitment = store.put("a", Kind.TITLE, "甲公司")
    for case in range(3):
        store.look_up(commitment, OFFICER, f"case {case}")
    assert store.verify_accesses(store.access_head()) == 3
    tampered(path, statement)
    with pytest.raises(FarechainError, match=f"look-up {number} is not"):
        store.verify_accesses()


def test_rows_cut_off_at_the_end_are_missed_by_the_head_that_was_kept(store: Store, path: Path) -> None:
    for case in range(3):
        store.look_up(bytes(32), OFFICER, f"case {case}")
    head = store.access_head()
    store.look_up(bytes(32), OFFICER, "case 4")
    assert store.verify_accesses(head) == 4
    tampered(path, "DELETE FROM accesses WHERE number > 2")
    assert store.verify_accesses() == 2
    with pytest.raises(FarechainError, match="look-up 3"):
        store.verify_accesses(head)


def test_the_table_itself_refuses_to_forget(store: Store, path: Path) -> None:
    store.look_up(bytes(32), OFFICER, "case 1")
    connection = sqlite3.connect(path)
    for statement in ("DELETE FROM accesses", "UPDATE accesses SET purpose = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            connection.execute(statement)
    connection.close()


def test_look_ups_are_durable_when_they_answer(store: Store, path: Path, tmp_path: Path) -> None:
    store.look_up(bytes(32), OFFICER, "case 1")
    shutil.copytree(path.parent, tmp_path / "left" / "private")
    with Store.open(tmp_path / "left" / "private" / path.name, KEK) as recovered:
        assert recovered.access_head() == store.access_head()
