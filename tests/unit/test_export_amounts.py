"""Amounts as they are printed, and the lines that scanners read: known answers."""

import base64
import io
import re
from typing import Any

import pytest
import zxingcpp
from export_documents import evidence, invoice, line, trip
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from farechain import _core
from farechain.export import amounts, naming, qr, scanning
from farechain.export.document import Buyer, InvoiceDocument


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (2965950, "贰万玖仟陆佰伍拾玖圆伍角整"),
        (613250, "陆仟壹佰叁拾贰圆伍角整"),
        (1009600, "壹万零玖拾陆圆整"),
        (-50000, "（负数）伍佰圆整"),
        (0, "零圆整"),
        (5, "伍分"),
        (60, "陆角整"),
        (1005, "壹拾圆零伍分"),
        (665, "陆圆陆角伍分"),
        (100_000_000_00, "壹亿圆整"),
        (100_010_000_00, "壹亿零壹万圆整"),
        (10_500_000_00, "壹仟零伍拾万圆整"),
        (120_000_003_00, "壹亿贰仟万零叁圆整"),
        (2**53 - 1, "玖拾兆零柒佰壹拾玖亿玖仟贰佰伍拾肆万柒仟肆佰零玖圆玖角壹分"),
    ],
)
def test_capitals(fen: int, words: str) -> None:
    assert amounts.capitals(fen) == words


@given(st.integers(min_value=0, max_value=2**53 - 1), st.integers(min_value=0, max_value=2**53 - 1))
def test_no_two_amounts_have_the_same_capitals(one: int, other: int) -> None:
    assert (amounts.capitals(one) == amounts.capitals(other)) == (one == other)


@given(st.integers(min_value=1, max_value=2**53 - 1))
def test_capitals_have_no_two_gaps_in_a_row_and_none_at_the_end(fen: int) -> None:
    words = amounts.capitals(fen)
    assert "零零" not in words
    assert "零圆" not in words
    assert words[-1] in "整分"


def test_capitals_end_somewhere() -> None:
    with pytest.raises(ValueError, match="capitals"):
        amounts.capitals(10**18)


@pytest.mark.parametrize(
    ("fields", "crc"),
    [
        ("01,10,044031700111,07381346,154.37,20170828,53228432521674497387,", "B835"),
        ("01,32,,26427000000375586818,10.70,20260430,,", "FAFB"),
    ],
)
def test_the_older_line_ends_in_its_crc(fields: str, crc: str) -> None:
    assert scanning.sealed_line(fields) == f"{fields}{crc},"


def test_the_older_line_of_an_all_digital_invoice() -> None:
    fields = "01,32,,26440310000000000042,6.00,20260301,,"
    assert scanning.older_line(invoice(code="264403100000")) == scanning.sealed_line(fields)


def test_a_line_names_what_its_payments_were_for() -> None:
    metro = "3010101020202000000"
    ride, bus, taxi = ("METRO", False), ("BUS", False), ("TAXI", False)
    assert naming.line_name(metro, [ride, ride]) == ("运输服务", "地铁乘车费")
    assert naming.line_name(metro, [ride, bus, ride]) == ("运输服务", "地铁乘车费、公共汽车乘车费")
    assert naming.line_name(metro, [ride, bus, taxi, ("FERRY", False)])[1].endswith("、出租汽车乘车费等")
    assert naming.line_name(metro, [("METRO", True)] * 2) == ("预付卡销售", "交通卡充值")
    assert naming.line_name(metro, [("METRO", True), ride]) == ("运输服务", "交通卡充值、地铁乘车费")
    assert naming.line_name("9" * 19, [("FERRY", False)]) == ("生活服务", "FERRY")


def test_a_buyer_is_someone() -> None:
    with pytest.raises(ValueError, match="a tax id or a title"):
        Buyer()


def test_the_older_line_of_an_invoice() -> None:
    assert scanning.older_line(invoice()) == scanning.sealed_line(
        "01,10,144032609110,00000042,5.83,20260301,d1e1f,"
    )


@pytest.mark.parametrize(
    ("total", "rate", "net", "tax"),
    [
        (429900, 1300, 380442, 49458),
        (50000, 100, 49505, 495),
        (600, 300, 583, 17),
        (665, 300, 646, 19),
        (1000, 900, 917, 83),
    ],
)
def test_tax(total: int, rate: int, net: int, tax: int) -> None:
    assert _core.split_tax(total, rate) == (net, tax)


def test_prices_and_rates_are_printed_without_zeros() -> None:
    assert amounts.price(line(600).price_e8) == "1.9433333333"
    assert amounts.price(line(200, quantity=1).price_e8) == "1.94"
    assert amounts.price(line(-600, quantity=0).price_e8) == ""
    assert [amounts.rate(each) for each in (300, 150, 0, 1300)] == ["3%", "1.5%", "0%", "13%"]
    assert [amounts.rate("EXEMPT"), amounts.rate("NONTAXABLE")] == ["免税", "不征税"]
    assert amounts.yuan(-5) == "-0.05"


def drawn(svg: str) -> Any:
    """The picture of a code that is drawn by runs of modules, each three pixels wide."""
    side = int(re.findall(r'viewBox="0 0 (\d+)', svg)[0]) * 3
    pixels = bytearray(b"\xff" * side**2)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", svg):
        for row in range(int(y) * 3, int(y) * 3 + 3):
            start = row * side + int(x) * 3
            pixels[start : start + int(width) * 3] = bytes(int(width) * 3)
    return memoryview(pixels).cast("B", (side, side))


def scanned(picture: Any) -> list[str]:
    """What a reader sees."""
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def test_the_code_on_the_face_is_read() -> None:
    address = scanning.verify_address(invoice())
    hexadecimal = bytes(range(32)).hex()
    assert address == (
        f"https://invoices.example/v/scan?hash={hexadecimal}&bill_num=00000042&total_amount=600"
    )
    assert scanned(drawn(qr.svg(address))) == [address]
    red = scanning.verify_address(invoice(line(-600)))
    assert red.endswith("total_amount=600")


def test_the_proof_in_a_code_is_read_and_stays_in_the_fragment() -> None:
    document = invoice(evidence=evidence(1750))
    address = scanning.proof_address(document)
    assert address is not None
    assert scanned(Image.open(io.BytesIO(qr.png(address)))) == [address]
    before, fragment = address.split("#proof=")
    assert before == "https://invoices.example/"
    padded = fragment + "=" * (-len(fragment) % 8)
    assert document.evidence is not None
    assert base64.b32decode(padded) == document.evidence.proof
    assert scanning.proof_address(invoice()) is None


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"lines": ()}, "1 to 100 lines"),
        ({"lines": (line(),) * 101}, "1 to 100 lines"),
        ({"total_fen": 601}, "total_fen is not the sum"),
        ({"net_fen": 584}, "net_fen is not the sum"),
        ({"kind": "RED"}, "names its original"),
        ({"trips": invoice(line(599)).trips}, "trips do not add up"),
        ({"trips": ()}, "1 to 256 trips"),
        ({"trips": invoice().trips * 257}, "1 to 256 trips"),
        ({"trips": (trip(600, 1),)}, "no line 2"),
    ],
)
def test_an_invoice_that_does_not_add_up_cannot_be_made(changes: dict[str, object], what: str) -> None:
    fields = {name: getattr(invoice(), name) for name in InvoiceDocument.__dataclass_fields__}
    with pytest.raises(ValueError, match=what):
        InvoiceDocument(**{**fields, **changes})
