"""Signs for people at the pages, with keys that their organisation keeps here, and gives the commands.

A key stands for the role and party that the ledger's registry says, so no list of names can go wrong. Who has
no key here can look, and signs with a program of their own instead (``farechain command``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from farechain import _core
from farechain._core import Ledger
from farechain.access.roles import Role
from farechain.access.tokens import Caller
from farechain.api.command_models import CommandAnswer
from farechain.api.commands import Door
from farechain.api.problems import Problem
from farechain.api.refusals import detail_of, status_of
from farechain.errors import FarechainError
from farechain.keys import read_key
from farechain.orders import Order
from farechain.party import Party

NO_KEY = "no key of yours is kept at these pages: give the command with your own (farechain command)"


def read_seeds(directory: Path) -> dict[str, bytes]:
    """Every ``*.key`` below a directory, by key id.

    Raises:
        FarechainError: ``E_KEY_FILE``: one that others may read, or that is not a key.
    """
    seeds = [read_key(path) for path in sorted(directory.rglob("*.key"))]
    return {_core.kid(_core.public_key(seed)): seed for seed in seeds}


class Signing:
    """The keys that are kept at these pages.

    Args:
        door: where commands go in.
        ledger: which role and party a key stands for; its network's name is signed.
        seeds: by key id.
        agent: the tax id of the agent that acts for passengers here; None for none.
    """

    def __init__(
        self,
        door: Door,
        ledger: Ledger,
        seeds: Mapping[str, bytes],
        agent: str | None = None,
    ) -> None:
        self._door, self._ledger, self._seeds = door, ledger, seeds
        self.agent = agent

    async def party_of(self, caller: Caller) -> Party:
        """Signs for a caller. Raises ``Problem`` 403 ``E_NO_KEY`` where no good key of theirs is here."""
        if caller.role is Role.HOLDER:
            return self._party(self._kid(caller.role, kid=caller.party))
        if caller.role is Role.BUREAU:
            return self._party(self._kid(caller.role))
        return self._party(self._kid(caller.role, tax_id=caller.party), caller.party)

    async def agent_party(self) -> Party:
        """Signs for the agent of passengers. Raises ``Problem`` 403 ``E_NO_KEY``."""
        if self.agent is None:
            raise Problem(
                403, "E_NO_KEY", "these pages have no agent that acts for passengers: set pages.agent"
            )
        return self._party(self._kid(Role.AGENT, tax_id=self.agent), self.agent)

    async def give(self, party: Party, order: Order, command_id: str | None = None) -> CommandAnswer:
        """Signs and gives a command; returns when its block is durable.

        Args:
            command_id: of a form that may be sent twice: the second time does nothing more.

        Raises:
            Problem: refused; ``CommandProblem`` says what stands and is possible now.
        """
        try:
            event = party.command(order, command_id)
        except FarechainError as error:
            raise Problem(status_of(error.code), error.code, detail_of(error.code)) from error
        return await self._door.give(event.kid, event.signature.hex(), event.value)

    def _kid(self, role: Role, *, kid: str | None = None, tax_id: str | None = None) -> str:
        for each in self._seeds:
            key = self._ledger.key(each)
            if (
                key is not None
                and _stands_for(key, role)
                and kid in (None, each)
                and tax_id in (None, key["tax_id"])
            ):
                return each
        raise Problem(403, "E_NO_KEY", NO_KEY)

    def _party(self, kid: str, tax_id: str = "") -> Party:
        return Party(tax_id=tax_id, seed=self._seeds[kid], network=self._ledger.network, source="pages")


def _stands_for(key: Mapping[str, Any], role: Role) -> bool:
    return bool(key["role"] == role.value and key["retired_ms"] is None and not key["revoked"])
