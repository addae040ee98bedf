"""Writes docs/state-machine.md from the core's own table: ``PYTHONPATH=tests python -m tidy.state_machine``.

What the table says is read here once more, in plain Python: which command a standing permits, what follows.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from farechain import _core
from tidy.tracked import ROOT

PAGE = ROOT / "docs" / "state-machine.md"
COMMAND = "PYTHONPATH=tests:python .venv/bin/python -m tidy.state_machine"
FISCAL, CLAIM = ["ISSUED", "RED_PENDING", "REVERSED"], ["FREE", "LOCKED", "REIMBURSED", "POSTED"]
USE = ["NONE", "CONFIRMED"]
STATE, LOCKED_BY_OTHER, NEEDS_CONFIRM = "E_STATE", "E_LOCKED_BY_OTHER", "E_RED_NEEDS_CONFIRM"
REFUND = "a refund"
"""What moves an invoice without being a command; it is never refused for where an invoice stands."""


class Standing(NamedTuple):
    """Four axes; the holder is apart, for nothing but BIND and TRANSFER asks for it."""

    fiscal: str
    claim: str
    use: str
    frozen: bool

    @property
    def used_or_posted(self) -> bool:
        return self.use == "CONFIRMED" or self.claim == "POSTED"

    def reversed_to(self, fiscal: str) -> "Standing":
        """After a red letter, which cancels a lock."""
        return self._replace(fiscal=fiscal, claim="FREE" if self.claim == "LOCKED" else self.claim)


UNTOUCHED = Standing("ISSUED", "FREE", "NONE", frozen=False)
ALL = [Standing(*axes) for axes in itertools.product(FISCAL, CLAIM, USE, (False, True))]
RULES: list[dict[str, Any]] = _core.lifecycle_rules()
NAMES: list[str] = [rule["name"] for rule in RULES]


def answer(name: str, standing: Standing, *, held: bool = True) -> str | None:
    """The code for which a command is refused, whoever gives it; None: the standing permits it."""
    rule = next(rule for rule in RULES if rule["name"] == name)
    if name == "LOCK" and standing.claim == "LOCKED":
        return LOCKED_BY_OTHER
    needed = [
        rule["fiscal"] in (None, standing.fiscal),
        not rule["claim"] or standing.claim in rule["claim"],
        rule["use"] in (None, standing.use),
        rule["frozen"] in (None, standing.frozen),
        name != "BIND" or not held,
        name != "RED_REQUEST" or standing.used_or_posted,
    ]
    if not all(needed):
        return STATE
    return NEEDS_CONFIRM if name == "RED_ISSUE" and standing.used_or_posted else None


def allowed(standing: Standing, *, held: bool = True) -> list[str]:
    """A transfer is its holder's: of what nobody holds it is refused for who gives it, not for a standing."""
    names = [name for name in NAMES if held or name != "TRANSFER"]
    return [name for name in names if answer(name, standing, held=held) is None]


def after(name: str, standing: Standing) -> Standing:
    """Where a permitted command leaves an invoice; a red letter is of all that is left."""
    changes: dict[str, Any] = {
        "LOCK": {"claim": "LOCKED"},
        "UNLOCK": {"claim": "FREE"},
        "REIMBURSE": {"claim": "REIMBURSED"},
        "CONFIRM_USE": {"use": "CONFIRMED"},
        "POST": {"claim": "POSTED"},
        "UNPOST": {"claim": "REIMBURSED"},
        "RED_REQUEST": {"fiscal": "RED_PENDING"},
        "RED_REFUSE": {"fiscal": "ISSUED"},
        "RED_WITHDRAW": {"fiscal": "ISSUED"},
        "RED_EXPIRE": {"fiscal": "ISSUED"},
        "FREEZE": {"frozen": True},
        "UNFREEZE": {"frozen": False},
    }
    if name in ("RETITLE", "RED_ISSUE", "RED_CONFIRM"):
        return standing.reversed_to("REVERSED")
    return standing._replace(**changes.get(name, {}))


def moves(standing: Standing) -> Iterator[tuple[str, Standing]]:
    """Everything that may happen next, with where it leads."""
    for name in allowed(standing):
        yield name, after(name, standing)
        if name in ("RED_ISSUE", "RED_CONFIRM"):
            yield name, standing.reversed_to("ISSUED")
    if standing.fiscal == "ISSUED" and standing.used_or_posted:
        yield REFUND, standing._replace(fiscal="RED_PENDING")
    elif standing.fiscal == "ISSUED":
        yield from ((REFUND, standing.reversed_to(fiscal)) for fiscal in ("ISSUED", "REVERSED"))


def ways() -> dict[Standing, list[str]]:
    """Every standing that some history leads to, with a shortest one of commands."""
    found: dict[Standing, list[str]] = {UNTOUCHED: []}
    queue = [UNTOUCHED]
    for standing in queue:
        for name in allowed(standing):
            led = after(name, standing)
            if led not in found:
                found[led] = [*found[standing], name]
                queue.append(led)
    return found


INTRODUCTION = f"""# Where an invoice stands

Written by `tests/tidy/state_machine.py` from the table that the core decides by
(`rust/core/src/lifecycle.rs`); do not edit. To write it again: `{COMMAND}`

An invoice stands on four axes, and has a holder or none. Each moves by itself, and every record that moves
one holds all of them ([decision 0012](adr/0012-lifecycle-records-carry-state.md)).

- **fiscal**: in force (`ISSUED`), asked to be reversed (`RED_PENDING`), nothing left (`REVERSED`).
- **claim**: whether expenses are claimed with it: `FREE`, `LOCKED` for one claim, `REIMBURSED` for ever,
  `POSTED` in the books.
- **use**: whether the buyer has deducted it: `NONE`, `CONFIRMED`.
- **frozen**: whether the bureau has stopped it.

Who may give a command is looked at first (`E_ROLE`), then where the invoice stands, then the rest:
[format.md](format.md), section 3, is the rule and this page its overview. A refund is no command: of an
invoice that is used, posted or RED_PENDING it is owed, and asks for a red letter where none is asked for; of
another it is a red letter, frozen or not, as soon as there is a number.
"""


def commands() -> Iterator[str]:
    """The table of commands."""
    yield "| command | signed by | needs | also | makes |"
    yield "|---|---|---|---|---|"
    for rule in RULES:
        frozen = {None: [], True: ["frozen"], False: ["not frozen"]}[rule["frozen"]]
        one_of = [" or ".join(rule["claim"])] if rule["claim"] else []
        use = [f"use {rule['use']}"] if rule["use"] else []
        needs = [*([rule["fiscal"]] if rule["fiscal"] else []), *one_of, *use, *frozen]
        cells = [f"`{rule['name']}`", rule["signers"], ", ".join(needs), rule["also"], rule["after"]]
        yield f"| {' | '.join(cells)} |"


MARKS = {None: "yes", STATE: "", LOCKED_BY_OTHER: "L", NEEDS_CONFIRM: "C"}


def matrix() -> Iterator[str]:
    """Every standing against every command."""
    led = ways()
    yield f"| fiscal | claim | use | frozen | {' | '.join(f'`{name}`' for name in NAMES)} |"
    yield "|---" * (4 + len(NAMES)) + "|"
    for standing in ALL:
        frozen = "frozen" if standing.frozen else ""
        cells = [mark(name, standing) for name in NAMES] if standing in led else ["–"] * len(NAMES)
        yield f"| {' | '.join([*standing[:3], frozen, *cells])} |"


def mark(name: str, standing: Standing) -> str:
    if answer(name, standing) != answer(name, standing, held=False):
        return "H"
    return MARKS[answer(name, standing)]


def diagram(axis: int, states: list[str]) -> Iterator[str]:
    """How one axis moves, from everything that can happen to every standing."""
    edges: dict[tuple[str, str], list[str]] = {}
    for standing in ways():
        for name, led in moves(standing):
            if standing[axis] != led[axis]:
                names = edges.setdefault((str(standing[axis]), str(led[axis])), [])
                names.extend([name] if name not in names else [])
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {states[0]}"
    for (start, end), names in sorted(edges.items(), key=lambda edge: [states.index(one) for one in edge[0]]):
        listed = sorted(names, key=[*NAMES, REFUND].index)
        yield f"    {start} --> {end}: {', '.join(listed)}"
    yield "```"


def page() -> str:
    """The whole page."""
    lines = [
        *("## Commands", "", "`CLAIM` makes an invoice and has no row; `BATCH` gives several in one.", ""),
        *(*commands(), "", "## Standing and command", ""),
        f"Of {len(ALL)} standings {len(ways())} can come about; a dash marks the others. **yes**: permitted.",
        "**H**: permitted where there is no holder. **L**: refused, `E_LOCKED_BY_OTHER`.",
        "**C**: refused, `E_RED_NEEDS_CONFIRM`. Nothing: refused, `E_STATE`.",
        "`tests/reference/test_oracle_state_table.py` tries every cell.",
        *("", *matrix(), "", "## The fiscal axis", "", *diagram(0, FISCAL)),
        *("", "## The claim axis", "", *diagram(1, CLAIM)),
    ]
    return "\n".join([INTRODUCTION, *lines]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
