"""``farechain dlq``: inputs that the ledger rejected: which, why, whose, and sending them again."""

import argparse
import asyncio
import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from farechain.cli.arguments import config_argument, settings_of, show
from farechain.cli.replay import rate_argument
from farechain.cli.times import local, moment_ms
from farechain.errors import EXIT_REFUSED, EXIT_USAGE, FarechainError

if TYPE_CHECKING:
    from farechain._core import Ledger
    from farechain.config import Settings
    from farechain.resend import DeadLetter, Known, Selection
    from farechain.resend.marks import Marks

HELP = "List, show, count, or send again what the ledger rejected; only replay needs a broker."
MARKS = "dead-letters-replayed.jsonl"
"""In the directory of state: what was sent again."""
NOT_KAFKA = "http"
"""The source of commands over HTTP: whoever gave one was answered, and gives it again."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    ls = actions.add_parser("ls", help="list them, the latest first")
    _selecting(ls)
    ls.add_argument(
        "--open", action="store_true", help="only those whose payment or command the ledger lacks"
    )
    ls.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    one = actions.add_parser("show", help="show one: its event, its headers, why it was rejected")
    one.add_argument("id", help="TOPIC/PARTITION/OFFSET, as `ls` shows it")
    top = actions.add_parser("top", help="count them by issuer, device, station or reason")
    top.add_argument("--by", choices=("issuer", "device", "station", "reason"), default="reason")
    top.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    _selecting(top)
    top.add_argument(
        "--open", action="store_true", help="only those whose payment or command the ledger lacks"
    )
    again = actions.add_parser("replay", help="send those again that the ledger lacks; counts unless --yes")
    again.add_argument("id", nargs="*", help="these; or select by the options")
    _selecting(again)
    again.add_argument("--yes", action="store_true", help="send; without it they are only counted")
    again.add_argument("--again", action="store_true", help="also those that were sent again before")
    rate_argument(again)
    for action, run_it in ((ls, _ls), (one, _show), (top, _top), (again, _replay)):
        config_argument(action)
        action.set_defaults(run=run, act=run_it)


def _selecting(parser: argparse.ArgumentParser) -> None:
    for name, metavar, told in (
        ("code", "E_CODE", "rejected with this code"),
        ("issuer", "TAXID", "of this issuer, as the event says"),
        ("device", "NAME", "of this device: its name, or its key's id"),
        ("station", "NAME", "from this station, lot, stop or park"),
        ("topic", "NAME", "in this topic"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=told)
    parser.add_argument("--since", metavar="TIME", help="rejected at this time or later")
    parser.add_argument("--until", metavar="TIME", help="rejected before this time")


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.resend import Known
    from farechain.resend.marks import Marks
    from farechain.service import opening

    settings = settings_of(args)
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        desk = _Desk(
            settings,
            ledger,
            opening.utc_offset_min_of(ledger),
            Known(ledger),
            Marks(settings.state_dir / MARKS),
        )
        code: int = args.act(args, desk)
    finally:
        ledger.close()
    return code


class _Desk:
    """What all actions need."""

    def __init__(
        self, settings: "Settings", ledger: "Ledger", offset_min: int, known: "Known", marks: "Marks"
    ) -> None:
        self.settings, self.ledger, self.offset_min, self.known, self.marks = (
            settings,
            ledger,
            offset_min,
            known,
            marks,
        )

    def selection(self, args: argparse.Namespace, ids: list[str] | None = None) -> "Selection":
        """What the options mean."""
        from farechain.resend import Selection

        since, until = (
            None if text is None else moment_ms(text, self.offset_min) for text in (args.since, args.until)
        )
        return Selection(
            ids=frozenset(ids or ()),
            topics=frozenset(args.topic),
            codes=frozenset(args.code),
            issuers=frozenset(args.issuer),
            devices=frozenset(args.device),
            stations=frozenset(args.station),
            since_ms=since,
            until_ms=until,
        )

    def letters(self, selection: "Selection", *, only_open: bool = False) -> "Iterator[DeadLetter]":
        """Those that are meant; ``only_open``: that the ledger still lacks, as far as can be told."""
        from farechain.resend import dead_letters

        for letter in dead_letters(self.ledger, selection):
            if not only_open or self.is_open(letter) is not False:
                yield letter

    def is_open(self, letter: "DeadLetter") -> bool | None:
        """Whether the ledger lacks it; ``None`` where it does not say what it is."""
        has = self.known.has(letter.key, letter.value, letter.kid)
        return None if has is None else not has

    def told(self, letter: "DeadLetter") -> dict[str, Any]:
        """A row of ``ls``."""
        mark = self.marks.of(letter.id)
        return {
            "id": letter.id,
            "height": letter.height,
            "time_ms": letter.time_ms,
            "code": letter.code,
            "issuer": letter.issuer,
            "device": letter.device,
            "station": letter.station,
            "kid": letter.kid,
            "kept": letter.kept,
            "open": self.is_open(letter),
            "replay_of": letter.replay_of,
            "replayed_ms": mark.time_ms if mark else None,
            "replayed_as": f"{mark.topic}/{mark.partition}/{mark.offset}" if mark else None,
        }


def _ls(args: argparse.Namespace, desk: _Desk) -> int:
    latest: deque[DeadLetter] = deque(maxlen=max(0, args.limit))
    found = 0
    for letter in desk.letters(desk.selection(args), only_open=args.open):
        found += 1
        latest.append(letter)
    rows = [desk.told(letter) for letter in reversed(latest)]
    lines = [_line(row, desk.offset_min) for row in rows]
    lines.append(f"{found} dead letters" + (f", the latest {len(rows)} shown" if found > len(rows) else ""))
    show(args, {"found": found, "dead_letters": rows}, "\n".join(lines))
    return 0


def _line(row: dict[str, Any], offset_min: int) -> str:
    state = {True: "open", False: "on the ledger", None: "unknown"}[row["open"]]
    again = f", sent again as {row['replayed_as']}" if row["replayed_as"] else ""
    again += f", a replay of {row['replay_of']}" if row["replay_of"] else ""
    who = " ".join(row[name] or "-" for name in ("issuer", "device", "station"))
    return f"{local(row['time_ms'], offset_min)} {row['code']} {row['id']} {who}: {state}{again}"


def _show(args: argparse.Namespace, desk: _Desk) -> int:
    from farechain.resend import Selection

    letter = next(iter(desk.letters(Selection(ids=frozenset({args.id})))), None)
    if letter is None:
        message = f"no dead letter {args.id}: `farechain dlq ls` shows them as TOPIC/PARTITION/OFFSET"
        raise FarechainError("E_NOT_FOUND", message, EXIT_REFUSED)
    told = desk.told(letter)
    told["key"] = None if letter.key is None else letter.key.decode(errors="replace")
    told["headers"] = [[name, None if value is None else _header(value)] for name, value in letter.headers]
    try:
        told["value"] = None if letter.value is None else orjson.loads(letter.value)
    except ValueError:
        told["value"] = (letter.value or b"").decode(errors="replace")
    text = "\n".join(f"{name}: {value}" for name, value in told.items() if name != "value")
    shown = (
        "its bytes have expired"
        if not letter.kept
        else json.dumps(told["value"], ensure_ascii=False, indent=2)
    )
    show(args, told, f"{text}\n{shown}")
    return 0


def _header(value: bytes) -> str:
    text = value.decode("ascii", "replace")
    return text if text.isprintable() and "�" not in text else value.hex()


def _top(args: argparse.Namespace, desk: _Desk) -> int:
    letters = desk.letters(desk.selection(args), only_open=args.open)
    counted = Counter(letter.group(args.by) for letter in letters)
    rows = [{args.by: name, "count": count} for name, count in counted.most_common(args.limit)]
    lines = [f"{row['count']:>8}  {row[args.by]}" for row in rows]
    lines.append(f"{counted.total():>8}  in all")
    show(args, {"by": args.by, "found": counted.total(), "top": rows}, "\n".join(lines))
    return 0


def _replay(args: argparse.Namespace, desk: _Desk) -> int:
    selection = desk.selection(args, args.id)
    if not (
        args.id
        or any(getattr(args, name) for name in ("code", "issuer", "device", "station", "topic", "since"))
    ):
        message = (
            "name dead letters by id, or select by --code, --issuer, --device, --station, --topic, --since"
        )
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    left: Counter[str] = Counter()
    chosen = _chosen(args, desk, selection, left)
    count = asyncio.run(_send(desk, chosen, args.rate)) if args.yes else sum(1 for _ in chosen)
    reasons = ", ".join(f"{number} {why}" for why, number in sorted(left.items())) or "none"
    done = f"{count} sent again" if args.yes else f"{count} would be sent again (--yes sends them)"
    told = {"chosen": count, "sent": count if args.yes else 0, "left_out": dict(sorted(left.items()))}
    show(args, told, f"{done}; left out: {reasons}")
    return 0


def _chosen(
    args: argparse.Namespace, desk: _Desk, selection: "Selection", left: Counter[str]
) -> "Iterator[DeadLetter]":
    """Those to send, each event once however often it was rejected; ``left`` counts why others are not."""
    seen: set[bytes] = set()
    for letter in desk.letters(selection):
        content = hashlib.blake2b(b"%r %r" % (letter.key, letter.value), digest_size=16).digest()
        if not letter.kept:
            left["whose bytes have expired"] += 1
        elif letter.topic == NOT_KAFKA:
            left["that came over HTTP"] += 1
        elif desk.is_open(letter) is False:
            left["that the ledger has"] += 1
        elif desk.marks.of(letter.id) and not args.again:
            left["that were sent again before (--again)"] += 1
        elif content in seen:
            left["that are the same event"] += 1
        else:
            seen.add(content)
            yield letter


async def _send(desk: _Desk, letters: "Iterator[DeadLetter]", rate: float) -> int:
    """Sends in rounds; after each the marks are durable, so that whoever goes on knows where."""
    from farechain.resend.sending import Copy, Pace, Resender
    from farechain.service.opening import security_of

    kafka, pace, sent = desk.settings.kafka, Pace(rate), 0
    security = security_of(kafka)
    async with AsyncExitStack() as stack:
        resenders: dict[str, Resender] = {}
        while part := list(islice(letters, pace.at_once)):
            for topic in dict.fromkeys(letter.topic for letter in part):
                if topic not in resenders:
                    resender = Resender(kafka.bootstrap, security, topic, pace)
                    resenders[topic] = await stack.enter_async_context(resender)
                chosen = [letter for letter in part if letter.topic == topic]
                places = await resenders[topic].send(
                    [Copy(each.id, each.partition, each.key, each.value, each.headers) for each in chosen]
                )
                desk.marks.add((each.id, topic, *place) for each, place in zip(chosen, places, strict=True))
            sent += len(part)
    return sent
