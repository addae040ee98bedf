"""Who uses the demonstration's pages: a token for each role, and what the passengers' wallets hold."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from farechain import data, keys
from farechain.access.roles import Role
from farechain.access.tokens import Tokens
from farechain.config import Settings
from farechain.day.life import Life
from farechain.day.life.known import Trip
from farechain.pages.session import HOME
from farechain.private.store import Store
from farechain.service import opening
from farechain.wallet.rows import TripRow
from farechain.wallet.titles import RememberedTitle
from farechain.wallet.wallet import Wallet

DAYS = 7
PASSENGERS = 3
"""So many of them get a token."""


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody types at ``/login``, and where it leads."""

    role: str
    party: str
    name: str
    path: str
    token: str


def app_tax_id() -> str:
    """The tax id of the payment app, which acts for passengers."""
    return next(one.tax_id for one in data.agents() if one.code == data.PAYMENT_APP)


def fill_wallets(settings: Settings, life: Life) -> int:
    """Hands the passengers' trips in, as their app does, with titles to choose from; returns how many."""
    company = data.reimbursers()[0]
    kept = 0
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        with Store.open(settings.private_store, keys.read_key(settings.private.key_file)) as store:
            wallet = Wallet(store, ledger)
            for number, (holder, trips) in enumerate(life.wallets().items()):
                kept += wallet.add([_row(holder, trip) for trip in trips], app_tax_id()).kept
                names = data.passengers()
                wallet.remember(holder, RememberedTitle(names[number % len(names)]))
                wallet.remember(holder, RememberedTitle(company.name, company.tax_id))
    finally:
        ledger.close()
    return kept


def let_in(settings: Settings, life: Life, file: Path) -> list[Login]:
    """Issues tokens for each role, a week long, and keeps them in a file that only its owner reads."""
    metro = next(one for one in data.operators() if one.code == data.ON_CLAIM_METRO)
    people = [
        (Role.HOLDER, kid, f"passenger {n}") for n, kid in enumerate(list(life.wallets())[:PASSENGERS], 1)
    ]
    people += [(Role.REIMBURSER, one.tax_id, one.name) for one in data.reimbursers()]
    people += [
        (Role.ISSUER, metro.tax_id, metro.name),
        (Role.BUREAU, data.bureau().tax_id, data.bureau().name),
        (Role.AUDITOR, data.auditor().tax_id, data.auditor().name),
    ]
    tokens = Tokens(settings.tokens_file)
    logins = []
    for role, party, name in people:
        token = tokens.issue(party, role, DAYS, settings.access.tokens_max).token
        logins.append(Login(role.value, party, name, HOME[role], token))
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump([asdict(login) for login in logins], out, indent=2, ensure_ascii=False)
        out.write("\n")
    return logins


def _row(holder: str, trip: Trip) -> TripRow:
    seller, channel, txn_id = trip.key.decode().split("|", 2)
    assert trip.opening is not None
    members = {"seller": seller, "channel": channel, "txn_id": txn_id, "opening": trip.opening.hex()}
    return TripRow.model_validate({"holder": holder, **members})
