"""The commands that open the day: tables, issuers, keys, mandates, numbers; and some that must be refused."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from farechain.data import (
    PAYMENT_APP,
    SERVICE_DESK,
    Operator,
    Party,
    agents,
    auditor,
    mandate_rows,
    rate_rows,
    reimbursers,
    scene_rows,
)
from farechain.day.keyring import FERRY, Keyring
from farechain.day.plan import COMMANDS, NETWORK, Order, Planned, Refused, Signer
from farechain.day.rotation import rotation_proof

_OWN_NUMBERS = {"metro-1": 3, "bus-1": 2}
"""Operators with grants of their own, and their code's batch digit; metro-1's runs dry within the day."""
_NEVER_YET = 1 << 40


def command_value(command_id: str, kind: str, members: Mapping[str, Any], network: str = NETWORK) -> bytes:
    """A command's CloudEvent (``docs/format.md``, section 2)."""
    data = {"kind": kind, "network": network, "command_id": command_id, **members}
    return orjson.dumps(
        {
            "specversion": "1.0",
            "type": "farechain.command.v1",
            "source": "farechain/day",
            "id": command_id,
            "data": data,
        }
    )


class CommandList:
    """Commands in their order, each one second's thousandth after the other."""

    def __init__(self, start_ms: int) -> None:
        self.planned: list[Planned] = []
        self._start_ms = start_ms

    def add(
        self, signer: Signer, command_id: str, kind: str, fact: Order | Refused, **members: Any
    ) -> Planned:
        """Appends a command."""
        case = f"command {kind}" if isinstance(fact, Order) else f"bad command: {kind} {fact.code}"
        planned = Planned(
            self._start_ms + len(self.planned),
            COMMANDS,
            command_id.encode(),
            signer,
            command_value(command_id, kind, members),
            case,
            fact,
        )
        self.planned.append(planned)
        return planned

    def repeat(self, planned: Planned) -> None:
        """Appends a command again, byte for byte."""
        again = Planned(
            self._start_ms + len(self.planned),
            COMMANDS,
            planned.key,
            planned.signer,
            planned.value,
            f"duplicate: {planned.case}",
            planned.fact,
            copy_of=planned,
        )
        self.planned.append(again)


def commands(keyring: Keyring, start_ms: int, year: int, invoices: int) -> list[Planned]:
    """All commands of the day. ``start_ms``: its first millisecond since 1970; ``year`` goes into codes."""
    listed = CommandList(start_ms)
    _tables_and_issuers(listed, keyring)
    _numbers(listed, keyring, year, invoices)
    for operator in keyring.operators:
        if operator.mandate is not None:
            issuer = keyring.issuers[operator.code]
            rows = mandate_rows(operator.mandate)
            listed.add(issuer, f"mandate-{operator.code}", "MANDATE", Order(), rows=rows)
    _devices(listed, keyring)
    _parties(listed, keyring)
    _refused(listed, keyring, year)
    return listed.planned


def _tables_and_issuers(listed: CommandList, keyring: Keyring) -> None:
    bureau = keyring.bureau
    scenes = listed.add(bureau, "scenes-1", "SCENE_TABLE", Order(), rows=scene_rows())
    listed.add(bureau, "rates-1", "RATE_TABLE", Order(), rows=rate_rows())
    for operator in keyring.operators:
        listed.add(
            bureau,
            f"admit-{operator.code}",
            "ADMIT_ISSUER",
            Order(),
            tax_id=operator.tax_id,
            name=operator.name,
            credit_limit_fen=operator.credit_limit_fen,
        )
        signer = keyring.issuers[operator.code]
        listed.add(
            bureau, f"key-{signer.kid}", "REGISTER_KEY", Order(), **_key(signer, "ISSUER", operator, [])
        )
    listed.repeat(scenes)


def _key(
    signer: Signer,
    role: str,
    owner: Operator | Party,
    scenes: list[str],
    *,
    from_height: int = 0,
    to_height: int | None = None,
) -> dict[str, Any]:
    return {
        "public_key": signer.public_key.hex(),
        "role": role,
        "tax_id": owner.tax_id,
        "scenes": scenes,
        "from_height": from_height,
        "to_height": to_height,
    }


def invoice_code(year: int, batch: int) -> str:
    """A code of Shenzhen's family: region 4403, year, industry 0, this batch, copy 1 (``144031809110``)."""
    return f"14403{year % 100:02d}09{batch}10"


def _numbers(listed: CommandList, keyring: Keyring, year: int, invoices: int) -> None:
    bureau = keyring.bureau
    for operator in keyring.operators:
        batch = _OWN_NUMBERS.get(operator.code)
        if batch is not None:
            enough = max(1, round(invoices * operator.share * (0.9 if operator.code == "metro-1" else 2)))
            listed.add(
                bureau,
                f"grant-{operator.code}",
                "GRANT_NUMBERS",
                Order(),
                code=invoice_code(year, batch),
                **{"from": 1, "to": enough},
                tax_id=operator.tax_id,
            )
    listed.add(
        bureau,
        "grant-any",
        "GRANT_NUMBERS",
        Order(),
        code=invoice_code(year, 1),
        **{"from": 1, "to": 50_000_000},
        tax_id=None,
    )
    closed = invoice_code(year, 9)
    listed.add(
        bureau,
        "grant-mistaken",
        "GRANT_NUMBERS",
        Order(),
        code=closed,
        **{"from": 1_001, "to": 2_000},
        tax_id=keyring.operators[0].tax_id,
    )
    listed.add(bureau, "close-mistaken", "CLOSE_GRANT", Order(), code=closed, **{"from": 1_001})


def _devices(listed: CommandList, keyring: Keyring) -> None:
    first, special = keyring.operators[0], keyring.special
    issuer = keyring.issuers[first.code]

    def register(signer: Signer, scenes: list[str], **heights: int) -> None:
        members = _key(signer, "DEVICE", first, scenes, **heights)
        listed.add(issuer, f"key-{signer.kid}", "REGISTER_KEY", Order(), **members)

    register(special.rotated_old, [first.scene])
    register(special.retired, [first.scene])
    register(special.expired, [first.scene], to_height=1)
    register(special.not_yet, [first.scene], from_height=_NEVER_YET)
    register(special.ferry, [first.scene, FERRY])
    rotated = keyring.devices[first.code][0]
    for operator, signer in _registered(keyring):
        if signer is not rotated:
            members = _key(signer, "DEVICE", operator, [operator.scene])
            listed.add(
                keyring.issuers[operator.code], f"key-{signer.kid}", "REGISTER_KEY", Order(), **members
            )
    listed.add(
        special.rotated_old,
        "rotate-1",
        "ROTATE_KEY",
        Order(),
        public_key=rotated.public_key.hex(),
        proof=rotation_proof(rotated.seed, rotated.public_key, special.rotated_old.kid).hex(),
    )
    listed.add(issuer, "retire-1", "RETIRE_KEY", Order(), kid=special.retired.kid)


def _parties(listed: CommandList, keyring: Keyring) -> None:
    """Agents, the app's passengers, companies with their policies, an auditor, and who acts for whom."""
    bureau, parties = keyring.bureau, keyring.parties

    def register(by: Signer, signer: Signer, role: str, owner: Party) -> None:
        listed.add(by, f"key-{signer.kid}", "REGISTER_KEY", Order(), **_key(signer, role, owner, []))

    for one in agents():
        members = {"tax_id": one.tax_id, "name": one.name, "credit_limit_fen": 0}
        listed.add(bureau, f"admit-{one.code}", "ADMIT_ISSUER", Order(), **members)
        register(bureau, parties.agents[one.code], "AGENT", one)
    by_code = {one.code: one for one in agents()}
    for holder in parties.holders:
        register(parties.agents[PAYMENT_APP], holder, "HOLDER", by_code[PAYMENT_APP])
    register(bureau, parties.auditor, "AUDITOR", auditor())
    for one in reimbursers():
        signer = parties.reimbursers[one.code]
        register(bureau, signer, "REIMBURSER", one)
        policy = {"accepts_individuals": one.accepts_individuals}
        listed.add(signer, f"policy-{one.code}", "REIMBURSER_POLICY", Order(), **policy)
    for operator in keyring.operators:
        if operator.mandate is not None and mandate_rows(operator.mandate)[0]["policy"] == "ON_CLAIM":
            issuer, desk = keyring.issuers[operator.code], by_code[SERVICE_DESK].tax_id
            scope = {"agent": desk, "scenes": [operator.scene], "to_height": None}
            listed.add(issuer, f"delegate-{operator.code}", "DELEGATE", Order(), **scope)


def _registered(keyring: Keyring) -> Iterator[tuple[Operator, Signer]]:
    for operator in keyring.operators:
        for signer in keyring.devices[operator.code]:
            yield operator, signer


def _refused(listed: CommandList, keyring: Keyring, year: int) -> None:
    """One command for each reason that a command can be refused for."""
    bureau, special, first = keyring.bureau, keyring.special, keyring.operators[0]
    issuer = keyring.issuers[first.code]
    stranger = special.unregistered
    count = 0

    def refused(why: str, kind: str, signer: Signer = bureau, **members: Any) -> None:
        nonlocal count
        count += 1
        listed.add(signer, f"bad-{count}", kind, Refused(why), **members)

    def grant(why: str, code: str, first_number: int, last: int, signer: Signer = bureau) -> None:
        refused(why, "GRANT_NUMBERS", signer, code=code, **{"from": first_number, "to": last}, tax_id=None)

    unused = invoice_code(year, 8)
    grant("E_ROLE", unused, 1, 10, issuer)
    grant("E_CODE_FORMAT", unused[:-1] + "1", 1, 10)
    grant("E_CODE_REGION", "14405" + unused[5:], 1, 10)
    grant("E_NUMBER_RANGE", unused, 10, 9)
    grant("E_NUMBER_REUSED", invoice_code(year, 1), 7, 7)
    closed: dict[str, Any] = {"code": invoice_code(year, 9), "from": 1_001}
    refused("E_STATE", "CLOSE_GRANT", **closed)
    refused("E_KEY_UNKNOWN", "RETIRE_KEY", kid=stranger.kid)
    refused("E_STATE", "RETIRE_KEY", issuer, kid=special.retired.kid)
    refused("E_STATE", "REGISTER_KEY", **_key(issuer, "ISSUER", first, []))
    refused("E_SCHEMA", "REGISTER_KEY", **_key(stranger, "DEVICE", first, []))
    small_order = {**_key(stranger, "ISSUER", first, []), "public_key": "01" + "00" * 31}
    refused("E_SIGNATURE", "REGISTER_KEY", **small_order)
    other = keyring.operators[1]
    refused("E_ROLE", "REGISTER_KEY", issuer, **_key(stranger, "DEVICE", other, [other.scene]))
    never_admitted = {**_key(stranger, "ISSUER", first, []), "tax_id": "91440300708461136T"}
    refused("E_ROLE", "REGISTER_KEY", **never_admitted)
    refused("E_USCC_CHECKSUM", "ADMIT_ISSUER", tax_id="44078819091887401X", name="?", credit_limit_fen=None)
    scope = {"agent": first.tax_id, "scenes": [first.scene], "to_height": None}
    refused("E_ROLE", "DELEGATE", issuer, **scope)
    refused("E_ROLE", "REIMBURSER_POLICY", issuer, accepts_individuals=True)
    app = keyring.parties.agents[PAYMENT_APP]
    refused("E_ROLE", "REGISTER_KEY", app, **_key(stranger, "HOLDER", first, []))
    proof = rotation_proof(stranger.seed, stranger.public_key, special.retired.kid).hex()
    refused("E_SIGNATURE", "ROTATE_KEY", issuer, public_key=stranger.public_key.hex(), proof=proof)
    row = {**mandate_rows("METRO_AT_RIDE")[0], "rate": 1300}
    refused("E_RATE_NOT_ALLOWED", "MANDATE", issuer, rows=[row])
    listed.add(bureau, "scenes-1", "SCENE_TABLE", Refused("E_STATE"), rows=[])
