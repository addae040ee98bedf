"""The private store: opens what it kept, forgets what it was told to, in every byte; never a wrong text."""

import random
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from farechain.errors import FarechainError
from farechain.private import database
from farechain.private.openings import Kind, commitment_of, verify_opening
from farechain.private.store import Store
from farechain.private.titles import TitleError

KEK = bytes(range(32))
TITLE, NAME, PLATE = Kind.TITLE, Kind.NAME, Kind.PLATE
TEXT = "金丝雀运输有限公司"
SUBJECT = "canary-subject-7f3a"


class Clock:
    """Milliseconds that a test moves."""

    def __init__(self) -> None:
        self.now_ms = 1_772_323_200_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "private" / "store.sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[Store]:
    with Store.open(path, KEK, create=True, clock_ms=clock) as opened:
        yield opened


def raw(path: Path) -> bytes:
    """Every byte of every file beside the store's."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))


def column(path: Path, query: str) -> list[bytes]:
    """The first column of a query, past the store."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute(query)]
    finally:
        connection.close()


def change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def refused(code: str) -> "pytest.RaisesExc[FarechainError]":
    return pytest.raises(FarechainError, check=lambda error: error.code == code)


# Keeping ----------------------------------------------------------------------------------------


def test_what_was_put_opens_and_proves_itself(store: Store) -> None:
    commitment = store.put(SUBJECT, TITLE, TEXT)
    opening = store.opening(commitment)
    assert opening is not None
    assert opening.text == TEXT
    assert verify_opening(commitment, *opening)
    assert not verify_opening(commitment, opening.salt, TEXT + "。")
    assert not verify_opening(commitment, bytes(16), TEXT)
    assert not verify_opening(commitment, opening.salt, TEXT, NAME)
    assert not verify_opening(commitment, b"", TEXT)
    assert store.opening(bytes(32)) is None


def test_it_is_there_after_a_crash(store: Store, path: Path, tmp_path: Path) -> None:
    """The files as they are while the store is open: what a lost process leaves."""
    commitment = store.put(SUBJECT, TITLE, TEXT)
    shutil.copytree(path.parent, tmp_path / "left" / "private")
    with Store.open(tmp_path / "left" / "private" / path.name, KEK) as recovered:
        opening = recovered.opening(commitment)
        assert opening is not None
        assert opening.text == TEXT


def test_a_subject_sees_everything_that_is_kept_of_it(store: Store, clock: Clock) -> None:
    first = store.put("a", TITLE, "甲")
    clock.now_ms += 1
    second = store.put("a", PLATE, "粤B12345")
    store.put("b", NAME, "乙")
    store.mark_claimed([first])
    told = [(one.commitment, one.kind, one.opening.text, one.claimed) for one in store.by_subject("a")]
    assert told == [(first, TITLE, "甲", True), (second, PLATE, "粤B12345", False)]
    assert store.by_subject("c") == []


def test_an_opening_that_a_signer_made_is_kept_once(store: Store) -> None:
    salt = bytes(range(16))
    commitment = store.put("a", TITLE, TEXT, salt)
    assert commitment == commitment_of(TITLE, salt, TEXT) == store.put("a", TITLE, TEXT, salt)
    assert len(store.by_subject("a")) == 1
    with pytest.raises(ValueError, match="another subject"):
        store.put("b", TITLE, TEXT, salt)


def test_what_is_no_title_is_not_kept(store: Store, path: Path) -> None:
    for text in ("", "a\u202eb", "🚇"):
        with pytest.raises(TitleError):
            store.put(SUBJECT, TITLE, text)
    for subject, salt in (("", None), ("x" * 257, None), ("a", b"short")):
        with pytest.raises(ValueError, match="bytes"):
            store.put(subject, TITLE, TEXT, salt)
    assert column(path, "SELECT commitment FROM entries") == []
    assert column(path, "SELECT subject FROM subjects") == []


def test_salts_are_fresh_so_that_few_values_cannot_be_tried(store: Store) -> None:
    """The same plate, two hundred times: nothing repeats, and no guess without the salt meets any of them."""
    commitments = [store.put(f"driver-{number % 5}", PLATE, "粤B12345") for number in range(200)]
    openings = [store.opening(each) for each in commitments]
    assert len(set(commitments)) == len({one.salt for one in openings if one}) == 200
    assert all(len(one.salt) == 16 for one in openings if one)
    guesses = {commitment_of(PLATE, bytes(16), f"粤B{number:05}") for number in range(12_300, 12_400)}
    assert guesses.isdisjoint(commitments)


def test_the_length_of_what_is_stored_tells_little_of_a_name(store: Store, path: Path) -> None:
    for text in ("王", "欧阳修", "深圳市地铁集团有限公司"):
        store.put(SUBJECT, NAME, text)
    assert len(set(column(path, "SELECT length(sealed) FROM entries"))) == 1


def test_many_threads_at_once(store: Store) -> None:
    kept: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda own=number: kept.extend(store.put(f"s{own}", TITLE, "甲") for _ in "123")
        )
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for one in kept if store.opening(one)}) == 18


# Erasing ----------------------------------------------------------------------------------------


def test_after_erasure_no_byte_of_it_is_in_any_file(store: Store, path: Path, tmp_path: Path) -> None:
    """Nor the key under which older bytes could be read; also not in the files of a store that is open."""
    commitments = [store.put(SUBJECT, kind, TEXT) for kind in (TITLE, NAME)]
    other = store.put("somebody else", TITLE, TEXT)
    salts = [one.salt for one in map(store.opening, commitments) if one]
    plain = [SUBJECT.encode(), *salts, *(TEXT.encode(code) for code in ("utf-8", "gb18030", "utf-16-le"))]
    wrapped, kept = column(path, "SELECT wrapped FROM keys ORDER BY number")
    before = raw(path)
    assert wrapped in before
    assert not any(each in before for each in plain)

    assert store.erase(SUBJECT) == 2

    shutil.copytree(path.parent, tmp_path / "left" / "private")
    for files in (path, tmp_path / "left" / "private" / path.name):
        after = raw(files)
        assert not any(each in after for each in [*plain, wrapped, wrapped[12:28], wrapped[-16:]])
        assert kept in after
    with Store.open(tmp_path / "left" / "private" / path.name, KEK) as copy:
        assert copy.by_subject(SUBJECT) == []
        assert [copy.opening(each) for each in commitments] == [None, None]
        assert copy.opening(other) is not None


def test_no_key_survives_where_rows_are_moved_about(store: Store, path: Path) -> None:
    """Keeping and erasing at random splits and joins pages, which leave copies of rows behind."""
    rng = random.Random(20260301)
    alive: list[str] = []
    forgotten: list[bytes] = []
    for number in range(240):
        if not alive or rng.random() < 0.7:
            alive.append(f"s{number}")
            store.put(alive[-1], NAME, "名" * rng.randrange(1, 51))
            continue
        query = "SELECT wrapped FROM keys WHERE wrapped != zeroblob(60)"
        before = set(column(path, query))
        assert store.erase(alive.pop(rng.randrange(len(alive)))) == 1
        (gone,) = before - set(column(path, query))
        forgotten.append(gone)
        bytes_now = raw(path)
        assert not any(part in bytes_now for one in forgotten for part in (one[:16], one[16:32], one[-16:]))
    assert len(forgotten) > 40
    assert all(len(store.by_subject(one)) == 1 for one in alive)


def test_erasing_again_finds_nothing_and_a_new_start_is_a_new_key(store: Store, path: Path) -> None:
    assert store.erase("never seen") == 0
    old = store.put(SUBJECT, TITLE, TEXT)
    assert (store.erase(SUBJECT), store.erase(SUBJECT)) == (1, 0)
    new = store.put(SUBJECT, TITLE, TEXT)
    assert store.opening(old) is None
    assert store.opening(new) is not None
    assert len(store.erasures()) == 1


def test_an_erasure_that_was_cut_short_is_finished_when_the_store_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = Store.open(path, KEK, create=True)
    store.put(SUBJECT, TITLE, TEXT)
    (wrapped,) = column(path, "SELECT wrapped FROM keys")
    with monkeypatch.context() as cut:
        cut.setattr(database.Database, "scrub", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.erase(SUBJECT)
    shutil.copytree(path.parent, tmp_path / "left" / "private")
    store.close()
    left = tmp_path / "left" / "private" / path.name
    assert wrapped in raw(left)
    with Store.open(left, KEK) as recovered:
        assert recovered.by_subject(SUBJECT) == []
        assert wrapped not in raw(left)


def _interrupted(_database: database.Database) -> None:
    raise KeyboardInterrupt


def test_a_reader_that_holds_the_old_bytes_is_an_error_and_erasing_again_finishes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    with Store.open(path, KEK, create=True) as store:
        store.put(SUBJECT, TITLE, TEXT)
        (wrapped,) = column(path, "SELECT wrapped FROM keys")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        with refused("E_PRIVATE_BUSY"):
            store.erase(SUBJECT)
        assert store.by_subject(SUBJECT) == []
        reader.close()
        assert store.erase(SUBJECT) == 0
        assert wrapped not in raw(path)


def test_a_backup_from_before_an_erasure_is_erased_again(
    store: Store, path: Path, clock: Clock, tmp_path: Path
) -> None:
    store.put("early", TITLE, "早")
    store.erase("early")
    kept = store.put("stays", TITLE, "留")
    store.put(SUBJECT, TITLE, TEXT)
    shutil.copytree(path.parent, tmp_path / "backup" / "private")
    clock.now_ms += 1000
    store.put(SUBJECT, NAME, TEXT)
    assert store.erase(SUBJECT) == 2
    later = store.put(SUBJECT, NAME, "后来")

    backup = tmp_path / "backup" / "private" / path.name
    (wrapped,) = column(backup, "SELECT wrapped FROM keys ORDER BY number DESC LIMIT 1")
    with Store.open(backup, KEK, clock_ms=clock) as restored:
        assert len(restored.by_subject(SUBJECT)) == 1
        assert restored.reapply(store.erasures()) == 1
        assert restored.by_subject(SUBJECT) == []
        assert wrapped not in raw(backup)
        assert restored.opening(kept) is not None
        assert restored.reapply(store.erasures()) == 0
        assert restored.erasures() == store.erasures()
    # Applied where it happened, it spares what the subject gave afterwards.
    assert store.reapply(store.erasures()) == 0
    assert store.opening(later) is not None


def test_an_erasure_finds_its_subject_when_the_clock_went_back(
    store: Store, path: Path, clock: Clock, tmp_path: Path
) -> None:
    store.put(SUBJECT, TITLE, TEXT)
    shutil.copytree(path.parent, tmp_path / "backup" / "private")
    clock.now_ms -= 3_600_000
    store.erase(SUBJECT)
    later = store.put(SUBJECT, TITLE, "后来")
    with Store.open(tmp_path / "backup" / "private" / path.name, KEK) as restored:
        assert restored.reapply(store.erasures()) == 1
        assert restored.by_subject(SUBJECT) == []
    assert store.reapply([*store.erasures()]) == 0
    assert store.opening(later) is not None


def test_the_list_of_erasures_names_nobody(store: Store, path: Path) -> None:
    store.put(SUBJECT, TITLE, TEXT)
    store.erase(SUBJECT)
    (erasure,) = store.erasures()
    assert (len(erasure.subject), erasure.entries) == (32, 1)
    assert SUBJECT.encode() not in raw(path)


def test_orphans_are_collected_and_what_a_record_names_is_not(store: Store, path: Path, clock: Clock) -> None:
    named, orphan, marked = (store.put(who, TITLE, TEXT) for who in ("a", "b", "c"))
    store.mark_claimed([marked])
    clock.now_ms += 1000
    young = store.put("d", TITLE, TEXT)
    asked: list[bytes] = []

    def is_named(commitment: bytes) -> bool:
        asked.append(commitment)
        return commitment == named

    assert store.collect_orphans(clock.now_ms, is_named) == 1
    assert sorted(asked) == sorted([named, orphan])
    assert [store.opening(one) is not None for one in (named, orphan, marked, young)] == [
        True,
        False,
        True,
        True,
    ]
    assert store.by_subject("a")[0].claimed
    assert len([one for one in column(path, "SELECT wrapped FROM keys") if any(one)]) == 3
    assert store.erasures() == []
    assert store.collect_orphans(clock.now_ms, is_named) == 0


def test_orphans_beyond_one_transaction(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farechain.private.store.ORPHANS_AT_ONCE", 2)
    for number in range(7):
        store.put(f"s{number % 3}", TITLE, TEXT)
    assert store.collect_orphans(clock.now_ms + 1, lambda _commitment: False) == 7


# Damage and keys --------------------------------------------------------------------------------


def test_another_key_is_one_clear_error(store: Store, path: Path) -> None:
    store.put(SUBJECT, TITLE, TEXT)
    with refused("E_PRIVATE_KEY") as error:
        Store.open(path, bytes(32))
    assert error.value.exit_code == 2
    assert "private.key_file" in error.value.message
    with pytest.raises(ValueError, match="32 bytes"):
        Store.open(path, bytes(31))


def test_a_store_that_is_not_there_is_not_made_by_opening_it(path: Path) -> None:
    with refused("E_PRIVATE_MISSING"):
        Store.open(path, KEK)
    assert not path.parent.exists()


def test_every_altered_byte_of_a_ciphertext_is_an_error_and_never_another_text(
    store: Store, path: Path
) -> None:
    commitment = store.put(SUBJECT, TITLE, TEXT)
    (sealed,) = column(path, "SELECT sealed FROM entries")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1 << place % 8
        change(path, "UPDATE entries SET sealed = ?", bytes(altered))
        with refused("E_PRIVATE_STORE"):
            store.opening(commitment)
    for cut in (b"", sealed[:11], sealed[:-1], sealed + b"\0"):
        change(path, "UPDATE entries SET sealed = ?", cut)
        with refused("E_PRIVATE_STORE") as error:
            store.by_subject(SUBJECT)
        assert TEXT not in error.value.message
    change(path, "UPDATE entries SET sealed = ?", sealed)
    assert store.opening(commitment) is not None


def test_rows_that_change_places_are_an_error(store: Store, path: Path) -> None:
    first, second = store.put("a", TITLE, "甲"), store.put("a", TITLE, "乙")
    foreign = store.put("b", TITLE, "丙")
    sealed = {
        one: column(path, f"SELECT sealed FROM entries WHERE commitment = x'{one.hex()}'")[0]
        for one in (first, second, foreign)
    }
    for other in (second, foreign):
        change(path, "UPDATE entries SET sealed = ? WHERE commitment = ?", sealed[other], first)
        with refused("E_PRIVATE_STORE"):
            store.opening(first)
    change(path, "UPDATE entries SET sealed = ? WHERE commitment = ?", sealed[first], first)
    change(path, "UPDATE entries SET kind = 'NAME' WHERE commitment = ?", first)
    with refused("E_PRIVATE_STORE"):
        store.opening(first)
    change(path, "UPDATE subjects SET key = 3 - key")
    with refused("E_PRIVATE_STORE"):
        store.opening(second)


def test_a_damaged_or_foreign_file_stops(path: Path) -> None:
    Store.open(path, KEK, create=True).close()
    good = path.read_bytes()
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with refused("E_PRIVATE_STORE"):
        Store.open(path, KEK)
    path.write_bytes(good)
    change(path, "PRAGMA user_version=1")
    with refused("E_PRIVATE_STORE") as error:
        Store.open(path, KEK)
    assert "this version" in error.value.message


def test_after_a_failure_the_store_is_unusable_until_it_is_opened_again(store: Store, path: Path) -> None:
    commitment = store.put(SUBJECT, TITLE, TEXT)
    change(path, "ALTER TABLE entries RENAME TO gone")
    with refused("E_PRIVATE_STORE"):
        store.opening(commitment)
    change(path, "ALTER TABLE gone RENAME TO entries")
    with refused("E_PRIVATE_STORE"):
        store.opening(commitment)
    with Store.open(path, KEK) as again:
        assert again.opening(commitment) is not None


def test_only_the_owner_may_read_the_files(store: Store, path: Path) -> None:
    store.put(SUBJECT, TITLE, TEXT)
    assert len(list(path.parent.iterdir())) == 3
    for each in path.parent.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each.name
    assert path.parent.stat().st_mode & 0o077 == 0
    path.chmod(0o640)
    with refused("E_PRIVATE_STORE") as error:
        Store.open(path, KEK)
    assert "chmod 600" in error.value.message


def test_every_commit_is_synced_and_what_is_deleted_is_overwritten(path: Path) -> None:
    opened = database.Database(path, create=True)
    settings = {
        name: opened.read(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "secure_delete")
    }
    opened.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_texts_and_salts_are_in_no_representation(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """What a traceback or a log line would show."""
    commitment = store.put(SUBJECT, TITLE, TEXT)
    shown = f"{store!r} {store.opening(commitment)!r} {store.by_subject(SUBJECT)!r} {caplog.text}"
    opening = store.opening(commitment)
    assert opening is not None
    assert TEXT not in shown
    assert repr(opening.salt) not in shown
