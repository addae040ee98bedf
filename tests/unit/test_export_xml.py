"""UBL under EN 16931, the all-digital invoice's XML and back, JSON, tables and postings."""

import csv
import dataclasses
import io
from typing import Any

import orjson
import pytest
from arro3.io import read_parquet
from export_documents import evidence, invoice, line, trip
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from ubl_rules import broken

from farechain import _core
from farechain.export import consistency, einvoice_xml, posting, tables, ubl
from farechain.export.as_json import as_json
from farechain.export.declaration import Declaration
from farechain.export.document import Buyer, InvoiceDocument, Original, Party

COMPANY = Buyer("92532528MA6L45LX6L", "深圳市某某科技有限公司")
DOCUMENTS = {
    "an individual": invoice(),
    "a company": invoice(buyer=COMPANY),
    "a person with a name": invoice(buyer=Buyer(None, "张三")),
    "three rides": invoice(line(600)),
    "tax a fen off the rate": invoice(line(87, 300, 1)),
    "exempt": invoice(line(200, "EXEMPT", 1)),
    "zero rated": invoice(line(200, 0, 1)),
    "a top-up": invoice(line(10_000, "NONTAXABLE", 1)),
    "a hundred lines of three rates": invoice(
        *(line(100 + n, (300, 900, "EXEMPT")[n % 3], 1) for n in range(100))
    ),
    "exempt, taxed and outside of tax": invoice(
        line(600),
        line(1000, 900, 1),
        line(200, "EXEMPT", 1),
        line(5000, "NONTAXABLE", 1),
        line(300, "NONTAXABLE", 1),
    ),
    "only outside of tax": invoice(line(5000, "NONTAXABLE", 1), line(300, "NONTAXABLE", 1)),
    "a title not at hand": invoice(buyer=Buyer("92532528MA6L45LX6L", None, bytes(range(32)))),
    "a person's title not at hand": invoice(buyer=Buyer(None, None, bytes(range(32)))),
    "all-digital": invoice(code="264403100000"),
    "a red letter of several lines": invoice(
        line(-400, quantity=-2),
        line(-200, "EXEMPT", 0),
        line(-100, "NONTAXABLE", -1),
        original=Original("264403100000", "00000007", bytes(32), "RETITLED"),
    ),
    "a red letter": invoice(line(-600, quantity=-1)),
    "a partial red letter": invoice(line(-150, quantity=0)),
    "an exempt red letter": invoice(line(-200, "EXEMPT", -1)),
    "with a proof": invoice(evidence=evidence()),
    "not a demonstration": invoice(demonstration=False),
    "markup in a name": invoice(seller=Party("<&]]>\"'&amp;公司", "91440300708461136T")),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_ubl_is_valid_under_en_16931(case: str) -> None:
    assert broken(ubl.write(DOCUMENTS[case])) == []


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (b">5.83</cbc:TaxExclusiveAmount>", b">5.84</cbc:TaxExclusiveAmount>", "BR-CO-13"),
        (b">0.00</cbc:PayableAmount>", b">1.00</cbc:PayableAmount>", "BR-CO-16"),
        (b"<cbc:IdentificationCode>CN<", b"<cbc:IdentificationCode>XX<", "BR-CL-14"),
    ],
)
def test_the_rules_are_really_run(before: bytes, after: bytes, rule: str) -> None:
    document = ubl.write(invoice())
    assert before in document
    assert rule in broken(document.replace(before, after))


def test_ubl_says_what_the_invoice_is() -> None:
    red = etree.fromstring(ubl.write(DOCUMENTS["a red letter"]))
    assert etree.QName(red).localname == "CreditNote"
    assert red.findtext(f"{ubl.CBC}CreditNoteTypeCode") == "381"
    assert red.findtext(f".//{ubl.CAC}InvoiceDocumentReference/{ubl.CBC}ID") == "144032609110-00000007"
    assert red.findtext(f".//{ubl.CBC}TaxInclusiveAmount") == "6.00"
    blue = etree.fromstring(ubl.write(DOCUMENTS["exempt"]))
    assert blue.findtext(f"{ubl.CBC}InvoiceTypeCode") == "380"
    assert [each.text for each in blue.iterfind(f".//{ubl.CAC}TaxCategory/{ubl.CBC}ID")] == ["E"]
    assert blue.findtext(f".//{ubl.CBC}PrepaidAmount") == blue.findtext(f".//{ubl.CBC}TaxInclusiveAmount")


@pytest.mark.parametrize("case", DOCUMENTS)
def test_what_was_written_as_xml_is_read_field_for_field(case: str) -> None:
    assert einvoice_xml.read(einvoice_xml.write(DOCUMENTS[case])) == DOCUMENTS[case]


texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*\ufffe\uffff"), max_size=40
)


@given(texts, texts, st.integers(1, 2**53 - 1), st.sampled_from([0, 100, 300, 900, 1300, 10_000, "EXEMPT"]))
def test_any_text_and_amount_survives_xml(name: str, place: str, total: int, rate: _core.Rate) -> None:
    ride = trip(total, scene="BUS", origin=place, destination=None, service=name)
    buyer = Buyer(None, place, bytes(32))
    document = invoice(line(total, rate, 1, name), seller=Party(name, None), buyer=buyer, trips=(ride,))
    assert einvoice_xml.read(einvoice_xml.write(document)) == document


def test_the_largest_invoice_is_read() -> None:
    wide = "&" * 128
    places = {"origin": wide, "destination": wide, "service": wide}
    lines = [line(1000, 300, 10, wide) for _ in range(100)]
    trips = [trip(1000 if n < 100 else 0, n % 100, **places) for n in range(256)]
    document = invoice(*lines, trips=tuple(trips), evidence=evidence(1750))
    data = einvoice_xml.write(document)
    assert len(data) > einvoice_xml.MAX_BYTES // 2
    assert einvoice_xml.read(data) == document


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE EInvoice [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<EInvoice>&b;</EInvoice>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE EInvoice SYSTEM "file:///etc/passwd"><EInvoice/>"""


@pytest.mark.parametrize(
    "data",
    [
        LAUGHS,
        OUTSIDE,
        LAUGHS.decode().encode("utf-16"),
        b"<EInvoice>",
        b"",
        b"\xff",
        b"<EInvoice/>",
        b"<other/>",
        b"<EInvoice>" + b" " * einvoice_xml.MAX_BYTES + b"</EInvoice>",
    ],
)
def test_what_is_no_invoice_is_refused(data: bytes) -> None:
    with pytest.raises(einvoice_xml.UnreadableError):
        einvoice_xml.read(data)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<TotalTaxAm>0.17<", "<TotalTaxAm>0.18<"),
        ("<Amount>5.83<", "<Amount>5.8300<"),
        ("<Amount>5.83<", "<Amount>５.83<"),
        ("陆圆整", "柒圆整"),
        ("<InvoiceNumber>144032609110", "<InvoiceNumber>144032609210"),
        ("<CheckCode>d1e1f<", "<CheckCode>00000<"),
        ("<TaxRate>0.0300<", "<TaxRate>0.03<"),
        ("<TaxRate>0.0300<", "<TaxRate><"),
        ("<LabelCode>Y<", "<LabelCode>N<"),
        ("<Height>7<", "<Height>7</Height><Height>8<"),
    ],
)
def test_a_changed_field_is_refused(before: str, after: str) -> None:
    text = einvoice_xml.write(invoice()).decode()
    assert before in text
    with pytest.raises(einvoice_xml.UnreadableError):
        einvoice_xml.read(text.replace(before, after, 1).encode())


def test_the_checker_accepts_what_is_consistent_and_names_what_is_not() -> None:
    assert consistency.differences(invoice(buyer=COMPANY)) == []
    other_rate = dataclasses.replace(line(600), rate=900)
    expected = ["the line *运输服务*地铁乘车费: tax is not what the rate gives"]
    assert consistency.differences(invoice(other_rate)) == expected
    assert consistency.differences(invoice(code="044032609110")) == ["code or number has the wrong form"]
    assert consistency.differences(invoice(buyer=Buyer("44078819091887401X", "x"))) != []
    assert consistency.differences(invoice(evidence=evidence()))[0].startswith("the proof does not hold")


def test_json_has_every_amount_as_an_integer() -> None:
    fields = orjson.loads(as_json(invoice(buyer=COMPANY)))
    assert fields["format"] == "farechain-invoice/1"
    assert (fields["net_fen"], fields["tax_fen"], fields["total_fen"]) == (583, 17, 600)
    assert fields["lines"][0]["price_e8"] == 19_433_333_333
    assert fields["buyer"] == {"name": COMPANY.name, "tax_id": COMPANY.tax_id, "title": None}
    assert fields["trips"][0]["from"] == "石厦"
    assert fields["proof"] is None
    assert orjson.loads(as_json(DOCUMENTS["a red letter"]))["original"]["number"] == "00000007"


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "－1"])
def test_a_spreadsheet_runs_nothing(start: str) -> None:
    ride = trip(-600, origin=start, destination='a"b\n,c', service=None)
    document = invoice(line(-600), trips=(ride,), seller=Party(start, None), buyer=Buyer(None, start))
    rows = tables.trip_rows(document)
    data = tables.as_csv(rows, tables.TRIPS)
    read = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert read[0]["from"] == read[0]["seller_name"] == read[0]["buyer_name"] == "'" + start
    assert read[0]["to"] == 'a"b\n,c'
    assert read[0]["fare_fen"] == "-600"
    assert read[0]["seller"] == ""


def declared(*documents: InvoiceDocument) -> list[dict[str, Any]]:
    declaration = Declaration()
    for document in documents:
        declaration.add(document)
    assert Declaration.of(declaration.rows()).rows() == declaration.rows()
    return declaration.rows()


def test_parquet_holds_what_csv_holds() -> None:
    documents = [invoice(), DOCUMENTS["a red letter"], invoice(seller=Party("=1", None))]
    rows = [row for document in documents for row in tables.trip_rows(document)]
    table = read_parquet(io.BytesIO(tables.as_parquet(rows, tables.TRIPS))).read_all()
    assert table.column_names == [column.name for column in tables.TRIPS]
    for column in tables.TRIPS:
        assert table.column(column.name).to_pylist() == [row[column.name] for row in rows]
    empty = read_parquet(io.BytesIO(tables.as_parquet([], tables.TRIPS))).read_all()
    assert empty.num_rows == 0


def test_a_declaration_adds_up_by_seller_period_rate_and_kind() -> None:
    rows = declared(invoice(), invoice(line(665)), invoice(line(200, "EXEMPT")), DOCUMENTS["a red letter"])
    assert [(row["rate"], row["kind"], row["invoices"], row["total_fen"]) for row in rows] == [
        (300, "BLUE", 2, 1265),
        (300, "RED", 1, -600),
        ("EXEMPT", "BLUE", 1, 200),
    ]
    assert {row["period"] for row in rows} == {"2026-03"}
    two_lines = declared(invoice(line(100), line(200), line(300, 900)))
    assert [(row["rate"], row["invoices"], row["total_fen"]) for row in two_lines] == [
        (300, 1, 300),
        (900, 1, 300),
    ]


def test_postings_say_what_is_not_confirmed() -> None:
    views = orjson.loads(posting.write(DOCUMENTS["a red letter"]))
    assert views["inv_ord_issuer"]["UniqueCodeOfInvoice"] == "14403260911000000042"
    assert views["inv_ord_issuer"]["WhetherInvoiceIsRedInvoice"] is True
    assert views["einv_ord_receiver"]["TotalTax-includedAmount"] == "-6.00"
    assert set(views["unconfirmed"]) <= set(views["inv_ord_issuer"])
