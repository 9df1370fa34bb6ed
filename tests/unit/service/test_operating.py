"""Operations through the service layer: who may, what is refused and audited, and what is claimed when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.engine.signals import Succeeded
from orchestrator.errors import (
    ConflictError,
    DeniedError,
    EngineUnavailableError,
    ExecutionNotFoundError,
    InvalidRequestError,
    KeyReusedError,
    OperationNotFoundError,
    PlanMovedError,
    RefusedCommandError,
)
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.auditing import verify
from orchestrator.service.live import linked_id
from orchestrator.service.settling import OWN_TURN_MS
from tests.hand_kit import Hand
from tests.service_kit import ADMIN, NOW, OPERATOR, VIEWER, ServiceBench, asked
from tests.table_kit import EVERYTHING, FLIGHT, caller_of, in_status, is_done, may, said


@pytest.fixture
def bench():
    return ServiceBench()


@pytest.mark.parametrize(("operation", "status", "role"), EVERYTHING)
async def test_every_operation_in_every_status_for_every_role_through_the_service(
    bench, operation, status, role
) -> None:
    in_status(bench, status)
    subject = await bench.world.subjects.find("trip:t1")
    assert subject.status == status
    caller = caller_of(role)
    more = await said(bench, operation, status)
    if is_done(operation, status, role):
        record = await bench.operate(operation, caller=caller, **more)
        assert record.state == "applied"
        assert bench.results == [(operation, "accepted")]
    else:
        refused = (RefusedCommandError,) if may(operation, role) else (DeniedError,)
        with pytest.raises(refused):
            await bench.operate(operation, caller=caller, **more)
        assert bench.results == [(operation, "refused")]


async def test_an_operation_is_accepted_applied_and_verified_only_when_the_saga_passed_the_step(bench) -> None:
    hand = bench.stuck()
    hand.answers["undo book_flight"] = "hold"
    record = await bench.operate("retry", caller=OPERATOR, **FLIGHT)
    assert (record.state, record.after) == ("applied", record.before + 1)
    assert (await bench.operating.look_at(OPERATOR, record.id)).state == "applied"
    hand.tell(Succeeded(step="book_flight", direction="undo", attempt=hand.execution.step("book_flight").undo_attempt))
    ended = await bench.operating.look_at(OPERATOR, record.id)
    assert (ended.state, ended.text) == ("verified", "the saga passed the step")
    assert bench.results == [("retry", "accepted"), ("retry", "verified")]


@pytest.mark.parametrize(("operation", "times"), [("retry", 1), ("compensate", 2)])
async def test_a_command_goes_by_the_look_that_let_it_in_and_an_undo_by_a_newer_one(bench, operation, times) -> None:
    bench.stuck()
    more = FLIGHT if operation == "retry" else {"plan": (await bench.operating.plan(ADMIN, "trip:t1")).hash}
    look, looks = bench.live.look, []

    async def counted(execution_id):
        looks.append(execution_id)
        return await look(execution_id)

    bench.live.look = counted
    await bench.operate(operation, **more)
    assert looks == ["trip:t1"] * times


async def test_a_retry_that_fails_again_is_verified_and_says_so(bench) -> None:
    bench.stuck()
    record = await bench.operate("retry", **FLIGHT)
    ended = await bench.operating.look_at(ADMIN, record.id)
    assert (ended.state, ended.text) == ("verified", "it failed again: undo book_flight says no")


async def test_a_cancel_that_came_too_late_has_no_effect_and_says_so(bench) -> None:
    hand = bench.completed(issue_ticket="hold")
    record = await bench.operate("cancel")
    assert (await bench.operating.look_at(ADMIN, record.id)).state == "applied"
    hand.tell(Succeeded(step="issue_ticket", attempt=1, result={"ticket": "k"}))
    ended = await bench.operating.look_at(ADMIN, record.id)
    assert (ended.state, ended.text) == ("no_effect", "it had passed the point of no return: Completed")


@pytest.mark.parametrize("reason", ["", "short", "       x       "])
async def test_a_reason_of_eight_characters_is_needed_and_its_lack_is_audited(bench, reason) -> None:
    bench.run()
    with pytest.raises(InvalidRequestError, match="/reason"):
        await bench.operate("suspend", reason=reason)
    assert bench.results == [("suspend", "refused")]


async def test_a_caller_of_another_saga_is_denied_and_that_is_audited(bench) -> None:
    bench.run()
    caller = Caller(actor="ann", role=Role.ADMIN, sagas=frozenset({"order"}))
    with pytest.raises(DeniedError, match="saga:read for saga 'trip'"):
        await bench.operate("cancel", caller=caller)
    assert bench.register.rows[0].entry.text.startswith("ann lacks the permission saga:read")


async def test_the_same_key_again_is_the_same_operation_and_with_other_content_refused(bench) -> None:
    hand = bench.run()
    first = await bench.operate("suspend", key="k1")
    before = hand.execution.state.revision
    assert await bench.operate("suspend", key="k1") == first
    assert hand.execution.state.revision == before
    with pytest.raises(KeyReusedError, match=first.id):
        await bench.operate("cancel", key="k1")
    assert bench.results == [("suspend", "accepted"), ("cancel", "refused")]


async def test_the_key_of_another_actor_is_another_operation(bench) -> None:
    bench.run("t1")
    bench.run("t2")
    first = await bench.operate("suspend", name="t1", key="k1", caller=ADMIN)
    assert (await bench.operate("suspend", name="t2", key="k1", caller=OPERATOR)).id != first.id


async def test_a_stale_revision_is_refused(bench) -> None:
    hand = bench.run()
    seen = hand.execution.state.revision
    await bench.operate("suspend", revision=seen)
    with pytest.raises(ConflictError) as refused:
        await bench.operate("cancel", revision=seen)
    assert refused.value.revision == seen + 1


async def test_a_conflict_that_only_the_execution_sees_fails_the_operation(bench) -> None:
    hand = bench.run()
    bench.live.on_command = lambda: hand.arrives("trip.confirmed")
    with pytest.raises(ConflictError):
        await bench.operate("suspend", revision=hand.execution.state.revision)
    assert [one.state for one in bench.register.operations.values()] == ["failed"]
    assert bench.results == [("suspend", "accepted"), ("suspend", "failed")]


async def test_an_execution_that_nobody_knows_is_said_not_to_exist(bench) -> None:
    with pytest.raises(ExecutionNotFoundError):
        await bench.operate("cancel", name="nobody")


async def test_with_temporal_away_nothing_is_accepted(bench) -> None:
    bench.run()
    bench.live.away = True
    with pytest.raises(EngineUnavailableError):
        await bench.operate("cancel")
    assert (bench.register.operations, bench.results) == ({}, [])


async def test_with_temporal_away_at_the_last_moment_the_operation_is_given_later_and_once(bench) -> None:
    hand = bench.run()
    bench.live.on_command = _raising
    record = await bench.operate("suspend")
    assert (record.state, record.text) == ("accepted", "it waits: away")
    assert [one.state for one in bench.register.operations.values()] == ["accepted"]
    bench.live.on_command = lambda: None
    assert await bench.settling.settle_all() == 0, "whoever accepted it is left to give it"
    bench.clock.moment += timedelta(milliseconds=OWN_TURN_MS)
    assert await bench.settling.settle_all() == 1
    assert hand.execution.word == "Suspended"
    assert [one.state for one in bench.register.operations.values()] == ["verified"]
    assert (await bench.operate("suspend")).state == "verified", "the same call again is the same operation"


def _raising():
    raise EngineUnavailableError("away")


async def test_a_linked_run_that_no_worker_has_begun_says_nothing_of_its_command(bench) -> None:
    bench.completed()
    plan = await bench.operating.plan(ADMIN, "trip:t1")
    given: list[Any] = []

    async def begun_and_left(seed, command):
        bench.live.runs[linked_id("trip:t1")] = Hand.of(seed.execution.copy())
        given.append(command)
        return True

    bench.live.begin_undo = begun_and_left
    record = await bench.operate("compensate", plan=plan.hash, override=True)
    assert (await bench.operating.look_at(ADMIN, record.id)).state == "applied"
    bench.live.runs[linked_id("trip:t1")].tell(given[0])
    ended = await bench.operating.look_at(ADMIN, record.id)
    assert (ended.state, ended.text) == ("verified", "it ended: Compensated")


async def test_a_command_that_was_taken_before_a_crash_is_not_given_again(bench) -> None:
    hand = bench.run()
    record = await bench.operate("suspend")
    bench.register.operations[record.id] = replace(record, state="accepted")
    before = hand.execution.state.revision
    assert (await bench.operating.look_at(ADMIN, record.id)).state == "verified"
    assert hand.execution.state.revision == before


async def test_an_operation_of_a_saga_that_a_caller_may_not_see_does_not_exist_for_them(bench) -> None:
    bench.run()
    record = await bench.operate("suspend")
    with pytest.raises(OperationNotFoundError):
        await bench.operating.look_at(Caller(actor="x", role=Role.ADMIN, sagas=frozenset({"order"})), record.id)
    assert (await bench.operating.look_at(VIEWER, record.id)).id == record.id


async def test_every_line_of_the_audit_is_chained(bench) -> None:
    bench.run()
    await bench.operate("suspend")
    with pytest.raises(RefusedCommandError):
        await bench.operate("suspend", key="k2")
    assert list(verify(bench.register.rows, await bench.register.audit_head())) == []


# -- what people type -----------------------------------------------------------------------------------------------


async def test_an_edited_input_that_does_not_fit_is_refused_with_the_place(bench) -> None:
    bench.stuck()
    with pytest.raises(InvalidRequestError) as refused:
        await bench.operate("edit_and_retry", **FLIGHT, input={"trip_ordered": {"trip": "t1", "guests": "many"}})
    assert [pointer for pointer, _ in refused.value.problems] == ["/input/trip_ordered/guests"]


async def test_a_fact_that_the_step_does_not_take_is_refused(bench) -> None:
    bench.stuck()
    with pytest.raises(InvalidRequestError, match="it takes trip_ordered"):
        await bench.operate("edit_and_retry", **FLIGHT, input={"weather": "fine"})


async def test_the_preview_shows_what_an_edit_changes_to_those_who_may_see_payloads(bench) -> None:
    hand = bench.stuck()
    edit = asked("edit_and_retry", **FLIGHT, input={"trip_ordered": {"trip": "t1", "guests": 4}})
    preview = await bench.operating.preview(ADMIN, "trip:t1", edit)
    assert [(one.pointer, one.before, one.after) for one in preview.changes] == [("/trip_ordered/guests", None, 4)]
    assert (await bench.operating.preview(OPERATOR, "trip:t1", edit)).changes == ()
    assert hand.execution.step("book_flight").edited == {}
    assert bench.results == []


@pytest.mark.parametrize("output", [None, {}, {"parcel": 7}])
async def test_a_result_that_does_not_fit_is_refused(bench, output) -> None:
    bench.parked()
    with pytest.raises(InvalidRequestError, match="/output"):
        await bench.operate("skip", step="send_papers", output=output)


async def test_marking_done_needs_evidence(bench) -> None:
    bench.stuck()
    with pytest.raises(InvalidRequestError, match="/evidence"):
        await bench.operate("resolve", **FLIGHT, how="mark_done", evidence=" ")


async def test_a_step_that_does_not_exist_is_refused(bench) -> None:
    bench.stuck()
    with pytest.raises(RefusedCommandError, match="nothing to decide"):
        await bench.operate("retry", step="nothing")


# -- manual compensation --------------------------------------------------------------------------------------------


async def plan_of(bench, from_step=None, caller=ADMIN):
    return await bench.operating.plan(caller, "trip:t1", from_step)


async def test_a_completed_execution_is_undone_by_a_linked_run_and_again_there_is_nothing(bench) -> None:
    bench.completed()
    part = await plan_of(bench, "take_money")
    first = await bench.operate("compensate", plan=part.hash, from_step="take_money", override=True, key="k1")
    assert first.workflow_id == linked_id("trip:t1")
    assert bench.live.runs[linked_id("trip:t1")].performed == ["undo take_money"]
    whole = await plan_of(bench)
    assert sorted(step.step for step in whole.steps) == ["book_car", "book_flight", "book_hotel"]
    await bench.operate("compensate", plan=whole.hash, override=True, key="k2")
    assert (await plan_of(bench)).steps == ()
    with pytest.raises(RefusedCommandError):
        await bench.operate("compensate", plan=(await plan_of(bench)).hash, override=True, key="k3")


async def test_it_works_when_temporal_has_forgotten_the_execution(bench) -> None:
    bench.ledger.keep(bench.completed())
    bench.live.runs.clear()
    await bench.operate("compensate", plan=(await plan_of(bench)).hash, override=True)
    assert len(bench.live.runs[linked_id("trip:t1")].performed) == 4


async def test_an_undo_that_began_and_ended_unseen_is_a_conflict_and_nothing_is_undone_twice(bench) -> None:
    bench.completed()
    part = await bench.operating.plan(ADMIN, "trip:t1", "take_money")
    whole = await bench.operating.plan(ADMIN, "trip:t1")
    look, late = bench.live.look, [await bench.live.look("trip:t1") for _ in range(2)]
    await bench.operate("compensate", key="a", plan=part.hash, from_step="take_money", override=True)

    async def look_late(execution_id):
        return late.pop() if late else await look(execution_id)

    bench.live.look = look_late
    with pytest.raises(PlanMovedError) as moved:
        await bench.operate("compensate", key="b", plan=whole.hash, override=True)
    assert "take_money" not in {step.step for step in moved.value.plan.steps}
    assert bench.live.started == [linked_id("trip:t1")]


async def test_an_end_that_nobody_confirmed_is_no_seed(bench) -> None:
    bench.ledger.keep(bench.completed(), confirmed=False)
    bench.live.runs.clear()
    with pytest.raises(RefusedCommandError, match="nobody can prove any more .* `saga show` .* undo by hand"):
        await plan_of(bench)


async def test_a_terminated_one_that_temporal_forgot_counts_what_may_have_begun(bench) -> None:
    bench.ledger.keep(bench.run(book_hotel="hold"), confirmed=False, gone="terminated")
    bench.live.runs.clear()
    assert sorted(step.step for step in (await plan_of(bench)).steps) == ["book_car", "book_flight", "book_hotel"]


async def test_a_second_confirmation_is_the_same_operation(bench) -> None:
    bench.completed()
    plan = await plan_of(bench)
    first = await bench.operate("compensate", plan=plan.hash, override=True, key="k1")
    second = await bench.operate("compensate", plan=plan.hash, override=True, key="k2")
    assert (second.id, bench.live.started) == (first.id, [linked_id("trip:t1")])


async def test_an_execution_that_has_moved_is_a_conflict_with_the_new_plan(bench) -> None:
    hand = bench.run()
    plan = await plan_of(bench)
    hand.arrives("trip.approved")
    hand.arrives("trip.confirmed")
    with pytest.raises(PlanMovedError) as refused:
        await bench.operate("compensate", plan=plan.hash)
    assert refused.value.plan == await plan_of(bench)


async def test_past_the_pivot_the_override_is_needed_and_is_a_right_of_its_own(bench) -> None:
    bench.completed()
    plan = await plan_of(bench)
    with pytest.raises(RefusedCommandError, match="override"):
        await bench.operate("compensate", plan=plan.hash, caller=OPERATOR)
    with pytest.raises(DeniedError, match="saga:override"):
        await bench.operate("compensate", plan=plan.hash, override=True, caller=OPERATOR)
    allowed = replace(OPERATOR, granted=frozenset({Permission.OVERRIDE}))
    assert (await bench.operate("compensate", plan=plan.hash, override=True, caller=allowed)).state == "applied"


async def test_after_the_window_it_is_refused(bench) -> None:
    hand = bench.completed()
    plan = await plan_of(bench)
    bench.clock.moment = NOW + timedelta(milliseconds=hand.execution.plan.compensation_window_ms, seconds=1)
    with pytest.raises(RefusedCommandError, match="compensation window ended"):
        await bench.operate("compensate", plan=plan.hash, override=True)


async def test_a_terminated_run_is_left_alone_until_no_slow_worker_can_perform_it(bench) -> None:
    in_status(bench, "terminated")
    await bench.operate("compensate", plan=(await plan_of(bench)).hash)
    assert bench.clock.slept == [timedelta(seconds=6)]


async def test_a_running_one_is_compensated_in_place(bench) -> None:
    hand = bench.run()
    record = await bench.operate("compensate", plan=(await plan_of(bench)).hash)
    assert (record.workflow_id, hand.execution.word, bench.live.started) == ("trip:t1", "Compensated", [])


async def test_a_move_that_does_not_change_the_plan_does_not_stop_it(bench) -> None:
    hand = bench.run()
    plan = await plan_of(bench)

    def move() -> None:
        bench.live.on_command = lambda: None
        hand.arrives("trip.confirmed")

    bench.live.on_command = move
    assert (await bench.operate("compensate", plan=plan.hash)).state == "applied"


async def test_inputs_are_shown_to_those_who_may_see_payloads(bench) -> None:
    bench.completed()
    assert all(step.inputs for step in (await plan_of(bench, caller=ADMIN)).steps)
    assert all(step.inputs is None for step in (await plan_of(bench, caller=OPERATOR)).steps)
    assert (await plan_of(bench, caller=VIEWER)).hash == (await plan_of(bench)).hash


async def test_a_crash_between_confirm_and_start_is_made_good(bench) -> None:
    bench.completed()
    plan = await plan_of(bench)
    bench.live.begin_undo = _away
    assert (await bench.operate("compensate", plan=plan.hash, override=True)).state == "accepted"
    del bench.live.begin_undo
    bench.clock.moment += timedelta(milliseconds=OWN_TURN_MS)
    await bench.settling.settle_all()
    assert bench.live.started == [linked_id("trip:t1")]
    assert [one.state for one in bench.register.operations.values()] == ["verified"]


@pytest.mark.parametrize(
    "said",
    [RefusedCommandError("compensate", "the execution has ended"), ConflictError("another has ended", revision=1)],
)
async def test_one_that_another_process_gives_in_the_same_moment_is_not_told_to_have_failed(bench, said) -> None:
    bench.completed()
    plan, begin = await plan_of(bench), bench.live.begin_undo

    async def begin_late(seed, command):
        await begin(seed, command)
        raise said

    bench.live.begin_undo = begin_late
    given = await bench.operate("compensate", plan=plan.hash, override=True)
    assert (given.state, given.workflow_id) == ("applied", linked_id("trip:t1"))


async def _away(*_):
    raise EngineUnavailableError("away")


# -- without anybody who asks ---------------------------------------------------------------------------------------


async def test_an_operation_that_nobody_asks_for_again_gets_its_end(bench) -> None:
    bench.stuck()
    record = await bench.operate("retry", **FLIGHT)
    assert await bench.settling.is_any_open()
    assert await bench.settling.settle_all() == 1
    assert bench.register.operations[record.id].state == "verified"
    assert not await bench.settling.is_any_open()


async def test_what_rests_is_looked_at_more_and_more_rarely(bench) -> None:
    hand = bench.stuck()
    hand.answers["undo book_flight"] = "hold"
    await bench.operate("retry", **FLIGHT)
    settling, looked = bench.settling, 0
    for _ in range(3_600):
        looked += await settling.settle_all()
        bench.clock.moment += timedelta(seconds=1)
    assert 3_600 / 60 <= looked <= 120


async def test_one_that_cannot_be_settled_does_not_keep_out_the_others(bench, caplog) -> None:
    for name in ("t1", "t2", "t3"):
        bench.stuck(name)
        await bench.operate("retry", name=name, key=name, **FLIGHT)
    look, errors = bench.live.look, {"trip:t1": EngineUnavailableError("no worker"), "trip:t2": ValueError("a fault")}

    async def failing(execution_id):
        if execution_id in errors:
            raise errors[execution_id]
        return await look(execution_id)

    bench.live.look = failing
    settling = bench.settling
    assert await settling.settle_all() == 3
    states = {one.execution_id: one.state for one in bench.register.operations.values()}
    assert states == {"trip:t1": "applied", "trip:t2": "applied", "trip:t3": "verified"}
    assert "cannot be settled" in caplog.text
    errors.clear()
    bench.clock.moment += timedelta(seconds=9)
    assert await settling.settle_all() == 2


async def test_an_execution_that_nobody_knows_any_more_ends_its_operation_and_says_so(bench) -> None:
    hand = bench.stuck()
    hand.answers["undo book_flight"] = "hold"
    record = await bench.operate("retry", **FLIGHT)
    bench.live.runs.clear()
    ended = await bench.operating.look_at(ADMIN, record.id)
    assert (ended.state, ended.text[:28]) == ("failed", "nobody knows the execution a")


async def test_a_plan_whose_confirmation_had_no_effect_can_be_confirmed_again(bench) -> None:
    bench.completed()
    plan = await plan_of(bench)
    first = await bench.operate("compensate", plan=plan.hash, override=True, key="k1")
    bench.register.operations[first.id] = replace(first, state="no_effect")
    bench.live.runs.pop(linked_id("trip:t1"))
    assert (await bench.operate("compensate", plan=plan.hash, override=True, key="k2")).id != first.id


async def test_an_undo_whose_run_was_ended_from_outside_has_failed_and_is_confirmed_anew(bench) -> None:
    """Of a run that recorded nothing the plan is the same one as before: it must not be taken for confirmed."""
    bench.completed()
    before, linked = bench.live.runs["trip:t1"].execution.copy(), linked_id("trip:t1")
    plan = (await bench.operating.plan(ADMIN, "trip:t1")).hash
    given = asked("compensate", plan=plan, override=True)
    first = await bench.operating.operate(ADMIN, "trip:t1", given)
    assert first.state == "applied"
    bench.live.runs[linked] = Hand.of(before)
    bench.live.seen["trip:t1"] = {"gone": "terminated", "is_open": False, "ended": NOW, "first_ended": NOW}
    ended = await bench.operating.look_at(ADMIN, first.id)
    assert (ended.state, "terminated" in ended.text) == ("failed", True)
    assert (await bench.operating.plan(ADMIN, "trip:t1")).hash == plan
    again = await bench.operating.operate(ADMIN, "trip:t1", replace(given, key="k2"))
    assert (again.id != first.id, again.state) == (True, "applied")
    assert bench.live.started == [linked, linked]


async def test_an_operation_on_what_is_ended_from_outside_does_not_stay_open_for_ever(bench) -> None:
    hand = bench.stuck()
    hand.answers["undo book_flight"] = "hold"
    record = await bench.operating.operate(ADMIN, "trip:t1", asked("retry", step="book_flight"))
    bench.live.seen["trip:t1"] = {"gone": "timed_out", "is_open": False, "ended": NOW, "first_ended": NOW}
    ended = await bench.operating.look_at(ADMIN, record.id)
    assert (ended.state, "timed out" in ended.text) == ("failed", True)
