"""Who acts in the life: agents, passengers, companies, issuers, the bureau, each with a key; and titles."""

from collections.abc import Sequence
from dataclasses import dataclass

from farechain import _core
from farechain.data import PAYMENT_APP, SERVICE_DESK, Operator, Party, passengers, reimbursers
from farechain.day.keyring import Keyring
from farechain.day.life.known import Invoice
from farechain.day.life.titles import Titles
from farechain.day.plan import Signer


@dataclass(slots=True)
class People:
    """Everybody's keys by what they do here."""

    keyring: Keyring
    titles: Titles
    _customers: int = 0

    @property
    def bureau(self) -> Signer:
        """The tax bureau."""
        return self.keyring.bureau

    @property
    def app(self) -> Signer:
        """The payment app, which acts for its passengers."""
        return self.keyring.parties.agents[PAYMENT_APP]

    @property
    def desk(self) -> Signer:
        """The service desk, to which operators delegate."""
        return self.keyring.parties.agents[SERVICE_DESK]

    @property
    def holders(self) -> Sequence[Signer]:
        """Passengers with keys of their own."""
        return self.keyring.parties.holders

    @property
    def auditor(self) -> Signer:
        """Who reads, and gives no commands."""
        return self.keyring.parties.auditor

    @property
    def companies(self) -> list[Party]:
        """Who reimburses."""
        return reimbursers()

    @property
    def hosts(self) -> list[Party]:
        """Companies that accept invoices of individuals."""
        return [one for one in self.companies if one.accepts_individuals]

    def of(self, company: Party) -> Signer:
        """A company's key."""
        return self.keyring.parties.reimbursers[company.code]

    def issuer(self, seller: Operator) -> Signer:
        """A seller's key."""
        return self.keyring.issuers[seller.code]

    def device(self, seller: Operator) -> Signer:
        """A device of a seller."""
        return self.keyring.devices[seller.code][0]

    def buyer(self, invoice: Invoice, *, titled: bool = True) -> dict[str, str | None]:
        """The members that name buyer and holder: a company's title, a passenger's (``titled``), or none."""
        holder, buyer = invoice.holder, invoice.buyer
        title = None
        if titled and (buyer is not None or holder is not None):
            self._customers += 1
            subject = f"{PAYMENT_APP}/customer-{self._customers:06d}"
            if holder is not None and holder is not self.app:
                subject = holder.kid
            names = passengers()
            title = self.titles.commitment(
                subject, buyer.name if buyer else names[self._customers % len(names)]
            )
        return {
            "buyer": "INDIVIDUAL" if buyer is None else "ORGANIZATION",
            "buyer_tax_id": None if buyer is None else buyer.tax_id,
            "title": title,
            "holder": None if holder is None else holder.kid,
        }


def presentation(invoice: Invoice, company: Party, claim_id: str) -> str | None:
    """The holder shows the invoice to a company for one claim; none where nobody holds it."""
    holder = invoice.holder
    if holder is None:
        return None
    code, number = invoice.code, invoice.number
    return _core.sign_presentation(holder.seed, code, number, company.tax_id, claim_id).hex()
