"""TLS, logins and ACLs on a real broker: every way in that is configured, and what each mistake is told."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from kafka_certificates import Authority, Signed
from kafka_here import started

from farechain import _core
from farechain.broker import Broker, ensure_topics, produce_spool
from farechain.broker.kafka import Setup
from farechain.cli import main
from farechain.client import Client
from farechain.config import (
    KafkaSettings,
    LedgerSettings,
    OutputSettings,
    PublicLogSettings,
    Settings,
    SourceSettings,
    TopicSettings,
)
from farechain.config_file import to_toml
from farechain.day import generate
from farechain.demo.place import free_port
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.service.opening import security_of
from farechain.service.running import Service
from farechain.signed_event import SignedEvent
from farechain.spool_lines import spool_record

pytestmark = pytest.mark.kafka
TOPICS = {"farechain.commands": 1, "payments.metro": 4, "payments.road": 2} | dict.fromkeys(
    ["payments.parking", "payments.scenic"], 1
)
PASSWORD = "correct horse battery"
WRONG = "wrong and secret"
USER, STRANGER = "farechain", "stranger"
INVOICES = 1000
READ, WRITE, DESCRIBE = 3, 4, 8
"""Kafka's AclOperation."""
TOPIC_RESOURCE, GROUP_RESOURCE, LITERAL, ALLOW = 2, 3, 3, 3


@dataclass(frozen=True)
class Town:
    """A broker with every kind of listener, a day in its topics, and what its clients hold."""

    place: Path
    broker: Broker
    ports: dict[str, int]
    authority: Authority
    client: Signed
    expired: Signed
    stranger: Authority
    inputs: int

    def kafka(self, listener: str, **changed: Any) -> KafkaSettings:
        """The settings that are right for a listener, but for what is changed."""
        given: dict[str, Any] = {"bootstrap": f"127.0.0.1:{self.ports[listener]}"}
        if listener != "PLAIN":
            given |= {"protocol": "SSL", "ca_file": self.authority.certificate}
        if listener == "LOGIN":
            password = self.place / "password"
            password.write_text(PASSWORD + "\n")
            password.chmod(0o600)
            given |= {"protocol": "SASL_SSL", "sasl_username": USER, "sasl_password_file": password}
        elif listener != "PLAIN":
            given |= {"cert_file": self.client.certificate, "key_file": self.client.key}
        return KafkaSettings(**given | changed)

    def settings(self, name: str, kafka: KafkaSettings) -> Settings:
        """A chain of its own over the day's topics."""
        place = self.place / name
        return Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=self.place / "keys" / "bureau.pub"),
            source=SourceSettings(
                topics=tuple(TopicSettings(name=topic, partitions=n) for topic, n in TOPICS.items())
            ),
            kafka=kafka.model_copy(update={"group_id": name}),
            public_log=PublicLogSettings(key_file=place / "log.key"),
            outputs=OutputSettings(receipts=f"{name}.receipts", dead_letters=f"{name}.deadletter"),
        )

    def config(self, settings: Settings) -> list[str]:
        """The arguments that name a configuration."""
        path = settings.ledger.path.parent / "farechain.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(to_toml(settings))
        return ["--config", str(path)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    place = tmp_path_factory.mktemp("town")
    authority, stranger = Authority(place, "authority"), Authority(place, "stranger")
    here = ("127.0.0.1", "localhost")
    server = authority.sign("server", hosts=here)
    late = authority.sign("late", hosts=here, expired=True)
    elsewhere = authority.sign("elsewhere", hosts=("kafka.example",))
    ports = {name: free_port() for name in ("PLAIN", "CERTS", "LOGIN", "LATE", "ELSEWHERE")}
    encrypted = {name: port for name, port in ports.items() if name != "PLAIN"}
    module = "org.apache.kafka.common.security"
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server.store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.login.plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule required "
        f'user_{USER}="{PASSWORD}";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "true",
    }
    for digits in ("256", "512"):
        name = f"listener.name.login.scram-sha-{digits}.sasl.jaas.config"
        properties[name] = f"{module}.scram.ScramLoginModule required;"
    for name, signed in (("certs", server), ("late", late), ("elsewhere", elsewhere)):
        properties[f"listener.name.{name}.ssl.client.auth"] = "required"
        properties[f"listener.name.{name}.ssl.keystore.type"] = "PEM"
        properties[f"listener.name.{name}.ssl.keystore.location"] = str(signed.store)
    setup = Setup(
        listeners={
            name: ("SASL_SSL" if name == "LOGIN" else "SSL", port) for name, port in encrypted.items()
        },
        properties=properties,
        users={USER: PASSWORD, STRANGER: PASSWORD},
    )
    made = generate(place / "day", place / "keys", seed=5, invoices=INVOICES, date="2026-11-23")
    with started(place / "broker", port=ports["PLAIN"], setup=setup) as broker:
        asyncio.run(ensure_topics(broker.bootstrap, TOPICS))
        asyncio.run(produce_spool(broker.bootstrap, place / "day" / "spool"))
        yield Town(
            place,
            broker,
            ports,
            authority,
            authority.sign("client"),
            authority.sign("old client", expired=True),
            stranger,
            made.inputs,
        )


WAYS = {
    "certificates": ("CERTS", {}),
    "scram-512": ("LOGIN", {"sasl_mechanism": "SCRAM-SHA-512"}),
    "scram-256": ("LOGIN", {"sasl_mechanism": "SCRAM-SHA-256"}),
    "plain": ("LOGIN", {"sasl_mechanism": "PLAIN"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_day_comes_in_and_receipts_go_out_by_every_way(
    town: Town, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    listener, changed = WAYS[way]
    settings = town.settings(way, town.kafka(listener, **changed))
    security = security_of(settings.kafka)
    outputs = {settings.outputs.receipts: 2, settings.outputs.dead_letters: 1}
    asyncio.run(ensure_topics(settings.kafka.bootstrap, outputs, security))
    config = town.config(settings)
    assert main(["config", "check", *config]) == 0
    assert main(["init", *config]) == 0
    assert main(["ingest", "--until-end", *config]) == 0
    ledger = _core.Ledger.open(str(settings.ledger.path), readonly=True)
    assert ledger.status()["inputs"] == town.inputs
    assert ledger.status()["invoices"] == INVOICES
    assert _core.audit(str(settings.ledger.path))["ok"]
    assert asyncio.run(ends(town, settings.outputs.receipts)) == town.inputs
    told = capfd.readouterr()
    assert PASSWORD not in told.out + told.err


async def ends(town: Town, topic: str) -> int:
    """How many records a topic has, asked as the user who may do everything."""
    async with AIOKafkaConsumer(bootstrap_servers=town.broker.bootstrap) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(2)]
        return sum((await consumer.end_offsets(partitions)).values())


async def test_a_producer_sends_over_tls_and_by_login(town: Town) -> None:
    await ensure_topics(town.broker.bootstrap, {"from.clients": 1})
    line = next((town.place / "day" / "spool").glob("payments.metro-0.jsonl")).read_bytes().splitlines()[0]
    _topic, _partition, (_offset, _time, key, value, headers) = spool_record(line + b"\n")
    event = SignedEvent(key or b"", tuple((name, each or b"") for name, each in headers), value or b"")
    for number, (listener, changed) in enumerate(WAYS.values()):
        kafka = town.kafka(listener, **changed)
        async with Client(kafka.bootstrap, security_of(kafka)) as client:
            assert await client.send("from.clients", event) == (0, number)


def mistakes(town: Town) -> dict[str, tuple[KafkaSettings, str, list[str]]]:
    """Name -> settings that are wrong, the code, and what the line has to say."""
    wrong = town.place / "wrong-password"
    wrong.write_text(WRONG)
    none: dict[str, Any] = {"cert_file": None, "key_file": None}
    late = {"cert_file": town.expired.certificate, "key_file": town.expired.key}
    certs = {"cert_file": town.client.certificate, "key_file": town.client.key}
    plain: dict[str, Any] = {"protocol": "PLAINTEXT"}
    login = f"127.0.0.1:{town.ports['LOGIN']}"
    return {
        "wrong authority": (
            town.kafka("CERTS", ca_file=town.stranger.certificate),
            "E_BROKER_TLS",
            ["kafka.ca_file"],
        ),
        "wrong authority at login": (
            town.kafka("LOGIN", ca_file=town.stranger.certificate),
            "E_BROKER_TLS",
            ["kafka.ca_file"],
        ),
        "wrong host name": (town.kafka("ELSEWHERE"), "E_BROKER_TLS", ["another name than 127.0.0.1"]),
        "expired": (town.kafka("LATE"), "E_BROKER_TLS", ["expired", "renew it at the broker"]),
        "no client certificate": (town.kafka("CERTS", **none), "E_BROKER_TLS", ["kafka.cert_file"]),
        "expired client certificate": (town.kafka("CERTS", **late), "E_BROKER_TLS", ["kafka.cert_file"]),
        "plain text to TLS": (town.kafka("CERTS", **plain), "E_BROKER", ["kafka.protocol (PLAINTEXT)"]),
        "TLS to plain text": (
            town.kafka("CERTS", bootstrap=town.broker.bootstrap),
            "E_BROKER_TLS",
            ["kafka.protocol"],
        ),
        "no login": (town.kafka("CERTS", bootstrap=login), "E_BROKER_LOGIN", ["kafka.protocol (SSL)"]),
        "login where there is none": (
            town.kafka("LOGIN", bootstrap=f"127.0.0.1:{town.ports['CERTS']}", **certs),
            "E_BROKER_LOGIN",
            ["kafka.sasl_mechanism"],
        ),
        "wrong password": (
            town.kafka("LOGIN", sasl_password_file=wrong),
            "E_BROKER_LOGIN",
            [USER, "kafka.sasl_password_file"],
        ),
        "wrong password by PLAIN": (
            town.kafka("LOGIN", sasl_password_file=wrong, sasl_mechanism="PLAIN"),
            "E_BROKER_LOGIN",
            [USER, "kafka.sasl_password_file"],
        ),
        "unknown user": (town.kafka("LOGIN", sasl_username="nobody"), "E_BROKER_LOGIN", ["nobody"]),
    }


def test_every_mistake_is_one_line_that_says_what_to_change(
    town: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    good = town.settings("mistaken", town.kafka("PLAIN"))
    asyncio.run(ensure_topics(town.broker.bootstrap, {"mistaken.receipts": 1, "mistaken.deadletter": 1}))
    assert main(["init", *town.config(good)]) == 0
    for name, (kafka, code, words) in mistakes(town).items():
        settings = good.model_copy(update={"kafka": kafka})
        for verb in (["init"], ["ingest", "--until-end"]):
            capfd.readouterr()
            assert main([*verb, *town.config(settings)]) == EXIT_UNAVAILABLE, name
            told = capfd.readouterr()
            lines = [line for line in told.err.splitlines() if line.startswith("farechain: ")]
            assert len(lines) == 1, (name, told.err)
            assert lines[0].startswith(f"farechain: {code}: "), (name, told.err)
            assert all(word in lines[0] for word in words), (name, lines[0])
            assert PASSWORD not in told.out + told.err
            assert WRONG not in told.out + told.err
        with pytest.raises(FarechainError) as refused:
            asyncio.run(open_client(kafka))
        assert refused.value.code == code, name
        assert WRONG not in refused.value.message


async def open_client(kafka: KafkaSettings) -> None:
    async with Client(kafka.bootstrap, security_of(kafka)):
        raise AssertionError("it was let in")


async def allow(town: Town, name: str, user: str, *operations: int, resource: int = TOPIC_RESOURCE) -> None:
    """Only those who are allowed something may do anything with the topic or group from now on."""
    admin = AIOKafkaAdminClient(bootstrap_servers=town.broker.bootstrap)
    await admin.start()
    try:
        for operation in operations:
            request = CreateAclsRequest(resource, name, LITERAL, f"User:{user}", "*", operation, ALLOW)
            answer = await admin._send_request(request)
            assert [code for code, _message in answer.creation_responses] == [0]
    finally:
        await admin.close()


def over(
    town: Town, name: str, topic: str, *, receipts: str = "acl.receipts", dead_letters: str = "acl.deadletter"
) -> Settings:
    """A chain over one topic, read and written as the user who logs in."""
    whole = town.settings(name, town.kafka("LOGIN"))
    source = SourceSettings(topics=(TopicSettings(name=topic, partitions=1),), first=())
    outputs = OutputSettings(receipts=receipts, dead_letters=dead_letters)
    return whole.model_copy(update={"source": source, "outputs": outputs})


def test_what_the_user_may_not_do_is_named(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    topics = ("unread", "unseen", "unwritten", "free", "acl.receipts", "acl.deadletter")
    asyncio.run(ensure_topics(town.broker.bootstrap, dict.fromkeys(topics, 1)))
    unread, free = over(town, "unread", "unread"), over(town, "free", "free")
    for settings in (unread, free):
        assert main(["init", *town.config(settings)]) == 0
    asyncio.run(allow(town, "unread", USER, DESCRIBE))
    asyncio.run(allow(town, "unseen", STRANGER, READ, WRITE))
    asyncio.run(allow(town, "unwritten", USER, READ))
    for settings, verb, words in (
        (unread, ["ingest", "--until-end"], "may not read the topics unread"),
        (over(town, "free", "free", receipts="unwritten"), ["ingest"], "may not write the topics unwritten"),
        (over(town, "free", "free", dead_letters="unseen"), ["ingest"], "may not see the topics unseen"),
        (over(town, "unseen", "unseen"), ["init"], "may not see the topics unseen"),
    ):
        capfd.readouterr()
        assert main([*verb, *town.config(settings)]) == EXIT_UNAVAILABLE
        line = capfd.readouterr().err.strip().splitlines()[-1]
        assert line.startswith("farechain: E_TOPIC_DENIED: ")
        assert words in line


async def test_a_right_that_is_taken_away_stops_the_service(town: Town) -> None:
    await ensure_topics(town.broker.bootstrap, dict.fromkeys(("taken", "acl.receipts", "acl.deadletter"), 1))
    settings = over(town, "taken", "taken")
    assert await asyncio.to_thread(main, ["init", *town.config(settings)]) == 0
    running = asyncio.create_task(Service(settings, None).run(asyncio.Event()))
    await asyncio.wait([running], timeout=0.5)
    assert not running.done(), running
    await allow(town, "taken", STRANGER, READ, DESCRIBE)
    async with asyncio.timeout(30):
        with pytest.raises(FarechainError) as stopped:
            await running
    assert stopped.value.code == "E_TOPIC_DENIED"


def test_a_group_that_the_user_may_not_use_is_named(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    asyncio.run(
        ensure_topics(town.broker.bootstrap, dict.fromkeys(("alone", "acl.receipts", "acl.deadletter"), 1))
    )
    config = town.config(over(town, "alone", "alone"))
    assert main(["init", *config]) == 0
    asyncio.run(allow(town, "alone", STRANGER, READ, resource=GROUP_RESOURCE))
    assert main(["ingest", *config]) == EXIT_UNAVAILABLE
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("farechain: E_TOPIC_DENIED: ")
    assert "GroupAuthorizationFailedError: alone" in line
