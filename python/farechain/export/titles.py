"""Titles that the private store at hand opens; where there is none, documents show commitments."""

from collections.abc import Callable

from farechain.private.openings import Kind, verify_opening
from farechain.private.store import Store

TitleOf = Callable[[bytes], str | None]
"""The text of a title's commitment; None where it is not at hand."""


def none_at_hand(_commitment: bytes) -> str | None:
    """For documents without titles."""
    return None


class Titles:
    """Opens titles with a store that is opened when the first title is met."""

    def __init__(self, open_store: Callable[[], Store | None]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._opened = False

    def text_of(self, commitment: bytes) -> str | None:
        """The text of a title. Raises what ``Store.open`` and ``Store.opening`` raise."""
        if not self._opened:
            self._store, self._opened = self._open_store(), True
        opening = self._store.opening(commitment) if self._store else None
        # A plate or a name under this commitment would be no title.
        if opening is None or not verify_opening(commitment, *opening, Kind.TITLE):
            return None
        return opening.text

    def close(self) -> None:
        """Gives the store back."""
        if self._store is not None:
            self._store.close()
