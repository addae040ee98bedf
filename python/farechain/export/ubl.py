"""The invoice as UBL 2.1 under EN 16931: an invoice (380), for a red letter a credit note (381).

A credit note says what is given back, so its amounts are positive. All was paid before the invoice, so
nothing is due. Exempt lines are category E with a reason; non-taxable ones are O where there are no others,
else E, for an O stands alone (BR-O-11). An individual buyer has a country only. A Chinese tax id has no
country prefix, so it stands as the registration for tax (BT-32), never as a VAT identifier.
"""

from typing import NamedTuple
from xml.etree.ElementTree import Element, register_namespace

from farechain._core import Rate
from farechain.export.amounts import local, percent, price, yuan
from farechain.export.document import Buyer, InvoiceDocument, Line, Party
from farechain.export.wording import REASONS, buyer_name
from farechain.export.xml_text import add, document

CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
ROOT = "{{urn:oasis:names:specification:ubl:schema:xsd:{0}-2}}{0}"
EN_16931 = "urn:cen.eu:en16931:2017"
CURRENCY = "CNY"
COUNTRY = "CN"
PAYMENT_MEANS = "ZZZ"
"""Agreed between the parties (UNTDID 4461): records do not say by which channel."""
UNIT = "C62"
"""One (UN/ECE recommendation 20): a ride, a stay, a visit."""
UNTAXED: dict[str, str] = {
    "EXEMPT": "免征增值税 exempt from VAT",
    "NONTAXABLE": "不征税 not subject to VAT",
}
"""Why a line has no tax."""
DEMONSTRATION = "演示文件，不是税务凭证 Demonstration, not a tax document"


class Category(NamedTuple):
    """A VAT category (UNCL5305) at its rate; category O has none."""

    code: str
    percent: str | None


for prefix, namespace in (
    ("cac", CAC[1:-1]),
    ("cbc", CBC[1:-1]),
    ("invoice", "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"),
    ("note", "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"),
):
    register_namespace(prefix, namespace)


def write(invoice: InvoiceDocument) -> bytes:
    """The UBL document."""
    kind = "CreditNote" if invoice.kind == "RED" else "Invoice"
    root = Element(ROOT.format(kind))
    _header(root, invoice, kind)
    _supplier(root, invoice.seller)
    _customer(root, invoice.buyer)
    means = add(root, f"{CAC}PaymentMeans")
    add(means, f"{CBC}PaymentMeansCode", PAYMENT_MEANS)
    _tax(root, invoice)
    _totals(root, invoice)
    for number, line in enumerate(invoice.lines, 1):
        _line(root, kind, number, line, _category_of(line.rate, invoice))
    return document(root)


def _header(root: Element, invoice: InvoiceDocument, kind: str) -> None:
    issued = local(invoice.issued_at_ms, invoice.utc_offset_min)
    add(root, f"{CBC}CustomizationID", EN_16931)
    add(root, f"{CBC}ID", invoice.name)
    add(root, f"{CBC}IssueDate", f"{issued:%Y-%m-%d}")
    add(root, f"{CBC}{kind}TypeCode", "381" if invoice.original else "380")
    notes = [f"farechain {invoice.chain} {invoice.height}/{invoice.index} {invoice.hash.hex()}"]
    if invoice.original:
        notes.append(f"红字 {REASONS[invoice.original.reason]}")
    if invoice.demonstration:
        notes.append(DEMONSTRATION)
    add(root, f"{CBC}Note", "; ".join(notes))
    add(root, f"{CBC}DocumentCurrencyCode", CURRENCY)
    if invoice.original:
        billing = add(root, f"{CAC}BillingReference")
        reference = add(billing, f"{CAC}InvoiceDocumentReference")
        add(reference, f"{CBC}ID", invoice.original.name)


def _supplier(root: Element, seller: Party) -> None:
    party = add(add(root, f"{CAC}AccountingSupplierParty"), f"{CAC}Party")
    _country(party)
    if seller.tax_id:
        scheme = add(party, f"{CAC}PartyTaxScheme")
        add(scheme, f"{CBC}CompanyID", seller.tax_id)
        add(add(scheme, f"{CAC}TaxScheme"), f"{CBC}ID", "USCC")
    _legal(party, seller.name, seller.tax_id)


def _customer(root: Element, buyer: Buyer | None) -> None:
    party = add(add(root, f"{CAC}AccountingCustomerParty"), f"{CAC}Party")
    _country(party)
    _legal(party, buyer_name(buyer), buyer.tax_id if buyer else None)


def _country(party: Element) -> None:
    country = add(add(party, f"{CAC}PostalAddress"), f"{CAC}Country")
    add(country, f"{CBC}IdentificationCode", COUNTRY)


def _legal(party: Element, name: str, tax_id: str | None) -> None:
    entity = add(party, f"{CAC}PartyLegalEntity")
    add(entity, f"{CBC}RegistrationName", name)
    if tax_id:
        add(entity, f"{CBC}CompanyID", tax_id)


def _tax(root: Element, invoice: InvoiceDocument) -> None:
    total = add(root, f"{CAC}TaxTotal")
    _amount(total, "TaxAmount", invoice.tax_fen)
    by_category: dict[Category, list[Line]] = {}
    for line in invoice.lines:
        by_category.setdefault(_category_of(line.rate, invoice), []).append(line)
    for category, lines in by_category.items():
        part = add(total, f"{CAC}TaxSubtotal")
        _amount(part, "TaxableAmount", sum(line.net_fen for line in lines))
        _amount(part, "TaxAmount", sum(line.tax_fen for line in lines))
        element = _category(part, "TaxCategory", category)
        # Each reason once, in the order of the lines.
        reasons = dict.fromkeys(UNTAXED[line.rate] for line in lines if isinstance(line.rate, str))
        if reasons:
            add(element, f"{CBC}TaxExemptionReason", "; ".join(reasons))
        _vat(element)


def _totals(root: Element, invoice: InvoiceDocument) -> None:
    totals = add(root, f"{CAC}LegalMonetaryTotal")
    _amount(totals, "LineExtensionAmount", invoice.net_fen)
    _amount(totals, "TaxExclusiveAmount", invoice.net_fen)
    _amount(totals, "TaxInclusiveAmount", invoice.total_fen)
    _amount(totals, "PrepaidAmount", invoice.total_fen)
    _amount(totals, "PayableAmount", 0)


def _line(root: Element, kind: str, number: int, line: Line, category: Category) -> None:
    element = add(root, f"{CAC}{kind}Line")
    add(element, f"{CBC}ID", str(number))
    quantity = "CreditedQuantity" if kind == "CreditNote" else "InvoicedQuantity"
    add(element, f"{CBC}{quantity}", str(abs(line.quantity) or 1), unitCode=UNIT)
    _amount(element, "LineExtensionAmount", line.net_fen)
    item = add(element, f"{CAC}Item")
    add(item, f"{CBC}Name", line.label)
    classification = add(item, f"{CAC}CommodityClassification")
    add(classification, f"{CBC}ItemClassificationCode", line.tax_code, listID="ZZZ")
    _vat(_category(item, "ClassifiedTaxCategory", category))
    net_price = price(line.price_e8) or yuan(abs(line.net_fen))
    add(add(element, f"{CAC}Price"), f"{CBC}PriceAmount", net_price, currencyID=CURRENCY)


def _category_of(rate: Rate, invoice: InvoiceDocument) -> Category:
    if isinstance(rate, int):
        return Category("S" if rate else "Z", percent(rate))
    if all(line.rate == "NONTAXABLE" for line in invoice.lines):
        return Category("O", None)
    return Category("E", "0")


def _category(parent: Element, name: str, category: Category) -> Element:
    element = add(parent, f"{CAC}{name}")
    add(element, f"{CBC}ID", category.code)
    if category.percent is not None:
        add(element, f"{CBC}Percent", category.percent)
    return element


def _vat(category: Element) -> None:
    add(add(category, f"{CAC}TaxScheme"), f"{CBC}ID", "VAT")


def _amount(parent: Element, name: str, amount_fen: int) -> None:
    add(parent, f"{CBC}{name}", yuan(abs(amount_fen)), currencyID=CURRENCY)
