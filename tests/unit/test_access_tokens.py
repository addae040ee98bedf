"""Tokens: shown once, hashed at rest, compared in constant time, gone when they expire or are revoked."""

import ast
import hmac
import inspect
import json
import logging
import os
import re
import threading
from pathlib import Path

import pytest

from farechain.access import token_file
from farechain.access import tokens as module
from farechain.access.roles import Role
from farechain.access.tokens import DAY_MS, Issued, Tokens
from farechain.errors import FarechainError

PARTY = "91440300708461136T"
KID = "00112233445566778899aabbccddeeff"


class Clock:
    """Milliseconds that a test moves."""

    def __init__(self) -> None:
        self.now_ms = 1_772_323_200_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "access" / "tokens.jsonl"


@pytest.fixture
def tokens(path: Path, clock: Clock) -> Tokens:
    return Tokens(path, clock)


def issue(tokens: Tokens, role: Role = Role.REIMBURSER, party: str = PARTY, days: int = 90) -> Issued:
    return tokens.issue(party, role, days, active_max=100)


def bearer(issued: Issued) -> str:
    return f"Bearer {issued.token}"


def test_a_token_stands_for_its_party_and_role(tokens: Tokens, clock: Clock) -> None:
    issued = issue(tokens)
    assert re.fullmatch(r"fct_[0-9a-f]{16}_[0-9a-f]{64}", issued.token)
    caller = tokens.check(bearer(issued))
    assert caller is not None
    assert (caller.party, caller.role, caller.token_id) == (PARTY, Role.REIMBURSER, issued.row.id)
    assert caller.expires_ms == clock.now_ms + 90 * DAY_MS
    holder = tokens.check(f"bearer {issue(tokens, Role.HOLDER, KID).token}")
    assert holder is not None
    assert (holder.party, holder.role) == (KID, Role.HOLDER)


def test_what_is_no_good_token_is_nobody(tokens: Tokens) -> None:
    assert tokens.check(None) is None
    assert tokens.check(f"Bearer fct_{'0' * 16}_{'0' * 64}") is None
    good = issue(tokens)
    other = issue(tokens)
    _fct, token_id, secret = good.token.split("_")
    for header in (
        "",
        good.token,
        f"Basic {good.token}",
        f"Bearer  {good.token}",
        f"Bearer {good.token} ",
        f"Bearer {good.token}\n",
        f"Bearer {good.token.upper()}",
        f"Bearer {good.token[:-1]}",
        f"Bearer fct_{token_id}_",
        f"Bearer fct_{other.row.id}_{secret}",
        f"Bearer fct_{token_id}_{good.row.sha256}",
        *(f"Bearer fct_{token_id}_{secret[:at]}{_other(secret[at])}{secret[at + 1 :]}" for at in range(64)),
    ):
        assert tokens.check(header) is None, header
    assert tokens.check(bearer(good)) is not None


def _other(digit: str) -> str:
    return "1" if digit == "0" else "0"


def test_a_token_ends_with_its_last_day(tokens: Tokens, clock: Clock) -> None:
    issued = issue(tokens, days=1)
    clock.now_ms += DAY_MS - 1
    assert tokens.check(bearer(issued)) is not None
    clock.now_ms += 1
    assert tokens.check(bearer(issued)) is None
    assert issued.row.state(clock.now_ms) == "EXPIRED"


def test_revocation_takes_effect_in_a_running_process(tokens: Tokens, path: Path, clock: Clock) -> None:
    """And so does a token that was issued after it started."""
    running = Tokens(path, clock)
    first, second = issue(tokens), issue(tokens)
    assert running.check(bearer(first)) is not None
    revoked = tokens.revoke(first.row.id)
    assert running.check(bearer(first)) is None
    assert running.check(bearer(second)) is not None
    clock.now_ms += 1
    assert tokens.revoke(first.row.id) == revoked
    assert [row.state(clock.now_ms) for row in tokens.rows()] == ["REVOKED", "ACTIVE"]


def test_an_unchanged_file_is_not_read_again(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = issue(tokens)
    assert tokens.check(bearer(issued)) is not None
    monkeypatch.setattr(token_file, "read", lambda _path: pytest.fail("read again"))
    assert tokens.check(bearer(issued)) is not None


def test_there_is_no_such_token(tokens: Tokens) -> None:
    with pytest.raises(FarechainError) as error:
        tokens.revoke("0" * 16)
    assert (error.value.code, error.value.exit_code) == ("E_TOKEN_UNKNOWN", 1)


def test_the_secret_is_nowhere_but_in_the_answer(
    tokens: Tokens, path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    issued = issue(tokens)
    caller = tokens.check(bearer(issued))
    tokens.revoke(issued.row.id)
    secret = issued.token.split("_")[2]
    assert secret not in f"{issued!r} {issued.row!r} {caller!r} {tokens!r} {caplog.text}"
    for each in path.parent.iterdir():
        assert secret.encode() not in each.read_bytes()
        assert bytes.fromhex(secret) not in each.read_bytes()
    assert capfd.readouterr() == ("", "")


def test_secrets_are_compared_in_constant_time(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a token that is there and for one that is not; nothing else looks at a hash."""
    good = issue(tokens)
    compared: list[tuple[str, str]] = []
    compare = hmac.compare_digest

    def spy(first: str, second: str) -> bool:
        compared.append((first, second))
        return compare(first, second)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    assert tokens.check(bearer(good)) is not None
    assert tokens.check(f"Bearer fct_{_other(good.row.id[0])}{good.row.id[1:]}_{'0' * 64}") is None
    assert len(compared) == 2
    assert [len(part) for pair in compared for part in pair] == [64] * 4
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Compare):
            assert "sha256" not in ast.unparse(node), "compare it with hmac.compare_digest"


def test_only_the_owner_may_read_what_is_kept(tokens: Tokens, path: Path) -> None:
    issued = issue(tokens)
    assert sorted(each.name for each in path.parent.iterdir()) == ["lock", "tokens.jsonl"]
    for each in (path.parent, *path.parent.iterdir()):
        assert each.stat().st_mode & 0o077 == 0, each.name
    path.chmod(0o644)
    os.utime(path)
    for use in (tokens.rows, lambda: Tokens(path).check(bearer(issued)), lambda: issue(tokens)):
        with pytest.raises(FarechainError) as error:
            use()
        assert error.value.code == "E_TOKENS"
        assert "chmod 600" in error.value.message


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}\n",
        b'{"format": "farechain-tokens/2"}\n',
        b'{"format": "farechain-tokens/1"}\nnonsense\n',
        b'{"format": "farechain-tokens/1"}\n{"id": "x"}\n',
        b'{"format": "farechain-tokens/1"}\n{"id": "x", "party": "p", "role": "KING", "sha256": "00",'
        b' "issued_ms": 0, "expires_ms": 1, "revoked_ms": null}\n',
        b'{"format": "farechain-tokens/1"}\n{"id": "x", "party": "p", "role": "BUREAU", "sha256": "00",'
        b' "issued_ms": 0, "expires_ms": 1, "revoked_ms": null}\n',
        b'{"format": "farechain-tokens/1"}\n{"id": "x"',
    ],
)
def test_a_damaged_file_lets_nobody_in(tokens: Tokens, path: Path, damage: bytes) -> None:
    issued = issue(tokens)
    assert tokens.check(bearer(issued)) is not None
    path.write_bytes(damage)
    with pytest.raises(FarechainError) as error:
        tokens.check(bearer(issued))
    assert error.value.code == "E_TOKENS"
    with pytest.raises(FarechainError):
        issue(tokens)
    assert path.read_bytes() == damage


def test_a_file_that_vanished_lets_nobody_in(tokens: Tokens, path: Path) -> None:
    issued = issue(tokens)
    assert tokens.check(bearer(issued)) is not None
    path.unlink()
    assert tokens.check(bearer(issued)) is None


def test_a_token_is_durable_before_it_is_shown(
    tokens: Tokens, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, then its name, then the answer; where a sync fails there is no answer and nothing changed."""
    synced: list[str] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    first = issue(tokens)
    assert [Path(each).name for each in synced] == [f".{path.name}.part", path.parent.name]

    def failing(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output"):
        issue(tokens)
    monkeypatch.undo()
    assert [row.id for row in tokens.rows()] == [first.row.id]
    assert len(tokens.rows()) == 1
    issue(tokens)
    assert len(tokens.rows()) == 2


@pytest.mark.parametrize(
    ("party", "role"),
    [
        ("44078819091887401X", Role.ISSUER),
        ("9111011233024848X", Role.BUREAU),
        (KID, Role.REIMBURSER),
        (PARTY, Role.HOLDER),
        ("", Role.AUDITOR),
        (PARTY, Role.ANONYMOUS),
    ],
)
def test_a_party_of_the_wrong_form_gets_none(tokens: Tokens, party: str, role: Role) -> None:
    with pytest.raises(FarechainError) as error:
        issue(tokens, role, party)
    assert error.value.code == "E_USAGE"
    assert tokens.rows() == []


def test_active_tokens_are_bounded_and_ended_ones_make_room(tokens: Tokens, clock: Clock) -> None:
    first = tokens.issue(PARTY, Role.ISSUER, 1, active_max=2)
    tokens.issue(PARTY, Role.ISSUER, 9, active_max=2)
    with pytest.raises(FarechainError) as error:
        tokens.issue(PARTY, Role.ISSUER, 9, active_max=2)
    assert error.value.code == "E_TOKENS_FULL"
    tokens.revoke(first.row.id)
    tokens.issue(PARTY, Role.ISSUER, 1, active_max=2)
    clock.now_ms += DAY_MS
    tokens.issue(PARTY, Role.ISSUER, 1, active_max=2)


def test_ended_tokens_are_listed_as_many_as_may_be_active(tokens: Tokens) -> None:
    issued = []
    for _ in range(6):
        issued.append(tokens.issue(PARTY, Role.ISSUER, 9, active_max=2).row.id)
        tokens.revoke(issued[-1])
    last = tokens.issue(PARTY, Role.ISSUER, 9, active_max=2)
    assert [row.id for row in tokens.rows()] == [*issued[-2:], last.row.id]
    assert tokens.check(bearer(last)) is not None


def test_many_writers_lose_nothing(path: Path, clock: Clock) -> None:
    threads = [
        threading.Thread(target=lambda: [issue(Tokens(path, clock)) for _ in range(5)]) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Tokens(path, clock).rows()) == 30
    lines = path.read_text().splitlines()
    assert all(len(json.loads(line)["sha256"]) == 64 for line in lines[1:])
