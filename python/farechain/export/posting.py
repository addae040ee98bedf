"""What a bookkeeping program takes over, under the finance ministry's types for electronic vouchers.

``inv_ord_issuer`` is the electronic ordinary invoice as its issuer gives it (the twelve-digit code),
``einv_ord_receiver`` the receiver's view of an all-digital one, its posting open or as the ledger has it. The
members' names were seen in programs that handle these types, not in the ministry's own taxonomy: what is not
confirmed stands in ``unconfirmed``, and every value is text, as there.
"""

from typing import Any, NamedTuple

import orjson

from farechain.export.amounts import capitals, local, yuan
from farechain.export.document import InvoiceDocument
from farechain.export.wording import buyer_name

STANDARD = "电子凭证会计数据标准"
UNCONFIRMED = (
    "AccountingPeriod",
    "CheckCode",
    "NameOfBuyer",
    "NumberOfAccountingDocuments",
    "OriginalInvoice",
    "TaxIncludedAmountInWords",
)
"""Names made in the manner of the others."""


class Booked(NamedTuple):
    """Where an invoice is in the books: the voucher, and the period as ``YYYY-MM``."""

    voucher: str
    period: str


def write(invoice: InvoiceDocument, booked: Booked | None = None) -> bytes:
    """One JSON object with both views; ``booked`` is None while it is not posted."""
    issuer, receiver = _issuer(invoice), _receiver(invoice, booked)
    views = {
        "standard": STANDARD,
        "unconfirmed": [name for name in UNCONFIRMED if name in issuer or name in receiver],
        "inv_ord_issuer": issuer,
        "einv_ord_receiver": receiver,
    }
    return orjson.dumps(views, option=orjson.OPT_INDENT_2) + b"\n"


def _issuer(invoice: InvoiceDocument) -> dict[str, Any]:
    issued = local(invoice.issued_at_ms, invoice.utc_offset_min)
    return {
        "UniqueCodeOfInvoice": invoice.code + invoice.number,
        "NameOfSeller": invoice.seller.name,
        "TaxpayerIdentificationNumberUnifiedSocialCreditCodeOfSeller": invoice.seller.tax_id,
        "NameOfBuyer": buyer_name(invoice.buyer),
        "TotalAmountExcludingTax": yuan(invoice.net_fen),
        "TotalTaxAmount": yuan(invoice.tax_fen),
        "TaxIncludedAmountInFigures": yuan(invoice.total_fen),
        "TaxIncludedAmountInWords": capitals(invoice.total_fen),
        "DateOfIssue": f"{issued:%Y-%m-%d}",
        "WhetherInvoiceIsRedInvoice": invoice.kind == "RED",
        "OriginalInvoice": invoice.original.code + invoice.original.number if invoice.original else None,
        "CheckCode": invoice.check_code,
    }


def _receiver(invoice: InvoiceDocument, booked: Booked | None) -> dict[str, Any]:
    issued = local(invoice.issued_at_ms, invoice.utc_offset_min)
    buyer = invoice.buyer
    return {
        "InvoiceNumber": invoice.code + invoice.number,
        "SellerName": invoice.seller.name,
        "SellerIdNum": invoice.seller.tax_id,
        "TotalAmWithoutTax": yuan(invoice.net_fen),
        "TotalTaxAm": yuan(invoice.tax_fen),
        "TotalTax-includedAmount": yuan(invoice.total_fen),
        "RequestTime": f"{issued:%Y-%m-%d %H:%M:%S}",
        "NameOfAccountingEntity": buyer.name if buyer else None,
        "UnifiedSocialCreditCodeOfAccountingEntity": buyer.tax_id if buyer else None,
        "WhetherEinvoiceHasBeenBooked": booked is not None,
        "InformationOfAccountingDocumentsTuple": [_voucher(booked)] if booked else [],
    }


def _voucher(booked: Booked) -> dict[str, Any]:
    return {"NumberOfAccountingDocuments": booked.voucher, "AccountingPeriod": booked.period}
