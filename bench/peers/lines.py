"""The lines of the table: who runs, what is left out, and what a line is compared with."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.peers.running import RunError

EQUAL, LEDGER = "verify + ledger", "ledger only"
FROM_KAFKA, FROM_MEMORY = "from Kafka", "from memory"
"""A line is compared with farechain's own on the same input, warm keys."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where everything is: built programs (or why there is none), the broker, events, PostgreSQL."""

    place: Path
    day: Path
    events: Path
    programs: dict[str, Path | RunError]
    server: tuple[int, Path] | RunError
    """PostgreSQL's process id and directory."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line. ``command`` makes the words to run on an empty directory, or raises ``RunError``."""

    name: str
    source: str
    work: str
    leaves_out: tuple[str, ...]
    command: Callable[[Setting, Path], list[str]]
    group: str
    on_server: bool = False
    """Whether its data goes to PostgreSQL's directory."""


def _own(source: str, *options: str) -> Callable[[Setting, Path], list[str]]:
    def command(setting: Setting, path: Path) -> list[str]:
        where = ["--place", str(setting.place), "--day", str(setting.day), "--path", str(path)]
        return [sys.executable, "-m", "bench.peers.own", source, *where, *options]

    return command


def _python(library: str, workers: int, *, postgresql: bool = False) -> Callable[[Setting, Path], list[str]]:
    def command(setting: Setting, path: Path) -> list[str]:
        where = ["--place", str(setting.place), "--day", str(setting.day), "--path", str(path)]
        how = ["--library", library, "--workers", str(workers)]
        if postgresql:
            if isinstance(setting.server, RunError):
                raise setting.server
            pid, socket = setting.server
            how += ["--postgresql", str(socket), "--server", str(pid)]
        return [sys.executable, "-m", "bench.peers.pipeline", *where, *how]

    return command


def _go(program: str, *options: str) -> Callable[[Setting, Path], list[str]]:
    def command(setting: Setting, path: Path) -> list[str]:
        built = setting.programs[program]
        if isinstance(built, RunError):
            raise built
        return [str(built), "-events", str(setting.events), "-path", str(path), *options]

    return command


TEAM = ("completeness", "signed checkpoint")
TLOG = ("numbering", "completeness", "decoding")
STORE = (*TLOG, "signed checkpoint")
BARE = ("signatures", "duplicates")
OWN = "farechain"
PYTHON = "Python pipeline"
GO_PROGRAMS = ("tessera", "immudb", "cometbft")

USUAL_PYTHON = Line("SQLite, 2 workers, OpenSSL", FROM_KAFKA, EQUAL, TEAM, _python("cryptography", 2), PYTHON)
LINES = [
    Line("warm keys", FROM_KAFKA, EQUAL, (), _own("kafka"), OWN),
    Line("cold keys", FROM_KAFKA, EQUAL, (), _own("kafka", "--cold"), OWN),
    USUAL_PYTHON,
    Line("SQLite, 2 workers, libsodium", FROM_KAFKA, EQUAL, TEAM, _python("pynacl", 2), PYTHON),
    Line("SQLite, one process, libsodium", FROM_KAFKA, EQUAL, TEAM, _python("pynacl", 0), PYTHON),
    Line(
        "PostgreSQL, 2 workers, libsodium",
        FROM_KAFKA,
        EQUAL,
        TEAM,
        _python("pynacl", 2, postgresql=True),
        PYTHON,
        on_server=True,
    ),
    Line("warm keys", FROM_MEMORY, EQUAL, (), _own("memory"), OWN),
    Line("cold keys", FROM_MEMORY, EQUAL, (), _own("memory", "--cold"), OWN),
    Line(
        "duplicates by its appender",
        FROM_MEMORY,
        EQUAL,
        TLOG,
        _go("tessera", "-verify", "-duplicates=memory"),
        "Tessera",
    ),
    Line(
        "duplicates by its antispam",
        FROM_MEMORY,
        EQUAL,
        ("duplicates in other bytes", *TLOG),
        _go("tessera", "-verify", "-duplicates=antispam"),
        "Tessera",
    ),
    Line("batches of 4,096", FROM_MEMORY, LEDGER, (*BARE, *TLOG), _go("tessera"), "Tessera"),
    Line(
        "duplicates by its appender",
        FROM_MEMORY,
        EQUAL,
        STORE,
        _go("immudb", "-verify", "-duplicates=memory"),
        "immudb",
    ),
    Line(
        "duplicates by its index",
        FROM_MEMORY,
        EQUAL,
        STORE,
        _go("immudb", "-verify", "-duplicates=index"),
        "immudb",
    ),
    Line("1,000 a transaction", FROM_MEMORY, LEDGER, (*BARE, *STORE), _go("immudb"), "immudb"),
    Line(
        "duplicates by the application",
        FROM_MEMORY,
        EQUAL,
        STORE,
        _go("cometbft", "-verify", "-duplicates=memory"),
        "CometBFT",
    ),
    Line("2,000 a block", FROM_MEMORY, LEDGER, (*BARE, *STORE), _go("cometbft"), "CometBFT"),
]
