"""Companies lock, reimburse, use and post what their people hand in; nobody is paid twice for one invoice."""

from typing import Any

from farechain.data import Party
from farechain.day.life.expected import APPLIED, refused
from farechain.day.life.known import Invoice
from farechain.day.life.people import People, presentation
from farechain.day.life.share import Share
from farechain.day.life.shelf import Shelf, of_a_company, of_a_person, take
from farechain.day.life.turn import Turn


class Companies:
    """The clerks' turn. Claim ids are numbered through."""

    def __init__(self, turn: Turn, people: People, share: Share, shelf: Shelf) -> None:
        self._turn, self._people, self._share, self._shelf = turn, people, share, shelf
        self._serial = 0

    def plan(self) -> None:
        """Locks, then what follows from them."""
        shelf, share = self._shelf, self._share
        for invoice in shelf.take_free(share.of(230, 18), of_a_company):
            self.lock(invoice, invoice.buyer or self._people.companies[0])
        guests = shelf.take_free(share.of(60, 5), of_a_person) + take(shelf.bound, share.of(10, 1))
        hosts = self._people.hosts
        for i, invoice in enumerate(guests):
            if i % 20 == 0:
                self._refused_guest(invoice)
            self.lock(invoice, hosts[i % len(hosts)])
        self._batches()
        self._again(guests)
        self._unlock()
        self._reimburse()
        self._use_and_post()

    def lock(self, invoice: Invoice, company: Party) -> None:
        """One invoice is handed in and locked for a claim."""
        self._turn.order(self._people.of(company), "LOCK", APPLIED, **self._locking(invoice, company))
        self._shelf.locked.append(invoice)

    def _locking(self, invoice: Invoice, company: Party, *, keep: bool = True) -> dict[str, Any]:
        self._serial += 1
        claim_id = f"BX-{self._turn.number}-{self._serial:05d}"
        if keep:
            invoice.claim_id, invoice.locker = claim_id, company
        shown = presentation(invoice, company, claim_id)
        return {**invoice.named, "claim_id": claim_id, "presentation": shown}

    def _refused_guest(self, invoice: Invoice) -> None:
        """A company that takes no invoices of individuals; and a presentation for another claim, or none."""
        strict = next(one for one in self._people.companies if not one.accepts_individuals)
        locking = self._locking(invoice, strict, keep=False)
        self._turn.order(self._people.of(strict), "LOCK", refused("E_ROLE"), **locking)
        host = self._people.hosts[0]
        for change in ({"claim_id": "BX-OTHER"}, {"presentation": None}):
            locking = {**self._locking(invoice, host, keep=False), **change}
            self._turn.order(self._people.of(host), "LOCK", refused("E_SIGNATURE"), **locking)

    def _batches(self) -> None:
        """One batch of locks that applies; one whose last order fails, of which nothing has happened."""
        by_company: dict[str, list[Invoice]] = {}
        for invoice in self._shelf.free:
            if invoice.buyer is not None:
                by_company.setdefault(invoice.buyer.code, []).append(invoice)
        company = max(by_company.values(), key=len)[0].buyer
        assert company is not None
        signer = self._people.of(company)
        *together, alone = self._shelf.take_free(self._share.of(6, 3), lambda one: one.buyer == company)
        orders = [{"kind": "LOCK", **self._locking(invoice, company)} for invoice in together]
        self._turn.order(signer, "BATCH", APPLIED, orders=orders)
        self._shelf.locked += together
        twice = {"kind": "LOCK", **self._locking(together[0], company, keep=False)}
        orders = [{"kind": "LOCK", **self._locking(alone, company, keep=False)}, twice]
        self._turn.order(signer, "BATCH", refused("E_LOCKED_BY_OTHER"), orders=orders)
        self.lock(alone, company)

    def _again(self, guests: list[Invoice]) -> None:
        """What is locked is handed in again: by a person to another company, by a clerk for another claim."""
        count = self._share.of(20, 2)
        hosts = self._people.hosts
        for invoice in guests[: count // 2]:
            other = next(one for one in hosts if one != invoice.locker)
            locking = self._locking(invoice, other, keep=False)
            self._turn.order(self._people.of(other), "LOCK", refused("E_LOCKED_BY_OTHER"), **locking)
        for invoice in self._shelf.locked[: count - count // 2]:
            locking = self._locking(invoice, _locker(invoice), keep=False)
            self._by_locker(invoice, "LOCK", "E_LOCKED_BY_OTHER", locking)

    def _by_locker(
        self, invoice: Invoice, kind: str, code: str | None = None, members: dict[str, Any] | None = None
    ) -> None:
        expected = APPLIED if code is None else refused(code)
        said = invoice.named if members is None else members
        self._turn.order(self._people.of(_locker(invoice)), kind, expected, **said)

    def _unlock(self) -> None:
        """By the company, some by the bureau; another claim's number does not."""
        for i, invoice in enumerate(take(self._shelf.locked, self._share.of(30, 3))):
            members = {**invoice.named, "claim_id": invoice.claim_id}
            if i % 10 == 0:
                other = {**members, "claim_id": "BX-OTHER"}
                self._by_locker(invoice, "UNLOCK", "E_LOCKED_BY_OTHER", other)
                self._turn.order(self._people.bureau, "UNLOCK", APPLIED, **members)
                self._by_locker(invoice, "UNLOCK", "E_STATE", dict(members))
            else:
                self._by_locker(invoice, "UNLOCK", None, dict(members))
            invoice.locker, invoice.claim_id = None, ""
            self._shelf.free.append(invoice)

    def _reimburse(self) -> None:
        """Most in full, some with a part that the company's rules allow."""
        for i, invoice in enumerate(take(self._shelf.locked, self._share.of(200, 14))):
            members = {**invoice.named, "claim_id": invoice.claim_id}
            if i % 40 == 0:
                too_much = {**members, "amount_fen": invoice.rest_fen + 1}
                self._by_locker(invoice, "REIMBURSE", "E_OVER_INVOICED", too_much)
            part = invoice.rest_fen if i % 5 else max(1, invoice.rest_fen * 8 // 10)
            self._by_locker(invoice, "REIMBURSE", None, {**members, "amount_fen": part})
            if i % 40 == 0:
                self._by_locker(invoice, "REIMBURSE", "E_STATE", {**members, "amount_fen": 1})
            self._shelf.reimbursed.append(invoice)

    def _use_and_post(self) -> None:
        """Deduction is confirmed where the company is the buyer; postings with voucher and month."""
        shelf, share = self._shelf, self._share
        for i, invoice in enumerate(shelf.take_free(share.of(30, 3), of_a_company)):
            self._confirm(invoice, i)
            shelf.used.append(invoice)
        posted = take(shelf.reimbursed, share.of(120, 9))
        for i, invoice in enumerate(posted):
            if i % 4 == 0 and invoice.buyer is not None:
                self._confirm(invoice, i)
            voucher = {"voucher": f"JZ-{i + 1:05d}", "period": self._turn.period}
            if i % 40 == 0:
                stranger = next(one for one in self._people.companies if one != invoice.locker)
                members = {**invoice.named, **voucher}
                self._turn.order(self._people.of(stranger), "POST", refused("E_LOCKED_BY_OTHER"), **members)
            self._by_locker(invoice, "POST", None, {**invoice.named, **voucher})
        for invoice in posted[: share.of(10, 1)]:
            self._by_locker(invoice, "UNPOST")
            self._by_locker(invoice, "UNPOST", "E_STATE")
            shelf.reimbursed.append(invoice)
        shelf.posted += posted[share.of(10, 1) :]

    def _confirm(self, invoice: Invoice, i: int) -> None:
        assert invoice.buyer is not None
        if i % 10 == 0:
            other = next(one for one in self._people.companies if one != invoice.buyer)
            self._turn.order(self._people.of(other), "CONFIRM_USE", refused("E_ROLE"), **invoice.named)
        self._turn.order(self._people.of(invoice.buyer), "CONFIRM_USE", APPLIED, **invoice.named)
        invoice.used = True


def _locker(invoice: Invoice) -> Party:
    assert invoice.locker is not None
    return invoice.locker
