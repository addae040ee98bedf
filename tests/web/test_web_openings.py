"""Titles that come beside commands: kept before the append, opened by nobody else, nowhere in the ledger."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from farechain.client import Buyer, CommandRefusedError, SignedEvent, Title
from farechain.errors import FarechainError
from farechain.orders import claim, retitle
from farechain.private.openings import Kind, Opening
from farechain.private.store import Store
from web.town import (
    AGENT,
    APP,
    BUREAU,
    CLERK,
    COMPANY,
    HOLDER,
    ISSUER,
    SELLER,
    Town,
    claimed,
    invoice,
    ride,
)

TEXT = "金丝雀运输有限公司"
MEDIA = "application/vnd.farechain.command+json"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "secret" / "private" / "store.sqlite", bytes(32), create=True) as opened:
        yield opened


@pytest.fixture
async def town(tmp_path: Path, store: Store) -> AsyncIterator[Town]:
    """Open, founded, with three claimable rides and an invoice."""
    made = Town(tmp_path, private=store)
    async with made.open() as opened:
        await opened.found()
    made.pay(*(ride(n, "SCENIC") for n in range(3)), ride(9))
    made.halt = asyncio.Event()
    async with made.open() as opened:
        yield opened


def to_holder(title: Title) -> SignedEvent:
    buyer = Buyer(title=title.commitment, holder=HOLDER.kid)
    return ISSUER.claim(claimed(ride(0, "SCENIC")), buyer)


async def problem_of(town: Town, command: SignedEvent, *openings: Title) -> dict[str, Any]:
    with pytest.raises(CommandRefusedError) as told:
        await town.client.send(command, openings)
    return told.value.problem


async def post(town: Town, command: SignedEvent, body: Any, **changed: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await town.post(command, content=content, headers={"Content-Type": MEDIA, **changed})


def body(command: SignedEvent, *openings: dict[str, Any]) -> dict[str, Any]:
    return {"event": base64.b64encode(command.value).decode(), "openings": list(openings)}


async def test_a_title_is_kept_for_its_holder_and_claimed(town: Town, store: Store) -> None:
    title = Title.of(TEXT)
    answer = await town.client.send(to_holder(title), [title])
    assert answer["records"][0]["fields"]["title"] == title.commitment.hex()
    (kept,) = store.by_subject(HOLDER.kid)
    assert (kept.opening, kept.claimed) == (Opening(title.salt, TEXT), True)
    assert store.collect_orphans(2**62, lambda _commitment: False) == 0


async def test_an_agent_s_customers_are_its_own(town: Town, store: Store) -> None:
    """The same number at two signers is two people, and neither reaches a holder's texts."""
    one, other = Title.of(TEXT, "17"), Title.of(TEXT, HOLDER.kid)
    await town.client.send(ISSUER.retitle(invoice(1), Buyer(title=one.commitment)), [one])
    await town.client.send(ISSUER.claim(claimed(ride(1, "SCENIC")), Buyer(title=other.commitment)), [other])
    assert [kept.opening.text for kept in store.by_subject(f"{SELLER}/17")] == [TEXT]
    assert [kept.opening.salt for kept in store.by_subject(f"{SELLER}/{HOLDER.kid}")] == [other.salt]
    assert store.by_subject(f"{APP}/17") == store.by_subject("17") == store.by_subject(HOLDER.kid) == []


async def test_each_order_of_a_batch_has_its_opening(town: Town, store: Store) -> None:
    titles = [Title.of(TEXT), Title.of("乙", "乙")]
    orders = [
        claim(claimed(ride(0, "SCENIC")), Buyer(title=titles[0].commitment, holder=HOLDER.kid)),
        retitle(invoice(1), Buyer(COMPANY, titles[1].commitment)),
    ]
    await town.client.send(ISSUER.batch(orders), titles)
    assert [store.opening(one.commitment) for one in titles] == [
        Opening(one.salt, one.text) for one in titles
    ]


async def test_a_command_sent_again_brings_what_it_first_lacked(town: Town, store: Store) -> None:
    title = Title.of(TEXT)
    command = to_holder(title)
    assert (await town.client.send(command))["duplicate"] is False
    assert store.opening(title.commitment) is None
    for _ in range(2):
        assert (await town.client.send(command, [title]))["duplicate"] is True
    (kept,) = store.by_subject(HOLDER.kid)
    assert kept.claimed


async def test_what_the_ledger_refuses_is_an_orphan(town: Town, store: Store) -> None:
    title = Title.of(TEXT)
    spent = ISSUER.claim(claimed(ride(9)), Buyer(title=title.commitment, holder=HOLDER.kid))
    assert (await problem_of(town, spent, title))["code"] == "E_PAYMENT_SPENT"
    assert [kept.claimed for kept in store.by_subject(HOLDER.kid)] == [False]
    assert store.collect_orphans(2**62, lambda _commitment: False) == 1


async def test_it_is_durable_before_the_command_is(tmp_path: Path, store: Store) -> None:
    """With a ledger that seals nothing the command waits in vain, and its opening is there."""
    made = Town(tmp_path, private=store)
    async with made.open() as opened:
        await opened.found()
    async with made.open(running=False) as opened:
        opened.desk._timeout_s = 0.01
        title = Title.of(TEXT)
        with pytest.raises(FarechainError, match="E_NOT_RECORDED"):
            await opened.client.send(to_holder(title), [title])
        assert store.opening(title.commitment) == Opening(title.salt, TEXT)


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        (Title(TEXT, b"\1" * 16), "E_OPENING", 422),
        (Title("别的", b"\0" * 16), "E_OPENING", 422),
        (Title("🚇", b"\0" * 16), "E_TITLE_CHARS", 400),
        (Title(" 　", b"\0" * 16), "E_TITLE_REQUIRED", 400),
    ],
)
async def test_what_opens_nothing_or_is_no_title(
    town: Town, store: Store, given: Title, code: str, status: int
) -> None:
    problem = await problem_of(town, to_holder(Title(TEXT, bytes(16))), given)
    assert (problem["code"], problem["status"]) == (code, status)
    assert TEXT not in json.dumps(problem, ensure_ascii=False)
    assert store.by_subject(HOLDER.kid) == []


async def test_whose_it_is_must_be_clear(town: Town, store: Store) -> None:
    title = Title.of(TEXT)
    nobodys = ISSUER.claim(claimed(ride(0, "SCENIC")), Buyer(title=title.commitment))
    assert "subject" in (await problem_of(town, nobodys, title))["detail"]
    assert (await problem_of(town, to_holder(title), title, title))["code"] == "E_OPENING"
    store.put("somebody else", Kind.TITLE, title.text, title.salt)
    taken = await problem_of(town, to_holder(title), title)
    assert (taken["code"], taken["status"]) == ("E_OPENING", 409)
    assert (await town.http.get("/v1/status")).json()["height"] == town.ledger.height


async def test_only_who_gives_such_commands_may_fill_the_store(town: Town, store: Store) -> None:
    title = Title.of(TEXT)
    buyer = Buyer(title=title.commitment, holder=HOLDER.kid)
    for signer in (BUREAU, CLERK, HOLDER):
        order = claim(claimed(ride(0, "SCENIC")), buyer)
        assert (await problem_of(town, signer.command(order), title))["code"] == "E_ROLE"
    height = town.ledger.height
    freeze = AGENT.command(retitle(invoice(1), Buyer()))
    assert (await problem_of(town, freeze, title))["code"] == "E_OPENING"
    forged = to_holder(title)
    answer = await post(town, forged, body(forged, given(title)), **{"fc-sig": "0" * 128})
    assert (answer.status_code, town.ledger.height) == (401, height)
    assert store.by_subject(HOLDER.kid) == []


def given(title: Title, **changed: Any) -> dict[str, Any]:
    return {"salt": title.salt.hex(), "text": title.text, **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {"salt": "00"},
        {"salt": None},
        {"text": ""},
        {"text": 1},
        {"text": "x" * 401},
        {"subject": ""},
        {"kind": "NAME"},
    ],
)
async def test_openings_of_another_form_are_refused(town: Town, changed: dict[str, Any]) -> None:
    title = Title.of(TEXT)
    command = to_holder(title)
    answer = await post(town, command, body(command, given(title, **changed)))
    assert (answer.status_code, answer.json()["code"]) == (422, "E_SCHEMA")


async def test_bodies_of_another_form_are_refused(town: Town) -> None:
    title = Title.of(TEXT)
    command = to_holder(title)
    good = body(command, given(title))
    for wrong in (
        b"",
        b"[]",
        b"{",
        command.value,
        {**good, "event": "%%"},
        {**good, "event": good["event"] + "\n"},
        {**good, "openings": [given(title)] * 65},
        {**good, "more": 1},
    ):
        assert (await post(town, command, wrong)).status_code == 422
    large = {**good, "event": base64.b64encode(bytes(64 * 1024 + 1)).decode()}
    assert (await post(town, command, large)).status_code == 413
    assert (await post(town, command, bytes(160 * 1024 + 1))).status_code == 413
    assert (await post(town, command, body(command))).status_code == 201


async def test_without_a_store_it_is_refused_and_nothing_is_recorded(tmp_path: Path) -> None:
    made = Town(tmp_path)
    async with made.open() as opened:
        await opened.found()
        height = opened.ledger.height
        title = Title.of(TEXT)
        assert (await problem_of(opened, to_holder(title), title))["code"] == "E_NO_PRIVATE_STORE"
        assert opened.ledger.height == height


async def test_a_store_that_fails_takes_no_command(
    town: Town, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    title = Title.of(TEXT)
    with pytest.raises(FarechainError, match="E_PRIVATE_STORE"):
        await town.client.send(to_holder(title), [title])
    assert TEXT not in caplog.text


async def test_no_byte_of_it_leaves_the_store(
    town: Town, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the ledger's files (evidence, rejected inputs), the answers, the receipts or any log line."""
    caplog.set_level(logging.DEBUG)
    title = Title.of(TEXT, "canary-subject-7f3a")
    answers = [
        await town.client.send(to_holder(title), [title]),
        await problem_of(town, ISSUER.retitle(invoice(99), Buyer(title=title.commitment)), title),
        await problem_of(town, to_holder(title), Title("🚇" + TEXT, title.salt)),
        town.ledger.receipts(0, 1000)[1],
        town.ledger.dead_letters(0, 1000)[1],
    ]
    town.publish()
    spoken = (repr(answers) + caplog.text + repr(title)).encode()
    everything = spoken + outside(tmp_path)
    text = [TEXT.encode(code) for code in ("utf-8", "gb18030", "utf-16-le", "unicode_escape")]
    salts = [title.salt, title.salt.hex().encode(), base64.b64encode(title.salt)[:20]]
    for canary in (*text, *salts, b"canary-subject"):
        assert canary not in everything
    assert title.commitment in everything
    store.erase(f"{SELLER}/canary-subject-7f3a")
    assert store.opening(title.commitment) is None


def outside(place: Path) -> bytes:
    """All files but the store's."""
    files = [path for path in place.rglob("*") if path.is_file() and "secret" not in path.parts]
    assert len(files) > 5
    return b"".join(path.read_bytes() for path in files)


async def test_the_description_has_the_form(town: Town) -> None:
    described = (await town.http.get("/v1/openapi.json")).json()
    content = described["paths"]["/v1/commands"]["post"]["requestBody"]["content"]
    assert content[MEDIA]["schema"]["$ref"].endswith("/CommandWithOpenings")
    assert {"CommandWithOpenings", "GivenOpening"} <= set(described["components"]["schemas"])
