"""The interpreter: hands the engine what happened, performs what it asks for, and keeps the rules of express.md.

It runs inside the workflow, so it uses no clock, randomness or I/O but Temporal's. It decides nothing about the saga;
it decides in which order news is taken and when the server must have recorded what went before.
"""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Any

from temporalio import workflow

from orchestrator.adapters.temporal.calls import Calls
from orchestrator.adapters.temporal.clock import Agenda
from orchestrator.adapters.temporal.given import Carried, Given, Report
from orchestrator.adapters.temporal.handing import HandOver
from orchestrator.adapters.temporal.news import lost_attempt, signal_of, stray_reply, withdrawn
from orchestrator.adapters.temporal.pending import Unanswered, act_of
from orchestrator.adapters.temporal.ready import Ready
from orchestrator.adapters.temporal.recorded import Recorded
from orchestrator.adapters.temporal.room import Room, size_of
from orchestrator.adapters.temporal.running import BRIEF_LIMIT_S
from orchestrator.adapters.temporal.showing import result_of
from orchestrator.engine.effects import Alert, CancelAttempt, ClearTimer, End, Park, Perform, SetTimer
from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import changes_the_way, leaves_nothing_open, lookahead
from orchestrator.engine.signals import Arrived, Elapsed, Lost, Started
from orchestrator.engine.topology import topology_of
from orchestrator.saga.plan import StepPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.engine.effects import Effect
    from orchestrator.engine.lookahead import RunItem
    from orchestrator.engine.signals import Signal

RECORD_AFTER_MS = 1_000
"""After so much time in one workflow task the next run waits for a boundary (express.md, 6)."""


class Interpreter:
    """One execution inside its workflow run."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.execution = Execution.begin(given.plan, given.execution_id)
        self.mailbox: deque[Signal] = deque()
        self.is_boundary_due = False
        self._calls = Calls(given)
        self.ledger = HandOver(given)
        self._ready = Ready()
        self.agenda = Agenda(now_ms=int(workflow.info().start_time.timestamp() * 1000))
        self._unanswered = Unanswered(self.agenda, given.limits)
        if given.carried is None:
            self.mailbox.append(Started(given.trigger))
        else:
            self._take_up(given.carried)
        if given.command is not None:
            self.mailbox.append(given.command)
        self.room = Room(self.execution, size_of(given.carried.state if given.carried else given.trigger.payload))
        self._recorded = Recorded(self.execution, was_lost=given.carried is not None and given.carried.was_lost)
        self._in_doubt: frozenset[str] = frozenset()
        self._spent_ms = 0

    def _take_up(self, carried: Carried) -> None:
        self.execution = Execution.restore(self.given.plan, carried.state)
        self.agenda.by_name.update(carried.due_ms)
        self._unanswered.take_up(carried.pending, self.execution.pending())
        self._calls.take_up(self.execution.word)

    def carry(self) -> Carried:
        """What the run that continues this one needs to know. Only between turns, with nothing but commands open."""
        self.agenda.read(_now_ms())
        due_ms = dict(self.agenda.by_name)
        was_lost = self._recorded.was_lost and not leaves_nothing_open(self.execution)
        return Carried(state=self.execution.dump(), due_ms=due_ms, pending=self._unanswered.dump(), was_lost=was_lost)

    @property
    def may_continue_as_new(self) -> bool:
        """Whether nothing is open that a new run could not take up."""
        return not (self.mailbox or self._ready or self._unanswered.are_due or self._calls.are_open)

    @property
    def _fence_ms(self) -> int:
        """How long a slow worker may still perform a lost run: its budget, and the hard limit of one call."""
        return self.given.limits.run_budget_ms + int(BRIEF_LIMIT_S * 1000)

    def take_reply(self, report: Report) -> None:
        """A reply came that nobody waited for any more. One for a step that there is not goes to parking."""
        if isinstance(topology_of(self.given.plan).leaves.get(report.step), StepPlan):
            self.mailbox.append(signal_of(report))
        else:
            self._calls.park(stray_reply(report))

    async def turn(self) -> bool:
        """Take all news, then perform one run. Says whether there was anything to do."""
        busy = await self._take_news()
        if self.execution.state.ended or not (self._unanswered.are_due or self._ready):
            return busy
        await (self._perform_run() if self._unanswered.are_due or self._ready.are_brief else self._begin_put_off())
        return True

    def rest(self) -> int | None:
        """Nothing is left to do now: says when something is due, epoch milliseconds."""
        self._recorded.rest()
        self._calls.recorded()
        self._spent_ms = 0
        self.agenda.read(_now_ms())
        return self.agenda.earliest()

    async def look_back(self) -> None:
        """Find out what the next run cannot: whether an attempt was lost that still matters."""
        self._recorded.was_lost |= await self._boundary(look=True)

    async def finish(self) -> None:
        """Wait until everything that people must be told is told, and drop attempts that nobody waits for."""
        self.tell_ledger()
        await self._calls.finish()

    def tell_ledger(self) -> None:
        """Hand over where it stands, if it has moved: before each wait, so that what is shown is what is waited for."""
        self.ledger.give(self.execution)

    # -- taking news ---------------------------------------------------------------------------------------------

    async def _take_news(self) -> bool:
        """Empty the mailbox into the engine, one message at a time (express.md, 6)."""
        busy = False
        while True:
            due = [name for name in self.agenda.take_due() if not self._unanswered.ring(name)]
            self.mailbox.extend(Elapsed(name) for name in due)
            if not self.mailbox:
                return busy
            busy = True
            await self._take(self.mailbox.popleft(), from_server=True)

    async def _take(self, signal: Signal, *, from_server: bool) -> None:
        if from_server:
            self._recorded.before_news(self.execution)
        news = self.room.fit(signal)
        if isinstance(news, Park):
            self._calls.park(news)
            return
        if changes_the_way(self.execution, news):
            await self._record_before_abort()
        self._hand_over(news)

    async def _record_before_abort(self) -> None:
        """Have the server record all that went before; count what a lost attempt may have begun (express.md, 8-10).

        What comes meanwhile waits for the abort: an outcome taken first could begin what the abort forbids.
        """
        was_lost = await self._boundary(look=True) or self._recorded.was_lost
        unbegun = self._ready.steps
        now = self.execution.copy()
        # Events that lie unread here may have been read by the lost attempt.
        now.state.held.extend(one.event for one in self.mailbox if isinstance(one, Arrived))
        steps = self._recorded.maybe_begun(now, self.given.trigger, unbegun) if was_lost else ()
        self._in_doubt = unbegun.intersection(steps)
        if steps:
            self._hand_over(Lost(steps, self._fence_ms))

    async def _boundary(self, *, look: bool) -> bool:
        self.is_boundary_due = False
        was_lost = await self._calls.boundary(since=self._recorded.since if look else 0)
        self._recorded.boundary()
        self._spent_ms = 0
        return was_lost

    def _hand_over(self, signal: Signal) -> None:
        self._carry_out(self.execution.receive(signal))
        self.ledger.note(self.execution)
        self._drop_settled()
        if self.execution.state.is_unwinding:
            self._withdraw()

    def _drop_settled(self) -> None:
        """Attempts that the engine does not wait for any more need no performer and no resend."""
        open_ones = self.execution.pending() if self._ready or self._unanswered.are_any else ()
        self._ready.drop_all_but(open_ones)
        self._unanswered.drop_all_but(open_ones)

    def _withdraw(self) -> None:
        """Forward attempts that were asked for and not begun never begin after an abort (invariant 6).

        Those that a lost attempt may have begun all the same are in doubt; the others were never begun.
        """
        for perform in self._ready.take_forward():
            is_in_doubt = perform.step in self._in_doubt
            self._carry_out(
                self.execution.receive(lost_attempt(perform, self._fence_ms) if is_in_doubt else withdrawn(perform))
            )
        self.ledger.note(self.execution)

    # -- carrying out effects ------------------------------------------------------------------------------------

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Perform():
                    self._begin(effect)
                case SetTimer():
                    self._set(effect.timer, effect.after_ms)
                case ClearTimer():
                    self.agenda.clear(effect.timer)
                case CancelAttempt():
                    self._calls.cancel(effect)
                case Alert():
                    self._calls.alert(effect, self.execution)
                case Park():
                    self._calls.park(effect)
                case End():
                    self._calls.show_status(effect.word)
        self._calls.show_status(self.execution.word)

    def _set(self, timer: str, after_ms: int) -> None:
        """Let it ring so much later. If it has rung and that was not taken yet, that was the one before it."""
        rung = Elapsed(timer)
        while rung in self.mailbox:
            self.mailbox.remove(rung)
        self.agenda.set(timer, after_ms)

    def _begin(self, perform: Perform) -> None:
        if self._ready.is_held(perform):
            return
        if perform.is_brief or not self._calls.begin(perform, self.execution, self._on_report):
            self._ready.add(perform)

    async def _begin_put_off(self) -> None:
        """Begin what one workflow task had no room to ask for: they are more than one message to the server holds."""
        await self._boundary(look=False)
        for perform in self._ready.take_put_off():
            self._begin(perform)

    def _on_report(self, perform: Perform, report: Report) -> None:
        """A durable attempt ended. A pivot command without an answer goes on as a pending one."""
        if report.kind == "pending":
            self._keep_pending(perform, report)
        else:
            self.mailbox.append(signal_of(report))

    def _keep_pending(self, perform: Perform, report: Report) -> None:
        if perform in self.execution.pending():  # else its time was up meanwhile, or its reply came another way
            self._unanswered.keep(perform, report.deadline_ms)

    # -- the express lane ----------------------------------------------------------------------------------------

    async def _perform_run(self) -> None:
        """Perform the longest run that follows from what is ready, then feed its outcomes in the order they came."""
        if self.is_boundary_due or self._spent_ms >= RECORD_AFTER_MS:
            await self._boundary(look=False)
            return
        resends = self._unanswered.take_due(is_unwinding=self.execution.state.is_unwinding)
        items = lookahead(self.execution, self._ready.all)
        if not (items or resends):
            return
        self.tell_ledger()
        report = await self._calls.run(self.execution, items, resends, room=self.room.left)
        performs = [item.perform for item in items]
        if report is None:
            self._ready.hold(map(act_of, performs))
            await self._take_lost_run(items)
        else:
            now = _now_ms()
            self.agenda.read(now - report.took_ms, now)
            self._spent_ms += report.elapsed_ms
            self._ready.hold(map(act_of, report.reports))
            for one in report.reports:
                await self._take_report(one, performs, [one.perform for one in resends])
        self._ready.hold(())
        self._unanswered.put_off(resends)

    async def _take_report(self, report: Report, begun: Sequence[Perform], resent: Sequence[Perform]) -> None:
        again = next((perform for perform in resent if act_of(perform) == act_of(report)), None)
        if report.kind == "pending":
            self._keep_pending(again or next(one for one in begun if act_of(one) == act_of(report)), report)
        elif report.kind != "stalled" or again is None:  # a worker without the code to send it again says nothing new
            await self._take(signal_of(report), from_server=False)

    async def _take_lost_run(self, items: Sequence[RunItem]) -> None:
        """The run came to no report at all: everything in it counts as begun, outcome unknown (express.md, 5)."""
        later = [item.perform.step for item in items if item.after and item.perform.direction == "do"]
        self._hand_over(Lost(tuple(later), self._fence_ms))
        for perform in [item.perform for item in items if not item.after]:
            await self._take(lost_attempt(perform, self._fence_ms, retryable=True), from_server=False)

    def result(self) -> dict[str, Any]:
        """What the workflow returns, and what it answers when asked where it stands."""
        return result_of(self.execution)


def _now_ms() -> int:
    return ceil(workflow.time() * 1000)  # rounded down, a limit would end early
