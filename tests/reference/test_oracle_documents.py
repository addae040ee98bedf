"""Stories whose invoices all become documents; their totals are those of the ledger's books."""

from collections import Counter
from collections.abc import Callable

import pytest

from farechain.export import consistency, einvoice_xml
from farechain.export.declaration import Declaration
from farechain.export.reading import Reader, Shown
from farechain.export.selection import Place, Selection, walk

from . import stories, stories_books, stories_claim, stories_red
from .telling import Telling
from .twin import Story

TOLD = [
    story
    for story in stories.ALL
    if story.__module__ in {each.__name__ for each in (stories_books, stories_claim, stories_red)}
]


@pytest.mark.parametrize("tell", TOLD, ids=stories.name)
def test_documents_of_a_story_add_up_to_the_books(story: Story, tell: Callable[[Telling], None]) -> None:
    tell(story)
    ledger, declaration = story.ledger, Declaration()
    reader = Reader(ledger, Shown("", [], "https://x.example", demonstration=True), with_proofs=False)
    for place, record in walk(ledger, Selection(1, ledger.height), Place(1, 0)):
        document = reader.document(place.height, place.index, record)
        assert document is not None
        assert einvoice_xml.read(einvoice_xml.write(document)) == document
        # The buyers of stories have check digits of their own.
        assert [found for found in consistency.differences(document) if "tax id" not in found] == []
        declaration.add(document)
    totals = Counter[tuple[str, str, str]]()
    for row in declaration.rows():
        totals[row["seller"], row["period"], row["kind"]] += row["total_fen"]
    for issuer in ledger.registry()["issuers"]:
        for month, book in issuer["months"].items():
            booked = {"BLUE": book["invoiced_fen"], "RED": -book["red_fen"]}
            assert booked == {kind: totals[issuer["tax_id"], month, kind] for kind in booked}
