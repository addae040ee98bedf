"""A figure, what it is compared with, and how all of them are printed and kept."""

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from farechain import _core


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. ``budget`` and ``limit`` are in the same unit; None where there is none."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    limit: float | None = None


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg()[0],
        "python": platform.python_version(),
        "instructions": _core.INSTRUCTIONS,
        "version": _core.VERSION,
    }


def show(title: str, figures: list[Figure]) -> None:
    """Prints a table on standard output."""
    table = Table(title=title, title_justify="left")
    for column in ("figure", "value", "unit", "of the budget", "of the limit"):
        table.add_column(column, justify="left" if column in {"figure", "unit"} else "right")
    for figure in figures:
        ratios = [f"{figure.value / of:.2f}x" if of else "" for of in (figure.budget, figure.limit)]
        table.add_row(
            figure.name,
            f"{figure.value:,.3g}" if figure.value < 1000 else f"{figure.value:,.0f}",
            figure.unit,
            *ratios,
        )
    Console(file=sys.stdout, width=110).print(table)


def keep(path: Path, tables: dict[str, list[Figure]]) -> None:
    """Writes all figures with the machine's description as JSON."""
    content = {"machine": machine()} | {
        name: [asdict(each) for each in figures] for name, figures in tables.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
