"""``farechain wallet``: trips from a file, each line for itself, and a presentation with one's own key."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from farechain import _core, keys, presentation
from farechain.cli import main
from farechain.orders import Invoice
from farechain.party import Party
from farechain.private.store import Store
from farechain.wallet.wallet import Wallet

SPOOL = '[source]\nkind = "spool"\ndirectory = "spool"\n[outputs]\nenabled = false\n'
STORE = Path("var/ledger/private/store.sqlite")
SELLER = "91440300708461136T"
HOLDER = Party(tax_id=SELLER, seed=b"\6" * 32, network="shenzhen")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An initialised deployment whose ledger has a holder's key."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spool").mkdir()
    (tmp_path / "farechain.toml").write_text(SPOOL)
    assert main(["keys", "new", "bureau.key", "--public", "keys/bureau.pub"]) == 0
    assert main(["init"]) == 0
    bureau = Party(tax_id="", seed=keys.read_key(Path("bureau.key")), network="shenzhen")
    register = bureau.register_key(HOLDER.public_key, "HOLDER", SELLER)
    ledger = _core.Ledger.open("var/ledger")
    source = next(n for n, each in enumerate(ledger.positions()) if each[0] == "farechain.commands")
    intake, now_ms = ledger.intake(), ledger.status()["time_ms"] + 1
    intake.push_records(source, [(0, now_ms, register.key, register.value, list(register.headers))], None)
    assert ledger.commit(ledger.prepare(intake.seal(10)), now_ms).rejected == {}
    ledger.close()
    return tmp_path


def line(txn_id: str, **changes: str) -> str:
    row = {"holder": HOLDER.kid, "seller": SELLER, "channel": "CARD", "txn_id": txn_id, "opening": "01" * 32}
    return json.dumps(row | changes)


def kept() -> int:
    no_ledger: _core.Ledger = SimpleNamespace()  # type: ignore[assignment]  # listing looks nothing up
    with Store.open(STORE, keys.read_key(Path("keys/private.key"))) as store:
        return len(Wallet(store, no_ledger).trips(HOLDER.kid))


def test_each_line_is_kept_or_refused_for_itself(capsys: Captured) -> None:
    lines = [line("a"), "{", line("b", holder="0" * 32), "", line("c", more="x"), line("d")]
    Path("trips.jsonl").write_text("\n".join(lines) + "\n")
    capsys.readouterr()
    assert main(["wallet", "add", "trips.jsonl", "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out) == {"ok": True, "kept": 2, "refused": 3}
    codes = {each.split(": ")[1]: each.split(": ")[2] for each in told.err.splitlines()}
    assert codes == {"line 2": "E_INPUT", "line 3": "E_KEY_UNKNOWN", "line 5": "E_INPUT"}
    assert "01" * 32 not in told.err
    assert kept() == 2


def test_trips_from_standard_input_twice_are_kept_once(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _time in "12":
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO((line("a") + "\n").encode())))
        assert main(["wallet", "add", "-"]) == 0
    assert "kept 1 trips, refused 0" in capsys.readouterr().out
    assert kept() == 1


def test_many_trips_are_kept_and_a_line_without_an_end_stops(capsys: Captured) -> None:
    Path("trips.jsonl").write_text("\n".join(line(f"t{n}") for n in range(1201)) + "\n")
    assert main(["wallet", "add", "trips.jsonl"]) == 0
    assert kept() == 1201
    Path("trips.jsonl").write_text(line("more") + "\n" + "x" * 2000)
    assert main(["wallet", "add", "trips.jsonl"]) == 2
    assert "E_SIZE: line 2" in capsys.readouterr().err
    assert kept() == 1201


def test_a_file_that_is_not_there_is_said(capsys: Captured) -> None:
    assert main(["wallet", "add", "nowhere.jsonl"]) == 2
    assert "E_INPUT" in capsys.readouterr().err


def test_a_presentation_is_the_holders_own(place: Path, capsys: Captured) -> None:
    assert main(["keys", "new", "holder.key"]) == 0
    capsys.readouterr()
    words = ["wallet", "present", "144032609110-7", SELLER, "2026-03-0001", "--key", "holder.key"]
    assert main(words) == 0
    holder = Party(tax_id="", seed=keys.read_key(place / "holder.key"), network="")
    presented = presentation.decode(capsys.readouterr().out)
    invoice = Invoice("144032609110", 7)
    assert presented == (invoice, SELLER, "2026-03-0001", holder.present(invoice, SELLER, "2026-03-0001"))


@pytest.mark.parametrize(
    "words", [["144032609110", SELLER, "c"], ["144032609110-7", SELLER[:-1], "c"], ["1-0", SELLER, "c c"]]
)
def test_a_presentation_of_nothing_is_refused(words: list[str], capsys: Captured) -> None:
    assert main(["keys", "new", "holder.key"]) == 0
    assert main(["wallet", "present", *words, "--key", "holder.key"]) == 2
    assert "E_USAGE" in capsys.readouterr().err
