"""What a development broker says where it cannot start: one line each, and what to do."""

import os
import socket
from pathlib import Path

import pytest

from farechain import broker
from farechain.broker import jars
from farechain.errors import EXIT_UNAVAILABLE, FarechainError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory where programs are looked for; the cache is empty."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return directory


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def refused(state: Path, **how: int | bool | None) -> FarechainError:
    with pytest.raises(FarechainError) as error:
        broker.start(state, **how)  # type: ignore[arg-type]
    assert error.value.exit_code == EXIT_UNAVAILABLE
    assert "\n" not in error.value.message
    return error.value


def test_no_java(programs: Path, tmp_path: Path) -> None:
    error = refused(tmp_path, fallback=False)
    assert error.code == "E_JAVA"
    assert "install a Java runtime 17" in error.message


def test_without_java_the_fallback_is_taken_and_says_why(programs: Path, tmp_path: Path) -> None:
    with broker.start(tmp_path) as taken:
        assert taken.kind == "fallback"
        assert "no Java" in taken.notice
        assert "in memory only" in taken.notice


def test_an_old_java(programs: Path, tmp_path: Path) -> None:
    program(programs, "java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")
    error = refused(tmp_path, fallback=False)
    assert error.code == "E_JAVA"
    assert "11.0.2" in error.message


def test_no_maven(programs: Path, tmp_path: Path) -> None:
    program(programs, "java", """echo 'openjdk version "21.0.1" 2023-10-17' >&2""")
    assert refused(tmp_path, fallback=False).code == "E_MAVEN"


def test_a_maven_that_fails_is_quoted_and_leaves_nothing_in_the_cache(programs: Path, tmp_path: Path) -> None:
    program(programs, "java", """echo 'openjdk version "21.0.1" 2023-10-17' >&2""")
    program(programs, "mvn", "echo '[ERROR] no route to the repository'\necho '[ERROR] more'\nexit 1")
    error = refused(tmp_path, fallback=False)
    assert error.code == "E_MAVEN"
    assert "no route to the repository" in error.message
    assert list(jars.cache_root().iterdir()) == []


def test_a_maven_that_brings_nothing_is_refused(programs: Path, tmp_path: Path) -> None:
    program(programs, "java", """echo 'openjdk version "21.0.1" 2023-10-17' >&2""")
    program(programs, "mvn", "exit 0")
    assert refused(tmp_path, fallback=False).code == "E_MAVEN"


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = refused(tmp_path, port=port, fallback=True)
    assert error.code == "E_BROKER_PORT"
    assert str(port) in error.message


def test_a_stale_state_file_is_no_running_broker(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text(
        f'{{"kind":"kafka","version":"4","port":1,"pid":{os.getpid()},"notice":"","started":"1","supervisor":1}}'
    )
    assert broker.attach(tmp_path) is None


def test_the_cache_is_named_after_the_pom(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = jars.jar_directory()
    monkeypatch.setattr(jars, "pom", lambda: b"another")
    assert jars.jar_directory() != before


def test_cached_jars_need_neither_maven_nor_network(programs: Path) -> None:
    jars.jar_directory().mkdir(parents=True)
    assert jars.fetch_jars() == jars.jar_directory()
