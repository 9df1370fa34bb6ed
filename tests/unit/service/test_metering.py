"""What is counted of a change of the ledger."""

import time
from collections import Counter
from dataclasses import replace

from orchestrator.engine.signals import CancelRequested, Elapsed, Failed, Lost, Stalled, Succeeded
from orchestrator.service.changes import changes_of
from orchestrator.service.metering import Metering
from orchestrator.service.spans import AttemptId
from tests.ledger_kit import COMPENSATED, COMPLETED, RUNNING, T0, snapshot
from tests.metrics_kit import Meter


def take(metering: Metering, *snapshots) -> None:
    newer = {one.execution_id for one in snapshots}
    metering.take(list(changes_of(snapshots, snapshots, {}, newer)))


def counted(*snapshots) -> Counter[tuple[str, ...]]:
    meter = Meter()
    take(Metering(meter), *snapshots)
    return meter.counted


def test_executions_are_counted_when_they_start_and_end_and_attempts_with_their_outcome() -> None:
    assert counted(snapshot("1", COMPLETED), snapshot("2", COMPENSATED), snapshot("3", RUNNING)) == {
        ("saga.executions.started", "shop"): 3,
        ("saga.executions.ended", "shop", "completed"): 1,
        ("saga.executions.ended", "shop", "compensated"): 1,
        ("saga.attempts", "shop", "reserve", "do", "ok"): 3,
        ("saga.attempts", "shop", "charge", "do", "ok"): 1,
        ("saga.attempts", "shop", "charge", "do", "rejected"): 1,
        ("saga.attempts", "shop", "reserve", "undo", "ok"): 1,
    }


def test_what_was_not_begun_or_is_ignored_is_no_attempt() -> None:
    stalled = (*RUNNING, Stalled(step="charge", reason="no code"))
    late = (*COMPLETED, Succeeded(step="charge"))
    found = counted(snapshot("1", stalled), snapshot("2", late))
    assert found["saga.attempts", "shop", "charge", "do", "ok"] == 1
    assert ("saga.attempts", "shop", "charge", "do", "not_begun") not in found


def test_further_attempts_lost_runs_and_commands_of_people_are_counted() -> None:
    failing = Failed(step="charge", reason="busy")
    again = (*RUNNING, failing, Elapsed("retry:do:charge"), Succeeded(step="charge", attempt=2))
    asked = CancelRequested(command_id="c1", actor="ann", reason="wrong order")
    lost = (*RUNNING, Lost(("charge",), 0))
    found = counted(
        snapshot("1", again), snapshot("2", (*COMPLETED, asked)), snapshot("3", (*RUNNING, asked)), snapshot("4", lost)
    )
    assert found["saga.operator.commands", "shop", "cancel", "refused"] == 1
    assert found["saga.operator.commands", "shop", "cancel", "ok"] == 1
    assert found["saga.runs.lost", "shop"] == 1


def test_an_attempt_takes_from_its_begin_here_until_its_outcome() -> None:
    meter = Meter()
    metering = Metering(meter)
    with metering.times.attempt(AttemptId("shop:1", "reserve", "do", 1)) as tell:
        tell(True)
    take(metering, snapshot("1", RUNNING), snapshot("2", RUNNING))
    [taken] = meter.recorded["saga.attempt.duration", "shop", "reserve", "do"]
    assert 0 <= taken < 60


def test_an_attempt_whose_reply_came_late_takes_until_the_execution_was_told() -> None:
    meter = Meter()
    metering = Metering(meter)
    with metering.times.attempt(AttemptId("shop:1", "reserve", "do", 1)) as tell:
        tell(False)
    told = snapshot("1", RUNNING)
    late = [replace(entry, at_ms=int(time.time() * 1000) + 60_000) for entry in told.journal]
    take(metering, replace(told, journal=tuple(late)))
    [taken] = meter.recorded["saga.attempt.duration", "shop", "reserve", "do"]
    assert taken > 50


def test_an_execution_takes_from_its_start_to_its_end() -> None:
    meter = Meter()
    take(Metering(meter), snapshot("1", COMPLETED, changed_ms=T0 + 2_500))
    assert meter.recorded["saga.execution.duration", "shop", "completed"] == [2.5]
