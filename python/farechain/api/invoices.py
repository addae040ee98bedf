"""Look-up, proof and verification of invoices over HTTP.

Anyone sees status and proof. The fields need what stands on the invoice itself: check code and amount.
"""

import asyncio
import hmac
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from farechain import _core
from farechain.access.tokens import Caller
from farechain.api import bodies, parties
from farechain.api.callers import who_calls
from farechain.api.context import ApiContext
from farechain.api.invoice_views import CODE_PATTERN, NUMBER_PATTERN, InvoiceView, view_of
from farechain.api.problems import Problem, responses
from farechain.api.proofs import prove
from farechain.api.registry_view import RegistryView
from farechain.api.tries import Tries

MAX_PROOF_BYTES = 16 * 1024
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}

Fields = dict[str, Any]
Code = Annotated[
    str, Path(pattern=CODE_PATTERN, description="Invoice code, 12 digits.", examples=["144032609110"])
]
Number = Annotated[
    str, Path(pattern=NUMBER_PATTERN, description="Invoice number, up to 8 digits.", examples=["00000001"])
]
Form = Annotated[Literal["json", "compact"], Query(description="JSON, or the compact binary form.")]


class Lookup(BaseModel):
    """What stands on the invoice that is looked up."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: str = Field(pattern=CODE_PATTERN)
    number: str = Field(pattern=NUMBER_PATTERN)
    check_code: str = Field(
        pattern=r"^[0-9a-f]{5}$", description="The last five hex digits of the record's hash."
    )
    total_fen: int = Field(ge=0, lt=2**53, description="The total as a whole number of fen, without a sign.")


class Verification(BaseModel):
    """What a proof proves, or why it does not."""

    model_config = ConfigDict(extra="forbid")

    ok: bool
    reason: str | None = Field(description="What did not match.")
    hash: str | None = Field(default=None, description="The record's hash; none of a proof of state.")
    words: str | None = Field(default=None, description="What a proof of state says of its subject.")
    origin: str | None = None
    size: int | None = Field(default=None, description="Blocks under the checkpoint.")
    cosigners: list[str] = []


class Keys(BaseModel):
    """Whom to believe. Compare with keys got elsewhere: an operator's page is the operator's word."""

    model_config = ConfigDict(extra="forbid")

    origin: str
    vkey: str
    witnesses: list[str]
    threshold: int = Field(description="How many witnesses must have cosigned.")


class Opened(BaseModel):
    """An invoice that was looked up, with what the pages need beside its view."""

    view: InvoiceView
    height: int
    index: int


class Invoices:
    """Reads invoices for JSON and pages alike; bounds guessing by caller, and by invoice whoever guesses."""

    def __init__(self, context: ApiContext, tries: Tries | None = None) -> None:
        self._context = context
        self._tries = tries or Tries()
        self._misses = Tries(burst=60, per_minute=10)

    async def public(self, code: str, number: str) -> Opened:
        """Status and place. Raises ``Problem`` 404."""
        return await asyncio.to_thread(lambda: self._opened(self._find(code, number), opened=False))

    async def for_party(self, caller: Caller, acting_for: Collection[str], code: str, number: str) -> Opened:
        """Status and place, to its parties with its fields. Raises ``Problem`` 404."""

        def read() -> Opened:
            found = self._find(code, number)
            return self._opened(found, opened=parties.reads(self._context.ledger, found, caller, acting_for))

        return await asyncio.to_thread(read)

    async def with_fields(self, caller: str | None, wanted: Lookup) -> Opened:
        """Status and fields.

        Args:
            caller: the address that tries are counted by; None for whoever is known by a token.

        Raises:
            Problem: 404, 403 on a mismatch, 429 after too many tries.
        """

        def agrees(found: Fields) -> bool:
            same_check = hmac.compare_digest(wanted.check_code, found["check_code"])
            total = str(abs(found["fields"]["total_fen"]))
            return hmac.compare_digest(str(wanted.total_fen), total) and same_check

        found = await self.agreeing(caller, wanted.code, wanted.number, agrees)
        return await asyncio.to_thread(self._opened, found, opened=True)

    async def agreeing(
        self, caller: str | None, code: str, number: str, agrees: Callable[[Fields], bool]
    ) -> Fields:
        """An invoice (``Ledger.invoice``) that agrees with what its holder says of it; as ``with_fields``."""
        invoice = f"{code} {int(number)}"
        if caller is not None and not (self._tries.allow(caller) and self._misses.has_left(invoice)):
            raise Problem(429, "E_TRIES", "too many tries: wait a minute", {"Retry-After": "60"})
        found = await asyncio.to_thread(self._find, code, number)
        if not agrees(found):
            if caller is not None:
                self._misses.allow(invoice)
            raise Problem(403, "E_MISMATCH", "check code or amount does not match this invoice")
        return found

    async def by_hash(self, record_hash: bytes) -> Opened | None:
        """Status and fields of the invoice with this record hash, which only its holder knows."""
        found = await asyncio.to_thread(self._context.ledger.invoice_by_hash, record_hash)
        return None if found is None else await asyncio.to_thread(self._opened, found, opened=True)

    async def prove(self, invoice: Opened) -> bytes:
        """Its compact proof. Raises ``Problem`` 503 while no checkpoint covers it."""
        return await asyncio.to_thread(prove, self._context, invoice.height, invoice.index)

    async def find_and_prove(self, code: str, number: str) -> bytes:
        """The same by code and number, in one step. Raises ``Problem`` 404, 503."""
        return await asyncio.to_thread(self._find_and_prove, code, number)

    def _find_and_prove(self, code: str, number: str) -> bytes:
        found = self._find(code, number)
        return prove(self._context, found["height"], found["index"])

    async def verify(self, proof: bytes) -> Verification:
        """Checks a proof against this log's keys."""
        return await asyncio.to_thread(self._verify, proof)

    def _verify(self, proof: bytes) -> Verification:
        context = self._context
        of_state = _core.is_state_proof(proof)
        verify = _core.verify_state_proof if of_state else _core.verify_proof
        try:
            proven = verify(proof, context.vkey, list(context.witness_vkeys), context.threshold)
        except ValueError as error:
            return Verification(ok=False, reason=str(error))
        known = {name: proven[name] for name in ("origin", "size", "cosigners")}
        said = {"words": proven["words"]} if of_state else {"hash": proven["hash"].hex()}
        return Verification(ok=True, reason=None, **said, **known)

    def _find(self, code: str, number: str) -> dict[str, Any]:
        found = self._context.ledger.invoice(code, int(number))
        if found is None:
            raise Problem(404, "E_NOT_FOUND", "no invoice with this code and number")
        return found

    def _opened(self, found: dict[str, Any], *, opened: bool) -> Opened:
        view = view_of(self._context, found, opened=opened)
        return Opened(view=view, height=found["height"], index=found["index"])


def router(context: ApiContext, invoices: Invoices, registry: RegistryView) -> APIRouter:
    """The routes under ``/v1`` that are about invoices."""
    routes = APIRouter(prefix="/v1", tags=["invoices"])
    asked = who_calls(context.tokens)

    @routes.get("/invoices/{code}/{number}", responses=responses(401, 404, 422, 503))
    async def invoice(
        code: Code, number: Number, caller: Annotated[Caller | None, Depends(asked)]
    ) -> InvoiceView:
        """What anyone may know of an invoice: its status, and where its proof is.

        Its parties (seller, buyer, holder, locker), the bureau and auditors see all that stands on it.
        """
        if caller is None:
            return (await invoices.public(code, number)).view
        acting_for = await parties.acting_for(registry, caller)
        return (await invoices.for_party(caller, acting_for, code, number)).view

    @routes.post(
        "/invoices/lookup",
        responses=responses(401, 403, 404, 413, 415, 422, 429, 503),
        openapi_extra=_json_body(Lookup),
    )
    async def lookup(request: Request, caller: Annotated[Caller | None, Depends(asked)]) -> InvoiceView:
        """An invoice with its fields: check code and amount must match. A mismatch reveals nothing.

        Strangers may try only so often; whoever shows a token is not a stranger.
        """
        wanted = await bodies.read_model(request, Lookup)
        return (await invoices.with_fields(None if caller else caller_of(request), wanted)).view

    media: dict[str, Any] = {"application/json": {}, "application/octet-stream": {}}
    described: dict[int | str, dict[str, Any]] = {200: {"description": "A proof.", "content": media}}

    @routes.get(
        "/proofs/{code}/{number}",
        response_class=Response,
        responses={**described, **responses(404, 422, 503)},
    )
    async def proof(code: Code, number: Number, form: Form = "json") -> Response:
        """The proof of an invoice under the published checkpoint. It verifies offline, for ever."""
        compact = await invoices.find_and_prove(code, number)
        name = f"{code}-{int(number):08d}" + (".fcproof" if form == "compact" else ".proof.json")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'} | OPEN_TO_ALL
        if form == "compact":
            return Response(compact, media_type="application/octet-stream", headers=headers)
        return Response(_core.proof_to_json(compact), media_type="application/json", headers=headers)

    octets = {"application/json": {"schema": {"type": "object"}}, "application/octet-stream": {}}

    @routes.post(
        "/verify",
        responses=responses(408, 413),
        openapi_extra={"requestBody": {"required": True, "content": octets}},
    )
    async def verify(request: Request) -> Verification:
        """Checks a proof of a record or of state, JSON or compact, against this log's keys.

        Better: check it yourself.
        """
        return await invoices.verify(await bodies.read(request, MAX_PROOF_BYTES))

    @routes.get("/keys")
    async def keys(response: Response) -> Keys:
        """The keys that proofs of this chain verify under."""
        response.headers.update(OPEN_TO_ALL)
        return keys_of(context)

    return routes


def keys_of(context: ApiContext) -> Keys:
    """The log's and the witnesses' verifier keys."""
    origin = context.vkey.split("+", 1)[0]
    witnesses = list(context.witness_vkeys)
    return Keys(origin=origin, vkey=context.vkey, witnesses=witnesses, threshold=context.threshold)


def caller_of(request: Request) -> str:
    """The address that tries are counted by."""
    return request.client.host if request.client else ""


def _json_body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
