"""Pages of sagas: pictures, who looks after them, versions in flight, and their messages as files."""

from dataclasses import replace

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Caller, Role
from orchestrator.service.definitions import Definition
from sagas import SAGAS
from tests.api_kit import ApiBench

VIEWER = Caller(actor="eve", role=Role.VIEWER)


@pytest.fixture
def bench() -> ApiBench:
    """Two trips by the version that is known, one by an older one; one has ended."""
    made = ApiBench(pages=ROUTERS)
    for name in ("t1", "t2", "t3"):
        made.ledger.keep_open(made.run(name))
    detail = made.ledger.details["trip:t3"]
    made.ledger.details["trip:t3"] = replace(detail, row=replace(detail.row, version=0))
    made.ledger.keep(made.completed("t4"))
    return made


async def text_of(bench: ApiBench, path: str) -> str:
    async with bench.asking(VIEWER) as api:
        answer = await api.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


async def test_sagas_show_their_pictures_and_their_events(bench) -> None:
    assert 'href="/sagas/trip?version=1"' in await text_of(bench, "/sagas")
    text = await text_of(bench, "/sagas/trip?version=1")
    assert 'class="saga-diagram"' in text
    assert "trip.ordered" in text
    assert "<dt>Owner</dt><dd>nobody says</dd>" in text


async def test_a_saga_tells_how_many_go_on_by_each_version_also_by_one_without_code(bench) -> None:
    text = await text_of(bench, "/sagas/trip")
    assert '<a href="/executions?saga=trip&amp;version=1">2</a>' in text
    others = text.partition("others, which this process has no code for")[2].partition("</tr>")[0]
    assert '<a href="/executions?saga=trip">1</a>' in others
    del bench.ledger.details["trip:t3"]
    assert "others, which" not in await text_of(bench, "/sagas/trip")


@pytest.mark.parametrize("path", ["/sagas", "/sagas/trip"])
async def test_all_versions_of_a_page_are_counted_by_one_question(bench, path) -> None:
    await text_of(bench, path)
    assert bench.ledger.counted == 1


def test_an_author_says_who_looks_after_a_saga_and_what_it_is_for() -> None:
    (saga,) = (one for one in SAGAS if one.name == "fulfil-order")
    told = Definition.of(saga)
    assert (told.owner, bool(told.about)) == ("the shop", True)
    assert "owner" not in told.plan.model_dump_json(), "another owner is no other version"


@pytest.mark.parametrize(
    ("path", "part", "name"),
    [("messages.schema.json", "$defs", "trip.ordered"), ("asyncapi.json", "channels", "trip.ordered")],
)
async def test_their_messages_are_files(bench, path, part, name) -> None:
    async with bench.asking(VIEWER) as api:
        answer = await api.http.get(f"/sagas/{path}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{path}"'
        assert name in answer.json()[part]
    async with bench.asking(Caller(actor="sam", role=Role.VIEWER, sagas=frozenset({"bank"}))) as api:
        assert (await api.http.get(f"/sagas/{path}")).json()[part] == {}
