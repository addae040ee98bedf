"""Who signed a command: what no registered key signed is refused at the door and never reaches the ledger.

What is refused here takes no offset and no byte of the ledger: strangers cannot fill it. The ledger verifies
every signature again, by the same rule.
"""

import asyncio
import re
from typing import Any

from farechain import _core
from farechain._core import Ledger
from farechain.api.problems import Problem
from farechain.api.refusals import detail_of, status_of

KID = re.compile(r"[0-9a-f]{32}", re.ASCII)
SIGNATURE = re.compile(r"[0-9a-f]{128}", re.ASCII)
COMMAND_OF = {"PAID": "payment", "REFUNDED": "refund", "TOPPED_UP": "top-up"}


class Signers:
    """Verifies commands against the registry's keys.

    Args:
        ledger: where keys are looked up, and whose network a command must have signed.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._network = ledger.network

    async def admit(self, kid: str | None, signature: str | None, value: bytes) -> dict[str, Any]:
        """The decoded command (``_core.decode_event``) of a registered key.

        Args:
            kid: the header ``fc-kid``.
            signature: the header ``fc-sig``, 128 hex digits.
            value: the body.

        Raises:
            Problem: 401 (``E_SIGNATURE``, ``E_KEY_UNKNOWN``, ``E_KEY_EXPIRED``), or 400, 413, 422 with the
                decoder's code.
        """
        if kid is None or not KID.fullmatch(kid):
            raise Problem(401, "E_SIGNATURE", "fc-kid must be the key's id: 32 lower-case hex digits")
        if signature is None or not SIGNATURE.fullmatch(signature):
            raise Problem(401, "E_SIGNATURE", "fc-sig must be the signature: 128 lower-case hex digits")
        key = self._ledger.key(kid)
        if key is None:
            raise Problem(401, "E_KEY_UNKNOWN", "this key is not registered: register it and send again")
        sound = await asyncio.to_thread(
            _core.verify_batch, [key["public_key"]], [value], [bytes.fromhex(signature)]
        )
        if not sound[0]:
            raise Problem(401, "E_SIGNATURE", "the signature does not verify over exactly these bytes")
        if key["revoked"]:
            raise Problem(401, "E_KEY_EXPIRED", "this key was revoked")
        return self._decoded(value)

    def _decoded(self, value: bytes) -> dict[str, Any]:
        try:
            event = _core.decode_event(value)
        except ValueError as error:
            code = str(error)
            raise Problem(status_of(code), code, detail_of(code)) from error
        if event["kind"] in COMMAND_OF:
            what = COMMAND_OF[event["kind"]]
            raise Problem(400, "E_SCHEMA", f"a {what} is no command: it goes to its topic")
        if event["network"] != self._network:
            raise Problem(400, "E_CHAIN", f"signed for another network than {self._network}")
        return event
