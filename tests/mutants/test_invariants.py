"""Each check of an invariant is able to fail: a small real fault is put into the engine, and that check alone finds it.

Without the fault the same schedules keep the invariant: tests/properties shows it.
"""

from dataclasses import replace
from itertools import count

import pytest

from orchestrator.engine import advancing, execution, operators, outcomes, unwinding
from orchestrator.engine.advancing import advance
from orchestrator.engine.arrivals import abort_unless_pivot_open, arrived
from orchestrator.engine.execution import Execution
from orchestrator.engine.states import TRANSITIONS, Abort, Move, Phase
from orchestrator.engine.turn import Turn
from orchestrator.errors import InvariantBrokenError
from orchestrator.saga.plan import Plan, RetryPlan, WaitPlan
from orchestrator.testing.simulation.invariants import INVARIANTS
from tests.properties.plans import Rolled, build
from tests.properties.test_engine import run

SEEDS = 1_000


def outcomes_that_need_an_undo(*wanted):
    def is_undoable(turn, name):
        leaf, step = turn.leaf(name), turn.state.steps.get(name)
        return step is not None and getattr(leaf, "undo", None) is not None and step.outcome in wanted

    return is_undoable


def what_was_not_begun_stays_begun(patch):
    patch.setattr(outcomes, "_unbegin", lambda step: None)


def refused_steps_are_undone_too(patch):
    patch.setattr(unwinding, "is_undoable", outcomes_that_need_an_undo("ok", "unknown", "rejected"))
    patch.setattr(unwinding, "UNDOABLE", unwinding.UNDOABLE | {Phase.REFUSED})
    patch.setitem(TRANSITIONS, Phase.REFUSED, TRANSITIONS[Phase.DONE])


def only_what_is_known_to_be_done_is_undone(patch):
    patch.setattr(unwinding, "is_undoable", outcomes_that_need_an_undo("ok"))


def it_ends_when_the_undos_have_begun(patch):
    patch.setattr(execution, "open_undos", lambda turn: [])


def undos_begin_all_at_once(patch):
    def ready_undos(turn):
        return [turn.topology.step(name) for name in unwinding.open_undos(turn) if unwinding._may_begin(turn, name)]

    patch.setattr(unwinding, "ready_undos", ready_undos)


def the_flow_goes_on_after_the_abort(patch):
    def unwind(turn):
        unwinding.unwind(turn)
        advance(turn)

    patch.setattr(execution, "unwind", unwind)


def undos_heed_no_slow_worker(patch):
    patch.setattr(Turn, "is_fenced", lambda turn, name: False)


def undos_wait_for_nothing_in_flight(patch):
    patch.setattr(unwinding, "has_work_in_flight", lambda turn: False)


def cancels_do_not_know_the_pivot(patch):
    patch.setattr(operators, "past_pivot", lambda turn: False)


def the_flow_passes_steps_that_rest(patch):
    patch.setattr(advancing, "PASSED", frozenset({Phase.DONE, Phase.RESTING}))


def a_second_verdict_is_taken(patch):
    patch.setitem(TRANSITIONS[Phase.DONE], Move.OK, Phase.DONE)


def each_attempt_has_a_key_of_its_own(patch):
    def key(self, step, direction):
        return f"{step}:{direction}:{self.step(step).attempt}"

    patch.setattr(Execution, "key", key)


def both_directions_share_a_key(patch):
    patch.setattr(Execution, "key", lambda self, step, direction: step)


def failures_count_whatever_attempt_they_name(patch):
    real = outcomes.failed

    def failed(turn, signal):
        step = turn.step(signal.step)
        newest = step.undo_attempt if signal.direction == "undo" else step.attempt
        return real(turn, replace(signal, attempt=newest))

    patch.setattr(outcomes, "failed", failed)


def timers_depend_on_what_ran_before(patch):
    real, number = Turn.set_timer, count()
    patch.setattr(Turn, "set_timer", lambda turn, name, after_ms: real(turn, name, after_ms + next(number)))


def a_dump_forgets_which_events_were_seen(patch):
    real = Execution.dump
    patch.setattr(Execution, "dump", lambda self: {**real(self), "seen": {}})


def events_are_not_remembered(patch):
    def forgetful(turn, event):
        turn.state.seen.clear()
        return arrived(turn, event)

    patch.setattr(execution, "arrived", forgetful)


def early_events_are_dropped(patch):
    def impatient(turn, event):
        ignored = arrived(turn, event)
        waits = [name for name, step in turn.state.steps.items() if step.phase is Phase.DOING]
        if not any(isinstance(turn.leaf(name), WaitPlan) for name in waits):
            turn.state.held.clear()
        return ignored

    patch.setattr(execution, "arrived", impatient)


def one_attempt_more_than_allowed(patch):
    patch.setattr(RetryPlan, "allows", lambda policy, attempt: attempt <= policy.attempts + 1)


def a_stuck_undo_is_not_told(patch):
    real = outcomes._undo_gave_up

    def quiet(turn, plan, reason):
        ignored = real(turn, plan, reason)
        turn.effects.clear()
        return ignored

    patch.setattr(outcomes, "_undo_gave_up", quiet)


def outcomes_count_after_the_end(patch):
    real = execution._take

    def take(turn, signal):
        ended, turn.state.ended = turn.state.ended, False
        ignored = real(turn, signal)
        turn.state.ended = ended
        return ignored

    patch.setattr(execution, "_take", take)


def pauses_never_end(patch):
    patch.setattr(Turn, "is_set", lambda turn, name: True)


def a_second_cancel_acts_again(patch):
    def cancel(turn, signal):
        turn.state.suspended = False
        abort_unless_pivot_open(turn, Abort("cancel", text=signal.reason))

    patch.setattr(operators, "_cancel", cancel)


def nobody_hears_that_a_cancel_came_to_nothing(patch):
    def settle_waiting_abort(turn):
        turn.state.waiting_abort = None

    patch.setattr(execution, "settle_waiting_abort", settle_waiting_abort)


def anonymous_commands_are_carried_out(patch):
    real = operators.objection
    patch.setattr(operators, "objection", lambda turn, signal: real(turn, replace(signal, actor="me", reason="why")))


def a_retry_begins_while_suspended(patch):
    real = operators._try_again

    def at_once(turn, name):
        real(turn, name)
        if turn.phase(name) is Phase.UNDO_RESTING:
            unwinding.begin_undo(turn, turn.topology.step(name))
        else:
            advancing.begin_attempt(turn, turn.topology.step(name))

    patch.setattr(operators, "_try_again", at_once)


def timers_outlive_their_steps(patch):
    patch.setattr(Turn, "clear_timers_of", lambda turn, name: None)


def a_restored_execution_takes_the_newest_plan(patch):
    real = Execution.restore

    def restore(plan, stored):
        found = real(plan, stored)
        found.plan = Plan.model_validate({**plan.model_dump(), "version": 2})
        return found

    patch.setattr(Execution, "restore", restore)


MUTANTS = [
    (1, what_was_not_begun_stays_begun),
    (2, refused_steps_are_undone_too),
    (3, only_what_is_known_to_be_done_is_undone),
    (4, it_ends_when_the_undos_have_begun),
    (5, undos_begin_all_at_once),
    (6, the_flow_goes_on_after_the_abort),
    (6, undos_heed_no_slow_worker),
    (6, undos_wait_for_nothing_in_flight),
    (7, cancels_do_not_know_the_pivot),
    (8, the_flow_passes_steps_that_rest),
    (9, a_second_verdict_is_taken),
    (10, each_attempt_has_a_key_of_its_own),
    (10, both_directions_share_a_key),
    (11, failures_count_whatever_attempt_they_name),
    (12, timers_depend_on_what_ran_before),
    (13, a_dump_forgets_which_events_were_seen),
    (14, events_are_not_remembered),
    (15, early_events_are_dropped),
    (16, one_attempt_more_than_allowed),
    (16, a_stuck_undo_is_not_told),
    (17, outcomes_count_after_the_end),
    (18, pauses_never_end),
    (19, a_second_cancel_acts_again),
    (19, nobody_hears_that_a_cancel_came_to_nothing),
    (20, anonymous_commands_are_carried_out),
    (20, a_retry_begins_while_suspended),
    (21, timers_outlive_their_steps),
    (23, a_restored_execution_takes_the_newest_plan),
]


@pytest.mark.parametrize(("number", "mutant"), MUTANTS, ids=[f"{n}-{mutant.__name__}" for n, mutant in MUTANTS])
def test_the_check_finds_the_fault(number, mutant, monkeypatch) -> None:
    mutant(monkeypatch)
    with pytest.raises(InvariantBrokenError) as found:
        for seed in range(SEEDS):
            chance = Rolled(seed)
            run(build(chance), chance, {number: INVARIANTS[number]})
    assert found.value.number == number


def test_no_invariant_is_without_its_mutant() -> None:
    assert {number for number, _ in MUTANTS} == set(INVARIANTS)
