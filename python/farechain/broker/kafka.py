"""How Apache Kafka is set up for development: one node, broker and controller in one, on 127.0.0.1."""

import base64
import os
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from farechain.broker import jars
from farechain.errors import EXIT_UNAVAILABLE, FarechainError

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
class Launch:
    """A command that runs a broker in the foreground, and what is known about it."""

    kind: str
    version: str
    command: list[str]
    archive: tuple[str, str] | None
    """A class archive that the broker writes when it stops, and the name it then gets."""


def prepare(state: Path, port: int, controller_port: int) -> Launch:
    """Fetches jars if the cache lacks them, writes the configuration, formats the data directory once.

    Raises:
        FarechainError: ``E_JAVA``, ``E_MAVEN``, or ``E_BROKER`` where the data directory cannot be formatted.
    """
    java = jars.find_java()
    directory = jars.fetch_jars()
    state.mkdir(parents=True, exist_ok=True)
    config = state / "server.properties"
    data = state / "data"
    config.write_text(PROPERTIES.format(port=port, controller_port=controller_port, data=data.resolve()))
    archive = jars.class_archive(directory, java)
    base = [java.path, *FLAGS]
    drafted = None
    if archive.exists():
        base.append(f"-XX:SharedArchiveFile={archive}")
    class_path = ["-cp", f"{directory}/*"]
    if not (data / "meta.properties").exists():
        _format([*base, *class_path, "kafka.tools.StorageTool"], config)
    if not archive.exists():
        drafted = (str(archive.with_suffix(f".{os.getpid()}.new")), str(archive))
        base += [f"-XX:ArchiveClassesAtExit={drafted[0]}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return Launch(
        "kafka", jars.kafka_version(directory), [*base, *class_path, "kafka.Kafka", str(config)], drafted
    )


def _format(tool: list[str], config: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "_")
    done = subprocess.run(
        [*tool, "format", "-t", cluster, "-c", str(config)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines()
        reason = lines[0][:300] if lines else f"exit code {done.returncode}"
        raise FarechainError(
            "E_BROKER", f"the broker's directory cannot be formatted: {reason}", EXIT_UNAVAILABLE
        )
