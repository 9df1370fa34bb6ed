"""How sagas have been, by the API."""

from orchestrator.service.access import Caller, Role
from orchestrator.service.records import milliseconds
from tests.api_kit import ROLES, ApiBench, is_problem
from tests.service_kit import NOW


async def test_rates_failing_steps_and_lengths_are_told() -> None:
    bench = ApiBench()
    bench.ledger.keep(bench.completed("t1"), started_ms=milliseconds(NOW) - 1_500)
    bench.ledger.keep_open(bench.stuck("t2"), changed_ms=milliseconds(NOW))
    async with bench.asking(ROLES[Role.VIEWER]) as api:
        found = (await api.get("/statistics?window=1h")).json()
    assert found["width_ms"] == 60_000
    assert [len(found["rates"][rate]) for rate in ("started", "completed", "failed", "undone")] == [60] * 4
    assert (sum(found["rates"]["completed"]), found["is_capped"]) == (1, False)
    assert [(one["saga"], one["step"], one["number"], one["error"]) for one in found["failing"]] == [
        ("trip", "book_flight", 1, "undo book_flight says no")
    ]
    assert [(one["saga"], one["number"], one["p50_ms"]) for one in found["sagas"]] == [("trip", 1, 1_500)]


async def test_another_window_is_a_problem_and_strangers_see_nothing() -> None:
    bench = ApiBench()
    bench.ledger.keep(bench.completed("t1"), started_ms=milliseconds(NOW) - 1_500)
    async with bench.asking(Caller(actor="eve", role=Role.VIEWER, sagas=frozenset({"voyage"}))) as api:
        assert is_problem(await api.get("/statistics?window=1y"), 422, "invalid")
        assert (await api.get("/statistics")).json()["sagas"] == []
    async with bench.asking() as api:
        assert (await api.get("/statistics")).status_code == 401


async def test_health_is_told_part_by_part_to_those_who_may_see_executions() -> None:
    bench = ApiBench()
    bench.live.away = True
    async with bench.asking(Caller(actor="eve", role=Role.VIEWER)) as api:
        found = (await api.get("/health")).json()
        there = {one["part"]: one["is_there"] for one in found["items"]}
        assert there == {"ledger": True, "temporal": False, "broker": True, "workers": True}
        assert (found["is_whole"], found["items"][1]["text"]) == (False, "temporal is away")
    async with bench.asking() as api:
        assert (await api.get("/health")).status_code == 401
