"""`saga trace`: one line a span, from spans or from the journal."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.cli.exits import NOT_FOUND, OK
from orchestrator.cli.tracing import NO_SPANS
from orchestrator.cli.tracing_shown import duration, picture
from orchestrator.service.records import milliseconds
from orchestrator.service.traced import TracedSpan, trees
from tests.cli_kit import FakeDesk, saga
from tests.service_kit import ADMIN, NOW

ROOT = TracedSpan(
    trace_id="t1",
    span_id="r",
    name="process saga.events",
    began_ns=1_700_000_000_123_000_000,
    ended_ns=1_700_000_000_128_000_000,
    execution_id="trip:t1",
    correlation_id="thread",
    outcome="started",
)
DO = replace(
    ROOT,
    span_id="a",
    parent_id="r",
    name="do pay",
    step="pay",
    direction="do",
    attempt=2,
    revision=2,
    outcome="unknown",
)
UNDO = replace(DO, span_id="u", name="undo pay", direction="undo", attempt=1, revision=4, outcome="ok")
PROBE = replace(DO, span_id="p", name="probe pay", direction="probe", revision=3)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(caller=ADMIN)


def test_a_span_is_a_line_with_time_step_direction_attempt_outcome_and_duration(desk) -> None:
    desk.recorded = [UNDO, DO, ROOT]
    ended = saga(desk, "trace", "thread")
    assert (ended.status, ended.err) == (OK, "")
    head, columns, root, do, undo, link = ended.out.splitlines()
    assert head == "trip:t1  trace t1"
    assert columns.split() == ["time", "span", "step", "direction", "attempt", "outcome", "duration"]
    assert root.split() == ["22:13:20.123", "process", "saga.events", "started", "5.0", "ms"]
    assert do.split() == ["22:13:20.123", "├─", "do", "pay", "pay", "do", "2", "unknown", "5.0", "ms"]
    assert undo.split() == ["22:13:20.123", "└─", "undo", "pay", "pay", "undo", "1", "ok", "5.0", "ms"]
    assert link == "http://tempo/t1"


def test_the_document_has_the_same_in_the_same_order_and_a_probe_is_of_a_do(desk) -> None:
    desk.recorded = [PROBE, UNDO, DO, ROOT]
    document = saga(desk, "trace", "thread", "--json").document
    assert (document["source"], document["correlation_id"]) == ("spans", "thread")
    (trace,) = document["traces"]
    assert (trace["trace_id"], trace["execution_id"], trace["link"]) == ("t1", "trip:t1", "http://tempo/t1")
    assert [(one["name"], one["direction"], one["depth"]) for one in trace["spans"]] == [
        ("process saga.events", "", 0),
        ("do pay", "do", 1),
        ("probe pay", "do", 1),
        ("undo pay", "undo", 1),
    ]
    assert trace["spans"][1]["duration_ms"] == 5.0


def test_a_file_is_read_in_place_of_our_own(desk) -> None:
    desk.recorded = [ROOT]
    saga(desk, "trace", "thread", "--from", "spans.jsonl")
    saga(desk, "trace", "thread")
    assert desk.places == [Path("spans.jsonl"), None]


def test_with_no_spans_the_tree_is_the_journals_and_says_so(desk) -> None:
    desk.bench.ledger.keep_open(desk.bench.stuck(), changed_ms=milliseconds(NOW))
    ended = saga(desk, "trace", "trip:t1")
    assert ended.out.splitlines()[0] == NO_SPANS
    lines = [line for line in ended.out.splitlines() if "book_flight" in line]
    assert any(" do " in line and " ok" in line for line in lines), ended.out
    assert any(" undo " in line and " rejected" in line for line in lines), ended.out
    assert "http://" not in ended.out
    assert saga(desk, "trace", "trip:t1", "--json").document["source"] == "journal"


def test_a_whole_id_means_its_execution_alone_and_the_beginning_of_one_all_that_have_it(desk) -> None:
    for name in ("t1", "t12"):
        desk.bench.ledger.keep_open(desk.bench.stuck(name), changed_ms=milliseconds(NOW), correlation_id=f"c{name}")
    traces = {text: saga(desk, "trace", text, "--json").document["traces"] for text in ("trip:t1", "trip:t", "ct12")}
    told = {text: sorted(one["execution_id"] for one in found) for text, found in traces.items()}
    assert told == {"trip:t1": ["trip:t1"], "trip:t": ["trip:t1", "trip:t12"], "ct12": ["trip:t12"]}


LONG = replace(
    DO, span_id="s", parent_id="a", name="send saga-of-a-long-name.commands", step="charge_payment", revision=0
)


@pytest.mark.parametrize("width", [54, 60, 80, 110, 200])
def test_a_span_is_one_line_however_narrow_the_terminal_is(width) -> None:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    made = picture(trees([UNDO, DO, ROOT, LONG], "thread"), "", lambda _: "", width=width)
    with console.capture() as captured:
        console.print(made, soft_wrap=True)
    _, columns, *lines = captured.get().splitlines()
    assert len(lines) == 4
    assert max(len(line.rstrip()) for line in lines) <= width
    assert all(line[:12].count(":") == 2 for line in lines)
    assert [line.split()[-4:-2] for line in lines[-1:]] == [["1", "ok"]]
    heads = ["direction", "attempt", "outcome", "duration"] if width >= 110 else ["dir", "no", "outcome", "took"]
    assert columns.split()[3:] == heads
    assert ("charge_payment" in lines[2]) is (width >= 80)
    assert (LONG.name in lines[2]) is (width >= 110)


def test_what_nobody_knows_and_what_a_file_does_not_have_is_told(desk) -> None:
    ended = saga(desk, "trace", "nobody")
    assert ended.status == NOT_FOUND
    assert "neither a span nor the ledger speaks of 'nobody'" in ended.err
    assert "no span in spans.jsonl speaks of 'nobody'" in saga(desk, "trace", "nobody", "--from", "spans.jsonl").err
    desk.bench.ledger.keep_open(desk.bench.stuck(), changed_ms=milliseconds(NOW))
    assert saga(desk, "trace", "trip:t1", "--from", "spans.jsonl").status == NOT_FOUND


@pytest.mark.parametrize(
    ("length_ns", "told"), [(0, "-"), (1_500_000, "1.5 ms"), (999_900_000, "999.9 ms"), (2_000_000_000, "2.0 s")]
)
def test_lengths_of_time_are_told_for_people(length_ns, told) -> None:
    assert duration(length_ns) == told
