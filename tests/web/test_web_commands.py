"""Commands over HTTP on a real ledger: the life of an invoice, races, replays, hostile bodies, the end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farechain import _core
from farechain.client import Buyer, Claimed, CommandRefusedError, SignedEvent
from farechain.errors import FarechainError
from farechain.orders import lock as lock_order
from web.town import (
    AGENT,
    BUREAU,
    CLERK,
    COMPANY,
    HOLDER,
    ISSUER,
    NETWORK,
    OTHER_CLERK,
    OTHER_COMPANY,
    STRANGER,
    TITLE,
    Town,
    claimed,
    founding,
    invoice,
    party,
    ride,
)

FOR_COMPANY = Buyer(tax_id=COMPANY, title=TITLE)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Open, founded, with three claimable rides."""
    made = Town(tmp_path)
    async with made.open() as opened:
        await opened.found()
    made.pay(*(ride(n, "SCENIC") for n in range(3)), ride(9))
    made.halt = asyncio.Event()
    async with made.open() as opened:
        yield opened


async def refused(town: Town, command: SignedEvent) -> dict[str, Any]:
    with pytest.raises(CommandRefusedError) as told:
        await town.client.send(command)
    return told.value.problem


async def test_an_invoice_lives_over_http(town: Town) -> None:
    made = await town.client.send(ISSUER.claim(claimed(ride(0, "SCENIC")), FOR_COMPANY))
    (now,) = made["invoices"]
    assert (made["verdict"], made["duplicate"], now["standing"]["claim"]) == ("ISSUED", False, "FREE")
    assert "LOCK" in now["allowed"]
    assert made["records"][0]["kind"] == "CLAIMED"
    assert made["records"][0]["fields"]["buyer_tax_id"] == COMPANY
    number = invoice(int(now["number"]))
    steps = [
        (CLERK.lock(number, "c-1"), "LOCKED"),
        (CLERK.reimburse(number, "c-1", 665), "REIMBURSED"),
        (CLERK.post(number, "v-1", "2026-03"), "POSTED"),
        (CLERK.unpost(number), "REIMBURSED"),
    ]
    for command, claim in steps:
        answer = await town.client.send(command)
        assert answer["verdict"] == "APPLIED"
        assert answer["invoices"][0]["standing"]["claim"] == claim
        assert answer["records"][0]["fields"]["standing"]["claim"] == claim
    reversed_ = await town.client.send(ISSUER.red_issue(number, "SALES_RETURN"))
    assert (reversed_["verdict"], reversed_["records"][0]["kind"]) == ("REVERSED", "RED_OF_LINES")
    assert reversed_["invoices"][0]["standing"]["fiscal"] == "REVERSED"


async def test_a_retitle_names_both_invoices(town: Town) -> None:
    answer = await town.client.send(ISSUER.retitle(invoice(1), FOR_COMPANY))
    assert [record["kind"] for record in answer["records"]] == ["RED_OF_LINES", "CLAIMED"]
    assert [one["standing"]["fiscal"] for one in answer["invoices"]] == ["REVERSED", "ISSUED"]


async def test_the_proof_of_a_command_proves_the_standing(town: Town) -> None:
    answer = await town.client.send(ISSUER.bind(invoice(1), HOLDER.kid))
    path = answer["records"][0]["proof"]
    assert (await town.http.get(path)).status_code == 503
    town.publish()
    proof = await town.http.get(path)
    proven = _core.verify_proof(proof.content, town.log.vkey, [], 0)
    assert proven["fields"]["standing"]["holder"].hex() == HOLDER.kid
    compact = await town.http.get(path, params={"form": "compact"})
    assert _core.verify_proof(compact.content, town.log.vkey, [], 0)["hash"] == proven["hash"]
    assert (await town.http.get("/v1/blocks/1/records/999/proof")).status_code == 404
    assert (await town.http.get("/v1/blocks/99999/records/0/proof")).status_code == 404


async def test_two_clerks_race_and_the_other_learns_who(town: Town) -> None:
    await town.client.send(ISSUER.bind(invoice(1), HOLDER.kid))
    shown = {
        clerk: clerk.lock(invoice(1), "c-1", HOLDER.present(invoice(1), clerk.tax_id, "c-1"))
        for clerk in (CLERK, OTHER_CLERK)
    }
    answers = await asyncio.gather(*(town.post(command) for command in shown.values()))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    winner = (COMPANY, OTHER_COMPANY)[[answer.status_code for answer in answers].index(201)]
    problem = next(answer.json() for answer in answers if answer.status_code == 409)
    locked_ms = (town.ledger.block(town.ledger.height) or {})["time_ms"]
    assert problem["locked_by"] == {"tax_id": winner, "since_ms": locked_ms}
    assert problem["code"] == "E_LOCKED_BY_OTHER"
    assert problem["state"] == {"fiscal": "ISSUED", "claim": "LOCKED", "use": "NONE", "frozen": False}
    assert "UNLOCK" in problem["allowed"]
    assert "LOCK" not in problem["allowed"]
    assert problem["recorded"]["height"] == town.ledger.height
    late = await refused(town, CLERK.lock(invoice(1), "c-2", HOLDER.present(invoice(1), COMPANY, "c-2")))
    assert late["locked_by"] == problem["locked_by"]
    assert winner in late["detail"]
    assert late["invoice"] == "144032609110-00000001"


async def test_the_time_of_a_lock_is_found_in_the_ledger_after_a_restart(town: Town) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), FOR_COMPANY))
    await town.client.send(CLERK.lock(invoice(3), "c-1"))
    locked_ms = (town.ledger.block(town.ledger.height) or {})["time_ms"]
    async with town.again():
        problem = await refused(town, CLERK.lock(invoice(3), "c-2"))
    assert problem["locked_by"] == {"tax_id": COMPANY, "since_ms": locked_ms}


async def test_the_time_of_a_lock_that_another_record_came_after_is_in_the_books(town: Town) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), FOR_COMPANY))
    await town.client.send(CLERK.lock(invoice(3), "c-1"))
    locked_ms = (town.ledger.block(town.ledger.height) or {})["time_ms"]
    await town.client.send(CLERK.confirm_use(invoice(3)))
    town.follow()
    problem = await refused(town, CLERK.lock(invoice(3), "c-2"))
    assert problem["locked_by"] == {"tax_id": COMPANY, "since_ms": locked_ms}


async def test_a_hundred_clerks_race_and_exactly_one_wins(town: Town) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), FOR_COMPANY))
    commands = [CLERK.lock(invoice(3), f"c-{n}") for n in range(100)]
    answers = await asyncio.gather(*(town.post(command) for command in commands))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 99
    found = town.ledger.invoice("144032609110", 3)
    assert found is not None
    winner = [answer.status_code for answer in answers].index(201)
    assert found["standing"]["claim_id"] == f"c-{winner}"


async def test_a_command_sent_again_is_answered_with_the_first_result(town: Town) -> None:
    command = ISSUER.claim(claimed(ride(0, "SCENIC"), ride(1, "SCENIC")), Buyer())
    first, again = await asyncio.gather(town.post(command), town.post(command))
    later = await town.post(command)
    assert sorted(answer.status_code for answer in (first, again)) == [200, 201]
    assert later.status_code == 200
    for answer in (first.json(), again.json(), later.json()):
        assert (answer["verdict"], answer["height"]) == ("ISSUED", first.json()["height"])
        assert answer["records"] == first.json()["records"]
    assert town.ledger.status()["invoices"] == 2


async def test_a_used_command_id_is_told_as_such(town: Town) -> None:
    await town.client.send(
        BUREAU.command({"kind": "FREEZE", "code": "144032609110", "number": 1, "note": "a"}, "id-1")
    )
    await town.client.send(BUREAU.unfreeze(invoice(1)))
    problem = await refused(
        town,
        BUREAU.command({"kind": "FREEZE", "code": "144032609110", "number": 1, "note": "b"}, "id-1"),
    )
    assert problem["code"] == "E_STATE"
    assert "command_id" in problem["detail"]


@pytest.mark.parametrize(
    ("command", "status", "code"),
    [
        (lambda: CLERK.lock(invoice(77), "c"), 404, "E_NUMBER_RANGE"),
        (lambda: ISSUER.lock(invoice(1), "c"), 403, "E_ROLE"),
        (lambda: CLERK.lock(invoice(1), "c"), 409, "E_STATE"),
        (lambda: CLERK.reimburse(invoice(1), "c", 1), 409, "E_STATE"),
        (lambda: ISSUER.claim(claimed(ride(55)), Buyer()), 404, "E_PAYMENT_UNKNOWN"),
        (lambda: ISSUER.claim(claimed(ride(9)), Buyer()), 409, "E_PAYMENT_SPENT"),
        (lambda: ISSUER.bind(invoice(1), STRANGER.kid), 404, "E_KEY_UNKNOWN"),
        (lambda: ISSUER.declare("2025-01", 1, 0, 0), 422, "E_SUM_LINES"),
        (lambda: ISSUER.red_request(invoice(1), "SALES_RETURN"), 409, "E_STATE"),
    ],
)
async def test_a_refusal_has_the_status_of_its_kind(town: Town, command: Any, status: int, code: str) -> None:
    answer = await town.post(command())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["recorded"]["height"] == town.ledger.height


async def test_a_role_that_is_wrong_is_told_nothing_of_the_invoice(town: Town) -> None:
    problem = await refused(town, ISSUER.lock(invoice(1), "c"))
    assert (problem["state"], problem["allowed"], problem["invoice"]) == (None, None, None)


async def test_a_spent_payment_names_its_invoice(town: Town) -> None:
    problem = await refused(town, ISSUER.claim(claimed(ride(0, "SCENIC"), ride(9)), Buyer()))
    assert problem["payment"]["invoice"] == {"code": "144032609110", "number": "00000001"}
    assert problem["payment"]["state"] == "INVOICED"


async def test_a_batch_is_done_whole_or_not_at_all_and_names_the_culprit(town: Town) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), FOR_COMPANY))
    await town.client.send(ISSUER.claim(claimed(ride(0, "SCENIC")), FOR_COMPANY))
    await town.client.send(CLERK.lock(invoice(4), "mine"))
    several = [lock_order(invoice(3), "c"), lock_order(invoice(4), "c")]
    problem = await refused(town, CLERK.batch(several))
    assert (problem["code"], problem["invoice"]) == ("E_LOCKED_BY_OTHER", "144032609110-00000004")
    await town.client.send(CLERK.unlock(invoice(4), "mine"))
    answer = await town.client.send(CLERK.batch(several))
    assert [one["standing"]["claim"] for one in answer["invoices"]] == ["LOCKED", "LOCKED"]


async def test_an_agent_claims_with_the_payers_opening(tmp_path: Path) -> None:
    opening = b"\x33" * 32
    paid = ride(1, "SCENIC", _core.identity([b"PAYER", opening]).hex())
    town = Town(tmp_path)
    async with town.open():
        await town.found()
    town.pay(paid)
    town.halt = asyncio.Event()
    async with town.open():
        answer = await town.post(AGENT.claim(claimed(paid), Buyer(holder=HOLDER.kid)))
        assert (answer.status_code, answer.json()["code"]) == (403, "E_ROLE")
        one = [Claimed(claimed(paid)[0].payment, opening)]
        made = await town.client.send(AGENT.claim(one, Buyer(holder=HOLDER.kid)))
        assert made["invoices"][0]["standing"]["holder"] == HOLDER.kid


# At the door -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"fc-kid": None}, "E_SIGNATURE"),
        ({"fc-sig": None}, "E_SIGNATURE"),
        ({"fc-kid": "A" * 32}, "E_SIGNATURE"),
        ({"fc-kid": "0" * 31}, "E_SIGNATURE"),
        ({"fc-sig": "0" * 127}, "E_SIGNATURE"),
        ({"fc-sig": "0" * 128}, "E_SIGNATURE"),
        ({"fc-sig": "AB" * 64}, "E_SIGNATURE"),
        ({"fc-kid": "0" * 32}, "E_KEY_UNKNOWN"),
    ],
)
async def test_what_no_registered_key_signed_never_reaches_the_ledger(
    town: Town, headers: dict[str, str | None], code: str
) -> None:
    height = town.ledger.height
    answer = await town.post(CLERK.lock(invoice(1), "c"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.json().get("recorded") is None
    assert town.ledger.height == height


async def test_one_changed_byte_is_no_signature(town: Town) -> None:
    command = BUREAU.freeze(invoice(1), "x")
    changed = command.value.replace(b'"number":1', b'"number":2')
    answer = await town.post(command, content=changed)
    assert (answer.status_code, answer.json()["code"]) == (401, "E_SIGNATURE")
    spaced = await town.post(command, content=command.value + b" ")
    assert spaced.status_code == 401


def signed(value: bytes) -> SignedEvent:
    kid = _core.kid(CLERK.public_key).encode()
    return SignedEvent(b"", (("fc-kid", kid), ("fc-sig", _core.sign(CLERK._seed, value))), value)


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (b"", 400, "E_SCHEMA"),
        (b"{", 400, "E_SCHEMA"),
        (b"\xff\xfe", 400, "E_SCHEMA"),
        (b"[" * 60_000, 400, "E_DEPTH"),
        (b'{"a":1,"a":2}', 400, "E_SCHEMA"),
        (CLERK.unpost(invoice(1)).value.replace(b"UNPOST", b"UNPOSE"), 400, "E_SCHEMA"),
        (CLERK.unpost(invoice(1)).value.replace(b"shenzhen", b"shanghai"), 400, "E_CHAIN"),
        (CLERK.reimburse(invoice(1), "c", 7).value.replace(b":7", b":7.0"), 422, "E_AMOUNT_FLOAT"),
        (CLERK.reimburse(invoice(1), "c", 7).value.replace(b":7", b":-7"), 422, "E_AMOUNT_NEGATIVE"),
        (ride(1).value, 400, "E_SCHEMA"),
    ],
)
async def test_a_signed_body_that_is_no_command_is_refused_at_the_door(
    town: Town, value: bytes, status: int, code: str
) -> None:
    height = town.ledger.height
    answer = await town.post(signed(value))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert town.ledger.height == height


async def test_more_than_64_kib_are_not_read(town: Town) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 8192
            yield bytes(8192)

    command = CLERK.unpost(invoice(1))
    answer = await town.post(command, content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "E_SIZE")
    assert read <= 80_000


async def test_only_a_cloud_event_is_taken(town: Town) -> None:
    answer = await town.post(CLERK.unpost(invoice(1)), headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "E_MEDIA_TYPE")


async def test_a_revoked_key_is_refused_at_the_door_and_a_retired_one_by_the_ledger(town: Town) -> None:
    await town.client.send(BUREAU.retire_key(OTHER_CLERK.kid))
    assert (await refused(town, OTHER_CLERK.unpost(invoice(1))))["code"] == "E_KEY_EXPIRED"
    await town.client.send(BUREAU.revoke_key(OTHER_CLERK.kid))
    # A key that is not known yet makes the door read the registry as it is now.
    assert (await refused(town, STRANGER.unpost(invoice(1))))["code"] == "E_KEY_UNKNOWN"
    height = town.ledger.height
    assert (await refused(town, OTHER_CLERK.unpost(invoice(1))))["code"] == "E_KEY_EXPIRED"
    assert town.ledger.height == height


async def test_a_key_is_good_as_soon_as_it_is_registered(town: Town) -> None:
    for number in range(50, 60):
        newcomer = party(COMPANY, number)
        await town.client.send(BUREAU.register_key(newcomer.public_key, "REIMBURSER", COMPANY))
        await town.client.send(newcomer.reimburser_policy(accepts_individuals=False))


# When it cannot be taken -------------------------------------------------------------------------


async def test_a_full_queue_is_told_and_nothing_of_it_is_recorded(tmp_path: Path) -> None:
    town = Town(tmp_path, waiting_max=2, timeout_s=0.2)
    async with town.open(running=False):
        waiting = [asyncio.create_task(town.post(command)) for command in founding()[:1] * 2]
        await town.taken(2)
        full = await town.post(BUREAU.admit_issuer(COMPANY, "x"))
        assert (full.status_code, full.json()["code"]) == (503, "E_BUSY")
        assert full.headers["retry-after"] == "1"
        for answer in await asyncio.gather(*waiting):
            assert (answer.status_code, answer.json()["code"]) == (503, "E_NOT_RECORDED")
            assert "send the same bytes again" in answer.json()["detail"]


async def test_whoever_waits_at_the_end_is_told_to_send_again(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with town.open(running=False):
        waiting = asyncio.create_task(town.post(founding()[0]))
        await town.taken(1)
        town.desk.end()
        answer = await waiting
        assert (answer.status_code, answer.json()["code"]) == (503, "E_NOT_RECORDED")
        assert answer.headers["retry-after"] == "1"
        assert (await town.post(founding()[0])).status_code == 503
    assert town.ledger.height == 0


async def test_a_client_that_leaves_is_recorded_and_a_duplicate_later(tmp_path: Path) -> None:
    town = Town(tmp_path, max_age_ms=50)
    async with town.open():
        leaving = asyncio.create_task(town.post(founding()[0]))
        await town.taken(1)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        again = await town.client.send(founding_again := BUREAU.admit_issuer(COMPANY, "x"))
        assert again["offset"] == 1
        assert (await town.client.send(founding_again))["duplicate"]


async def test_a_chain_without_the_source_says_so_in_one_line(tmp_path: Path) -> None:
    async with Town(tmp_path, listed=False).open() as town:
        answer = await town.post(founding()[0])
        assert (answer.status_code, answer.json()["code"]) == (503, "E_NO_COMMANDS")
        assert "genesis does not list http/0" in answer.json()["detail"]
        with pytest.raises(FarechainError) as told:
            await town.client.send(founding()[0])
        assert told.value.exit_code == 4


async def test_a_command_waits_for_the_age_of_a_block_and_not_for_a_full_one(tmp_path: Path) -> None:
    town = Town(tmp_path, max_age_ms=100)
    async with town.open():
        loop = asyncio.get_running_loop()
        started = loop.time()
        await town.client.send(founding()[0])
        assert loop.time() - started < 5
    assert town.blocks == [1]


async def test_offsets_go_on_where_the_ledger_is(tmp_path: Path) -> None:
    town = Town(tmp_path)
    for start in (0, 3):
        town.halt = asyncio.Event()
        async with town.open():
            answers = [
                await town.client.send(BUREAU.admit_issuer(COMPANY, f"n{start + n}")) for n in range(3)
            ]
        assert [answer["offset"] for answer in answers] == [start, start + 1, start + 2]
    town.ledger.close()
    assert _core.audit(str(town.place / "ledger"))["ok"]


def test_the_network_of_the_town_is_what_the_parties_sign() -> None:
    assert {each.network for each in (BUREAU, ISSUER, CLERK)} == {NETWORK}
