"""The list as a file: all of a filter, page by page, and nothing that a spreadsheet would calculate."""

import csv
import io
import itertools
import json

import pytest

from orchestrator.console.pages import ROUTERS, export
from orchestrator.service.access import Caller, Role
from orchestrator.service.records import milliseconds
from tests.api_kit import ApiBench
from tests.service_kit import NOW


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(access_control=False, pages=ROUTERS)
    for number in range(5):
        made.ledger.keep(made.completed(f"t{number}"), changed_ms=milliseconds(NOW) + number)
    made.ledger.keep_open(made.stuck("t9"), changed_ms=milliseconds(NOW) + 9)
    return made


async def saved(bench: ApiBench, query: str = "", caller: Caller | None = None) -> str:
    async with bench.asking(caller) as api:
        answer = await api.http.get(f"/executions/export?view=all{query}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"].startswith("attachment")
        return answer.text


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_everything_that_the_filter_selects_is_in_it_the_newest_first(bench, monkeypatch) -> None:
    monkeypatch.setattr(export, "MOST_ROWS", 2)
    names = ["trip:t9", *(f"trip:t{number}" for number in (4, 3, 2, 1, 0))]
    assert [row["execution_id"] for row in table(await saved(bench))] == names
    lines = (await saved(bench, "&format=ndjson")).splitlines()
    assert [json.loads(line)["execution_id"] for line in lines] == names
    stuck = table(await saved(bench, "&status=stuck"))
    assert [(row["status"], row["failed_step"], row["ended"]) for row in stuck] == [("stuck", "book_flight", "")]


async def test_a_file_that_does_not_hold_all_says_so(bench, monkeypatch) -> None:
    monkeypatch.setattr(export, "MOST_ROWS", 2)
    monkeypatch.setattr(export, "MOST", 4)
    rows = table(await saved(bench))
    assert len(rows) == 5
    assert "narrow the filter" in rows[-1]["execution_id"]
    assert "narrow the filter" in json.loads((await saved(bench, "&format=ndjson")).splitlines()[-1])["note"]


async def test_nothing_is_calculated_by_a_spreadsheet(bench) -> None:
    bench.ledger.keep(bench.completed("x"), changed_ms=milliseconds(NOW), correlation_id="=cmd|' /C calc'!A0")
    (row,) = table(await saved(bench, "&q=trip:x"))
    assert row["correlation_id"] == "'=cmd|' /C calc'!A0"


async def test_no_row_is_a_file_with_its_head_alone(bench) -> None:
    assert await saved(bench, "&q=nothing") == ",".join(export.COLUMNS) + "\r\n"
    assert await saved(bench, "&q=nothing&format=ndjson") == ""


async def test_it_holds_what_the_caller_may_read_and_a_refusal_is_a_page() -> None:
    made = ApiBench(pages=ROUTERS)
    made.ledger.keep(made.completed("t1"))
    eve = Caller(actor="eve", role=Role.VIEWER, sagas=frozenset({"voyage"}))
    assert table(await saved(made, caller=eve)) == []
    async with made.asking(eve) as api:
        assert (await api.http.get("/executions/export?saga=trip")).status_code == 403
        assert (await api.http.get("/executions/export?format=xls")).status_code == 422


async def audited(bench: ApiBench, query: str = "", caller: Caller | None = None, status: int = 200) -> str:
    async with bench.asking(caller) as api:
        answer = await api.http.get(f"/audit/export?{query}")
        assert answer.status_code == status, answer.text
        return answer.text


async def test_the_audit_is_saved_whole_with_the_hashes_that_chain_it(bench, monkeypatch) -> None:
    monkeypatch.setattr(export, "MOST_ROWS", 2)
    for number, operation in enumerate(("suspend", "resume", "suspend")):
        await bench.operate(operation, name="t9", key=f"k{number}", reason=f"=SUM({number})0000")
    rows = table(await audited(bench))
    assert [int(row["number"]) for row in rows] == [row.number for row in reversed(bench.register.rows)]
    assert all(newer["previous"] == older["hash"] for newer, older in itertools.pairwise(rows))
    assert {row["reason"][0] for row in rows} == {"'"}, "no spreadsheet reckons it"
    lines = [json.loads(line) for line in (await audited(bench, "format=ndjson&actor=ann")).splitlines()]
    assert [line["number"] for line in lines] == [int(row["number"]) for row in rows]
    assert await audited(bench, "format=ndjson&actor=nobody") == ""


async def test_who_may_not_see_the_audit_gets_no_file(bench) -> None:
    made = ApiBench(pages=ROUTERS)
    assert "audit:read" in await audited(made, caller=Caller(actor="eve", role=Role.VIEWER), status=403)
