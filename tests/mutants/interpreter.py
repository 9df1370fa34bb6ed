"""Faults put into the interpreter, its hands and the participants' inbox, one for each rule of express.md that a lost
attempt, a slow worker, a person or a clock could break: each is named by what goes wrong.

`test_interpreter.py` keeps a seed that shows each. To find one for a new fault:
`python -m tests.mutants.interpreter NAME...`, or without names for those whose seed shows nothing any more.
"""

import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType

from orchestrator.adapters.temporal import activities, handing, interpreter, recorded, tail
from orchestrator.adapters.temporal.calls import Calls
from orchestrator.adapters.temporal.clock import Agenda
from orchestrator.adapters.temporal.interpreter import Interpreter
from orchestrator.adapters.temporal.pending import Unanswered
from orchestrator.adapters.temporal.performing import Watch
from orchestrator.adapters.temporal.ready import Ready
from orchestrator.adapters.temporal.recorded import Recorded
from orchestrator.adapters.temporal.running import Run
from orchestrator.adapters.temporal.tail import was_attempt_lost
from orchestrator.contracts.protocol import UNDONE
from orchestrator.engine import lookahead
from orchestrator.engine.effects import Perform
from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import LOST_ATTEMPT_CODES
from orchestrator.engine.signals import Refused, ReleaseRequested
from orchestrator.engine.turn import Turn
from orchestrator.participant import handling
from orchestrator.participant.handling import Task
from orchestrator.participant.inbox import Deed, Verdict, decide
from orchestrator.service.spans import Place
from orchestrator.service.tracing import Tracing
from orchestrator.testing.simulation.suite import simulate

Patch = pytest.MonkeyPatch


def a_snapshot_leaves_while_history_is_replayed(patch):
    unsafe = SimpleNamespace(is_replaying=lambda: False)
    patch.setattr(handing, "workflow", SimpleNamespace(**{**vars(workflow), "unsafe": unsafe}))


def what_is_lost_behind_an_abort_is_not_told(patch):
    def withdraw(self):
        ledger, self.ledger = self.ledger, SimpleNamespace(note=lambda execution: None)
        real_withdraw(self)
        self.ledger = ledger

    real_withdraw = Interpreter._withdraw
    patch.setattr(Interpreter, "_withdraw", withdraw)


def only_the_first_end_of_an_attempt_is_told(patch):
    def is_news(self, span):
        is_first = span.span_id not in self.told
        self.told.setdefault(span.span_id, (0, 0, ""))
        return is_first

    patch.setattr(Tracing, "is_news", is_news)


def each_telling_has_an_id_of_its_own(patch):
    patch.setattr(Place, "attempt", lambda self, one: secrets.token_hex(8))


def an_abort_is_not_recorded_before_its_undos(patch):
    async def at_once(self) -> None:
        self._in_doubt = frozenset()

    patch.setattr(Interpreter, "_record_before_abort", at_once)


def an_unknown_outcome_is_not_recorded_before_its_undos(patch):
    kinds = tuple(kind for kind in lookahead.MAY_TURN_BACK if kind.__name__ not in ("Failed", "Elapsed"))
    patch.setattr(lookahead, "MAY_TURN_BACK", kinds)


def a_cancel_is_not_recorded_before_its_undos(patch):
    kinds = tuple(kind for kind in lookahead.MAY_TURN_BACK if kind.__name__ != "CancelRequested")
    patch.setattr(lookahead, "MAY_TURN_BACK", kinds)


def nobody_looks_at_the_history(patch):
    patch.setattr(activities, "was_attempt_lost", lambda events, activity_id, since: False)


def the_look_sees_the_task_at_hand_only(patch):
    def narrow(events, activity_id, since):
        return was_attempt_lost(events, activity_id, sys.maxsize)

    patch.setattr(activities, "was_attempt_lost", narrow)


def a_release_is_taken_without_a_look_at_the_history(patch):
    def changes_the_way(execution, news):
        return not isinstance(news, ReleaseRequested) and lookahead.changes_the_way(execution, news)

    patch.setattr(interpreter, "changes_the_way", changes_the_way)


def what_a_lost_attempt_may_have_begun_is_not_counted(patch):
    patch.setattr(Recorded, "maybe_begun", lambda self, *_: ())


def what_was_asked_for_when_the_attempt_was_lost_is_not_counted(patch):
    def without(recorded_state, now, trigger, unbegun=frozenset()):
        return tuple(n for n in lookahead.maybe_begun(recorded_state, now, trigger, unbegun) if n not in unbegun)

    patch.setattr(recorded, "maybe_begun", without)


def a_lost_attempt_is_forgotten_over_a_new_run(patch):
    real = Interpreter.carry

    def carry(self):
        self._recorded.was_lost = False
        return real(self)

    patch.setattr(Interpreter, "carry", carry)


def nobody_looks_back_before_a_new_run(patch):
    async def look_back(self) -> None:
        self._recorded.was_lost |= await self._boundary(look=False)

    patch.setattr(Interpreter, "look_back", look_back)


def a_person_is_obeyed_in_a_task_that_may_vanish(patch):
    patch.setattr(Interpreter, "is_boundary_due", property(lambda self: False, lambda self, due: None), raising=False)


def a_pivot_rides_in_a_run(patch):
    patch.setattr(Perform, "is_brief", property(lambda self: self.call.lane != "durable"))


def what_was_not_begun_begins_behind_the_abort(patch):
    patch.setattr(Interpreter, "_withdraw", lambda self: None)


def what_the_run_has_begun_is_withdrawn(patch):
    patch.setattr(Ready, "hold", lambda self, acts: None)


def forward_commands_are_sent_again_behind_the_abort(patch):
    real = Unanswered.take_due
    patch.setattr(Unanswered, "take_due", lambda self, *, is_unwinding: real(self, is_unwinding=False))


def every_refusal_counts_as_stable(patch):
    patch.setattr(lookahead, "is_stable_refusal", lambda execution, signal: isinstance(signal, Refused))


def a_refusal_counts_as_stable_beside_an_open_branch(patch):
    def alone(execution, signal):
        if not isinstance(signal, Refused) or signal.direction != "do" or signal.code in LOST_ATTEMPT_CODES:
            return False
        return Turn(execution.plan, execution.state).topology.step(signal.step).do.lane == "command"

    patch.setattr(lookahead, "is_stable_refusal", alone)


def a_repeat_has_a_key_of_its_own(patch):
    real = Execution.key

    def key(self, step, direction):
        return f"{real(self, step, direction)}:{self.step(step).attempt}"

    patch.setattr(Execution, "key", key)


def a_run_goes_on_behind_what_did_not_succeed(patch):
    real = Run._end

    def end(self, call, made):
        real(self, call, made)
        self._is_stopped = False
        self._succeeded.add(call.step)

    patch.setattr(Run, "_end", end)


def news_waits_for_the_end_of_all_runs(patch):
    real = Interpreter._take_news

    async def take_news(self):
        return False if self._ready.are_brief else await real(self)

    patch.setattr(Interpreter, "_take_news", take_news)


def results_of_a_run_are_not_handed_on(patch):
    patch.setattr(Run, "_known", lambda self, call: {})


def an_undo_is_sent_under_the_forward_key(patch):
    real = Calls._call

    def call(self, execution, perform, *more, **kept):
        made = real(self, execution, perform, *more, **kept)
        return replace(made, key=made.undoes or made.key)

    patch.setattr(Calls, "_call", call)


def _shows_no_loss(patch, *kinds):
    real = tail._Task.shows_loss
    wanted = {EventType.Value(f"EVENT_TYPE_WORKFLOW_TASK_{kind}") for kind in kinds}
    patch.setattr(tail._Task, "shows_loss", lambda self, event: real(self, event) and event.event_type not in wanted)


def a_time_out_is_no_sign_of_a_lost_attempt(patch):
    _shows_no_loss(patch, "TIMED_OUT")


def a_failure_is_no_sign_of_a_lost_attempt(patch):
    _shows_no_loss(patch, "FAILED")


def what_comes_while_an_abort_is_recorded_is_taken_before_it(patch):
    real = Interpreter._record_before_abort

    async def record_before_abort(self) -> None:
        await real(self)
        while self.mailbox:
            self._hand_over(self.mailbox.popleft())

    patch.setattr(Interpreter, "_record_before_abort", record_before_abort)


def the_newest_state_counts_as_recorded(patch):
    real = Recorded.before_news

    def before_news(self, execution):
        self._is_new = True
        real(self, execution)

    patch.setattr(Recorded, "before_news", before_news)


def performers_know_no_deadline(patch):
    patch.setattr(Watch, "elapsed", lambda self: -1e6)


def a_new_run_begins_while_activities_are_open(patch):
    def may_continue_as_new(self):
        return not (self.mailbox or self._ready or self._unanswered.are_due)

    patch.setattr(Interpreter, "may_continue_as_new", property(may_continue_as_new))


def limits_are_forgotten_over_a_new_run(patch):
    real = Interpreter.carry
    patch.setattr(Interpreter, "carry", lambda self: replace(real(self), due_ms={}))


def a_length_of_time_begins_when_it_is_asked_for(patch):
    def set_(self, name, after_ms):
        self.by_name[name] = int(workflow.time() * 1000) + after_ms

    patch.setattr(Agenda, "set", set_)


def _decides(patch, change):
    def decided(row, command, body_hash, now):
        return change(row, command, decide(row, command, body_hash, now))

    patch.setattr(handling, "decide", decided)


def a_command_behind_its_undo_is_carried_out(patch):
    def change(row, command, verdict):
        return Verdict(Deed.RUN) if verdict.code == UNDONE and command.direction == "do" else verdict

    _decides(patch, change)


def a_repeated_command_is_carried_out_again(patch):
    def change(row, command, verdict):
        return Verdict(Deed.RUN) if verdict.deed is Deed.ANSWER and row.state == "done" else verdict

    _decides(patch, change)


def a_refusal_is_not_kept(patch):
    async def keep_refusal(self, store, rejected):
        return self.refuse(rejected)

    patch.setattr(Task, "_keep_refusal", keep_refusal)


MOST_SEEDS = 2_000


def first_killer(mutant: Callable[[Patch], None], seeds) -> tuple[int, list[str]]:
    """The first seed whose simulation shows the fault, and how.

    Raises:
        LookupError: none of them does.
    """
    with pytest.MonkeyPatch.context() as patch:
        mutant(patch)
        for seed in seeds:
            found = simulate(seed).violations
            if found:
                return seed, found
    raise LookupError(mutant.__name__)


def search(mutant, seed, others):
    """A line about a fault: nothing if `seed` shows it."""
    for seeds in ([seed], [*others, *range(1, MOST_SEEDS)]):
        try:
            shown_by, found = first_killer(mutant, seeds)
        except LookupError:
            continue
        return "" if shown_by == seed else f"{mutant.__name__} {shown_by} {found}\n"
    return f"{mutant.__name__} is shown by no seed\n"


def main(names):
    from tests.mutants.test_interpreter import MUTANTS

    known = {mutant: seed for _, mutant, seed in MUTANTS}
    others = sorted({*known.values()} - {0})
    for mutant in [mutant for mutant in known if mutant.__name__ in names or not names]:
        sys.stdout.write(search(mutant, known[mutant], others))


if __name__ == "__main__":
    main(sys.argv[1:])
