"""``farechain erase`` and ``farechain tokens``, and the private store that ``init`` makes."""

import io
import json
from pathlib import Path

import pytest

from farechain import keys
from farechain.access.tokens import Tokens
from farechain.cli import main
from farechain.private.openings import Kind
from farechain.private.store import Store

SPOOL = '[source]\nkind = "spool"\ndirectory = "spool"\n[outputs]\nenabled = false\n'
PARTY = "91440300708461136T"
STORE = Path("var/ledger/private/store.sqlite")
TOKENS = Path("var/ledger/access/tokens.jsonl")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spool").mkdir()
    (tmp_path / "farechain.toml").write_text(SPOOL)
    assert main(["keys", "new", "bureau.key", "--public", "keys/bureau.pub"]) == 0
    return tmp_path


@pytest.fixture
def initialised(place: Path, capsys: Captured) -> Path:
    assert main(["init"]) == 0
    capsys.readouterr()
    return place


def opened() -> Store:
    return Store.open(STORE, keys.read_key(Path("keys/private.key")))


def failing(capsys: Captured, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(words)
    (line,) = capsys.readouterr().err.splitlines()
    return code, line


# init -------------------------------------------------------------------------------------------


def test_init_makes_store_and_key_that_only_the_owner_reads(initialised: Path) -> None:
    for file in (STORE, Path("keys/private.key")):
        assert file.stat().st_mode & 0o077 == 0
    with opened() as store:
        assert store.by_subject("a") == []


def test_init_keeps_a_key_that_is_there_and_a_store_is_never_given_another(
    initialised: Path, capsys: Captured
) -> None:
    key = Path("keys/private.key").read_text()
    assert failing(capsys, "init")[0] == 3
    assert Path("keys/private.key").read_text() == key
    Path("keys/private.key").rename("elsewhere")
    code, line = failing(capsys, "init")
    assert (code, "E_KEY_FILE" in line) == (2, True)
    assert not Path("keys/private.key").exists()


def test_config_check_reads_the_key_of_the_private_store(initialised: Path, capsys: Captured) -> None:
    Path("keys/private.key").chmod(0o644)
    code, line = failing(capsys, "config", "check")
    assert (code, "private.key" in line) == (2, True)


# erase ------------------------------------------------------------------------------------------


def test_erase_says_how_many_texts_went_and_not_whose(initialised: Path, capsys: Captured) -> None:
    with opened() as store:
        for text in ("甲", "乙"):
            store.put("customer 17", Kind.TITLE, text)
        store.put("customer 18", Kind.TITLE, "丙")
        assert main(["erase", "customer 17"]) == 0
        told = capsys.readouterr().out
        assert told.startswith("erased 2 texts and documents with key")
        assert f"to be attested: ERASURE {store.erasures()[0].digest.hex()}" in told
        assert "customer" not in told
        assert store.by_subject("customer 17") == []
        assert len(store.by_subject("customer 18")) == 1
    assert main(["erase", "customer 18", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer.pop("digest")) == 64
    assert answer == {"ok": True, "erased": 1, "attested": False}


def test_erase_reads_the_id_where_no_list_of_processes_shows_it(
    initialised: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as store:
        store.put("张三", Kind.NAME, "张三")
    monkeypatch.setattr("sys.stdin", io.StringIO("张三\n"))
    assert main(["erase", "-"]) == 0
    assert capsys.readouterr().out.startswith("erased 1 text or document ")


def test_an_unknown_subject_is_1(initialised: Path, capsys: Captured) -> None:
    code, line = failing(capsys, "erase", "customer 17")
    assert (code, "E_SUBJECT_UNKNOWN" in line, "customer 17" in line) == (1, True, False)
    assert main(["erase", "customer 17", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "E_SUBJECT_UNKNOWN"


@pytest.mark.parametrize("subject", ["", "x" * 257])
def test_what_is_no_id_is_wrong_usage(initialised: Path, capsys: Captured, subject: str) -> None:
    code, line = failing(capsys, "erase", subject)
    assert (code, "E_USAGE" in line) == (2, True)


def test_erase_without_store_key_or_with_another_key_is_one_line(place: Path, capsys: Captured) -> None:
    code, line = failing(capsys, "erase", "a")
    assert (code, "E_KEY_FILE" in line) == (2, True)
    keys.new_key(Path("keys/private.key"))
    code, line = failing(capsys, "erase", "a")
    assert (code, "E_PRIVATE_MISSING" in line, "farechain init" in line) == (2, True, True)
    assert main(["init"]) == 0
    Path("keys/private.key").unlink()
    keys.new_key(Path("keys/private.key"))
    code, line = failing(capsys, "erase", "a")
    assert (code, "E_PRIVATE_KEY" in line) == (2, True)


# tokens -----------------------------------------------------------------------------------------


def test_a_token_is_issued_listed_and_revoked(place: Path, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["tokens", "ls"]) == 0
    assert capsys.readouterr().out == "no tokens\n"
    words = ["tokens", "issue", "--party", PARTY, "--role", "REIMBURSER"]
    assert main([*words, "--days", "30", "--json"]) == 0
    issued = json.loads(capsys.readouterr().out)
    assert (issued["party"], issued["role"], issued["state"]) == (PARTY, "REIMBURSER", "ACTIVE")
    assert issued["expires"].endswith("Z")
    assert Tokens(TOKENS).check(f"Bearer {issued['token']}") is not None

    assert main(words) == 0
    token, line = capsys.readouterr().out.splitlines()
    assert Tokens(TOKENS).check(f"Bearer {token}") is not None
    assert "not shown again" in line

    assert main(["tokens", "revoke", issued["id"]]) == 0
    assert capsys.readouterr().out == f"revoked {issued['id']} of {PARTY}\n"
    assert Tokens(TOKENS).check(f"Bearer {issued['token']}") is None
    assert main(["tokens", "ls"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert ("REVOKED" in first, "ACTIVE" in second) == (True, True)
    assert main(["tokens", "ls", "--json"]) == 0
    told = capsys.readouterr().out
    assert [row["state"] for row in json.loads(told)["tokens"]] == ["REVOKED", "ACTIVE"]
    assert token.split("_")[2] not in told


@pytest.mark.parametrize(
    "words",
    [
        ["issue", "--party", PARTY, "--role", "KING"],
        ["issue", "--party", PARTY, "--role", "ANONYMOUS"],
        ["issue", "--party", "44078819091887401X", "--role", "ISSUER"],
        ["issue", "--party", PARTY, "--role", "ISSUER", "--days", "0"],
        ["issue", "--party", PARTY, "--role", "ISSUER", "--days", "367"],
        ["issue", "--role", "ISSUER"],
        ["revoke"],
        [],
    ],
)
def test_wrong_usage_of_tokens_is_2_and_issues_nothing(
    place: Path, capsys: Captured, words: list[str]
) -> None:
    code, line = failing(capsys, "tokens", *words)
    assert (code, "E_USAGE" in line) == (2, True)
    assert not TOKENS.exists()


def test_an_unknown_token_is_1(place: Path, capsys: Captured) -> None:
    code, line = failing(capsys, "tokens", "revoke", "0" * 16)
    assert (code, "E_TOKEN_UNKNOWN" in line) == (1, True)
