"""Writes docs/reference.md from the code: ``PYTHONPATH=tests:python .venv/bin/python -m tidy.reference``.

Verbs from the command line's own parser, settings from their models, exit codes and error codes from what
the sources raise, metrics from the registry, alerts from the rules that promtool tests. What an error code
means and what to do is in docs/operations.md and there alone.
"""

import argparse
import ast
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml  # type: ignore[import-untyped]  # it ships no types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from farechain import cli, errors
from farechain.config import Settings
from farechain.config.section import Section
from farechain.ledger_errors import FAILURES
from farechain.observability.metrics import Metrics
from tidy.tracked import ROOT

PAGE = ROOT / "docs" / "reference.md"
COMMAND = "PYTHONPATH=tests:python .venv/bin/python -m tidy.reference"
RULES = ROOT / "deploy" / "prometheus"
EXPRESSION_MAX = 110
EXITS = {
    0: "done",
    errors.EXIT_CHECK_FAILED: "the check failed: what was looked at is not as it should be",
    errors.EXIT_USAGE: "wrong usage or configuration; needs a person",
    errors.EXIT_REFUSED: "refused by the ledger; needs a person",
    errors.EXIT_UNAVAILABLE: "unavailable; may be tried again",
    cli.EXIT_INTERRUPTED: "ended by Ctrl-C",
}


def parts_of(annotation: Any) -> Iterator[Any]:
    """An annotation and everything in it."""
    yield annotation
    for each in get_args(annotation):
        yield from parts_of(each)


def row(*cells: object) -> str:
    """A row of a table; a bar in a cell is no border."""
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def table(*head: str) -> Iterator[str]:
    yield ""
    yield row(*head)
    yield "|---" * len(head) + "|"


def verbs() -> Iterator[str]:
    """Every verb with what it does, and its actions below it."""
    parser = cli._parser([])
    (listed,) = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    yield from table("verb", "what it does", "its arguments")
    for name, verb in listed.choices.items():
        nested = [each for each in verb._actions if isinstance(each, argparse._SubParsersAction)]
        yield row(f"`{name}`", verb.description, arguments(verb))
        for actions in nested:
            told = {each.dest: each.help for each in actions._choices_actions}
            for action, inner in actions.choices.items():
                yield row(f"`{name} {action}`", told.get(action, ""), arguments(inner))


def arguments(parser: argparse.ArgumentParser) -> str:
    """Names of a verb's own arguments, as on the command line; ``--json`` and ``--help`` are everybody's."""
    names = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction) or action.dest == "json":
            continue
        shown = action.option_strings[-1] if action.option_strings else action.metavar or action.dest
        names.append(f"`{shown[0] if isinstance(shown, tuple) else shown}`")
    return " ".join(names)


def settings() -> Iterator[str]:
    """Every key of the configuration, by table."""
    yield from section("", Settings)


def section(name: str, model: type[BaseModel]) -> Iterator[str]:
    keys, inner = [], []
    for key, field in model.model_fields.items():
        path = f"{name}.{key}" if name else key
        kinds = [each for each in (field.annotation, *get_args(field.annotation)) if is_section(each)]
        if isinstance(field.default, Section) or (kinds and field.default is None):
            inner.append((path, kinds[0]))
        elif kinds:
            keys.append((path, field))
            inner.append((f"[{path}]", kinds[0]))
        else:
            keys.append((path, field))
    if keys:
        yield f"\n### {'At the top' if not name else f'[{name}]'}\n"
        yield str(model.__doc__).split("\n")[0] if name else "Before the first table."
        yield from table("key", "default", "takes", "what it is")
        for path, field in keys:
            shown = path.removeprefix("[").split(".")[-1]
            yield row(f"`{shown}`", default_of(field), takes(field), field.description or "")
    for path, kind in inner:
        yield from section(path, kind)


def is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def default_of(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "needed"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        if value and isinstance(value[0], Section):
            return "below, in the example"
        return f"`{json.dumps(list(map(str, value)))}`"
    if isinstance(value, bool | str):
        return f"`{json.dumps(value)}`"
    return f"`{value}`"


def takes(field: FieldInfo) -> str:
    """The kind of a value, and its bounds."""
    words = {bool: "true, false", int: "integer", float: "number", str: "text", Path: "path"}
    parts = list(parts_of(field.annotation))
    choices = [each for each in parts if isinstance(each, str)]
    named = ", ".join(choices) or next((words[each] for each in parts if each in words), "tables")
    if get_origin(field.annotation) is tuple:
        named = f"list of {named}"
    bounds = {type(each).__name__: each for each in field.metadata}
    low, high = bounds.get("Ge"), bounds.get("Le")
    if low is not None and high is not None:
        named += f", {low.ge:g} to {high.le:g}" if isinstance(low.ge, float) else f", {low.ge} to {high.le}"
    elif low is not None:
        named += f", at least {low.ge}"
    return named


def raised() -> dict[str, set[int]]:
    """Exit codes by error code: of every ``FarechainError`` in the sources, and of the ledger's refusals."""
    found: dict[str, set[int]] = {"E_LEDGER": {errors.EXIT_REFUSED}}
    for refusal, exit_code in FAILURES.values():
        found.setdefault(refusal, set()).add(exit_code)
    for node in calls("FarechainError"):
        code = node.args[0]
        if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
            continue
        given = [*node.args[2:3], *(each.value for each in node.keywords if each.arg == "exit_code")]
        names = {each.id for each in ast.walk(given[0]) if isinstance(each, ast.Name)} if given else set()
        exits = {getattr(errors, name) for name in names if hasattr(errors, name)}
        found.setdefault(code.value, set()).update(exits or ({errors.EXIT_REFUSED} if not given else set()))
    return found


@functools.cache
def called() -> tuple[ast.Call, ...]:
    """Every call of the sources."""
    paths = sorted((ROOT / "python" / "farechain").rglob("*.py"))
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text())))
    return tuple(node for node in nodes if isinstance(node, ast.Call))


def calls(name: str) -> Iterator[ast.Call]:
    return (node for node in called() if getattr(node.func, "id", "") == name)


def answered() -> dict[str, set[int]]:
    """HTTP statuses by the code of a problem that the interface answers."""
    found: dict[str, set[int]] = {}
    for node in calls("Problem"):
        values = [each.value if isinstance(each, ast.Constant) else None for each in node.args[:2]]
        if len(values) == 2 and isinstance(values[0], int) and isinstance(values[1], str):
            found.setdefault(values[1], set()).add(values[0])
    return found


def metrics() -> Iterator[str]:
    """Every family that a service exports."""
    registry = Metrics().registry
    yield from table("metric", "type", "labels", "what it is")
    rows = {}
    for collector in list(registry._collector_to_names):
        for family in collector.collect():
            name = family.name + ("_total" if family.type == "counter" else "")
            samples = {label for sample in family.samples for label in sample.labels} - {"le"}
            labels = list(getattr(collector, "_labelnames", ())) or sorted(samples)
            rows[name] = row(
                f"`{name}`", family.type, ", ".join(f"`{each}`" for each in labels), family.documentation
            )
    yield from (rows[name] for name in sorted(rows))


def rules() -> list[dict[str, Any]]:
    """Alerts and recording rules of every file that Prometheus loads."""
    found: list[dict[str, Any]] = []
    for path in sorted(RULES.glob("*.yml")):
        loaded = yaml.safe_load(path.read_text())
        found += [rule for group in loaded.get("groups", []) for rule in group["rules"]]
    return found


def short(expression: str) -> str:
    text = " ".join(expression.split())
    return f"`{text if len(text) <= EXPRESSION_MAX else text[: EXPRESSION_MAX - 2] + ' …'}`"


def alerts() -> Iterator[str]:
    yield from table("alert", "severity", "for", "fires while")
    for rule in rules():
        if "alert" in rule:
            place = str(rule["annotations"]["runbook"]).removeprefix("docs/")
            name = f"[{rule['alert']}]({place})"
            yield row(name, rule["labels"]["severity"], rule.get("for", "at once"), short(rule["expr"]))
    recorded = [rule for rule in rules() if "record" in rule]
    if recorded:
        yield "\nRecorded beside them:"
        yield from table("series", "is")
        yield from (row(f"`{rule['record']}`", short(rule["expr"])) for rule in recorded)


def page() -> str:
    """The whole page."""
    lines = [
        "# Reference\n",
        f"Written from the code by `tests/tidy/reference.py`; do not edit. To write it again: `{COMMAND}`\n",
        "How to use it all is in the [guide](guide.md); what to do for an alert or an error line in",
        "[operations](operations.md).",
        "\n## Verbs\n",
        "`farechain VERB --help` explains each argument. All take `--json`: one object on standard output.",
        *verbs(),
        "\n## Exit codes",
        *table("code", "meaning"),
        *(row(code, meaning) for code, meaning in EXITS.items()),
        "\n## Error codes\n",
        "The line `farechain: E_CODE: ...` of a process that ends. What each means and what to do:",
        "[operations, error lines](operations.md#error-lines).",
        *table("code", "exit"),
        *(row(f"`{code}`", ", ".join(map(str, sorted(exits)))) for code, exits in sorted(raised().items())),
        "\nOver HTTP a problem (`application/problem+json`) has a code, too:",
        *table("code", "status"),
        *(row(f"`{code}`", ", ".join(map(str, sorted(found)))) for code, found in sorted(answered().items())),
        "\nCodes of refused inputs are in [format](format.md), section 3.",
        "\n## Settings\n",
        "The file is TOML, paths are relative to it; `FARECHAIN_<TABLE>_<KEY>` in the environment wins.",
        "[deploy/farechain.toml](../deploy/farechain.toml) is the example with every default.",
        *settings(),
        "\n## Metrics\n",
        "At `/metrics`, in base units. A histogram has `_bucket`, `_sum` and `_count`.",
        *metrics(),
        "\n## Alerts\n",
        "From [deploy/prometheus](../deploy/prometheus). `page` wakes somebody, `ticket` waits till morning.",
        *alerts(),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
