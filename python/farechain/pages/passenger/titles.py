"""Whom an invoice is for: a title as a form chooses it, checked and committed to."""

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass

from farechain import _core
from farechain.orders import Buyer
from farechain.pages.forms import Form
from farechain.pages.passenger.person import Person
from farechain.private.openings import SALT_BYTES, Kind
from farechain.private.titles import TitleError, check_title
from farechain.wallet.titles import RememberedTitle


class WrongTitle(Exception):  # noqa: N818  it is shown, not stopped by
    """A title or tax id that cannot stand on an invoice; ``detail`` is one line for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen or typed. ``kind`` is ``none``, ``person`` or ``organisation``."""

    kind: str = "none"
    text: str = ""
    tax_id: str = ""
    remember: bool = False

    @property
    def title(self) -> RememberedTitle | None:
        """None for an invoice without a name on it."""
        return None if self.kind == "none" else RememberedTitle(self.text, self.tax_id or None)

    def check(self) -> None:
        """Raises ``WrongTitle``."""
        if self.kind == "none":
            return
        try:
            check_title(self.text)
            if self.kind == "organisation":
                if not self.tax_id:
                    raise WrongTitle("E_TITLE_REQUIRED", "an organisation needs its tax id and a title")
                _core.check_uscc(self.tax_id)
        except TitleError as error:
            raise WrongTitle(error.code, error.message) from None
        except ValueError as error:
            raise WrongTitle(str(error), "the tax id is not right") from None


def read(form: Form, remembered: list[RememberedTitle]) -> Chosen:
    """The title that a form chooses: a remembered one by its name, or a new one. Not checked yet."""
    kind = form.one("title")
    remember = form.one("remember") == "yes"
    for title in remembered:
        if title.name.hex() == kind:
            return Chosen("organisation" if title.tax_id else "person", title.text, title.tax_id or "")
    if kind not in ("person", "organisation"):
        return Chosen()
    text = unicodedata.normalize("NFC", form.one("text"))
    tax_id = "".join(unicodedata.normalize("NFKC", form.one("tax_id")).split()).upper()
    return Chosen(kind, text, tax_id if kind == "organisation" else "", remember)


def buyer_of(person: Person, chosen: Chosen, once: str) -> Buyer:
    """The buyer of a command; the title's text and salt are durable in the private store at return. Blocks.

    The salt follows from the session and the form, so that a form that is sent twice gives the same command.

    Args:
        once: of the form and this invoice alone: no two invoices have the same commitment.
    """
    if chosen.title is None:
        return Buyer(holder=person.kid)
    salt = hmac.digest(person.session.word.encode(), b"title\0" + once.encode(), hashlib.sha256)[:SALT_BYTES]
    commitment = person.store.put(person.kid, Kind.TITLE, chosen.text, salt)
    if chosen.remember:
        person.wallet.remember(person.kid, chosen.title)
    return Buyer(chosen.title.tax_id, commitment, person.kid)
