"""The owner's end and the replica's over a real connection: what is lost on the way, and who is let in."""

import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from bindings_little_chain import COMMANDS, METRO, commands, commit, create, payment
from service_chain import Chain, make_day, until

from farechain import _core, keys
from farechain.config import ReplicaSettings
from farechain.errors import FarechainError
from farechain.listening import address, bind
from farechain.replica.following import Replica, is_replica, promote
from farechain.replica.owner import ReplicaLink, ReplicaTerms
from farechain.replica.wire import HEAD, MAC_BYTES, Channel, Kind, WireError
from farechain.service import opening
from farechain.service.running import Service

SECRET = b"s" * 32


@contextlib.asynccontextmanager
async def replica(
    path: Path, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Replica, int]]:
    """A replica that runs until the end of the block, and its port."""
    stop, following = asyncio.Event(), Replica(path, SECRET)
    listener = bind("127.0.0.1", port)
    port = listener.getsockname()[1]
    running = asyncio.create_task(following.run(listener, stop, tls))
    try:
        yield following, port
    finally:
        stop.set()
        await running
        listener.close()


def link_to(ledger: _core.Ledger, place: Path, port: int, **terms: object) -> ReplicaLink:
    fields = {"host": "127.0.0.1", "port": port, "secret": SECRET, "timeout_s": 5.0} | terms
    return ReplicaLink(ledger, ReplicaTerms(**fields), place / "state")  # type: ignore[arg-type]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_a_replica_that_is_behind_or_away_holds_everything_back(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")
    commit(owner, COMMANDS, commands())
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "receipts.json").write_text('{"next_height": 1}')
    port = free_port()
    link = link_to(owner, tmp_path, port)
    catching_up = asyncio.create_task(asyncio.to_thread(link.catch_up))
    await until(lambda: "refused" in str(link.away).lower())
    assert link.lag_blocks == 2
    assert not catching_up.done()
    async with replica(tmp_path / "copy", port) as (following, _):
        await catching_up
        assert (following.height, link.lag_blocks, link.away) == (1, 0, None)
        await asyncio.to_thread(commit, owner, METRO, [payment(0)])
        assert following.height == owner.height == 2
    # Away: the block waits, and nobody sees it.
    committing = asyncio.create_task(asyncio.to_thread(commit, owner, METRO, [payment(1)]))
    await until(lambda: link.away is not None and link.lag_blocks == 1)
    link.look()
    assert owner.height == 2
    assert not committing.done()
    assert _core.Ledger.open(str(tmp_path / "owner"), readonly=True, blocks_max=3).height == 2
    async with replica(tmp_path / "copy", port) as (following, _):
        await committing
        assert following.height == owner.height == 3
        await asyncio.to_thread(link.look)
        assert link.away is None
        assert link.answered_s > 0
        link.close()
    assert json.loads((tmp_path / "copy" / "state" / "receipts.json").read_text()) == {"next_height": 1}
    assert is_replica(tmp_path / "copy")
    assert promote(tmp_path / "copy") == 3
    assert _core.audit(str(tmp_path / "copy"))["ok"]
    with pytest.raises(FarechainError) as promoted:
        Replica(tmp_path / "copy", SECRET)
    assert promoted.value.code == "E_REPLICA_DIR"


async def test_told_to_stop_it_waits_no_longer_and_the_block_goes_there_at_the_next_start(
    tmp_path: Path,
) -> None:
    owner = create(tmp_path / "owner")
    async with replica(tmp_path / "copy") as (_, port):
        link = link_to(owner, tmp_path, port)
        await asyncio.to_thread(link.catch_up)
    committing = asyncio.create_task(asyncio.to_thread(commit, owner, COMMANDS, commands()))
    await until(lambda: link.away is not None and link.lag_blocks == 1)
    link.close()
    with pytest.raises(_core.LedgerError) as gave_up:
        await committing
    assert gave_up.value.args[0] == "replica"
    owner.close()
    owner = _core.Ledger.open(str(tmp_path / "owner"))
    assert owner.height == 1
    async with replica(tmp_path / "copy") as (following, port):
        link = link_to(owner, tmp_path, port)
        await asyncio.to_thread(link.catch_up)
        assert following.height == 1
        link.close()


async def test_an_answer_that_was_lost_is_asked_for_again(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")
    async with replica(tmp_path / "copy") as (following, port):
        cut = CuttingProxy(port)
        link = link_to(owner, tmp_path, cut.port)
        await asyncio.to_thread(link.catch_up)
        cut.drop_answers()
        committing = asyncio.create_task(asyncio.to_thread(commit, owner, COMMANDS, commands()))
        await until(lambda: following.height == 1)
        assert owner.height == 0
        cut.end()
        await committing
        assert (owner.height, link.lag_blocks) == (1, 0)
        link.close()
        cut.close()


class CuttingProxy:
    """Hands a connection on, and at a word swallows what comes back."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._dropping = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                owner, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._to))
                self._open += [owner, there]
                threading.Thread(target=self._pump, args=(owner, there, None), daemon=True).start()
                threading.Thread(target=self._pump, args=(there, owner, self._dropping), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, dropping: threading.Event | None) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65_536):
                if dropping is None or not dropping.is_set():
                    sink.sendall(part)

    def drop_answers(self) -> None:
        self._dropping.set()

    def end(self) -> None:
        """Cuts what is open; new connections work."""
        self._dropping.clear()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.end()


async def test_forks_and_older_copies_and_other_chains_are_refused(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")
    fork = create(tmp_path / "fork")
    commit(fork, COMMANDS, commands(numbers=999))
    commit(owner, COMMANDS, commands())
    commit(owner, METRO, [payment(0)])
    older = create(tmp_path / "older")
    async with replica(tmp_path / "copy") as (_, port):
        link = link_to(owner, tmp_path, port)
        await asyncio.to_thread(link.catch_up)
        link.close()
        for ledger, reason in ((fork, "ends at 1"), (older, "ends at 0")):
            with pytest.raises(FarechainError, match=reason) as refused:
                await asyncio.to_thread(link_to(ledger, tmp_path, port).catch_up)
            assert refused.value.code == "E_REPLICA_FORK"
        commit(fork, METRO, [payment(7)])
        with pytest.raises(FarechainError, match="fork"):
            await asyncio.to_thread(link_to(fork, tmp_path, port).catch_up)
        other = other_chain(tmp_path / "other")
        with pytest.raises(FarechainError, match="another chain"):
            await asyncio.to_thread(link_to(other, tmp_path, port).catch_up)


def other_chain(path: Path) -> _core.Ledger:
    _core.Ledger.create(
        str(path),
        network="shenzhen",
        chain="shenzhen/9",
        bureau=_core.public_key(bytes(32)),
        sources=[("t", bytes(16), 0)],
        regions=["4403"],
        time_ms=1,
    )
    return _core.Ledger.open(str(path))


async def test_nobody_without_the_secret_is_let_in(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")
    async with replica(tmp_path / "copy") as (following, port):
        link = link_to(owner, tmp_path, port, secret=b"x" * 32)
        await asyncio.to_thread(link.look)
        assert "secret" in str(link.away)
        assert following.height == -1


async def test_with_certificates_nobody_reads_along(tmp_path: Path) -> None:
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    named = ["-subj", "/CN=replica", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    words = [*made, *named, *files]
    await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate, key)
    owner = create(tmp_path / "owner")
    commit(owner, COMMANDS, commands())
    async with replica(tmp_path / "copy", tls=served) as (following, port):
        trusting = ssl.create_default_context(cafile=certificate)
        link = link_to(owner, tmp_path, port, tls=trusting)
        await asyncio.to_thread(link.catch_up)
        assert following.height == 1
        link.close()
        suspicious = link_to(owner, tmp_path, port, tls=ssl.create_default_context())
        await asyncio.to_thread(suspicious.look)
        assert "certificate" in str(suspicious.away).lower()


@pytest.mark.parametrize("byte", [0, 4, 5, -1])
def test_a_changed_frame_is_no_frame(byte: int) -> None:
    owner, there = (Channel(SECRET, b"c" * 32, b"n" * 32, owner=side) for side in (True, False))
    frame = bytearray(b"".join(owner.seal(Kind.BLOCK, b"a block")))
    frame[byte] ^= 1
    with pytest.raises(WireError):
        there.open(bytes(frame[: HEAD.size]), bytes(frame[HEAD.size : -MAC_BYTES]), bytes(frame[-MAC_BYTES:]))


def test_a_frame_repeated_left_out_or_sent_back_is_no_frame() -> None:
    owner, there = (Channel(SECRET, b"c" * 32, b"n" * 32, owner=side) for side in (True, False))
    first, second = owner.seal(Kind.PING, b""), owner.seal(Kind.PING, b"")
    with pytest.raises(WireError):
        there.open(*second)
    assert there.open(*first) == (Kind.PING, b"")
    with pytest.raises(WireError):
        there.open(*first)
    with pytest.raises(WireError):
        owner.open(*first)
    assert there.open(*second) == (Kind.PING, b"")


async def test_a_service_waits_for_its_replica_says_so_and_goes_on(tmp_path: Path) -> None:
    chain, port = Chain(tmp_path, make_day(tmp_path)), free_port()
    keys.write_key(tmp_path / "replica.key", SECRET)
    ledger = chain.settings.ledger.model_copy(update={"durability": "replicated"})
    terms = ReplicaSettings(address=f"127.0.0.1:{port}", secret_file=tmp_path / "replica.key")
    chain.settings = chain.settings.model_copy(update={"ledger": ledger, "replica": terms})
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    running = asyncio.create_task(Service(chain.settings, listener).run(stop))

    async def reason() -> str:
        async with httpx.AsyncClient() as http:
            return str((await http.get(address(listener) + "/readyz")).json()["reason"])

    async def waits() -> bool:
        return "replica" in await reason()

    async def is_ready() -> bool:
        return await reason() == "None"

    await until(waits)
    assert not (chain.settings.public_dir / "checkpoint").exists()
    async with replica(tmp_path / "copy", port) as (following, _):
        await until(is_ready)
        await until((chain.settings.public_dir / "checkpoint").exists)
        assert opening.published_checkpoint(chain.settings)[1] <= following.height + 1
    await until(waits)
    height = chain.ledger().height
    async with replica(tmp_path / "copy", port) as (following, _):
        await until(is_ready)
        stop.set()
        assert await running is not None
        assert following.height >= height
    listener.close()
    there = chain.settings.ledger.model_copy(update={"path": tmp_path / "copy"})
    settings = chain.settings.model_copy(update={"ledger": there})
    with pytest.raises(FarechainError) as refused:
        opening.open_ledger(settings)
    assert refused.value.code == "E_REPLICA_DIR"
