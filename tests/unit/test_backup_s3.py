"""Backups in a store that speaks S3: a real server on this machine."""

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from bindings_little_chain import COMMANDS, commands, create
from moto.server import ThreadedMotoServer

from farechain import _core
from farechain.backup import manifest
from farechain.backup.making import back_up
from farechain.backup.restoring import restore, verify
from farechain.backup.target import S3Target, open_target
from farechain.cli import main
from farechain.errors import FarechainError


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    assert httpx.put(f"{address}/copies", trust_env=False).status_code == 200
    yield address
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in (
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("NO_PROXY", "127.0.0.1"),
    ):
        monkeypatch.setenv(name, value)
    return endpoint


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    opened = create(tmp_path / "ledger")
    intake = opened.intake()
    intake.push_records(COMMANDS, commands()[:-1], None)
    opened.commit(opened.prepare(intake.seal(100)), 1_772_323_300_000)
    opened.close()
    return tmp_path / "ledger"


def test_a_bucket_holds_backups_as_a_directory_does(tmp_path: Path, s3: str, ledger: Path) -> None:
    target = open_target("s3://copies/one/chain")
    first = back_up(ledger, target, "shenzhen/0", {})
    assert first.new_objects == len(first.manifest.objects())
    assert back_up(ledger, target, "shenzhen/0", {}).new_objects == 0
    opened = _core.Ledger.open(str(ledger))
    intake = opened.intake()
    intake.push_records(COMMANDS, commands()[-1:], None)
    opened.commit(opened.prepare(intake.seal(1)), 1_772_323_400_000)
    opened.close()
    third = back_up(ledger, target, "shenzhen/0", {}, keep=1)
    assert third.new_objects >= 1
    assert [manifest.read(target, name).number for name in manifest.names(target)] == [3]
    assert set(target.sizes("objects")) == third.manifest.objects()
    assert verify(target, third.manifest) == []
    assert restore(target, manifest.find(target, None), tmp_path / "r", None).blocks == third.manifest.blocks
    assert _core.audit(str(tmp_path / "r"))["ok"]
    # Another prefix of the same bucket has none of it.
    assert manifest.names(open_target("s3://copies/one")) == []


def test_a_changed_or_missing_object_is_found(s3: str, ledger: Path) -> None:
    target = open_target("s3://copies/changed")
    copied = back_up(ledger, target, "shenzhen/0", {}).manifest
    name = sorted(copied.objects())[0]
    content = target.get(name)
    target.put(name, bytes([content[0] ^ 1]) + content[1:])
    assert verify(target, copied) == [name]
    target.remove([name])
    assert verify(target, copied) == [name]


@pytest.mark.parametrize("text", ["s3://", "s3://UPPER/x", "ftp://host/x", "s3:///x"])
def test_what_is_no_target_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "ls", text]) == 2
    assert "E_BACKUP_TARGET" in capsys.readouterr().err


def test_an_endpoint_without_tls_must_be_on_this_machine_or_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for endpoint in (
        "http://10.0.0.7:9000",
        "http://s3.example",
        "http://localhost.example",
        "ftp://127.0.0.1",
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(FarechainError) as caught:
            open_target("s3://copies/x")
        assert caught.value.code == "E_BACKUP_TARGET"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.0.0.7:9000")
    assert isinstance(open_target("s3://copies/x", plain_http=True), S3Target)


def test_a_bucket_that_is_not_there_is_one_line(s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "ls", "s3://nobodys/x"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("farechain: E_BACKUP_TARGET: manifests:")
