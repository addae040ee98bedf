"""The key-encryption key is replaced: at each instant one of two files opens the store and all in it."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from farechain import keys
from farechain.errors import FarechainError
from farechain.private import database, key_files, subjects
from farechain.private.key_files import next_of, old_of, open_store, rotate
from farechain.private.openings import Kind
from farechain.private.store import Store

PEOPLE = 7


class CutError(Exception):
    """The process ends here."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A store with a few people, one of them erased, and its key."""
    with Store.open(store_of(tmp_path), keys.new_key(key_of(tmp_path)), create=True) as store:
        for number in range(PEOPLE):
            store.put(f"p{number}", Kind.NAME, f"名{number}")
            store.keep(f"p{number}", "TRIP", b"t", b"%d" % number)
        store.put("gone", Kind.NAME, "名")
        store.erase("gone")
    return tmp_path


def store_of(place: Path) -> Path:
    return place / "ledger" / "private" / "store.sqlite"


def key_of(place: Path) -> Path:
    return place / "keys" / "private.key"


def whole(place: Path) -> None:
    """Everything opens, under whichever file it is, and what is new finds the same person."""
    with open_store(store_of(place), key_of(place)) as store:
        for number in range(PEOPLE):
            assert [one.opening.text for one in store.by_subject(f"p{number}")] == [f"名{number}"]
            assert store.documents(f"p{number}", "TRIP") == [(b"t", b"%d" % number)]
        assert store.by_subject("gone") == []
        assert len(store.erasures()) == 1


def wrapped(place: Path) -> list[bytes]:
    """All that stands in the store under the key-encryption key."""
    connection = sqlite3.connect(store_of(place))
    query = "SELECT wrapped FROM keys WHERE wrapped != zeroblob(60) UNION SELECT value FROM store"
    try:
        return [row[0] for row in connection.execute(query)]
    finally:
        connection.close()


def raw(place: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(store_of(place).parent.iterdir()))


def test_everything_opens_under_the_new_key_and_nothing_under_the_old(place: Path) -> None:
    old, before = keys.read_key(key_of(place)), wrapped(place)
    assert len(before) == PEOPLE + 1
    assert rotate(store_of(place), key_of(place)) == PEOPLE
    assert keys.read_key(old_of(key_of(place))) == old != keys.read_key(key_of(place))
    assert not next_of(key_of(place)).exists()
    assert {file.stat().st_mode & 0o777 for file in key_of(place).parent.iterdir()} == {0o600}
    whole(place)
    after = raw(place)
    assert not any(one in after for one in before)
    with pytest.raises(FarechainError, check=lambda error: error.code == "E_PRIVATE_KEY"):
        Store.open(store_of(place), old)


def test_a_backup_from_before_opens_with_the_old_key_and_erasures_meet_their_subjects(place: Path) -> None:
    shutil.copytree(place / "ledger", place / "backup" / "ledger")
    rotate(store_of(place), key_of(place))
    with open_store(store_of(place), key_of(place)) as store:
        store.erase("p0")
        erasures = store.erasures()
    with Store.open(store_of(place / "backup"), keys.read_key(old_of(key_of(place)))) as backup:
        assert backup.reapply(erasures) == 2
        assert backup.by_subject("p0") == []


def test_a_second_rotation_needs_the_first_old_key_out_of_the_way(place: Path) -> None:
    rotate(store_of(place), key_of(place))
    with pytest.raises(FarechainError, match="move it away"):
        rotate(store_of(place), key_of(place))
    assert not next_of(key_of(place)).exists()
    old_of(key_of(place)).unlink()
    rotate(store_of(place), key_of(place))
    whole(place)


def steps(monkeypatch: pytest.MonkeyPatch, on_step: Callable[[int], None]) -> None:
    """Calls ``on_step`` before and after whatever a rotation does that stays."""
    count = 0

    def step() -> None:
        nonlocal count
        on_step(count)
        count += 1

    for holder, name in (
        (keys, "new_key"),
        (key_files, "_sync"),
        (subjects, "seal"),
        (database.Database, "scrub"),
        (os, "link"),
        (Path, "replace"),
    ):
        original = getattr(holder, name)

        def stepped(*args: object, _original: Callable[..., object] = original) -> object:
            step()
            result = _original(*args)
            step()
            return result

        monkeypatch.setattr(holder, name, stepped)


def test_cut_short_anywhere_it_opens_and_goes_on(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step: what a lost process leaves opens, and the rotation, given again, ends."""
    total = 0

    def counted(_number: int) -> None:
        nonlocal total
        total += 1

    with monkeypatch.context() as patched:
        shutil.copytree(place, tmp_path / "counted")
        steps(patched, counted)
        rotate(store_of(tmp_path / "counted"), key_of(tmp_path / "counted"))
    assert total > 2 * PEOPLE + 10
    for cut in range(total):
        here, left = tmp_path / f"cut-{cut}", tmp_path / f"left-{cut}"
        shutil.copytree(place, here, ignore=shutil.ignore_patterns("counted", "cut-*", "left-*"))
        before = keys.read_key(key_of(here))

        def leave(number: int, here: Path = here, left: Path = left, cut: int = cut) -> None:
            if number == cut:
                shutil.copytree(here, left)
                raise CutError

        with monkeypatch.context() as patched:
            steps(patched, leave)
            with pytest.raises(CutError):
                rotate(store_of(here), key_of(here))
        whole(left)
        if old_of(key_of(left)).exists() and keys.read_key(key_of(left)) != before:
            assert not next_of(key_of(left)).exists()  # done but for a sync
        else:
            assert rotate(store_of(left), key_of(left)) == PEOPLE
        assert keys.read_key(old_of(key_of(left))) == before
        whole(left)


def test_a_store_that_is_open_meanwhile_writes_nothing_under_the_old_key(place: Path) -> None:
    with open_store(store_of(place), key_of(place)) as store:
        rotate(store_of(place), key_of(place))
        for write in (
            lambda: store.put("new", Kind.NAME, "新"),
            lambda: store.put("p0", Kind.NAME, "新"),
            lambda: store.by_subject("p0"),
            lambda: store.rewrap(bytes(32)),
        ):
            with pytest.raises(FarechainError, check=lambda error: error.code == "E_PRIVATE_KEY"):
                write()
    whole(place)
