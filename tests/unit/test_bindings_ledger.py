"""A ledger through the bindings: one day in small, and what is refused with which kind of error."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import bindings_little_chain as little
import pytest
from bindings_little_chain import CODE, COMMANDS, METRO, START_MS, commit, payment, refund

from farechain import _core


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[_core.Ledger]:
    opened = little.issuing(tmp_path / "ledger")
    yield opened
    opened.close()


def kind_of(caught: pytest.ExceptionInfo[_core.LedgerError]) -> str:
    kind, message = caught.value.args
    assert message
    return str(kind)


def test_payments_become_invoices(ledger: _core.Ledger) -> None:
    committed = commit(ledger, METRO, [payment(0), payment(1, 600), payment(2, 0)])
    assert (committed.height, committed.inputs, committed.records) == (2, 3, 3)
    assert (committed.invoices, committed.red_letters, committed.waiting) == (2, 0, 0)
    assert committed.hash == ledger.head == _core.block_hash(ledger.headers(2, 1)[0])
    assert committed.time_ms == START_MS + 1000
    assert committed.bytes > 0
    assert committed.sync_ns > 0
    found = ledger.invoice(CODE, 1)
    assert found is not None
    assert found["record"] == ledger.record(2, found["index"])
    assert found["hash"] == _core.leaf_hash(found["record"])
    assert found["hash"].hex().endswith(found["check_code"])
    assert found["fields"] == _core.decode_record(found["record"])
    assert (found["height"], found["remaining_fen"], found["fiscal"]) == (2, 665, "ISSUED")
    assert (found["fields"]["net_fen"], found["fields"]["tax_fen"]) == (646, 19)
    assert ledger.invoice_by_hash(found["hash"]) == found
    annex = ledger.annex(2, found["index"])
    assert annex is not None
    assert _core.leaf_hash(annex) == found["fields"]["payments_root"]
    assert ledger.invoice(CODE, 3) is None
    assert ledger.invoice_by_hash(bytes(32)) is None
    assert ledger.codes() == [CODE]


def test_a_refund_reverses_and_status_and_block_say_so(ledger: _core.Ledger) -> None:
    commit(ledger, METRO, [payment(0), payment(1)])
    committed = commit(ledger, METRO, [refund(2, of=0, refund_fen=665), payment(3, kind="NONE")])
    assert (committed.red_letters, committed.rejected) == (1, {"E_SCHEMA": 1})
    duplicate = commit(ledger, METRO, [payment(4, txn_id="T1"), payment(5, 1, txn_id="T1")])
    assert (duplicate.duplicates, duplicate.rejected) == (1, {"E_PAYMENT_CONFLICT": 1})
    blue, red = ledger.invoice(CODE, 1), ledger.invoice(CODE, 3)
    assert blue is not None
    assert red is not None
    assert (blue["remaining_fen"], blue["fiscal"]) == (0, "REVERSED")
    assert (red["fields"]["kind"], red["fields"]["total_fen"], red["fiscal"]) == ("RED", -665, "ISSUED")
    status = ledger.status()
    assert status["rejected"] == {"E_PAYMENT_CONFLICT": 1, "E_SCHEMA": 1}
    assert (status["invoices"], status["red_letters"], status["duplicates"]) == (2, 1, 1)
    assert status["inputs"] == 7 + 2 + 2 + 2
    assert status["curve"] == [[48, 2]]
    block = ledger.block(4)
    assert block is not None
    assert [one["verdict"] for one in block["outcomes"]] == ["DUPLICATE", "REJECTED"]
    assert block["counts"] == {"DUPLICATE": 1, "REJECTED": 1}
    assert block["outcomes"][0]["first"] == (2, 1)
    assert block["outcomes"][1]["code"] == "E_PAYMENT_CONFLICT"
    assert block["ranges"][0]["topic"] == "payments.metro"
    assert (block["ranges"][0]["first_offset"], block["ranges"][0]["next_offset"]) == (4, 6)
    assert block["height"] == 4
    assert ledger.block(5) is None


def test_positions_receipts_dead_letters_and_rows(ledger: _core.Ledger) -> None:
    headers: list[tuple[str, bytes | None]] = [("x-null", None)]
    unsigned: _core.SourceRecord = (1, START_MS, None, b"{}", headers)
    commit(ledger, METRO, [payment(0), unsigned])
    topic, topic_id, partition, position, digest = ledger.positions()[METRO]
    assert (topic, topic_id, partition, position) == ("payments.metro", b"\1" * 16, 3, 2)
    assert digest == _core.input_digest(unsigned)
    following, receipts = ledger.receipts(2, 10)
    assert following == 3
    assert receipts[0][0] == b"k"
    receipt = json.loads(receipts[0][1])
    assert receipt["id"] == "shenzhen/0/2/0"
    assert receipt["data"]["invoice"]["total_fen"] == 665
    following, letters = ledger.dead_letters(2, 10)
    assert following == 3
    [(key, value, letter_headers)] = letters
    assert (key, value, letter_headers[0]) == (None, b"{}", ("x-null", None))
    assert ("fc-dlq-code", b"E_SIGNATURE") in letter_headers
    following, rows = ledger.outcomes(2, 10)
    assert following == 3
    assert rows[0] == ("payments.metro", 3, 0, "ISSUED", None, None, 665, 646, 19, None)
    assert rows[1] == ("payments.metro", 3, 1, "REJECTED", "E_SIGNATURE", None, None, None, None, None)
    [(source, timestamp_ms, frame)] = ledger.input_frames(2)
    assert (source, timestamp_ms, frame) == (METRO, START_MS, _core.input_bytes(payment(0)))


def test_an_intake_drops_what_the_ledger_has_and_refuses_unknown_sources(ledger: _core.Ledger) -> None:
    intake = ledger.intake()
    assert (intake.pending, intake.is_empty, intake.expected(METRO)) == (0, True, 0)
    assert intake.expected(COMMANDS) == 7
    assert intake.push_records(COMMANDS, little.commands(), None) == 0
    assert intake.dropped == 7
    assert intake.push_records(METRO, [], 5) == 0
    assert (intake.expected(METRO), intake.is_empty) == (5, False)
    batch = intake.seal(10)
    assert len(batch) == 0
    prepared = ledger.prepare(batch)
    assert (len(prepared), prepared.oldest_ms) == (0, 0)
    assert ledger.commit(prepared, START_MS).height == 2, "a moved position is a block"
    with pytest.raises(_core.LedgerError, match="source 3") as caught:
        intake.expected(3)
    assert kind_of(caught) == "invalid"
    with pytest.raises(_core.LedgerError, match="source 3"):
        intake.push_raw(3, b"", 0, [])


def test_a_record_batch_that_cannot_be_read_stops_its_partition(ledger: _core.Ledger) -> None:
    intake = ledger.intake()
    with pytest.raises(_core.LedgerError) as caught:
        intake.push_raw(METRO, bytes(61) + b"\xff" * 20, 0, [])
    assert kind_of(caught) == "batch"
    assert (intake.pending, intake.expected(METRO)) == (0, 0)


def test_a_batch_is_used_once_and_in_its_order(ledger: _core.Ledger) -> None:
    intake = ledger.intake()
    intake.push_records(METRO, [payment(offset) for offset in range(4)], None)
    first, second = intake.seal(2), intake.seal(2)
    late = ledger.prepare(second)
    with pytest.raises(_core.LedgerError) as caught:
        ledger.prepare(second)
    assert kind_of(caught) == "conflict"
    with pytest.raises(_core.LedgerError) as caught:
        ledger.commit(late, START_MS)
    assert kind_of(caught) == "conflict"
    early = ledger.prepare(first)
    assert ledger.commit(early, START_MS + 2000).inputs == 2
    with pytest.raises(_core.LedgerError) as caught:
        ledger.commit(early, START_MS)
    assert kind_of(caught) == "conflict"
    assert ledger.height == 2


def test_one_owner_any_number_of_readers(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    owner = little.issuing(path)
    with pytest.raises(_core.LedgerError) as caught:
        _core.Ledger.open(str(path))
    assert kind_of(caught) == "locked"
    reader = _core.Ledger.open(str(path), readonly=True)
    assert (reader.height, reader.head, reader.chain, reader.network) == (
        1,
        owner.head,
        "shenzhen/0",
        "shenzhen",
    )
    intake = reader.intake()
    intake.push_records(METRO, [payment(0)], None)
    with pytest.raises(_core.LedgerError, match="reading only") as caught:
        reader.commit(reader.prepare(intake.seal(1)), START_MS)
    assert kind_of(caught) == "invalid"
    owner.close()
    _core.Ledger.open(str(path)).close()


def test_a_closed_ledger_refuses_every_call(tmp_path: Path) -> None:
    ledger = little.issuing(tmp_path / "ledger")
    ledger.close()
    ledger.close()
    for call in (ledger.status, ledger.positions, ledger.intake, ledger.state_digest, lambda: ledger.height):
        with pytest.raises(_core.LedgerError, match="closed") as caught:
            call()
        assert kind_of(caught) == "invalid"


def test_the_state_is_the_same_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = little.issuing(path)
    commit(ledger, METRO, [payment(offset) for offset in range(50)])
    commit(ledger, METRO, [refund(50, of=3, refund_fen=100)])
    digest, head, status = ledger.state_digest(), ledger.head, ledger.status()
    ledger.close()
    reopened = _core.Ledger.open(str(path))
    assert (reopened.state_digest(), reopened.head, reopened.status()) == (digest, head, status)
    reopened.close()
    report = _core.audit(str(path))
    assert report["ok"], report["what"]
    assert (report["head"], report["state_digest"]) == (head, digest)
    assert (report["blocks"], report["invoices"], report["red_letters"]) == (4, 50, 1)
    assert report["signatures_verified"] == 7 + 51
    assert (report["file"], report["byte"], report["what"], report["public"]) == (None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"chain": "shen zhen"}, "no space"),
        ({"chain": "a+b"}, "no space"),
        ({"network": ""}, "1 to 64"),
        ({"regions": ["44"]}, "four digits"),
        ({"regions": []}, "four digits"),
        ({"sources": []}, "partitions"),
        ({"bureau": bytes(32)}, "valid key"),
        ({"drain_max": 0}, "drains"),
    ],
)
def test_a_genesis_that_is_refused(tmp_path: Path, changes: dict[str, object], what: str) -> None:
    arguments = {
        "network": "n",
        "chain": "n/0",
        "bureau": _core.public_key(bytes(32)),
        "sources": [("t", bytes(16), 0)],
        "regions": ["4403"],
        "time_ms": 0,
        **changes,
    }
    with pytest.raises(_core.LedgerError, match=what) as caught:
        _core.Ledger.create(str(tmp_path / "ledger"), **arguments)  # type: ignore[arg-type]
    assert kind_of(caught) == "invalid"


def test_genesis_is_written_once(tmp_path: Path) -> None:
    little.create(tmp_path / "ledger").close()
    with pytest.raises(_core.LedgerError) as caught:
        little.create(tmp_path / "ledger")
    assert kind_of(caught) == "exists"


def test_preparing_leaves_the_interpreter_to_others(ledger: _core.Ledger) -> None:
    """While a large batch is prepared, another thread goes on counting."""
    intake = ledger.intake()
    intake.push_records(METRO, [payment(offset) for offset in range(3000)], None)
    batch = intake.seal(3000)
    preparing = threading.Thread(target=ledger.prepare, args=(batch,))
    counted = 0
    preparing.start()
    while preparing.is_alive():
        counted += 1
    assert counted > 100


def test_memory_is_counted_by_table(ledger: _core.Ledger) -> None:
    tables = ledger.memory_bytes()
    assert "signers" in tables
    assert all(size >= 0 for size in tables.values())
    assert ledger.drainable is False


def test_damage_found_while_deciding_poisons_the_writer_and_is_no_panic(tmp_path: Path) -> None:
    """A record that can no longer be read stops the writer: every later commit is refused."""
    path = tmp_path / "ledger"
    ledger = little.issuing(path)
    commit(ledger, METRO, [payment(0)])
    commit(ledger, METRO, [payment(1)])
    record = ledger.record(2, 0)
    assert record is not None
    [segment] = [file for file in (path / "blocks").iterdir() if record in file.read_bytes()]
    segment.write_bytes(segment.read_bytes().replace(record, bytes([record[0] ^ 1]) + record[1:]))
    for attempt in (payment(2, txn_id="T0"), payment(2)):
        with pytest.raises(_core.LedgerError) as caught:
            commit(ledger, METRO, [attempt])
        assert kind_of(caught) == "poisoned"
    assert ledger.height == 3
    ledger.close()
    with pytest.raises(_core.LedgerError) as caught:
        _core.Ledger.open(str(path))
    assert kind_of(caught) == "corrupt"
    report = _core.audit(str(path))
    assert (report["ok"], report["file"]) == (False, str(segment))
