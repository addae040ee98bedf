"""Invoices find their holder, change their title and change hands; and every way in which they do not."""

from collections.abc import Sequence

from farechain.data import ON_CLAIM_METRO
from farechain.day.life.claims import payments
from farechain.day.life.expected import APPLIED, issued, refused
from farechain.day.life.known import Invoice
from farechain.day.life.people import People
from farechain.day.life.share import Share
from farechain.day.life.turn import Turn
from farechain.day.plan import Signer

_ONE_IN = 20
"""So often somebody tries who may not."""


def bind(turn: Turn, people: People, share: Share, automatic: Sequence[Invoice]) -> list[Invoice]:
    """The app opens the payers of automatic invoices: they get a holder. Returns them."""
    wrong = share.of(5, 1)
    bound = list(automatic[: share.of(100, 6)])
    for i, invoice in enumerate(bound):
        invoice.holder = people.holders[i % len(people.holders)] if i % 2 else people.app
        _bind(turn, people.app, invoice, invoice.holder)
    rest = automatic[len(bound) : len(bound) + 2 * wrong]
    for invoice, other in zip(rest, bound, strict=False):
        opening = payments(other.trips)[0]["opening"]
        turn.order(
            people.app, "BIND", refused("E_ROLE"), **invoice.named, opening=opening, holder=people.app.kid
        )
    for invoice in bound[:wrong]:
        _bind(turn, people.app, invoice, people.holders[1], "E_STATE")
    _bind(turn, people.desk, rest[0], people.holders[0], "E_ROLE")
    _bind(turn, people.app, rest[0], people.keyring.special.unregistered, "E_KEY_UNKNOWN")
    return bound


def _bind(turn: Turn, agent: Signer, invoice: Invoice, holder: Signer, code: str | None = None) -> None:
    opening = payments(invoice.trips)[0]["opening"] if code != "E_ROLE" else None
    expected = APPLIED if code is None else refused(code)
    turn.order(agent, "BIND", expected, **invoice.named, opening=opening, holder=holder.kid)


def retitle(turn: Turn, people: People, invoices: Sequence[Invoice]) -> list[Invoice]:
    """Invoices of individuals are made out again for companies. Returns the new ones."""
    made = []
    for i, old in enumerate(invoices):
        company = people.companies[i % len(people.companies)]
        new = Invoice(old.seller, dict(old.live), company, old.holder)
        members = {**old.named, **people.buyer(new)}
        if i % _ONE_IN == 0:
            turn.order(people.of(company), "RETITLE", refused("E_ROLE"), **members)
        by_desk = old.seller.code == ON_CLAIM_METRO and i % _ONE_IN == 1
        new.made_at = turn.order(people.desk if by_desk else people.app, "RETITLE", issued(new), **members)
        if i % _ONE_IN == 0:
            turn.order(people.app, "RETITLE", refused("E_STATE"), **members)
        made.append(new)
    return made


def transfer(turn: Turn, people: People, invoices: Sequence[Invoice]) -> None:
    """Each goes to another passenger, by the hand of whoever holds it."""
    for i, invoice in enumerate(invoices):
        before = invoice.holder or people.app
        others = [one for one in people.holders if one is not before]
        after = others[i % len(others)]
        if i % _ONE_IN == 0:
            turn.order(after, "TRANSFER", refused("E_ROLE"), **invoice.named, holder=after.kid)
        turn.order(before, "TRANSFER", APPLIED, **invoice.named, holder=after.kid)
        invoice.holder = after
