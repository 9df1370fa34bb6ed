"""Preferences and views by the API: everybody has their own, and pages heed them."""

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Role
from orchestrator.service.personal import MOST_VIEWS
from tests.api_kit import ROLES, ApiBench, is_problem

VIEWER, OPERATOR = ROLES[Role.VIEWER], ROLES[Role.OPERATOR]
LATIN = {"theme": "dark", "time_zone": "Europe/Berlin"}


async def test_what_is_set_by_the_api_is_heeded_by_pages_of_the_same_person() -> None:
    bench = ApiBench(pages=ROUTERS)
    async with bench.asking(VIEWER) as api:
        assert (await api.get("/me/preferences")).json() == {"theme": "system", "time_zone": "UTC"}
        answer = await api.http.put("/api/v1/me/preferences", json=LATIN)
        assert (answer.status_code, answer.json()) == (200, LATIN)
        assert (await api.get("/me/preferences")).json() == LATIN
        page = (await api.http.get("/me")).text
        assert 'data-theme="dark"' in page
        assert "<option selected>Europe/Berlin</option>" in page
        assert (await api.http.put("/api/v1/me/preferences", json={})).json() == {"theme": "system", "time_zone": "UTC"}
    async with bench.asking(OPERATOR) as api:
        assert (await api.get("/me/preferences")).json() == {"theme": "system", "time_zone": "UTC"}


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"time_zone": "Mars/Olympus"}, 422, "invalid"),
        ({"theme": "loud"}, 422, "invalid"),
        ({"colour": "red"}, 422, "invalid"),
        ([], 422, "invalid"),
    ],
)
async def test_what_cannot_be_preferred_is_refused_and_changes_nothing(wanted, status, code) -> None:
    bench = ApiBench()
    async with bench.asking(VIEWER) as api:
        await api.http.put("/api/v1/me/preferences", json=LATIN)
        assert is_problem(await api.http.put("/api/v1/me/preferences", json=wanted), status, code)
        assert (await api.get("/me/preferences")).json() == LATIN


async def test_a_view_is_kept_shown_replaced_and_removed() -> None:
    bench = ApiBench(pages=ROUTERS)
    async with bench.asking(VIEWER) as api:
        kept = await api.http.put("/api/v1/me/views/mine%20%2F%20late", json={"query": "status=stuck&q=a&cursor="})
        assert (kept.status_code, kept.json()) == (200, {"name": "mine / late", "query": "status=stuck&q=a"})
        assert 'href="/executions?status=stuck&amp;q=a">mine / late</a>' in (await api.http.get("/me")).text
        await api.http.put("/api/v1/me/views/mine%20%2F%20late", json={"query": "view=all"})
        assert (await api.get("/me/views")).json() == {"items": [{"name": "mine / late", "query": "view=all"}]}
        for _ in range(2):
            gone = await api.http.delete("/api/v1/me/views/mine%20%2F%20late")
            assert (gone.status_code, gone.content) == (204, b"")
        assert (await api.get("/me/views")).json() == {"items": []}


async def test_views_are_ones_own() -> None:
    bench = ApiBench()
    async with bench.asking(VIEWER) as api:
        await api.http.put("/api/v1/me/views/mine", json={"query": "view=all"})
    async with bench.asking(OPERATOR) as api:
        assert (await api.get("/me/views")).json() == {"items": []}
        await api.http.delete("/api/v1/me/views/mine")
    async with bench.asking(VIEWER) as api:
        assert len((await api.get("/me/views")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("name", "query", "where"),
    [
        ("mine", "colour=red", "/query"),
        ("mine", "status=lost", "/query"),
        ("m" * 61, "", "/name"),
        ("%20", "", "/name"),
    ],
)
async def test_a_view_that_could_not_be_shown_is_refused(name, query, where) -> None:
    async with ApiBench().asking(VIEWER) as api:
        answer = await api.http.put(f"/api/v1/me/views/{name}", json={"query": query})
        assert is_problem(answer, 422, "invalid")
        assert where in answer.text
        assert (await api.get("/me/views")).json() == {"items": []}


async def test_there_is_a_limit_of_views() -> None:
    async with ApiBench().asking(VIEWER) as api:
        for number in range(MOST_VIEWS):
            assert (await api.http.put(f"/api/v1/me/views/v{number}", json={"query": ""})).status_code == 200
        assert is_problem(await api.http.put("/api/v1/me/views/more", json={"query": ""}), 422, "invalid")
        assert (await api.http.put("/api/v1/me/views/v1", json={"query": "view=all"})).status_code == 200


async def test_another_site_changes_nothing_and_nobody_is_told_anything() -> None:
    open_to_all = ApiBench(access_control=False)
    async with open_to_all.asking(None, **{"Sec-Fetch-Site": "cross-site"}) as api:
        assert is_problem(await api.http.put("/api/v1/me/preferences", json=LATIN), 403, "cross-site")
        assert is_problem(await api.http.delete("/api/v1/me/views/mine"), 403, "cross-site")
    assert open_to_all.personal.preferred == {}
    async with ApiBench().asking(None) as api:
        assert (await api.get("/me/views")).status_code == 401
