"""Parties sign every command of the table; the client sends it until it is answered; the verb's one line."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from farechain import _core, http_client, orders
from farechain.cli import main
from farechain.client import Buyer, Claimed, CommandRefusedError, HttpClient, Invoice, Party
from farechain.errors import FarechainError
from farechain.keys import write_key

SEED, TAX_ID, KID = b"\x11" * 32, "91110000600037341L", "0" * 32
ONE = Invoice("144032609110", 1)
CLERK = Party(tax_id=TAX_ID, seed=SEED, network="shenzhen")
RATE = {"scene": "METRO", "tax_code": "3010101020202000000", "rate": 300}
CALLS: dict[str, dict[str, Any]] = {
    "claim": {"payments": [Claimed(bytes(32), bytes(32))], "buyer": Buyer()},
    "retitle": {"invoice": ONE, "buyer": Buyer(TAX_ID, bytes(32), KID)},
    "bind": {"invoice": ONE, "holder": KID, "opening": bytes(32)},
    "transfer": {"invoice": ONE, "holder": KID},
    "lock": {"invoice": ONE, "claim_id": "c", "presentation": bytes(64)},
    "unlock": {"invoice": ONE, "claim_id": "c"},
    "reimburse": {"invoice": ONE, "claim_id": "c", "amount_fen": 1},
    "confirm_use": {"invoice": ONE},
    "post": {"invoice": ONE, "voucher": "v", "period": "2026-03"},
    "unpost": {"invoice": ONE},
    "red_issue": {"invoice": ONE, "reason": "ISSUE_ERROR"},
    "red_request": {"invoice": ONE, "reason": "SALES_RETURN", "payments": []},
    "red_confirm": {"invoice": ONE},
    "red_refuse": {"invoice": ONE},
    "red_withdraw": {"invoice": ONE},
    "red_expire": {"invoice": ONE},
    "freeze": {"invoice": ONE, "note": "n"},
    "unfreeze": {"invoice": ONE},
    "batch": {"several": [orders.lock(ONE, "c"), orders.unlock(ONE, "c")]},
    "admit_issuer": {"tax_id": TAX_ID, "name": "n"},
    "register_key": {"public_key": CLERK.public_key, "role": "HOLDER", "tax_id": TAX_ID},
    "rotate_key": {"new_seed": b"\x12" * 32},
    "retire_key": {"kid": KID},
    "revoke_key": {"kid": KID},
    "admit": {"kid": KID, "until": "2026-03-01T00:00:00+08:00"},
    "scene_table": {"rows": [{"code": "METRO", "name": "metro", "detail": []}]},
    "rate_table": {"rows": [{**RATE, "from": "2026-01-01", "to": None}]},
    "mandate": {"rows": [{**RATE, "policy": "AUTO", "stored_value": "AT_RIDE"}]},
    "grant_numbers": {"code": ONE.code, "first": 1, "last": 9},
    "close_grant": {"code": ONE.code, "first": 1},
    "apply_numbers": {"count": 7},
    "refuse_numbers": {"tax_id": TAX_ID, "reason": "r"},
    "delegate": {"agent": TAX_ID, "scenes": ["METRO"]},
    "reimburser_policy": {"accepts_individuals": True},
    "declare": {"period": "2026-03", "invoiced_fen": 1, "uninvoiced_fen": 0, "red_fen": 0},
    "acknowledge": {"tax_id": TAX_ID, "period": "2026-03"},
    "attest": {"subject": "ERASURE", "digest": bytes(32)},
}


@pytest.mark.parametrize("method", CALLS)
def test_every_method_signs_the_command_of_its_name(method: str) -> None:
    command = getattr(CLERK, method)(**CALLS[method])
    decoded = _core.decode_event(command.value)
    assert (decoded["kind"], decoded["network"]) == (method.upper(), "shenzhen")
    assert command.kid == CLERK.kid
    assert _core.verify_batch([CLERK.public_key], [command.value], [command.signature]) == [True]


def test_there_is_a_method_for_every_kind_of_command() -> None:
    table = (Path(__file__).parents[2] / "docs" / "format.md").read_text().split("| kind | members |")[1]
    rows = [row.split("|")[1] for row in table.split("\n\n")[0].splitlines()[2:]]
    kinds = {name.strip(" `").lower() for row in rows for name in row.split(",")}
    methods = {name for name, _ in inspect.getmembers(Party, inspect.isfunction) if not name.startswith("_")}
    assert methods - {"command", "present"} == kinds == set(CALLS)


def test_a_command_is_one_command_however_often_it_is_sent() -> None:
    order = orders.unpost(ONE)
    same = [CLERK.command(order, "id-1").value for _ in range(2)]
    assert same[0] == same[1]
    assert CLERK.unpost(ONE).key != CLERK.unpost(ONE).key


def test_a_presentation_is_the_holders_signature() -> None:
    assert CLERK.present(ONE, TAX_ID, "c") == _core.sign_presentation(SEED, *ONE, TAX_ID, "c")
    assert Invoice.parse("144032609110-00000001") == ONE


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda: CLERK.lock(Invoice("1", 1), "c"), "E_CODE_FORMAT"),
        (lambda: CLERK.reimburse(ONE, "c", 0), "E_SCHEMA"),
        (lambda: CLERK.retitle(ONE, Buyer(TAX_ID)), "E_TITLE_REQUIRED"),
        (lambda: CLERK.command({"kind": "NOTHING"}), "E_SCHEMA"),
    ],
)
def test_what_the_ledger_would_refuse_is_not_signed(command: Callable[[], Any], code: str) -> None:
    with pytest.raises(FarechainError) as told:
        command()
    assert (told.value.code, told.value.exit_code) == (code, 2)


# Sending ------------------------------------------------------------------------------------------

STANDING = {"fiscal": "ISSUED", "claim": "LOCKED", "use": "NONE", "frozen": False, "remaining_fen": 665}
ANSWER = {
    "verdict": "APPLIED",
    "duplicate": False,
    "height": 3,
    "invoices": [
        {"code": ONE.code, "number": "00000001", "standing": STANDING, "allowed": ["UNLOCK", "REIMBURSE"]}
    ],
}
PROBLEM = {
    "code": "E_LOCKED_BY_OTHER",
    "detail": "another has locked it: 91440300MA9FC001XP",
    "invoice": "144032609110-00000001",
    "allowed": ["UNLOCK"],
}


class Answers(httpx.AsyncBaseTransport):
    """A service that answers what it is told to, in order; the last for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def busy() -> httpx.Response:
    return httpx.Response(503, json={"code": "E_BUSY", "detail": "wait"}, headers={"Retry-After": "0"})


async def test_the_exact_bytes_are_sent_until_they_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "RETRY_S", 0.0)
    service = Answers(busy(), httpx.ConnectError("away"), httpx.Response(201, json=ANSWER))
    command = CLERK.unpost(ONE)
    async with HttpClient("http://a.test/", transport=service) as client:
        assert await client.send(command) == ANSWER
    assert len(service.requests) == 3
    for request in service.requests:
        assert request.content == command.value
        assert request.headers["fc-kid"] == CLERK.kid
        assert bytes.fromhex(request.headers["fc-sig"]) == command.signature
        assert str(request.url) == "http://a.test/v1/commands"


async def test_a_refusal_is_told_at_once_with_what_is_allowed() -> None:
    service = Answers(httpx.Response(409, json=PROBLEM))
    async with HttpClient("http://a.test", transport=service) as client:
        with pytest.raises(CommandRefusedError) as told:
            await client.send(CLERK.unpost(ONE))
    assert len(service.requests) == 1
    assert (told.value.code, told.value.exit_code) == ("E_LOCKED_BY_OTHER", 3)
    assert told.value.message.endswith("91440300MA9FC001XP; allowed now: UNLOCK")
    assert told.value.problem == PROBLEM


@pytest.mark.parametrize(
    "answer", [busy(), httpx.ConnectError("away"), httpx.Response(502, text="<html>"), httpx.Response(503)]
)
async def test_a_service_that_is_away_is_told_in_the_end(
    answer: httpx.Response | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "RETRY_S", 0.0)
    service = Answers(answer)
    async with HttpClient("http://a.test", tries=3, transport=service) as client:
        with pytest.raises(FarechainError, match="send the same command again") as told:
            await client.send(CLERK.unpost(ONE))
    assert (told.value.code, told.value.exit_code) == ("E_UNAVAILABLE", 4)
    assert len(service.requests) == 3


# The verb -----------------------------------------------------------------------------------------


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Arguments of the verb; the service behind it answers as told."""
    write_key(tmp_path / "clerk.key", SEED)
    made = HttpClient.__init__

    def arguments(order: Any, *answers: httpx.Response | Exception) -> list[str]:
        service = Answers(*answers)

        def init(self: HttpClient, url: str) -> None:
            made(self, url, tries=1, transport=service)

        monkeypatch.setattr(HttpClient, "__init__", init)
        text = order if isinstance(order, str) else json.dumps(order)
        (tmp_path / "order.json").write_text(text)
        key = ["--key", str(tmp_path / "clerk.key"), "--url", "http://a.test"]
        return ["command", str(tmp_path / "order.json"), *key]

    return arguments


def test_the_verb_prints_the_outcome_and_where_the_invoice_stands(
    given: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = given(orders.lock(ONE, "c"), httpx.Response(201, json=ANSWER))
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [
        "APPLIED in block 3",
        "144032609110-00000001: ISSUED LOCKED NONE, 665 fen; allowed now: UNLOCK, REIMBURSE",
    ]
    assert main([*arguments, "--json", "--id", "mine"]) == 0
    assert json.loads(capsys.readouterr().out)["command_id"] == "mine"


def test_the_verb_prints_a_refusal_as_one_line_with_what_is_allowed(
    given: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given(orders.lock(ONE, "c"), httpx.Response(409, json=PROBLEM))) == 3
    assert capsys.readouterr().err.splitlines() == [
        "farechain: E_LOCKED_BY_OTHER: 144032609110-00000001: another has locked it: 91440300MA9FC001XP; "
        "allowed now: UNLOCK"
    ]


def test_the_verb_says_under_which_id_to_try_again(
    given: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    order = {**orders.lock(ONE, "c"), "command_id": "mine"}
    assert main(given(order, httpx.ConnectError("away"))) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("farechain: E_UNAVAILABLE: http://a.test: no answer (ConnectError)")
    assert line.endswith("(--id mine)")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("", "E_INPUT"),
        ("[]", "E_INPUT"),
        ('{"kind": 1}', "E_INPUT"),
        ("[" * 70_000, "E_SIZE"),
        ("[" * 60_000, "E_INPUT"),
        ({"kind": "LOCK"}, "E_SCHEMA"),
        ({**orders.reimburse(ONE, "c", 1), "amount_fen": 1.5}, "E_AMOUNT_FLOAT"),
    ],
)
def test_a_file_that_is_no_command_is_wrong_usage(
    given: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], order: Any, code: str
) -> None:
    assert main(given(order, httpx.Response(500))) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"farechain: {code}: ")


def test_a_file_that_is_not_there_is_wrong_usage(
    given: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = given({}, httpx.Response(500))
    (tmp_path / "order.json").unlink()
    assert main(arguments) == 2
    assert "cannot read" in capsys.readouterr().err
