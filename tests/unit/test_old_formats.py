"""What older programs wrote opens, is gone on with, proves for ever; what newer ones wrote is left alone."""

import asyncio
import hashlib
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from aiokafka.record.util import calc_crc32c

from farechain import _core
from farechain.books.books import Books
from farechain.cli import main
from farechain.client import Buyer
from farechain.config import Settings
from farechain.config_file import to_toml
from farechain.errors import EXIT_REFUSED, FarechainError
from farechain.private.store import Store
from farechain.service import opening
from farechain.service.running import Service
from fixtures.old_ledger import (
    STORE_KEY,
    TEXT,
    TITLE,
    VKEY,
    invoice,
    unpack,
    write_spool,
)
from web.town import BUREAU, CLERK, CODE, COMPANY, ISSUER, claimed, identity_of, ride

ARCHIVES = sorted((Path(__file__).parents[1] / "fixtures").glob("ledger-format-*.tar.gz"))
INVOICES, INPUTS, HEIGHT = 8, 32, 14
HEAD_BYTES = 24
"""Of a frame: mark, length of its body, checksum, kind, height."""


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.split(".")[0])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A copy of an old ledger."""
    return unpack(request.param, tmp_path)


def files(settings: Settings) -> dict[str, str]:
    """Every file of the ledger and what is in it."""
    root = settings.ledger.path
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_there_is_one_for_every_format() -> None:
    assert [path.name for path in ARCHIVES] == ["ledger-format-1.tar.gz"]


def test_it_is_read_audited_and_proved_without_a_change(old: Settings) -> None:
    before = files(old)
    ledger = opening.open_ledger(old, readonly=True)
    status = ledger.status()
    assert (status["invoices"], status["inputs"], status["height"]) == (INVOICES, INPUTS, HEIGHT)
    assert (status["red_letters"], status["rejected"]) == (1, {"E_SIGNATURE": 1})
    standing = ledger.invoice(CODE, 7)
    assert standing is not None
    assert standing["standing"]["claim"] == "POSTED"
    for number in range(1, INVOICES + 1):
        found = ledger.invoice(CODE, number)
        assert found is not None
        proof = ledger.prove(found["height"], found["index"], str(old.public_dir), [])
        assert _core.verify_proof(proof, VKEY, [], 0)["fields"]["number"] == number
    asked = identity_of(ride(1))
    state = ledger.prove_payment_state(asked, str(old.public_dir), [])
    assert state is not None
    assert _core.verify_state_proof(state, VKEY, [], 0)["finding"] == "INVOICED"
    ledger.close()
    assert _core.audit(str(old.ledger.path), public=str(old.public_dir), vkey=VKEY)["ok"]
    assert files(old) == before


def test_its_recorded_proof_and_checkpoint_verify(old: Settings) -> None:
    place = old.ledger.path.parent
    told = _core.verify_proof((place / "proof.json").read_bytes(), VKEY, [], 0)
    assert told["fields"]["number"] == 1
    origin, size, _root = _core.parse_checkpoint((place / "checkpoint").read_text())
    assert (origin, size) == ("shenzhen/0", HEIGHT + 1)
    assert _core.open_note((place / "checkpoint").read_text(), [VKEY])


def test_its_private_store_opens_and_keeps_what_was_erased_erased(old: Settings) -> None:
    with Store.open(old.private_store, STORE_KEY) as store:
        found = store.opening(TITLE.commitment)
        assert found is not None
        assert found.text == TEXT
        assert [store.by_subject("forgotten"), len(store.erasures())] == [[], 1]


async def test_it_is_gone_on_with(old: Settings) -> None:
    ledger = opening.open_ledger(old, readonly=True)
    headers = [_header(ledger, height) for height in range(HEIGHT + 1)]
    ledger.close()
    spool = old.ledger.path.parent / "spool"
    write_spool(spool, "payments.metro", [ride(1), ride(100)], first_offset=11)
    orders = [
        ISSUER.claim(claimed(ride(22, "SCENIC")), Buyer(COMPANY, TITLE.commitment)),
        CLERK.unpost(invoice(7)),
        BUREAU.unfreeze(invoice(3)),
    ]
    write_spool(spool, "farechain.commands", orders, first_offset=14)
    summary = await Service(old, None, until_end=True).run(asyncio.Event())
    assert summary is not None
    ledger = opening.open_ledger(old, readonly=True)
    status = ledger.status()
    assert (status["invoices"], status["inputs"]) == (INVOICES + 2, INPUTS + 5)
    assert (status["duplicates"], status["rejected"]) == (2, {"E_SIGNATURE": 1})
    assert [_header(ledger, height) for height in range(HEIGHT + 1)] == headers
    for number in (1, INVOICES + 2):
        found = ledger.invoice(CODE, number)
        assert found is not None
        proof = ledger.prove(found["height"], found["index"], str(old.public_dir), [])
        assert _core.verify_proof(proof, VKEY, [], 0)["fields"]["number"] == number
    ledger.close()
    assert _core.audit(str(old.ledger.path), public=str(old.public_dir), vkey=VKEY)["ok"]


def _header(ledger: _core.Ledger, height: int) -> bytes:
    block = ledger.block(height)
    assert block is not None
    header: bytes = block["header"]
    return header


@pytest.mark.parametrize("snapshot", [b"", b"another version's", None], ids=["empty", "other", "none"])
def test_a_snapshot_that_is_not_known_is_made_again(old: Settings, snapshot: bytes | None) -> None:
    path = old.ledger.path / "index" / "snapshot"
    whole = path.read_bytes()
    path.unlink() if snapshot is None else path.write_bytes(snapshot)
    ledger = opening.open_ledger(old)
    assert ledger.status()["invoices"] == INVOICES
    ledger.close()
    assert path.read_bytes() == whole


def test_the_map_of_state_is_made_again_where_its_files_are_not_known(old: Settings) -> None:
    for path in (old.ledger.path / "state-map").iterdir():
        path.write_bytes(b"another version's" * 9)
    ledger = opening.open_ledger(old)
    assert ledger.apply_state() == HEIGHT
    assert not ledger.state_status()["due"]
    ledger.close()


def later_frame(settings: Settings) -> None:
    """A block of a later version behind the last one, as if that version had gone on."""
    path = segment(settings)
    with path.open("r+b") as file:
        at = ends(path)[-1]
        file.seek(at)
        file.write(b"FCL2" + bytes(60))


def later_header(settings: Settings) -> None:
    """The last block with a header of a later version, its checksum right."""
    path = segment(settings)
    data = bytearray(path.read_bytes())
    at = ends(path)[-3]
    body = slice(at + HEAD_BYTES, at + HEAD_BYTES + struct.unpack_from(">I", data, at + 4)[0])
    data[body] = data[body].replace(b"\x89\x01\x01", b"\x89\x02\x01", 1)
    struct.pack_into(">I", data, at + 8, calc_crc32c(data[at + 12 : body.stop]))
    path.write_bytes(data)


def later_genesis(settings: Settings) -> None:
    """A ledger that a later version began."""
    path = segment(settings)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"FCL1", b"FCL2"))
    (settings.ledger.path / "index" / "snapshot").unlink()


def segment(settings: Settings) -> Path:
    return settings.ledger.path / "blocks" / "00000000.seg"


def ends(path: Path) -> list[int]:
    """Where each frame begins, and where the next one would."""
    data, at, found = path.read_bytes(), 0, [0]
    while data[at : at + 3] == b"FCL":
        at += (HEAD_BYTES + struct.unpack_from(">I", data, at + 4)[0] + 7) // 8 * 8
        found.append(at)
    return found


@pytest.mark.parametrize("make", [later_frame, later_header, later_genesis])
@pytest.mark.parametrize("verb", ["status", "ingest"])
def test_what_a_later_version_wrote_is_one_line_and_stays(
    old: Settings,
    make: Callable[[Settings], None],
    verb: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make(old)
    config = old.ledger.path.parent / "farechain.toml"
    config.write_text(to_toml(old))
    before = files(old)
    assert main([verb, "--config", str(config)]) == EXIT_REFUSED
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("farechain: E_FORMAT: ")
    assert "start the version that wrote it; nothing was changed" in line
    assert files(old) == before


def test_other_stores_of_a_later_version_are_refused_or_made_again(old: Settings) -> None:
    with closing(sqlite3.connect(old.private_store)) as store, store:
        store.execute("PRAGMA user_version=99")
    with pytest.raises(FarechainError) as refused:
        Store.open(old.private_store, STORE_KEY)
    assert refused.value.code == "E_PRIVATE_STORE"
    books = old.state_dir / "books.sqlite"
    with closing(sqlite3.connect(books)) as store, store:
        store.execute("PRAGMA user_version=99")
    Books.open(books).close()
    with closing(sqlite3.connect(books)) as store:
        assert store.execute("PRAGMA user_version").fetchone()[0] != 99
