"""Where nothing is: people get a page with a way back, programs a problem document."""

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Role
from tests.api_kit import ROLES, ApiBench, is_problem

VIEWER = ROLES[Role.VIEWER]


@pytest.mark.parametrize(
    "path", ["/nonsense", "/executions/trip:t1/nonsense", "/apiary", "/<img src=x onerror=alert(1)>"]
)
@pytest.mark.parametrize("root", ["", "/sagas-of-ours"])
async def test_an_address_that_nothing_is_at_is_told_by_a_page_with_a_way_back(path, root) -> None:
    async with ApiBench(pages=ROUTERS, root_path=root).asking(VIEWER) as api:
        answer = await api.http.get(path)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert f"there is no page at {path.partition('<')[0]}" in answer.text
    assert f'<a href="{root}/">Overview</a>' in answer.text
    assert "<img" not in answer.text


async def test_whoever_has_not_signed_in_is_led_there_first() -> None:
    async with ApiBench(pages=ROUTERS).asking() as api:
        answer = await api.http.get("/nonsense")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?back=%2Fnonsense")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nonsense", 404),
        ("GET", "/api/v2", 404),
        ("POST", "/nonsense", 404),
        ("PUT", "/executions", 405),
    ],
)
async def test_programs_are_told_by_a_problem_document(method, path, status) -> None:
    async with ApiBench(pages=ROUTERS).asking(VIEWER) as api:
        answer = await api.http.request(method, path)
    assert is_problem(answer, status, "not-found" if status == 404 else "method-not-allowed")


async def test_a_look_without_a_body_gets_none() -> None:
    async with ApiBench(pages=ROUTERS).asking(VIEWER) as api:
        answer = await api.http.head("/nonsense")
    assert (answer.status_code, answer.content) == (404, b"")
