"""The parts of a load test: scenarios, arrivals, payments, journals, oracle, timing, promises, report."""

import json
import math
import re
from array import array
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from farechain import _core
from farechain.cli import main
from farechain.day.keyring import derive, keep
from farechain.errors import FarechainError
from farechain.load import report, scenario, verdict
from farechain.load.arrivals import arrivals, points_of, rate_at
from farechain.load.faults import Done, Faults
from farechain.load.journal import NEVER_INTENDED, JournalWriter, read_journal
from farechain.load.oracle import Oracle, Sent
from farechain.load.outcomes import Outcome
from farechain.load.page import page
from farechain.load.payments import PLACES, Payments
from farechain.load.plots import ticks
from farechain.load.scenario import FaultTable, Scenario
from farechain.load.timing import (
    ALL,
    WITH_BACKLOG,
    WITHOUT_BACKLOG,
    Timing,
    histogram,
    merged,
    percentile_ms,
    time_events,
)
from farechain.load.watching import Seen, Watched

METRO = ("payments.metro", 0)
ROAD = ("payments.road", 1)
SECOND_NS = 1_000_000_000
START_NS = 5 * SECOND_NS


def scenario_of(text: str) -> Scenario:
    return Scenario.model_validate(
        {"name": "t", "about": "a test", "steady_s": 10, **json.loads(text or "{}")}
    )


@pytest.mark.parametrize("name", scenario.names())
def test_the_scenarios_that_come_along_can_be_read(name: str) -> None:
    read = scenario.read(name)
    assert read.name == name
    assert points_of(read)


def test_there_is_a_scenario_for_each_thing_that_goes_wrong() -> None:
    asked = {"day", "peak", "holiday", "steady", "backlog", "broker-loss", "owner-killed", "owner-stopped"}
    assert asked | {"slow-disk", "disk-full", "smoke"} == set(scenario.names())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steady_s = 1", "about: is missing"),
        ('about = "x"\nsteady_s = 1\nwarmup = 2', "warmup: there is no such key"),
        ('about = "x"\nsteady_s = "1"', "steady_s is '1': must be a valid number"),
        ('about = "x"\nsteady_s = 0', "steady_s is 0: must be greater than 0"),
        ('about = "x"\nsteady_s = 1\n[rate]\nper_s = -5', "rate.per_s is -5: must be greater than 0"),
        ('about = "x"\nsteady_s = 1\n[rate]\nshape = "points"', "rate: points go with shape = 'points'"),
        ('about = "x"\nsteady_s = 1\n[rate]\nshape = "wave"', "rate.shape is 'wave': must be 'steady'"),
        ('about = "x"\nsteady_s = 9\n[[faults]]\nat_s = 1\ndo = "flood"', "faults.0.do is 'flood': must be"),
        (
            'about = "x"\nsteady_s = 9\n[[faults]]\nat_s = 99\ndo = "kill-owner"',
            "a fault is at or after the end",
        ),
        (
            'about = "x"\nsteady_s = 9\n[[faults]]\nat_s = 1\ndo = "kill-owner"',
            "back_within_s goes with faults",
        ),
        ("about = ", "is not TOML"),
    ],
)
def test_a_wrong_scenario_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(FarechainError) as refused:
        scenario.read(str(path))
    assert refused.value.code == "E_SCENARIO"
    assert refused.value.exit_code == 2
    assert "odd.toml" in refused.value.message
    assert said in refused.value.message


def test_a_scenario_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "storm", "--local", str(tmp_path / "none")]) == 2
    assert (
        "E_SCENARIO: there is no scenario storm: name a file, or one of backlog," in capsys.readouterr().err
    )
    assert main(["load", "smoke", "--local", str(tmp_path), "--generator", "3/2"]) == 2
    assert "E_USAGE" in capsys.readouterr().err
    assert main(["load", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["smoke"].startswith("Fifteen seconds")


def test_arrivals_follow_the_curve_and_nothing_else() -> None:
    points = ((0.0, 0.0), (10.0, 1000.0), (20.0, 1000.0))
    spans = [arrivals(points, (at, at + 0.5), 7) for at in [each / 2 for each in range(40)]]
    moments = [moment for span in spans for moment in span]
    assert moments == sorted(moments)
    assert spans[30] == arrivals(points, (15.0, 15.5), 7), "a span needs no other"
    assert spans[30] != arrivals(points, (15.0, 15.5), 8)
    # 15,000 are expected; five standard deviations are 612.
    assert abs(len(moments) - 15_000) < 612
    first_half = sum(moment < 5 for moment in moments)
    assert abs(first_half - 1_250) < 5 * math.sqrt(1_250)


def test_generators_share_the_rate() -> None:
    points = ((0.0, 3000.0), (10.0, 3000.0))
    parts = [arrivals(points, (0.0, 10.0), 1, (number, 3)) for number in (1, 2, 3)]
    assert abs(sum(map(len, parts)) - 30_000) < 5 * math.sqrt(30_000)
    assert all(abs(len(part) - 10_000) < 5 * math.sqrt(10_000) for part in parts)
    assert not set(parts[0]) & set(parts[1])


def test_a_day_is_compressed_with_its_mean_and_its_peaks() -> None:
    day = scenario_of('{"warm_up_s": 0, "steady_s": 240, "rate": {"shape": "day", "per_s": 100}}')
    points = points_of(day)
    mean = sum(rate_at(points, at / 10) for at in range(2400)) / 2400
    assert abs(mean - 100) < 1
    assert rate_at(points, 85) > 250, "half past eight"
    assert rate_at(points, 30) < 2, "three in the morning"


def test_payments_are_what_the_ledger_takes_and_no_two_are_one(tmp_path: Path) -> None:
    keep(derive(1, 1_000), tmp_path)
    made = [Payments(tmp_path, seed=1, run="r", generator=(number, 2)) for number in (1, 2)]
    now = datetime.now(UTC)
    events = [payment for each in made for payment in each.make(300, now)]
    decoded = [_core.decode_event(payment.value) for payment in events]
    assert len({one["identity"] for one in decoded}) == 600
    assert {one["kind"] for one in decoded} == {"PAID"}
    assert {payment.place for payment in events} <= set(PLACES)
    assert len({payment.place[0] for payment in events}) >= 3
    for payment in events:
        data = json.loads(payment.value)["data"]
        assert payment.key.decode() == f"{data['seller_tax_id']}|{data['channel']}|{data['txn_id']}"
        assert payment.fen == data.get("invoiceable_fen", data["paid_fen"])
    assert not {payment.kid for payment in events[:300]} & {payment.kid for payment in events[300:]}
    waiting = made[0].make(10, now, [METRO, ("payments.metro", 2)])
    assert {payment.place for payment in waiting} == {METRO, ("payments.metro", 2)}


def test_a_directory_without_keys_of_devices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FarechainError, match="devices"):
        Payments(tmp_path, seed=1, run="r")


def journal(path: Path, batches: list[tuple[tuple[str, int], int, list[tuple[int, int, int]]]]) -> Path:
    writer = JournalWriter(path, PLACES)
    for batch in batches:
        writer.write(*batch)
    writer.close()
    return path


def test_a_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    batches = [(METRO, 5, [(1, 2, 3), (4, 2**40, 6)]), (ROAD, 0, [(NEVER_INTENDED, 0, 9)])]
    read = list(read_journal(journal(tmp_path / "j", batches)))
    assert read == [(METRO, 5, [(1, 2, 3), (4, 2**32 - 1, 6)]), (ROAD, 0, [(NEVER_INTENDED, 0, 9)])]


@pytest.fixture
def journals(tmp_path: Path) -> list[Path]:
    """Two generators, whose batches lie among one another: offsets 5 to 8 of one partition, 0 of another."""
    first = [(METRO, 5, [(START_NS, 10, 100)]), (METRO, 7, [(START_NS, 10, 300), (START_NS, 10, 400)])]
    second = [(METRO, 6, [(START_NS, 10, 200)]), (ROAD, 0, [(START_NS, 10, 500)])]
    return [journal(tmp_path / "1", first), journal(tmp_path / "2", second)]


GOOD = [
    Outcome(1, "farechain.commands", 0, 0, "APPLIED", None),
    *(Outcome(2, *METRO, offset, "ISSUED", (offset - 4) * 100) for offset in (5, 6, 7, 8)),
    Outcome(3, *ROAD, 0, "ISSUED", 500),
]


def judged(journals: list[Path], outcomes: list[Outcome]) -> list[str]:
    oracle = Oracle(journals)
    for outcome in outcomes:
        oracle.take(outcome)
    return oracle.findings().wrong(alone=True)


def test_the_oracle_finds_nothing_where_all_is_well(journals: list[Path]) -> None:
    assert judged(journals, GOOD) == []


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (GOOD[:-1], "1 events without an outcome"),
        ([*GOOD, GOOD[2]], "1 events with more than one outcome"),
        ([*GOOD, Outcome(4, *METRO, 9, "ISSUED", 100)], "1 outcomes of events that were not sent"),
        ([*GOOD[:-1], Outcome(3, *ROAD, 0, "ISSUED", 501)], "1 invoices of another amount"),
        ([*GOOD[:-1], Outcome(3, *ROAD, 0, "DUPLICATE", None)], "1 duplicates"),
        ([*GOOD[:-1], Outcome(3, *ROAD, 0, "REJECTED", None)], "500 fen between sent and issued"),
    ],
)
def test_the_oracle_names_what_is_wrong(journals: list[Path], outcomes: list[Outcome], said: str) -> None:
    assert said in judged(journals, outcomes)


def test_what_others_send_is_no_error_on_a_ledger_that_is_shared(journals: list[Path]) -> None:
    oracle = Oracle(journals[:1])
    for outcome in GOOD:
        oracle.take(outcome)
    findings = oracle.findings()
    assert findings.wrong(alone=False) == []
    assert findings.extra == 2


def sent(intended_ms: list[int], heights: list[int], slip_us: int = 100) -> Sent:
    moments = [NEVER_INTENDED if at < 0 else START_NS + at * 1_000_000 for at in intended_ms]
    count = len(moments)
    return Sent(
        0, array("q", moments), array("I", [slip_us] * count), array("I", [1] * count), array("i", heights)
    )


def test_latency_counts_from_the_intended_moment_to_the_first_checkpoint_that_covers_the_block() -> None:
    seen = [Seen(3, START_NS + SECOND_NS // 2), Seen(9, START_NS + 2 * SECOND_NS)]
    timing = time_events({METRO: sent([100, 200, 900, 1500], [2, 3, 8, 9])}, seen, START_NS, steady_from_s=0)
    latencies = timing.groups[ALL].latencies_us
    assert list(latencies[0]) == [400_000, 1_100_000, 1_800_000], (
        "block 3 is not under a checkpoint of size 3"
    )
    assert timing.uncovered == 1, "block 9 is under none"
    assert timing.waiting == [2, 3, 1]
    assert timing.groups[ALL].percentile_ms(0, 50) == 1100.0


def test_partitions_with_and_without_a_backlog_are_told_apart() -> None:
    seen = [Seen(5, START_NS + SECOND_NS), Seen(6, START_NS + 4 * SECOND_NS)]
    timing = time_events(
        {METRO: sent([-1, -1, 500], [1, 5, 5]), ROAD: sent([600], [4])},
        seen,
        START_NS,
        steady_from_s=0,
        backlog_places=[METRO],
    )
    assert timing.backlog_done_s == 4.0
    assert list(timing.groups[WITH_BACKLOG].latencies_us[0]) == [3_500_000]
    assert list(timing.groups[WITHOUT_BACKLOG].latencies_us[0]) == [400_000]


def promises_of(
    told: Scenario, timing: Timing, journals: list[Path], watched: Watched | None = None, late_s: float = 0.0
) -> dict[str, verdict.Promise]:
    oracle = Oracle(journals)
    for outcome in GOOD:
        oracle.take(outcome)
    found = oracle.findings()
    watched = watched or Watched()
    kept = verdict.promises(
        told, timing, found, watched, START_NS, late_s=late_s, alone=True, audit="", gone=()
    )
    return {promise.name: promise for promise in kept}


def steadily(seconds: int, latency_s: float, slip_us: int = 100) -> Timing:
    """Ten events a second, each in a block of its own."""
    intended = [at * 100 for at in range(seconds * 10)]
    seen = [Seen(n + 1, START_NS + round((at / 1000 + latency_s) * 1e9)) for n, at in enumerate(intended)]
    events = sent(intended, list(range(len(intended))), slip_us)
    return time_events({METRO: events}, seen, START_NS, steady_from_s=0)


def test_a_generator_that_falls_behind_fails_the_run_and_says_so(journals: list[Path]) -> None:
    told = scenario_of('{"warm_up_s": 0}')
    kept = promises_of(told, steadily(10, 0.3), journals)
    assert all(promise.kept for promise in kept.values()), kept
    slow = promises_of(told, steadily(10, 0.3, slip_us=80_000), journals)["the generator kept up"]
    assert not slow.kept
    assert slow.found.startswith("THE GENERATOR FELL BEHIND")
    late = promises_of(told, steadily(10, 0.3), journals, late_s=0.2)["the generator kept up"]
    assert not late.kept


def test_latency_over_the_promise_fails_the_run_but_not_while_a_fault_is_allowed_to_last(
    journals: list[Path],
) -> None:
    name = "p99 at most 1000 ms"
    assert not promises_of(scenario_of('{"warm_up_s": 0}'), steadily(10, 1.2), journals)[name].kept
    fault = '{"warm_up_s": 0, "faults": [{"at_s": 2, "do": "kill-owner"}], "promises": {"back_within_s": %d}}'
    timing = steadily(10, 0.2)
    timing.groups[ALL].latencies_us[5] = array("I", [3_000_000] * 10)
    assert promises_of(scenario_of(fault % 4), timing, journals)[name + ", 4 s after the disturbance"].kept
    short = promises_of(scenario_of(fault % 3), timing, journals)[name + ", 3 s after the disturbance"]
    assert not short.kept
    assert "back within it 4 s after the disturbance" in short.found


def test_events_on_their_way_when_a_fault_comes_are_not_judged() -> None:
    told = scenario_of(
        '{"warm_up_s": 1, "faults": [{"at_s": 4, "do": "kill-owner"}], "promises": {"back_within_s": 3}}'
    )
    assert verdict.judged_seconds(told, ALL) == [1, 2, 7, 8, 9, 10]
    assert verdict.judged_seconds(told, WITHOUT_BACKLOG) == list(range(1, 11))


def test_memory_that_grows_and_checkpoints_that_go_back_fail_the_run(journals: list[Path]) -> None:
    sizes = [(START_NS + at * SECOND_NS, {"service": (100 + 20 * at) << 20}) for at in range(10)]
    watched = Watched(memory=sizes, went_back=["size 3 after 4"])
    kept = promises_of(scenario_of('{"warm_up_s": 0}'), steadily(10, 0.1), journals, watched)
    assert not kept["memory flat"].kept
    assert not kept["no checkpoint went back"].kept
    flat = Watched(memory=[(at, {"service": 100 << 20}) for at, _ in sizes])
    assert promises_of(scenario_of('{"warm_up_s": 0}'), steadily(10, 0.1), journals, flat)["memory flat"].kept


def test_histograms_of_several_generators_add_up() -> None:
    parts = [histogram(), histogram()]
    for value in range(1, 10_001):
        parts[value % 2].record_value(value * 100)
    whole = merged(part.encode() for part in parts)
    assert whole.total_count == 10_000
    assert abs(percentile_ms(whole, 99) - 990) <= 1
    assert percentile_ms(histogram(), 99) == 0


def test_faults_are_done_in_their_order_and_their_errors_are_told() -> None:
    done: list[str] = []
    listed = [FaultTable(at_s=0.02, do="start-broker"), FaultTable(at_s=0.0, do="kill-broker")]
    faults = Faults(listed, 0, lambda fault: done.append(fault.do))
    assert [each.fault.do for each in faults.join()] == done == ["kill-broker", "start-broker"]

    def fail(_fault: FaultTable) -> None:
        raise FarechainError("E_LOAD", "it cannot be done")

    with pytest.raises(FarechainError, match="cannot be done"):
        Faults(listed, 0, fail).join()


def test_the_longest_time_without_a_checkpoint_is_measured_from_the_fault() -> None:
    watched = Watched([Seen(n, START_NS + at * SECOND_NS // 10) for n, at in enumerate((10, 20, 55, 60))])
    done = Done(FaultTable(at_s=2, do="kill-owner"), 2.5, 2.6)
    assert verdict.longest_gap_s(done, 7.0, watched, START_NS) == 3.0


def a_report(told: Scenario, journals: list[Path]) -> report.Measured:
    timing = steadily(10, 0.3)
    kept = list(promises_of(told, timing, journals).values())
    oracle = Oracle(journals)
    watched = Watched([Seen(1, START_NS)], memory=[(START_NS, {"service": 1 << 20})])
    return report.measured(
        told,
        timing,
        oracle.findings(),
        watched,
        START_NS,
        promises=kept,
        done=[Done(fault, fault.at_s, fault.at_s + 0.1) for fault in told.faults],
        gone=["serve-1 ended with 4: <script>"],
        started_s=0.0,
        generators=[{"sent": 100.0, "late_s": 0.0, "cpu_s": 1.0}],
        share=(1, 1),
    )


def test_the_report_is_one_page_that_needs_nothing_else(journals: list[Path]) -> None:
    told = scenario_of(
        '{"warm_up_s": 1, "faults": [{"at_s": 2, "do": "kill-owner"}], "promises": {"back_within_s": 3}}'
    )
    facts = json.loads(json.dumps(a_report(told, journals).facts))
    html = page(facts)
    assert not re.search(r"(src|href)=|@import|url\(", html), "something is fetched"
    assert "<script" not in html
    charts = re.findall(r"<svg.*?</svg>", html, re.S)
    assert len(charts) == 6
    titles = [ElementTree.fromstring(chart).attrib["aria-label"] for chart in charts]
    assert titles[0].startswith("Latency by the second")
    assert ">kill-owner</text>" in charts[0]
    assert "All promises hold." in html


def test_reports_of_runs_beside_one_another_are_merged(
    journals: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = scenario_of('{"warm_up_s": 0}')
    paths = []
    for number in (1, 2):
        facts = a_report(told, journals).facts
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(facts | {"ok": number == 1}))
    out = tmp_path / "out"
    assert main(["load", "--merge", *map(str, paths), "--out", str(out)]) == 1, "one of them had failed"
    merged_facts = json.loads((out / "report.json").read_text())
    assert merged_facts["latency_ms"]["all"]["events"] == 200
    assert merged_facts["events"]["sent"] == 10
    assert merged_facts["series"]["sent"][:10] == [20] * 10
    assert len(merged_facts["promises"]) == 2 * len(facts["promises"])
    assert "<svg" in (out / "report.html").read_text()
    (tmp_path / "odd.json").write_text("[]")
    capsys.readouterr()
    assert main(["load", "--merge", str(tmp_path / "odd.json"), "--out", str(out)]) == 2
    assert "E_INPUT" in capsys.readouterr().err


@pytest.mark.parametrize(("most", "last"), [(0, 1), (0.3, 0.3), (7, 8), (99, 100), (4213, 6000)])
def test_an_axis_has_round_numbers(most: float, last: float) -> None:
    drawn = ticks(most)
    assert drawn[0] == 0
    assert drawn[-1] == pytest.approx(last)
    assert 2 <= len(drawn) <= 6
