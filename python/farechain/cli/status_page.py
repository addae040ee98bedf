"""A look at the service as one page of a terminal: what is wrong first, then each part with how it stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from farechain.service.glance import CODES_SHOWN, SELLERS_SHOWN, Glance

OK, LOOK, BAD = "green", "yellow", "red"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
PROMISE_S = 60.0
"""From an event to its checkpoint: what is promised (docs/operations.md, FarechainSlow)."""
LAG_RECORDS = 10_000
BLOCKS_BEHIND = 600
NUMBERS_DAYS = (7.0, 30.0)
AUDIT_DAYS = 31
DISK_FREE = (0.05, 0.15)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the page. ``level``: ``OK``, ``LOOK`` or ``BAD``; ``why``: what to do where it is not OK."""

    name: str
    value: str
    level: str = OK
    why: str = ""


def page(glance: Glance) -> RenderableType:
    """The whole page."""
    parts = sections(glance)
    findings = [row for _, rows in parts for row in rows if row.level != OK]
    columns = Table.grid(expand=True, padding=(0, 1))
    columns.add_column(ratio=1)
    columns.add_column(ratio=1)
    panels: list[RenderableType] = [_panel(title, rows) for title, rows in parts]
    for number in range(0, len(panels), 2):
        columns.add_row(*panels[number : number + 2])
    return Group(_head(glance, findings), columns, _findings(findings))


def sections(glance: Glance) -> list[tuple[str, list[Row]]]:
    """The page as rows: what is shown, how it stands, and what follows."""
    return [
        ("Is somebody waiting", _waiting(glance)),
        ("Checkpoint and witnesses", _checkpoint(glance)),
        ("Sealing and what follows", _following(glance)),
        ("Numbers", _numbers(glance)),
        ("Refused", _refused(glance)),
        ("Upkeep", _upkeep(glance)),
    ]


def _head(glance: Glance, findings: Sequence[Row]) -> RenderableType:
    if not glance.running:
        state = Text(" DOWN ", "bold white on red")
        told = f"{glance.reason}; what follows is from the files of the ledger"
    elif not glance.ready:
        state, told = Text(" NOT READY ", "bold black on yellow"), glance.reason or ""
    elif any(row.level == BAD for row in findings):
        state, told = Text(" LOOK ", "bold white on red"), "see below"
    else:
        state, told = Text(" RUNNING ", "bold black on green"), glance.reason or ""
    line = Text.assemble(state, f" {glance.network}  {glance.chain}  ", (told, "bold"))
    counts = (
        f"block {glance.height:,}   {glance.inputs:,} inputs   {glance.invoices:,} invoices   "
        f"seen {_age(glance.view_age_s)} ago"
    )
    return Panel(Group(line, Text(counts, "dim")), title="farechain", border_style="blue")


def _panel(title: str, rows: Iterable[Row]) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for row in rows:
        table.add_row(row.name, Text(row.value, row.level if row.level != OK else "default"))
    return Panel(table, title=title, title_align="left", border_style="dim")


def _findings(findings: Sequence[Row]) -> RenderableType:
    if not findings:
        return Text(" nothing needs you", "green")
    order = sorted(findings, key=lambda row: row.level != BAD)
    return Group(*(Text.assemble((f" {row.name}: ", f"bold {row.level}"), row.why) for row in order))


def _waiting(glance: Glance) -> list[Row]:
    unknown = "not known while the service is down" if not glance.running else "not told by this service"
    rows = []
    if glance.lag_records is None:
        rows.append(Row("behind", unknown))
    else:
        where = f", most in {glance.worst_partition}" if glance.worst_partition else ""
        level = LOOK if glance.lag_records > LAG_RECORDS else OK
        why = "more comes in than goes out, or it was away: FarechainLag"
        rows.append(Row("behind", f"{glance.lag_records:,.0f} records{where}", level, why))
    if glance.oldest_event_s is not None:
        level = BAD if glance.oldest_event_s > PROMISE_S else OK
        rows.append(
            Row("oldest event", _age(glance.oldest_event_s), level, "an event waits longer than is promised")
        )
    span = f"of the last {_age(glance.window_s)}" if glance.window_s else "since it started"
    if glance.p50_s is None or glance.p99_s is None:
        rows.append(Row("to checkpoint", f"nothing new {span}" if glance.running else unknown))
    else:
        level = BAD if glance.p99_s > PROMISE_S else LOOK if glance.p99_s > PROMISE_S / 4 else OK
        told = f"p50 {glance.p50_s:.2f} s, p99 {glance.p99_s:.2f} s, {span}"
        rows.append(Row("to checkpoint", told, level, "from payment to checkpoint takes long: FarechainSlow"))
    if glance.inputs_per_s is not None:
        rows.append(Row("comes in", f"{glance.inputs_per_s:,.1f} a second"))
    level = LOOK if glance.waiting_in_all else OK
    why = "payments wait for numbers or credit: FarechainPaymentsWaiting"
    rows.append(Row("waiting payments", f"{glance.waiting_in_all:,}", level, why))
    rows += [Row(f"  {seller}", f"{count:,}") for seller, count in glance.waiting[:SELLERS_SHOWN]]
    return rows


def _checkpoint(glance: Glance) -> list[Row]:
    if glance.checkpoint_age_s is None:
        return [Row("checkpoint", "none yet", LOOK, "nothing was published: FarechainCheckpointBehind")]
    behind = glance.checkpoint_behind
    late = behind > 0 and glance.checkpoint_age_s > PROMISE_S
    told = f"of {glance.checkpoint_size:,} blocks, {_age(glance.checkpoint_age_s)} old"
    why = "blocks are durable and under no checkpoint: FarechainCheckpointBehind"
    rows = [
        Row("checkpoint", told, BAD if late else OK, why),
        Row("blocks behind", f"{behind:,}"),
    ]
    few = len(glance.cosigners) < glance.threshold
    silent = len(glance.cosigners) < glance.witnesses
    told = f"{len(glance.cosigners)} of {glance.witnesses}, {glance.threshold} needed"
    why = "fewer witnesses than needed" if few else "a witness is silent: FarechainWitnessSilent"
    rows.append(Row("cosigned by", told, BAD if few else LOOK if silent else OK, why))
    rows += [Row("", name) for name in glance.cosigners]
    return rows


def _following(glance: Glance) -> list[Row]:
    rows = []
    if glance.sealing_stopped:
        told = f"stopped: {', '.join(glance.sealing_stopped)}"
        rows.append(Row("sealing", told, BAD, f"see {glance.sealing_stopped[0]} in docs/operations.md"))
    else:
        rows.append(Row("sealing", "goes on" if glance.running else "the service is down"))
    rows.append(Row("last block", f"{_age(glance.block_age_s)} ago"))
    for topic, behind in sorted(glance.relay_behind.items()):
        level = LOOK if behind > BLOCKS_BEHIND else OK
        rows.append(Row(topic, f"{behind:,} blocks behind", level, "is not sent: FarechainRelayBehind"))
    if glance.books_behind is not None:
        level = LOOK if glance.books_behind > BLOCKS_BEHIND else OK
        rows.append(Row("books", f"{glance.books_behind:,.0f} blocks behind", level, "FarechainBooksBehind"))
    if glance.state_behind is not None:
        age = "" if glance.state_age_s is None else f", committed {_age(glance.state_age_s)} ago"
        late = glance.state_behind > 0 and (glance.state_age_s or 0) > 10 * MINUTE_S
        told = f"{glance.state_behind:,.0f} blocks behind{age}"
        rows.append(Row("state", told, LOOK if late else OK, "FarechainStateBehind"))
    return rows


def _numbers(glance: Glance) -> list[Row]:
    rows = []
    for seller, left, days in glance.numbers:
        lasting = "not used lately" if days is None else f"last {days:,.1f} days"
        short = left == 0 or (days is not None and days < NUMBERS_DAYS[0])
        level = BAD if short else LOOK if days is not None and days < NUMBERS_DAYS[1] else OK
        why = "its numbers run out: ask the bureau for a grant"
        rows.append(Row(seller, f"{left:,} left, {lasting}", level, why))
    return rows or [Row("numbers", "no grants", LOOK, "nothing can be issued: the bureau grants numbers")]


def _refused(glance: Glance) -> list[Row]:
    rows = []
    for code, count, recent in glance.refused[:CODES_SHOWN]:
        level = LOOK if recent else OK
        now = f", {recent:,} in the last {_age(glance.window_s)}" if recent else ""
        why = f"is refused now: farechain dlq top --code {code} --by issuer"
        rows.append(Row(code, f"{count:,}{now}", level, why))
    return rows or [Row("refused", "nothing")]


def _upkeep(glance: Glance) -> list[Row]:
    rows = []
    if glance.audit is None:
        rows.append(Row("audit", "never", LOOK, "farechain audit, once a month"))
    else:
        told = f"{'clean' if glance.audit['ok'] else 'WRONG'}, {_age(glance.audit['age_s'])} ago"
        late = glance.audit["age_s"] > AUDIT_DAYS * DAY_S
        level = BAD if not glance.audit["ok"] else LOOK if late else OK
        why = "the last audit found something: E_AUDIT" if level == BAD else "farechain audit, once a month"
        rows.append(Row("audit", told, level, why))
    free = glance.disk_free_bytes / glance.disk_size_bytes if glance.disk_size_bytes else 1.0
    level = BAD if free < DISK_FREE[0] else LOOK if free < DISK_FREE[1] else OK
    told = f"{glance.disk_free_bytes / 1e9:,.1f} GB free, {free:.0%}"
    rows.append(Row("disk", told, level, "the service stops when it is full: free space"))
    return rows


def _age(seconds: float) -> str:
    """``3.2 s``, ``4 min``, ``2.5 h``, ``12 days``."""
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.1f} h" if seconds < 2 * DAY_S else f"{seconds / DAY_S:.0f} days"
