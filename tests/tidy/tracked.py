"""The files of the repository, as git knows them."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Paths of tracked files, relative to the root, those that are there."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    paths = [Path(name) for name in done.stdout.decode().split("\0") if name]
    return tuple(path for path in paths if (ROOT / path).is_file())


def text(path: Path) -> str | None:
    """A file's text; None for what is not text."""
    try:
        return (ROOT / path).read_text("utf-8")
    except UnicodeDecodeError:
        return None
