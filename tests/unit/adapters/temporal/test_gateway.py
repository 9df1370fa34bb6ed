"""The gateway on a client by hand: what it asks Temporal for, and what it makes of each answer."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal import answers, memo
from orchestrator.adapters.temporal.gateway import TemporalExecutions, limits_of
from orchestrator.adapters.temporal.given import Given, Report, from_json
from orchestrator.engine.signals import ReceivedEvent
from orchestrator.errors import (
    EngineFaultError,
    EngineRefusedError,
    EngineUnavailableError,
    ExecutionNotFoundError,
    MalformedMessageError,
    MessageTooLargeError,
    RefusedCommandError,
)
from orchestrator.messages import Envelope
from orchestrator.service.ports import Delivery
from tests.temporal_kit import call, reply_to, saga, settings

PAYLOAD = {"key": "1", "how": ""}
EVENT = Envelope(id="m1", source="/shop", type="asked", body=b'{"key": "1"}', correlation_id="thread")
GONE = RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b"")
AWAY = RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")


@dataclass
class Server:
    """One workflow on a server by hand. What is an exception is raised, the rest returned."""

    start: Any = None
    signal: Any = None
    describe: Any = None
    update: Any = None
    query: Any = None
    final: Any = None
    health: Any = True
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    @property
    def service_client(self):
        return SimpleNamespace(check_health=lambda: self._answer("health", self.health))

    async def start_workflow(self, *arguments, **options):
        started = await self._answer("start", self.start, arguments, options)
        return SimpleNamespace(_start_workflow_response=started)

    def get_workflow_handle(self, workflow_id):
        def way(name, answer):
            async def ask(*arguments, **options):
                return await self._answer(name, answer, (workflow_id, *arguments), options)

            return ask

        return SimpleNamespace(
            id=workflow_id,
            signal=way("signal", self.signal),
            describe=way("describe", self.describe),
            execute_update=way("update", self.update),
            query=way("query", self.query),
            result=way("result", self.final),
        )

    async def _answer(self, name, answer, arguments=(), options=None):
        self.asked.append((name, arguments, options or {}))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def last(self, name):
        return next((arguments, options) for asked, arguments, options in reversed(self.asked) if asked == name)


def executions(server, **changes):
    return TemporalExecutions(cast("Any", server), settings(**changes))


async def start(server, **changes):
    return await executions(server, **changes).start(saga.plan, "fetch:1", EVENT, PAYLOAD)


def described(status="RUNNING", **entries):
    async def read():
        return entries

    return SimpleNamespace(status=WorkflowExecutionStatus[status], memo=read, task_queue="here")


async def test_an_execution_is_started_once_for_its_key() -> None:
    server = Server(start=SimpleNamespace(started=True))
    assert await start(server, task_queue="mine") is Delivery.STARTED
    (name, given), options = server.last("start")
    assert (name, options["id"], options["task_queue"]) == ("saga", "fetch:1", "mine")
    assert options["id_conflict_policy"] is WorkflowIDConflictPolicy.USE_EXISTING
    assert options["id_reuse_policy"] is WorkflowIDReusePolicy.REJECT_DUPLICATE
    assert options["request_eager_start"]
    assert "execution_timeout" not in options
    assert "run_timeout" not in options
    begun = memo.read(options["memo"])
    assert (begun[memo.IDENTITY], begun[memo.BODY]) == (EVENT.identity, EVENT.body_hash)
    read = from_json(Given, given)
    assert (read.plan, read.execution_id, read.trigger.payload) == (saga.plan, "fetch:1", PAYLOAD)
    assert (read.thread.correlation_id, read.thread.causation_id) == ("thread", "m1")
    assert read.thread.traceparent


async def test_a_trigger_of_a_running_execution_is_handed_to_it_never_dropped() -> None:
    server = Server(start=SimpleNamespace(started=False))
    assert await start(server) is Delivery.ACCEPTED
    (workflow, name, event), _ = server.last("signal")
    assert (workflow, name) == ("fetch:1", "event")
    assert from_json(ReceivedEvent, event).identity == EVENT.identity


@pytest.mark.parametrize(
    ("identity", "body_hash", "said"),
    [
        (EVENT.identity, EVENT.body_hash, Delivery.DUPLICATE),
        (EVENT.identity, "another", Delivery.CONFLICT),
        ("another", EVENT.body_hash, Delivery.DUPLICATE),
        ("another", "another", Delivery.ENDED),
    ],
)
@pytest.mark.parametrize("ends", ["before the start", "between start and signal", "from outside"])
async def test_a_trigger_of_an_ended_execution_is_compared_with_the_one_that_started_it(
    identity, body_hash, said, ends
) -> None:
    status = "TERMINATED" if ends == "from outside" else "COMPLETED"
    ended = described(status, **memo.memo_of(saga.plan, **{memo.IDENTITY: identity, memo.BODY: body_hash}))
    final = {"state": {"seen": {identity: body_hash}}}
    if ends == "between start and signal":
        server = Server(start=SimpleNamespace(started=False), signal=GONE, describe=ended, final=final)
    else:
        server = Server(start=WorkflowAlreadyStartedError("fetch:1", "saga"), describe=ended, final=final)
    assert await start(server) is said


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({EVENT.identity: EVENT.body_hash}, Delivery.DUPLICATE),
        ({EVENT.identity: "another"}, Delivery.CONFLICT),
        ({"another": EVENT.body_hash}, Delivery.ENDED),
    ],
)
async def test_an_event_that_comes_after_the_end_is_compared_with_those_taken_before_it(seen, said) -> None:
    """A relay that dies between signal and acknowledgement hands it over again, and the end may lie between."""
    begun = {memo.IDENTITY: "the trigger's", memo.BODY: "its"}
    ended = described("COMPLETED", **memo.memo_of(saga.plan, **begun))
    server = Server(signal=GONE, describe=ended, final={"state": {"seen": {"the trigger's": "its", **seen}}})
    assert await executions(server).deliver("fetch:1", EVENT, PAYLOAD) is said


async def test_while_temporal_is_away_every_call_says_so() -> None:
    server = Server(start=AWAY, signal=AWAY, describe=AWAY, update=AWAY)
    reply = reply_to(Envelope(id="c", source="s", type="t", body=b"", headers=HEADERS))
    made = executions(server)
    for asking in (
        made.start(saga.plan, "fetch:1", EVENT, PAYLOAD),
        made.deliver("fetch:1", EVENT, PAYLOAD),
        made.answer(reply),
        made.cancel("fetch:1", actor="me", reason="because"),
        made.show("fetch:1"),
    ):
        with pytest.raises(EngineUnavailableError, match="UNAVAILABLE: connection refused"):
            await asking


def handed_over(server, event=EVENT, payload=PAYLOAD):
    reply = reply_to(Envelope(id="c", source="s", type="t", body=b"", headers=HEADERS), body=event.body)
    made = executions(server)
    return (
        made.start(saga.plan, "fetch:1", event, payload),
        made.deliver("fetch:1", event, payload),
        made.answer(reply),
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, EngineUnavailableError) for status in sorted(answers.AWAY)),
        *((status, EngineRefusedError) for status in sorted(answers.NEVER)),
        (RPCStatusCode.FAILED_PRECONDITION, EngineFaultError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_only_what_would_meet_every_message_counts_as_away(status, error) -> None:
    refusal = RPCError("that cannot be", status, b"")
    for asking in handed_over(Server(start=refusal, signal=refusal)):
        with pytest.raises(error, match=f"{status.name}: that cannot be"):
            await asking


async def test_what_temporal_could_not_keep_is_refused_before_it_is_sent() -> None:
    """A million bytes that the SDK writes as three million."""
    text = "\N{GRINNING FACE}" * 250_000
    server = Server(start=SimpleNamespace(started=True))
    event = replace(EVENT, body=json.dumps({"key": text}, ensure_ascii=False).encode())
    for asking in handed_over(server, event, {"key": text}):
        with pytest.raises(MessageTooLargeError, match="300[0-9]{4} bytes, 1900000 are allowed"):
            await asking
    assert server.asked == []


async def test_as_many_bytes_of_ascii_are_sent() -> None:
    text = "x" * 1_000_000
    server = Server(start=SimpleNamespace(started=True))
    for asking in handed_over(server, replace(EVENT, body=json.dumps({"key": text}).encode()), {"key": text}):
        assert await asking


async def test_away_while_a_start_is_compared_or_a_signal_looked_after_is_away_too() -> None:
    with pytest.raises(EngineUnavailableError):
        await start(Server(start=WorkflowAlreadyStartedError("fetch:1", "saga"), describe=AWAY))
    with pytest.raises(EngineUnavailableError):
        await executions(Server(signal=GONE, describe=AWAY)).deliver("fetch:1", EVENT, PAYLOAD)


@pytest.mark.parametrize(
    ("signal", "describe", "said"),
    [(None, None, Delivery.ACCEPTED), (GONE, described("TERMINATED"), Delivery.ENDED), (GONE, GONE, Delivery.MISSING)],
)
async def test_an_event_is_accepted_or_its_execution_has_ended_or_there_is_none(signal, describe, said) -> None:
    server = Server(signal=signal, describe=describe)
    assert await executions(server).deliver("fetch:1", EVENT, PAYLOAD) is said


HEADERS = {
    "saga-id": "fetch:1",
    "saga-workflow": "fetch:1/undo",
    "saga-step": "take",
    "saga-direction": "undo",
    "saga-attempt": "3",
    "saga-idempotency-key": "k",
}


@pytest.mark.parametrize(("outcome", "kind"), [("completed", "ok"), ("rejected", "refused"), ("failed", "failed")])
async def test_a_late_reply_is_signalled_to_the_workflow_that_it_names(outcome, kind) -> None:
    server = Server()
    command = Envelope(id="c", source="s", type="t", body=b"", headers=HEADERS)
    more = {"code": "no", "reason": "not that", "retryable": True}
    assert await executions(server).answer(reply_to(command, outcome, **more)) is Delivery.ACCEPTED
    (workflow, name, told), _ = server.last("signal")
    report = from_json(Report, told)
    assert (workflow, name) == ("fetch:1/undo", "reply")
    assert (report.step, report.direction, report.attempt, report.kind) == ("take", "undo", 3, kind)
    assert (report.code, report.reason, report.retryable) == ("no", "not that", True)
    assert report.result == {"what": "tea"}


@pytest.mark.parametrize("body", [b"not json", b'{"x": NaN}', b"[" * 10_000])
async def test_a_late_reply_whose_body_is_not_json_is_refused(body) -> None:
    reply = reply_to(Envelope(id="c", source="s", type="t", body=b"", headers=HEADERS), body=body)
    with pytest.raises(MalformedMessageError, match="not JSON"):
        await executions(Server()).answer(reply)


async def test_a_cancel_says_who_and_why() -> None:
    server = Server(update={"before": 1, "after": 2, "word": "Compensating"})
    await executions(server).cancel("fetch:1", actor="ann", reason="twice", command_id="c1")
    (workflow, name, order), options = server.last("update")
    assert (workflow, name, options["id"]) == ("fetch:1", "operate", "c1")
    assert order == {"word": "cancel", "command": {"command_id": "c1", "actor": "ann", "reason": "twice"}}


async def test_a_cancel_is_refused_in_the_sagas_own_words() -> None:
    refusal = WorkflowUpdateFailedError(ApplicationError("the pivot has passed"))
    with pytest.raises(RefusedCommandError, match="the pivot has passed"):
        await executions(Server(update=refusal)).cancel("fetch:1", actor="ann", reason="late")


@pytest.mark.parametrize(
    ("describe", "error"), [(described("COMPLETED"), RefusedCommandError), (GONE, ExecutionNotFoundError)]
)
async def test_a_cancel_of_nothing_running_says_whether_there_ever_was_anything(describe, error) -> None:
    with pytest.raises(error):
        await executions(Server(update=GONE, describe=describe)).cancel("fetch:1", actor="ann", reason="late")


@pytest.mark.parametrize(
    ("server", "word"),
    [
        (Server(describe=described("COMPLETED"), final={"word": "Completed"}), "Completed"),
        (Server(describe=described("RUNNING"), query={"word": "Running"}), "Running"),
        (Server(describe=described("TERMINATED")), "Terminated"),
    ],
)
async def test_where_an_execution_stands(server, word) -> None:
    assert (await executions(server).show("fetch:1"))["word"] == word


@pytest.mark.parametrize("status", sorted(answers.NOBODY), ids=lambda status: status.name)
async def test_without_a_worker_it_is_told_what_to_start_and_nobody_waits_long(status) -> None:
    server = Server(describe=described("RUNNING"), query=RPCError("no poller seen", status, b""))
    with pytest.raises(EngineUnavailableError, match="no worker of task queue 'here' answered within 5 s: start `saga"):
        await executions(server).show("fetch:1")
    assert server.last("query")[1]["rpc_timeout"] == timedelta(seconds=5)


async def test_an_execution_that_never_was_is_not_found() -> None:
    with pytest.raises(ExecutionNotFoundError):
        await executions(Server(describe=GONE)).show("fetch:1")


@pytest.mark.parametrize(("health", "available"), [(True, True), (False, False), (AWAY, False)])
async def test_whether_temporal_answers(health, available) -> None:
    assert await executions(Server(health=health)).is_available() is available


def test_limits_travel_in_milliseconds() -> None:
    limits = limits_of(
        settings(
            resend_first=timedelta(seconds=1.5),
            resend_max=timedelta(minutes=2),
            run_budget=timedelta(seconds=0.5),
            signals_per_run=7,
        )
    )
    assert (limits.resend_first_ms, limits.resend_max_ms) == (1_500, 120_000)
    assert (limits.run_budget_ms, limits.signals_per_run) == (500, 7)


def test_the_kits_call_is_one_of_the_saga() -> None:
    assert call("take").call.handler in saga.handlers
