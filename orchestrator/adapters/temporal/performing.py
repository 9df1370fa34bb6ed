"""Performs one attempt of a call, of either lane: builds the message or runs the action, and reports how it went.

Nothing here raises for what an author or a participant does: every end is a `Report`. Only a cancelled task is
passed on. Uses no Temporal API, so it is tested without a server.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import ValidationError

from orchestrator.adapters.temporal.given import Call, Report, Thread
from orchestrator.contracts.catalogue import problems
from orchestrator.contracts.protocol import ATTEMPT, DIRECTION, EXECUTION, STEP, CommandHeaders, Reply
from orchestrator.errors import HandlerMissingError, OrchestratorError, PublishError, Rejected
from orchestrator.messages import Envelope, short_hash
from orchestrator.saga.contexts import ActionContext
from orchestrator.service import metrics
from orchestrator.service.about import about
from orchestrator.service.frames import frames_of
from orchestrator.service.meters import SILENCE, Meter
from orchestrator.service.records import saga_of
from orchestrator.service.reply_contracts import read_fact
from orchestrator.service.spans import AttemptId
from orchestrator.wallclock import now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from orchestrator.messages import Message
    from orchestrator.saga.handlers import Handler, Handlers
    from orchestrator.service.ports import Courier

log = logging.getLogger(__name__)

Around: TypeAlias = "Callable[[AttemptId, str], AbstractContextManager[Callable[[bool], None]]]"
"""What is around an attempt: it gets the correlation id, and gives what is to be told whether the outcome is known."""
SOURCE = "saga-orchestrator"
MAX_REASON = 500
MAX_CODE = 100
PROBE_PAUSE_S = 0.2
"""Pause before a probe is asked again, seconds; it doubles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a performer works with: the authors' code, the way to the broker, and what actions may ask for.

    Attributes:
        ports: objects by type, for `ctx.get(Port)`.
        why_held: why commands to a participant are held now; empty if they are not.
        around: what is to be around each attempt.
        meter: counts what no journal tells.
    """

    handlers: Handlers
    courier: Courier
    ports: Mapping[type, Any] = field(default_factory=dict[type, Any])
    why_held: Callable[[str], str] = lambda _: ""
    around: Around | None = None
    meter: Meter = SILENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One attempt to perform.

    Attributes:
        workflow_id: where a late reply is to be signalled.
        facts: all that the call takes.
        patience: how long to stay for a reply, seconds; then the report says `pending`.
        heartbeat: called by long actions.
        is_copy: the command was sent before and is sent again.
    """

    execution_id: str
    workflow_id: str
    thread: Thread
    call: Call
    facts: Mapping[str, Any]
    patience: float
    heartbeat: Callable[[], None] = lambda: None
    is_copy: bool = False


async def perform(stage: Stage, scene: Scene) -> Report:
    """Perform one attempt and report how it went."""
    call, correlation_id = scene.call, scene.thread.correlation_id
    one = AttemptId(scene.execution_id, call.step, call.direction, call.attempt)
    with about(one.execution_id, correlation_id, step=one.step, direction=one.direction, attempt=one.number):
        return await _told_of(stage, scene, one)


async def _told_of(stage: Stage, scene: Scene, one: AttemptId) -> Report:
    if stage.around is None:
        return await _perform(stage, scene)
    with stage.around(one, scene.thread.correlation_id) as tell:
        made = await _perform(stage, scene)
        tell(made.kind != "pending")
        return made


async def _perform(stage: Stage, scene: Scene) -> Report:
    """Perform it, of a probe as often as need be.

    A probe that finds nothing out is asked again until the time of its attempt is up: an unanswered command is sent
    again for so long too, and only then does nobody know.
    """
    loop = asyncio.get_running_loop()
    ends, pause = loop.time() + scene.patience, PROBE_PAUSE_S
    while True:
        made = await _once(stage, scene)
        is_asked_again = scene.call.direction == "probe" and made.kind == "failed" and made.retryable
        if not is_asked_again or loop.time() + pause >= ends:
            return made
        await asyncio.sleep(pause)
        pause *= 2


async def _once(stage: Stage, scene: Scene) -> Report:
    try:
        handler = stage.handlers[scene.call.call.handler]
    except HandlerMissingError as error:
        return report(scene.call, "stalled", reason=str(error))
    try:
        return await _by_lane(stage, scene, handler)
    except Rejected as refusal:
        return _refusal(scene.call, refusal)
    except PublishError as error:
        return report(scene.call, "failed", reason=str(error), retryable=True)
    except Exception as error:
        log.warning("attempt_failed", extra={"error": type(error).__name__}, exc_info=error)
        reason = f"{type(error).__name__}: {_told(error)}"[:MAX_REASON]
        retryable = not isinstance(error, OrchestratorError)
        return report(scene.call, "failed", reason=reason, retryable=retryable, frames=frames_of(error))


async def _by_lane(stage: Stage, scene: Scene, handler: Handler) -> Report:
    match scene.call.call.lane:
        case "command":
            return _held(stage, scene) or await _command(stage, scene, handler)
        case "publish":
            await stage.courier.publish(_event(scene, handler.build(scene.facts)))
            return report(scene.call, "ok")
        case "brief" | "durable":
            result = await handler.act(scene.facts, _context(stage, scene))
            return report(scene.call, "ok", result=None if scene.call.direction == "undo" else result)


def _told(error: Exception) -> str:
    """An error for people; what does not fit a message is told field by field, without its values."""
    return "; ".join(problems(error)) if isinstance(error, ValidationError) else str(error)


def _held(stage: Stage, scene: Scene) -> Report | None:
    """A command that may not be sent now: not begun; a copy of one that was sent before is still waited for."""
    call = scene.call
    why = stage.why_held(call.call.participant or "")
    if not why:
        return None
    if scene.is_copy:
        return report(call, "pending", deadline_ms=call.deadline_ms, reason=why)
    return report(call, "stalled", reason=why)


async def _command(stage: Stage, scene: Scene, handler: Handler) -> Report:
    call, headers = scene.call, _headers(scene)
    envelope = _envelope(scene, handler.build(scene.facts), headers.command_id)
    envelope = envelope.with_headers(**headers.to_headers())
    with stage.courier.expect(headers.command_id) as answer:
        try:
            await stage.courier.send(envelope)
            if scene.is_copy:
                stage.meter.add(metrics.COMMANDS_RESENT, 1, saga_of(scene.execution_id), call.step, call.direction)
            reply = await asyncio.wait_for(answer, scene.patience)
        except (TimeoutError, PublishError) as error:
            # Not sent, or sent and not answered: either way the same command is sent again until its limit.
            if isinstance(error, PublishError):
                log.warning("command_not_sent", extra={"error": str(error)})
            deadline_ms = _epoch_ms(headers.deadline)
            return report(call, "pending", deadline_ms=deadline_ms, reason=str(error) or "no reply yet")
    return read_reply(call, reply, handler)


def read_reply(call: Call, reply: Reply, handler: Handler) -> Report:
    """What a reply means for its step.

    Raises:
        SchemaMismatchError: its body does not fit the declared reply type.
    """
    match reply.outcome:
        case "completed":
            # An undo gives no fact, and "nothing to undo" has no body to check.
            result = None if call.direction == "undo" else read_fact(handler, reply)
            return report(call, "ok", result=result)
        case "rejected":
            return report(call, "refused", code=reply.code, reason=reply.reason)
        case "failed":
            return report(call, "failed", reason=reply.reason, retryable=reply.retryable)


def report(
    call: Call,
    kind: Literal["ok", "refused", "failed", "stalled", "pending"],
    *,
    reason: str = "",
    code: str = "",
    **more: Any,
) -> Report:
    """A report on this call. Long texts are cut: they travel in markers, and an author may write anything."""
    names: dict[str, Any] = {"step": call.step, "direction": call.direction, "attempt": call.attempt, "kind": kind}
    return Report(**names, reason=reason[:MAX_REASON], code=code[:MAX_CODE], **more)


def _refusal(call: Call, refusal: Rejected) -> Report:
    if refusal.retryable:
        return report(call, "failed", reason=refusal.reason, retryable=True)
    return report(call, "refused", code=refusal.code, reason=refusal.reason)


def _headers(scene: Scene) -> CommandHeaders:
    call = scene.call
    if call.deadline_ms:
        deadline = datetime.fromtimestamp(call.deadline_ms / 1000, UTC)
    else:
        deadline = now() + timedelta(milliseconds=call.within_ms)
    return CommandHeaders(
        execution=scene.execution_id,
        workflow=scene.workflow_id,
        step=call.step,
        direction=call.direction,
        attempt=call.attempt,
        key=call.key,
        undoes=call.undoes,
        deadline=deadline,
    )


def _event(scene: Scene, message: Message) -> Envelope:
    # Derived, not random: a run that is repeated after a crash publishes the same id, and listeners recognise it.
    call = scene.call
    envelope = _envelope(scene, message, short_hash(call.key))
    headers = {EXECUTION: scene.execution_id, STEP: call.step, DIRECTION: call.direction, ATTEMPT: str(call.attempt)}
    return envelope.with_headers(**headers)


def _envelope(scene: Scene, message: Message, message_id: str) -> Envelope:
    thread = scene.thread
    return Envelope(
        id=message_id,
        source=f"{SOURCE}/{scene.execution_id.partition(':')[0]}",
        type=message.message_type,
        version=message.message_versions.newest,
        body=message.model_dump_json().encode(),
        correlation_id=thread.correlation_id,
        causation_id=thread.causation_id,
        traceparent=thread.traceparent,
        tracestate=thread.tracestate,
    )


def _context(stage: Stage, scene: Scene) -> ActionContext:
    return ActionContext(
        ports=stage.ports,
        idempotency_key=scene.call.key,
        undoes=scene.call.undoes,
        attempt=scene.call.attempt,
        correlation_id=scene.thread.correlation_id,
        execution_id=scene.execution_id,
        heartbeat=scene.heartbeat,
    )


def _epoch_ms(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1000) if moment else 0


class Watch:
    """Monotonic time since a wall-clock moment: a process that was stopped wakes up late and knows it."""

    def __init__(self, since: datetime) -> None:
        behind = max(0.0, (now() - since).total_seconds())
        self._loop = asyncio.get_running_loop()
        self._zero = self._loop.time() - behind

    def elapsed(self) -> float:
        """Seconds since then."""
        return self._loop.time() - self._zero
