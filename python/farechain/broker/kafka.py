"""How Apache Kafka is set up for development: one node, broker and controller in one, on 127.0.0.1."""

import base64
import os
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from farechain.broker import jars
from farechain.errors import EXIT_UNAVAILABLE, FarechainError

HOST = "127.0.0.1"
FLAGS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a broker has beside its plain listener.

    Attributes:
        listeners: name -> (protocol, port on 127.0.0.1), such as ``{"INSIDE": ("SASL_SSL", 9094)}``.
        properties: further lines of Kafka's configuration; they win over the ones here.
        users: SCRAM users, name -> password, made when the data directory is.
    """

    listeners: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)

    def lines(self, properties: str) -> str:
        """Kafka's configuration with all of it."""
        where = "".join(f",{name}://{HOST}:{port}" for name, (_, port) in self.listeners.items())
        kinds = "".join(f",{name}:{protocol}" for name, (protocol, _) in self.listeners.items())
        lines = []
        for line in properties.splitlines():
            ends = line.startswith(("listeners=", "advertised.listeners="))
            lines.append(line + (where if ends else kinds if line.startswith("listener.security") else ""))
        lines += [f"{name}={value}" for name, value in self.properties.items()]
        return "\n".join(lines) + "\n"

    def format_arguments(self) -> list[str]:
        """What the tool that makes the data directory is told."""
        return [
            argument
            for name, password in self.users.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for argument in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
        ]


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that runs a broker in the foreground, and what is known about it."""

    kind: str
    version: str
    command: list[str]
    archive: tuple[str, str] | None
    """A class archive that the broker writes when it stops, and the name it then gets."""


def prepare(state: Path, port: int, controller_port: int, setup: Setup) -> Launch:
    """Fetches jars if the cache lacks them, writes the configuration, formats the data directory once.

    Raises:
        FarechainError: ``E_JAVA``, ``E_MAVEN``, or ``E_BROKER`` where the data directory cannot be formatted.
    """
    java = jars.find_java()
    directory = jars.fetch_jars()
    state.mkdir(parents=True, exist_ok=True)
    config = state / "server.properties"
    data = state / "data"
    properties = PROPERTIES.format(port=port, controller_port=controller_port, data=data.resolve())
    config.touch(mode=0o600)  # what a setup adds may be a secret
    config.write_text(setup.lines(properties))
    archive = jars.class_archive(directory, java)
    base = [java.path, *FLAGS]
    drafted = None
    if archive.exists():
        base.append(f"-XX:SharedArchiveFile={archive}")
    class_path = ["-cp", f"{directory}/*"]
    if not (data / "meta.properties").exists():
        _format([*base, *class_path, "kafka.tools.StorageTool"], config, setup.format_arguments())
    if not archive.exists():
        drafted = (str(archive.with_suffix(f".{os.getpid()}.new")), str(archive))
        base += [f"-XX:ArchiveClassesAtExit={drafted[0]}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return Launch(
        "kafka", jars.kafka_version(directory), [*base, *class_path, "kafka.Kafka", str(config)], drafted
    )


def _format(tool: list[str], config: Path, more: list[str]) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "_")
    done = subprocess.run(
        [*tool, "format", "-t", cluster, "-c", str(config), *more],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines()
        reason = lines[0][:300] if lines else f"exit code {done.returncode}"
        raise FarechainError(
            "E_BROKER", f"the broker's directory cannot be formatted: {reason}", EXIT_UNAVAILABLE
        )
