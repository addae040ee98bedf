"""Invoices by where they stand, as those who move them keep account; each is in one list only."""

from collections.abc import Callable
from dataclasses import dataclass, field

from farechain.day.life.known import Invoice, Trip


@dataclass(slots=True)
class Shelf:
    """Lists of invoices, in the order in which they came there, and trips that red letters released."""

    free: list[Invoice] = field(default_factory=list)
    bound: list[Invoice] = field(default_factory=list)
    retitled: list[Invoice] = field(default_factory=list)
    locked: list[Invoice] = field(default_factory=list)
    reimbursed: list[Invoice] = field(default_factory=list)
    posted: list[Invoice] = field(default_factory=list)
    used: list[Invoice] = field(default_factory=list)
    released: list[Trip] = field(default_factory=list)

    def take_free(self, count: int, which: Callable[[Invoice], bool]) -> list[Invoice]:
        """Takes the first free invoices of a kind, at most ``count``."""
        taken = [invoice for invoice in self.free if which(invoice)][:count]
        chosen = set(map(id, taken))
        self.free = [invoice for invoice in self.free if id(invoice) not in chosen]
        return taken


def take(invoices: list[Invoice], count: int) -> list[Invoice]:
    """Takes the first of a list, at most ``count``."""
    taken = invoices[:count]
    del invoices[:count]
    return taken


def of_a_company(invoice: Invoice) -> bool:
    """Whether a company is its buyer."""
    return invoice.buyer is not None


def of_a_person(invoice: Invoice) -> bool:
    """Whether it has no buyer and somebody holds it."""
    return invoice.buyer is None and invoice.holder is not None
