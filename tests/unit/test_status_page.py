"""The page for who is on call: what it says of a service that runs, and of a ledger whose service is down."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from service_chain import until
from service_small import RIDES, SmallChain

from farechain.cli import main
from farechain.cli.status_page import BAD, LOOK, OK, Row, page, sections
from farechain.errors import FarechainError
from farechain.observability.scrape import Scrape
from farechain.service.glance import Glance, Looking

HISTOGRAM = """\
# TYPE t_seconds histogram
t_seconds_bucket{le="0.1"} %d
t_seconds_bucket{le="0.2"} %d
t_seconds_bucket{le="+Inf"} %d
t_seconds_sum 1
t_seconds_count %d
"""
QUIET: dict[str, Any] = {
    "url": "http://x",
    "chain": "c",
    "network": "n",
    "running": True,
    "ready": True,
    "reason": None,
    "window_s": 60.0,
    "checkpoint_age_s": 1.0,
    "numbers": [("ANY", 1000, 90.0)],
    "audit": {"ok": True, "blocks": 3, "age_s": 60.0},
}


def rows_of(glance: Glance) -> dict[str, Row]:
    return {row.name: row for _, rows in sections(glance) for row in rows}


def text_of(glance: Glance) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(page(glance))
    return console.export_text()


def histogram(*counts: int) -> Scrape:
    return Scrape(HISTOGRAM % (*counts, counts[-1]))


def test_quantiles_are_of_what_is_between_two_scrapes() -> None:
    first, second = histogram(10, 10, 10), histogram(10, 110, 110)
    assert first.quantile("t_seconds", 0.5) == pytest.approx(0.05)
    assert second.quantile("t_seconds", 0.5, first) == pytest.approx(0.15)
    assert second.quantile("t_seconds", 0.5, second) is None
    assert first.quantile("t_seconds", 0.5, second) == pytest.approx(0.05), "it started again"
    assert histogram(0, 0, 5).quantile("t_seconds", 0.99) == 0.2, "no more is known of the last bucket"
    assert first.quantile("nosuch", 0.5) is None


def test_sums_by_label() -> None:
    scrape = Scrape(
        'lag{topic="a",partition="0"} 3\nlag{topic="a",partition="1"} 4\nlag{topic="b",partition="0"} 1\n'
    )
    assert scrape.by("lag", "topic") == {"a": 7, "b": 1}
    assert scrape.lines("lag", "topic", "partition") == {"a/0": 3, "a/1": 4, "b/0": 1}
    assert (scrape.total("lag"), scrape.most("lag"), scrape.total("no"), scrape.most("no")) == (
        8,
        4,
        None,
        None,
    )


def test_a_quiet_service_needs_nobody() -> None:
    glance = Glance(**QUIET, disk_free_bytes=90, disk_size_bytes=100)
    assert {row.level for row in rows_of(glance).values()} == {OK}
    shown = text_of(glance)
    assert "RUNNING" in shown
    assert "nothing needs you" in shown


@pytest.mark.parametrize(
    ("changes", "row", "level"),
    [
        ({"oldest_event_s": 61.0}, "oldest event", BAD),
        ({"lag_records": 20_000.0}, "behind", LOOK),
        ({"p50_s": 1.0, "p99_s": 70.0}, "to checkpoint", BAD),
        ({"p50_s": 1.0, "p99_s": 20.0}, "to checkpoint", LOOK),
        ({"waiting_in_all": 3}, "waiting payments", LOOK),
        ({"checkpoint_behind": 9, "checkpoint_age_s": 90.0}, "checkpoint", BAD),
        ({"checkpoint_age_s": None}, "checkpoint", LOOK),
        ({"threshold": 2, "witnesses": 3, "cosigners": ["a"]}, "cosigned by", BAD),
        ({"threshold": 2, "witnesses": 3, "cosigners": ["a", "b"]}, "cosigned by", LOOK),
        ({"sealing_stopped": ["E_CLOCK"]}, "sealing", BAD),
        ({"relay_behind": {"r": 700}}, "r", LOOK),
        ({"books_behind": 700.0}, "books", LOOK),
        ({"state_behind": 3.0, "state_age_s": 700.0}, "state", LOOK),
        ({"numbers": [("S", 10, 3.0)]}, "S", BAD),
        ({"numbers": [("S", 10, 20.0)]}, "S", LOOK),
        ({"numbers": [("S", 0, None)]}, "S", BAD),
        ({"numbers": []}, "numbers", LOOK),
        ({"refused": [("E_ROLE", 9, 2)]}, "E_ROLE", LOOK),
        ({"refused": [("E_ROLE", 9, 0)]}, "E_ROLE", OK),
        ({"audit": {"ok": False, "blocks": 3, "age_s": 1.0}}, "audit", BAD),
        ({"audit": None}, "audit", LOOK),
        ({"disk_free_bytes": 3, "disk_size_bytes": 100}, "disk", BAD),
    ],
)
def test_what_needs_somebody_is_said_with_what_to_do(changes: dict[str, Any], row: str, level: str) -> None:
    glance = Glance(**{**QUIET, **changes})
    found = rows_of(glance)[row]
    assert found.level == level
    if level != OK:
        assert found.why
        assert f" {row}: " in text_of(glance)


async def test_a_running_service_is_seen_whole(tmp_path: Path) -> None:
    chain = SmallChain(tmp_path)
    chain.init()
    async with chain.serving() as url:
        now = [1000.0]
        looking = await asyncio.to_thread(Looking, chain.settings, url, lambda: now[0])

        async def everything_is_there() -> bool:
            seen = await asyncio.to_thread(looking.look)
            return seen.checkpoint_size > 1 and seen.lag_records == 0 and seen.p99_s is not None

        await until(everything_is_there)
        now[0] += 30
        glance = await asyncio.to_thread(looking.look)
        looking.close()
    assert (glance.running, glance.ready, glance.reason) == (True, True, None)
    assert glance.window_s == 30
    assert glance.inputs_per_s is not None
    assert glance.height >= 1
    assert glance.books_behind is not None
    assert "RUNNING" in text_of(glance) or "LOOK" in text_of(glance)


async def test_a_ledger_whose_service_is_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = SmallChain(tmp_path)
    chain.init()
    await chain.to_the_end()
    capsys.readouterr()
    words = ["status", "--watch", "--config", str(chain.config), "--url", "http://127.0.0.1:1"]
    assert await asyncio.to_thread(main, [*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["running"], told["invoices"], told["checkpoint_behind"]) == (False, RIDES, 0)
    assert told["refused"] == [["E_KEY_UNKNOWN", 1, 0]]
    assert told["numbers"][0][:2] == ["ANY", 1000 - RIDES]
    assert await asyncio.to_thread(main, words) == 0
    shown = capsys.readouterr().out
    assert "DOWN" in shown
    assert "not known while the service" in shown


def test_no_ledger_is_an_error(tmp_path: Path) -> None:
    chain = SmallChain(tmp_path)
    with pytest.raises(FarechainError, match="init"):
        Looking(chain.settings, "http://127.0.0.1:1")
