"""What only others can tell of a configuration: topics at the broker, witnesses' keys, and clocks."""

import asyncio
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx

from farechain.config import Settings, WitnessSettings
from farechain.errors import FarechainError
from farechain.service import opening
from farechain.service.checking import Finding
from farechain.sources.kafka_client import connected
from farechain.sources.topic_metadata import TopicMetadata, topic_metadata
from farechain.witness.client import CosigningError, WitnessEndpoint, WitnessRound

CLOCK_WARNING_S, CLOCK_ERROR_S = 5.0, 60.0
"""Between this machine and a witness; an answer's date is whole seconds."""


async def check_online(settings: Settings, clock_s: Callable[[], float] = time.time) -> list[Finding]:
    """Asks the broker and the witnesses. Nothing new is signed, and nothing is sent to a topic.

    Args:
        clock_s: this machine's clock, seconds since 1970.
    """
    found = await _broker(settings) if settings.source.kind == "kafka" or settings.outputs.enabled else []
    note, _size = opening.published_checkpoint(settings)
    checks = [_witness(settings, member, note, clock_s) for member in settings.witnesses.members]
    for each in await asyncio.gather(*checks):
        found += each
    return found


async def _broker(settings: Settings) -> list[Finding]:
    wanted = {topic.name: topic.partitions for topic in settings.source.topics}
    if settings.source.kind != "kafka":
        wanted = {}
    outputs = settings.outputs
    sent = (outputs.receipts, outputs.dead_letters) if outputs.enabled else ()
    try:
        security = opening.security_of(settings.kafka)
        async with connected(settings.kafka.bootstrap, security) as client:
            there = await topic_metadata(client, [*wanted, *sent])
    except FarechainError as error:
        return [Finding("error", error.code, error.message)]
    found = []
    for name in [*wanted, *sent]:
        if name not in there:
            message = (
                f"there is no topic {name} at {settings.kafka.bootstrap}: create it, or correct its name"
            )
            found.append(Finding("error", "E_TOPIC_UNKNOWN", message))
        elif not there[name].has_leaders:
            found.append(Finding("error", "E_TOPIC", f"topic {name} has no leader: see the broker"))
    for name, partitions in wanted.items():
        if name in there and there[name].partitions < partitions:
            message = f"topic {name} has {there[name].partitions} partitions, source.topics says {partitions}"
            found.append(Finding("error", "E_TOPIC_PARTITIONS", f"{message}: correct source.topics"))
    return found + _recreated(settings, there)


def _recreated(settings: Settings, there: dict[str, TopicMetadata]) -> list[Finding]:
    if settings.source.kind != "kafka" or not (settings.ledger.path / "blocks").is_dir():
        return []
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        ids = {topic: topic_id for topic, topic_id, *_ in ledger.positions()}
    finally:
        ledger.close()
    return [
        Finding(
            "error", "E_TOPIC_RECREATED", f"topic {name} is another than in genesis: restore the original"
        )
        for name, topic in there.items()
        if name in ids and ids[name] != topic.topic_id
    ]


async def _witness(
    settings: Settings, member: WitnessSettings, note: str, clock_s: Callable[[], float]
) -> list[Finding]:
    timeout_s = settings.witnesses.timeout_ms / 1000
    found = []
    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as http:
            answer = await http.get(member.url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = f"witness {member.name}: nobody answers at {member.url} ({type(error).__name__})"
        return [Finding("error", "E_WITNESS", f"{message}: correct its url, or ring its party")]
    try:
        apart_s = abs(parsedate_to_datetime(answer.headers["date"]).timestamp() - clock_s())
    except (KeyError, ValueError):
        apart_s = 0.0
    if apart_s > CLOCK_WARNING_S:
        message = f"the clock is {apart_s:.0f} s from that of witness {member.name}: see to NTP on both"
        found.append(Finding("error" if apart_s > CLOCK_ERROR_S else "warning", "E_CLOCK", message))
    if note:
        found += await _key(member, note, timeout_s)
    return found


async def _key(member: WitnessSettings, note: str, timeout_s: float) -> list[Finding]:
    """Whether it cosigns, under its configured key, the checkpoint that is published already."""
    endpoint = WitnessEndpoint(member.name, member.url, member.vkey)
    size = int(note.splitlines()[1])
    try:
        async with WitnessRound([endpoint], 1, timeout_s) as asking:
            theirs = (await asking.highest_known(note)).get(member.name, size)
            if theirs < size:
                return []  # it was away: the service catches it up
            await asking.cosign(note, lambda _old, _new: [])
    except CosigningError as error:
        # A service that runs may have published a larger one since the file was read.
        if error.known_size > size:
            return []
        message = f"witness {member.name} does not cosign what is published: {error.reasons[member.name]}"
        return [
            Finding("error", "E_WITNESS", f"{message}; compare its vkey, and the log's key that it knows")
        ]
    return []
