"""What the README tells a newcomer to paste works, against a small day in place of the demonstration's."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from service_chain import Chain, Day
from test_service_commands import serving

from farechain.day import generate

ROOT = Path(__file__).parents[2]


def pasted() -> str:
    """The commands of the section."""
    section = (ROOT / "README.md").read_text().split("## Use an invoice")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.S)
    assert block is not None
    return block[1]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    place = tmp_path / "var" / "demo"
    made = generate(place / "day", place / "keys", seed=7, invoices=1000)
    return Chain(
        tmp_path, Day(place / "day" / "spool", made.path, place / "keys" / "bureau.pub", made.inputs)
    )


def a_free_one(chain: Chain) -> tuple[str, int]:
    """An invoice of the first operator's own numbers that no refund has touched."""
    ledger = chain.ledger()
    code = next(code for code in ledger.codes() if code.endswith("09310"))
    for number in range(1, 100):
        found = ledger.invoice(code, number)
        if found is not None and "RETITLE" in found["allowed"]:
            return code, number
    raise AssertionError("no invoice is free")


async def test_an_invoice_is_used_as_the_readme_says(chain: Chain, tmp_path: Path) -> None:
    await chain.to_the_end()
    code, number = a_free_one(chain)
    async with serving(chain) as (url, _stop, _running):
        commands = pasted().replace("http://127.0.0.1:8800", url)
        commands = commands.replace('"number":7', f'"number":{number}')
        commands = commands.replace("14403$(date -d yesterday +%y)09310", code)
        script = f'farechain() {{ "{sys.executable}" -m farechain "$@"; }}\n{commands}'
        ran = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    told = re.findall(r"^([A-Z]+) in block \d+$", ran.stdout, re.M)
    assert told == ["APPLIED", "ISSUED", "APPLIED", "APPLIED", "APPLIED"], ran.stdout + ran.stderr
    assert "ISSUED POSTED NONE" in ran.stdout
    (line,) = ran.stderr.splitlines()
    assert line.startswith("farechain: E_STATE: ")
    assert "allowed now: BIND, CONFIRM_USE, UNPOST" in line
    assert '"used_24h"' in ran.stdout
