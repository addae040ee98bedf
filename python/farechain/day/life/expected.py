"""What an input of the life becomes, in the words of the manifest; amounts by the tax rule of ``truth``."""

from farechain.day.life.known import Invoice, Trip, rate_of
from farechain.day.truth import Expected, net_of

APPLIED = Expected("APPLIED")


def refused(code: str) -> Expected:
    """It is rejected with this code."""
    return Expected("REJECTED", code)


def recorded(state: str) -> Expected:
    """It is recorded and nothing is invoiced or reversed."""
    return Expected("RECORDED", state=state)


def issued(invoice: Invoice) -> Expected:
    """It makes this invoice."""
    total_fen = invoice.rest_fen
    net_fen = net_of(total_fen, rate_of(invoice.seller))
    return Expected("ISSUED", None, None, total_fen, net_fen, total_fen - net_fen)


def reversed_by(invoice: Invoice, taken: dict[Trip, int]) -> Expected:
    """A red letter takes these amounts off the invoice; what is live in it falls accordingly."""
    rate, before_fen = rate_of(invoice.seller), invoice.rest_fen
    for trip, fen in taken.items():
        invoice.live[trip] -= min(fen, invoice.live[trip])
    after_fen = invoice.rest_fen
    total_fen = after_fen - before_fen
    net_fen = net_of(after_fen, rate) - net_of(before_fen, rate)
    return Expected("REVERSED", None, None, total_fen, net_fen, total_fen - net_fen)
