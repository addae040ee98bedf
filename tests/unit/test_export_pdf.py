"""Invoices on paper: PDF/A, the same bytes for the same invoice, and nothing that a title could break."""

import io
from typing import Any

import pikepdf
import pytest
from export_documents import evidence, invoice, line
from pdf_reading import missing, pages_of, text_of, violations

from farechain.export.document import Buyer, Party
from farechain.export.formats import of_one
from farechain.export.pdf import Press
from farechain.export.printable import MISSING, shipped

HOSTILE = [
    "\u202e公司有限\u202c反转",
    "控\x00制\x07字\x1b符\u2028换",
    "表情😀👨‍👩‍👧 公司",
    "私用\ue000\U000f0000字",
    "a" * 100,
    "宽" * 33,
    '"}}#panic()#{"',
    '$sum_1^2$ *bold* _x_ @ref <label> `raw` \\ // /* #image("/etc/passwd")',
    "﷽" * 12,
    "Z̸̡̢a̷l̵g̶o̸" * 4,
    "",
]


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


@pytest.mark.parametrize(
    ("kind", "flavour"), [("invoice", "2b"), ("red", "2b"), ("trips", "2b"), ("archive", "3b")]
)
def test_documents_are_pdf_a(press: Press, kind: str, flavour: str) -> None:
    document = invoice(line(-600 if kind == "red" else 600), evidence=None)
    name = {"invoice": "pdf", "red": "pdf"}.get(kind, kind)
    _, pdf = of_one(name, press, document)
    assert violations(pdf, flavour) == []
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        metadata = opened.Root.Metadata.read_bytes()
    assert f"<pdfaid:part>{flavour[0]}</pdfaid:part>".encode() in metadata
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in metadata


def test_the_checker_finds_what_is_not_pdf_a(press: Press) -> None:
    with pikepdf.open(io.BytesIO(press.invoice(invoice()))) as opened:
        opened.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        changed = io.BytesIO()
        opened.save(changed)
    assert violations(changed.getvalue(), "2b") != []


def test_the_same_invoice_is_the_same_file(press: Press) -> None:
    document = invoice(evidence=evidence())
    first = press.invoice(document)
    assert press.invoice(invoice(number="00000043", evidence=evidence())) != first
    assert press.invoice(document) == first
    assert Press().invoice(document) == first
    assert press.trip_sheet(document) == Press().trip_sheet(document)


def test_what_stands_on_an_invoice(press: Press) -> None:
    document = invoice(buyer=Buyer("92532528MA6L45LX6L", "深圳市某某科技有限公司"), evidence=evidence())
    wanted = (
        "电子普通发票",
        "144032609110",
        "00000042",
        "2026年03月01日",
        "d1e1f",
        "深圳市某某科技有限公司",
        "92532528MA6L45LX6L",
        "91440300708461136T",
        "*运输服务*地铁乘车费",
        "1.9433333333",
        "3%",
        "¥5.83",
        "陆圆整",
        "¥6.00",
        "3号线 石厦 → 益田",
        "非税务凭证",
        "检查点",
    )
    assert missing(press.invoice(document), *wanted) == []


def test_a_document_of_a_real_bureau_carries_no_mark(press: Press) -> None:
    assert "演示" in text_of(press.invoice(invoice()))
    assert "演示" not in text_of(press.invoice(invoice(demonstration=False))).replace("演示轨道", "")


def test_what_stands_on_a_red_letter(press: Press) -> None:
    wanted = (
        "（红字）",
        "（负数）陆圆整",
        "¥-6.00",
        "对应正数发票代码：144032609110 号码：00000007",
        "销货退回 sales return",
    )
    assert missing(press.invoice(invoice(line(-600, quantity=-1))), *wanted) == []


def test_an_exempt_line_prints_no_tax(press: Press) -> None:
    text = text_of(press.invoice(invoice(line(200, "EXEMPT", 1))))
    assert "免税" in text
    assert "***" in text
    assert "不征税" in text_of(press.invoice(invoice(line(200, "NONTAXABLE", 1))))


def test_a_hundred_lines(press: Press) -> None:
    lines = [line(100 + n, item=f"行程{n:03d}") for n in range(100)]
    pdf = press.invoice(invoice(*lines))
    assert missing(pdf, *(f"行程{n:03d}" for n in range(100))) == []
    assert pages_of(pdf) == 6
    assert violations(pdf, "2b") == []
    assert text_of(pdf).count("价税合计（大写）") == 1


def test_a_trip_sheet_adds_up_to_its_invoice(press: Press) -> None:
    wanted = ("行程单", "2026-03-01 08:00", "石厦", "益田", "3号线", "6.00", "陆圆整")
    assert missing(press.trip_sheet(invoice()), *wanted) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_title_is_text_and_no_more(press: Press, name: str) -> None:
    document = invoice(line(item=name), seller=Party(name, "91440300708461136T"), buyer=Buyer(None, name))
    pdf = press.invoice(document)
    assert violations(pdf, "2b") == []
    assert "陆圆整" in text_of(pdf)
    press.trip_sheet(document)


def test_what_the_typeface_lacks_is_marked() -> None:
    typeface = shipped()
    assert typeface.text("深圳 Metro ¥6.65") == "深圳 Metro ¥6.65"
    assert typeface.text("\u202e反\u200b转\x07") == "反转"
    assert typeface.text("😀") == MISSING
    assert typeface.has(MISSING)
    assert typeface.text("𠮷龘䶮") == "𠮷龘䶮"
    data: dict[str, Any] = {"a": ["😀", 1, None, True]}
    assert typeface.shown(data) == {"a": [MISSING, 1, None, True]}


def test_an_archive_carries_its_original_and_its_proof(press: Press) -> None:
    from farechain.export import einvoice_xml

    document = invoice()
    _, pdf = of_one("archive", press, document)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        attached = dict(opened.attachments.items())
        assert list(attached) == ["144032609110-00000042.xml"]
        original = attached["144032609110-00000042.xml"]
        assert original.obj.AFRelationship == "/Source"
        assert original.get_file().mime_type == "application/xml"
        assert einvoice_xml.read(original.get_file().read_bytes()) == document
