"""One load test from beginning to end: cluster, generators, watch, faults, oracle, report."""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from farechain.config import Settings
from farechain.demo.processes import Child
from farechain.errors import EXIT_CHECK_FAILED, EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError
from farechain.load import outcomes, report, timing, verdict
from farechain.load.arrivals import points_of
from farechain.load.cluster import LocalCluster, answers
from farechain.load.faults import Faults
from farechain.load.generator import FELL_BEHIND, GeneratorSpec, generate
from farechain.load.oracle import Findings, Oracle
from farechain.load.page import page
from farechain.load.payments import PLACES, Place
from farechain.load.report import Measured
from farechain.load.scenario import FaultTable, Scenario
from farechain.load.signing import SigningSpec
from farechain.load.watching import CheckpointFile, CheckpointUrl, ClusterWatch

READY_TIMEOUT_S = 600.0
LEAD_NS = 500_000_000
"""From the decision to start to the first second: generators must hear of it."""
QUIET_S = 2.0
"""Without a new checkpoint for so long, what was sent may all be there: the ledger is looked at."""
POLL_S = 0.1
GENERATORS_MAX = 16


class Cluster(Protocol):
    """What a run needs of a cluster that is loaded."""

    @property
    def settings(self) -> Settings:
        """The service's."""

    @property
    def keys(self) -> Path:
        """The directory of the devices' keys."""

    def processes(self) -> Mapping[str, int]:
        """Ids of its processes on this machine, by name."""

    def apply(self, fault: FaultTable) -> None:
        """Does what a fault says."""


@dataclass(frozen=True, slots=True)
class Running:
    """A cluster that runs already: its configuration, its service's address, keys of its devices."""

    settings: Settings
    keys: Path
    url: str

    def processes(self) -> Mapping[str, int]:
        """None: they are somebody else's."""
        return {}

    def apply(self, fault: FaultTable) -> None:
        """Never called: scenarios with faults are refused."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a scenario is run.

    Attributes:
        out: gets ``report.json``, ``report.html`` and a journal a generator.
        generators: processes that share the rate, here.
        share: (n, m): this run is the n-th of m that load one cluster together, each on a machine of its own.
    """

    scenario: Scenario
    out: Path
    generators: int = 1
    share: tuple[int, int] = (1, 1)


class Generators:
    """The generator processes of a run."""

    def __init__(self, options: Options, cluster: Cluster, *, idempotent: bool) -> None:
        here, (number, of) = options.generators, options.share
        run = f"{time.time_ns() // 1_000_000:x}"
        self.journals = [options.out / f"generator-{each + 1}.journal" for each in range(here)]
        spawning = multiprocessing.get_context("spawn")
        self._lines: list[Connection] = []
        self.processes: list[BaseProcess] = []
        for each, journal in enumerate(self.journals):
            part = ((number - 1) * here + each + 1, of * here)
            ours, theirs = spawning.Pipe()
            spec = _spec(options.scenario, cluster, run, part, journal, idempotent=idempotent)
            process = spawning.Process(target=generate, args=(spec, theirs), daemon=False)
            process.start()
            theirs.close()
            self._lines.append(ours)
            self.processes.append(process)

    def wait_until_ready(self) -> None:
        """Until the backlog is in Kafka and the first events are signed."""
        for line in self._lines:
            _hear(line, READY_TIMEOUT_S)

    def start(self) -> int:
        """Says when the run begins; returns it, nanoseconds of the monotonic clock."""
        start_ns = time.monotonic_ns() + LEAD_NS
        for line in self._lines:
            line.send(start_ns)
        return start_ns

    def finish(self, timeout_s: float) -> list[dict[str, float]]:
        """What each says after its last acknowledgement."""
        return [_hear(line, timeout_s)[1] for line in self._lines]

    def close(self) -> None:
        """Ends those that still run."""
        for line, process in zip(self._lines, self.processes, strict=True):
            line.close()
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()
                process.join()


def _spec(
    scenario: Scenario, cluster: Cluster, run: str, part: tuple[int, int], journal: Path, *, idempotent: bool
) -> GeneratorSpec:
    backlog = scenario.backlog
    signing = SigningSpec(cluster.keys, points_of(scenario), scenario.seconds, scenario.seed, run, part)
    return GeneratorSpec(
        kafka=cluster.settings.kafka,
        idempotent=idempotent,
        signing=signing,
        journal=journal,
        backlog=backlog.events // part[1] if backlog else 0,
        backlog_places=backlog_places(scenario),
    )


def backlog_places(scenario: Scenario) -> tuple[Place, ...]:
    """Where the backlog waits. Raises ``FarechainError`` (``E_SCENARIO``) for a partition that is none."""
    known = {f"{topic}/{partition}": (topic, partition) for topic, partition in PLACES}
    named = scenario.backlog.partitions if scenario.backlog else ()
    for name in named:
        if name not in known:
            message = f"{scenario.name}: backlog.partitions: {name} is none of {', '.join(known)}"
            raise FarechainError("E_SCENARIO", message, EXIT_USAGE)
    return tuple(known[name] for name in named)


def _hear(line: Connection, timeout_s: float) -> tuple[Any, ...]:
    try:
        told: tuple[Any, ...] = (
            line.recv() if line.poll(timeout_s) else ("failed", "E_LOAD", "it says nothing")
        )
    except EOFError:
        told = ("failed", "E_LOAD", "its process ended")
    if told[0] == "failed":
        behind = told[2].startswith(FELL_BEHIND)
        exit_code = EXIT_CHECK_FAILED if behind else EXIT_UNAVAILABLE
        raise FarechainError(told[1], f"generator: {told[2]}", exit_code)
    return told


def run_local(options: Options, root: Path, told: Callable[[str], None]) -> Measured:
    """Runs a scenario against a cluster that it starts below ``root`` and ends afterwards.

    Raises:
        FarechainError: something could not be started, or the generator could not send (exit code 4).
    """
    backlog_places(options.scenario)
    cluster = LocalCluster(root, options.scenario)
    with ExitStack() as stack:
        stack.callback(cluster.close)
        told("starting a broker and a ledger")
        cluster.prepare()
        options.out.mkdir(parents=True, exist_ok=True)
        idempotent = cluster.running_broker.kind == "kafka"
        generators = Generators(options, cluster, idempotent=idempotent)
        stack.callback(generators.close)
        told("signing" if options.scenario.backlog is None else "producing the backlog")
        generators.wait_until_ready()
        watch = ClusterWatch(
            CheckpointFile(cluster.settings.public_dir / "checkpoint"),
            lambda: {**cluster.processes(), **_pids(generators)},
        )
        stack.callback(watch.close)
        cluster.start()
        return _measure(options, cluster, generators, watch, told, local=cluster)


def run_against(options: Options, running: Running, told: Callable[[str], None]) -> Measured:
    """Runs a scenario against a cluster that is there.

    Raises:
        FarechainError: ``E_SCENARIO`` for one with faults, which need a cluster of their own; else as
            ``run_local``.
    """
    if options.scenario.faults:
        message = f"{options.scenario.name} has faults, which need a cluster of their own: --local DIR"
        raise FarechainError("E_SCENARIO", message, EXIT_USAGE)
    answers(running.url)
    options.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        generators = Generators(options, running, idempotent=running.settings.outputs.idempotent)
        stack.callback(generators.close)
        told("signing")
        generators.wait_until_ready()
        watch = ClusterWatch(CheckpointUrl(running.url), lambda: _pids(generators))
        stack.callback(watch.close)
        return _measure(options, running, generators, watch, told, local=None)


def _pids(generators: Generators) -> dict[str, int]:
    return {
        f"generator {number}": process.pid
        for number, process in enumerate(generators.processes, 1)
        if process.pid is not None
    }


def _measure(
    options: Options,
    cluster: Cluster,
    generators: Generators,
    watch: ClusterWatch,
    told: Callable[[str], None],
    *,
    local: LocalCluster | None,
) -> Measured:
    scenario = options.scenario
    receipts = {} if local else asyncio.run(outcomes.ends_of_receipts(cluster.settings))
    started_s = time.time()
    start_ns = generators.start()
    faults = Faults(scenario.faults, start_ns, cluster.apply)
    try:
        told(f"sending for {scenario.seconds:g} s")
        facts = generators.finish(scenario.seconds + scenario.drain_s + LEAD_NS / 1e9)
        done = faults.join()
    finally:
        faults.cancel()
    told("waiting until everything is under a checkpoint")
    oracle, findings = _oracle(options, cluster.settings, generators.journals, watch, receipts, local=local)
    gone = local.gone if local else []
    watched = watch.close()
    audit = None
    if local is not None:
        local.close()
        told("audit")
        audit = _audit(local.settings, options.out)
    told("timing")
    timed = timing.time_events(
        oracle.sent,
        watched.checkpoints,
        start_ns,
        steady_from_s=scenario.warm_up_s,
        backlog_places=backlog_places(scenario),
    )
    late_s = max(each["late_s"] for each in facts)
    kept = verdict.promises(
        scenario,
        timed,
        findings,
        watched,
        start_ns,
        late_s=late_s,
        alone=local is not None,
        audit=audit,
        gone=gone,
    )
    return report.measured(
        scenario,
        timed,
        findings,
        watched,
        start_ns,
        promises=kept,
        done=done,
        gone=gone,
        started_s=started_s,
        generators=facts,
        share=options.share,
    )


def _oracle(
    options: Options,
    settings: Settings,
    journals: list[Path],
    watch: ClusterWatch,
    receipts: Mapping[int, int],
    *,
    local: LocalCluster | None,
) -> tuple[Oracle, Findings]:
    """Compares until nothing is missing, or the time to drain is over."""
    deadline = time.monotonic() + options.scenario.drain_s
    while True:
        _wait_until_quiet(watch, deadline)
        oracle = Oracle(journals)
        if local is not None:
            outcomes.take_from_ledger(settings, 1, oracle.take)
        else:
            asyncio.run(outcomes.take_from_receipts(settings, receipts, oracle.take))
        findings = oracle.findings()
        if not findings.missing or time.monotonic() > deadline:
            return oracle, findings


def _wait_until_quiet(watch: ClusterWatch, deadline: float) -> None:
    size, since = watch.size, time.monotonic()
    while time.monotonic() - since < QUIET_S and time.monotonic() < deadline:
        time.sleep(POLL_S)
        if watch.size != size:
            size, since = watch.size, time.monotonic()


def _audit(settings: Settings, out: Path) -> str:
    """What the audit finds wrong, from a process of its own; nothing where all is well."""
    lines = out / "audit.log"
    words = ["audit", "--ledger", str(settings.ledger.path), "--json"]
    try:
        Child(words, lines).result()
    except FarechainError:
        told = lines.read_text("utf-8", "replace").strip().splitlines()
        return told[-1] if told else "the audit ended without a word"
    return ""


def write(measured: Measured, out: Path) -> None:
    """Writes ``report.json`` and ``report.html``."""
    (out / "report.json").write_text(json.dumps(measured.facts, indent=1, ensure_ascii=False) + "\n")
    (out / "report.html").write_text(page(measured.facts))
