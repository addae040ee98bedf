"""A witness cosigns what extends what it cosigned before, and nothing else, for ever."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from service_little_log import LittleLog, entries

from farechain import _core
from farechain.errors import FarechainError
from farechain.witness.server import BODY_BYTES_MAX, Witness, create_app
from farechain.witness.state import EMPTY_ROOT, Seen, StaleError, WitnessState

NAME = "bureau.example/w1"
SEED = b"\7" * 32
VKEY = _core.vkey_cosignature(NAME, _core.public_key(SEED))
LOG = LittleLog(entries(20))
FORK = LittleLog(entries(5) + entries(15, b" of a fork"))


class Party:
    """A witness process's insides, which can be restarted over the same directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = WitnessState(directory)
        self.state.add(LOG.origin)
        self.witness = Witness(
            NAME, SEED, {LOG.origin: (LOG.vkey,)}, self.state, clock_s=lambda: 1_800_000_000
        )

    def restart(self) -> None:
        self.state.close()
        self.__init__(self.directory)  # type: ignore[misc]

    def ask(self, log: LittleLog, old: int, new: int) -> tuple[int, str]:
        answer = self.witness.add_checkpoint(log.request(old, new))
        return answer.status, answer.body


@pytest.fixture
def party(tmp_path: Path) -> Iterator[Party]:
    party = Party(tmp_path)
    yield party
    party.state.close()


def test_growth_is_cosigned_with_the_time(party: Party) -> None:
    for old, new in [(0, 1), (1, 2), (2, 7), (7, 7), (7, 16), (16, 20)]:
        status, line = party.ask(LOG, old, new)
        assert status == 200
        assert _core.open_note(LOG.checkpoint(new) + line, [VKEY]) == [(NAME, 1_800_000_000)]


def test_another_old_size_is_answered_with_the_present_one(party: Party) -> None:
    party.ask(LOG, 0, 8)
    for old in (0, 7, 9):
        answer = party.witness.add_checkpoint(LOG.request(old, 12))
        assert (answer.status, answer.body, answer.media_type) == (409, "8\n", "text/x.tlog.size")


def test_a_fork_is_refused_for_ever_across_restarts(party: Party) -> None:
    party.ask(LOG, 0, 8)
    for _restart in range(3):
        assert party.ask(FORK, 8, 8)[0] == 409
        assert party.ask(FORK, 8, 12)[0] == 422
        assert party.ask(FORK, 0, 8) == (409, "8\n")
        party.restart()
    assert party.ask(LOG, 8, 12)[0] == 200


def test_a_rollback_is_refused_across_restarts(party: Party) -> None:
    party.ask(LOG, 0, 12)
    party.restart()
    assert party.ask(LOG, 8, 10) == (409, "12\n")
    assert party.ask(LOG, 0, 10) == (409, "12\n")
    assert party.state.seen(LOG.origin).size == 12


def test_every_bit_of_a_proof_matters(party: Party) -> None:
    party.ask(LOG, 0, 7)
    proof = LOG.consistency(7, 15)
    for index in range(len(proof)):
        for bit in range(0, 256, 37):
            changed = bytearray(proof[index])
            changed[bit // 8] ^= 1 << bit % 8
            nodes = [*proof[:index], bytes(changed), *proof[index + 1 :]]
            lines = "".join(base64.b64encode(node).decode() + "\n" for node in nodes)
            body = f"old 7\n{lines}\n{LOG.checkpoint(15)}".encode()
            assert party.witness.add_checkpoint(body).status == 422
    extra = "".join(base64.b64encode(node).decode() + "\n" for node in [*proof, proof[0]])
    assert party.witness.add_checkpoint(f"old 7\n{extra}\n{LOG.checkpoint(15)}".encode()).status == 422
    assert party.state.seen(LOG.origin).size == 7


def test_other_logs_and_other_keys_are_refused(party: Party) -> None:
    assert party.ask(LittleLog(entries(3), origin="other.example/log"), 0, 3)[0] == 404
    assert party.ask(LittleLog(entries(3), seed=b"\2" * 32), 0, 3)[0] == 403
    assert party.state.seen(LOG.origin).size == 0


def test_a_changed_note_is_refused(party: Party) -> None:
    body = LOG.request(0, 3).replace(b"\n3\n", b"\n4\n")
    assert party.witness.add_checkpoint(body).status == 403


NOTE = LOG.checkpoint(3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"\xff\xfe",
        b"old 0\n\n",
        NOTE.encode(),
        b"old 0\n" + NOTE.encode(),
        b"old 00\n\n" + NOTE.encode(),
        b"old -1\n\n" + NOTE.encode(),
        b"old 4\n\n" + NOTE.encode(),
        b"old 99999999999999999999\n\n" + NOTE.encode(),
        "old ٣\n\n".encode() + NOTE.encode(),
        b"Old 0\n\n" + NOTE.encode(),
        b"old 0 \n\n" + NOTE.encode(),
        b"old 0\r\n\r\n" + NOTE.encode(),
        b"old 1\n!!!!\n\n" + NOTE.encode(),
        b"old 1\nAAAA\n\n" + NOTE.encode(),
        b"old 0\n" + base64.b64encode(bytes(32)) + b"\n\n" + NOTE.encode(),
        b"old 1\n" + (base64.b64encode(bytes(32)) + b"\n") * 64 + b"\n" + NOTE.encode(),
    ],
)
def test_malformed_requests_are_400_and_change_nothing(party: Party, body: bytes) -> None:
    assert party.witness.add_checkpoint(body).status == 400
    assert party.state.seen(LOG.origin) == Seen(0, EMPTY_ROOT)


async def test_over_http_bodies_are_bounded_and_types_are_right(party: Party) -> None:
    transport = httpx.ASGITransport(create_app(party.witness))
    async with httpx.AsyncClient(transport=transport, base_url="http://witness") as http:
        assert (await http.post("/add-checkpoint", content=b"x" * (BODY_BYTES_MAX + 1))).status_code == 413
        assert (await http.get("/add-checkpoint")).status_code == 405
        assert (await http.post("/add-checkpoint", content=LOG.request(0, 4))).status_code == 200
        stale = await http.post("/add-checkpoint", content=LOG.request(0, 4))
        assert (stale.status_code, stale.headers["content-type"]) == (409, "text/x.tlog.size")


async def test_parallel_requests_never_move_back_nor_cosign_two_branches(party: Party) -> None:
    party.ask(LOG, 0, 4)
    bodies = [LOG.request(4, new) for new in range(5, 20)] + [FORK.request(4, new) for new in range(6, 20)]
    answers = await asyncio.gather(
        *(asyncio.to_thread(party.witness.add_checkpoint, body) for body in bodies)
    )
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.status for answer in answers} == {200, 409}
    won = [answer.status for answer in answers].index(200)
    assert f"\n{party.state.seen(LOG.origin).size}\n".encode() in bodies[won]


def test_the_state_is_compared_and_swapped(party: Party) -> None:
    first, second = Seen(3, b"\3" * 32), Seen(4, b"\4" * 32)
    party.state.advance(LOG.origin, Seen(0, EMPTY_ROOT), first)
    with pytest.raises(StaleError) as stale:
        party.state.advance(LOG.origin, Seen(0, EMPTY_ROOT), second)
    assert stale.value.seen == first


def test_nothing_is_cosigned_when_the_state_cannot_be_written(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        party.ask(LOG, 0, 3)
    monkeypatch.undo()
    assert party.state.seen(LOG.origin).size == 0


def test_two_processes_cannot_share_a_directory(party: Party) -> None:
    with pytest.raises(FarechainError, match="another process") as locked:
        WitnessState(party.directory)
    assert locked.value.exit_code == 4


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"origin":"shenzhen/0","size":1}', b"[]"])
def test_lost_or_damaged_state_is_never_read_as_empty(party: Party, content: bytes | None) -> None:
    party.ask(LOG, 0, 3)
    (file,) = party.directory.glob("log-*.json")
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(FarechainError, match="restore the file or retire"):
        party.ask(LOG, 3, 4)


def test_the_state_names_its_log(party: Party) -> None:
    (file,) = party.directory.glob("log-*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"origin": "other"}))
    with pytest.raises(FarechainError):
        party.state.seen(LOG.origin)
