"""What somebody on call wants to know at one look, from the ledger, the files beside it, and the service."""

import json
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from farechain._core import LedgerError
from farechain.config import Settings
from farechain.errors import FarechainError
from farechain.observability.scrape import Scrape
from farechain.pages.supply import supply_of
from farechain.service import opening
from farechain.service.following import FollowedLedger
from farechain.witness.client import cosigners

TIMEOUT_S = 2.0
WINDOW_S = 60.0
"""Latencies and rates are of about the last minute."""
CODES_SHOWN = 6
SELLERS_SHOWN = 5
E2C = "farechain_event_to_checkpoint_seconds"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said of itself; ``scrape`` is None where it does not answer, ``why`` says how."""

    scrape: Scrape | None
    ready: bool
    why: str | None


@dataclass(slots=True)
class Glance:
    """One look. Seconds and blocks as the names say; None where nobody knows.

    Attributes:
        url: where the service was asked.
        running: whether it answers; ``ready`` and ``reason`` as its ``/readyz``.
        window_s: how much time rates and quantiles are of; 0 since the service's start.
        refused: (code, all that the ledger rejected, of these in the window).
        numbers: (tax id or ANY, numbers left, days that they last), the shortest first.
        waiting: (tax id, items that wait), the most first.
        audit: what the last audit said: ``ok``, ``blocks``, ``age_s``.
    """

    url: str
    chain: str
    network: str
    running: bool
    ready: bool
    reason: str | None
    window_s: float
    height: int = 0
    invoices: int = 0
    inputs: int = 0
    block_age_s: float = 0.0
    view_age_s: float = 0.0
    lag_records: float | None = None
    worst_partition: str | None = None
    oldest_event_s: float | None = None
    p50_s: float | None = None
    p99_s: float | None = None
    inputs_per_s: float | None = None
    sealing_stopped: list[str] = field(default_factory=list)
    checkpoint_size: int = 0
    checkpoint_age_s: float | None = None
    checkpoint_behind: int = 0
    cosigners: list[str] = field(default_factory=list)
    threshold: int = 0
    witnesses: int = 0
    refused: list[tuple[str, int, int]] = field(default_factory=list)
    numbers: list[tuple[str, int, float | None]] = field(default_factory=list)
    waiting_in_all: int = 0
    waiting: list[tuple[str, int]] = field(default_factory=list)
    relay_behind: dict[str, int] = field(default_factory=dict)
    books_behind: float | None = None
    state_behind: float | None = None
    state_age_s: float | None = None
    audit: dict[str, Any] | None = None
    disk_free_bytes: int = 0
    disk_size_bytes: int = 0


class Looking:
    """Looks again and again; remembers scrapes for rates, and opens the ledger again only as it grows.

    Args:
        url: of the service.
        clock_s: wall clock, seconds since 1970.

    Raises:
        FarechainError: there is no ledger.
    """

    def __init__(self, settings: Settings, url: str, clock_s: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._url = url.rstrip("/")
        self._clock_s = clock_s
        self._ledger = FollowedLedger(settings)
        self._opened_s = clock_s()
        self._scrapes: deque[tuple[float, Scrape]] = deque()
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Closes the connection to the service."""
        self._http.close()

    def look(self) -> Glance:
        """One look. Blocks for the service's answers, at most some seconds."""
        now_s = self._clock_s()
        answer = self._ask()
        try:
            if self._ledger.refresh():
                self._opened_s = now_s
        except FarechainError as error:
            answer = Answer(answer.scrape, answer.ready, answer.why or f"{error.code}: {error.message}")
        before, window_s = self._window(now_s, answer.scrape)
        glance = Glance(
            url=self._url,
            chain=self._ledger.chain,
            network=self._ledger.network,
            running=answer.scrape is not None,
            ready=answer.ready,
            reason=answer.why,
            window_s=window_s,
            view_age_s=max(0.0, now_s - self._opened_s),
        )
        self._from_ledger(glance, now_s)
        self._from_files(glance, now_s)
        if answer.scrape is not None:
            _from_scrape(glance, answer.scrape, before, now_s)
        return glance

    def _ask(self) -> Answer:
        try:
            metrics = self._http.get(f"{self._url}/metrics")
            metrics.raise_for_status()
            ready = self._http.get(f"{self._url}/readyz").json()
            return Answer(Scrape(metrics.text), bool(ready["ready"]), ready["reason"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return Answer(None, False, f"{self._url} does not answer: {reason}")

    def _window(self, now_s: float, scrape: Scrape | None) -> tuple[Scrape | None, float]:
        """The scrape of about a minute ago, and how long ago it was."""
        if scrape is None:
            self._scrapes.clear()
            return None, 0.0
        while len(self._scrapes) > 1 and self._scrapes[1][0] <= now_s - WINDOW_S:
            self._scrapes.popleft()
        self._scrapes.append((now_s, scrape))
        first_s, first = self._scrapes[0]
        return (first, now_s - first_s) if now_s > first_s else (None, 0.0)

    def _from_ledger(self, glance: Glance, now_s: float) -> None:
        status, registry = self._ledger.status(), self._ledger.registry()
        glance.height, glance.invoices, glance.inputs = status["height"], status["invoices"], status["inputs"]
        glance.block_age_s = max(0.0, now_s - status["time_ms"] / 1000)
        glance.waiting_in_all = status["waiting"]
        glance.waiting = sorted(registry["waiting"], key=lambda each: -each[1])[:SELLERS_SHOWN]
        rejected = sorted(status["rejected"].items(), key=lambda each: -each[1])
        glance.refused = [(code, count, 0) for code, count in rejected]
        try:
            glance.numbers = self._numbers(registry["grants"], int(now_s * 1000))
        except LedgerError:
            glance.numbers = []

    def _numbers(self, grants: list[dict[str, Any]], now_ms: int) -> list[tuple[str, int, float | None]]:
        """By whose they are; grants of nobody in particular serve whoever has none."""
        by_seller: dict[str, list[dict[str, Any]]] = {}
        for grant in grants:
            by_seller.setdefault(grant["tax_id"] or "ANY", []).append(grant)
        rows = []
        for seller, theirs in by_seller.items():
            supply = supply_of(self._ledger, theirs, now_ms)  # type: ignore[arg-type]  # answers as a ledger
            rows.append((seller, supply.left, supply.days(now_ms)))
        rows.sort(key=lambda row: (float("inf") if row[2] is None else row[2], row[1]))
        return rows[:SELLERS_SHOWN]

    def _from_files(self, glance: Glance, now_s: float) -> None:
        settings = self._settings
        note, size = opening.published_checkpoint(settings)
        glance.checkpoint_size = size
        glance.checkpoint_behind = max(0, glance.height + 1 - size)
        if note:
            glance.checkpoint_age_s = max(0.0, now_s - (settings.public_dir / "checkpoint").stat().st_mtime)
            glance.cosigners = list(cosigners(note, [member.vkey for member in settings.witnesses.members]))
        glance.threshold = settings.witnesses.threshold
        glance.witnesses = len(settings.witnesses.members)
        audit = _json(settings.audit_file)
        if audit is not None and "at_ms" in audit:
            age_s = max(0.0, now_s - audit["at_ms"] / 1000)
            glance.audit = {"ok": audit.get("ok"), "blocks": audit.get("blocks"), "age_s": age_s}
        if settings.outputs.enabled:
            names = {"receipts": settings.outputs.receipts, "dead-letters": settings.outputs.dead_letters}
            for name, topic in names.items():
                position = _json(settings.state_dir / f"{name}.json") or {}
                behind = glance.height + 1 - int(position.get("next_height", 0))
                glance.relay_behind[topic] = max(0, behind)
        disk = os.statvfs(settings.ledger.path)
        glance.disk_free_bytes = disk.f_bavail * disk.f_frsize
        glance.disk_size_bytes = disk.f_blocks * disk.f_frsize


def _from_scrape(glance: Glance, scrape: Scrape, before: Scrape | None, now_s: float) -> None:
    """The service knows some things better than its files, and some alone."""
    glance.lag_records = scrape.total("farechain_consumer_lag_records")
    lag = scrape.lines("farechain_consumer_lag_records", "topic", "partition")
    glance.worst_partition = max(lag, key=lambda name: lag[name]) if any(lag.values()) else None
    glance.oldest_event_s = scrape.most("farechain_oldest_waiting_event_seconds")
    glance.p50_s, glance.p99_s = scrape.quantile(E2C, 0.5, before), scrape.quantile(E2C, 0.99, before)
    glance.sealing_stopped = [
        reason for reason, on in scrape.by("farechain_sealing_stopped", "reason").items() if on
    ]
    height = scrape.total("farechain_height_blocks")
    if height is not None:
        glance.height = max(glance.height, int(height))
    progress = scrape.most("farechain_last_progress_timestamp_seconds")
    if progress:
        glance.block_age_s = max(0.0, now_s - progress)
    glance.checkpoint_behind = max(0, glance.height + 1 - glance.checkpoint_size)
    for topic, behind in scrape.by("farechain_relay_lag_blocks", "topic").items():
        glance.relay_behind[topic] = int(behind)
    glance.books_behind = scrape.most("farechain_books_lag_blocks")
    glance.state_behind = scrape.most("farechain_state_behind_blocks")
    stated = scrape.most("farechain_state_timestamp_seconds")
    glance.state_age_s = max(0.0, now_s - stated) if stated else None
    waiting = scrape.total("farechain_waiting_payments")
    glance.waiting_in_all = glance.waiting_in_all if waiting is None else int(waiting)
    if before is not None and glance.window_s > 0:
        consumed = (scrape.total("farechain_inputs_total") or 0) - (
            before.total("farechain_inputs_total") or 0
        )
        glance.inputs_per_s = max(0.0, consumed) / glance.window_s
        was = before.by("farechain_rejected_total", "code")
        now = scrape.by("farechain_rejected_total", "code")
        recent = {code: max(0, int(count - was.get(code, 0.0))) for code, count in now.items()}
        known = {code: count for code, count, _ in glance.refused}
        codes = known.keys() | {code for code, count in recent.items() if count}
        rows = [(code, known.get(code, 0), recent.get(code, 0)) for code in codes]
        glance.refused = sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))


def _json(path: Any) -> dict[str, Any] | None:
    """A small file beside the ledger; None where it is not there, or is being replaced."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None
