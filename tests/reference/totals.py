"""A seller's totals by month: invoiced, not yet invoiced, red (docs/format.md, section 3)."""

from .errors import require
from .invoice import Paid
from .state import Month, State


def of(state: State, seller: str, time_ms: int) -> Month:
    """The totals of the month of a time."""
    return state.months.setdefault((seller, state.month(time_ms)), Month())


def is_late(state: State, seller: str, dated_at: int) -> bool:
    """Whether a payment comes after its month was declared."""
    last = state.last_declared(seller)
    return last is not None and state.month(dated_at) <= last


def booked_at(paid: Paid, block_time: int) -> int:
    """The time whose month a payment is booked in when something happens to it now."""
    return block_time if paid.late or paid.released else paid.dated_at


def recorded(state: State, paid: Paid, block_time: int) -> None:
    """A payment that may be invoiced later."""
    of(state, paid.seller, booked_at(paid, block_time)).uninvoiced += paid.left


def invoiced(state: State, paid: Paid, fen: int, block_time: int, *, anew: bool) -> None:
    """An invoice holds so much of a payment: ``anew`` where it is no longer uninvoiced by that."""
    month = of(state, paid.seller, booked_at(paid, block_time))
    month.invoiced += fen
    month.uninvoiced -= fen if anew else 0


def reduced(state: State, seller: str, fen: int, block_time: int) -> None:
    """A refund took so much off what may be invoiced and is not."""
    of(state, seller, block_time).uninvoiced -= fen


def reversed_(state: State, seller: str, fen: int, released: int, block_time: int) -> None:
    """A red letter of so much, by which so much is uninvoiced again."""
    month = of(state, seller, block_time)
    month.red += fen
    month.uninvoiced += released


def declare(state: State, seller: str, declared: list[int], block_time: int) -> None:
    period, *totals = declared
    last = state.last_declared(seller)
    require(period < state.month(block_time) and (last is None or period == last + 1), "E_STATE")
    month = state.months.get((seller, period), Month())
    below = max(0, -month.uninvoiced)
    require(totals == [month.invoiced, max(0, month.uninvoiced), month.red + below], "E_SUM_LINES")
    state.declarations[seller, period] = False


def acknowledge(state: State, seller: str, period: int) -> None:
    require(state.declarations.get((seller, period)) is False, "E_STATE")
    state.declarations[seller, period] = True
