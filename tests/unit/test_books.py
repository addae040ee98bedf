"""The books say of every invoice what the ledger says, however they came there, and are made anew at will."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from farechain import _core
from farechain.books import keeping
from farechain.books.books import Books
from farechain.books.schema import TABLE_NAMES
from farechain.errors import FarechainError
from reference.events import command
from reference.life import Life
from reference.orders import CODE, freeze, of
from reference.stories_claim import pay
from reference.stories_red import gives_back
from reference.telling import BUREAU, ISSUER
from reference.twin import Story

Tables = dict[str, list[tuple[Any, ...]]]


def lived(place: Path, seed: int = 1, steps: int = 250) -> Story:
    """A ledger of all kinds of inputs over few invoices and parties, in blocks of any size."""
    story = Story(place / "ledger", drain_max=3)
    Life(story, seed).run(steps)
    story.does(command("APPLY_NUMBERS", count=100), ISSUER)
    return story


def followed(path: Path, ledger: _core.Ledger, max_blocks: int = 1000) -> Books:
    books = Books.open(path)
    while books.follow(ledger, max_blocks):
        pass
    assert books.height == ledger.height
    return books


def content(path: Path) -> Tables:
    with sqlite3.connect(path) as connection:
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in TABLE_NAMES}


def invoices_of(ledger: _core.Ledger) -> list[tuple[str, int, dict[str, Any]]]:
    """Every blue invoice."""
    found = []
    for grant in ledger.registry()["grants"]:
        for number in range(grant["from"], grant["next"]):
            invoice = ledger.invoice(grant["code"], number)
            if invoice is not None and invoice["standing"] is not None:
                found.append((grant["code"], number, invoice))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_an_invoice_stands_is_what_the_ledger_says(tmp_path: Path, seed: int) -> None:
    story = lived(tmp_path, seed)
    books, booked_count = followed(tmp_path / "books.sqlite", story.ledger, 7), 0
    for code, number, invoice in invoices_of(story.ledger):
        standing, booked = invoice["standing"], books.one(code, number)
        if booked is None:
            axes = (standing["claim"], standing["use"], standing["frozen"], standing["holder"])
            assert axes == ("FREE", "NONE", False, None)
            assert invoice["fields"]["kind"] == "BLUE"
            continue
        booked_count += 1
        holder = standing["holder"].hex() if standing["holder"] else None
        assert {**standing, "holder": holder} == {name: getattr(booked, name) for name in standing}
        assert (booked.height, booked.index) == (invoice["height"], invoice["index"])
        last = books.movements(code, number).entries[-1]
        assert (last.height, last.index, last.time_ms) == invoice["latest"]
        assert last.time_ms == booked.touched_ms
        assert (last.fiscal, last.claim, last.remaining_fen) == (
            booked.fiscal,
            booked.claim,
            booked.remaining_fen,
        )
        assert (booked.locked_ms is None) == (booked.claim == "FREE")
        assert (booked.posted_ms is None) == (booked.claim != "POSTED") == (booked.voucher is None)
    assert booked_count > 10
    story.ledger.close()


def test_a_short_red_letter_of_an_invoice_that_was_touched_before(tmp_path: Path) -> None:
    story = Story(tmp_path / "ledger")
    story.set_up()
    pay(story, "A", "B")
    story.does(freeze(1))
    story.does(of("UNFREEZE", 1))
    assert gives_back(story, "A", 50) == "REVERSED"
    assert gives_back(story, "B", 50, "R2") == "REVERSED"
    books = followed(tmp_path / "books.sqlite", story.ledger)
    booked, red = books.one(CODE, 1), books.one(CODE, 3)
    assert booked is not None
    assert (booked.remaining_fen, booked.fiscal) == (150, "ISSUED")
    assert red is not None
    assert (red.kind, red.original_number, red.total_fen, red.claim) == ("RED", 1, -50, "")
    kinds = [(move.kind, move.kid, move.role) for move in books.movements(CODE, 1).entries]
    bureau = _core.kid(_core.public_key(BUREAU))
    by_bureau = [("FREEZE", bureau, "BUREAU"), ("UNFREEZE", bureau, "BUREAU")]
    assert kinds == [("BLUE", None, None), *by_bureau, ("RED", None, None)]
    assert books.one(CODE, 2) is None, "nobody touched the other one"
    assert books.one(CODE, 4) is None


def test_steps_of_any_size_and_a_rebuild_give_the_same_content(tmp_path: Path) -> None:
    story = lived(tmp_path)
    followed(tmp_path / "once.sqlite", story.ledger).close()
    expected = content(tmp_path / "once.sqlite")
    assert all(expected.values()), "every table has something"
    for seed in range(3):
        chance, path = random.Random(seed), tmp_path / f"{seed}.sqlite"
        books = Books.open(path)
        while books.follow(story.ledger, chance.randint(1, 9)):
            if chance.random() < 0.3:
                books.close()
                books = Books.open(path)
        books.close()
        assert content(path) == expected
    story.ledger.close()


class Failing:
    """A ledger whose annexes cannot be read after some."""

    def __init__(self, ledger: _core.Ledger, readable: int) -> None:
        self._ledger = ledger
        self._left = readable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def annex(self, height: int, index: int) -> bytes | None:
        self._left -= 1
        if self._left < 0:
            raise OSError("no disk")
        return self._ledger.annex(height, index)


def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    story = lived(tmp_path, steps=60)
    path = tmp_path / "books.sqlite"
    followed(tmp_path / "once.sqlite", story.ledger).close()
    books = Books.open(path)
    for readable in (0, 3, 12):
        before, height = content(path), books.height
        with pytest.raises(FarechainError, match="no disk"):
            books.follow(Failing(story.ledger, readable), 1000)  # type: ignore[arg-type]
        assert (content(path), books.height) == (before, height)
        books.follow(story.ledger, 1)
    while books.follow(story.ledger):
        pass
    books.close()
    assert content(path) == content(tmp_path / "once.sqlite")
    story.ledger.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: sqlite3.connect(path).execute("PRAGMA user_version=999"),
        lambda path: path.write_bytes(b"no database, but long enough to have a header" * 100),
        lambda path: path.unlink(),
    ],
    ids=["another version", "no database", "missing"],
)
def test_books_that_cannot_be_used_are_made_again(tmp_path: Path, spoil: Any) -> None:
    story = lived(tmp_path, steps=30)
    path = tmp_path / "books.sqlite"
    followed(path, story.ledger).close()
    expected = content(path)
    spoil(path)
    books = Books.open(path)
    assert books.height == -1
    followed(path, story.ledger).close()
    assert content(path) == expected
    story.ledger.close()


def test_books_of_another_history_or_ahead_of_the_ledger_are_emptied(tmp_path: Path) -> None:
    path, (short, other) = tmp_path / "books.sqlite", (tmp_path / "short", tmp_path / "other")
    long = lived(tmp_path, steps=60)
    for place, steps in ((short, 0), (other, 60)):
        story = lived(place, seed=5, steps=steps)
        followed(place / "books.sqlite", story.ledger).close()
        followed(path, long.ledger).close()
        assert content(path) != content(place / "books.sqlite")
        followed(path, story.ledger).close()
        assert content(path) == content(place / "books.sqlite")
        story.ledger.close()
    long.ledger.close()


def test_the_newest_dead_letters_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = lived(tmp_path)
    all_of_them = followed(tmp_path / "all.sqlite", story.ledger).dead_letters(None, 200).entries
    assert len(all_of_them) > 20
    monkeypatch.setattr(keeping, "DEAD_LETTERS_MAX", 7)
    kept = followed(tmp_path / "few.sqlite", story.ledger, 3).dead_letters(None, 200)
    assert (kept.entries, kept.after) == (all_of_them[:7], None)
    story.ledger.close()


def test_what_no_query_can_mean_is_refused(tmp_path: Path) -> None:
    books = Books.open(tmp_path / "books.sqlite")
    for cursor in ("", "-1", "x", "１", "9" * 19, "1-"):
        with pytest.raises(FarechainError, match="no cursor of this list"):
            books.locked_by("", 0, 10, cursor)
    for limit in (0, 201):
        with pytest.raises(ValueError, match="limit"):
            books.inbox("", limit)
    with pytest.raises(ValueError, match="claim"):
        books.inbox("", 10, claim="free")
    with pytest.raises(ValueError, match="65 keys"):
        books.held_by([""] * 65, 10)
    books.close()
    with pytest.raises(FarechainError, match="closed"):
        books.inbox("", 10)
