"""The Rust core as Python sees it: per batch, typed, detached from the interpreter while it works.

Every ``bytes`` argument is exactly the length that its name says (a digest, key or seed 32, a signature 64);
another length raises ``ValueError``. Amounts are integer fen, times milliseconds since 1970 unless the name
says otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, final

Rate = int | Literal["EXEMPT", "NONTAXABLE"]
SourceRecord = tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]

VERSION: str
"""The version of this build."""
INSTRUCTIONS: str
"""The verification path chosen at run time: ``portable``, ``avx2`` or ``avx512``."""

class LedgerError(Exception):
    """The ledger refuses or is damaged. ``args`` is ``(kind, message)``.

    ``kind`` is ``"missing"``, ``"exists"``, ``"locked"`` (another process owns it: wait or stop),
    ``"conflict"`` (a stale batch, or one that was used already: reopen), ``"poisoned"`` or ``"io"`` (a failed
    write: exit and recover by opening again), ``"corrupt"`` (stop and audit), ``"batch"`` (a record batch
    that cannot be read: stop that partition), ``"rollback"`` (a checkpoint was signed beyond what is here:
    restore), ``"replica"`` (the second copy does not have a block, or refuses it: see the message),
    ``"archive"`` (an archived segment is not in its place, or is another one: bring it back), or
    ``"invalid"`` (an argument, or a ledger that is closed).
    """

# Signatures --------------------------------------------------------------------------------------

def public_key(seed: bytes) -> bytes:
    """The Ed25519 public key of a 32-byte seed (RFC 8032)."""

def kid(public_key: bytes) -> str:
    """A key's id: 32 hex digits, the first 16 bytes of SHA-256 of the public key."""

def sign(seed: bytes, value: bytes) -> bytes:
    """Signs an event: the DSSE pre-authentication encoding of its exact bytes. Returns 64 bytes."""

def sign_presentation(seed: bytes, code: str, number: int, reimburser: str, claim_id: str) -> bytes:
    """A holder's presentation of an invoice to a reimburser (its tax id) for a claim: 64 bytes."""

def sign_rotation(seed: bytes, old: bytes) -> bytes:
    """The new key's consent to replace the public key ``old``: the ``proof`` of ``ROTATE_KEY``, 64 bytes."""

def sign_batch(seeds: Sequence[bytes], values: Sequence[bytes]) -> list[bytes]:
    """``sign`` for many events, on all cores. Raises ``ValueError`` where the lengths differ."""

def verify_batch(
    public_keys: Sequence[bytes], values: Sequence[bytes], signatures: Sequence[bytes]
) -> list[bool]:
    """The strict rule for many events: an exact verdict each; a key that is not admitted verifies nothing."""

def admit_key(public_key: bytes) -> None:
    """Raises ``ValueError`` unless the key is canonical, on the curve, and in the prime-order subgroup."""

# Digests, trees, codecs --------------------------------------------------------------------------

def leaf_hash(data: bytes) -> bytes:
    """Suite 1 leaf: of a record (its hash), of canonical data, of an outcome."""

def identity(parts: Sequence[bytes]) -> bytes:
    """The digest of an identity: of its parts, each with its length before it (format.md, section 1).

    ``identity([b"PAYER", opening])`` is a payer's commitment.
    """

def block_hash(header: bytes) -> bytes:
    """Suite 1 hash of a block: of its header's bytes."""

def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Suite 1 root over leaf data (each is hashed as a leaf here)."""

def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Suite 1 path from leaf ``index`` to the root, lowest first. Raises ``IndexError``."""

def verify_inclusion(leaf: bytes, index: int, count: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf data stands at ``index`` of ``count`` under ``root``; a longer path is refused."""

def input_digest(record: SourceRecord) -> bytes:
    """The digest of a record's canonical input bytes."""

def input_bytes(record: SourceRecord) -> bytes:
    """A record's canonical input bytes (format.md section 2)."""

def decode_event(value: bytes) -> dict[str, Any]:
    """Decodes a CloudEvent. Returns ``network``, ``kind``, ``identity``, ``data`` and ``data_leaf``.

    ``kind`` is ``PAID``, ``REFUNDED``, ``TOPPED_UP`` or the name of a command; ``data`` is the canonical
    data. Raises ``ValueError`` whose message is the ``E_*`` code.
    """

def decode_record(record: bytes) -> dict[str, Any]:
    """A record's fields, each under its name in format.md, section 4, a line's among them; bytes stay bytes.

    ``kind`` is ``GENESIS``, ``BLUE``, ``RED``, ``PAYMENT``, ``REFUND``, ``CLAIMED``, ``RED_OF_LINES``,
    ``OWED``, ``STATE`` or the name of a command; ``state`` is a name, too (``WAITING_GRANT`` for example),
    and ``rate`` a ``Rate``; ``standing`` has the names of format.md. Raises ``ValueError``.
    """

def decode_annex(record: bytes, annex: bytes) -> dict[str, Any]:
    """What came with a record: ``data`` (canonical data, ``None`` in a drain); of invoices and red letters of
    several lines also ``lines`` and ``payments``, under the names of format.md. Raises ``ValueError``.
    """

def lifecycle_rules() -> list[dict[str, Any]]:
    """The table of an invoice's life: each command, the standing it needs, who signs it, what follows."""

def decode_canonical(data: bytes) -> Any:
    """Canonical data as lists, integers, texts, bytes, booleans and ``None``, in the order of format.md,
    section 2: ``[1, kind, command_id, ...]`` of a command. Raises ``ValueError``.
    """

def decode_header(header: bytes) -> dict[str, Any]:
    """A block header's fields by name. Raises ``ValueError``."""

def split_tax(total_fen: int, rate: Rate) -> tuple[int, int]:
    """(net, tax) of an amount that includes tax. Raises ``ValueError`` for a rate over 10,000."""

def check_uscc(text: str) -> None:
    """Raises ``ValueError`` with ``E_USCC_FORMAT`` or ``E_USCC_CHECKSUM``."""

# The public log (C2SP) ---------------------------------------------------------------------------

def rfc6962_root(entries: Sequence[bytes]) -> bytes:
    """The SHA-256 root over log entries (RFC 6962, section 2.1)."""

def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises ``ValueError`` unless the new tree extends the old one (RFC 6962, section 2.1.2)."""

def vkey_ed25519(name: str, public_key: bytes) -> str:
    """A log's verifier key in signed-note form."""

def vkey_cosignature(name: str, public_key: bytes) -> str:
    """A witness's verifier key in signed-note form (cosignature/v1)."""

def open_note(text: str, vkeys: Sequence[str]) -> list[tuple[str, int | None]]:
    """Verified signatures of a note: (name, Unix time of a cosignature or None).

    Raises ``ValueError`` where a signature by one of the keys does not verify, or none is there.
    """

def parse_checkpoint(text: str) -> tuple[str, int, bytes]:
    """(origin, size, root) of a checkpoint note's body; verifies nothing. Raises ``ValueError``."""

def cosign(name: str, seed: bytes, note: str, time_s: int) -> str:
    """A witness's signature line over a checkpoint (cosignature/v1)."""

# Proofs ------------------------------------------------------------------------------------------

def verify_proof(proof: bytes, vkey: str, witnesses: Sequence[str], threshold: int) -> dict[str, Any]:
    """Verifies a proof, JSON or compact, with nothing but the keys; the log's alone will do.

    At least ``threshold`` of ``witnesses`` must have cosigned, and those that did are ``cosigners``; the
    witness keys that a proof carries give no trust. Returns ``record`` (bytes), ``hash``, ``fields``,
    ``header``, ``origin``, ``size``, ``cosigners``. Raises ``ValueError`` that says what did not match.
    """

def verify_state_proof(proof: bytes, vkey: str, witnesses: Sequence[str], threshold: int) -> dict[str, Any]:
    """Verifies a proof of where a payment or an invoice stands, as ``verify_proof`` does that of a record.

    Returns of whom: ``payment`` (bytes) or ``asked`` (code, number); ``finding``: ``UNKNOWN``,
    ``NOT_INVOICED``, ``INVOICED``, ``INVOICE`` or ``RED_LETTER``, and ``words``; ``invoice`` (code, number)
    that holds the payment or that the red letter is of, ``fen`` of the payment in it (``None`` where a
    refund is owed), ``standing`` of the invoice; ``root``, ``count`` and ``height`` that are committed to;
    and ``header``, ``origin``, ``size``, ``cosigners`` of the commitment. Raises ``ValueError``.
    """

def is_state_proof(proof: bytes) -> bool:
    """Whether bytes begin as a proof for ``verify_state_proof`` does, and not as one for ``verify_proof``."""

def proof_to_json(proof: bytes) -> bytes:
    """The JSON form of a compact proof of either kind. Raises ``ValueError``."""

def proof_to_compact(proof: bytes) -> bytes:
    """The compact form of a JSON proof of either kind. Raises ``ValueError``."""

# The second copy ---------------------------------------------------------------------------------

def copy_to(ledger: Ledger, take: Callable[[int, bytes, bytes], None]) -> None:
    """From now on ``take(height, hash, message)`` is called with each block that is synced here, in the
    thread that commits, before anybody sees the block; where it raises, the ledger is poisoned. Once only.
    """

def copy_of(ledger: Ledger, height: int) -> bytes | None:
    """A durable block as ``append_copy`` takes it; None beyond the head."""

def create_copy(path: str, genesis: bytes) -> None:
    """Makes a ledger of a copy of another one's block 0. ``LedgerError``: ``"exists"``, ``"replica"``."""

def append_copy(ledger: Ledger, message: bytes) -> tuple[int, bytes]:
    """Checks another ledger's next block, appends and syncs it; its height and hash.

    Raises ``LedgerError("replica", ...)`` where it does not continue this ledger, or is not what it says.
    """

def apply_copy(ledger: Ledger) -> None:
    """Applies the block that was appended last, if that was not done yet: after whoever waits was told."""

# Ingest ------------------------------------------------------------------------------------------

def end_of_batches(data: bytes, fetch_offset: int) -> int:
    """The offset after the last whole record batch of a fetch, by the headers alone.

    Where a batch makes no sense it is the offset before it: ``Intake.push_raw`` will say what is wrong.
    """

@final
class Intake:
    """What was fetched and is not sealed yet. Made by ``Ledger.intake``; used by one thread."""

    @property
    def pending(self) -> int:
        """Inputs that wait to be sealed."""
    @property
    def is_empty(self) -> bool:
        """Whether sealing would move nothing."""
    @property
    def dropped(self) -> int:
        """Records dropped because the ledger has them."""
    def expected(self, source: int) -> int:
        """The offset that is wanted next of a source."""
    @property
    def pending_bytes(self) -> int:
        """Their bytes, decompressed."""
    def push_raw(
        self, source: int, data: bytes, fetch_offset: int, aborted: Sequence[tuple[int, int]]
    ) -> int:
        """Takes raw record batches as fetched; returns the inputs added.

        ``aborted`` holds the response's aborted transactions, ``(producer id, first offset)``; their data is
        left out. It stops after 16 MiB: while ``expected`` is below ``end_of_batches``, seal what is full and
        push the same again. Raises ``LedgerError("batch", ...)`` that names the batch's offset: what lies
        before it was taken, nothing of it was, and the partition must stop.
        """
    def push_records(
        self, source: int, records: Sequence[SourceRecord], next_offset: int | None, *, ahead: bool = False
    ) -> int:
        """Takes records in offset order; returns the inputs added.

        ``ahead``: they go before what other sources have here already.
        """
    def seal(self, max_inputs: int) -> RawBatch:
        """Takes the oldest inputs, at most ``max_inputs``."""

@final
class RawBatch:
    """Inputs that will become a block, not looked at yet."""

    def __len__(self) -> int: ...

@final
class PreparedBatch:
    """Inputs that are decoded and verified."""

    def __len__(self) -> int: ...
    @property
    def decode_ns(self) -> int:
        """CPU of digests and decoding, nanoseconds."""
    @property
    def verify_ns(self) -> int:
        """CPU of the signatures, nanoseconds."""
    @property
    def oldest_ms(self) -> int:
        """The oldest broker timestamp in it; 0 if it has no input."""

@final
class Committed:
    """A durable block."""

    height: int
    hash: bytes
    time_ms: int
    inputs: int
    records: int
    invoices: int
    red_letters: int
    duplicates: int
    rejected: dict[str, int]
    waiting: int
    bytes: int
    decide_ns: int
    hash_ns: int
    append_ns: int
    index_ns: int
    sync_ns: int

@final
class Ledger:
    """A chain's ledger on disk; its writer where opened without ``readonly``. Safe to use from any thread."""

    @staticmethod
    def create(
        path: str,
        *,
        network: str,
        chain: str,
        bureau: bytes,
        sources: Sequence[tuple[str, bytes, int]],
        regions: Sequence[str],
        time_ms: int,
        utc_offset_min: int = 480,
        drain_max: int = 1024,
    ) -> None:
        """Writes genesis. ``sources``: (topic, 16-byte topic id, partition); the engine's own goes first."""
    @staticmethod
    def open(
        path: str,
        *,
        readonly: bool = False,
        threads: int = 2,
        rejected_days: int = 30,
        blocks_max: int | None = None,
    ) -> Ledger:
        """Opens and recovers. ``LedgerError("locked", ...)`` where another process owns it.

        ``rejected_days``: how long the bytes of rejected inputs are kept. ``blocks_max``: a reader leaves
        blocks behind the snapshot aside once it has so many.
        """
    def close(self) -> None:
        """Writes the index snapshot and gives the lock back; every later call raises."""
    @property
    def height(self) -> int:
        """The height of the last durable block."""
    @property
    def head(self) -> bytes:
        """Its hash."""
    @property
    def chain(self) -> str:
        """The chain's name, which is the log's origin."""
    @property
    def network(self) -> str:
        """The network's name."""
    @property
    def drainable(self) -> bool:
        """Whether something that waits could be issued now: commit a block even if it has no input."""
    def positions(self) -> list[tuple[str, bytes, int, int, bytes]]:
        """Per source: topic, topic id, partition, next offset, digest of the last input."""
    def intake(self) -> Intake:
        """An intake at the ledger's positions."""
    def prepare(self, batch: RawBatch) -> PreparedBatch:
        """Decodes and verifies, on all cores; may run while another batch is being committed."""
    def commit(self, batch: PreparedBatch, time_ms: int, *, state: bool = False) -> Committed:
        """Decides, hashes, appends, syncs. Batches must come in the order in which they were sealed.

        With ``state`` the block begins with a commitment to current state as ``apply_state`` left it last,
        and there is a block even for a batch of nothing; ``LedgerError("invalid", ...)`` where nothing was.
        """
    def apply_state(self) -> int:
        """Applies all durable blocks to the map of current state, made from the log where it is missing.

        Returns the height that it is of. May take long, off the writer's path: run it in a thread of its own.
        """
    def state_status(self) -> dict[str, Any]:
        """How current state is known (docs/format.md, section 9).

        ``applied`` is the height that the map is of, ``None`` before ``apply_state``; ``keys`` its size;
        ``committed`` the latest commitment (``block`` that holds it, ``height`` that it is of, ``root``,
        ``count``) or ``None``; ``due`` says whether one to what was applied would say anything new.
        """
    def prove_payment_state(
        self, payment: bytes, log: PublicLog | str, witnesses: Sequence[str] = ()
    ) -> bytes | None:
        """A compact proof of where a payment stands (docs/format.md, section 10), known or not.

        It is under the latest commitment that the published checkpoint of a log covers, else as ``prove``;
        ``None`` where there is none that can be shown (yet).
        """
    def prove_invoice_state(
        self, code: str, number: int, log: PublicLog | str, witnesses: Sequence[str] = ()
    ) -> bytes | None:
        """The same of an invoice or a red letter."""
    def status(self) -> dict[str, Any]:
        """Counts since genesis, of one moment.

        ``height``, ``head``, ``time_ms``, ``blocks``, ``bytes``, ``records``, ``inputs``; inputs by outcome:
        ``issued``, ``recorded``, ``reversed``, ``applied``, ``drained`` (the engine's own, not among
        ``inputs``), ``duplicates``, ``rejected`` (a count by code); ``invoices``, ``red_letters``,
        ``blue_fen``, ``red_fen``, ``waiting``; ``curve``: [ten minutes of the day, blue invoices] of the
        latest day of payment, ``curve_day`` (days since 1970).
        """
    def block(self, height: int) -> dict[str, Any] | None:
        """The header's fields and bytes (``header``), ``hash``, ``counts``, ``ranges``, ``outcomes``.

        ``counts`` by verdict. A range: ``source``, ``topic``, ``partition``, ``first_offset``,
        ``next_offset``, ``last_digest``. An outcome: ``source``, ``topic``, ``partition``, ``offset``,
        ``timestamp_ms``, ``verdict``, ``code``, ``first`` ((height, index) for a duplicate),
        ``first_record``, ``record_count``, ``digest``.
        """
    def record(self, height: int, index: int) -> bytes | None:
        """A record's bytes."""
    def annex(self, height: int, index: int) -> bytes | None:
        """What came with a record: canonical data, or a composed annex (``decode_annex``)."""
    def invoice(self, code: str, number: int) -> dict[str, Any] | None:
        """An invoice: where it stands, what it says, what is left of it.

        ``height``, ``index``, ``record`` (bytes), ``fields``, ``hash``, ``check_code``, ``remaining_fen``;
        ``fiscal`` is ``ISSUED``, ``RED_PENDING`` or ``REVERSED``; ``standing`` has all axes (``None`` for a
        red one) and ``allowed`` the commands that it permits. ``latest`` is the record that says where it
        stands now, its own where nothing has moved it: (height, index, time_ms of its block).
        """
    def invoice_by_hash(self, hash: bytes) -> dict[str, Any] | None:
        """The same by record hash."""
    def invoice_parts(self, code: str, number: int) -> dict[str, Any] | None:
        """``lines`` of a blue invoice (as issued, with ``remaining_fen``) and its ``payments``.

        A payment has ``payment`` (its identity), ``data_leaf``, ``line``, ``fen`` as issued, ``live_fen`` and
        ``booked_at_ms``.
        """
    def payment(self, identity: bytes) -> dict[str, Any] | None:
        """A payment or top-up as it stands: ``state`` (where it was recorded only), ``invoice`` ((code,
        number), or ``None``) with ``live_fen``, and ``uninvoiced_fen``, what may be invoiced and is not;
        ``height`` and ``index`` say where its first record is.
        """
    def occupant(self, identity: bytes) -> tuple[int, int] | None:
        """(height, index) of the first record of an identity, be it of a payment, a refund or a command.

        ``None``: nothing with this identity was accepted. Cheap: an index look-up, confirmed in the log.
        """
    def registry(self) -> dict[str, Any]:
        """All that is not an invoice: ``issuers`` with their books, ``keys``, ``grants``, ``requests`` for
        red letters, ``owed`` reversals, ``delegations``, and how many items of each seller are ``waiting``.

        An issuer has its ``mandate`` and ``applied_for``, the numbers of its open application. ``scenes``
        (``code``, ``name``, ``detail``) and ``rates`` (``scene``, ``tax_code``, ``rate``, ``from_day`` and
        ``to_day`` in days since 1970, the last day or ``None``) are the present tables;
        ``accept_individuals`` are the reimbursers that take invoices without a buyer. A copy of everything:
        ``key`` and ``waiting`` answer for one without it.
        """
    def key(self, kid: str) -> dict[str, Any] | None:
        """A registered key by its id (32 lower-case hex digits), as ``registry`` has it.

        ``kid``, ``public_key``, ``role``, ``tax_id`` (empty for the bureau), ``scenes``, ``from_height``,
        ``to_height`` (or ``None``), ``retired_ms``, ``revoked``, ``admitted_ms``, ``successor``.
        """
    def waiting(self, tax_id: str, limit: int) -> list[tuple[bytes, int, int, str, int, int]]:
        """What of a seller waits, oldest first: (identity, height, index, state, fen, since time_ms).

        Payments, and refunds whose red letter takes a number. ``state`` is why it was recorded to wait,
        ``WAITING_GRANT`` (numbers, or behind others) or ``WAITING_CREDIT``; ``fen`` what would be invoiced or
        reversed now.
        """
    def headers(self, first: int, count: int) -> list[bytes]:
        """Header bytes of durable blocks."""
    def input_frames(self, height: int) -> list[tuple[int, int, bytes]]:
        """Per accepted input: (source, timestamp_ms, canonical bytes), for audit by other means."""
    def receipts(self, first_height: int, max_blocks: int) -> tuple[int, list[tuple[bytes | None, bytes]]]:
        """(next height, (key, value) messages) for the receipts topic; one per outcome but the engine's."""
    def dead_letters(
        self, first_height: int, max_blocks: int
    ) -> tuple[int, list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]]:
        """(next height, messages as (key, value, headers)) for the dead-letter topic."""
    def outcomes(self, first_height: int, max_blocks: int) -> tuple[int, list[tuple[Any, ...]]]:
        """(next height, rows), one row per outcome but the engine's.

        A row: topic, partition, offset, verdict, code, state, total, net, tax, and of a duplicate the
        (height, index) of the first record; what does not apply is ``None``.
        """
    def changes(
        self, first_height: int, max_blocks: int
    ) -> tuple[int, list[tuple[int, int, int, str | None, bytes]]]:
        """(next height, rows): the records that move more than a payment, cheap where blocks hold payments.

        A row: height, index, time_ms of the block, id of the key that signed the input, record bytes. The
        kinds of format.md, section 4, are 2, 5, 6, 7 and those from 16 on. No signer is told of 2 and 7,
        which a device's refund makes, and there is none where a drain made the record.
        """
    def rejections(
        self, first_height: int, max_blocks: int
    ) -> tuple[int, list[tuple[str, int, int, int, int, str, str | None]]]:
        """(next height, rows), one per rejected input.

        A row: topic, partition, offset, height, time_ms of the block, code, and the key id in its ``fc-kid``
        (``None``: none, or the input's bytes have expired). That key need not have signed it.
        """
    def references(
        self, first_height: int, max_blocks: int
    ) -> tuple[int, list[bytes], list[tuple[int, int, bytes, str, bytes]]]:
        """(next height, titles, attestations) of blocks from ``first_height``: what records say of things
        that are kept elsewhere.

        ``titles`` are 32-byte commitments; an attestation is (height, index, 16-byte kid of the
        signer, subject, 32-byte digest).
        """
    def codes(self) -> list[str]:
        """The invoice codes under which numbers were issued, in order."""
    def prove(self, height: int, index: int, log: PublicLog | str, witnesses: Sequence[str] = ()) -> bytes:
        """A compact proof under the published checkpoint of a log, or of a public directory by its path.

        ``witnesses`` are the known witnesses' verifier keys: of those that cosigned, the proof has signature
        line and key. Other cosignatures are left out, for whoever verifies could not check them. Raises
        ``LedgerError("invalid", ...)`` if it is not published yet, ``ValueError`` for a malformed key.
        """
    def state_digest(self) -> bytes:
        """The digest of the whole state; equal for equal histories of inputs."""
    def memory_bytes(self) -> dict[str, int]:
        """Memory of the index by table, and of the verifier's tables."""

@final
class PublicLog:
    """The directory that any static file server can publish, and the signer of its checkpoints."""

    @staticmethod
    def open(public: str, state: str, origin: str, seed: bytes) -> PublicLog:
        """Opens or creates. ``LedgerError("rollback", ...)``: the files end before the last signed size."""
    @property
    def vkey(self) -> str:
        """The log's verifier key."""
    @property
    def size(self) -> int:
        """Entries in tiles."""
    @property
    def published_size(self) -> int:
        """The size of the published checkpoint; 0 before the first."""
    def catch_up(self, ledger: Ledger, max_blocks: int = 4096) -> int:
        """Appends headers of durable blocks to bundles and tiles, synced; returns the new size."""
    def sign(self) -> str:
        """The checkpoint note for the present size; root recomputed from the files, durable, then signed."""
    def publish(self, note: str) -> None:
        """Puts a (cosigned) note in place by atomic rename."""
    def checkpoint(self) -> str:
        """The published note; empty before the first."""
    def consistency(self, old: int, new: int) -> list[bytes]:
        """RFC 6962 consistency proof."""
    def inclusion(self, index: int, size: int) -> list[bytes]:
        """RFC 6962 inclusion proof."""

def archive(path: str, target: str, *, keep: int) -> dict[str, int]:
    """Moves all segments but the newest ``keep`` of a ledger to the directory ``target``, which is its alone.

    May run beside the ledger's owner. Returns ``segments`` and ``bytes`` moved, ``listed`` (archived in all)
    and ``kept``. Raises ``LedgerError``: ``"missing"``, ``"locked"``, ``"corrupt"``, ``"archive"``, ``"io"``.
    """

def audit(
    path: str, *, signatures: bool = True, public: str | None = None, vkey: str | None = None
) -> dict[str, Any]:
    """Re-derives everything from the log alone; with ``public`` and ``vkey`` also the public directory.

    Returns ``ok``; ``file``, ``byte`` and ``what`` of the first thing that is wrong, else ``None``;
    ``blocks``, ``bytes``, ``records``, ``invoices``, ``red_letters``, ``inputs``, ``duplicates``,
    ``states`` (commitments to current state, each compared with the map that the log makes), ``rejected``,
    ``rejected_rederived``, ``rejected_expired``, ``signatures_verified``, ``head``, ``state_digest``; and
    ``public`` (``size``, ``entries``, ``files``, ``signatures``) or ``None``.
    """
