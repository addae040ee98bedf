"""Documents of a person: kept, replaced, forgotten, and gone with the person in every byte."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from farechain.errors import FarechainError
from farechain.private import documents
from farechain.private.openings import Kind
from farechain.private.store import Store

KEK = bytes(range(32))
SUBJECT = "canary-subject-7f3a"
TRIP = b"canary-payment-identity-91c2"
OPENING = b"canary-payer-opening-5d10"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "private" / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, KEK, create=True) as opened:
        yield opened


def raw(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))


def rows(path: Path, query: str) -> list[tuple[bytes, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_they_come_back_oldest_first_and_a_later_one_replaces(store: Store, path: Path) -> None:
    for number in (3, 1, 2):
        store.keep(SUBJECT, "TRIP", bytes([number]), b"first")
    store.keep(SUBJECT, "TRIP", b"\3", b"second")
    store.keep(SUBJECT, "TITLE", b"\3", b"")
    store.keep("other", "TRIP", b"\3", bytes(64 * 1024))
    expected = [(b"\3", b"second"), (b"\1", b"first"), (b"\2", b"first")]
    assert store.documents(SUBJECT, "TRIP") == expected
    assert store.documents(SUBJECT, "TITLE") == [(b"\3", b"")]
    assert store.documents("other", "TRIP") == [(b"\3", bytes(64 * 1024))]
    assert store.documents("nobody", "TRIP") == []
    with Store.open(path, KEK) as again:
        assert again.documents(SUBJECT, "TRIP") == expected


def test_one_is_forgotten_and_the_last_takes_the_key_with_it(store: Store, path: Path) -> None:
    store.keep(SUBJECT, "TRIP", TRIP, OPENING)
    store.keep(SUBJECT, "TRIP", b"other", OPENING)
    assert store.forget(SUBJECT, "TRIP", TRIP)
    assert not store.forget(SUBJECT, "TRIP", TRIP)
    assert not store.forget("nobody", "TRIP", TRIP)
    assert store.documents(SUBJECT, "TRIP") == [(b"other", OPENING)]
    (wrapped,) = rows(path, "SELECT wrapped FROM keys")[0]
    assert store.forget(SUBJECT, "TRIP", b"other")
    assert wrapped not in raw(path)
    assert rows(path, "SELECT * FROM subjects") == []


def test_a_person_with_documents_keeps_the_key_when_a_text_is_collected(store: Store) -> None:
    store.put(SUBJECT, Kind.TITLE, "甲")
    store.keep(SUBJECT, "TRIP", TRIP, OPENING)
    assert store.collect_orphans(2**62, lambda _commitment: False) == 1
    assert store.documents(SUBJECT, "TRIP") == [(TRIP, OPENING)]


def test_nothing_of_one_is_in_the_file_and_erasure_takes_the_key(store: Store, path: Path) -> None:
    store.put(SUBJECT, Kind.TITLE, "甲")
    for number in range(50):
        store.keep(SUBJECT, "TRIP", TRIP + bytes([number]), OPENING * 20)
    (wrapped,) = rows(path, "SELECT wrapped FROM keys")[0]
    before = raw(path)
    assert wrapped in before
    assert not any(each in before for each in (SUBJECT.encode(), TRIP, OPENING))
    assert store.erase(SUBJECT) == 51
    after = raw(path)
    assert not any(each in after for each in (TRIP, OPENING, wrapped, wrapped[:16], wrapped[-16:]))
    assert store.documents(SUBJECT, "TRIP") == []
    (erasure,) = store.erasures()
    assert erasure.entries == 51


def test_names_tell_nothing_to_who_has_the_file_and_a_list_of_payments(store: Store, path: Path) -> None:
    """One trip of two people: their rows have no common value, and neither is a hash of the name alone."""
    for who in ("a", "b"):
        store.keep(who, "TRIP", TRIP, OPENING)
    names = {name for (name,) in rows(path, "SELECT name FROM documents")}
    assert len(names) == 2


def test_lengths_tell_little(store: Store, path: Path) -> None:
    for name, document in ((b"a", b""), (b"bb", b"x" * 40)):
        store.keep(SUBJECT, "TRIP", name, document)
    assert len(rows(path, "SELECT DISTINCT length(sealed) FROM documents")) == 1


@pytest.mark.parametrize(
    ("kind", "name", "document"),
    [
        ("", b"n", b""),
        ("trip", b"n", b""),
        ("T" * 33, b"n", b""),
        ("TRIP", b"", b""),
        ("TRIP", bytes(257), b""),
        ("TRIP", b"n", bytes(64 * 1024 + 1)),
    ],
)
def test_what_has_not_the_form_is_not_kept(store: Store, kind: str, name: bytes, document: bytes) -> None:
    with pytest.raises(ValueError, match="has"):
        store.keep(SUBJECT, kind, name, document)
    assert store.erase(SUBJECT) == 0


def test_a_person_has_so_many_and_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "DOCUMENTS_MAX", 3)
    for number in range(3):
        store.keep(SUBJECT, "TRIP", bytes([number]), b"")
    with pytest.raises(FarechainError, check=lambda error: error.code == "E_DOCUMENTS_FULL"):
        store.keep(SUBJECT, "TRIP", b"\3", b"")
    store.keep(SUBJECT, "TRIP", b"\2", b"again")
    store.keep("other", "TRIP", b"\3", b"")
    assert store.documents(SUBJECT, "TRIP")[-1] == (b"\2", b"again")


@pytest.mark.parametrize("column", ["sealed", "name", "kind"])
def test_rows_that_change_places_are_an_error(store: Store, path: Path, column: str) -> None:
    store.keep(SUBJECT, "TRIP", b"a", b"1")
    store.keep(SUBJECT, "OTHER", b"b", b"2")
    connection = sqlite3.connect(path)
    values = connection.execute(f"SELECT {column} FROM documents ORDER BY number DESC").fetchall()
    connection.execute("UPDATE documents SET name = zeroblob(number)") if column == "name" else None
    for number, (value,) in enumerate(values, 1):
        connection.execute(f"UPDATE documents SET {column} = ? WHERE number = ?", (value, number))
    connection.commit()
    connection.close()
    with pytest.raises(FarechainError, check=lambda error: error.code == "E_PRIVATE_STORE"):
        store.documents(SUBJECT, "TRIP")


def test_documents_of_several_people_are_kept_all_or_none(store: Store) -> None:
    store.keep_all("TRIP", [("one", b"a", b"1"), ("two", b"a", b"2"), ("one", b"b", b"3")])
    assert store.documents("one", "TRIP") == [(b"a", b"1"), (b"b", b"3")]
    assert store.documents("two", "TRIP") == [(b"a", b"2")]
    with pytest.raises(ValueError, match="name"):
        store.keep_all("TRIP", [("one", b"c", b"4"), ("two", b"", b"5")])
    with pytest.raises(ValueError, match="subject"):
        store.keep_all("TRIP", [("one", b"c", b"4"), ("", b"d", b"5")])
    assert store.documents("one", "TRIP") == [(b"a", b"1"), (b"b", b"3")]
