"""The app as a whole: its description, its reference, health, and pages beside it."""

import re

import pytest
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from orchestrator.console.api.description import description
from orchestrator.console.api.problems import KINDS
from orchestrator.service.access import Role
from tests.api_kit import ROLES, ApiBench, is_problem

OPERATIONS = [
    (path, method, operation) for path, item in description()["paths"].items() for method, operation in item.items()
]


async def test_the_description_is_given_to_programs() -> None:
    async with ApiBench().asking() as api:
        assert (await api.get("/openapi.json")).json() == description()
    assert description()["openapi"].startswith("3.1")


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda part: str(part)[:60])
def test_every_request_is_described(path, method, operation) -> None:
    assert operation.get("description"), "it says what it does"
    assert {"401", "403", "422", "503"} <= set(operation["responses"])
    assert "application/problem+json" in operation["responses"]["422"]["content"]
    assert operation["security"]
    if method == "post" and not path.endswith("preview"):
        assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}


async def test_the_reference_is_a_page_without_script_and_nothing_from_elsewhere() -> None:
    async with ApiBench().asking() as api:
        page = (await api.http.get("/docs")).text
        assert "<script" not in page
        assert re.findall(r'(?:src|href)="(?!#|/)', page) == []
        for _, _, operation in OPERATIONS:
            assert f'id="{operation["operationId"]}"' in page
        assert (await api.http.get("/static/reference.css")).status_code == 200
        for absent in ("/redoc", "/openapi.json", "/docs/oauth2-redirect"):
            assert (await api.http.get(absent)).status_code == 404


@pytest.mark.parametrize("code", KINDS)
async def test_every_kind_of_problem_has_the_page_that_its_type_names(code) -> None:
    async with ApiBench().asking() as api:
        assert KINDS[code].title in (await api.http.get(f"/problems/{code}")).text


async def test_health_is_told_to_everybody_and_says_no_more() -> None:
    bench = ApiBench()
    async with bench.asking() as api:
        assert (await api.http.get("/healthz")).json() == {"status": "ok"}
        ready = await api.http.get("/readyz")
        assert (ready.status_code, ready.json()["answers"]) == (200, {"ledger": True, "temporal": True})
        bench.live.away = True
        degraded = await api.http.get("/readyz")
        assert (degraded.status_code, degraded.json()["status"]) == (503, "degraded")
        assert (await api.http.get("/version")).json()["name"] == "saga-orchestrator"
        assert is_problem(await api.http.get("/problems/none"), 404, "not-found")


async def test_pages_are_put_beside_the_api() -> None:
    pages = APIRouter()

    @pages.get("/", include_in_schema=False)
    async def front() -> PlainTextResponse:
        return PlainTextResponse("a page")

    async with ApiBench(pages=(pages,)).asking() as api:
        assert (await api.http.get("/")).text == "a page"


async def test_behind_a_proxy_with_a_path_addresses_begin_with_it() -> None:
    bench = ApiBench(root_path="/saga")
    bench.stuck()
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        made = await api.operate("retry", step="book_flight")
        assert made.headers["location"].startswith("/saga/api/v1/operations/")
        assert (await api.http.get("http://localhost" + made.headers["location"])).status_code == 200
        missing = await api.get("/nothing")
        assert missing.json()["type"] == "/saga/problems/not-found"
        assert 'href="/saga/static/reference.css"' in (await api.http.get("/docs")).text
