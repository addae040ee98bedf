"""A presentation as text: what a passenger sends is what a LOCK needs, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farechain.errors import FarechainError
from farechain.orders import Invoice
from farechain.party import Party
from farechain.presentation import TEXT_MAX, Presentation, decode, encode

CODE, COMPANY = "144032609110", "91440300MA9FC001XP"
HOLDER = Party(tax_id=COMPANY, seed=b"\6" * 32, network="shenzhen")
CLAIM_IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=32)


def presented(number: int = 1, claim_id: str = "2026-03-0001") -> Presentation:
    signature = HOLDER.present(Invoice(CODE, number), COMPANY, claim_id)
    return Presentation(Invoice(CODE, number), COMPANY, claim_id, signature)


@given(number=st.integers(1, 99_999_999), claim_id=CLAIM_IDS)
def test_decoding_gives_back_what_was_encoded(number: int, claim_id: str) -> None:
    text = encode(presented(number, claim_id))
    assert decode(text) == presented(number, claim_id)
    assert len(text) <= 164


def test_the_text_is_one_line_that_a_qr_code_and_a_message_carry() -> None:
    text = encode(presented())
    assert text.startswith(f"FC1:{CODE}-1:{COMPANY}:")
    assert text.endswith(":2026-03-0001")
    assert decode(f"  {text[:70]}\r\n{text[70:]}\n") == presented()


def changed(text: str) -> list[str]:
    head, code, company, signature, claim = text.split(":")
    parts = [
        ("FC2", code, company, signature, claim),
        (head, f"{CODE}-0", company, signature, claim),
        (head, f"{CODE}-00000001", company, signature, claim),
        (head, f"{CODE}-123456789", company, signature, claim),
        (head, "14403260911-1", company, signature, claim),
        (head, code, company[:-1], signature, claim),
        (head, code, company, signature[:-1], claim),
        (head, code, company, signature[:-1] + "=", claim),
        (head, code, company, signature[:-1] + "_", claim),
        (head, code, company, signature, ""),
        (head, code, company, signature, "c" * 33),
        (head, code, company, signature, "报销"),
    ]
    return [":".join(each) for each in parts]


@pytest.mark.parametrize("text", ["", "FC1", "http://example.org", *changed(encode(presented()))])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(FarechainError) as refused:
        decode(text)
    assert refused.value.code == "E_PRESENTATION"


def test_a_long_text_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(FarechainError):
        decode(encode(presented()) + " " * TEXT_MAX)


@pytest.mark.parametrize(
    "wrong",
    [
        presented()._replace(signature=b"\0" * 63),
        presented()._replace(claim_id="with space"),
        presented()._replace(reimburser="91440300MA9FC001X"),
        presented()._replace(invoice=Invoice(CODE, 0)),
    ],
)
def test_no_text_is_made_of_members_of_another_form(wrong: Presentation) -> None:
    with pytest.raises(ValueError, match="another form"):
        encode(wrong)
