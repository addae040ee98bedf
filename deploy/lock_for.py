"""Prints the part of requirements.lock that an installation needs, with the extras that are named.

    python deploy/lock_for.py [EXTRA ...] > needed.lock
    pip install --require-hashes -r needed.lock && pip install --no-deps farechain-*.whl

The lock has what builds and tests need as well. What needs what is asked of the packages that are installed
from it, so run this with the Python of that environment.
"""

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def needed(extras: list[str]) -> set[str]:
    """Names of everything that farechain with these extras needs, directly or not.

    Raises:
        SystemExit: there is no such extra.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    unknown = set(extras) - project["optional-dependencies"].keys()
    if unknown:
        raise SystemExit(f"lock_for: there is no extra {sorted(unknown)[0]}")
    waiting = list(project["dependencies"])
    for extra in extras:
        waiting += project["optional-dependencies"][extra]
    found: set[tuple[str, str]] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in found:
                continue
            found.add((name, extra))
            waiting += [
                line
                for line in metadata.requires(name) or []
                if (marker := Requirement(line).marker) is None or marker.evaluate({"extra": extra})
            ]
    return {name for name, _extra in found}


def lock_for(extras: list[str]) -> str:
    """The entries of the lock for these extras, each with its hashes."""
    names = needed(extras)
    entries = re.split(r"^(?=[a-zA-Z0-9])", (ROOT / "requirements.lock").read_text("utf-8"), flags=re.M)
    return "".join(entry for entry in entries if canonicalize_name(entry.split("==")[0]) in names)


if __name__ == "__main__":
    print(lock_for(sys.argv[1:]), end="")
