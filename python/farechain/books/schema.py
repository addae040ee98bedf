"""The tables of the books.

``place`` is where a record stands: height << 24 | index. ``touched`` is the place of the record that moved an
invoice last, << 1, and | 1 for a red letter's own row, so that it names one row and orders all of them.
"""

APPLICATION = 0x6663626B
"""``fcbk``: the file is no other program's."""
VERSION = 2
"""To be raised with every change of the tables or of what is written into them: the books are made anew."""
CLAIMS = ("FREE", "LOCKED", "REIMBURSED", "POSTED")
NO_CLAIM = ""
"""In place of a claim state in the row of a red letter."""
INDEX_BITS = 24
"""Of a place, those of the record's index in its block (docs/format.md, section 5)."""

TABLES = """
CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), height INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE keys (
    kid TEXT PRIMARY KEY, tax_id TEXT NOT NULL, role TEXT NOT NULL, predecessor TEXT) WITHOUT ROWID;
CREATE INDEX keys_of_party ON keys (tax_id);
CREATE TABLE invoices (
    code TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, place INTEGER NOT NULL,
    seller TEXT NOT NULL, issued_ms INTEGER NOT NULL, net_fen INTEGER NOT NULL, tax_fen INTEGER NOT NULL,
    total_fen INTEGER NOT NULL, original_code TEXT, original_number INTEGER, buyer TEXT, title BLOB,
    fiscal TEXT NOT NULL, claim TEXT NOT NULL, use TEXT NOT NULL, frozen INTEGER NOT NULL,
    remaining_fen INTEGER NOT NULL, holder TEXT, locker TEXT, claim_id TEXT, reimbursed_fen INTEGER NOT NULL,
    locked_ms INTEGER, reimbursed_ms INTEGER, posted_ms INTEGER, voucher TEXT, period TEXT,
    reversed_after_posting_ms INTEGER, touched INTEGER NOT NULL, touched_ms INTEGER NOT NULL,
    PRIMARY KEY (code, number));
CREATE INDEX invoices_held ON invoices (holder, claim, touched, remaining_fen) WHERE holder IS NOT NULL;
CREATE INDEX invoices_bought ON invoices (buyer, claim, touched, remaining_fen) WHERE buyer IS NOT NULL;
CREATE INDEX invoices_claimed ON invoices (locker, claim, touched, remaining_fen, buyer)
    WHERE locker IS NOT NULL;
CREATE INDEX invoices_of_claim ON invoices (locker, claim_id, touched) WHERE locker IS NOT NULL;
CREATE INDEX invoices_sold ON invoices (seller, claim, touched, remaining_fen);
CREATE INDEX invoices_locked ON invoices (locker, locked_ms, touched, remaining_fen) WHERE claim = 'LOCKED';
CREATE INDEX invoices_reversed ON invoices (locker, reversed_after_posting_ms, touched, remaining_fen)
    WHERE reversed_after_posting_ms IS NOT NULL;
CREATE TABLE movements (
    place INTEGER PRIMARY KEY, code TEXT NOT NULL, number INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    kind TEXT NOT NULL, kid TEXT, fen INTEGER, red_code TEXT, red_number INTEGER, fiscal TEXT NOT NULL,
    claim TEXT NOT NULL, remaining_fen INTEGER NOT NULL, holder TEXT, locker TEXT, claim_id TEXT,
    voucher TEXT, period TEXT);
CREATE INDEX movements_of_invoice ON movements (code, number, place);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    height INTEGER NOT NULL, time_ms INTEGER NOT NULL, code TEXT NOT NULL, kid TEXT);
CREATE TABLE declarations (
    place INTEGER PRIMARY KEY, tax_id TEXT NOT NULL, period TEXT NOT NULL, invoiced_fen INTEGER NOT NULL,
    uninvoiced_fen INTEGER NOT NULL, red_fen INTEGER NOT NULL, declared_ms INTEGER NOT NULL,
    kid TEXT, acknowledged_ms INTEGER, UNIQUE (tax_id, period));
CREATE TABLE applications (
    place INTEGER PRIMARY KEY, tax_id TEXT NOT NULL, count INTEGER NOT NULL, asked_ms INTEGER NOT NULL,
    kid TEXT, answer TEXT, answered_ms INTEGER);
CREATE INDEX applications_of_party ON applications (tax_id, place);
"""
TABLE_NAMES = ("position", "keys", "invoices", "movements", "dead_letters", "declarations", "applications")


def place_of(height: int, index: int) -> int:
    """A record's place as one number."""
    return height << INDEX_BITS | index


def of_place(place: int) -> tuple[int, int]:
    """(height, index)."""
    return place >> INDEX_BITS, place & ((1 << INDEX_BITS) - 1)
