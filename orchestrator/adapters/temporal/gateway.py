"""Executions over Temporal: start, deliver, answer, cancel, show. Implements `service.ports.Executions`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json as parse_json
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal import given as names
from orchestrator.adapters.temporal import memo
from orchestrator.adapters.temporal.answers import NOBODY, QUERY_PATIENCE, check_fits, meaning, no_worker, unavailable
from orchestrator.adapters.temporal.commanding import TemporalCommanded
from orchestrator.adapters.temporal.given import Given, Limits, Report, Thread, to_json
from orchestrator.engine.signals import CancelRequested, ReceivedEvent
from orchestrator.errors import ExecutionNotFoundError, MalformedMessageError
from orchestrator.messages import new_traceparent
from orchestrator.service.ports import Delivery
from orchestrator.service.routing import met_before

if TYPE_CHECKING:
    from datetime import timedelta

    from temporalio.client import Client, WorkflowHandle

    from orchestrator.contracts.protocol import Reply
    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.settings import Settings

REPLY_KINDS = {"completed": "ok", "rejected": "refused", "failed": "failed"}


class TemporalExecutions:
    """Running executions, in Temporal."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        """Start an execution once, however often its trigger comes (express.md, 17)."""
        event = received(trigger, payload)
        try:
            handle = await self._start(plan, execution_id, trigger, event)
        except WorkflowAlreadyStartedError:
            return await self._compare(execution_id, event)
        except RPCError as error:
            raise meaning(error) from error
        # The SDK keeps the answer private; without it a second trigger of a running execution would be lost.
        answer = handle._start_workflow_response  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if answer is None or getattr(answer, "started", True):
            return Delivery.STARTED
        delivery = await self._signal(execution_id, names.EVENT_SIGNAL, to_json(event))
        # It ended between the two calls: what it began with tells whether this is a copy.
        return await self._compare(execution_id, event) if delivery is Delivery.ENDED else delivery

    async def _start(
        self, plan: Plan, execution_id: str, trigger: Envelope, event: ReceivedEvent
    ) -> WorkflowHandle[Any, Any]:
        given = self._given(plan, execution_id, trigger, event)
        argument = to_json(given)
        check_fits(argument, trigger.body)
        return await self._client.start_workflow(
            names.WORKFLOW,
            argument,
            id=execution_id,
            task_queue=self._settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            task_timeout=self._settings.task_timeout,
            request_eager_start=True,
            memo=memo.memo_of(
                plan,
                **{
                    memo.IDENTITY: event.identity,
                    memo.BODY: event.body_hash,
                    memo.CORRELATION: given.thread.correlation_id,
                },
            ),
        )

    def _given(self, plan: Plan, execution_id: str, trigger: Envelope, event: ReceivedEvent) -> Given:
        thread = Thread(
            correlation_id=trigger.correlation_id or execution_id,
            causation_id=trigger.id,
            traceparent=trigger.traceparent or new_traceparent(),
            tracestate=trigger.tracestate,
        )
        limits = limits_of(self._settings)
        return Given(plan=plan, execution_id=execution_id, trigger=event, thread=thread, limits=limits)

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        """Signal an event; one that comes after the end is compared with those that were taken before it."""
        taken = received(event, payload)
        argument = to_json(taken)
        check_fits(argument, event.body)
        delivery = await self._signal(execution_id, names.EVENT_SIGNAL, argument)
        return await self._compare(execution_id, taken) if delivery is Delivery.ENDED else delivery

    async def _compare(self, execution_id: str, event: ReceivedEvent) -> Delivery:
        """What an event is to an execution that has ended: by (source, id) and content, as while it ran."""
        handle = self._client.get_workflow_handle(execution_id)
        try:
            found = await handle.describe()
            begun = memo.read(await found.memo())
            said = met_before({begun.get(memo.IDENTITY, ""): begun.get(memo.BODY, "")}, event.identity, event.body_hash)
            if said is Delivery.ENDED and found.status is WorkflowExecutionStatus.COMPLETED:
                result: dict[str, Any] = await handle.result()
                said = met_before(result["state"]["seen"], event.identity, event.body_hash)
        except RPCError as error:
            raise meaning(error) from error
        return said

    async def answer(self, reply: Reply) -> Delivery:
        """Signal a late reply.

        Raises:
            MalformedMessageError: its body is not JSON.
            MessageTooLargeError: Temporal could not keep it.
        """
        try:
            body = parse_json(reply.body, allow_inf_nan=False)
        except ValueError as error:
            raise MalformedMessageError(f"the reply's body is not JSON: {error}") from None
        report = Report(
            step=reply.step,
            direction=reply.direction,
            attempt=reply.attempt,
            kind=REPLY_KINDS[reply.outcome],  # type: ignore[arg-type]
            result=body,
            code=reply.code,
            reason=reply.reason,
            retryable=reply.retryable,
        )
        argument = to_json(report)
        check_fits(argument, reply.body)
        return await self._signal(reply.workflow, names.REPLY_SIGNAL, argument)

    async def _signal(self, workflow_id: str, signal: str, argument: Any) -> Delivery:
        try:
            await self._client.get_workflow_handle(workflow_id).signal(signal, argument)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise meaning(error) from error
            return await self._ended_or_missing(workflow_id)
        return Delivery.ACCEPTED

    async def _ended_or_missing(self, workflow_id: str) -> Delivery:
        try:
            await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Delivery.MISSING
            raise meaning(error) from error
        return Delivery.ENDED

    async def is_available(self) -> bool:
        """Whether Temporal answers."""
        try:
            return await self._client.service_client.check_health()
        except RPCError:
            return False

    async def cancel(self, execution_id: str, *, actor: str, reason: str, command_id: str | None = None) -> None:
        """Ask an execution to stop and undo.

        Raises:
            RefusedCommandError: not now, and why.
            ExecutionNotFoundError: there is none.
        """
        command = CancelRequested(command_id=command_id or uuid.uuid4().hex, actor=actor, reason=reason)
        await TemporalCommanded(self._client).command(execution_id, command)

    async def show(self, execution_id: str) -> dict[str, Any]:
        """Where an execution stands, in the shape of the workflow's result.

        Raises:
            ExecutionNotFoundError: there is none.
            EngineUnavailableError: also when no worker answers.
        """
        handle = self._client.get_workflow_handle(execution_id)
        try:
            found = await handle.describe()
            if found.status is WorkflowExecutionStatus.COMPLETED:
                result: dict[str, Any] = await handle.result()
                return result
            if found.status is not WorkflowExecutionStatus.RUNNING:
                name = found.status.name if found.status else "unknown"
                return {"word": name.capitalize(), "steps": {}, "abort": None}
            return await self._ask(handle, found.task_queue)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise ExecutionNotFoundError(execution_id) from None
            raise unavailable(error) from error

    async def _ask(self, handle: WorkflowHandle[Any, Any], task_queue: str) -> dict[str, Any]:
        try:
            status: dict[str, Any] = await handle.query(names.STATUS_QUERY, rpc_timeout=QUERY_PATIENCE)
        except RPCError as error:
            if error.status in NOBODY:
                raise no_worker(task_queue, QUERY_PATIENCE.seconds) from None
            raise
        return status


def received(envelope: Envelope, payload: Any) -> ReceivedEvent:
    """An envelope as the engine keeps it."""
    return ReceivedEvent(
        identity=envelope.identity,
        body_hash=envelope.body_hash,
        type=envelope.type,
        payload=payload,
        sequence=envelope.sequence,
        message_id=envelope.id,
        source=envelope.source,
        version=envelope.version,
    )


def limits_of(settings: Settings) -> Limits:
    """The limits as the workflow keeps them."""
    return Limits(
        run_budget_ms=_ms(settings.run_budget),
        signals_per_run=settings.signals_per_run,
        resend_first_ms=_ms(settings.resend_first),
        resend_max_ms=_ms(settings.resend_max),
    )


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)
