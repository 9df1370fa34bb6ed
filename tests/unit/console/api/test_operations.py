"""Operations by the API: the one table again, and what HTTP adds to it."""

import pytest

from orchestrator.errors import EngineUnavailableError
from orchestrator.service.access import Caller, Permission, Role
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import WHY
from tests.table_kit import EVERYTHING, caller_of, in_status, is_done, may, said

FLIGHT = "book_flight"


@pytest.fixture
def bench() -> ApiBench:
    return ApiBench()


@pytest.mark.parametrize(("operation", "status", "role"), EVERYTHING)
async def test_every_operation_in_every_status_for_every_role_through_the_api(bench, operation, status, role) -> None:
    in_status(bench, status)
    more = await said(bench, operation, status)
    async with bench.asking(caller_of(role)) as api:
        answer = await api.operate(operation, **more)
        if is_done(operation, status, role):
            assert (answer.status_code, answer.json()["state"]) == (202, "applied"), answer.text
            assert (await api.http.get(answer.headers["location"])).json()["id"] == answer.json()["id"]
        elif may(operation, role):
            assert is_problem(answer, 409, "refused")
        else:
            assert is_problem(answer, 403, "denied")
    assert bench.results[0] == (operation, "accepted" if is_done(operation, status, role) else "refused")


async def test_the_same_key_with_the_same_request_is_answered_again(bench) -> None:
    bench.stuck()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        first = await api.operate("retry", step=FLIGHT)
        again = await api.operate("retry", step=FLIGHT)
        assert (first.status_code, again.status_code) == (202, 202)
        assert (first.content, first.headers["location"]) == (again.content, again.headers["location"])
    assert bench.results == [("retry", "accepted")]


async def test_the_same_key_with_another_request_is_refused(bench) -> None:
    bench.stuck()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        await api.operate("retry", step=FLIGHT)
        assert is_problem(await api.operate("retry", step="book_car"), 422, "idempotency-key-reused")
        assert is_problem(await api.operate("retry", step=FLIGHT, name="trip:t2"), 422, "idempotency-key-reused")


async def test_without_a_key_nothing_is_done(bench) -> None:
    bench.stuck()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        assert is_problem(await api.operate("retry", step=FLIGHT, key=""), 400, "idempotency-key-missing")
    assert bench.register.operations == {}


async def test_who_saw_an_older_revision_is_told_what_changed(bench) -> None:
    hand = bench.stuck()
    bench.ledger.keep_open(hand)
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        etag = (await api.get("/executions/trip:t1")).headers["etag"]
        assert (await api.operate("suspend", etag=etag)).status_code == 202
        bench.ledger.keep_open(hand)
        late = await api.operate("retry", step=FLIGHT, key="k2", etag=etag)
        assert is_problem(late, 412, "revision-conflict")
        assert late.json()["revision"] == hand.execution.state.revision
        assert late.json()["changes"] == [f"{late.json()['revision']} SuspendRequested by operator"]


async def test_what_was_seen_must_be_said_unless_a_plan_says_it(bench) -> None:
    bench.completed()
    admin = Caller(actor="ann", role=Role.ADMIN)
    async with bench.asking(admin) as api:
        assert is_problem(await api.operate("suspend", etag=""), 428, "precondition-required")
        assert is_problem(await api.operate("suspend", etag='"seventeen"'), 400, "malformed")
        plan = (await api.operate("compensate", dry_run=True, reason="", key="", etag="")).json()["plan"]
        done = await api.operate("compensate", plan=plan["hash"], override=True, etag="")
        assert done.status_code == 202, done.text


async def test_a_plan_that_has_moved_comes_with_the_new_one(bench) -> None:
    hand = bench.run()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        plan = (await api.operate("compensate", dry_run=True)).json()["plan"]
        hand.arrives("trip.approved")
        hand.arrives("trip.confirmed")
        moved = await api.operate("compensate", plan=plan["hash"])
        assert is_problem(moved, 409, "plan-moved")
        assert moved.json()["plan"]["hash"] != plan["hash"]
        assert len(moved.json()["plan"]["steps"]) > 0


async def test_a_compensation_needs_its_plan(bench) -> None:
    bench.run()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        found = await api.operate("compensate")
        assert is_problem(found, 422, "invalid")
        assert found.json()["errors"][0]["pointer"] == "/plan"


async def test_a_dry_run_shows_what_an_edit_changes_to_those_who_may_see_payloads(bench) -> None:
    bench.stuck()
    edit = {"step": FLIGHT, "input": {"trip_ordered": {"trip": "t1", "guests": 2}}, "dry_run": True, "reason": ""}
    admin, operator = ROLES[Role.ADMIN], Caller(actor="olga", role=Role.OPERATOR, granted=frozenset({Permission.EDIT}))
    for caller, changes in ((admin, [{"pointer": "/trip_ordered/guests", "before": None, "after": 2}]), (operator, [])):
        async with bench.asking(caller) as api:
            assert (await api.operate("edit_and_retry", **edit)).json() == {"plan": None, "changes": changes}
    assert bench.register.operations == {}


async def test_a_wrong_input_is_told_with_its_place(bench) -> None:
    bench.stuck()
    async with bench.asking(ROLES[Role.ADMIN]) as api:
        found = await api.operate("edit_and_retry", step=FLIGHT, input={"trip_ordered": {"trip": 7}})
        assert is_problem(found, 422, "invalid")
        assert found.json()["errors"][0]["pointer"] == "/input/trip_ordered/trip"
        assert is_problem(await api.operate("juggle"), 422, "invalid")
        assert is_problem(await api.operate("retry", step=FLIGHT, more=1), 422, "invalid")
        assert is_problem(await api.operate("retry", step=FLIGHT, reason="short"), 422, "invalid")


async def test_with_temporal_away_nothing_is_half_done_and_the_same_call_may_come_again(bench) -> None:
    bench.stuck()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        bench.live.away = True
        away = await api.operate("retry", step=FLIGHT)
        assert is_problem(away, 503, "unavailable")
        assert (away.headers["retry-after"], away.json()["retryable"]) == ("5", True)
        assert bench.register.operations == {}
        bench.live.away = False
        assert (await api.operate("retry", step=FLIGHT)).json()["state"] == "applied"


async def test_with_temporal_gone_behind_the_acceptance_the_operation_is_accepted_and_says_that_it_waits(bench) -> None:
    bench.stuck()

    def goes() -> None:
        bench.live.away = True
        raise EngineUnavailableError("Temporal is away")

    bench.live.on_command = goes
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        made = await api.operate("retry", step=FLIGHT)
        assert (made.status_code, made.json()["state"]) == (202, "accepted")
        assert made.json()["text"] == "it waits: Temporal is away"
        bench.live.on_command, bench.live.away = lambda: None, False
        assert (await api.http.get(made.headers["location"])).json()["state"] == "verified"
    assert bench.results == [("retry", "accepted"), ("retry", "verified")]


async def test_an_operation_is_shown_while_temporal_is_away_as_it_was_seen_last(bench) -> None:
    bench.stuck()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        made = await api.operate("retry", step=FLIGHT)
        bench.live.away = True
        assert (await api.http.get(made.headers["location"])).json()["state"] == "applied"
        bench.live.away = False
        assert (await api.http.get(made.headers["location"])).json()["state"] == "verified"


async def test_payloads_of_requests_are_shown_to_those_with_the_right_alone(bench) -> None:
    bench.parked()
    async with bench.asking(ROLES[Role.ADMIN]) as api:
        done = await api.operate("skip", step="send_papers", output={"parcel": "secret"})
        assert done.json()["request"]["output"] == {"parcel": "secret"}
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        assert "secret" not in (await api.get("/operations")).text


async def test_operations_come_in_pages(bench) -> None:
    for number in range(3):
        bench.run(f"t{number}")
        await bench.operate("suspend", name=f"t{number}", key=f"s{number}")
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        first = (await api.get("/operations?limit=2")).json()
        rest = (await api.get("/operations", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
        assert (await api.get("/operations?execution_id=trip:t1")).json()["items"][0]["reason"] == WHY
        other = await api.get("/operations", params={"actor": "bob", "cursor": first["next_cursor"]})
        assert is_problem(other, 400, "cursor-mismatch")


async def test_an_operation_that_is_not_there_is_not_found(bench) -> None:
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        assert is_problem(await api.get("/operations/nothing"), 404, "not-found")
