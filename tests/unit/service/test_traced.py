"""Recorded spans, put together again."""

from dataclasses import replace

from orchestrator.service.attempts import Attempt
from orchestrator.service.records import moment
from orchestrator.service.snapshots import row_of
from orchestrator.service.traced import TracedSpan, of_attempts, once, trees
from tests.ledger_kit import COMPENSATED, T0, snapshot

ROOT = TracedSpan(
    trace_id="t1", span_id="r", name="process", began_ns=10, ended_ns=20, execution_id="shop:1", correlation_id="thread"
)
DO = replace(
    ROOT, span_id="a", parent_id="r", name="do a", step="a", direction="do", attempt=1, revision=2, outcome="ok"
)
UNDO = replace(DO, span_id="u", name="undo a", direction="undo", revision=3, began_ns=5)
SEND = replace(DO, span_id="s", parent_id="a", name="send", revision=0)


def names(branches):
    return [(one.span.name, names(one.below)) for one in branches]


def test_the_tree_follows_the_journal_whatever_clocks_say() -> None:
    (tree,) = trees([UNDO, SEND, DO, ROOT], "thread")
    assert names(tree.branches) == [("process", [("do a", [("send", [])]), ("undo a", [])])]
    assert tree.execution_id == "shop:1"


def test_all_traces_of_a_correlation_are_found_whole_and_no_others() -> None:
    child = replace(ROOT, trace_id="t2", execution_id="parcel:1", began_ns=30)
    silent = replace(SEND, trace_id="t2", span_id="x", correlation_id="", began_ns=40)
    stranger = replace(ROOT, trace_id="t3", correlation_id="other", execution_id="shop:3")
    found = trees([stranger, child, silent, ROOT], "thread")
    assert [(tree.trace_id, len(tree.spans)) for tree in found] == [("t1", 1), ("t2", 2)]
    assert [tree.trace_id for tree in trees([stranger, child], "shop:3")] == ["t3"]


def test_what_hangs_from_nothing_known_is_shown_at_the_top() -> None:
    (tree,) = trees([DO, SEND], "thread")
    assert names(tree.branches) == [("do a", [("send", [])])]


def test_a_span_that_two_processes_told_is_one_and_what_the_engine_took_counts() -> None:
    ignored = replace(DO, revision=9, ignored="late", outcome="unknown")
    longer = replace(DO, ended_ns=99)
    assert once([DO, ignored, longer]) == once([ignored, longer, DO]) == (longer,)


def test_a_later_outcome_of_one_attempt_takes_the_place_of_an_earlier_one() -> None:
    assert once([replace(DO, outcome="unknown"), replace(DO, revision=5)])[0].revision == 5


def test_what_the_repeat_of_a_lost_attempt_told_is_true_with_the_times_of_whoever_performed_it() -> None:
    lost = replace(DO, rank=10, revision=5)
    repeat = replace(DO, rank=14, revision=4, outcome="unknown")
    assert once([lost, repeat]) == once([repeat, lost]) == (repeat,)
    tied = replace(repeat, rank=10, ended_ns=21)
    assert once([lost, tied]) == once([tied, lost]) == (tied,)
    retold = replace(repeat, rank=20, began_ns=0, ended_ns=0)
    assert once([repeat, retold]) == (replace(retold, began_ns=repeat.began_ns, ended_ns=repeat.ended_ns),)


def test_the_journal_gives_the_same_shape() -> None:
    row = row_of(snapshot("1", COMPENSATED))
    ones = [
        Attempt(step="a", direction="do", attempt=1, began=moment(T0), ended=moment(T0 + 40), end="ok"),
        Attempt(step="b", direction="do", attempt=1, ended=moment(T0 + 50), end="rejected", code="declined"),
        Attempt(step="b", direction="do", attempt=2, end="not_begun"),
    ]
    tree = of_attempts(row, ones)
    assert names(tree.branches) == [("shop", [("do a", []), ("do b", [])])]
    done, refused = (branch.span for branch in tree.branches[0].below)
    assert (done.ended_ns - done.began_ns, done.outcome) == (40_000_000, "ok")
    assert (refused.ended_ns - refused.began_ns, refused.outcome, refused.error) == (0, "rejected", "declined")


def test_a_trace_is_found_by_its_own_id_too() -> None:
    (tree,) = trees([DO, SEND, ROOT], ROOT.trace_id)
    assert tree.trace_id == ROOT.trace_id


def test_what_the_journal_does_not_know_stands_between_attempts_by_its_time() -> None:
    """Attempts keep the journal's order, whatever the clock of their machine says."""
    first = replace(DO, span_id="1", revision=2, began_ns=500)
    second = replace(DO, span_id="2", revision=3, began_ns=400)
    late = replace(ROOT, span_id="3", parent_id=ROOT.span_id, name="accepted", began_ns=600)
    third = replace(DO, span_id="4", revision=4, began_ns=700)
    early = replace(late, span_id="5", began_ns=100)
    (tree,) = trees([third, late, second, early, first, replace(ROOT, began_ns=50)], "thread")
    assert [branch.span.span_id for branch in tree.branches[0].below] == ["5", "1", "2", "3", "4"]
