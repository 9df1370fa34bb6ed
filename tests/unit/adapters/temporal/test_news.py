import pytest

from orchestrator.adapters.temporal.given import Report
from orchestrator.adapters.temporal.news import lost_attempt, signal_of, stray_reply, withdrawn
from orchestrator.engine.effects import Perform
from orchestrator.engine.signals import Failed, Refused, Stalled, Succeeded, Withdrawn
from tests.temporal_kit import STEPS

PERFORM = Perform(step="wrap", direction="do", attempt=2, call=STEPS["wrap"].do, is_pivot=False)


def report(kind, **more) -> Report:
    return Report(step="wrap", direction="undo", attempt=3, kind=kind, **more)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (report("ok", result=7), Succeeded(step="wrap", direction="undo", attempt=3, result=7)),
        (
            report("refused", code="no", reason="not that"),
            Refused(step="wrap", direction="undo", attempt=3, code="no", reason="not that"),
        ),
        (report("stalled", reason="no code"), Stalled(step="wrap", direction="undo", attempt=3, reason="no code")),
        (
            report("failed", reason="x", retryable=True, fence_ms=5, frames=("a.b, line 3",)),
            Failed(
                step="wrap",
                direction="undo",
                attempt=3,
                reason="x",
                retryable=True,
                fence_ms=5,
                frames=("a.b, line 3",),
            ),
        ),
        (
            report("failed", reason="expired"),
            Failed(step="wrap", direction="undo", attempt=3, reason="expired", retryable=False),
        ),
    ],
    ids=["ok", "refused", "stalled", "failed", "failed for good"],
)
def test_a_report_in_the_engines_words(said, meant) -> None:
    assert signal_of(said) == meant


def test_an_attempt_in_a_lost_run_failed_and_may_go_on_behind_our_back_for_a_while() -> None:
    lost = lost_attempt(PERFORM, 2_000)
    assert (lost.step, lost.direction, lost.attempt) == ("wrap", "do", 2)
    assert (lost.retryable, lost.fence_ms) == (False, 2_000)
    assert lost_attempt(PERFORM, 2_000, retryable=True).retryable


def test_what_was_asked_for_and_not_begun_is_withdrawn() -> None:
    assert withdrawn(PERFORM) == Withdrawn(step="wrap", direction="do", attempt=2)


def test_a_reply_for_a_step_that_there_is_not_says_which_and_what_to_do() -> None:
    park = stray_reply(report("ok", result={"a": 1}))
    assert (park.code, park.event.payload["body"]) == ("unknown-step", {"a": 1})
    assert "'wrap'" in park.reason
    assert "saga-step" in park.reason


def test_a_conflict_says_nothing_of_what_the_first_body_did_so_the_step_is_in_doubt() -> None:
    said = Report(step="wrap", direction="do", attempt=1, kind="refused", code="conflict", reason="another body")
    assert signal_of(said) == Failed(step="wrap", direction="do", attempt=1, reason="another body", retryable=False)
