"""Opens what a service is made of, in the order that makes each mistake of an operator one clear line."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from farechain import keys
from farechain._core import Ledger, LedgerError, PublicLog, decode_record, parse_checkpoint
from farechain.access.roles import Role
from farechain.broker import topic_ids
from farechain.config import KafkaSettings, Settings
from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError
from farechain.ledger_errors import as_failure
from farechain.observability.traces import Traces, Untraced, open_traces
from farechain.pages.oidc import OidcTerms
from farechain.pages.signing import read_seeds
from farechain.pages.site import Keeping
from farechain.pipeline.ingest import ENGINE_SOURCES
from farechain.replica.following import is_replica
from farechain.sources import Partition, Source, http
from farechain.sources.http import HttpSource
from farechain.sources.kafka import KafkaSource
from farechain.sources.spool import SpoolSource
from farechain.sources.together import Together

STANDBY_POLL_S = 0.1
"""How often a standby tries the owner's lock, which costs no reading; the kernel frees a dead owner's."""
BATCH_BYTES_MAX = 512 * 1024
"""A batch of receipts or dead letters: below the broker's default limit of a megabyte."""


def keeping_of(settings: Settings) -> Keeping:
    """What the pages keep. Raises ``FarechainError`` (``E_KEY_FILE``) for keys that cannot be used."""
    directory = settings.pages.keys_dir
    if directory is not None and not directory.is_dir():
        raise FarechainError("E_KEY_FILE", f"{directory}: pages.keys_dir is no directory", EXIT_USAGE)
    seeds = read_seeds(directory) if directory is not None else {}
    secure = settings.api.public_url.startswith("https:")
    return Keeping(seeds, settings.pages.agent, secure=secure, oidc=_oidc_of(settings))


def _oidc_of(settings: Settings) -> OidcTerms | None:
    """What is agreed with the provider. Raises ``FarechainError`` (``E_KEY_FILE``) for a bad secret."""
    oidc = settings.pages.oidc
    if oidc is None:
        return None
    try:
        if oidc.secret_file.stat().st_mode & 0o077:
            message = f"{oidc.secret_file}: others may read it: chmod 600 it"
            raise FarechainError("E_KEY_FILE", message, EXIT_USAGE)
        secret = oidc.secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FarechainError("E_KEY_FILE", f"{oidc.secret_file}: {error}", EXIT_USAGE) from error
    return OidcTerms(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        secret=secret,
        redirect_url=f"{settings.api.public_url.rstrip('/')}/login/oidc/done",
        scopes=oidc.scopes,
        party_claim=oidc.party_claim,
        role_claim=oidc.role_claim,
        roles=frozenset(Role(role) for role in oidc.roles),
        session_hours=oidc.session_hours,
        tokens_max=settings.access.tokens_max,
    )


def traces_of(settings: Settings, verb: str) -> Traces | Untraced:
    """Where traces go, if anywhere. Raises ``FarechainError`` (``E_EXTRA``)."""
    telemetry = settings.telemetry
    return open_traces(telemetry.endpoint, telemetry.sample_ratio, verb, settings.ledger.chain)


def open_ledger(settings: Settings, *, readonly: bool = False) -> Ledger:
    """Opens and recovers the ledger. Blocks; ``E_LOCKED`` where another process owns it.

    A reader of a ledger with a second copy sees what that has: the blocks of its checkpoint, or its snapshot.
    """
    if not readonly and is_replica(settings.ledger.path):
        message = f"{settings.ledger.path} is a replica: `farechain replica promote` makes it a ledger"
        raise FarechainError("E_REPLICA_DIR", message, EXIT_REFUSED)
    replicated = settings.ledger.durability == "replicated"
    try:
        return Ledger.open(
            str(settings.ledger.path),
            readonly=readonly,
            threads=settings.ledger.threads,
            rejected_days=settings.ledger.rejected_days,
            blocks_max=published_checkpoint(settings)[1] if readonly and replicated else None,
        )
    except LedgerError as error:
        raise as_failure(error) from error


async def own_ledger(
    settings: Settings, stop: asyncio.Event, on_wait: Callable[[str], None]
) -> Ledger | None:
    """Opens the ledger as its owner; waits for as long as another process is. None when told to stop.

    Args:
        on_wait: called once, with what is waited for, when another process is the owner.
    """
    waiting = False
    while not stop.is_set():
        try:
            return await asyncio.to_thread(open_ledger, settings)
        except FarechainError as error:
            if error.code != "E_LOCKED":
                raise
            if not waiting:
                waiting = True
                on_wait(f"standby: another process owns {settings.ledger.path}")
        try:
            await asyncio.wait_for(stop.wait(), STANDBY_POLL_S)
        except TimeoutError:
            continue
    return None


def open_public_log(settings: Settings, ledger: Ledger, seed: bytes) -> PublicLog:
    """Opens or creates the public log below the ledger. Blocks."""
    state = settings.state_dir / "log"
    try:
        return PublicLog.open(str(settings.public_dir), str(state), ledger.chain, seed)
    except LedgerError as error:
        raise as_failure(error) from error


def published_checkpoint(settings: Settings) -> tuple[str, int]:
    """The published note and its size, read from its file; an empty note and 0 before the first."""
    try:
        note = (settings.public_dir / "checkpoint").read_text("utf-8")
    except FileNotFoundError:
        return "", 0
    _origin, size, _root = parse_checkpoint(note)
    return note, size


def vkey_of(settings: Settings) -> str:
    """The log's verifier key, as its owner published it.

    Raises:
        FarechainError: ``E_NOT_PUBLISHED`` where the owner of the ledger never started.
    """
    path = settings.public_dir / "vkey"
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; the owner of the ledger writes it when it starts"
        raise FarechainError("E_NOT_PUBLISHED", message, EXIT_UNAVAILABLE) from error


def partitions_of(ledger: Ledger) -> list[Partition]:
    """What genesis lists, at the ledger's positions, without the engine's own source."""
    return [Partition(*position) for position in ledger.positions()[ENGINE_SOURCES:]]


def http_index_of(ledger: Ledger) -> int | None:
    """The index of ``http/0`` among the partitions; None where genesis does not list it."""
    listed = [(each.topic, each.topic_id, each.partition) for each in partitions_of(ledger)]
    return listed.index(http.SOURCE) if http.SOURCE in listed else None


def source_of(settings: Settings, ledger: Ledger) -> tuple[Source, HttpSource | None]:
    """The source at the ledger's positions, not started, and the part of it that takes commands over HTTP.

    Raises:
        FarechainError: ``E_CONFIG`` where the settings list other partitions than genesis.
    """
    partitions, index = partitions_of(ledger), http_index_of(ledger)
    if index is None:
        return _configured_source(settings, partitions), None
    others = [number for number in range(len(partitions)) if number != index]
    commands = HttpSource(
        partitions[index],
        waiting_max=settings.commands.waiting_max,
        waiting_bytes_max=settings.commands.waiting_bytes_max,
    )
    configured = _configured_source(settings, [partitions[number] for number in others])
    return Together([(configured, others), (commands, [index])]), commands


def _configured_source(settings: Settings, partitions: list[Partition]) -> Source:
    in_genesis = {(partition.topic, partition.partition) for partition in partitions}
    listed = {(topic.name, number) for topic in settings.source.topics for number in range(topic.partitions)}
    if listed != in_genesis:
        topic, number = min(listed ^ in_genesis)
        where = "genesis" if (topic, number) in in_genesis else "the configuration"
        message = (
            f"source.topics differs from genesis: {topic}/{number} is only in {where}; correct source.topics"
        )
        raise FarechainError("E_CONFIG", message, EXIT_USAGE)
    if settings.source.kind == "spool":
        return SpoolSource(settings.source.directory, partitions)
    return KafkaSource(
        settings.kafka.bootstrap,
        partitions,
        group_id=settings.kafka.group_id,
        security=security_of(settings.kafka),
        raw=settings.kafka.raw_batches,
        commit_interval_ms=settings.kafka.commit_interval_ms,
    )


def first_of_source(settings: Settings, ledger: Ledger) -> list[int]:
    """The indices of the partitions that are read to their end before any other."""
    wanted = set(settings.source.first)
    return [index for index, partition in enumerate(partitions_of(ledger)) if partition.topic in wanted]


async def open_producer(settings: Settings) -> AIOKafkaProducer:
    """A producer for the outputs, started, after the topics were found.

    Raises:
        FarechainError: ``E_BROKER`` where nobody answers, ``E_TOPIC_UNKNOWN`` where a topic is missing;
            ``E_BROKER_TLS``, ``E_BROKER_LOGIN``, ``E_TOPIC_DENIED`` where it does not let us.
    """
    wanted = (settings.outputs.receipts, settings.outputs.dead_letters)
    security = security_of(settings.kafka)
    found = await topic_ids(settings.kafka.bootstrap, wanted, security, to_write=True)
    for name in wanted:
        if name not in found:
            message = f"there is no topic {name} for the outputs: create it, or correct [outputs]"
            raise FarechainError("E_TOPIC_UNKNOWN", message, EXIT_UNAVAILABLE)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap,
        acks="all",
        enable_idempotence=settings.outputs.idempotent,
        compression_type="lz4",
        max_batch_size=BATCH_BYTES_MAX,
        request_timeout_ms=settings.outputs.request_timeout_ms,
        **security,
    )
    try:
        await producer.start()
    except (KafkaError, OSError) as error:
        await producer.stop()
        message = f"no broker answers at {settings.kafka.bootstrap}: start it, or correct kafka.bootstrap"
        raise FarechainError("E_BROKER", message, EXIT_UNAVAILABLE) from error
    return producer


def security_of(kafka: KafkaSettings) -> dict[str, Any]:
    """The settings as aiokafka takes them.

    Raises:
        FarechainError: ``E_CONFIG`` names the file that cannot be used.
    """
    if kafka.protocol == "PLAINTEXT":
        return {}
    security: dict[str, Any] = {"security_protocol": kafka.protocol}
    if kafka.protocol.endswith("SSL"):
        security["ssl_context"] = _tls(kafka)
    if kafka.protocol.startswith("SASL") and kafka.sasl_password_file is not None:
        security["sasl_mechanism"] = kafka.sasl_mechanism
        security["sasl_plain_username"] = kafka.sasl_username
        security["sasl_plain_password"] = _secret(kafka.sasl_password_file)
    return security


def _tls(kafka: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=kafka.ca_file)
        if kafka.cert_file is not None:
            # The password: a key that has one is refused, where OpenSSL would ask for it and wait.
            context.load_cert_chain(kafka.cert_file, kafka.key_file, password="")
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(
            str(file) for file in (kafka.ca_file, kafka.cert_file, kafka.key_file) if file is not None
        )
        raise FarechainError(
            "E_CONFIG", f"TLS files of [kafka] cannot be used ({files}): {error}", EXIT_USAGE
        ) from error
    return context


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FarechainError(
            "E_CONFIG", f"cannot read kafka.sasl_password_file {path}: {error}", EXIT_USAGE
        ) from error


def log_seed(settings: Settings) -> bytes:
    """The log's secret seed."""
    return keys.read_key(settings.public_log.key_file)


def utc_offset_min_of(ledger: Ledger) -> int:
    """The ledger's zone, minutes from UTC, as its genesis has it."""
    genesis = ledger.record(0, 0)
    assert genesis is not None
    return int(decode_record(genesis)["utc_offset_min"])


def own_url(settings: Settings) -> str:
    """Where the service of this configuration answers on this machine."""
    host = settings.api.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.api.port}" if ":" in host else f"http://{host}:{settings.api.port}"
