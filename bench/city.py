"""A city's ledger, 33,000,000 invoices, and a day on top of it, beside the same day on an empty ledger.

The invoices are made by ``rust/ledger/examples/city.rs``, which skips JSON and signatures; what is measured
is the real code on a signed day. Each step is a process of its own, so that its memory is its own; one of
them is killed while it commits.
"""

import json
import multiprocessing
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.day import STAGES, prepared_day
from bench.figures import Figure
from farechain import _core, keys
from farechain.data import operators
from farechain.day.plan import PARTITIONS
from farechain.spool_lines import spool_record

FILLED = "payments.filled"
BYTES_PER_INVOICE = 760
SPARE_BYTES = 4 << 30
BLOCK = 8192
ONE_BY_ONE = 20_000
"""Inputs of the day that are committed in the real-time shape, a block each."""
UNTIL_KILLED = 4_000
SHARED_NUMBERS = "PARKING"
"""A scene whose operators issue from the numbers that are granted to anyone."""
STAGES_COMPARED = tuple(stage for stage in STAGES if stage != "sync")
Inputs = list[tuple[int, list[_core.SourceRecord]]]


def _partitions() -> list[tuple[str, int]]:
    named = [(topic, number) for topic, count in PARTITIONS.items() for number in range(count)]
    return [*named, (FILLED, 0)]


def _inputs(day: Path) -> Inputs:
    read: Inputs = []
    for source, (topic, number) in enumerate(_partitions()[:-1], start=1):
        with (day / "spool" / f"{topic}-{number}.jsonl").open("rb") as lines:
            read.append((source, [spool_record(line)[2] for line in lines]))
    return read


def _create(path: Path, day: Path) -> None:
    """A ledger with the day's commands."""
    shutil.rmtree(path, ignore_errors=True)
    _core.Ledger.create(
        str(path),
        network="shenzhen",
        chain="shenzhen/0",
        bureau=keys.read_public_key(day / "keys" / "bureau.pub"),
        sources=[(topic, bytes(16), number) for topic, number in _partitions()],
        regions=["4403"],
        time_ms=int(time.time() * 1000),
    )
    ledger = _core.Ledger.open(str(path))
    intake = ledger.intake()
    intake.push_records(*_inputs(day)[0], None)
    while not intake.is_empty:
        ledger.commit(ledger.prepare(intake.seal(BLOCK)), int(time.time() * 1000))
    ledger.close()


def _data(value: bytes | None) -> dict[str, Any]:
    """An event's data; nothing of what is no event, of which the day has every kind."""
    try:
        event = json.loads(value or b"{}")
    except (ValueError, RecursionError):
        return {}
    data = event.get("data") if isinstance(event, dict) else None
    return data if isinstance(data, dict) else {}


def _template(day: Path) -> bytes:
    """The canonical bytes of a payment that is invoiced from the numbers granted to anyone."""
    sellers = {each.tax_id for each in operators() if each.scene == SHARED_NUMBERS}
    for _source, records in _inputs(day)[1:]:
        for _offset, _timestamp, _key, value, headers in records:
            data = _data(value)
            sold = data.get("kind") == "PAID" and data.get("channel") in {"WECHAT", "ALIPAY"}
            if sold and data.get("seller_tax_id") in sellers and data.get("paid_fen", 0) > 0:
                parts = [struct.pack(">QII", 0, 0xFFFF_FFFF, len(headers))]
                for text in [part for name, content in headers for part in (name.encode(), content)]:
                    parts += [struct.pack(">I", len(text or b"")), text or b""]
                return b"".join([*parts, struct.pack(">I", len(value or b"")), value or b""])
    raise LookupError("the day has no such payment")


def _fill(place: Path, path: Path, day: Path, invoices: int) -> dict[str, float]:
    template = place / "city-template"
    template.write_bytes(_template(day))
    package = ["--release", "--locked", "--quiet", "-p", "farechain-ledger", "--example", "city"]
    words = [str(path), str(template), str(len(_partitions())), str(invoices)]
    ran = subprocess.run(["cargo", "run", *package, "--", *words], stdout=subprocess.PIPE, check=True)
    return dict(json.loads(ran.stdout))


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024


def _spent(ledger: _core.Ledger, inputs: Inputs, block: int) -> dict[str, float]:
    """Commits inputs; nanoseconds an input by stage."""
    ns, count = dict.fromkeys(STAGES, 0), 0
    intake = ledger.intake()
    for source, records in inputs:
        intake.push_records(source, records, None)
        count += len(records)
        while intake.pending >= block or (block == 1 and not intake.is_empty):
            _commit(ledger, intake.seal(block), ns)
    while not intake.is_empty:
        _commit(ledger, intake.seal(block), ns)
    return {stage: spent / count for stage, spent in ns.items()}


def _commit(ledger: _core.Ledger, batch: _core.RawBatch, ns: dict[str, int]) -> None:
    prepared = ledger.prepare(batch)
    done = ledger.commit(prepared, int(time.time() * 1000))
    of = (prepared, prepared, done, done, done, done, done)
    for stage, part in zip(STAGES, of, strict=True):
        ns[stage] += getattr(part, f"{stage}_ns")


def _split(inputs: Inputs, last: int) -> tuple[Inputs, Inputs]:
    """The last ones of each source, ``last`` together, and what is before them."""
    total = sum(len(records) for _, records in inputs)
    cut = {source: len(records) - len(records) * last // total for source, records in inputs}
    before = [(source, records[: cut[source]]) for source, records in inputs]
    return before, [(source, records[cut[source] :]) for source, records in inputs]


def _commit_day(path: str, day: str, told: Any) -> None:
    """Commits the day in both shapes, tells what it took, and goes on until it is killed."""
    inputs = _inputs(Path(day))[1:]
    started_mb = _memory_mb("VmRSS")
    ledger = _core.Ledger.open(path, threads=1)
    opened_mb = _memory_mb("VmRSS") - started_mb
    warming = ledger.intake()
    for source, records in inputs:
        warming.push_records(source, records, None)
        while not warming.is_empty:
            ledger.prepare(warming.seal(BLOCK))
    rest, killed = _split(inputs, UNTIL_KILLED)
    full, single = _split(rest, ONE_BY_ONE)
    spent = {"full": _spent(ledger, full, BLOCK), "single": _spent(ledger, single, 1)}
    most_mb = _memory_mb("VmHWM") - started_mb
    told.put({"spent": spent, "opened_mb": opened_mb, "most_mb": most_mb, "tables": ledger.memory_bytes()})
    _spent(ledger, killed, 1)
    time.sleep(600)


def _open(path: str, told: Any) -> None:
    started_mb, started = _memory_mb("VmRSS"), time.monotonic()
    ledger = _core.Ledger.open(path)
    seconds = time.monotonic() - started
    records = ledger.status()["records"]
    memory = {"mb": _memory_mb("VmRSS") - started_mb, "most_mb": _memory_mb("VmHWM") - started_mb}
    told.put({"seconds": seconds, "records": records, "blocks": ledger.height + 1, **memory})


def _in_a_process(work: Callable[..., None], *arguments: str) -> dict[str, Any]:
    """What ``work`` tells; its process is killed a little after that."""
    spawning = multiprocessing.get_context("spawn")
    told = spawning.Queue()
    process = spawning.Process(target=work, args=(*arguments, told))
    process.start()
    answer: dict[str, Any] = told.get(timeout=3600)
    time.sleep(0.3)
    process.kill()
    process.join()
    return answer


def _forget_pages(path: Path) -> None:
    """Asks the system to drop the ledger's files from its cache."""
    os.sync()
    for each in path.rglob("*"):
        if each.is_file():
            with each.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _compared(shape: str, empty: dict[str, float], city: dict[str, float]) -> Iterator[Figure]:
    for stage in STAGES:
        name = f"{shape}: {stage}" + (", waiting" if stage == "sync" else "")
        yield Figure(f"{name}, city", city[stage] / 1000, "us", empty[stage] / 1000)
    both = [sum(each[stage] for stage in STAGES_COMPARED) / 1000 for each in (city, empty)]
    yield Figure(f"{shape}: CPU of all stages, city", both[0], "us", both[1])
    yield Figure(f"{shape}: city against empty", both[0] / both[1], "x", 1.5)


def _audited(path: Path, *, signatures: bool) -> float:
    started = time.monotonic()
    report = _core.audit(str(path), signatures=signatures)
    assert report["ok"], report
    return float(report["records"]) / (time.monotonic() - started)


def measure(place: Path, day_invoices: int, invoices: int) -> dict[str, list[Figure]]:
    """The tables of a city. In the tables of a day, the budget is the same day on an empty ledger."""
    needed, free = invoices * BYTES_PER_INVOICE + SPARE_BYTES, shutil.disk_usage(place).free
    if free < needed:
        raise SystemExit(
            f"{place} has {free >> 30} GiB free, {needed >> 30} are needed: name fewer with --filled"
        )
    day = prepared_day(place, day_invoices)
    path, small = place / "ledger-city", place / "ledger-empty"
    _create(path, day)
    filled = _fill(place, path, day, invoices)
    _create(small, day)
    empty = _in_a_process(_commit_day, str(small), str(day))
    city = _in_a_process(_commit_day, str(path), str(day))
    killed = _in_a_process(_open, str(path))
    again = _in_a_process(_open, str(path))
    _forget_pages(path)
    cold = _in_a_process(_open, str(path))
    index_bytes = sum(each.stat().st_size for each in (path / "index").iterdir())
    for each in (path / "index").glob("snapshot*"):
        each.unlink()
    rebuilt = _in_a_process(_open, str(path))
    audits = [_audited(small, signatures=signatures) for signatures in (False, True)]
    tables = [Figure(f"table: {name}", size / 2**20, "MB") for name, size in city["tables"].items()]
    shutil.rmtree(path)
    shutil.rmtree(small)
    return {
        "a city's ledger": [
            Figure("invoices filled in", filled["invoices"], "invoices"),
            Figure("filling", filled["invoices"] / filled["seconds"], "invoices/s"),
            Figure("filling: index", filled["index_ns"] / filled["invoices"] / 1000, "us"),
            Figure("block log", filled["bytes"] / 2**30, "GiB"),
            Figure("parts of the snapshot", index_bytes / 2**20, "MB"),
            Figure("resident memory once open", killed["mb"], "MB", 1536),
            Figure("most while opening", killed["most_mb"], "MB", 1536),
            Figure("most while a day is committed", city["most_mb"], "MB", 1536),
            *tables,
            Figure("open after kill -9, cached files", killed["seconds"], "s", 2.0),
            Figure("open after kill -9, again", again["seconds"], "s", 2.0),
            Figure("open after kill -9, files not cached", cold["seconds"], "s"),
            Figure("index rebuilt from the log", rebuilt["records"] / rebuilt["seconds"], "records/s"),
            Figure("most resident while it is rebuilt", rebuilt["most_mb"], "MB", 1536),
            Figure("audit of the day: hashes, state, completeness", audits[0], "records/s"),
            Figure("audit of the day: every signature as well", audits[1], "records/s"),
        ],
        "a day in full blocks, an event": list(
            _compared("full blocks", empty["spent"]["full"], city["spent"]["full"])
        ),
        "a day in the real-time shape, an event": list(
            _compared("an input a block", empty["spent"]["single"], city["spent"]["single"])
        ),
    }
