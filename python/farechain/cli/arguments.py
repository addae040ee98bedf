"""Arguments that several verbs share: the configuration, and how a result is printed."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from farechain.config import Settings
from farechain.config_file import load

DEFAULT_CONFIG = Path("farechain.toml")


def config_argument(parser: argparse.ArgumentParser) -> None:
    """Adds ``--config FILE``; by default ``$FARECHAIN_CONFIG``, else ``farechain.toml``."""
    default = Path(os.environ.get("FARECHAIN_CONFIG", DEFAULT_CONFIG))
    parser.add_argument(
        "--config",
        type=Path,
        default=default,
        metavar="FILE",
        help="configuration (default: $FARECHAIN_CONFIG, else farechain.toml)",
    )


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings that the arguments name. Raises ``FarechainError`` (``E_CONFIG``)."""
    return load(args.config)


def verifier_key(text: str) -> str:
    """A verifier key as it is, or from the file that is named. Raises ``OSError``."""
    path = Path(text)
    return path.read_text("utf-8").strip() if path.is_file() else text


def show(args: argparse.Namespace, result: Mapping[str, Any], text: str | None = None) -> None:
    """Prints a result: one JSON object with ``--json``, else ``text`` or a line for each value."""
    if args.json:
        print(json.dumps({"ok": True, **result}, ensure_ascii=False, default=_hex))
        return
    print(
        text if text is not None else "\n".join(f"{name}: {_plain(value)}" for name, value in result.items())
    )


def _hex(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value) or "-"
    return "-" if value is None else str(value)
