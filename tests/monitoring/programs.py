"""Debian's Prometheus and Alertmanager on free ports, and somebody who is told."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from monitoring import scaling

PATIENCE_S = 90.0
LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


@contextmanager
def running(program: str, *arguments: str) -> Iterator[str]:
    """A program that was asked to listen on port 0; gives the host and port that it says it listens on."""
    path = shutil.which(program)
    if path is None:
        pytest.fail(f"{program} is missing: apt-get install prometheus prometheus-alertmanager")
    process = subprocess.Popen([path, *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said: list[str] = []
    try:
        for line in process.stderr:
            said.append(line)
            if found := LISTENING.search(line):
                reader = threading.Thread(target=process.stderr.read, daemon=True)
                reader.start()
                yield found[1]
                return
        pytest.fail(f"{program} ended: {''.join(said[-5:])}")
    finally:
        process.terminate()
        process.wait()


@dataclass
class Told:
    """What Alertmanager sent, as ``(receiver, alert, status)``, oldest first."""

    heard: list[tuple[str, str, str]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, receiver: str, notification: dict[str, Any]) -> None:
        """One notification."""
        with self.changed:
            for alert in notification["alerts"]:
                self.heard.append((receiver, alert["labels"]["alertname"], alert["status"]))
            self.changed.notify_all()

    def wait_for(self, receiver: str, alert: str, status: str, *, after: int = 0) -> int:
        """Returns how many were told until this one; fails where it does not come."""
        wanted = (receiver, alert, status)
        with self.changed:
            came = self.changed.wait_for(lambda: wanted in self.heard[after:], PATIENCE_S)
            assert came, f"{wanted} was not told; {self.heard[after:]} were"
            return after + self.heard[after:].index(wanted) + 1


@contextmanager
def webhook(told: Told) -> Iterator[str]:
    """An address that takes notifications; the last part of the path names the receiver."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.add(self.path.rsplit("/", 1)[1], json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@dataclass(frozen=True)
class Prometheus:
    """A running one."""

    http: httpx.Client

    @property
    def ready(self) -> bool:
        """Whether it answers queries."""
        return self.http.get("/-/ready").status_code == httpx.codes.OK

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query; fails on a parse error."""
        answer = self.http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == httpx.codes.OK, f"{expression}: {answer.text}"
        return cast(list[dict[str, Any]], answer.json()["data"]["result"])

    def firing(self) -> set[str]:
        """Names of alerts that fire."""
        return {one["metric"]["alertname"] for one in self.query('ALERTS{alertstate="firing"}')}

    def until(self, holds: Callable[["Prometheus"], object], pause: threading.Event | None = None) -> None:
        """Returns once it holds; fails where it does not."""
        pause = pause or threading.Event()
        for _ in range(int(PATIENCE_S / 0.2)):
            if holds(self):
                return
            pause.wait(0.2)  # a server tells nobody of its own accord
        pytest.fail("does not come to hold")


@contextmanager
def prometheus(
    place: Path, target: str, *, factor: float, alertmanager: str | None = None
) -> Iterator[Prometheus]:
    """Scrapes a target (host and port) with the rules of ``deploy``, all durations divided by ``factor``."""
    place.mkdir()
    for name in ("recording.yml", "alerts.yml"):
        (place / name).write_text(yaml.safe_dump(scaling.rules(name, factor)))
    configuration = place / "prometheus.yml"
    configuration.write_text(yaml.safe_dump(scaling.prometheus(factor, target, alertmanager)))
    words = [f"--config.file={configuration}", f"--storage.tsdb.path={place / 'data'}"]
    with (
        running("prometheus", *words, "--web.listen-address=127.0.0.1:0") as address,
        httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=10) as http,
    ):
        made = Prometheus(http)
        made.until(lambda made: made.ready)
        yield made


@contextmanager
def alertmanager(place: Path, told: Told, *, factor: float) -> Iterator[str]:
    """Sends to ``told`` what ``deploy`` routes; gives its host and port."""
    place.mkdir()
    configuration = place / "alertmanager.yml"
    with webhook(told) as address:
        configuration.write_text(yaml.safe_dump(scaling.alertmanager(factor, address)))
        words = [f"--config.file={configuration}", f"--storage.path={place / 'data'}"]
        words += ["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]
        with running("prometheus-alertmanager", *words) as where:
            yield where
