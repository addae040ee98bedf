"""The invoice as XML in the manner of the all-digital invoice (数电票), written, and read field for field.

Names up to ``TaxSupervisionInfo`` are those seen in published samples; no bureau is named and nothing is
signed in one's name. What such an invoice has no place for (ledger, trips, proof) stands in ``Farechain``.
Whoever reads one must not believe it: ``consistency`` says what does not fit together.
"""

import base64
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from farechain._core import Rate
from farechain.export.amounts import RATE_WORDS, capitals, local, price, yuan
from farechain.export.document import Buyer, Evidence, InvoiceDocument, Line, Original, Party, Trip
from farechain.export.wording import REASONS
from farechain.export.xml_text import add, document

TAG = "FARECHAIN"
VERSION = "1"
MAX_BYTES = 1024 * 1024
"""A hundred lines and 256 trips with the longest names stay below this."""
REASON_OF = {words.chinese: reason for reason, words in REASONS.items()}


class UnreadableError(ValueError):
    """The file is not such an invoice; the message says what is wrong. Reject it."""


def write(invoice: InvoiceDocument) -> bytes:
    """The XML document."""
    root = Element("EInvoice")
    _header(root, invoice)
    data = add(root, "EInvoiceData")
    _party(data, "Seller", invoice.seller.tax_id, invoice.seller.name)
    if invoice.buyer:
        _party(data, "Buyer", invoice.buyer.tax_id, invoice.buyer.name)
    basic = add(data, "BasicInformation")
    add(basic, "TotalAmWithoutTax", yuan(invoice.net_fen))
    add(basic, "TotalTaxAm", yuan(invoice.tax_fen))
    add(basic, "TotalTax-includedAmount", yuan(invoice.total_fen))
    add(basic, "TotalTax-includedAmountInChinese", capitals(invoice.total_fen))
    issued = local(invoice.issued_at_ms, invoice.utc_offset_min)
    add(basic, "RequestTime", f"{issued:%Y-%m-%d %H:%M:%S}")
    for line in invoice.lines:
        _line(data, line)
    if invoice.original:
        red = add(add(data, "SpecificInformation"), "RedEInvoice")
        add(red, "OriginalInvoiceCode", invoice.original.code + invoice.original.number)
        add(red, "Reason", REASONS[invoice.original.reason].chinese)
    supervision = add(root, "TaxSupervisionInfo")
    add(supervision, "InvoiceNumber", invoice.code + invoice.number)
    add(supervision, "IssueTime", f"{issued:%Y-%m-%d}")
    _ledger(root, invoice)
    return document(root)


def read(data: bytes) -> InvoiceDocument:
    """The invoice that ``write`` wrote. Raises ``UnreadableError``, for a document type too."""
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"more than {MAX_BYTES} bytes")
    try:
        # Decoded here, so that no declared encoding can hide anything from the parser's defences.
        root = fromstring(data.decode("utf-8"), forbid_dtd=True, forbid_entities=True, forbid_external=True)
        return _invoice(root)
    except DefusedXmlException as error:
        raise UnreadableError("a document type or an entity is not allowed here") from error
    except (ParseError, UnicodeDecodeError) as error:
        raise UnreadableError(f"not XML in UTF-8: {error}") from error
    except UnreadableError:
        raise
    except (ValueError, KeyError) as error:
        raise UnreadableError(str(error)) from error


def _header(root: Element, invoice: InvoiceDocument) -> None:
    header = add(root, "Header")
    add(header, "EIid", invoice.code + invoice.number)
    add(header, "EInvoiceTag", TAG)
    add(header, "Version", VERSION)
    labels = add(header, "InherentLabel")
    _label(labels, "InIssuType", "N" if invoice.original else "Y", "是否蓝字发票标志")
    _label(labels, "EInvoiceType", "01", "电子发票")
    _label(labels, "GeneralOrSpecialVAT", "02", "普通发票")


def _label(parent: Element, name: str, code: str, words: str) -> None:
    label = add(parent, name)
    add(label, "LabelCode", code)
    add(label, "LabelName", words)


def _party(data: Element, role: str, tax_id: str | None, name: str | None) -> None:
    information = add(data, f"{role}Information")
    if tax_id is not None:
        add(information, f"{role}IdNum", tax_id)
    if name is not None:
        add(information, f"{role}Name", name)


def _line(data: Element, line: Line) -> None:
    item = add(data, "IssuItemInformation")
    add(item, "ItemName", line.label)
    add(item, "Quantity", str(line.quantity))
    add(item, "UnPrice", price(line.price_e8))
    add(item, "Amount", yuan(line.net_fen))
    add(item, "TaxRate", _rate_text(line.rate))
    add(item, "ComTaxAm", yuan(line.tax_fen))
    add(item, "TotaltaxIncludedAmount", yuan(line.total_fen))
    add(item, "TaxClassificationCode", line.tax_code)


def _ledger(root: Element, invoice: InvoiceDocument) -> None:
    ledger = add(root, "Farechain")
    for name, value in (
        ("Demonstration", str(invoice.demonstration).lower()),
        ("Chain", invoice.chain),
        ("Height", str(invoice.height)),
        ("Index", str(invoice.index)),
        ("Hash", invoice.hash.hex()),
        ("CheckCode", invoice.check_code),
        ("IssuedAtMs", str(invoice.issued_at_ms)),
        ("UtcOffsetMin", str(invoice.utc_offset_min)),
        ("VerifyUrl", invoice.verify_url),
    ):
        add(ledger, name, value)
    if invoice.buyer and invoice.buyer.title:
        add(ledger, "BuyerTitle", invoice.buyer.title.hex())
    if invoice.original:
        add(ledger, "OriginalHash", invoice.original.hash.hex())
    for trip in invoice.trips:
        element = add(ledger, "Trip")
        add(element, "Line", str(trip.line + 1))
        add(element, "AtMs", str(trip.at_ms))
        add(element, "BookedAtMs", str(trip.booked_at_ms))
        add(element, "ToppedUp", str(trip.topped_up).lower())
        add(element, "Scene", trip.scene)
        add(element, "FareFen", str(trip.fare_fen))
        add(element, "Payment", trip.identity.hex())
        for name, place in (("From", trip.origin), ("To", trip.destination), ("Service", trip.service)):
            if place is not None:
                add(element, name, place)
    if invoice.evidence:
        evidence = add(ledger, "Evidence")
        add(evidence, "Origin", invoice.evidence.origin)
        add(evidence, "Size", str(invoice.evidence.size))
        add(evidence, "Root", invoice.evidence.root.hex())
        add(evidence, "Proof", base64.b64encode(invoice.evidence.proof).decode())


def _invoice(root: Element) -> InvoiceDocument:
    if root.tag != "EInvoice" or _text(root, "Header/EInvoiceTag") != TAG:
        raise UnreadableError("not an invoice that farechain wrote")
    number = _text(root, "Header/EIid")
    seller = _one(root, "EInvoiceData/SellerInformation")
    basic, ledger = _one(root, "EInvoiceData/BasicInformation"), _one(root, "Farechain")
    original = root.find("EInvoiceData/SpecificInformation/RedEInvoice")
    evidence = ledger.find("Evidence")
    invoice = InvoiceDocument(
        chain=_text(ledger, "Chain"),
        code=number[:-8],
        number=number[-8:],
        kind="BLUE" if _text(root, "Header/InherentLabel/InIssuType/LabelCode") == "Y" else "RED",
        hash=bytes.fromhex(_text(ledger, "Hash")),
        issued_at_ms=int(_text(ledger, "IssuedAtMs")),
        utc_offset_min=int(_text(ledger, "UtcOffsetMin")),
        seller=Party(_text(seller, "SellerName"), _optional(seller, "SellerIdNum")),
        buyer=_read_buyer(root.find("EInvoiceData/BuyerInformation"), _optional(ledger, "BuyerTitle")),
        lines=tuple(_read_line(item) for item in root.iterfind("EInvoiceData/IssuItemInformation")),
        trips=tuple(_read_trip(trip) for trip in ledger.iterfind("Trip")),
        net_fen=_fen(_text(basic, "TotalAmWithoutTax")),
        tax_fen=_fen(_text(basic, "TotalTaxAm")),
        total_fen=_fen(_text(basic, "TotalTax-includedAmount")),
        height=int(_text(ledger, "Height")),
        index=int(_text(ledger, "Index")),
        original=None if original is None else _read_original(original, ledger),
        evidence=None if evidence is None else _read_evidence(evidence),
        demonstration=_text(ledger, "Demonstration") == "true",
        verify_url=_text(ledger, "VerifyUrl"),
    )
    for path, derived in (
        ("EInvoiceData/BasicInformation/TotalTax-includedAmountInChinese", capitals(invoice.total_fen)),
        ("TaxSupervisionInfo/InvoiceNumber", number),
        ("Farechain/CheckCode", invoice.check_code),
    ):
        if _text(root, path) != derived:
            raise UnreadableError(f"{path} does not fit what it is derived from")
    return invoice


def _read_buyer(information: Element | None, title: str | None) -> Buyer | None:
    if information is None:
        if title is not None:
            raise UnreadableError("a title without a buyer")
        return None
    commitment = None if title is None else bytes.fromhex(title)
    return Buyer(_optional(information, "BuyerIdNum"), _optional(information, "BuyerName"), commitment)


def _read_line(item: Element) -> Line:
    _, short_name, name = _text(item, "ItemName").split("*", 2)
    return Line(
        tax_code=_text(item, "TaxClassificationCode"),
        short_name=short_name,
        item=name,
        rate=_rate(_text(item, "TaxRate")),
        quantity=int(_text(item, "Quantity")),
        net_fen=_fen(_text(item, "Amount")),
        tax_fen=_fen(_text(item, "ComTaxAm")),
        total_fen=_fen(_text(item, "TotaltaxIncludedAmount")),
    )


def _read_trip(trip: Element) -> Trip:
    return Trip(
        at_ms=int(_text(trip, "AtMs")),
        booked_at_ms=int(_text(trip, "BookedAtMs")),
        scene=_text(trip, "Scene"),
        fare_fen=int(_text(trip, "FareFen")),
        identity=bytes.fromhex(_text(trip, "Payment")),
        origin=_optional(trip, "From"),
        destination=_optional(trip, "To"),
        service=_optional(trip, "Service"),
        line=int(_text(trip, "Line")) - 1,
        topped_up=_text(trip, "ToppedUp") == "true",
    )


def _read_original(red: Element, ledger: Element) -> Original:
    number = _text(red, "OriginalInvoiceCode")
    digest = bytes.fromhex(_text(ledger, "OriginalHash"))
    return Original(number[:-8], number[-8:], digest, REASON_OF[_text(red, "Reason")])


def _read_evidence(evidence: Element) -> Evidence:
    return Evidence(
        origin=_text(evidence, "Origin"),
        size=int(_text(evidence, "Size")),
        root=bytes.fromhex(_text(evidence, "Root")),
        proof=base64.b64decode(_text(evidence, "Proof"), validate=True),
    )


def _one(parent: Element, path: str) -> Element:
    found = parent.findall(path)
    if len(found) != 1:
        raise UnreadableError(f"{path} occurs {len(found)} times")
    return found[0]


def _text(parent: Element, path: str) -> str:
    return _one(parent, path).text or ""


def _optional(parent: Element, path: str) -> str | None:
    return None if parent.find(path) is None else _text(parent, path)


def _fen(text: str) -> int:
    whole, _, decimals = text.removeprefix("-").partition(".")
    if not (whole.isdecimal() and decimals.isdecimal() and len(decimals) == 2 and text.isascii()):
        raise UnreadableError(f"{text!r} is not an amount with two decimals")
    fen = int(whole) * 100 + int(decimals)
    return -fen if text.startswith("-") else fen


def _rate_text(rate: Rate) -> str:
    if isinstance(rate, str):
        return RATE_WORDS[rate]
    return f"0.{rate:04d}" if rate < 10_000 else "1.0000"


def _rate(text: str) -> Rate:
    if text == RATE_WORDS["EXEMPT"]:
        return "EXEMPT"
    if text == RATE_WORDS["NONTAXABLE"]:
        return "NONTAXABLE"
    whole, _, decimals = text.partition(".")
    if not (text.isascii() and whole.isdecimal() and decimals.isdecimal() and len(decimals) == 4):
        raise UnreadableError(f"{text!r} is no tax rate")
    return int(whole) * 10_000 + int(decimals)
