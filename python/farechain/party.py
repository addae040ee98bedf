"""A party of the ledger: signs commands, one small method each. Knows no transport.

clerk = Party(tax_id="91440300MA9FC001XP", seed=read_key(Path("clerk.key")), network="shenzhen")
command = clerk.lock(Invoice("144032609110", 1), "2026-03-0001")

The event that a method returns is the command: after a failure send the same event again, it is done once.
"""

import secrets
from collections.abc import Sequence

from farechain import _core, orders, registry_orders
from farechain.orders import Buyer, Claimed, Invoice, Order, Reason
from farechain.registry_orders import Role, Rows
from farechain.signed_event import SignedEvent, sign_event

COMMAND_TYPE = "farechain.command.v1"


class Party:
    """Whoever holds a registered key.

    Every method raises ``FarechainError`` with the ledger's own ``E_*`` code where the ledger would refuse
    the command for its form.

    Args:
        tax_id: its own; empty for the bureau.
        seed: its 32-byte key (``farechain.keys.read_key``).
        network: the network's name, which is inside what is signed.
        source: who it says it is in the event's ``source``; by default its tax id.
    """

    def __init__(self, *, tax_id: str, seed: bytes, network: str, source: str = "") -> None:
        self.tax_id = tax_id
        self.network = network
        self._seed = seed
        self._source = source or tax_id or "bureau"

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        return _core.public_key(self._seed)

    @property
    def kid(self) -> str:
        """Its key's id, 32 hex digits."""
        return _core.kid(self.public_key)

    def command(self, order: Order, command_id: str | None = None) -> SignedEvent:
        """Signs any order.

        Args:
            order: ``kind`` and members (``docs/format.md``, section 2; ``farechain.orders``).
            command_id: 1-64 visible ASCII; a fresh one by default. A command of the same id and content is a
                duplicate and does nothing more.
        """
        command_id = command_id or secrets.token_hex(16)
        kind = order.get("kind")
        members = {name: value for name, value in order.items() if name != "kind"}
        data = {"kind": kind, "network": self.network, "command_id": command_id, **members}
        key = command_id.encode()
        return sign_event(
            self._seed, data, kind=COMMAND_TYPE, source=self._source, event_id=command_id, key=key
        )

    def present(self, invoice: Invoice, reimburser: str, claim_id: str) -> bytes:
        """A holder's presentation of an invoice to a reimburser (its tax id) for a claim: 64 bytes."""
        return _core.sign_presentation(self._seed, invoice.code, invoice.number, reimburser, claim_id)

    # The life of an invoice ----------------------------------------------------------------------

    def claim(self, payments: Sequence[Claimed], buyer: Buyer) -> SignedEvent:
        """See ``orders.claim``; the others below likewise."""
        return self.command(orders.claim(payments, buyer))

    def retitle(self, invoice: Invoice, buyer: Buyer) -> SignedEvent:
        """ISSUER or AGENT."""
        return self.command(orders.retitle(invoice, buyer))

    def bind(self, invoice: Invoice, holder: str, opening: bytes | None = None) -> SignedEvent:
        """ISSUER or AGENT."""
        return self.command(orders.bind(invoice, holder, opening))

    def transfer(self, invoice: Invoice, holder: str) -> SignedEvent:
        """The holder."""
        return self.command(orders.transfer(invoice, holder))

    def lock(self, invoice: Invoice, claim_id: str, presentation: bytes | None = None) -> SignedEvent:
        """REIMBURSER."""
        return self.command(orders.lock(invoice, claim_id, presentation))

    def unlock(self, invoice: Invoice, claim_id: str) -> SignedEvent:
        """The locker."""
        return self.command(orders.unlock(invoice, claim_id))

    def reimburse(self, invoice: Invoice, claim_id: str, amount_fen: int) -> SignedEvent:
        """The locker."""
        return self.command(orders.reimburse(invoice, claim_id, amount_fen))

    def confirm_use(self, invoice: Invoice) -> SignedEvent:
        """The REIMBURSER that is the buyer."""
        return self.command(orders.confirm_use(invoice))

    def post(self, invoice: Invoice, voucher: str, period: str) -> SignedEvent:
        """The locker."""
        return self.command(orders.post(invoice, voucher, period))

    def unpost(self, invoice: Invoice) -> SignedEvent:
        """The locker."""
        return self.command(orders.unpost(invoice))

    def red_issue(
        self, invoice: Invoice, reason: Reason, payments: Sequence[bytes] | None = None
    ) -> SignedEvent:
        """ISSUER or AGENT for the seller."""
        return self.command(orders.red_issue(invoice, reason, payments))

    def red_request(
        self, invoice: Invoice, reason: Reason, payments: Sequence[bytes] | None = None
    ) -> SignedEvent:
        """Either side."""
        return self.command(orders.red_request(invoice, reason, payments))

    def red_confirm(self, invoice: Invoice) -> SignedEvent:
        """The other side."""
        return self.command(orders.red_confirm(invoice))

    def red_refuse(self, invoice: Invoice) -> SignedEvent:
        """The other side."""
        return self.command(orders.red_refuse(invoice))

    def red_withdraw(self, invoice: Invoice) -> SignedEvent:
        """The side that asked."""
        return self.command(orders.red_withdraw(invoice))

    def red_expire(self, invoice: Invoice) -> SignedEvent:
        """Anyone with a key."""
        return self.command(orders.red_expire(invoice))

    def freeze(self, invoice: Invoice, note: str) -> SignedEvent:
        """BUREAU."""
        return self.command(orders.freeze(invoice, note))

    def unfreeze(self, invoice: Invoice) -> SignedEvent:
        """BUREAU."""
        return self.command(orders.unfreeze(invoice))

    def batch(self, several: Sequence[Order]) -> SignedEvent:
        """All of them or none: orders from ``farechain.orders``."""
        return self.command(orders.batch(several))

    # Organisations, keys, tables, numbers --------------------------------------------------------

    def admit_issuer(self, tax_id: str, name: str, credit_limit_fen: int | None = None) -> SignedEvent:
        """See ``registry_orders.admit_issuer``; the others below likewise."""
        return self.command(registry_orders.admit_issuer(tax_id, name, credit_limit_fen))

    def register_key(
        self,
        public_key: bytes,
        role: Role,
        tax_id: str,
        scenes: Sequence[str] = (),
        *,
        from_height: int = 0,
        to_height: int | None = None,
    ) -> SignedEvent:
        """BUREAU; ISSUER for its devices; AGENT for its holders. ``scenes``: of a DEVICE alone."""
        order = registry_orders.register_key(
            public_key.hex(), role, tax_id, scenes, from_height=from_height, to_height=to_height
        )
        return self.command(order)

    def rotate_key(self, new_seed: bytes) -> SignedEvent:
        """Replaces its own key by another one, which consents."""
        new = _core.public_key(new_seed)
        proof = _core.sign_rotation(new_seed, self.public_key)
        return self.command({"kind": "ROTATE_KEY", "public_key": new.hex(), "proof": proof.hex()})

    def retire_key(self, kid: str) -> SignedEvent:
        """BUREAU or ISSUER: the key signs nothing from now on."""
        return self.command(registry_orders.retire_key(kid))

    def revoke_key(self, kid: str) -> SignedEvent:
        """BUREAU or ISSUER: the same, and it is never admitted again."""
        return self.command(registry_orders.revoke_key(kid))

    def admit(self, kid: str, until: str) -> SignedEvent:
        """ISSUER: payments of a retired device up to a time (RFC 3339 with an offset) are welcome."""
        return self.command(registry_orders.admit(kid, until))

    def scene_table(self, rows: Rows) -> SignedEvent:
        """BUREAU."""
        return self.command(registry_orders.scene_table(rows))

    def rate_table(self, rows: Rows) -> SignedEvent:
        """BUREAU."""
        return self.command(registry_orders.rate_table(rows))

    def mandate(self, rows: Rows) -> SignedEvent:
        """ISSUER: what the ledger issues for it."""
        return self.command(registry_orders.mandate(rows))

    def grant_numbers(self, code: str, first: int, last: int, tax_id: str | None = None) -> SignedEvent:
        """BUREAU: to an issuer, or to any."""
        return self.command(registry_orders.grant_numbers(code, first, last, tax_id))

    def close_grant(self, code: str, first: int) -> SignedEvent:
        """BUREAU."""
        return self.command(registry_orders.close_grant(code, first))

    def apply_numbers(self, count: int) -> SignedEvent:
        """ISSUER."""
        return self.command(registry_orders.apply_numbers(count))

    def refuse_numbers(self, tax_id: str, reason: str) -> SignedEvent:
        """BUREAU."""
        return self.command(registry_orders.refuse_numbers(tax_id, reason))

    def delegate(self, agent: str, scenes: Sequence[str], to_height: int | None = None) -> SignedEvent:
        """ISSUER: an agent (its tax id) acts for it in these scenes; none ends it."""
        return self.command(registry_orders.delegate(agent, scenes, to_height))

    def reimburser_policy(self, *, accepts_individuals: bool) -> SignedEvent:
        """REIMBURSER: whether it locks invoices of individuals."""
        return self.command(registry_orders.reimburser_policy(accepts_individuals=accepts_individuals))

    def declare(self, period: str, invoiced_fen: int, uninvoiced_fen: int, red_fen: int) -> SignedEvent:
        """ISSUER: a month (``YYYY-MM``) that is over; the amounts must be the ledger's."""
        return self.command(registry_orders.declare(period, invoiced_fen, uninvoiced_fen, red_fen))

    def acknowledge(self, tax_id: str, period: str) -> SignedEvent:
        """BUREAU."""
        return self.command(registry_orders.acknowledge(tax_id, period))

    def attest(self, subject: str, digest: bytes, command_id: str | None = None) -> SignedEvent:
        """BUREAU, ISSUER, AGENT or REIMBURSER: puts the digest of an outside fact onto the ledger.

        Args:
            subject: what kind of fact, 1-32 of ``A-Z 0-9 _``, first a letter.
            digest: 32 bytes.
            command_id: see ``command``.
        """
        return self.command(registry_orders.attest(subject, digest), command_id)
