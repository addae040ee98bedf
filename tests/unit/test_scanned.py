"""What a clerk scans or pastes is read in every form that documents and holders give it, and nothing else."""

import pytest

from farechain import _core
from farechain.client import Invoice, Party
from farechain.export.scanning import sealed_line
from farechain.pages.clerk.scanned import Scan, read_line, read_lines
from farechain.presentation import Presentation, encode

CODE, COMPANY = "144032609110", "91110000600037341L"
HASH = "ab" * 32
HOLDER = Party(tax_id="", seed=b"\5" * 32, network="shenzhen")
SHOWN = encode(
    Presentation(Invoice(CODE, 7), COMPANY, "C,1", HOLDER.present(Invoice(CODE, 7), COMPANY, "C,1"))
)


def unread(text: str) -> str | None:
    scan = read_line(text)
    return scan.unread.en if scan.unread else None


def test_a_code_on_a_document_says_hash_number_and_amount() -> None:
    scan = read_line(f"https://Host.test:8800/sub/v/scan?hash={HASH}&bill_num=00000007&total_amount=665")
    assert (scan.hash, scan.host) == (bytes.fromhex(HASH), "host.test:8800")
    assert scan.said == {"number": "7", "total_fen": "665"}
    assert scan.is_seen


@pytest.mark.parametrize(
    "text",
    [
        f"https://h.test/v/scan?hash={HASH[:-1]}&bill_num=1&total_amount=1",
        f"https://h.test/v/scan?hash={HASH}&bill_num=1",
        f"https://h.test/v/scan?hash={HASH}&bill_num=1&total_amount={'9' * 17}",
        "https://h.test/#proof=AAAA",
        f"https://h.test/v/scan?hash={HASH}&bill_num=1&total_amount=-1",
        f"https://h.test/v/scan?hash={HASH}&bill_num=１&total_amount=1",
    ],
)
def test_another_address_is_no_code(text: str) -> None:
    assert unread(text) == "a QR code's address without hash, number and amount as they belong"


def test_the_older_line_is_read_if_its_crc_holds() -> None:
    line = sealed_line(f"01,10,{CODE},00000007,6.46,20260301,1a2b3,")
    scan = read_line(line)
    assert scan.invoice == Invoice(CODE, 7)
    assert scan.said == {"net_fen": "646", "day": "20260301", "check_code": "1a2b3"}
    assert read_line(line.rstrip(",")).invoice == scan.invoice
    assert unread(line.replace("6.46", "6.47")) == "its CRC is wrong: scanned badly or altered"
    digital = read_line("01,32,,26427000000375586818,10.70,20260430,,FAFB,")
    assert digital.invoice == Invoice("264270000003", 75586818)
    assert digital.said == {"total_fen": "1070", "day": "20260430"}


@pytest.mark.parametrize(
    ("text", "invoice"),
    [
        (f"{CODE}-00000007", Invoice(CODE, 7)),
        (f"{CODE} 7", Invoice(CODE, 7)),
        ("１４４０３２６０９１１０－７", Invoice(CODE, 7)),
        (f"{CODE},00000007,6.65", Invoice(CODE, 7)),
        (f"x;'{CODE};'7;y", Invoice(CODE, 7)),
        (f"a\t{CODE}-7\tb", Invoice(CODE, 7)),
        ("26427000000375586818", Invoice("264270000003", 75586818)),
        (SHOWN, Invoice(CODE, 7)),
        (f'1,"{SHOWN}",x', Invoice(CODE, 7)),
    ],
)
def test_numbers_are_read_alone_and_in_tables(text: str, invoice: Invoice) -> None:
    assert read_line(text).invoice == invoice
    assert read_line(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "https://[/v/scan?hash=1",
        "https://",
        f"https://h.test/v/other?hash={HASH}&bill_num=1",
        "=cmd()",
        f"{CODE}-0",
        f"{CODE}-123456789",
        "FC1:",
        SHOWN[:-5] + "\u202e",
        "\0",
        "🚇" * 5000,
        '"',
    ],
)
def test_anything_else_is_told_and_reads_as_nothing(text: str) -> None:
    scan = read_line(text)
    assert scan.unread is not None
    assert (scan.invoice, scan.hash, scan.presentation) == (None, None, None)


def test_a_presentation_names_company_and_claim() -> None:
    shown = read_line(SHOWN).presentation
    assert shown is not None
    assert (shown.reimburser, shown.claim_id) == (COMPANY, "C,1")
    assert not read_line(SHOWN).is_seen
    assert _core.kid(HOLDER.public_key) == HOLDER.kid


def test_lines_are_read_without_the_head_of_a_table_and_empty_ones() -> None:
    scans = read_lines(f"\ufeffcode,number\r\n{CODE},7\r\n\r\n,,\r\n=x\r\n")
    assert [scan.invoice for scan in scans] == [Invoice(CODE, 7), None]
    assert read_lines("") == []
    assert read_lines("hello") == [Scan("hello", unread=read_line("hello").unread)]
