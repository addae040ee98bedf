"""Whatever is sent to whichever documented operation: no defect is met, and every answer is as documented."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farechain import _core
from farechain.api import openings
from farechain.client import SignedEvent
from web.town import BUREAU, CLERK, CODE, HOLDER, ISSUER, Town, identity_of, invoice, ride

STREAMS = {"/v1/live", "/v1/receipts"}
"""They end with the service, so only their heads are asked for."""
EXCUSED = {"E_NOT_PUBLISHED"}
"""What may be unavailable for a moment and says so."""
GOOD = {
    "code": [CODE, "264403100000"],
    "number": ["1", "00000002", "99999999"],
    "height": ["0", "1", "15", "999999999"],
    "index": ["0", "1"],
    "identity": [identity_of(ride(1)).hex(), "0" * 64],
    "path": ["0/000", "entries/000.p/5"],
    "form": ["json", "compact"],
    "limit": ["1", "200"],
    "cursor": ["a", "zz-9"],
    "from": ["0", "3"],
}
TEXTS = st.text(max_size=40) | st.sampled_from(
    ["", "-1", "1e9", "٣", "../..", "%00", "\x00", "\ud7ff", "9" * 400, "' OR 1=1", "null", "[]"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    ["kind", "network", "command_id", "code", "number", "claim_id", "presentation", "orders", "payments"]
)
SEEDS = {each.kid: each._seed for each in (BUREAU, ISSUER, CLERK, HOLDER)}


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop) -> Iterator[Town]:
    """Two invoices and a claimable ride, all of it published."""

    async def founded(place: Path) -> Town:
        made = Town(place)
        async with made.open() as opened:
            await opened.found()
        made.pay(ride(1), ride(2), ride(3, "SCENIC"))
        made.publish()
        made.halt = asyncio.Event()
        return made

    town = loop.run_until_complete(founded(tmp_path_factory.mktemp("town")))
    opening = town.open()
    yield loop.run_until_complete(opening.__aenter__())
    loop.run_until_complete(opening.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def described(town: Town) -> dict[str, Any]:
    document: dict[str, Any] = town.app.openapi()
    return document


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()


def test_every_reference_of_the_description_leads_somewhere(described: dict[str, Any]) -> None:
    met = references(described)
    assert met
    for reference in met:
        found: Any = described
        for name in reference.removeprefix("#/").split("/"):
            assert name in found, reference
            found = found[name]


def operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, name, one) for path, methods in described["paths"].items() for name, one in methods.items()
    ]


def check(described: dict[str, Any], operation: dict[str, Any], answer: Response) -> None:
    """The status is documented or the framework's own, the body is what its schema says."""
    kind = answer.headers.get("content-type", "").split(";")[0]
    if answer.status_code >= 500:
        assert answer.request.method != "HEAD"
        assert (answer.status_code, answer.json()["code"] in EXCUSED) == (503, True), answer.text
    if answer.status_code >= 400 and kind != "application/json":
        assert kind == "application/problem+json", (answer.status_code, answer.text[:200])
    if answer.request.method == "HEAD":
        return
    told = operation["responses"].get(str(answer.status_code), {}).get("content", {}).get(kind, {})
    if kind.endswith("json") and told.get("schema"):
        schema = {"components": described["components"], **told["schema"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())


def ask(loop: asyncio.AbstractEventLoop, town: Town, method: str, path: str, **request: Any) -> Response:
    asked = "HEAD" if path in STREAMS and method == "get" else method.upper()
    return loop.run_until_complete(town.http.request(asked, path, **request))


LAWS = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAWS
@given(data=st.data())
def test_no_request_meets_a_defect(town: Town, loop: asyncio.AbstractEventLoop, data: st.DataObject) -> None:
    described = town.app.openapi()
    path, method, operation = data.draw(st.sampled_from(operations(described)))
    query, headers = {}, {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        good = st.sampled_from(GOOD.get(name, ["1"]))
        value = data.draw(good | TEXTS, label=name)
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(value, safe="/" if name == "path" else "") or "x")
        elif parameter["in"] == "query":
            query[name] = value
        else:
            headers[name] = quote(value)
    body = data.draw(
        st.none() | st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode())
    )
    kinds = ["application/json", "application/cloudevents+json", "text/plain", ""]
    headers["Content-Type"] = data.draw(st.sampled_from(kinds))
    check(described, operation, ask(loop, town, method, path, params=query, content=body, headers=headers))


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, bytes]:
    """(kid, body): a command of a real key, some of it replaced, then signed as it is."""
    some = [
        CLERK.lock(invoice(1), "c"),
        CLERK.unlock(invoice(1), "c"),
        ISSUER.bind(invoice(2), HOLDER.kid),
        CLERK.confirm_use(invoice(1)),
        BUREAU.freeze(invoice(2), "n"),
        BUREAU.unfreeze(invoice(2)),
        ISSUER.red_issue(invoice(1), "SALES_RETURN", [identity_of(ride(1))]),
        ISSUER.apply_numbers(3),
    ]
    event = json.loads(draw(st.sampled_from(some)).value)
    for name, value in draw(st.dictionaries(MEMBERS, VALUES, max_size=2)).items():
        event["data"][name] = value
    event |= draw(st.dictionaries(st.sampled_from(["id", "time", "data", "type", "ext"]), VALUES, max_size=1))
    body = json.dumps(event, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    cut = draw(st.integers(0, 3))
    return draw(st.sampled_from(sorted(SEEDS))), body[cut:] if draw(st.booleans()) else body


@LAWS
@given(command=spoiled())
def test_no_signed_command_meets_a_defect(
    town: Town, loop: asyncio.AbstractEventLoop, command: tuple[str, bytes]
) -> None:
    described = town.app.openapi()
    kid, body = command
    headers = (("fc-kid", kid.encode()), ("fc-sig", _core.sign(SEEDS[kid], body)))
    answer = loop.run_until_complete(town.post(SignedEvent(b"", headers, body)))
    check(described, described["paths"]["/v1/commands"]["post"], answer)
    if answer.status_code >= 400 and answer.json().get("recorded") is None:
        assert answer.json()["code"] != "E_STATE", "states are for the ledger to refuse"


def test_examples_are_what_their_schemas_say(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    with_examples = {name for name, schema in schemas.items() if schema.get("examples")}
    assert {"CommandAnswer", "CommandProblem", "PaymentView", "GrantView", "ReceiptEvent"} <= with_examples
    for name in with_examples:
        for example in schemas[name]["examples"]:
            schema = {"components": described["components"], **schemas[name]}
            jsonschema.Draft202012Validator(schema).validate(example)


def test_no_object_takes_members_that_are_not_documented(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    for name, schema in described["components"]["schemas"].items():
        assert schema["type"] != "object" or schema.get("additionalProperties") is False, name


def test_the_example_of_a_command_is_one(described: dict[str, Any]) -> None:
    content = described["paths"]["/v1/commands"]["post"]["requestBody"]["content"]
    beside = content.pop(openings.MEDIA_TYPE)["example"]
    assert openings.CommandWithOpenings.model_validate(beside, strict=True).openings[0].subject == "17"
    for media in content.values():
        assert _core.decode_event(json.dumps(media["example"]).encode())["kind"] == "LOCK"
