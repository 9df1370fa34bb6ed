"""The search box leads to the page of a whole id, and to the list for everything else."""

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Caller, Role
from orchestrator.service.records import milliseconds
from tests.api_kit import ApiBench
from tests.service_kit import NOW, OPERATOR

ELSEWHERE = Caller(actor="zoe", role=Role.ADMIN, sagas=frozenset({"order"}))


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(access_control=False, pages=ROUTERS)
    for name in ("t1", "t12", "a/b"):
        made.ledger.keep_open(made.run(name), changed_ms=milliseconds(NOW))
    return made


async def found(bench: ApiBench, text: str, caller: Caller | None = None) -> tuple[str, str]:
    """Where the box leads to, and the page that is there."""
    async with bench.asking(caller) as api:
        answer = await api.http.get("/find", params={"q": text})
        assert answer.status_code == 303, answer.text
        shown = await api.http.get(answer.headers["location"])
        assert shown.status_code == 200, shown.text
        return answer.headers["location"], shown.text


async def test_every_page_has_the_box(bench) -> None:
    async with bench.asking() as api:
        text = (await api.http.get("/")).text
    assert '<form class="search" method="get" action="/find" role="search">' in text


async def test_the_beginning_of_an_id_leads_to_the_executions_that_have_it(bench) -> None:
    place, text = await found(bench, " trip:t ")
    assert place == "/executions?view=all&q=trip%3At"
    assert 'href="/executions/trip%3At1"' in text
    assert 'href="/executions/trip%3At12"' in text
    assert 'href="/executions/trip%3Aa%2Fb"' not in text


@pytest.mark.parametrize(
    ("text", "place"),
    [("trip:t1", "/executions/trip%3At1"), ("trip:a/b", "/executions/trip%3Aa%2Fb"), ("", "/executions?view=all&q=")],
)
async def test_a_whole_id_leads_straight_to_its_execution(bench, text, place) -> None:
    assert (await found(bench, text))[0] == place


async def test_the_id_of_an_operation_leads_to_its_page(bench) -> None:
    done = await bench.operate("suspend", name="t1", key="k", caller=OPERATOR)
    place, text = await found(bench, done.id)
    assert place == f"/operations/{done.id}"
    assert "trip:t1" in text


async def test_what_one_may_not_see_is_not_told_to_exist(bench) -> None:
    bench.access_control = True
    done = await bench.operate("suspend", name="t1", key="k", caller=OPERATOR)
    for text in (done.id, "trip:t1"):
        place, shown = await found(bench, text, ELSEWHERE)
        assert place.startswith("/executions?view=all&q=")
        assert "No execution is like this" in shown


async def test_below_a_path_the_box_leads_below_it(bench) -> None:
    bench.root_path = "/console"
    async with bench.asking() as api:
        answer = await api.http.get("/find", params={"q": "trip:t1"})
    assert answer.headers["location"] == "/console/executions/trip%3At1"
