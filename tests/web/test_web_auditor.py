"""The auditor's pages: shown to an auditor alone, and what they say is what the ledger says."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from farechain import _core
from farechain.access.roles import Role
from farechain.pages.auditor.completeness import completeness
from farechain.pages.auditor.register import register
from farechain.promise.document import Document
from farechain.promise.folder import Folder
from web.town import COMPANY, ISSUER, SELLER, Town, invoice, record_of, ride

PAGES = ["", "/blocks", "/blocks/1", "/completeness", "/dead-letters", "/commands", "/declarations"]
PAYMENTS = 1


def reject(town: Town, *numbers: int) -> None:
    """Payments whose signature was spoilt on their way, through their topic."""
    intake = town.ledger.intake()
    offset = intake.expected(PAYMENTS)
    records = [record_of(offset + n, ride(number)) for n, number in enumerate(numbers)]
    spoilt = [(*record[:3], (record[3] or b"").replace(b"665", b"666"), record[4]) for record in records]
    intake.push_records(PAYMENTS, cast(Any, spoilt), None)
    committed = town.ledger.commit(town.ledger.prepare(intake.seal(100)), town.ledger.status()["time_ms"] + 1)
    assert committed.rejected == {"E_SIGNATURE": len(numbers)}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    made = Town(tmp_path)
    async with made.open():
        await made.found()
    reject(made, 8, 9)
    async with made.again(ride(1), ride(2)):
        made.follow()
        made.publish()
        yield made


@pytest.fixture
async def auditor(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with town.person(Role.AUDITOR, COMPANY) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_the_pages_are_an_auditors_alone(town: Town, path: str) -> None:
    assert (await town.http.get(f"/auditor{path}")).status_code == 401
    for role in (Role.REIMBURSER, Role.ISSUER, Role.BUREAU):
        async with town.person(role, COMPANY) as other:
            page = await other.get(f"/auditor{path}")
            assert page.status_code == 401
            assert town.ledger.head.hex() not in page.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_each_page_is_there_in_both_languages(
    auditor: httpx.AsyncClient, path: str, language: str
) -> None:
    page = await auditor.get(f"/auditor{path}", headers={"accept-language": language})
    assert page.status_code == 200
    assert ("审计" if language == "zh" else "Auditor") in page.text
    assert page.text.count('aria-current="page"') == 1


async def test_the_checkpoint_is_shown_with_its_signers(town: Town, auditor: httpx.AsyncClient) -> None:
    page = (await auditor.get("/auditor")).text
    _origin, size, root = _core.parse_checkpoint((town.place / "public" / "checkpoint").read_text())
    assert root.hex() in page
    assert size == town.ledger.height + 1
    assert f"/tile/entries/000.p/{size}" in page
    assert (await auditor.get(f"/tile/entries/000.p/{size}")).status_code == 200
    assert "not known here" in page
    found = {"ok": True, "what": None, "blocks": 1234, "signatures_verified": 77, "head": "", "at_ms": 1}
    (town.place / "audit.json").write_text(json.dumps(found))
    page = (await auditor.get("/auditor")).text
    assert "all of it holds" in page
    assert "1,234" in page


async def test_blocks_are_paged_and_one_is_shown_whole(town: Town, auditor: httpx.AsyncClient) -> None:
    page = (await auditor.get("/auditor/blocks?before=3")).text
    assert "/auditor/blocks/2" in page
    assert "/auditor/blocks/3" not in page
    block = town.ledger.block(town.ledger.height)
    assert block is not None
    page = (await auditor.get(f"/auditor/blocks/{town.ledger.height}")).text
    for value in (block["hash"], block["records_root"], block["inputs_root"], block["header"]):
        assert value.hex() in page
    assert "invoice issued" in page
    assert block["outcomes"][0]["digest"].hex() in page
    assert "1–2 / 2" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/blocks/999", 404),
        ("/blocks/-1", 422),
        ("/blocks/1e3", 422),
        ("/blocks/" + "9" * 40, 422),
        ("/blocks?before=٣", 422),
        ("/completeness?last=x", 422),
        ("/completeness?last=0", 200),
        ("/completeness?last=999999999", 200),
        ("/commands?before=x.y", 422),
        ("/commands?before=2.1", 200),
        ("/dead-letters?after=x", 422),
        ("/dead-letters?party=<script>", 200),
        ("/declarations?after=" + "9" * 30, 422),
    ],
)
async def test_places_that_are_none_are_told(auditor: httpx.AsyncClient, path: str, status: int) -> None:
    page = await auditor.get(f"/auditor{path}")
    assert page.status_code == status
    assert "<script>" not in page.text.replace("<script src", "")


async def test_every_partition_is_whole_and_counted(town: Town, auditor: httpx.AsyncClient) -> None:
    found = completeness(town.ledger)
    (metro, http) = found.partitions
    assert (metro.topic, metro.first_offset, metro.next_offset) == ("payments.metro", 0, 4)
    assert metro.verdicts == {"REJECTED": 2, "ISSUED": 2}
    assert http.verdicts == {"APPLIED": 14}
    assert (metro.without_record, metro.whole, http.whole, found.ends) == (0, True, True, True)
    page = (await auditor.get("/auditor/completeness")).text
    assert "Every event is accounted for" in page
    assert "payments.metro/0" in page


async def test_pages_of_completeness_join(town: Town) -> None:
    head = town.ledger.height
    newer = completeness(town.ledger, None, 4)
    older = completeness(town.ledger, newer.first - 1, 4)
    assert (older.last + 1, newer.last) == (newer.first, head)
    ends = {each.topic: each.next_offset for each in older.partitions}
    starts = {each.topic: each.first_offset for each in newer.partitions}
    assert all(ends[topic] == starts[topic] for topic in ends.keys() & starts.keys())
    assert ends.keys() & starts.keys()


class Altered:
    """A ledger that tells a block of its own making."""

    def __init__(self, ledger: _core.Ledger, height: int, change: Any) -> None:
        self._ledger, self._height, self._change = ledger, height, change
        self.height = ledger.height
        self.positions = ledger.positions

    def block(self, height: int) -> dict[str, Any] | None:
        block = self._ledger.block(height)
        if block is not None and height == self._height:
            self._change(block)
        return block


@pytest.mark.parametrize(
    "change",
    [
        lambda block: block["ranges"][0].update(first_offset=1),
        lambda block: block["ranges"][0].update(next_offset=9),
        lambda block: block["outcomes"].append(block["outcomes"][0]),
        lambda block: block["outcomes"][0].update(offset=99),
        lambda block: block["ranges"].clear(),
    ],
)
async def test_what_does_not_join_is_seen(town: Town, change: Any) -> None:
    altered = Altered(town.ledger, town.ledger.height, change)
    found = completeness(cast(Any, altered))
    assert not (found.ends and all(each.whole for each in found.partitions))


async def test_dead_letters_are_told_in_words_and_by_party(town: Town, auditor: httpx.AsyncClient) -> None:
    page = (await auditor.get("/auditor/dead-letters")).text
    assert "the signature does not verify" in page
    assert f"party={SELLER}" in page
    assert town.books.dead_letter_counts() == [(SELLER, "E_SIGNATURE", 2)]
    assert "payments.metro/0 1" in (await auditor.get(f"/auditor/dead-letters?party={SELLER}")).text
    assert "payments.metro/0 1" not in (await auditor.get(f"/auditor/dead-letters?party={COMPANY}")).text
    assert "T8" not in page


async def test_the_register_has_every_command_once(town: Town, auditor: httpx.AsyncClient) -> None:
    await town.client.send(ISSUER.red_issue(invoice(1), "SALES_RETURN"))
    rows, older = register(town.ledger, (town.ledger.height + 1, 0), 100)
    assert older is None
    assert len(rows) == 15
    assert (rows[0].kind, rows[0].tax_id, rows[0].role) == ("RED_OF_LINES", SELLER, "ISSUER")
    paged, at = [], (town.ledger.height + 1, 0)
    while True:
        part, older = register(town.ledger, at, 4)
        paged += part
        if older is None:
            break
        height, index = older.split(".")
        at = (int(height), int(index))
    assert paged == rows
    assert "MANDATE" in (await auditor.get("/auditor/commands")).text


@pytest.mark.parametrize(
    ("late", "told"),
    [(0, "all within a minute"), (1, "99.99 % within a minute")],
)
async def test_the_promise_of_the_last_day_is_told(
    town: Town, auditor: httpx.AsyncClient, late: int, told: str
) -> None:
    assert "No range of blocks of the last day" in (await auditor.get("/auditor")).text
    now_ms = int(time.time() * 1000)
    slowest = 61_234 if late else 870
    Folder(town.place / "public").put(
        Document(
            chain=town.ledger.chain,
            first=1,
            last=2,
            previous=None,
            positions=(),
            from_ms=now_ms - 1000,
            to_ms=now_ms,
            events=12_345,
            counts=(12_345 - late, *[0] * 8, late),
            sum_ms=100_000,
            max_ms=slowest,
            max_height=2,
            checkpoints=((3, now_ms),),
            notes=(),
        )
    )
    page = (await auditor.get("/auditor")).text
    assert "12,345" in page
    assert told in page
    assert f"{slowest / 1000:.1f} s" in page
    assert 'href="/auditor/blocks/2"' in page
