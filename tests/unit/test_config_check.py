"""``config check`` finds what an operator gets wrong, all of it at once, and says what to change."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from service_chain import witnesses
from service_small import SmallChain

from farechain import _core
from farechain.cli import main
from farechain.config import KafkaSettings, OutputSettings, Settings, SourceSettings, TopicSettings
from farechain.service.checking import check_files, exit_code_of, file_system_of
from farechain.service.checking_online import check_online

MOUNTS = """\
21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 21 0:40 / /mnt/share rw - nfs4 server:/x rw
31 21 0:41 / /mnt/my\\040disk rw - xfs /dev/sdb rw
32 21 0:42 / /mnt/share rw - ext4 /dev/sdc rw
"""


def changed(settings: Settings, **sections: dict[str, Any]) -> Settings:
    """The settings with some of their sections' values changed."""
    updates = {name: getattr(settings, name).model_copy(update=values) for name, values in sections.items()}
    return settings.model_copy(update=updates)


def messages(settings: Settings) -> list[str]:
    return [each.message for each in check_files(settings) if each.level == "error"]


def test_a_sound_configuration_has_no_findings(tmp_path: Path) -> None:
    chain = SmallChain(tmp_path)
    assert messages(chain.settings) == []
    chain.init()
    assert messages(chain.settings) == []


def test_all_findings_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = SmallChain(tmp_path)
    chain.init()
    (tmp_path / "log.key").chmod(0o644)
    chain.write(
        changed(chain.settings, ledger={"chain": "other/1"}, source={"directory": tmp_path / "nosuch"})
    )
    capsys.readouterr()
    assert main(["config", "check", "--config", str(chain.config)]) == 2
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if not line.startswith("farechain: E_CONFIG: warning")]
    assert len(told) == 3
    assert any("E_KEY_FILE" in line and "chmod 600" in line for line in told)
    assert any("source.directory" in line for line in told)
    assert any("ledger.chain is 'other/1', genesis has 'shenzhen/0'" in line for line in told)
    assert main(["config", "check", "--config", str(chain.config), "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert {each["level"] for each in answer["findings"]} <= {"error", "warning"}


@pytest.mark.parametrize(
    ("section", "change", "told"),
    [
        ("ledger", {"network": "beijing"}, "ledger.network"),
        ("ledger", {"utc_offset_min": 0}, "ledger.utc_offset_min"),
        ("ledger", {"drain_max": 7}, "ledger.drain_max"),
        ("ledger", {"regions": ("1101",)}, "ledger.regions"),
        ("source", {"topics": (TopicSettings(name="farechain.commands", partitions=1),)}, "payments.metro/0"),
        ("source", {"topics": (TopicSettings(name="payments.metro", partitions=2),)}, "payments.metro/1"),
    ],
)
def test_what_differs_from_genesis_is_told(
    tmp_path: Path, section: str, change: dict[str, Any], told: str
) -> None:
    chain = SmallChain(tmp_path)
    chain.init()
    assert any(told in message for message in messages(changed(chain.settings, **{section: change})))


def test_another_bureau_than_in_genesis(tmp_path: Path) -> None:
    chain = SmallChain(tmp_path)
    chain.init()
    (tmp_path / "bureau.pub").write_text(_core.public_key(bytes(32)).hex() + "\n")
    (message,) = messages(chain.settings)
    assert "bureau" in message


def test_secrets_that_others_may_read(tmp_path: Path) -> None:
    chain = SmallChain(tmp_path)
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o640)
    kafka = KafkaSettings(protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password_file=password)
    (message,) = messages(chain.settings.model_copy(update={"kafka": kafka}))
    assert message.startswith("kafka.sasl_password_file")
    assert "0640" in message
    password.chmod(0o600)
    assert messages(chain.settings.model_copy(update={"kafka": kafka})) == []


def test_a_damaged_ledger_is_a_finding(tmp_path: Path) -> None:
    chain = SmallChain(tmp_path)
    chain.init()
    segment = min((tmp_path / "ledger" / "blocks").iterdir())
    segment.write_bytes(segment.read_bytes().replace(b"shenzhen", b"\xff\xff\xff\xff\xff\xff\xff\xff"))
    (found,) = [each for each in check_files(chain.settings) if each.level == "error"]
    assert found.code in {"E_CORRUPT", "E_LEDGER_MISSING"}


async def test_a_port_that_is_taken_unless_by_the_service(tmp_path: Path) -> None:
    chain = SmallChain(tmp_path)
    chain.init()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = changed(chain.settings, api={"port": busy.getsockname()[1]})
        found = await asyncio.to_thread(check_files, taken)
        assert [each.code for each in found if each.level == "error"] == ["E_PORT"]
    async with chain.serving() as url:
        running = changed(chain.settings, api={"port": int(url.rsplit(":", 1)[1])})
        assert [each for each in await asyncio.to_thread(check_files, running) if each.level == "error"] == []


def test_the_file_system_of_a_place() -> None:
    assert file_system_of(Path("/mnt/share/ledger"), MOUNTS.rsplit("\n", 2)[0]) == "nfs4"
    assert file_system_of(Path("/mnt/share/ledger"), MOUNTS) == "ext4", "the last mount on a point is seen"
    assert file_system_of(Path("/mnt/my disk"), MOUNTS) == "xfs"
    assert file_system_of(Path("/mnt/shared"), MOUNTS) == "ext4"
    assert file_system_of(Path("/"), "nonsense\n") is None
    assert file_system_of(Path("/")) is not None


async def test_witnesses_are_asked_for_what_they_signed(tmp_path: Path) -> None:
    place = tmp_path / "chain"
    place.mkdir()
    chain = SmallChain(place)
    vkey = chain.init()
    async with witnesses(tmp_path, vkey, 2) as members:
        chain.settings = changed(chain.settings, witnesses={"members": tuple(members), "threshold": 2})
        await chain.to_the_end()
        assert await check_online(chain.settings) == []
        ahead = await check_online(chain.settings, lambda: time.time() + 30)
        assert [(each.level, each.code) for each in ahead] == [("warning", "E_CLOCK")] * 2
        assert exit_code_of(ahead) == 0
        away = await check_online(chain.settings, lambda: time.time() - 3600)
        assert [each.level for each in away] == ["error"] * 2
        swapped = (members[0], members[1].model_copy(update={"vkey": members[1].vkey[:-4] + "AAAA"}))
        other = _core.vkey_cosignature("w1", _core.public_key(bytes([9]) * 32))
        swapped = (members[0], members[1].model_copy(update={"vkey": other}))
        (found,) = await check_online(changed(chain.settings, witnesses={"members": swapped}))
        assert found.code == "E_WITNESS"
        assert "w1" in found.message
    (first, second) = await check_online(chain.settings)
    assert "nobody answers" in first.message
    assert second.code == "E_WITNESS"


async def test_a_broker_that_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = SmallChain(tmp_path)
    settings = chain.settings.model_copy(
        update={
            "kafka": KafkaSettings(bootstrap="127.0.0.1:1"),
            "source": SourceSettings(),
            "outputs": OutputSettings(enabled=True),
        }
    )
    (found,) = await check_online(settings)
    assert (found.code, "127.0.0.1:1" in found.message) == ("E_BROKER", True)
    chain.write(settings)
    assert await asyncio.to_thread(main, ["config", "check", "--online", "--config", str(chain.config)]) == 2
    assert "E_BROKER" in capsys.readouterr().err
