"""Undone by hand on real servers, by the plan that the API shows: running, stuck, parked and aborted executions."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import Client, Interceptor, OutboundInterceptor

from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.messages import Envelope
from orchestrator.service import reconciling
from orchestrator.service.offering import NOTHING
from tests.acceptance.test_console import console, ledger_in, settled, shown
from tests.acceptance.test_undo_of_ended import undone
from tests.api_kit import is_problem
from tests.trip_kit import TripOrdered, office, trip
from workers.reconciler import open_reconciling

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def plan_of(api, execution, from_step=""):
    """The plan as the ledger has it."""
    found = await api.get(f"/executions/{execution}/plan", params={"from_step": from_step} if from_step else {})
    assert found.status_code == 200, found.text
    return found.json()


async def undo(api, execution, plan, key="k1", **more):
    """Confirm a plan; the operation at its end."""
    taken = await api.operate("compensate", name=execution, plan=plan["hash"], key=key, etag="", **more)
    assert taken.status_code == 202, taken.text
    return await settled(api, taken)


def compensate_of(look):
    return next(one for one in look.json()["actions"] if one["operation"] == "compensate")


async def test_a_running_trip_is_undone_from_a_step_by_the_plan_that_was_shown_and_then_whole(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place, console(place.corner.settings) as (api, _):
        execution = await place.waiting()
        await shown(api, execution, "running")
        part = await plan_of(api, execution, "book_car")
        assert [step["step"] for step in part["steps"]] == ["book_car"]
        assert (await undo(api, execution, part, from_step="book_car"))["state"] == "verified"
        assert [entry["name"] for entry in undone(place)] == ["cancel_car"]
        await shown(api, execution, "partially_compensated")
        whole = await plan_of(api, execution)
        assert {step["step"] for step in whole["steps"]} == {"book_hotel", "book_flight"}
        assert (await undo(api, execution, whole, key="k2"))["text"] == "it ended: Compensated"
        assert sorted(entry["name"] for entry in undone(place)) == ["cancel_car", "cancel_flight", "cancel_hotel"]


async def test_a_stuck_trip_is_compensated_as_a_whole_and_what_was_undone_is_not_undone_again(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place, console(place.corner.settings) as (api, _):
        execution = await place.stuck()
        assert compensate_of(await shown(api, execution, "stuck"))["allowed"]
        plan = await plan_of(api, execution)
        assert [step["step"] for step in plan["steps"]] == ["book_flight", "book_hotel"]
        assert plan["steps"][0]["note"] == "its undo is stuck: decide about it"
        place.agency.write(cancel_flight="ok")
        assert (await undo(api, execution, plan))["state"] in ("verified", "no_effect")  # its undo waits for a decision
        decided = await api.operate("retry", name=execution, key="k2", step="book_flight")
        assert (await settled(api, decided))["state"] == "verified"
        await place.until(execution, "Compensated")
        assert sorted(entry["name"] for entry in undone(place)) == ["cancel_car", "cancel_flight", "cancel_hotel"]


async def test_a_parked_trip_stands_past_the_pivot_so_its_undo_needs_the_override(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place, console(place.corner.settings) as (api, _):
        execution = await place.parked()
        await shown(api, execution, "parked")
        plan = await plan_of(api, execution)
        assert plan["needs_override"]
        assert {one["step"] for one in plan["cannot_undo"]} >= {"issue_ticket"}
        refused = await api.operate("compensate", name=execution, plan=plan["hash"], etag="")
        assert is_problem(refused, 409, "refused")
        assert "needs the override" in refused.json()["detail"]
        ended = await undo(api, execution, plan, key="k2", override=True)
        assert ended["state"] == "verified"
        names = sorted(entry["name"] for entry in undone(place))
        assert names == ["cancel_car", "cancel_flight", "cancel_hotel", "give_money"]


async def test_an_aborted_trip_that_left_nothing_behind_is_not_offered_for_undo_and_refuses_it(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place, console(place.corner.settings) as (api, _):
        place.agency.write(book_hotel="reject")
        execution = await place.order()
        may = compensate_of(await shown(api, execution, "aborted"))
        assert (may["allowed"], may["why_not"]) == (False, NOTHING)
        plan = await plan_of(api, execution)
        assert plan["steps"] == []
        refused = await api.operate("compensate", name=execution, plan=plan["hash"], etag="")
        assert is_problem(refused, 409, "refused")
        assert NOTHING in refused.json()["detail"]
        assert undone(place) == []


class _Hasty(Interceptor):
    """Executions that this client starts are timed out by Temporal."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        class Starting(OutboundInterceptor):
            async def start_workflow(self, input):
                return await self.next.start_workflow(replace(input, run_timeout=timedelta(seconds=3)))

        return Starting(next)


async def timed_out_soon(place) -> str:
    """A trip that will never be approved in the time that Temporal gives it."""
    client = Client(**{**place.client.config(), "interceptors": [_Hasty()]})
    ordered = TripOrdered(trip=f"{place.run}-1")
    body = ordered.model_dump_json().encode()
    trigger = Envelope(id="hasty", source="test", type=ordered.message_type, body=body)
    execution = trip.plan.execution_id(ordered.trip)
    await TemporalExecutions(client, place.corner.settings).start(
        trip.plan, execution, trigger, ordered.model_dump(mode="json")
    )
    return execution


async def test_a_trip_that_temporal_timed_out_is_found_and_undone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(reconciling, "GRACE", timedelta(0))
    async with office(tmp_path, **ledger_in(tmp_path)) as place, console(place.corner.settings) as (api, _):
        execution = await timed_out_soon(place)
        await place.until(execution, "Running", approved="doing")
        async with open_reconciling(place.corner.settings, place.client) as made:
            while (found := await api.get(f"/executions/{execution}")).json().get("status") != "terminated":
                await made.go_through(deep=False)
        assert found.json()["gone"] == "timed_out"
        assert compensate_of(found)["allowed"]
        ended = await undo(api, execution, await plan_of(api, execution))
        assert ended["text"] == "it ended: Compensated"
        assert sorted(entry["name"] for entry in undone(place)) == ["cancel_car", "cancel_flight", "cancel_hotel"]
