"""The regression gate: ratios of CPU times of one run against recorded ceilings. Seconds decide nothing.

``python -m bench.gate`` ends with 1 where a ratio is above its ceiling in ``bench/gate.json``. What is
compared runs in one process, alternately, and the least of the rounds counts; each instruction set has a
process of its own, since it is chosen once. Ceilings are twice what was measured when they were recorded,
and three times where both sides take about a microsecond, which a busy neighbour's cache misses alone can
double: a lane that is not taken, or a look-up that became a walk, costs more than that. ``--record`` measures
and writes them, and the change is for the reviewer to judge. Appending is left out: its CPU is the kernel's,
and depends on the disk. Performance counters are not used: few places where this runs allow them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from farechain import _core, keys
from farechain.day.generate import generate
from farechain.day.plan import PARTITIONS
from farechain.spool_lines import spool_record

CEILINGS = Path(__file__).with_name("gate.json")
HEADROOM, HEADROOM_OF_SHORT = 2.0, 3.0
INSTRUCTIONS = ("portable", "avx2", "avx512")
INVOICES = 4_000
SEED = 20181211
ROUNDS = 9
PLAIN = 400
"""Signatures that the ordinary library verifies in a round: it takes the longest by far."""
WARM_UPS = 4
"""Times that everything is verified first: a signer's table is built after some uses."""

Records = list[_core.SourceRecord]


class Inputs:
    """A small day on a ledger: the commands are committed, the payments wait in one source."""

    def __init__(self, place: Path) -> None:
        generate(place, place / "keys", seed=SEED, invoices=INVOICES)
        self._bureau = keys.read_public_key(place / "keys" / "bureau.pub")
        self._places = [(topic, number) for topic, count in PARTITIONS.items() for number in range(count)]
        self._records = [_read(place / "spool" / f"{topic}-{number}.jsonl") for topic, number in self._places]
        self._first = next(
            number for number, each in enumerate(self._places, 1) if each[0] == "farechain.commands"
        )
        self.values = [record[3] for records in self.payments().values() for record in records if record[3]]

    def payments(self) -> dict[int, Records]:
        """By source: what is not a command."""
        return {number: each for number, each in enumerate(self._records, 1) if number != self._first}

    def ledger(self, path: Path) -> _core.Ledger:
        """A new ledger, on one thread, with the commands committed."""
        sources = [(topic, bytes(16), number) for topic, number in self._places]
        _core.Ledger.create(
            str(path),
            network="shenzhen",
            chain="shenzhen/0",
            bureau=self._bureau,
            sources=sources,
            regions=["4403"],
            time_ms=int(time.time() * 1000),
        )
        ledger = _core.Ledger.open(str(path), threads=1)
        intake = ledger.intake()
        intake.push_records(self._first, self._records[self._first - 1], None)
        ledger.commit(ledger.prepare(intake.seal(1 << 20)), int(time.time() * 1000))
        return ledger

    def prepared(self, ledger: _core.Ledger) -> _core.PreparedBatch:
        """All payments, decoded and verified."""
        intake = ledger.intake()
        for number, records in self.payments().items():
            intake.push_records(number, records, None)
        return ledger.prepare(intake.seal(1 << 20))


def _signed(values: list[bytes]) -> list[tuple[Ed25519PublicKey, bytes, bytes]]:
    """What the ordinary library verifies: a key for each value."""
    signers = [Ed25519PrivateKey.from_private_bytes(number.to_bytes(32)) for number in range(len(values))]
    return [(each.public_key(), each.sign(value), value) for each, value in zip(signers, values, strict=True)]


def _read(file: Path) -> Records:
    return [spool_record(line)[2] for line in file.read_bytes().splitlines()]


def _cpu_ns(work: Callable[[], object]) -> int:
    started = time.process_time_ns()
    work()
    return time.process_time_ns() - started


def measure(place: Path) -> dict[str, float]:
    """The ratios of this process's instruction set; each below its ceiling, or something became slower."""
    inputs = Inputs(place / "day")
    count = sum(map(len, inputs.payments().values()))
    warm, signed = inputs.ledger(place / "warm"), _signed(inputs.values[:PLAIN])
    for _ in range(WARM_UPS):
        inputs.prepared(warm)
    ours: dict[str, list[float]] = {"verify": [], "decode": [], "decide": []}
    theirs: dict[str, list[float]] = {"library": [], "json": []}
    for number in range(ROUNDS):
        prepared = inputs.prepared(warm)
        ours["decode"].append(prepared.decode_ns / count)
        ours["verify"].append(prepared.verify_ns / count)
        theirs["json"].append(_cpu_ns(lambda: _parse(inputs.values)) / len(inputs.values))
        theirs["library"].append(_cpu_ns(lambda: _verify(signed)) / len(signed))
        new = inputs.ledger(place / str(number))
        block = new.commit(inputs.prepared(new), int(time.time() * 1000))
        new.close()
        ours["decide"].append((block.decide_ns + block.hash_ns + block.index_ns) / count)
    warm.close()
    verify, decode, decide = (min(ours[stage]) for stage in ("verify", "decode", "decide"))
    library, parse = min(theirs["library"]), min(theirs["json"])
    return {
        "verify / cryptography's verify": verify / library,
        "decode / orjson.loads": decode / parse,
        "decide, hash and index / orjson.loads": decide / parse,
        "all of them / cryptography's verify": (decode + verify + decide) / library,
    }


def _parse(values: list[bytes]) -> None:
    for value in values:
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError:
            continue


def _verify(signed: list[tuple[Ed25519PublicKey, bytes, bytes]]) -> None:
    for key, signature, message in signed:
        key.verify(signature, message)


def with_each_instruction_set() -> dict[str, dict[str, float]]:
    """Instruction set -> ratios, of those that this machine and this build have."""
    found = {}
    for name in INSTRUCTIONS:
        ran = subprocess.run(
            [sys.executable, "-m", "bench.gate", "--measure"],
            env={**os.environ, "FARECHAIN_INSTRUCTIONS": name},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode == 0:
            used, ratios = json.loads(ran.stdout)
            found[used] = ratios
        elif name == "portable":
            sys.exit(ran.stderr)
    return found


def _headroom(what: str) -> float:
    return HEADROOM_OF_SHORT if what.endswith("orjson.loads") else HEADROOM


def above(found: dict[str, dict[str, float]], ceilings: dict[str, dict[str, float]]) -> list[str]:
    """Lines on what is above its ceiling, or has none."""
    lines = []
    for name, ratios in found.items():
        for what, ratio in ratios.items():
            ceiling = ceilings.get(name, {}).get(what)
            if ceiling is None:
                lines.append(f"{name}: {what} has no ceiling: record it with --record")
            elif ratio > ceiling:
                lines.append(f"{name}: {what} is {ratio:.3f}, above {ceiling:.3f}")
    return lines


def main() -> None:
    """Measures, prints each ratio beside its ceiling, and ends with 1 where one is above it."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="this process alone, as JSON")
    parser.add_argument("--record", action="store_true", help="write the ceilings of what was measured")
    args = parser.parse_args()
    if args.measure:
        with tempfile.TemporaryDirectory(prefix="farechain-gate-") as place:
            print(json.dumps([_core.INSTRUCTIONS, measure(Path(place))]))
        return
    found = with_each_instruction_set()
    ceilings = json.loads(CEILINGS.read_text()) if CEILINGS.exists() else {}
    if args.record:
        for name, ratios in found.items():
            ceilings[name] = {what: round(ratio * _headroom(what), 3) for what, ratio in ratios.items()}
        CEILINGS.write_text(json.dumps(ceilings, indent=1) + "\n")
    for name, ratios in found.items():
        for what, ratio in ratios.items():
            print(f"{name:9} {what:50} {ratio:6.3f}  at most {ceilings.get(name, {}).get(what, 0):6.3f}")
    if too_much := above(found, ceilings):
        sys.exit("\n".join(too_much))


if __name__ == "__main__":
    main()
