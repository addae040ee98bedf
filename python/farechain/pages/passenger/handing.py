"""An invoice handed on: presented to an employer for a claim, made out anew, or given to another key."""

import re
import unicodedata
from dataclasses import dataclass

from farechain import _core, orders, presentation
from farechain.api.command_models import CommandAnswer
from farechain.api.problems import Problem
from farechain.orders import Invoice
from farechain.pages.documents import qr_code
from farechain.pages.forms import Form
from farechain.pages.passenger.invoices import Held
from farechain.pages.passenger.person import Person, once_of, reading
from farechain.pages.passenger.titles import Chosen, buyer_of
from farechain.pages.passenger.trips import Trip
from farechain.presentation import Presentation

CLAIM_ID = re.compile(r"[!-~]{1,32}", re.ASCII)
KID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shown:
    """A presentation to show or to send: as text, and as a QR code in SVG."""

    presentation: Presentation
    text: str
    code: str | None
    takes_individuals: bool
    """Whether the company has said that it takes invoices without a buyer."""


async def present(person: Person, held: Held, form: Form) -> Shown:
    """Signs a presentation with the person's own key. Nothing is recorded; the company's LOCK is.

    Raises:
        Problem: 403 ``E_NO_KEY``; 422 ``E_USCC_*``, ``E_CLAIM_ID``.
    """
    holder = await person.site.signing.party_of(person.session.caller)
    reimburser = "".join(unicodedata.normalize("NFKC", form.one("reimburser")).split()).upper()
    claim_id = unicodedata.normalize("NFKC", form.one("claim_id"))
    try:
        _core.check_uscc(reimburser)
    except ValueError as error:
        raise Problem(422, str(error), "the company's tax id is not right") from error
    if not CLAIM_ID.fullmatch(claim_id):
        raise Problem(422, "E_CLAIM_ID", "a claim number has 1 to 32 visible ASCII characters")
    signature = holder.present(held.invoice, reimburser, claim_id)
    presented = Presentation(held.invoice, reimburser, claim_id, signature)
    text = presentation.encode(presented)
    registry = (await person.site.shared.registry.now()).registry
    return Shown(presented, text, qr_code(text), reimburser in registry["accept_individuals"])


async def transfer(person: Person, held: Held, form: Form) -> CommandAnswer:
    """Gives the invoice to another key, signed by the person's own.

    Raises:
        Problem: 403 ``E_NO_KEY``; 422 ``E_SCHEMA``; what the ledger refuses.
    """
    holder = await person.site.signing.party_of(person.session.caller)
    kid = form.one("holder").lower()
    if not KID.fullmatch(kid):
        raise Problem(422, "E_SCHEMA", "a key id has 32 hex digits")
    return await person.site.signing.give(
        holder, orders.transfer(held.invoice, kid), once_of(form.one("once"))
    )


async def retitle(person: Person, held: Held, chosen: Chosen, once: str) -> tuple[Invoice, CommandAnswer]:
    """A red letter of what is left, and the new invoice under another title, signed by the agent.

    Raises:
        Problem: 403 ``E_ROLE``, ``E_NO_KEY``; what the ledger refuses.
    """
    agent = await person.agent()
    buyer = await reading(lambda: buyer_of(person, chosen, once))
    answer = await person.site.signing.give(agent, orders.retitle(held.invoice, buyer), once)
    made = answer.records[-1].fields
    return Invoice(made["code"], made["number"]), answer


async def take(person: Person, trip: Trip, once: str) -> tuple[Invoice, CommandAnswer]:
    """Makes the person the holder of an automatic invoice, with the opening of its payer.

    Raises:
        Problem: 403 ``E_ROLE``, ``E_NO_KEY``; 409 ``E_STATE``; what the ledger refuses.
    """
    if trip.invoice is None:
        raise Problem(409, "E_STATE", "no invoice holds this trip")
    agent = await person.agent()
    order = orders.bind(trip.invoice, person.kid, trip.known.opening)
    return trip.invoice, await person.site.signing.give(agent, order, once)
