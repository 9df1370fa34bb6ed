"""A start event that is older than Temporal remembers: the ledger is asked, else it is parked."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.errors import StartTooOldError, StoreUnavailableError
from orchestrator.messages import Envelope
from orchestrator.service.ports import Delivery
from orchestrator.service.records import IN_FLIGHT
from orchestrator.service.remembering import RememberingExecutions

PLAN: Any = SimpleNamespace(saga="fulfil")
HOUR = timedelta(hours=1)


class Engine:
    def __init__(self):
        self.started: list[str] = []

    async def start(self, plan, execution_id, trigger, payload):
        self.started.append(execution_id)
        return Delivery.STARTED

    async def deliver(self, execution_id, event, payload):
        return Delivery.ACCEPTED

    async def answer(self, reply):
        return Delivery.MISSING

    async def is_available(self):
        return True


class Ledger:
    """Knows one execution, or none; or is away."""

    def __init__(self, status="", seen=None, *, is_away=False):
        self.status, self.seen, self.is_away = status, seen or {}, is_away
        self.asked = 0

    async def find(self, execution_id):
        self.asked += 1
        if self.is_away:
            raise StoreUnavailableError("away")
        if not self.status:
            return None
        return SimpleNamespace(row=SimpleNamespace(status=self.status), state={"seen": self.seen})


def trigger(age, body=b"{}", message_id="m1"):
    return Envelope(id=message_id, source="/shop", type="asked", body=body, time=datetime.now(UTC) - age)


def remembering(ledger):
    engine = Engine()
    keeps = {"engine_keeps": 24 * HOUR, "ledger_keeps": 240 * HOUR}
    return engine, RememberingExecutions(cast("Any", engine), cast("Any", ledger), **keeps)


async def started(ledger, event):
    engine, executions = remembering(ledger)
    said = await executions.start(PLAN, "fulfil:1", event, {})
    assert (said is Delivery.STARTED) == bool(engine.started)
    return said


async def test_of_a_young_start_the_ledger_is_not_asked() -> None:
    ledger = Ledger("completed")
    assert await started(ledger, trigger(HOUR)) is Delivery.STARTED
    assert await started(ledger, trigger(-HOUR)) is Delivery.STARTED, "its sender's clock is ahead"
    assert ledger.asked == 0


OLD = trigger(48 * HOUR)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({OLD.identity: OLD.body_hash}, Delivery.DUPLICATE),
        ({"another": OLD.body_hash}, Delivery.DUPLICATE),
        ({OLD.identity: "other content"}, Delivery.CONFLICT),
        ({"another": "other content"}, Delivery.ENDED),
    ],
)
@pytest.mark.parametrize("status", ["completed", "compensated", "terminated"])
async def test_an_old_start_of_an_execution_that_the_ledger_knows_starts_nothing(status, seen, said) -> None:
    assert await started(Ledger(status, seen), OLD) is said


@pytest.mark.parametrize("status", IN_FLIGHT)
async def test_one_that_runs_is_the_engines_however_old_its_start(status) -> None:
    assert await started(Ledger(status, {OLD.identity: OLD.body_hash}), trigger(480 * HOUR)) is Delivery.STARTED


async def test_an_old_start_that_the_ledger_would_know_and_does_not_was_never_carried_out() -> None:
    assert await started(Ledger(), OLD) is Delivery.STARTED


async def test_a_start_that_nobody_can_remember_is_for_a_person() -> None:
    with pytest.raises(StartTooOldError, match="20 days ago.*'fulfil:1' was carried out already") as refused:
        await started(Ledger(), trigger(480 * HOUR))
    assert refused.value.reason == "too-old"


async def test_while_the_ledger_is_away_an_old_start_waits_and_a_young_one_does_not() -> None:
    with pytest.raises(StoreUnavailableError):
        await started(Ledger(is_away=True), OLD)
    assert await started(Ledger(is_away=True), trigger(HOUR)) is Delivery.STARTED


async def test_all_else_is_the_engines() -> None:
    _, executions = remembering(Ledger())
    assert await executions.deliver("fulfil:1", OLD, {}) is Delivery.ACCEPTED
    assert await executions.answer(cast("Any", None)) is Delivery.MISSING
    assert await executions.is_available()
