"""The image and the Compose file: pinned, without rights, and in agreement with the program."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from farechain.config import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LOCK_FOR = DEPLOY / "lock_for.py"
SERVICE_KEYS = {
    "build", "cap_drop", "command", "depends_on", "entrypoint", "environment", "healthcheck", "image",
    "network_mode", "ports", "read_only", "restart", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip
"""What Compose's specification has and this file uses; a misspelt key would be ignored or refused there."""


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of the Containerfile, lines joined, build arguments put in."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.M)
    text = text.replace("\\\n", " ")
    found = [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]
    given = dict(rest.split("=", 1) for name, rest in found if name == "ARG")
    return [(name, re.sub(r"\$\{(\w+)\}", lambda m: given[m[1]].strip('"'), rest)) for name, rest in found]


def stages() -> list[list[tuple[str, str]]]:
    listed: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            listed.append([])
        if listed:
            listed[-1].append((name, rest))
    return listed


def test_the_image_is_made_in_stages_of_pinned_bases() -> None:
    bases = [stage[0][1] for stage in stages()]
    assert len(bases) == 3
    for base in bases:
        assert re.match(r"[a-z]+:\d+\.\d+[^\s/]*( AS [a-z]+)?$", base), f"{base}: no version, or a registry"
    toolchain = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    assert bases[0].startswith(f"rust:{toolchain}")


def test_nothing_comes_into_the_image_unseen() -> None:
    for name, rest in instructions():
        assert name != "ADD"
        assert "://" not in rest.replace("http://127.0.0.1:8800/livez", "")
        if name == "RUN":
            assert not re.search(r"\b(curl|wget|git)\b", rest)
            for command in rest.split("&&"):
                if re.search(r"\bpip\b.* install ", command):
                    assert "--require-hashes" in command or "--no-deps" in command, command
    text = (DEPLOY / "Containerfile").read_text()
    assert "--locked" in text
    # What is left out of the build's context: everything that is not copied.
    copied = {
        path.rstrip("/")
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for path in rest.split()[:-1]
    }
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    for path in copied:
        assert (ROOT / path).exists(), path


def test_the_image_runs_as_nobody_special_and_says_what_it_is() -> None:
    last = stages()[-1]
    names = [name for name, _rest in last]
    assert ("USER", "10001:10001") in last
    assert "HEALTHCHECK" in names
    assert ("STOPSIGNAL", "SIGTERM") in last
    labels = dict(re.findall(r'([a-z.]+)="([^"]*)"', dict(last)["LABEL"]))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert labels["org.opencontainers.image.version"] == project["version"]
    assert labels["org.opencontainers.image.licenses"] == project["license"]
    assert "org.opencontainers.image.revision" in labels
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert not [rest for name, rest in last if name == "RUN" and "install" in rest], "no installer's traces"


def lock_for(*extras: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(LOCK_FOR), *extras]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_an_installation_takes_of_the_lock_what_it_needs() -> None:
    whole = (ROOT / "requirements.lock").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = (re.findall(r'^EXTRAS="(.*)"$', rest) for name, rest in instructions() if "EXTRAS=" in rest)
    for named in ("", extras[0]):
        pins = list(project["dependencies"])
        for extra in named.split():
            pins += project["optional-dependencies"][extra]
        done = lock_for(*named.split())
        assert done.returncode == 0, done.stderr
        entries = re.findall(r"^([a-z0-9.-]+)==(\S+) \\\n(    --hash=sha256:[0-9a-f]{64})", done.stdout, re.M)
        assert len(entries) == len(re.findall(r"^\S+==", done.stdout, re.M))
        found = {f"{name}=={version}" for name, version, _hash in entries}
        assert {re.sub(r"\[.*\]", "", pin) for pin in pins} <= found
        assert "starlette" in {name for name, _version, _hash in entries}, "what is needed by what is needed"
        assert not {name for name, _version, _hash in entries} & {"pytest", "maturin", "moto", "ruff"}
        for line in done.stdout.splitlines():
            assert line in whole
    unknown = lock_for("gold")
    assert unknown.returncode == 1
    assert "no extra gold" in unknown.stderr


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def test_compose_starts_what_the_design_names_with_room_to_drain(compose: dict[str, Any]) -> None:
    services = compose["services"]
    witnesses = [name for name in services if name.startswith("witness-")]
    assert len(witnesses) == 3
    wanted = {"kafka", "setup", "service", "prometheus", "alertmanager", "grafana"}
    assert wanted == services.keys() - set(witnesses)
    grace_s = float(services["service"]["stop_grace_period"].rstrip("s"))
    assert grace_s >= Settings().limits.drain_deadline_s + 5
    for name, service in services.items():
        assert service.keys() <= SERVICE_KEYS, f"{name}: {service.keys() - SERVICE_KEYS}"
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), f"{name} is not pinned"
        assert service["image"].count("/") <= 1, f"{name}: a registry's host"
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} answers beyond this machine"


def test_no_service_of_compose_has_more_rights_than_it_needs(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        if not service["image"].startswith("apache/kafka"):
            assert service["read_only"] is True, name


def test_what_waits_for_another_service_waits_for_something(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, terms in service.get("depends_on", {}).items():
            assert other in services, name
            if terms["condition"] == "service_healthy":
                tested = services[other].get("healthcheck", {}).get("test")
                from_image = services[other]["image"] == services["service"]["image"]
                assert tested or (from_image and not services[other].get("healthcheck")), f"{name}: {other}"
            else:
                assert terms["condition"] == "service_completed_successfully"
                assert services[other].get("restart", "no") == "no", f"{name}: {other} never completes"
        shared = service.get("network_mode", "").removeprefix("service:")
        assert not shared or (shared in services and "ports" not in service)


def test_what_compose_mounts_is_there(compose: dict[str, Any]) -> None:
    named = set(compose["volumes"])
    used = set()
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source, _target, *terms = volume.split(":")
            if source.startswith("."):
                assert (DEPLOY / source).exists(), f"{name}: {source}"
                assert terms == ["ro"], f"{name}: {source} may be written"
            else:
                used.add(source)
    assert used == named


def test_compose_publishes_where_things_listen(compose: dict[str, Any]) -> None:
    """Whoever shares the service's network is reached through its ports; checks ask the same ones."""
    services = compose["services"]
    ports = {int(port.rsplit(":", 1)[1]) for port in services["service"]["ports"]}
    asked = {Settings().api.port}
    for service in services.values():
        if service.get("network_mode") == "service:service":
            asked |= {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", str(service["healthcheck"]))}
    assert ports == asked
    scraped = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    assert f"127.0.0.1:{Settings().api.port}" in scraped
