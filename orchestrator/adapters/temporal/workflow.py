"""The one generic workflow. No author's code runs in it, so it needs no sandbox and no saga can break its replay."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RawValue

from orchestrator.adapters.temporal.given import (
    CANCEL_UPDATE,
    EVENT_SIGNAL,
    REPLY_SIGNAL,
    SNAPSHOT_QUERY,
    STATUS_QUERY,
    WORKFLOW,
    Given,
    Report,
    from_json,
    to_json,
    without_payload,
)
from orchestrator.adapters.temporal.interpreter import Interpreter
from orchestrator.adapters.temporal.operating import OPERATE_UPDATE, Order, Orders
from orchestrator.engine.signals import Arrived, CancelRequested, ReceivedEvent

if TYPE_CHECKING:
    from orchestrator.engine.execution import Execution
    from orchestrator.service.journal import JournalEntry


@contextmanager
def _malformed_is_noted(signal: str) -> Generator[None]:
    """What nobody of ours sends is noted and has no effect: raised here, it would stop the execution for good."""
    try:
        yield
    except ValidationError as error:
        workflow.logger.warning("malformed_signal", extra={"signal": signal, "faults": error.error_count()})


@workflow.defn(name=WORKFLOW, sandboxed=False)
class SagaWorkflow:
    """One execution of a saga. Its input is `Given`, its result what `Interpreter.result` says."""

    @workflow.init
    def __init__(self, given: dict[str, Any]) -> None:
        self._given = from_json(Given, given)
        self._interpreter = Interpreter(self._given)
        self._orders = Orders(self._interpreter)
        self._signals = 0
        self._is_told = False
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: int = 0

    @workflow.run
    async def run(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - taken by __init__
        """Conduct the execution to its end."""
        if workflow.cancellation_reason() is not None:
            # It came in the very activation that begins us: the first run would be over before it is thrown at us.
            self._on_temporal_cancel()
        conduct = asyncio.create_task(self._conduct())
        while not conduct.done():
            try:
                await workflow.wait([conduct])
            except asyncio.CancelledError:
                if workflow.cancellation_reason() is None:
                    raise  # evicted from the cache: not a request
                self._on_temporal_cancel()
        return conduct.result()

    async def _conduct(self) -> dict[str, Any]:
        while not await self._is_over():
            if not await self._is_told_before_continuing():
                await self._rest()
        return self._interpreter.result()

    async def _is_over(self) -> bool:
        """Do all there is to do now; then say whether the execution has ended and everybody was told.

        A command may come while the last notices are sent, and take up again what had ended.
        """
        interpreter = self._interpreter
        while True:
            if await interpreter.turn():
                continue
            if not interpreter.execution.state.ended:
                return False
            await interpreter.finish()
            await self._handlers_or_news()
            if not interpreter.mailbox:
                return True

    async def _handlers_or_news(self) -> None:
        """Wait until every command is answered; one that has just come is answered only once its news is taken."""
        mailbox = self._interpreter.mailbox
        await workflow.wait_condition(lambda: bool(mailbox) or workflow.all_handlers_finished())

    async def _rest(self) -> None:
        """Wait for news, or for the earliest due time. The one timer is left to run as long as it is early enough."""
        self._interpreter.tell_ledger()
        self._is_told = bool(self._interpreter.mailbox)
        due = self._interpreter.rest()
        if due is not None and (self._alarm is None or due < self._alarm_at):
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = due
            self._alarm = asyncio.create_task(self._ring(due))
        await workflow.wait_condition(lambda: self._is_told or bool(self._interpreter.mailbox))

    async def _ring(self, due: int) -> None:
        await workflow.sleep(max(0.001, due / 1000 - workflow.time()))
        self._interpreter.agenda.ring(due)
        self._alarm = None
        self._is_told = True

    async def _is_told_before_continuing(self) -> bool:
        """Continue as new if that is due; says whether there is news instead.

        The look back also brings what this workflow task had for us and had not told yet: that is taken first.
        """
        is_due = workflow.info().is_continue_as_new_suggested() or self._signals >= self._given.limits.signals_per_run
        if not is_due:
            return False
        await self._handlers_or_news()
        self._is_told = False
        if self._interpreter.may_continue_as_new:
            await self._interpreter.look_back()
        if not self._is_told and self._interpreter.may_continue_as_new:
            self._continue_as_new()
        return self._is_told or bool(self._interpreter.mailbox)

    def _continue_as_new(self) -> None:
        self._interpreter.tell_ledger()
        carried = self._interpreter.carry()
        given = self._given
        following = Given(
            plan=given.plan,
            execution_id=given.execution_id,
            trigger=without_payload(given.trigger),
            thread=given.thread,
            limits=given.limits,
            carried=carried,
        )
        workflow.continue_as_new(to_json(following))

    @workflow.signal(name=EVENT_SIGNAL)
    def on_event(self, event: dict[str, Any]) -> None:
        """An event for this execution."""
        self._signals += 1
        with _malformed_is_noted(EVENT_SIGNAL):
            self._interpreter.mailbox.append(Arrived(from_json(ReceivedEvent, event)))

    @workflow.signal(name=REPLY_SIGNAL)
    def on_reply(self, report: dict[str, Any]) -> None:
        """A reply that came when nobody waited for it any more."""
        self._signals += 1
        with _malformed_is_noted(REPLY_SIGNAL):
            self._interpreter.take_reply(from_json(Report, report))

    @workflow.signal(dynamic=True)
    def on_unknown(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal that nobody of ours sends: noted, never silently dropped."""
        workflow.logger.warning("unknown_signal", extra={"signal": name, "arguments": len(args)})

    @workflow.update(name=OPERATE_UPDATE)
    async def on_operate(self, order: dict[str, Any]) -> dict[str, Any]:
        """A person's command; answered once the engine has taken it."""
        taken: dict[str, Any] = to_json(await self._orders.take(from_json(Order, order)))
        return taken

    @on_operate.validator
    def check_operate(self, order: dict[str, Any]) -> None:
        """Refuse before anything is written, and say why."""
        self._orders.check(from_json(Order, order))

    @workflow.update(name=CANCEL_UPDATE)
    def on_cancel(self, command: dict[str, Any]) -> str:
        """How `cancel` came before there were other commands: executions begun then replay it."""
        self._interpreter.is_boundary_due = True
        self._interpreter.mailbox.append(from_json(CancelRequested, command))
        return "accepted"

    @on_cancel.validator
    def check_cancel(self, command: dict[str, Any]) -> None:
        """Refuse before anything is written, and say why."""
        self._orders.check(Order(word="cancel", command=command))

    @workflow.query(name=STATUS_QUERY)
    def status(self) -> dict[str, Any]:
        """Where it stands, in the shape of the result."""
        return self._interpreter.result()

    @property
    def execution(self) -> Execution:
        """The engine's execution, for those who replay a history."""
        return self._interpreter.execution

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """What it was told, for the same."""
        return self._interpreter.ledger.journal

    @workflow.query(name=SNAPSHOT_QUERY)
    def snapshot(self) -> dict[str, Any]:
        """The same for the ledger; also asked of executions that were ended from outside."""
        return self._interpreter.ledger.answer(self._interpreter.execution)

    def _on_temporal_cancel(self) -> None:
        reason = workflow.cancellation_reason() or "cancelled in Temporal"
        self._interpreter.mailbox.append(CancelRequested(command_id="temporal-cancel", actor="temporal", reason=reason))
