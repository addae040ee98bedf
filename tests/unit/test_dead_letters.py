"""What the ledger rejected: told from the ledger alone, whose it was, and whether it came to be after all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bindings_little_chain import (
    COMMANDS,
    GATE,
    ISSUER,
    METRO,
    NETWORK,
    SELLER,
    START_MS,
    commands,
    commit,
    create,
    payment,
    signed,
)

from farechain import _core
from farechain.cli import main
from farechain.errors import FarechainError
from farechain.resend import Known, Selection, dead_letters
from farechain.resend.marks import Marks
from farechain.resend.position import Range, ReplayPosition, read_position
from farechain.resend.sending import AT_ONCE, Pace

Told = Callable[..., tuple[int, dict[str, Any]]]
GATE_KEY = 2
"""Which of the chain's first commands registers the gate's key."""


def ride(offset: int, of: int) -> _core.SourceRecord:
    """Payment ``of`` at an offset, with its own key and the place of its gate."""
    made = payment(of, detail={})
    return (offset, START_MS + offset, f"{SELLER}|WECHAT|T{of}".encode(), made[3], made[4])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gate whose key was registered late: two of its payments were rejected, and one came again since."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "farechain.toml").write_text('[ledger]\npath = "ledger"\n')
    ledger = create(tmp_path / "ledger")
    all_commands = commands()
    late = all_commands[GATE_KEY]
    first = all_commands[:GATE_KEY]
    rest = [(record[0] - 1, *record[1:]) for record in all_commands[GATE_KEY + 1 :]]
    commit(ledger, COMMANDS, [*first, *rest])
    broken = (2, START_MS, f"{SELLER}|WECHAT|T7".encode(), b"{", payment(7)[4])
    commit(ledger, METRO, [ride(0, 5), ride(1, 6), broken])
    commit(ledger, COMMANDS, [(6, *late[1:])], START_MS + 2000)
    again = ride(3, 5)
    header: list[tuple[str, bytes | None]] = [("fc-replay", b"payments.metro/3/0")]
    commit(ledger, METRO, [(*again[:4], [*again[4], *header])], START_MS + 3000)
    ledger.close()
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs ``dlq`` and returns exit code and answer."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["dlq", *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_all_are_listed_the_latest_first(place: Path, told: Told) -> None:
    code, answer = told("ls")
    assert code == 0
    rows = {row["id"]: row for row in answer["dead_letters"]}
    assert list(rows) == ["payments.metro/3/2", "payments.metro/3/1", "payments.metro/3/0"]
    first = rows["payments.metro/3/0"]
    assert (first["code"], first["issuer"], first["device"]) == ("E_KEY_UNKNOWN", SELLER, "gate/7")
    assert first["open"] is False
    assert rows["payments.metro/3/1"]["open"] is True
    assert rows["payments.metro/3/2"]["open"] is True, "told from its key"
    assert rows["payments.metro/3/2"]["issuer"] == SELLER


def test_open_ones_are_those_that_the_ledger_lacks(
    place: Path, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    _, answer = told("ls", "--open")
    assert [row["id"] for row in answer["dead_letters"]] == ["payments.metro/3/2", "payments.metro/3/1"]
    _, answer = told("ls", "--open", "--code", "E_KEY_UNKNOWN", "--limit", "1")
    assert (answer["found"], len(answer["dead_letters"])) == (2, 1)
    assert main(["dlq", "ls", "--code", "E_KEY_UNKNOWN"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith(f"E_KEY_UNKNOWN payments.metro/3/1 {SELLER} gate/7 -: open")
    assert lines[2].endswith("on the ledger")


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--issuer", SELLER), 3),
        (("--issuer", "91440300MA9FC001XP"), 0),
        (("--device", "gate/7"), 2),
        (("--device", _core.kid(_core.public_key(GATE))), 3),
        (("--station", "luohu"), 0),
        (("--topic", "payments.metro", "--code", "E_SCHEMA", "--code", "E_SIGNATURE"), 0),
        (("--since", "2026-03-01T08:00:01+08:00"), 3),
        (("--since", "2026-03-01 08:00:02"), 0),
        (("--until", "2026-03-01 08:00:01"), 0),
    ],
)
def test_selections(place: Path, told: Told, words: tuple[str, ...], count: int) -> None:
    assert told("ls", *words)[1]["found"] == count


def test_top_counts_by_what_is_asked(place: Path, told: Told) -> None:
    assert told("top")[1]["top"] == [{"reason": "E_KEY_UNKNOWN", "count": 3}]
    _, answer = told("top", "--by", "device")
    assert answer["top"][0] == {"device": "gate/7", "count": 2}
    assert told("top", "--by", "issuer", "--open")[1]["top"] == [{"issuer": SELLER, "count": 2}]
    assert told("top", "--by", "station")[1]["top"] == [{"station": "-", "count": 3}]


def test_one_is_shown_whole(place: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = told("show", "payments.metro/3/1")
    assert code == 0
    assert answer["value"]["data"]["txn_id"] == "T6"
    assert [name for name, _ in answer["headers"]] == ["fc-kid", "fc-sig"]
    assert told("show", "payments.metro/3/2")[1]["value"] == "{"
    assert main(["dlq", "show", "payments.metro/3/1"]) == 0
    assert '"txn_id": "T6"' in capsys.readouterr().out
    code, answer = told("show", "payments.metro/3/9")
    assert (code, answer["code"]) == (3, "E_NOT_FOUND")


def test_replay_counts_first_and_wants_a_selection(place: Path, told: Told) -> None:
    code, answer = told("replay")
    assert (code, answer["code"]) == (2, "E_USAGE")
    code, answer = told("replay", "--code", "E_KEY_UNKNOWN")
    assert (code, answer["chosen"], answer["sent"]) == (0, 2, 0)
    assert answer["left_out"] == {"that the ledger has": 1}
    marks = Marks(place / "ledger" / "state" / "dead-letters-replayed.jsonl")
    marks.add([("payments.metro/3/1", "payments.metro", 3, 17)])
    _, answer = told("replay", "payments.metro/3/1", "payments.metro/3/2")
    assert (answer["chosen"], answer["left_out"]) == (1, {"that were sent again before (--again)": 1})
    _, answer = told("replay", "payments.metro/3/1", "--again")
    assert answer["chosen"] == 1
    row = told("ls")[1]["dead_letters"][1]
    assert row["replayed_as"] == "payments.metro/3/17"


def test_an_event_that_was_rejected_twice_is_sent_once(place: Path, told: Told) -> None:
    ledger = _core.Ledger.open(str(place / "ledger"))
    stranger = bytes([9]) * 32
    data = json.loads(payment(10)[3] or b"")["data"]
    one = signed(stranger, 4, data)
    replayed: list[tuple[str, bytes | None]] = [*one[4], ("fc-replay", b"payments.metro/3/4")]
    commit(ledger, METRO, [one, (5, one[1], one[2], one[3], replayed)], START_MS + 4000)
    ledger.close()
    _, answer = told("replay", "--device", _core.kid(_core.public_key(stranger)))
    assert (answer["chosen"], answer["left_out"]) == (1, {"that are the same event": 1})
    assert told("ls")[1]["dead_letters"][0]["replay_of"] == "payments.metro/3/4"


def test_a_command_is_its_signers(tmp_path: Path) -> None:
    ledger = create(tmp_path / "ledger")
    commit(ledger, COMMANDS, commands())
    known = Known(ledger)
    bureau, issuer = (_core.kid(_core.public_key(bytes([n]) * 32)) for n in (1, 2))
    admit = commands()[0]
    assert known.has(admit[2], admit[3], bureau) is True
    assert known.has(admit[2], admit[3], issuer) is False
    assert known.has(admit[2], admit[3], "0" * 32) is None
    other = signed(ISSUER, 99, {"kind": "APPLY_NUMBERS", "network": NETWORK, "command_id": "x", "count": 5})
    assert known.has(other[2], other[3], issuer) is False
    assert known.has(None, None, None) is None
    assert list(dead_letters(ledger, Selection())) == []


def test_marks_survive_a_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "state" / "marks.jsonl"
    Marks(path).add([("t/0/1", "t", 0, 5), ("t/0/2", "t", 0, 6)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    marks = Marks(path)
    assert (marks.of("t/0/1") is not None, marks.of("t/0/2")) == (True, None)
    marks.add([("t/0/2", "t", 0, 9)])
    again = Marks(path).of("t/0/2")
    assert again is not None
    assert (again.topic, again.partition, again.offset) == ("t", 0, 9)
    path.write_bytes(b"[]\n")
    with pytest.raises(FarechainError, match="cannot be read"):
        Marks(path)


def test_a_position_is_of_one_replay(tmp_path: Path) -> None:
    path = tmp_path / "replay.json"
    asked = {"topic": "t", "partitions": [0]}
    assert read_position(path, asked) is None
    position = ReplayPosition(path, asked, [Range(0, 0, 10, 4)], sent=4)
    position.save()
    assert read_position(path, asked) == position
    assert not position.done
    with pytest.raises(FarechainError, match="another replay"):
        read_position(path, {"topic": "u", "partitions": [0]})
    path.write_text("{")
    with pytest.raises(FarechainError, match="damaged"):
        read_position(path, asked)


async def test_a_pace_is_held_by_absolute_times() -> None:
    now, slept = [100.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(10.0, clock=lambda: now[0], sleep=sleep)
    assert pace.at_once == 10
    for _ in range(3):
        await pace.take(10)
    assert slept == [1.0, 1.0]
    now[0] += 1.5  # a slow broker: what was lost is made up for
    await pace.take(10)
    await pace.take(10)
    assert slept == [1.0, 1.0, 0.5]
    assert Pace(0.0).at_once == AT_ONCE
    assert Pace(0.5).at_once == 1
