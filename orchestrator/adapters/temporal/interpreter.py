"""The interpreter: hands the engine what happened, performs what it asks for, and keeps the rules of express.md.

It runs inside the workflow, so it uses no clock, randomness or I/O but Temporal's. It decides nothing about the saga;
it decides in which order news is taken and when the server must have recorded what went before.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

from temporalio import workflow

from orchestrator.adapters.temporal.calls import Calls
from orchestrator.adapters.temporal.clock import DueTimes, resend_pause_ms
from orchestrator.adapters.temporal.given import Carried, Given, Report
from orchestrator.adapters.temporal.handing import HandOver
from orchestrator.adapters.temporal.news import FENCE_MS, lost_attempt, signal_of, withdrawn
from orchestrator.adapters.temporal.pending import RESEND, Pending, resend_name
from orchestrator.adapters.temporal.showing import result_of
from orchestrator.engine.effects import Alert, CancelAttempt, ClearTimer, End, Park, Perform, SetTimer
from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import abort_after, is_stable_refusal, lookahead, maybe_begun
from orchestrator.engine.signals import (
    CancelRequested,
    CompensateRequested,
    Elapsed,
    Failed,
    Lost,
    Refused,
    Stalled,
    Started,
    Succeeded,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.effects import Effect
    from orchestrator.engine.lookahead import RunItem
    from orchestrator.engine.signals import Signal

Way: TypeAlias = tuple[str, str]
"""Step and direction: of each at most one attempt is open."""
MAY_TURN_BACK = (Refused, Failed, Elapsed, CancelRequested, CompensateRequested)
OUTCOMES = (Succeeded, Refused, Failed, Stalled)
RECORD_AFTER_MS = 1_000
"""After so much time in one workflow task the next run waits for a boundary (express.md, 6)."""


class Interpreter:
    """One execution inside its workflow run."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.execution = Execution.begin(given.plan, given.execution_id)
        self.mailbox: deque[Signal] = deque()
        self.is_boundary_due = False
        self._calls = Calls(given, self.mailbox)
        self._ledger = HandOver(given)
        self._ready: list[Perform] = []
        self._pending: dict[Way, Pending] = {}
        self._due = DueTimes()
        self._resend: list[Way] = []
        if given.carried is None:
            self.mailbox.append(Started(given.trigger))
        else:
            self._take_up(given.carried)
        if given.command is not None:
            self.mailbox.append(given.command)
        self._recorded = self.execution.copy()
        self._recorded_in = -1
        self._in_doubt: frozenset[str] = frozenset()
        self._spent_ms = 0
        self._spent_in = -1

    def _take_up(self, carried: Carried) -> None:
        self.execution = Execution.restore(self.given.plan, carried.state)
        self._due = DueTimes(dict(carried.due_ms))
        performs = {(perform.step, perform.direction): perform for perform in self.execution.pending()}
        for row in carried.pending:
            way = (row["step"], row["direction"])
            self._pending[way] = Pending(performs[way], row["deadline_ms"], row["sent"])
        if self.given.command is None:
            self._calls.take_up(self.execution.word)

    def carry(self) -> Carried:
        """What the run that continues this one needs to know. Only between turns, with nothing but commands open."""
        pending = [one.dump() for one in self._pending.values()]
        return Carried(state=self.execution.dump(), due_ms=dict(self._due.by_name), pending=pending)

    @property
    def may_continue_as_new(self) -> bool:
        """Whether nothing is open that a new run could not take up."""
        return not (self.mailbox or self._ready or self._resend or self._calls.are_open)

    async def turn(self) -> bool:
        """Take all news, then perform one run. Says whether there was anything to do."""
        busy = await self._take_news()
        if self.execution.state.ended:
            return busy
        if self._resend or any(perform.is_brief for perform in self._ready):
            await self._perform_run()
            return True
        return busy

    def earliest_due(self) -> int | None:
        """When something is due, epoch milliseconds."""
        return self._due.earliest()

    async def finish(self) -> None:
        """Wait until everything that people must be told is told, and drop attempts that nobody waits for."""
        self.tell_ledger()
        await self._calls.finish()

    def tell_ledger(self) -> None:
        """Hand over where it stands, if it has moved: before each wait, so that what is shown is what is waited for."""
        self._ledger.give(self.execution)

    # -- taking news ---------------------------------------------------------------------------------------------

    async def _take_news(self) -> bool:
        """Empty the mailbox into the engine, one message at a time (express.md, 6)."""
        busy = False
        while True:
            for name in self._due.take_due(_now_ms()):
                self._on_due(name)
            if not self.mailbox:
                return busy
            busy = True
            await self._take(self.mailbox.popleft(), from_server=True)

    def _on_due(self, name: str) -> None:
        if not name.startswith(RESEND):
            self.mailbox.append(Elapsed(name))
            return
        _, direction, step = name.split(":", 2)
        self._resend.append((step, direction))

    async def _take(self, signal: Signal, *, from_server: bool) -> None:
        if from_server:
            self._remember()
        turns_back = isinstance(signal, MAY_TURN_BACK) and abort_after(self.execution, signal) is not None
        if turns_back and not is_stable_refusal(self.execution, signal):
            await self._record_before_abort()
        self._hand_over(signal)

    def _remember(self) -> None:
        """Keep the state as it was before the first news of this workflow task: what a lost attempt began from."""
        task = workflow.info().get_current_history_length()
        if task != self._recorded_in:
            self._recorded, self._recorded_in = self.execution.copy(), task

    async def _record_before_abort(self) -> None:
        """Have the server record all that went before; count what a lost attempt may have begun (express.md, 8-10)."""
        recorded = self._recorded
        was_lost = await self._boundary(look=True)
        for signal in [signal for signal in self.mailbox if isinstance(signal, OUTCOMES)]:
            if abort_after(self.execution, signal) is None:
                self.mailbox.remove(signal)
                self._hand_over(signal)
        unbegun = frozenset(perform.step for perform in self._ready if perform.direction == "do")
        steps = maybe_begun(recorded, self.execution, self.given.trigger, unbegun) if was_lost else ()
        self._in_doubt = unbegun.intersection(steps)
        if steps:
            self._hand_over(Lost(steps, FENCE_MS))

    async def _boundary(self, *, look: bool) -> bool:
        self.is_boundary_due = False
        was_lost = await self._calls.boundary(look=look)
        self._spent_ms = 0
        return was_lost

    def _hand_over(self, signal: Signal) -> None:
        self._carry_out(self.execution.receive(signal))
        self._ledger.note(self.execution)
        self._drop_settled()
        if self.execution.state.is_unwinding:
            self._withdraw()

    def _drop_settled(self) -> None:
        """Attempts that the engine does not wait for any more need no performer and no resend."""
        open_ones = self.execution.pending() if self._ready or self._pending else ()
        self._ready = [perform for perform in self._ready if perform in open_ones]
        for way in [way for way, one in self._pending.items() if one.perform not in open_ones]:
            del self._pending[way]
            self._due.clear(resend_name(*way))

    def _withdraw(self) -> None:
        """Forward attempts that were asked for and not begun never begin after an abort (invariant 6).

        Those that a lost attempt may have begun all the same are in doubt; the others were never begun.
        """
        unbegun = [perform for perform in self._ready if perform.direction == "do"]
        self._ready = [perform for perform in self._ready if perform.direction != "do"]
        for perform in unbegun:
            is_in_doubt = perform.step in self._in_doubt
            self._carry_out(self.execution.receive(lost_attempt(perform) if is_in_doubt else withdrawn(perform)))

    # -- carrying out effects ------------------------------------------------------------------------------------

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Perform():
                    self._begin(effect)
                case SetTimer():
                    self._due.set(effect.timer, _now_ms() + effect.after_ms)
                case ClearTimer():
                    self._due.clear(effect.timer)
                case CancelAttempt():
                    self._calls.cancel(effect)
                case Alert():
                    self._calls.alert(effect, self.execution)
                case Park():
                    self._calls.park(effect)
                case End():
                    self._calls.show_status(effect.word)
        self._calls.show_status(self.execution.word)

    def _begin(self, perform: Perform) -> None:
        if perform.is_brief:
            self._ready.append(perform)
        else:
            self._calls.begin(perform, self.execution, self._on_report)

    def _on_report(self, perform: Perform, report: Report) -> None:
        """A durable attempt ended. A pivot command without an answer goes on as a pending one."""
        if report.kind == "pending":
            self._keep_pending(perform, report)
        else:
            self.mailbox.append(signal_of(report))

    def _keep_pending(self, perform: Perform, report: Report) -> None:
        if perform not in self.execution.pending():
            return  # its time was up meanwhile, or its reply came another way
        way = (perform.step, perform.direction)
        pending = self._pending.setdefault(way, Pending(perform, report.deadline_ms, sent=0))
        pending.sent += 1
        self._due.set(resend_name(*way), _now_ms() + resend_pause_ms(self.given.limits, pending.sent))

    # -- the express lane ----------------------------------------------------------------------------------------

    async def _perform_run(self) -> None:
        """Perform the longest run that follows from what is ready, then feed its outcomes in the order they came."""
        if self._must_record_first():
            await self._boundary(look=False)
            return
        resends = self._take_resends()
        items = lookahead(self.execution, self._ready)
        if not (items or resends):
            return
        self.tell_ledger()
        report = await self._calls.run(self.execution, items, resends)
        if report is None:
            await self._take_lost_run(items)
            return
        self._spent_ms += report.elapsed_ms
        for one in report.reports:
            await self._take_report(one, items)

    def _must_record_first(self) -> bool:
        task: int = workflow.info().get_current_history_length()
        if task != self._spent_in:
            self._spent_in = task
            self._spent_ms = 0
        return self.is_boundary_due or self._spent_ms >= RECORD_AFTER_MS

    def _take_resends(self) -> list[Pending]:
        """Commands to send again now; after an abort no forward one (express.md, 11)."""
        due, self._resend = [self._pending[way] for way in self._resend if way in self._pending], []
        return [one for one in due if one.perform.direction == "undo" or not self.execution.state.is_unwinding]

    async def _take_report(self, report: Report, items: Sequence[RunItem]) -> None:
        if report.kind != "pending":
            await self._take(signal_of(report), from_server=False)
            return
        way = (report.step, report.direction)
        begun = [item.perform for item in items if (item.perform.step, item.perform.direction) == way]
        again = [one.perform for one in self._pending.values() if (one.perform.step, one.perform.direction) == way]
        self._ready = [one for one in self._ready if (one.step, one.direction) != way]
        for perform in (begun or again)[:1]:
            self._keep_pending(perform, report)

    async def _take_lost_run(self, items: Sequence[RunItem]) -> None:
        """The run came to no report at all: everything in it counts as begun, outcome unknown (express.md, 5)."""
        later = [item.perform.step for item in items if item.after and item.perform.direction == "do"]
        self._hand_over(Lost(tuple(later), FENCE_MS))
        for perform in [item.perform for item in items if not item.after]:
            await self._take(lost_attempt(perform, retryable=True), from_server=False)

    def result(self) -> dict[str, Any]:
        """What the workflow returns, and what it answers when asked where it stands."""
        return result_of(self.execution)


def _now_ms() -> int:
    return int(workflow.time() * 1000)
