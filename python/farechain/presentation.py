"""A holder's presentation of an invoice as one line of text, for a QR code or a message to the clerk.

FC1:144032609110-1:91440300MA9FC001XP:<86 characters of base64url>:2026-03-0001

It names the invoice, the company that it is presented to, the holder's signature (``Party.present``) and the
claim. Whoever copies it can do nothing with it: it is good for this company and this claim alone.
"""

import base64
import binascii
import re
from typing import NamedTuple

from farechain.errors import FarechainError
from farechain.orders import Invoice

SIGNATURE_BYTES = 64
TEXT_MAX = 192
"""The longest has 164 characters; a line that was broken in a message has some more."""
_FORM = re.compile(
    r"FC1:(?P<code>[0-9]{12})-(?P<number>[1-9][0-9]{0,7}):(?P<reimburser>[0-9A-HJ-NPQRTUWXY]{18})"
    r":(?P<signature>[0-9A-Za-z_-]{86}):(?P<claim_id>[!-~]{1,32})",
    re.ASCII,
)


class Presentation(NamedTuple):
    """What a holder hands over.

    Attributes:
        invoice: its code and number.
        reimburser: the tax id of the company that it is presented to.
        claim_id: the company's claim, 1-32 of ``!``..``~``.
        signature: the holder's, 64 bytes; ``LOCK`` takes it as ``presentation``.
    """

    invoice: Invoice
    reimburser: str
    claim_id: str
    signature: bytes


def encode(presentation: Presentation) -> str:
    """The line of text. Raises ``ValueError`` for a member of another form."""
    invoice, reimburser, claim_id, signature = presentation
    packed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    text = f"FC1:{invoice.code}-{invoice.number}:{reimburser}:{packed}:{claim_id}"
    if len(signature) != SIGNATURE_BYTES or not _FORM.fullmatch(text):
        raise ValueError("a member of the presentation has another form")
    return text


def decode(text: str) -> Presentation:
    """What a line of text says; white space is left out, for messages break long lines.

    Nothing is verified here: the ledger does it when the invoice is locked.

    Raises:
        FarechainError: ``E_PRESENTATION``: it is no presentation; ask for it again.
    """
    found = _FORM.fullmatch("".join(text.split())) if len(text) <= TEXT_MAX else None
    if found is None:
        raise _refused()
    try:
        signature = base64.b64decode(found["signature"] + "==", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise _refused() from error
    presented = Presentation(
        Invoice(found["code"], int(found["number"])), found["reimburser"], found["claim_id"], signature
    )
    if encode(presented) != "".join(text.split()):
        # Bits behind the last byte: two texts must not be one presentation.
        raise _refused()
    return presented


def _refused() -> FarechainError:
    return FarechainError(
        "E_PRESENTATION", "this is no presentation of an invoice: FC1:… as the holder got it"
    )
