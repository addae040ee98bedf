"""Documents: CPU of one core for an invoice in each format, in rounds that alternate between the formats."""

import dataclasses
import time

from bench.figures import Figure
from farechain import _core
from farechain.export import formats
from farechain.export.document import Buyer, Evidence, InvoiceDocument, Line, Party, Trip
from farechain.export.pdf import Press

START_MS = 1_772_323_200_000
PROOF_BYTES = 1750
"""A proof of a day's ledger that three witnesses cosigned."""
ROUNDS, INVOICES = 5, 20
PDF_BUDGET_MS = 20.0
"""Fifty invoices a second a core."""


def measure() -> list[Figure]:
    """Milliseconds an invoice, the least of the rounds. Data formats lack the proof, which is no real one."""
    press, least = Press(), dict.fromkeys(formats.ONE_EACH, float("inf"))
    invoices = iter([_invoice(number) for number in range(1, ROUNDS * INVOICES * len(least) + 1)])
    for _ in range(ROUNDS):
        for name in least:
            batch = [next(invoices) for _ in range(INVOICES)]
            if name not in {"pdf", "trips"}:
                batch = [dataclasses.replace(invoice, evidence=None) for invoice in batch]
            started = time.process_time()
            for invoice in batch:
                formats.of_one(name, press, invoice)
            least[name] = min(least[name], (time.process_time() - started) / INVOICES * 1000)
    pdf = Figure("invoices as PDF, a second a core", 1000 / least["pdf"], "/s")
    budgets = {"pdf": PDF_BUDGET_MS}
    return [*(Figure(name, least[name], "ms", budgets.get(name)) for name in least), pdf]


def _invoice(number: int) -> InvoiceDocument:
    total = 200 + number
    net, tax = _core.split_tax(total, 300)
    digest = _core.leaf_hash(b"%d" % number)
    proof = (b"".join(_core.leaf_hash(b"%d/%d" % (number, n)) for n in range(56)))[:PROOF_BYTES]
    return InvoiceDocument(
        chain="shenzhen/0",
        code="144032609310",
        number=f"{number:08d}",
        kind="BLUE",
        hash=digest,
        issued_at_ms=START_MS + number,
        utc_offset_min=480,
        seller=Party("演示轨道交通一号运营有限公司", "91440300MA9FC001XP"),
        buyer=Buyer("92532528MA6L45LX6L", "演示文化传播有限公司"),
        lines=(Line("3010101020202000000", "运输服务", "地铁乘车费", 300, 1, net, tax, total),),
        trips=(Trip(START_MS, START_MS, "METRO", total, digest, "石厦", "益田", "3号线"),),
        net_fen=net,
        tax_fen=tax,
        total_fen=total,
        height=number,
        index=0,
        original=None,
        evidence=Evidence("shenzhen/0", number + 1, digest, proof),
        demonstration=True,
        verify_url="https://invoices.example",
    )
