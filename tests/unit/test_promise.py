"""The promise as data: what is summarised of a running chain, and what an outsider finds out about it."""

import asyncio
import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from promise_chain import Outside, all_is_attested, append, documents, running, summarise
from service_chain import Chain, Day, make_day, until

from farechain import _core
from farechain.cli import main
from farechain.pipeline.publish import Published
from farechain.promise.document import BOUNDS_MS, decode, digest_of
from farechain.promise.folder import Folder
from farechain.promise.journal import Journal
from farechain.promise.measuring import SPACING_MS, Covering, covering, measure, witnessed
from farechain.service.promising import PromiseKeeper

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def bureau(day: Day) -> Path:
    return day.bureau_key.with_suffix(".key")


@pytest.fixture(scope="module")
def kept(day: Day, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A chain that kept its promise and attested it, in several summaries; it does not run any more."""
    place = tmp_path_factory.mktemp("kept")
    chain = Chain(place, day, place / "spool", max_inputs=100)
    append(day, place / "spool", 1, only="farechain")
    summarise(chain, 0.3, bureau(day))

    async def live() -> None:
        async with running(chain):
            for topic in ("payments.metro", "payments.r", "payments.p", "payments.s"):
                count = len(documents(chain))
                append(day, place / "spool", 1, only=topic)
                await until(lambda count=count: len(documents(chain)) > count)  # type: ignore[misc]
            await until(lambda: all_is_attested(chain))

    asyncio.run(live())
    return chain


@pytest.fixture
def outside(kept: Chain, tmp_path: Path) -> Outside:
    return Outside.of(kept, tmp_path / "files")


def events_of(ledger: _core.Ledger, height: int) -> int:
    block = ledger.block(height)
    assert block is not None
    return sum(outcome["source"] != 0 for outcome in block["outcomes"])


# What is kept ------------------------------------------------------------------------------------


def test_summaries_have_every_event_once_and_no_gap(kept: Chain) -> None:
    found = documents(kept)
    ledger = kept.ledger()
    assert len(found) >= 4
    assert found[0].first == 1
    for one, other in pairwise(found):
        assert other.first == one.last + 1
        assert other.previous is not None
        assert other.previous.digest == digest_of(one.encoded())
    counts = [events_of(ledger, height) for height in range(1, found[-1].last + 1)]
    assert sum(one.events for one in found) == sum(counts)
    assert all(1000 <= one.max_ms < 60_000 and one.late == 0 for one in found)
    assert kept.audit()


def test_an_outsider_verifies_it(kept: Chain, outside: Outside) -> None:
    report = outside.check()
    assert report.hidden == []
    assert report.kept
    assert report.cosigned
    assert report.attested == len(report.ranges) == len(documents(kept))
    assert report.events >= kept.day.inputs
    assert outside.check(events=False).kept


def test_attestations_alone_make_no_summary(kept: Chain) -> None:
    last = documents(kept)[-1]
    ledger = kept.ledger()
    assert ledger.height > last.last
    _height, _titles, attested = ledger.references(last.last + 1, 1000)
    subjects = [subject for _h, _i, _kid, subject, _digest in attested]
    assert subjects[-1] == last.subject
    assert sum(events_of(ledger, height) for height in range(last.last + 1, ledger.height + 1)) == len(
        subjects
    )


# What is hidden ----------------------------------------------------------------------------------


def test_a_summary_that_is_not_there_is_named(outside: Outside) -> None:
    gone = outside.document(1)
    (outside.files / "promise" / f"{gone.stem}.json").unlink()
    assert outside.check().hidden == [f"the summary of blocks {gone.first} to {gone.last} is not there"]


def test_blocks_without_a_summary_are_named(outside: Outside) -> None:
    names = Folder(outside.files).stems()
    (outside.files / "promise" / "latest").write_text(f"{names[-2]}\n")
    last = outside.document(-2).last
    assert (
        outside.check(pending_s=0, later_s=10)
        .hidden[0]
        .startswith(f"blocks from {last + 1} on are in no summary")
    )
    assert outside.check().hidden == []
    (outside.files / "promise" / "latest").unlink()
    assert outside.check().hidden == ["nothing is summarised"]


def test_an_unattested_summary_is_named_once_it_is_old(outside: Outside) -> None:
    last = outside.document(-1)
    (outside.files / "promise" / f"{last.stem}.proof.json").unlink()
    assert outside.check().hidden == []
    where = f"blocks {last.first} to {last.last}"
    assert (
        f"{where}: the ledger does not attest their summary" in outside.check(pending_s=10, later_s=60).hidden
    )
    older = outside.document(0)
    (outside.files / "promise" / f"{older.stem}.proof.json").unlink()
    assert any("does not attest" in what for what in outside.check().hidden)


def test_other_numbers_are_not_what_the_ledger_attests(outside: Outside) -> None:
    true = outside.document(-1)
    outside.put(replace(true, sum_ms=true.sum_ms + 1))
    assert any("attests another summary" in what for what in outside.check().hidden)


def test_a_summary_between_that_was_changed_is_not_the_one_that_the_next_names(outside: Outside) -> None:
    true = outside.document(0)
    outside.put(replace(true, sum_ms=true.sum_ms + 1))
    assert any("is not the one that the next summary names" in what for what in outside.check().hidden)


@pytest.mark.parametrize("what", ["timestamp_ms", "verdict", "missing", "form"])
def test_events_that_are_told_otherwise_are_found(outside: Outside, what: str) -> None:
    document = outside.document(-1)
    block = next(
        outside.blocks[h] for h in range(document.first, document.last + 1) if outside.blocks[h]["outcomes"]
    )
    outcomes = block["outcomes"]
    assert isinstance(outcomes, list)
    match what:
        case "timestamp_ms":
            outcomes[-1]["timestamp_ms"] += 1
        case "verdict":
            outcomes[-1]["verdict"] = "DUPLICATE"
        case "missing":
            outcomes.pop()
        case _:
            outcomes[-1] = None
    report = outside.check()
    assert not report.kept
    assert f"block {block['height']}: " in report.hidden[0]


async def test_an_attested_lie_about_numbers_is_found(
    tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flattering(blocks: object, checkpoints: object, first: int) -> object:
        numbers = measure(blocks, checkpoints, first)  # type: ignore[arg-type]
        return numbers._replace(
            counts=(numbers.events, *[0] * len(BOUNDS_MS)), sum_ms=numbers.events, max_ms=1, max_height=first
        )

    monkeypatch.setattr("farechain.service.promising.measure", flattering)
    outside = await one_summary(tmp_path, day, 90)
    report = outside.check()
    assert report.late == 0
    assert "their summary says counts" in report.hidden[0]


async def test_an_attested_lie_about_when_a_checkpoint_was_published_is_found(
    tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = PromiseKeeper.published

    def earlier(self: PromiseKeeper, found: Published) -> None:
        self._clock_s = lambda: time.time() - 80
        published(self, found)
        self._clock_s = time.time

    monkeypatch.setattr(PromiseKeeper, "published", earlier)
    outside = await one_summary(tmp_path, day, 90)
    report = outside.check()
    assert report.late == 0
    assert "after it is said to have been published" in report.hidden[0]


async def one_summary(place: Path, day: Day, ago_s: float) -> Outside:
    """A chain that begins so many seconds after its events were appended, as an outsider sees it."""
    append(day, place / "spool", ago_s)
    chain = Chain(place, day, place / "spool")
    summarise(chain, 0.2, bureau(day))
    async with running(chain):
        await until(lambda: all_is_attested(chain))
    return Outside.of(chain, place / "files")


# Outages and crashes -----------------------------------------------------------------------------


async def test_an_outage_is_in_the_next_summary_and_no_restart_loses_or_lengthens_it(
    tmp_path: Path, day: Day, capsys: Captured
) -> None:
    append(day, tmp_path / "spool", 90)
    chain = Chain(tmp_path, day, tmp_path / "spool", max_inputs=200)
    summarise(chain, 3600, bureau(day))
    began_ms = time.time() * 1000
    async with running(chain):
        ledger = chain.ledger()
        await until(lambda: chain.ledger().status()["inputs"] == day.inputs)
    ended_ms = time.time() * 1000
    assert documents(chain) == []
    summarise(chain, 0.2, bureau(day))
    async with running(chain) as url:
        await until(lambda: all_is_attested(chain))
        words = ["promise", "verify", "--url", url, "--vkey", chain.vkey, "--days", "0"]
        capsys.readouterr()
        assert await asyncio.to_thread(main, words) == 1
        told = capsys.readouterr()
        assert "E_PROMISE_LATE" in told.err
        assert f"{day.inputs} of {day.inputs} events took longer than 60 s" in told.err
        assert await asyncio.to_thread(main, [*words, "--json"]) == 1
        answer = json.loads(capsys.readouterr().out)
        assert (answer["late"], answer["hidden"], answer["cosigned"]) == (day.inputs, [], False)
    ledger.close()
    found = documents(chain)[0]
    assert found.late == day.inputs
    assert all(began_ms <= at_ms <= ended_ms for _size, at_ms in found.checkpoints)
    report = Outside.of(chain, tmp_path / "files").check()
    assert (report.late, report.hidden) == (day.inputs, [])


async def test_a_checkpoint_that_was_never_written_down_is_known_from_its_file(
    tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(day, tmp_path / "spool", 5)
    chain = Chain(tmp_path, day, tmp_path / "spool")
    summarise(chain, 3600, None)
    with monkeypatch.context() as crashing:
        crashing.setattr(PromiseKeeper, "write_down", lambda _self: None)
        async with running(chain):
            await until(lambda: chain.ledger().status()["inputs"] == day.inputs)
    published_ms = (chain.settings.public_dir / "checkpoint").stat().st_mtime_ns // 1_000_000
    summarise(chain, 0.2, None)
    async with running(chain):
        await until(lambda: len(documents(chain)) == 1)
    (document,) = documents(chain)
    assert (document.first, document.checkpoints) == (1, ((document.last + 1, published_ms),))
    assert document.late == 0


async def test_a_crash_between_document_and_journal_repeats_nothing(tmp_path: Path, day: Day) -> None:
    append(day, tmp_path / "spool", 5, only="farechain")
    chain = Chain(tmp_path, day, tmp_path / "spool")
    summarise(chain, 0.2, None)
    journal = chain.settings.state_dir / "promise.jsonl"
    async with running(chain):
        await until(journal.exists)
        before = journal.read_text()
        await until(lambda: len(documents(chain)) == 1)
    journal.write_text(before)
    append(day, tmp_path / "spool", 5, only="payments.metro")
    summarise(chain, 0.2, bureau(day))
    async with running(chain):
        await until(lambda: len(documents(chain)) >= 2 and not Folder(chain.settings.public_dir).unproven())
    first, second = documents(chain)[:2]
    assert second.first == first.last + 1
    assert Outside.of(chain, tmp_path / "files").check().hidden == []


def test_a_line_that_was_cut_off_only_makes_a_checkpoint_later(tmp_path: Path) -> None:
    file = tmp_path / "promise.jsonl"
    journal = Journal(file, 1, [(0, bytes(32))])
    journal.append(Covering(2, 100, "a"))
    journal.append(Covering(3, 200, "b"))
    file.write_text(file.read_text()[:-3])
    again = Journal(file, 7, [])
    assert (again.first, again.positions, again.rows) == (1, [(0, bytes(32))], [Covering(2, 100, "a")])
    again.append(Covering(4, 300, "c"))
    again.summarised(2, [(5, bytes(32))])
    last = Journal(file, 7, [])
    assert (last.first, last.positions, last.rows) == (3, [(5, bytes(32))], [Covering(4, 300, "c")])


# Numbers -----------------------------------------------------------------------------------------


def test_events_are_counted_from_their_append_to_the_first_checkpoint_that_covers_them() -> None:
    checkpoints = [(2, 1_000), (5, 61_101)]
    numbers = measure([(1, [900, 1_000, 1_500]), (2, []), (4, [1_101, 1_100])], checkpoints, 1)
    assert numbers.events == 5
    assert numbers.counts == (3, 0, 0, 0, 0, 0, 0, 0, 1, 1)
    assert (numbers.sum_ms, numbers.max_ms, numbers.max_height) == (100 + 60_000 + 60_001, 60_001, 4)
    with pytest.raises(ValueError, match="no checkpoint covers block 5"):
        measure([(5, [])], checkpoints, 1)


def test_the_first_to_cover_a_block_is_taken_and_notes_stand_for_their_neighbours() -> None:
    rows = [
        Covering(size, at_ms, f"{size}")
        for size, at_ms in ((2, 0), (4, 3_000), (5, 6_000), (9, 6_500), (12, 20_000))
    ]
    assert [row.size for row in covering(rows, 2, 7)] == [4, 5, 9]
    assert [row.size for row in covering(rows, 0, 100)] == [2, 4, 5, 9, 12]
    assert witnessed(rows) == ["4", "9", "12"]
    assert witnessed([]) == []
    assert SPACING_MS == 5_000


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"events": 5}, "do not add up"),
        ({"first": 9_999}, "ends before it begins"),
        ({"max_ms": 60_001}, "contradict"),
        ({"max_height": 0}, "no block of it"),
        ({"checkpoints": ((1, 5),)}, "do not cover"),
        ({"counts": (0,)}, "buckets"),
    ],
)
def test_a_document_that_contradicts_itself_is_none(
    kept: Chain, change: dict[str, object], told: str
) -> None:
    wrong = replace(documents(kept)[0], **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=told):
        decode(wrong.encoded())


@pytest.mark.parametrize("wrong", [b"", b"{}", b"[1]", b"null", b"\xff", b'{"format":"farechain-promise/1"}'])
def test_what_is_no_document_is_told(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"form|Expecting"):
        decode(wrong)


def test_a_document_has_one_spelling(kept: Chain) -> None:
    encoded = documents(kept)[0].encoded()
    with pytest.raises(ValueError, match="one way"):
        decode(encoded + b"\n")


# How it is asked for -----------------------------------------------------------------------------


async def test_verbs_route_and_page_tell_it(kept: Chain, capsys: Captured) -> None:
    async with running(kept) as url:
        capsys.readouterr()
        found = documents(kept)
        assert await asyncio.to_thread(main, ["promise", "ls", "--url", url, "--count", "2"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert lines[0].startswith(f"blocks {found[-1].first}-{found[-1].last} ")
        assert "100 % within a minute" in lines[0]
        asked = f"{found[0].first}-{found[0].last}"
        assert await asyncio.to_thread(main, ["promise", "show", asked, "--url", url]) == 0
        assert "longer than 60 s: 0" in capsys.readouterr().out
        assert await asyncio.to_thread(main, ["promise", "show", "3-2", "--url", url]) == 4
        assert await asyncio.to_thread(main, ["promise", "show", "3", "--url", url]) == 2
        verify = ["promise", "verify", "--url", url, "--vkey", kept.vkey]
        verify += [word for member in kept.settings.witnesses.members for word in ("--witness", member.vkey)]
        capsys.readouterr()
        assert await asyncio.to_thread(main, verify) == 0
        assert "summarised without a gap" in capsys.readouterr().out
        assert await asyncio.to_thread(main, [*verify, "--kid", "0" * 32]) == 1
        assert "attested by key" in capsys.readouterr().out
        async with httpx.AsyncClient(base_url=url) as http:
            page = (await http.get("/v1/promise", params={"limit": "2"})).json()
            following = (
                await http.get("/v1/promise", params={"limit": "200", "cursor": page["next"]})
            ).json()
            heights = [one["first"] for one in page["items"] + following["items"]]
            assert heights == sorted((one.first for one in found), reverse=True)
            assert following["next"] is None
            assert all(one["attested"] for one in page["items"])
            assert page["day"]["events"] == sum(one.events for one in found)
            document = await http.get(page["items"][0]["document"])
            assert decode(document.content) == found[-1]
            assert "immutable" in document.headers["cache-control"]
            assert (await http.get("/promise/latest")).text.strip() == found[-1].stem
            for name in ("x", "..%2fvkey", "000000000001-000000000001.json", "latest.json"):
                assert (await http.get(f"/promise/{name}")).status_code == 404
