"""What a clerk is told of a line: whose invoice it is, where it stands, whether it can be locked, or why not.

Tells a company what the ledger would answer to its LOCK, and of others' invoices nothing. Of an individual's
invoice it tells who locked it only to whoever has seen the document or shows the holder's own presentation:
numbers follow one another and would be guessed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from farechain import _core
from farechain._core import Ledger
from farechain.books.books import Books
from farechain.export.amounts import local
from farechain.orders import Invoice
from farechain.pages.clerk.scanned import Scan
from farechain.pages.clerk.signed import is_signed
from farechain.pages.language import Words

BLUES = ("BLUE", "CLAIMED")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind of answer: its name, words, and tone (``good``, ``bad``, ``plain``)."""

    name: str
    words: Words
    tone: str = "plain"


OURS = Verdict("OURS", Words("Ours, can be locked", "本单位发票，可锁定"), "good")
PERSONAL = Verdict("PERSONAL", Words("An individual's, can be locked", "个人发票，可锁定"), "good")
NEEDS = Verdict("NEEDS_PRESENTATION", Words("Presentation needed", "需要持有人出示"))
OTHER_CLAIM = Verdict("PRESENTED_ELSEWHERE", Words("Presented for another", "出示对象不符"), "bad")
OTHER_BUYER = Verdict("OTHER_BUYER", Words("Another buyer's", "抬头非本单位"), "bad")
UNKNOWN = Verdict("UNKNOWN", Words("Unknown", "查无此票"), "bad")
MISMATCH = Verdict("MISMATCH", Words("Does not match", "信息不一致"), "bad")
LOCKED = Verdict("LOCKED", Words("Locked already", "已被锁定"), "bad")
LOCKED_BY_US = Verdict("LOCKED_BY_US", Words("Locked by us", "本单位已锁定"))
REIMBURSED = Verdict("REIMBURSED", Words("Reimbursed already", "已报销"), "bad")
REVERSED = Verdict("REVERSED", Words("Reversed", "已红冲"), "bad")
PENDING = Verdict("RED_PENDING", Words("Reversal asked for", "红冲确认中"), "bad")
FROZEN = Verdict("FROZEN", Words("Frozen by the bureau", "已被税务机关冻结"), "bad")
RED = Verdict("RED", Words("A red-letter invoice", "红字发票"), "bad")
ELSEWHERE = Verdict("ANOTHER_DEPLOYMENT", Words("Another deployment's code", "其他系统的二维码"), "bad")
UNREAD = Verdict("BAD_FORMAT", Words("Cannot be read", "格式错误"), "bad")
AGAIN = Verdict("AGAIN", Words("Listed already", "重复的行"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line is answered.

    Attributes:
        scan: the line.
        verdict: which kind of answer.
        reason: why, in words.
        invoice: set where this company may know more of it: it is a party, or could lock it.
        fields: what stands on it then (``Ledger.invoice()["fields"]``).
        remaining_fen: what is left of it.
        locker: who has locked, reimbursed or posted it, ``since_ms`` when.
    """

    scan: Scan
    verdict: Verdict
    reason: Words
    invoice: Invoice | None = None
    fields: Mapping[str, Any] | None = None
    remaining_fen: int | None = None
    locker: str | None = None
    since_ms: int | None = None

    @property
    def is_lockable(self) -> bool:
        """Whether it can be locked with what is here."""
        return self.verdict in (OURS, PERSONAL)


class Checking:
    """Answers lines for one company. Blocks.

    Args:
        tax_id: the company's.
        accepts_individuals: its policy.
        hosts: under which this deployment's codes are made.
        books: for the times of locks; None where they are not kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        tax_id: str,
        *,
        accepts_individuals: bool,
        hosts: Collection[str],
        books: Books | None = None,
    ) -> None:
        self._ledger, self._books = ledger, books
        self._tax_id = tax_id
        self._accepts_individuals = accepts_individuals
        self._hosts = hosts

    def all(self, scans: Iterable[Scan]) -> list[Answer]:
        """All lines; an invoice that an earlier line has is told of there. A presentation counts for it."""
        answers: list[Answer] = []
        first: dict[Invoice, int] = {}
        for scan in scans:
            answer = self.one(scan)
            place = first.get(answer.invoice) if answer.invoice else None
            if place is None:
                if answer.invoice:
                    first[answer.invoice] = len(answers)
            elif answer.is_lockable and not answers[place].is_lockable:
                # The code was scanned before its presentation: the better line takes the place.
                answers[place] = _listed(answers[place], len(answers))
                first[answer.invoice or Invoice("", 0)] = len(answers)
            else:
                answer = _listed(answer, place)
            answers.append(answer)
        return answers

    def one(self, scan: Scan) -> Answer:
        """One line."""
        if scan.unread is not None:
            return Answer(scan, UNREAD, scan.unread)
        if scan.host is not None and scan.host not in self._hosts:
            return Answer(scan, ELSEWHERE, _elsewhere(scan.host))
        found = self._found(scan)
        if found is None:
            return Answer(scan, UNKNOWN, Words("no invoice here is like this", "本系统没有这张发票"))
        return self._not_for_us(scan, found) or self._for_us(scan, found)

    def _not_for_us(self, scan: Scan, found: Mapping[str, Any]) -> Answer | None:
        """Why this company may know nothing of it; None where it may."""
        if not _agrees(scan, found):
            reason = Words("number, amount, date or check code differ", "号码、金额、日期或校验码不符")
            return Answer(scan, MISMATCH, reason)
        if found["standing"] is None:
            return Answer(scan, RED, Words("it reverses another one and is no expense", "红字发票不能报销"))
        if self._is_ours(found):
            return None
        if found["fields"].get("buyer_tax_id") is not None:
            reason = Words("it is made out to another company", "发票抬头为其他单位")
            return Answer(scan, OTHER_BUYER, reason)
        if not self._accepts_individuals:
            reason = Words("an individual's; your policy takes none", "个人发票，本单位政策不接受")
            return Answer(scan, OTHER_BUYER, reason)
        return None

    def _is_ours(self, found: Mapping[str, Any]) -> bool:
        parties = (found["fields"].get("buyer_tax_id"), found["standing"]["locker"])
        return self._tax_id in parties

    def _for_us(self, scan: Scan, found: Mapping[str, Any]) -> Answer:
        fields = found["fields"]
        may_know = self._is_ours(found) or scan.is_seen or self._is_presented(scan, found)
        answer = Answer(
            scan,
            OURS,
            Words("", ""),
            Invoice(fields["code"], fields["number"]),
            fields if may_know else None,
            found["remaining_fen"] if may_know else None,
        )
        return self._hindered(answer, found, may_know=may_know) or self._presented(answer, found)

    def _found(self, scan: Scan) -> dict[str, Any] | None:
        if scan.hash is not None:
            return self._ledger.invoice_by_hash(scan.hash)
        assert scan.invoice is not None
        return self._ledger.invoice(*scan.invoice)

    def _hindered(self, answer: Answer, found: Mapping[str, Any], *, may_know: bool) -> Answer | None:
        """Why nobody could lock it as it stands; None where somebody could."""
        standing = found["standing"]
        if standing["fiscal"] == "REVERSED":
            return replace(
                answer, verdict=REVERSED, reason=Words("nothing is left of it", "已全额红冲，余额为零")
            )
        if standing["fiscal"] == "RED_PENDING":
            return replace(
                answer,
                verdict=PENDING,
                reason=Words("one side has asked for its reversal", "一方已申请红冲，待确认"),
            )
        if standing["claim"] != "FREE":
            answer = self._taken(answer, found)
            return answer if may_know else replace(answer, locker=None, since_ms=None)
        if standing["frozen"]:
            return replace(
                answer, verdict=FROZEN, reason=Words("the bureau has stopped it", "税务机关已冻结该发票")
            )
        return None

    def _taken(self, answer: Answer, found: Mapping[str, Any]) -> Answer:
        standing = found["standing"]
        locker = standing["locker"]
        since_ms = self._since_ms(found)
        if standing["claim"] == "LOCKED" and locker == self._tax_id:
            claim = standing["claim_id"]
            verdict, reason = LOCKED_BY_US, Words(f"for claim {claim}", f"报销单 {claim}")
        elif standing["claim"] == "LOCKED":
            verdict = LOCKED
            reason = Words("another has locked it for a claim", "已被其他单位锁定用于报销")
        elif standing["claim"] == "POSTED":
            verdict, reason = REIMBURSED, Words("reimbursed and in the books", "已报销并入账")
        else:
            verdict, reason = REIMBURSED, Words("it is reimbursed once and for ever", "已报销，不可重复报销")
        return replace(answer, verdict=verdict, reason=reason, locker=locker, since_ms=since_ms)

    def _since_ms(self, found: Mapping[str, Any]) -> int | None:
        """When it was locked or reimbursed: the books' word, else its latest record's where that says so."""
        fields, standing = found["fields"], found["standing"]
        booked = self._books.one(fields["code"], fields["number"]) if self._books else None
        if booked and (booked.locker, booked.claim, booked.claim_id) == (
            standing["locker"],
            standing["claim"],
            standing["claim_id"],
        ):
            return booked.locked_ms if booked.claim == "LOCKED" else booked.reimbursed_ms
        height, index, time_ms = found["latest"]
        kind = _core.decode_record(self._ledger.record(height, index) or b"")["kind"]
        return int(time_ms) if kind in ("LOCK", "REIMBURSE") else None

    def _presented(self, answer: Answer, found: Mapping[str, Any]) -> Answer:
        """Whether it can be locked with the presentation at hand, if it needs one."""
        holder = found["standing"]["holder"]
        is_ours = found["fields"].get("buyer_tax_id") == self._tax_id
        free = OURS if is_ours else PERSONAL
        shown = answer.scan.presentation
        if holder is None and is_ours:
            return replace(
                answer,
                verdict=free,
                reason=Words("nobody holds it: no presentation is needed", "无持有人，无需出示"),
            )
        if holder is None:
            return replace(
                answer, verdict=NEEDS, reason=Words("its passenger must take it first", "乘客尚未领取该发票")
            )
        if shown is None:
            return replace(
                answer, verdict=NEEDS, reason=Words("ask its holder for a presentation", "请持有人生成出示码")
            )
        if shown.reimburser != self._tax_id:
            return replace(
                answer,
                verdict=OTHER_CLAIM,
                reason=Words("it was presented to another company", "出示给了其他单位"),
            )
        if not self._is_presented(answer.scan, found):
            return replace(
                answer,
                verdict=OTHER_CLAIM,
                reason=Words("not signed by its present holder", "签名不是当前持有人的"),
            )
        claim = Words(f"presented for claim {shown.claim_id}", f"出示用于报销单 {shown.claim_id}")
        return replace(answer, verdict=free, reason=claim)

    def _is_presented(self, scan: Scan, found: Mapping[str, Any]) -> bool:
        """Whether the presentation is to this company and by whoever holds the invoice now."""
        holder = found["standing"]["holder"]
        shown = scan.presentation
        if holder is None or shown is None or shown.reimburser != self._tax_id:
            return False
        key = self._ledger.key(holder.hex())
        while key is not None and key["successor"] is not None:
            key = self._ledger.key(_hex(key["successor"]))
        return key is not None and is_signed(key["public_key"], shown)


def _hex(kid: bytes | str) -> str:
    return kid if isinstance(kid, str) else kid.hex()


def _listed(answer: Answer, place: int) -> Answer:
    line = place + 1
    return replace(
        answer, verdict=AGAIN, reason=Words(f"the same invoice as line {line}", f"与第 {line} 行相同")
    )


def _elsewhere(host: str) -> Words:
    return Words(f"its address is {host}: check it there", f"地址为 {host}，请到该系统查验")


def _agrees(scan: Scan, found: Mapping[str, Any]) -> bool:
    """Whether all that a line says of an invoice is so."""
    fields = found["fields"]
    stands = {
        "number": str(fields["number"]),
        "total_fen": str(abs(fields["total_fen"])),
        "net_fen": str(abs(fields["net_fen"])),
        "day": local(fields["issued_at_ms"], 480).strftime("%Y%m%d"),
        "check_code": found["check_code"],
    }
    return all(stands[name] == value for name, value in scan.said.items())
