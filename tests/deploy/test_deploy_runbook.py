"""Every error line that an operator can meet has its row in the runbook, and no row is of none."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from farechain.ledger_errors import FAILURES

ROOT = Path(__file__).parents[2]


def raised() -> Iterator[str]:
    """The codes of errors and of findings in the sources, and those of the ledger's refusals."""
    for path in (ROOT / "python" / "farechain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            place = {"FarechainError": 0, "Finding": 1}.get(getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and place is not None:
                code = node.args[place]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value
    yield from (code for code, _exit_code in FAILURES.values())
    yield "E_LEDGER"


def test_every_error_line_has_a_row_in_the_runbook() -> None:
    listed = set(re.findall(r"^\| `(E_[A-Z_]+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.M))
    codes = set(raised())
    assert codes - listed == set(), "docs/operations.md: add a row"
    assert listed - codes == set(), "docs/operations.md: remove the row"
