"""What a scrape of ``/metrics`` takes, of a service that has taken a day and answered for some routes."""

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench.day import prepared_day
from bench.figures import Figure
from farechain.demo.place import Place, free_port
from farechain.demo.processes import Child

SCRAPES = 300
POLL_S = 0.05
ROUTES = ("/", "/v1/status", "/v1/blocks", "/v1/registry/grants", "/checkpoint", "/nothing", "/verify")


def measure(place: Path, invoices: int) -> list[Figure]:
    """Wall time of one scrape after the other, CPU of the service for it, and what is in it."""
    day = prepared_day(place, invoices)
    home = Place((place / "scrape").resolve())
    home.renew()
    shutil.copytree(day / "keys", home.keys)
    settings = home.configure("127.0.0.1:9", True, [], free_port())
    words = ["--config", str(home.config)]
    spool = {"FARECHAIN_SOURCE_KIND": "spool", "FARECHAIN_SOURCE_DIRECTORY": str((day / "spool").resolve())}
    environment = spool | {"FARECHAIN_OUTPUTS_ENABLED": "false"}
    Child(["init", *words, "--json"], home.lines("init"), environment).result()
    service = Child(["serve", *words], home.lines("serve"), environment)
    address = f"http://127.0.0.1:{settings.api.port}"
    try:
        service.wait_until_answering(f"{address}/readyz")
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
            _taken(http, sum(path.read_bytes().count(b"\n") for path in (day / "spool").iterdir()))
            for route in ROUTES:
                http.get(route)
            text = http.get("/metrics").text
            before_s, walls = _cpu_s(text), _scrapes(http)
            cpu_s = _cpu_s(http.get("/metrics").text) - before_s
    finally:
        service.stop()
    last = len(walls) - 1
    return [
        Figure("a scrape, median", walls[last // 2] * 1000, "ms", 20),
        Figure("a scrape, 99 of 100", walls[last * 99 // 100] * 1000, "ms", 20),
        Figure("CPU of the service for a scrape", cpu_s / SCRAPES * 1000, "ms"),
        Figure("series in it", sum(not line.startswith("#") for line in text.splitlines()), "series"),
    ]


def _taken(http: httpx.Client, inputs: int) -> None:
    while http.get("/v1/status").json()["inputs"] < inputs:
        time.sleep(POLL_S)


def _scrapes(http: httpx.Client) -> Sequence[float]:
    """Seconds of each, least first."""
    walls = []
    for _ in range(SCRAPES):
        began = time.perf_counter()
        http.get("/metrics").raise_for_status()
        walls.append(time.perf_counter() - began)
    return sorted(walls)


def _cpu_s(text: str) -> float:
    found = re.search(r"^process_cpu_seconds_total (\S+)", text, re.M)
    assert found is not None
    return float(found[1])
