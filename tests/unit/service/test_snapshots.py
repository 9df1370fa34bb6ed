import pytest

from orchestrator.engine.signals import CancelRequested, Failed, RetryRequested, SuspendRequested
from orchestrator.service.snapshots import MAX_ERROR, entry_of, fingerprint, row_of, steps_of
from tests.ledger_kit import ABORTED, BEGIN, COMPENSATED, COMPLETED, RUNNING, STUCK, T0, snapshot

SUSPEND = SuspendRequested(command_id="c", actor="ann", reason="stock-taking")


@pytest.mark.parametrize(
    ("signals", "status"),
    [
        (RUNNING, "running"),
        ((*RUNNING, SUSPEND), "suspended"),
        (COMPLETED, "completed"),
        (COMPENSATED, "compensated"),
        (COMPENSATED[:-1], "compensating"),
        (STUCK, "stuck"),
        (ABORTED, "aborted"),
    ],
)
def test_the_status_is_the_word_of_lists(signals, status) -> None:
    assert row_of(snapshot(signals=signals)).status == status


def test_the_step_to_look_at_first_is_the_stuck_one_and_then_the_one_that_turned_it_back() -> None:
    stuck, undone = row_of(snapshot(signals=STUCK)), row_of(snapshot(signals=COMPENSATED))
    assert (stuck.failed_step, undone.failed_step) == ("reserve", "charge")
    assert stuck.error.startswith("no shelf")
    assert undone.error.startswith("card")


def test_a_cancelled_execution_has_no_failed_step() -> None:
    row = row_of(snapshot(signals=(*RUNNING, CancelRequested(command_id="c", actor="ann", reason="twice"))))
    assert (row.failed_step, row.error, row.fingerprint, row.abort_reason) == ("", "", "", "cancel")


def test_the_current_step_is_the_one_begun_last_and_an_ended_execution_has_none() -> None:
    assert row_of(snapshot(signals=(BEGIN,))).current_step == "reserve"
    assert row_of(snapshot(signals=RUNNING)).current_step == "charge"
    assert row_of(snapshot(signals=COMPLETED)).current_step == ""


def test_a_long_error_is_cut() -> None:
    long = (*STUCK[:-1], Failed(step="reserve", direction="undo", reason="x" * 5000, retryable=False))
    assert len(row_of(snapshot(signals=long)).error) == MAX_ERROR
    assert len(steps_of(snapshot(signals=long).execution)[0].undo_error) == MAX_ERROR


def test_a_fingerprint_forgets_numbers_and_ids_and_keeps_words() -> None:
    one = fingerprint("shop", "pay", "order 17 (0xfe) of 123e4567-e89b-12d3-a456-426614174000")
    assert one == fingerprint("shop", "pay", "order 4 (0xab) of 00000000-0000-0000-0000-000000000000")
    assert one != fingerprint("shop", "pay", "parcel 17 (0xfe) of 123e4567-e89b-12d3-a456-426614174000")
    assert one != fingerprint("shop", "reserve", "order 17 (0xfe) of 123e4567-e89b-12d3-a456-426614174000")
    assert fingerprint("shop", "pay", "") == ""


def test_the_journal_keeps_where_in_the_code_an_attempt_failed() -> None:
    assert entry_of(3, T0, Failed(step="pay", reason="x", frames=("shop.pay, line 3",)), "").frames == (
        "shop.pay, line 3",
    )


def test_the_journal_keeps_who_and_why_and_no_payload() -> None:
    entry = entry_of(
        3, T0, RetryRequested(command_id="c", actor="ann", reason="try", step="pay", edited={"x": 1}), "no"
    )
    assert (entry.kind, entry.step, entry.actor, entry.reason, entry.command_id, entry.ignored) == (
        "RetryRequested",
        "pay",
        "ann",
        "try",
        "c",
        "no",
    )
    assert "edited" not in repr(entry)
