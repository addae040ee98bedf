"""What stands in a PDF, and what a strict checker of PDF/A says of it."""

import io
import re

import pikepdf
import pypdf
from pikepdf import pdfa

TYPST_METADATA = "6.6.2.3.1"
"""Metadata that typst describes by extension schemas, which this checker cannot read (docs/documents.md)."""
NOT_CHECKED = ("CIDFontType0: CFF FDArray FontMatrix is not supported",)


def text_of(pdf: bytes) -> str:
    """What stands in it, without the white space that extraction puts between letters set apart."""
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    return re.sub(r"[\s\u200b]", "", text)


def pages_of(pdf: bytes) -> int:
    return len(pypdf.PdfReader(io.BytesIO(pdf)).pages)


def missing(pdf: bytes, *wanted: str) -> list[str]:
    """Which of these texts do not stand in it."""
    text = text_of(pdf)
    return [each for each in wanted if re.sub(r"\s", "", each) not in text]


def violations(pdf: bytes, flavour: str) -> list[str]:
    """What the checker says, but for what it says of every file that typst makes."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        findings = pdfa.check(opened, flavour).findings
    return [
        f"{finding.rule} {finding.where}: {finding.message}"
        for finding in findings
        if TYPST_METADATA not in finding.rule and finding.message not in NOT_CHECKED
    ]
