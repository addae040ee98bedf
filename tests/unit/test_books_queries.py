"""What a party's page asks of the books: lists in their order, page by page, and their totals."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from farechain.books.books import Books
from farechain.books.entries import BookedInvoice, Page, Total
from reference import events, orders
from reference.events import APP, BUYER, OTHER_BUYER, SELLER, command
from reference.orders import CODE, claim, lock, of, post, red, reimburse, retitle, unlock
from reference.stories_books import MONTH_MS
from reference.stories_claim import pay
from reference.stories_red import gives_back
from reference.telling import (
    AGENT,
    BUREAU,
    DEVICE,
    HOLDER,
    ISSUER,
    OTHER_HOLDER,
    REIMBURSER,
    SPARE,
    Telling,
    key,
    kid,
    rotation,
)
from reference.twin import Story

TRIPS = "ABCDEFGH"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Eight invoices for a company: 1 free, 2 locked, 3 reimbursed, 4 posted, 5 posted and reversed, 6 bound
    over, 7 unlocked again and 8 under another company's title."""
    told = Story(tmp_path_factory.mktemp("books") / "ledger")
    told.set_up(policy="ON_CLAIM")
    told.set_up_parties()
    pay(told, *TRIPS)
    for trip in TRIPS[:7]:
        does(told, claim(trip, holder=kid(HOLDER)), ISSUER, "ISSUED")
    does(told, claim("H", **orders.individual(HOLDER)), AGENT, "REJECTED E_ROLE")
    does(told, claim("H", buyer_tax_id=OTHER_BUYER), ISSUER, "ISSUED")
    for number in (2, 3, 4, 5, 7):
        does(told, lock(number), REIMBURSER)
    for number in (3, 4, 5):
        does(told, reimburse(number, 200), REIMBURSER)
    for number in (4, 5):
        does(told, post(number, f"V-{number}"), REIMBURSER)
    does(told, orders.transfer(6, OTHER_HOLDER), HOLDER)
    does(told, unlock(7), REIMBURSER)
    does(told, red("RED_REQUEST", 5), ISSUER)
    does(told, of("RED_CONFIRM", 5), REIMBURSER, "REVERSED")
    yield told
    told.ledger.close()


def does(told: Telling, order: Any, seed: bytes, becomes: str = "APPLIED") -> None:
    assert told.does(order, seed) == becomes


@pytest.fixture
def books(story: Story, tmp_path: Path) -> Iterator[Books]:
    kept = Books.open(tmp_path / "books.sqlite")
    assert not kept.follow(story.ledger, 1000)
    yield kept
    kept.close()


def numbers(ask: Callable[[str | None], Page[BookedInvoice]]) -> list[int]:
    """All pages of a list."""
    found, page = list[int](), ask(None)
    while True:
        found += [entry.number for entry in page.entries]
        if page.after is None:
            return found
        page = ask(page.after)


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_lists_by_party_begin_with_what_moved_last(books: Books, limit: int) -> None:
    received = [5, 7, 6, 4, 3, 2, 1]
    assert numbers(lambda after: books.inbox(BUYER, limit, after)) == received
    assert numbers(lambda after: books.inbox(OTHER_BUYER, limit, after)) == [8]
    assert numbers(lambda after: books.inbox(BUYER, limit, after, "FREE")) == [7, 6, 1]
    assert numbers(lambda after: books.inbox(BUYER, limit, after, "POSTED")) == [5, 4]
    assert numbers(lambda after: books.held_by([kid(HOLDER)], limit, after)) == [5, 7, 4, 3, 2, 1]
    assert numbers(lambda after: books.held_by([kid(OTHER_HOLDER), kid(HOLDER)], limit, after)) == received
    assert numbers(lambda after: books.held_by([], limit, after)) == []
    assert numbers(lambda after: books.inbox(BUYER, limit, after, is_reversed=True)) == [5]
    assert numbers(lambda after: books.inbox(BUYER, limit, after, "POSTED", is_reversed=False)) == [4]
    assert numbers(lambda after: books.of_claim(BUYER, "T-1", limit, after)) == [5, 4, 3, 2]
    assert numbers(lambda after: books.of_claim(OTHER_BUYER, "T-1", limit, after)) == []
    assert numbers(lambda after: books.of_claim(BUYER, "T-2", limit, after)) == []
    sold = numbers(lambda after: books.sold_by(SELLER, limit, after))
    assert sold == [9, 5, 7, 6, 4, 3, 2, 8, 1], "the red letter too"
    assert numbers(lambda after: books.sold_by(SELLER, limit, after, "LOCKED")) == [2]


def test_a_lock_ages_and_a_reversal_after_posting_is_found(story: Story, books: Books) -> None:
    locked = books.one(CODE, 2)
    assert locked is not None
    assert locked.locked_ms is not None
    assert (locked.locker, locked.claim_id) == (BUYER, "T-1")
    assert numbers(lambda after: books.locked_by(BUYER, locked.locked_ms or 0, 10, after)) == []
    assert numbers(lambda after: books.locked_by(BUYER, (locked.locked_ms or 0) + 1, 10, after)) == [2]
    assert numbers(lambda after: books.locked_by(OTHER_BUYER, 1 << 50, 10, after)) == []
    assert numbers(lambda after: books.reversed_after_posting(BUYER, 10, after)) == [5]
    gone = books.one(CODE, 5)
    assert gone is not None
    assert (gone.fiscal, gone.claim, gone.voucher, gone.period) == ("REVERSED", "POSTED", "V-5", "2026-03")
    assert gone.reversed_after_posting_ms == story.time_ms == gone.touched_ms
    assert numbers(lambda after: books.reversed_after_posting(OTHER_BUYER, 10, after)) == []


def test_a_posted_invoice_tells_who_moved_it_and_when(story: Story, books: Books) -> None:
    moves = books.movements(CODE, 5).entries
    assert [(move.kind, move.role, move.fen) for move in moves] == [
        ("CLAIMED", "ISSUER", 200),
        ("LOCK", "REIMBURSER", None),
        ("REIMBURSE", "REIMBURSER", 200),
        ("POST", "REIMBURSER", None),
        ("RED_REQUEST", "ISSUER", None),
        ("RED_OF_LINES", "REIMBURSER", -200),
    ]
    assert [move.kid for move in moves[:2]] == [kid(ISSUER), kid(REIMBURSER)]
    assert {move.tax_id for move in moves} == {SELLER, BUYER}
    assert (moves[3].voucher, moves[3].period) == ("V-5", "2026-03")
    assert (moves[5].red_code, moves[5].red_number) == (CODE, 9)
    for move in moves:
        block = story.ledger.block(move.height)
        assert block is not None
        assert block["time_ms"] == move.time_ms
    first = books.movements(CODE, 5, 4)
    assert [*first.entries, *books.movements(CODE, 5, 4, first.after).entries] == moves


def test_totals_are_those_of_the_lists(books: Books) -> None:
    totals = books.totals(BUYER, [kid(HOLDER)])
    assert totals.received == {
        "FREE": Total(3, 600),
        "LOCKED": Total(1, 200),
        "REIMBURSED": Total(1, 200),
        "POSTED": Total(2, 200),
    }
    assert totals.received_reversed == {"FREE": 0, "LOCKED": 0, "REIMBURSED": 0, "POSTED": 1}
    assert totals.held == Total(6, 1000)
    assert (totals.locked, totals.reversed_after_posting) == (Total(1, 200), Total(1, 0))
    locked = books.one(CODE, 2)
    assert locked is not None
    assert totals.oldest_lock_ms == locked.locked_ms
    sold = books.totals(SELLER)
    assert {claim: total.count for claim, total in sold.sold.items()} == {
        **{"FREE": 4, "LOCKED": 1, "REIMBURSED": 1, "POSTED": 2}
    }
    assert (sold.red_letters, sold.dead_letters, sold.received["FREE"]) == (1, 0, Total(0, 0))
    assert books.totals(APP).dead_letters == 1


def test_dead_letters_name_the_key_s_party(story: Story, books: Books) -> None:
    (letter,) = books.dead_letters(APP, 10).entries
    assert (letter.source, letter.partition, letter.code) == ("farechain.commands", 0, "E_ROLE")
    assert (letter.kid, letter.tax_id) == (kid(AGENT), APP)
    outcomes = (story.ledger.block(letter.height) or {})["outcomes"]
    assert [one["offset"] for one in outcomes] == [letter.offset]
    assert books.dead_letters(None, 10).entries == [letter]
    assert books.dead_letters(SELLER, 10).entries == []


def test_who_rotates_a_key_holds_what_the_old_one_held(tmp_path: Path) -> None:
    told = Story(tmp_path / "ledger")
    told.set_up(policy="ON_CLAIM")
    told.set_up_parties()
    pay(told, "A", "B")
    does(told, claim("A", holder=kid(HOLDER)), ISSUER, "ISSUED")
    does(told, rotation(HOLDER, SPARE), HOLDER)
    does(told, retitle(1, holder=kid(SPARE)), ISSUER, "ISSUED")
    does(told, claim("B", holder=kid(SPARE)), ISSUER, "ISSUED")
    books = Books.open(tmp_path / "books.sqlite")
    books.follow(told.ledger, 1000)
    assert numbers(lambda after: books.held_by([kid(SPARE)], 1, after)) == [4, 3, 1]
    assert numbers(lambda after: books.held_by([kid(HOLDER)], 1, after)) == [1]
    assert books.totals(APP, [kid(SPARE), kid(HOLDER)]).held.count == 3
    books.close()
    told.ledger.close()


def test_declarations_and_applications_have_their_answers(tmp_path: Path) -> None:
    told = Story(tmp_path / "ledger")
    told.set_up()
    pay(told, "A")
    apply_numbers = command("APPLY_NUMBERS", count=100)
    does(told, apply_numbers, ISSUER)
    does(told, command("REFUSE_NUMBERS", tax_id=SELLER, reason="no"), BUREAU)
    does(told, apply_numbers, ISSUER)
    does(told, events.grant("144032609120", 1, 9, SELLER), BUREAU)
    does(told, apply_numbers, ISSUER)
    told.time_ms += MONTH_MS
    does(told, orders.declare("2026-03", 200, 0, 0), ISSUER)
    declared_ms = told.time_ms
    does(told, orders.acknowledge("2026-03"), BUREAU)
    acknowledged_ms = told.time_ms
    told.time_ms += MONTH_MS
    does(told, orders.declare("2026-04", 0, 0, 0), ISSUER)
    books = Books.open(tmp_path / "books.sqlite")
    books.follow(told.ledger, 1000)
    asked = books.applications(SELLER, 10).entries
    assert [(one.count, one.answer, one.kid) for one in asked] == [
        (100, answer, kid(ISSUER)) for answer in (None, "GRANTED", "REFUSED")
    ]
    later, first = books.declarations(None, 10).entries
    assert (later.period, later.acknowledged_ms) == ("2026-04", None)
    assert (first.period, first.invoiced_fen, first.uninvoiced_fen, first.red_fen) == ("2026-03", 200, 0, 0)
    assert (first.tax_id, first.declared_ms, first.acknowledged_ms) == (SELLER, declared_ms, acknowledged_ms)
    page = books.applications(None, 2)
    assert [*page.entries, *books.applications(None, 2, page.after).entries] == asked
    assert books.applications(BUYER, 10).entries == []
    books.close()
    told.ledger.close()


def test_an_untouched_sale_is_in_no_list_and_a_bound_one_is_its_holder_s(tmp_path: Path) -> None:
    told = Story(tmp_path / "ledger")
    told.set_up()
    told.set_up_parties()
    pay(told, "A", "B")
    does(told, orders.policy(accepts_individuals=True), REIMBURSER)
    does(told, orders.bind(2), ISSUER)
    does(told, lock(2), REIMBURSER)
    assert gives_back(told, "B", 50) == "REVERSED"
    does(told, key(SPARE, "DEVICE", scenes=["METRO"]), ISSUER)
    does(told, rotation(DEVICE, SPARE), SPARE, "REJECTED E_STATE")
    books = Books.open(tmp_path / "books.sqlite")
    books.follow(told.ledger, 1000)
    assert books.one(CODE, 1) is None
    assert books.movements(CODE, 1).entries == []
    found = books.one(CODE, 2)
    assert found is not None
    assert (found.holder, found.claim, found.locker, found.locked_ms) == (kid(HOLDER), "FREE", None, None)
    assert (found.remaining_fen, found.total_fen, found.buyer_tax_id, found.title) == (150, 200, None, None)
    kinds = [move.kind for move in books.movements(CODE, 2).entries]
    assert kinds == ["BLUE", "BIND", "LOCK", "RED_OF_LINES"]
    assert numbers(lambda after: books.inbox(BUYER, 10, after)) == [], "the red letter cancelled its lock"
    books.close()
    told.ledger.close()
