"""What stands on the sheets of an invoice and of its trips: every text, ready to be set.

The templates beside this file place it; they compute nothing.
"""

from typing import Any

from farechain.export import scanning
from farechain.export.amounts import NO_TAX, capitals, local, price, rate, yuan
from farechain.export.document import Buyer, InvoiceDocument, Line, Original, Party, Trip, is_all_digital
from farechain.export.wording import REASONS, buyer_name

HEADING = "电子普通发票"
ALL_DIGITAL_HEADING = "电子发票（普通发票）"
RED_HEADING = "（红字）"
SCENES = {
    "METRO": "地铁",
    "BUS": "公交",
    "AIRPORT_COACH": "机场巴士",
    "TAXI": "出租车",
    "PARKING": "停车",
    "SCENIC": "景区",
}
"""Scenes as the trip sheet names them; another is shown as its code."""
TOP_UP = "充值"


def face(document: InvoiceDocument) -> dict[str, Any]:
    """The texts of ``invoice.typ``."""
    evidence = document.evidence
    heading = ALL_DIGITAL_HEADING if document.is_all_digital else HEADING
    heading += RED_HEADING if document.original else ""
    return {
        **_shared(document),
        "title": f"{heading} {document.name}",
        "heading": heading,
        "red": document.kind == "RED",
        "check": document.check_code,
        "lines": [_row(line) for line in document.lines],
        "net": f"¥{yuan(document.net_fen)}",
        "tax": f"¥{yuan(document.tax_fen)}" if any(line.is_taxed for line in document.lines) else NO_TAX,
        "total": f"¥{yuan(document.total_fen)}",
        "remarks": _remarks(document),
        "chain": document.chain,
        "height": f"{document.height}",
        "index": f"{document.index}",
        "hash": document.hash.hex(),
        "older": scanning.older_line(document),
        "origin": evidence.origin if evidence else "",
        "size": f"{evidence.size}" if evidence else "",
        "root": evidence.root.hex() if evidence else "",
    }


def trip_sheet(document: InvoiceDocument) -> dict[str, Any]:
    """The texts of ``trips.typ``."""
    days = [local(trip.at_ms, document.utc_offset_min) for trip in document.trips]
    first, last = f"{min(days):%Y-%m-%d}", f"{max(days):%Y-%m-%d}"
    return {
        **_shared(document),
        "title": f"行程单 {document.name}",
        "period": first if first == last else f"{first} 至 {last}",
        "trips": [_trip(trip, document.utc_offset_min) for trip in document.trips],
        "total": yuan(document.total_fen),
    }


def _shared(document: InvoiceDocument) -> dict[str, Any]:
    issued = local(document.issued_at_ms, document.utc_offset_min)
    return {
        **_numbered(document),
        "date": f"{issued:%Y年%m月%d日}",
        "seller": _party(document.seller),
        "buyer": _buyer(document.buyer),
        "capitals": capitals(document.total_fen),
        "demonstration": document.demonstration,
    }


def _numbered(invoice: InvoiceDocument | Original) -> dict[str, str]:
    """Code and number as they are printed: an all-digital invoice has a number alone."""
    if is_all_digital(invoice.code):
        return {"code": "", "number": invoice.code + invoice.number}
    return {"code": invoice.code, "number": invoice.number}


def _party(party: Party) -> dict[str, str]:
    return {"name": party.name, "tax_id": party.tax_id or ""}


def _buyer(buyer: Buyer | None) -> dict[str, str]:
    return {"name": buyer_name(buyer), "tax_id": (buyer and buyer.tax_id) or ""}


def _row(line: Line) -> dict[str, Any]:
    quantity = "" if line.quantity == 0 else f"{line.quantity}"
    tax = yuan(line.tax_fen) if line.is_taxed else NO_TAX
    cells = [quantity, price(line.price_e8), yuan(line.net_fen), rate(line.rate), tax]
    return {"label": line.label, "cells": cells}


def _trip(trip: Trip, utc_offset_min: int) -> list[str]:
    when = f"{local(trip.at_ms, utc_offset_min):%Y-%m-%d %H:%M}"
    places = [trip.origin or "—", trip.destination or "—", trip.service or "—"]
    return [when, _what(trip), *places, yuan(trip.fare_fen)]


def _what(trip: Trip) -> str:
    return TOP_UP if trip.topped_up else SCENES.get(trip.scene, trip.scene)


def _remarks(document: InvoiceDocument) -> list[str]:
    remarks = []
    if document.original:
        original = _numbered(document.original)
        code = f"代码：{original['code']} " if original["code"] else ""
        remarks.append(f"对应正数发票{code}号码：{original['number']}")
        remarks.append(f"红冲原因：{REASONS[document.original.reason]}")
    if len(document.trips) == 1:
        remarks.append(_itinerary(document.trips[0], document.utc_offset_min))
    else:
        remarks.append(f"共 {len(document.trips)} 次行程，明细见行程单")
    if document.evidence:
        evidence = document.evidence
        remarks.append(f"检查点 {evidence.origin} {evidence.size}：{evidence.root.hex()[:16]}…")
    return remarks


def _itinerary(trip: Trip, utc_offset_min: int) -> str:
    when = f"{local(trip.at_ms, utc_offset_min):%Y-%m-%d %H:%M}"
    way = " → ".join(place for place in (trip.origin, trip.destination) if place)
    return " ".join(part for part in (when, _what(trip), trip.service, way) if part)
