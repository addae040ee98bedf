"""The keys of those who receive, claim, reimburse and read invoices: for development, like all of the day."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from farechain.data import PAYMENT_APP, agents, auditor, reimbursers
from farechain.day.payers import Payers
from farechain.day.plan import Signer

HOLDERS = 32
"""Passengers with a key of their own; for the others the app holds what it claims."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Their keys by code, and the passengers' in order."""

    agents: dict[str, Signer]
    holders: list[Signer]
    reimbursers: dict[str, Signer]
    auditor: Signer

    @property
    def payers(self) -> Payers:
        """Whose payments the payment app knows."""
        return Payers(self.agents[PAYMENT_APP].seed)

    def files(self) -> Iterator[tuple[Path, Signer]]:
        """Where each key is kept, below the directory of keys."""
        for code, signer in self.agents.items():
            yield Path("agents", f"{code}.key"), signer
        for signer in self.holders:
            yield Path("holders", f"{signer.name}.key"), signer
        for code, signer in self.reimbursers.items():
            yield Path("reimbursers", f"{code}.key"), signer
        yield Path("auditors", f"{self.auditor.name}.key"), self.auditor


def derive_parties(signer: Callable[[str], Signer]) -> Parties:
    """Everybody's keys; ``signer`` derives one from a name."""
    return Parties(
        agents={one.code: signer(one.code) for one in agents()},
        holders=[signer(f"passenger-{number:02d}") for number in range(1, HOLDERS + 1)],
        reimbursers={one.code: signer(one.code) for one in reimbursers()},
        auditor=signer(auditor().code),
    )
