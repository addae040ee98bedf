"""Documents of claimed invoices and of red letters of lines, from a ledger with every kind of record."""

import dataclasses
import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from bindings_little_chain import CODE, SELLER
from export_claims import (
    AUTOMATIC,
    BUS_CODE,
    BUYER,
    CLAIMED,
    COMPANY_TITLE,
    DIGITAL,
    DIGITAL_CODE,
    DIGITAL_RED,
    FORMULA_TITLE,
    INVOICES,
    KEK,
    METRO_CODE,
    OF_A_FORMULA,
    OF_A_PERSON,
    PARTLY_RED,
    PERSON_TITLE,
    REFUNDED,
    RETITLED,
    RETITLED_RED,
    UNKNOWN_TITLE,
    Claims,
    claims_of,
    payment_id,
    reader,
)
from pdf_reading import missing, violations
from pypdf import PdfReader
from ubl_rules import broken

from farechain import _core
from farechain.export import consistency, einvoice_xml, scanning, tables, ubl
from farechain.export.as_json import as_json
from farechain.export.declaration import Declaration
from farechain.export.document import Buyer, InvoiceDocument
from farechain.export.formats import ONE_EACH, of_one
from farechain.export.pdf import Press
from farechain.export.selection import Place, Selection, walk
from farechain.export.titles import Titles
from farechain.private.store import Store

ALL = [
    *((CODE, number) for number in range(AUTOMATIC, OF_A_FORMULA + 1)),
    *((DIGITAL_CODE, number) for number in range(DIGITAL, DIGITAL_RED + 1)),
]
Written = tuple[Claims, Path]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    place = tmp_path_factory.mktemp("claims")
    return claims_of(place), place


@pytest.fixture(scope="module")
def titles(written: Written) -> Iterator[Titles]:
    opened = Titles(lambda: Store.open(written[1] / "private" / "store.sqlite", KEK))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


@pytest.fixture(scope="module")
def documents(written: Written, titles: Titles) -> dict[tuple[str, int], InvoiceDocument]:
    claims, place = written
    reads = reader(claims.ledger, place, titles.text_of)
    found = walk(claims.ledger, Selection(1, claims.ledger.height), Place(1, 0))
    made = [reads.document(where.height, where.index, record) for where, record in found]
    return {(each.code, int(each.number)): each for each in made if each is not None}


Documents = dict[tuple[str, int], InvoiceDocument]


def test_every_invoice_is_a_document_and_nothing_else_is(written: Written, documents: Documents) -> None:
    assert list(documents) == ALL
    assert len(ALL) == INVOICES
    ledger = written[0].ledger
    kinds = Counter(
        _core.decode_record(record)["kind"]
        for height in range(1, ledger.height + 1)
        for index in range(_core.decode_header(ledger.headers(height, 1)[0])["record_count"])
        if (record := ledger.record(height, index))
    )
    assert {kind: kinds[kind] for kind in ("BLUE", "RED", "CLAIMED", "RED_OF_LINES")} == {
        "BLUE": 1,
        "RED": 1,
        "CLAIMED": 6,
        "RED_OF_LINES": 3,
    }
    assert kinds["FREEZE"] == 1


def test_a_claimed_invoice_has_lines_trips_and_a_buyer(documents: Documents) -> None:
    document = documents[CODE, CLAIMED]
    assert document.kind == "BLUE"
    assert document.buyer is not None
    assert (document.buyer.tax_id, document.buyer.name) == (BUYER, COMPANY_TITLE)
    assert [
        (line.label, line.tax_code, line.rate, line.quantity, line.total_fen) for line in document.lines
    ] == [
        ("*运输服务*公共汽车乘车费", BUS_CODE, "EXEMPT", 1, 200),
        ("*预付卡销售*交通卡充值", METRO_CODE, "NONTAXABLE", 1, 5000),
        ("*运输服务*地铁乘车费", METRO_CODE, 300, 3, 1663),
    ]
    assert [(trip.line, trip.scene, trip.topped_up, trip.fare_fen) for trip in document.trips] == [
        (2, "METRO", False, 333),
        (2, "METRO", False, 665),
        (0, "BUS", False, 200),
        (1, "METRO", True, 5000),
        (2, "METRO", False, 665),
    ]
    bus, ride = document.trips[2], document.trips[0]
    assert (bus.origin, bus.destination, bus.service) == ("岗厦", None, "M1")
    assert (ride.origin, ride.destination, ride.service) == ("石厦", "益田", "3号线")
    assert (document.net_fen, document.tax_fen, document.total_fen) == (200 + 5000 + 1615, 48, 6863)


def test_a_document_shows_what_was_issued_and_not_what_is_left(
    written: Written, documents: Documents
) -> None:
    parts = written[0].ledger.invoice_parts(CODE, CLAIMED)
    assert parts is not None
    assert {line["remaining_fen"] for line in parts["lines"]} == {0}
    assert documents[CODE, CLAIMED].total_fen == 6863


def test_a_red_letter_has_lines_only_where_something_fell(documents: Documents) -> None:
    document = documents[CODE, PARTLY_RED]
    assert document.original is not None
    assert (document.original.name, document.original.reason) == (
        documents[CODE, CLAIMED].name,
        "SERVICE_SUSPENSION",
    )
    assert document.original.hash == documents[CODE, CLAIMED].hash
    assert document.buyer == documents[CODE, CLAIMED].buyer
    assert [(line.label, line.quantity, line.total_fen) for line in document.lines] == [
        ("*运输服务*公共汽车乘车费", -1, -200),
        ("*运输服务*地铁乘车费", -1, -665),
    ]
    assert [(trip.line, trip.fare_fen, trip.identity) for trip in document.trips] == [
        (1, -665, payment_id("a")),
        (0, -200, payment_id("bus")),
    ]


def test_a_retitled_invoice_is_a_red_letter_and_a_new_invoice(documents: Documents) -> None:
    red, blue = documents[CODE, RETITLED_RED], documents[CODE, RETITLED]
    assert red.original is not None
    assert red.original.reason == "RETITLED"
    assert red.total_fen == -blue.total_fen == -5998
    assert [line.label for line in red.lines] == [line.label for line in blue.lines]
    assert (blue.buyer, red.buyer) == (None, documents[CODE, CLAIMED].buyer)
    assert [trip.identity for trip in blue.trips] == [trip.identity for trip in red.trips]
    assert {trip.booked_at_ms for trip in blue.trips} == {blue.issued_at_ms}


def test_a_refund_of_a_claimed_ride_is_part_of_its_line(documents: Documents) -> None:
    document = documents[DIGITAL_CODE, DIGITAL_RED]
    assert [(line.quantity, line.total_fen) for line in document.lines] == [(0, -65)]
    assert document.original is not None
    assert (document.original.number, document.original.reason) == (f"{UNKNOWN_TITLE:08d}", "SALES_RETURN")
    assert documents[CODE, REFUNDED].original is not None


def test_a_title_is_shown_where_the_store_opens_it(written: Written, documents: Documents) -> None:
    for number, name in (
        (CLAIMED, COMPANY_TITLE),
        (OF_A_PERSON, PERSON_TITLE),
        (OF_A_FORMULA, FORMULA_TITLE),
    ):
        buyer = documents[CODE, number].buyer
        assert buyer is not None
        assert buyer.name == name
    of_a_plate = documents[DIGITAL_CODE, UNKNOWN_TITLE].buyer
    assert of_a_plate is not None
    assert (of_a_plate.name, of_a_plate.tax_id) == (None, BUYER)


def without_titles(written: Written, code: str, number: int) -> InvoiceDocument:
    claims, place = written
    found = claims.ledger.invoice(code, number)
    assert found is not None
    document = reader(claims.ledger, place).document(found["height"], found["index"], found["record"])
    assert document is not None
    return document


def test_a_title_not_at_hand_is_said_with_its_commitment(written: Written, press: Press) -> None:
    document = without_titles(written, CODE, CLAIMED)
    assert document.buyer is not None
    assert document.buyer.title is not None
    said = f"title not at hand ({document.buyer.title.hex()[:16]}"
    assert missing(press.invoice(document), "抬头不在此处", said, BUYER) == []
    assert COMPANY_TITLE.encode() not in b"".join(of_one(name, press, document)[1] for name in ("ubl", "xml"))
    assert said in ubl.write(document).decode()
    fields = orjson.loads(as_json(document))
    assert fields["buyer"] == {"name": None, "tax_id": BUYER, "title": document.buyer.title.hex()}


def test_an_erased_title_is_not_at_hand(tmp_path: Path) -> None:
    claims = claims_of(tmp_path)
    with Store.open(tmp_path / "private" / "store.sqlite", KEK) as store:
        assert store.erase("subject-0") == 1
    titles = Titles(lambda: Store.open(tmp_path / "private" / "store.sqlite", KEK))
    found = claims.ledger.invoice(CODE, CLAIMED)
    assert found is not None
    reads = reader(claims.ledger, tmp_path, titles.text_of)
    document = reads.document(found["height"], found["index"], found["record"])
    titles.close()
    assert document is not None
    assert document.buyer == Buyer(BUYER, None, found["fields"]["title"])


def test_an_individual_without_a_title_is_one(press: Press, documents: Documents) -> None:
    assert missing(press.invoice(documents[CODE, RETITLED]), "个人") == []


# Formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ALL)
def test_every_format_of_every_kind_conforms(
    written: Written, documents: Documents, press: Press, which: tuple[str, int]
) -> None:
    document = documents[which]
    made = {name: of_one(name, press, document)[1] for name in ONE_EACH}
    assert broken(made["ubl"]) == []
    for name, flavour in (("pdf", "2b"), ("trips", "2b"), ("archive", "3b")):
        assert violations(made[name], flavour) == []
    read = einvoice_xml.read(made["xml"])
    assert read == document
    vkey = (written[1] / "public" / "vkey").read_text().strip()
    assert consistency.differences(read, vkey) == consistency.differences(read) == []
    fields = orjson.loads(made["json"])
    assert _core.verify_proof(orjson.dumps(fields["proof"]), vkey, [], 0)["hash"] == document.hash
    assert sum(trip["fare_fen"] for trip in fields["trips"]) == fields["total_fen"]
    posting = orjson.loads(made["posting"])["inv_ord_issuer"]
    assert posting["UniqueCodeOfInvoice"] == document.code + document.number


Change = Callable[[InvoiceDocument], InvoiceDocument]


def _buyer(tax_id: str | None, title: bytes | None) -> Change:
    return lambda document: dataclasses.replace(document, buyer=Buyer(tax_id, "x", title))


def _other_tax_code(document: InvoiceDocument) -> InvoiceDocument:
    first, *rest = document.lines
    return dataclasses.replace(document, lines=(dataclasses.replace(first, tax_code=METRO_CODE), *rest))


def _other_reason(document: InvoiceDocument) -> InvoiceDocument:
    assert document.original is not None
    original = dataclasses.replace(document.original, reason="ISSUE_ERROR")
    return dataclasses.replace(document, original=original)


@pytest.mark.parametrize(
    ("number", "change", "what"),
    [
        (CLAIMED, _buyer(SELLER, bytes(32)), "buyer"),
        (CLAIMED, lambda document: dataclasses.replace(document, buyer=None), "buyer"),
        (AUTOMATIC, _buyer("91440300708461136T", None), "buyer"),
        (CLAIMED, _other_tax_code, "lines"),
        (PARTLY_RED, _other_reason, "original"),
    ],
)
def test_the_checker_finds_what_the_record_does_not_say(
    documents: Documents, number: int, change: Change, what: str
) -> None:
    changed = change(documents[CODE, number])
    assert consistency.differences(changed) == [f"the proven record has another {what}"]


def test_a_red_letter_prints_original_and_reason_in_both_languages(
    press: Press, documents: Documents
) -> None:
    wanted = {
        PARTLY_RED: "红冲原因：服务中止 service suspended",
        RETITLED_RED: "红冲原因：换开 reissued under another title",
        REFUNDED: "红冲原因：销货退回 sales return",
    }
    for number, reason in wanted.items():
        document = documents[CODE, number]
        assert document.original is not None
        original = f"对应正数发票代码：{CODE} 号码：{document.original.number}"
        assert missing(press.invoice(document), "（红字）", "（负数）", original, reason) == []


def test_an_all_digital_invoice_has_a_number_of_twenty_digits_and_no_code(
    press: Press, documents: Documents
) -> None:
    document, red = documents[DIGITAL_CODE, DIGITAL], documents[DIGITAL_CODE, DIGITAL_RED]
    number = f"{DIGITAL_CODE}{DIGITAL:08d}"
    assert document.name == number
    pdf = press.invoice(document)
    assert missing(pdf, f"发票号码：{number}", "电子发票（普通发票）") == []
    text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert "发票代码" not in text
    assert missing(press.invoice(red), f"对应正数发票号码：{DIGITAL_CODE}{UNKNOWN_TITLE:08d}") == []
    assert scanning.older_line(document).startswith(f"01,32,,{number},6.65,20260301,,")
    assert f"<cbc:ID>{number}</cbc:ID>" in ubl.write(document).decode()


def test_the_trip_sheet_lists_every_trip_and_its_total_is_the_invoice_s(
    press: Press, documents: Documents
) -> None:
    sheet = press.trip_sheet(documents[CODE, CLAIMED])
    wanted = (
        "2026-02-27 至 2026-03-01",
        "公交",
        "岗厦",
        "充值",
        "50.00",
        "68.63",
        "陆拾捌圆陆角叁分",
        COMPANY_TITLE,
    )
    assert missing(sheet, *wanted) == []
    assert missing(press.trip_sheet(documents[CODE, PARTLY_RED]), "-8.65", "（负数）捌圆陆角伍分") == []


def test_tables_have_a_row_a_trip_and_a_row_a_line(documents: Documents) -> None:
    trips = tables.trip_rows(documents[CODE, CLAIMED])
    lines = tables.line_rows(documents[CODE, CLAIMED])
    assert [row["line"] for row in trips] == [3, 3, 1, 2, 3]
    assert [row["period"] for row in trips] == ["2026-02"] + ["2026-03"] * 4
    assert [row["event"] for row in trips].count("TOPPED_UP") == 1
    assert [(row["line"], row["rate"], row["total_fen"]) for row in lines] == [
        (1, "免税", 200),
        (2, "不征税", 5000),
        (3, "3%", 1663),
    ]
    (red, _) = tables.line_rows(documents[CODE, PARTLY_RED])
    assert (red["original"], red["reason"]) == (f"{CODE}-{CLAIMED:08d}", "SERVICE_SUSPENSION")
    for columns, rows in ((tables.TRIPS, trips), (tables.LINES, lines)):
        assert {column.name for column in columns} == set(rows[0])


def test_a_title_that_is_a_formula_runs_in_no_spreadsheet(documents: Documents) -> None:
    document = documents[CODE, OF_A_FORMULA]
    for rows, columns in (
        (tables.trip_rows(document), tables.TRIPS),
        (tables.line_rows(document), tables.LINES),
    ):
        assert rows[0]["buyer_name"] == FORMULA_TITLE
        assert f",'{FORMULA_TITLE}," in tables.as_csv(rows, columns).decode()


def test_a_declaration_is_what_the_ledger_s_books_say(written: Written, documents: Documents) -> None:
    declaration = Declaration()
    for document in documents.values():
        declaration.add(document)
    rows = declaration.rows()
    assert all(row["net_fen"] + row["tax_fen"] == row["total_fen"] for row in rows)
    totals = Counter[tuple[str, str]]()
    for row in rows:
        totals[row["period"], row["kind"]] += row["total_fen"]
    (issuer,) = written[0].ledger.registry()["issuers"]
    assert {month: (book["invoiced_fen"], book["red_fen"]) for month, book in issuer["months"].items()} == {
        month: (totals[month, "BLUE"], -totals[month, "RED"]) for month in ("2026-02", "2026-03")
    }
    line = documents[CODE, CLAIMED].lines[2]
    at_three = [row for row in rows if row["rate"] == 300 and row["kind"] == "BLUE"]
    assert next(row["net_fen"] for row in at_three) == 323
    assert line.net_fen == 1615
