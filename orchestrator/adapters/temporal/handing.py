"""Hands an execution's snapshot out of its workflow, to whoever keeps the ledger in this process.

It is no command in history and no I/O: a call of a function of the worker, taken from the SDK's `extern_functions`,
which gets a copy and returns at once. While history is replayed nothing is handed over; what happened then is part of
the first journal after it, so that whatever a crash has lost is told again. Without such a function nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import TypeAdapter
from temporalio import workflow
from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from orchestrator.adapters.temporal import memo
from orchestrator.engine.execution import Execution
from orchestrator.service.journal import JournalEntry
from orchestrator.service.records import Position, Snapshot, milliseconds
from orchestrator.service.snapshots import entry_of

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Given

Sink: TypeAlias = Callable[[Snapshot], None]
"""Takes a snapshot from any thread, and does not wait."""

NAME = "saga_hand_over"
MOST_TOLD = 1_000
"""Journal entries in the answer to a query."""
_journal = TypeAdapter(tuple[JournalEntry, ...])


class HandingOver(Interceptor):
    """Gives the workflows of one worker their sink: `Worker(..., interceptors=[HandingOver(buffer.give)])`."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """No class: the function is all that is added."""
        functions: Any = input.unsafe_extern_functions  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        functions[NAME] = self._sink
        return None


class HandOver:
    """What one workflow run hands over. Made and used in its thread only."""

    def __init__(self, given: Given) -> None:
        functions: Any = workflow.extern_functions()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        self._sink: Sink | None = functions.get(NAME)
        self._given = given
        self._journal: list[JournalEntry] = []
        self._handed = 0
        self._revision = -1
        self._plan_hash = ""

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """All that this run has noted."""
        return tuple(self._journal)

    def note(self, execution: Execution) -> None:
        """Take what was added to the journal, with the time of this workflow task."""
        if self._sink is None:
            return
        now_ms = int(workflow.time() * 1000)
        for entry in execution.journal[len(self._journal) :]:
            self._journal.append(entry_of(entry.revision, now_ms, entry.signal, entry.ignored))

    def give(self, execution: Execution) -> None:
        """Hand over where the execution stands, if it has moved."""
        revision = execution.state.revision
        if self._sink is None or revision == self._revision or workflow.unsafe.is_replaying():
            return
        self._revision = revision
        self._sink(self._snapshot(execution))
        self._handed = len(self._journal)

    def answer(self, execution: Execution) -> dict[str, Any]:
        """The same for the reconciler, which asks by query: with the end of the journal, but without the plan."""
        told: Any = _journal.dump_python(tuple(self._journal[-MOST_TOLD:]), mode="json", exclude_defaults=True)
        return {
            "state": execution.dump(),
            "history": workflow.info().get_current_history_length(),
            "correlation_id": self._given.thread.correlation_id,
            "changed_ms": self._changed_ms(),
            "journal": told,
        }

    def _snapshot(self, execution: Execution) -> Snapshot:
        info = workflow.info()
        run_ms = milliseconds(info.workflow_start_time)
        position = Position(
            run_id=info.run_id,
            run_ms=run_ms,
            history=info.get_current_history_length(),
            revision=execution.state.revision,
        )
        plan_hash = self._hash()
        return Snapshot(
            execution=Execution(execution.plan, execution.state.copied()),
            position=position,
            workflow_id=info.workflow_id,
            correlation_id=self._given.thread.correlation_id,
            started_ms=run_ms,
            changed_ms=self._changed_ms(),
            plan_hash=plan_hash,
            journal=tuple(self._journal[self._handed :]),
        )

    def _changed_ms(self) -> int:
        """When it was told something last: a workflow task that told it nothing, as an old timer's, is no change."""
        return self._journal[-1].at_ms if self._journal else int(workflow.time() * 1000)

    def _hash(self) -> str:
        if not self._plan_hash:
            known = memo.read(workflow.memo()).get(memo.PLAN, "")
            self._plan_hash = known or self._given.plan.content_hash
        return self._plan_hash
