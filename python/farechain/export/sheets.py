"""What stands on the sheets of an invoice and of its trips: every text, ready to be set.

The templates beside this file place it; they compute nothing.
"""

from typing import Any

from farechain.export import scanning
from farechain.export.amounts import NO_TAX, capitals, local, price, rate, yuan
from farechain.export.document import InvoiceDocument, Line, Party, Trip

HEADING = {"BLUE": "电子普通发票", "RED": "电子普通发票（红字）"}
INDIVIDUAL = "个人"
SCENES = {
    "METRO": "地铁",
    "BUS": "公交",
    "AIRPORT_COACH": "机场巴士",
    "TAXI": "出租车",
    "PARKING": "停车",
    "SCENIC": "景区",
}
"""Scenes as the trip sheet names them; another is shown as its code."""


def face(document: InvoiceDocument) -> dict[str, Any]:
    """The texts of ``invoice.typ``."""
    evidence = document.evidence
    return {
        **_shared(document),
        "title": f"{HEADING[document.kind]} {document.code} {document.number}",
        "heading": HEADING[document.kind],
        "red": document.kind == "RED",
        "check": document.check_code,
        "buyer": _party(document.buyer),
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
        "title": f"行程单 {document.code} {document.number}",
        "period": first if first == last else f"{first} 至 {last}",
        "trips": [_trip(trip, document.utc_offset_min) for trip in document.trips],
        "total": yuan(document.total_fen),
    }


def _shared(document: InvoiceDocument) -> dict[str, Any]:
    issued = local(document.issued_at_ms, document.utc_offset_min)
    return {
        "code": document.code,
        "number": document.number,
        "date": f"{issued:%Y年%m月%d日}",
        "seller": _party(document.seller),
        "capitals": capitals(document.total_fen),
        "demonstration": document.demonstration,
    }


def _party(party: Party | None) -> dict[str, str]:
    if party is None:
        return {"name": INDIVIDUAL, "tax_id": ""}
    return {"name": party.name, "tax_id": party.tax_id or ""}


def _row(line: Line) -> dict[str, Any]:
    quantity = "" if line.quantity == 0 else f"{line.quantity}"
    tax = yuan(line.tax_fen) if line.is_taxed else NO_TAX
    cells = [quantity, price(line.price_e8), yuan(line.net_fen), rate(line.rate), tax]
    return {"label": line.label, "cells": cells}


def _trip(trip: Trip, utc_offset_min: int) -> list[str]:
    when = f"{local(trip.at_ms, utc_offset_min):%Y-%m-%d %H:%M}"
    places = [trip.origin or "—", trip.destination or "—", trip.service or "—"]
    return [when, SCENES.get(trip.scene, trip.scene), *places, yuan(trip.fare_fen)]


def _remarks(document: InvoiceDocument) -> list[str]:
    remarks = []
    if document.original:
        original = document.original
        remarks.append(f"对应正数发票代码：{original.code} 号码：{original.number}")
        remarks.append(f"红冲原因：{original.reason}")
    if len(document.trips) == 1:
        remarks.append(_itinerary(document.trips[0], document.utc_offset_min))
    elif document.trips:
        remarks.append(f"共 {len(document.trips)} 次行程，明细见行程单")
    if document.evidence:
        evidence = document.evidence
        remarks.append(f"检查点 {evidence.origin} {evidence.size}：{evidence.root.hex()[:16]}…")
    return remarks


def _itinerary(trip: Trip, utc_offset_min: int) -> str:
    when = f"{local(trip.at_ms, utc_offset_min):%Y-%m-%d %H:%M}"
    way = " → ".join(place for place in (trip.origin, trip.destination) if place)
    return " ".join(part for part in (when, SCENES.get(trip.scene, trip.scene), trip.service, way) if part)
