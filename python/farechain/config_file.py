"""Settings from a TOML file and the environment, and back to TOML.

``FARECHAIN_<SECTION>_<KEY>`` overrides the file, as in ``FARECHAIN_API_PORT=8801``; a value that is no string
is written as in TOML. Paths are relative to the file's directory.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from farechain.config import Settings
from farechain.config.section import Section
from farechain.errors import EXIT_USAGE, FarechainError

PREFIX = "FARECHAIN_"
FILE_BYTES_MAX = 1024 * 1024
"""A configuration is a page or two; a larger file is some other file."""


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file (defaults alone when ``path`` is None) with the environment's on top.

    Raises:
        FarechainError: ``E_CONFIG`` names the file, the key and what to change.
    """
    tables = _read(path) if path is not None else {}
    place = str(path) if path is not None else "settings"
    for name, section, key, value in _overrides(environ):
        table = tables if section is None else tables.setdefault(section, {})
        if not isinstance(table, dict):
            raise FarechainError("E_CONFIG", f"{place}: {section} must be a table", EXIT_USAGE)
        table[key] = value
        place = f"{place}, {name}"
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        raise FarechainError("E_CONFIG", f"{place}: {_first(error)}", EXIT_USAGE) from error
    base = path.parent if path is not None else Path()
    resolved: Settings = _absolute(settings, base.absolute())
    return resolved


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise FarechainError(
                "E_CONFIG", f"{path} is over {FILE_BYTES_MAX} bytes: not a configuration", EXIT_USAGE
            )
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; name the configuration with --config"
        raise FarechainError("E_CONFIG", message, EXIT_USAGE) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FarechainError("E_CONFIG", f"{path} is not TOML: {error}", EXIT_USAGE) from error


def _overrides(environ: Mapping[str, str]) -> Iterator[tuple[str, str | None, str, Any]]:
    """(variable, section, key, value) of each variable that is a setting.

    An unknown key of a known section is an error; other ``FARECHAIN_`` variables are not settings.
    """
    sections = {name: kind for name, kind in _kinds(Settings).items() if issubclass(kind, Section)}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        wanted = name.removeprefix(PREFIX).lower()
        if wanted in Settings.model_fields and wanted not in sections:
            yield name, None, wanted, _value(environ[name], Settings.model_fields[wanted])
            continue
        section = next((each for each in sections if wanted.startswith(each + "_")), None)
        if section is None:
            continue
        key = wanted.removeprefix(section + "_")
        field = sections[section].model_fields.get(key)
        if field is None:
            known = ", ".join(sections[section].model_fields)
            raise FarechainError("E_CONFIG", f"{name}: {section} has no {key}; it has {known}", EXIT_USAGE)
        yield name, section, key, _value(environ[name], field)


def _kinds(model: type[BaseModel]) -> dict[str, type]:
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type)
    }


def _value(text: str, field: FieldInfo) -> Any:
    accepts_text = field.annotation in (str, Path) or any(
        isinstance(each, str) or each in (str, Path) for each in get_args(field.annotation)
    )
    if accepts_text and not text.startswith("["):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _first(error: ValidationError) -> str:
    """The first mistake: key, what stands there, what it must be."""
    detail = error.errors()[0]
    key = ".".join(str(part) for part in detail["loc"]) or "settings"
    message = detail["msg"].removeprefix("Value error, ")
    message = re.sub(r"^Input should be", "must be", message)
    if detail["type"] == "extra_forbidden":
        return f"{key}: there is no such setting; see `farechain config example`"
    if detail["type"] == "missing":
        return f"{key}: is missing"
    given = detail["input"]
    shown = f" is {given!r}:" if isinstance(given, str | int | float | bool) else ":"
    return f"{key}{shown} {message}"


def _absolute(section: Any, base: Path) -> Any:
    changed: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            changed[name] = _absolute(value, base)
        elif isinstance(value, Path):
            changed[name] = base / value
    return section.model_copy(update=changed)


def to_toml(settings: Settings, *, explained: bool = False) -> str:
    """The settings as a TOML file; with ``explained``, each under its unit and reason.

    Reading it back gives equal settings.
    """
    top, tables = _scalars(settings, explained), []
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        if isinstance(section, Section):
            tables.append(_table(name, section, explained))
    return "\n".join([*top, *tables])


def _table(name: str, section: Section, explained: bool) -> str:
    lines = [f"\n[{name}]"]
    if explained and type(section).__doc__:
        lines.insert(0, f"\n# {type(section).__doc__}".rstrip())
        lines[1] = lines[1].lstrip("\n")
    lines += _scalars(section, explained)
    for key in type(section).model_fields:
        inner = getattr(section, key)
        if isinstance(inner, Section):
            lines.append(_table(f"{name}.{key}", inner, explained))
    for key, field in type(section).model_fields.items():
        rows = getattr(section, key)
        if not (isinstance(rows, tuple) and rows and isinstance(rows[0], Section)):
            continue
        if explained and field.description:
            lines.append(f"# {field.description}")
        for row in rows:
            lines += [f"[[{name}.{key}]]", *_scalars(row, False)]
    return "\n".join(lines)


def _scalars(section: Section, explained: bool) -> list[str]:
    lines: list[str] = []
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, Section) or (
            isinstance(value, tuple) and value and isinstance(value[0], Section)
        ):
            continue
        if explained and field.description:
            lines.append(f"# {field.description}")
        if value is None:
            if explained:
                lines.append(f"# {key} =")
            continue
        lines.append(f"{key} = {_literal(value)}")
    return lines


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    if isinstance(value, Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
