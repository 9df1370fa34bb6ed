"""The page about oneself: rights, how pages look, views of one's own, API tokens."""

import re
from html import unescape

import pytest

from orchestrator.console.pages import ROUTERS
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.records import milliseconds
from tests.api_kit import ROLES, ApiBench
from tests.service_kit import NOW, WHY

ADMIN = ROLES[Role.ADMIN]
WANTED = {"name": "ci", "role": "operator", "sagas": " trip, ", "payload": "yes", "days": "30", "reason": WHY}


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(pages=ROUTERS)
    made.ledger.keep_open(made.stuck("t1"), changed_ms=milliseconds(NOW))
    return made


async def test_everybody_sees_who_they_are_and_what_they_may(bench) -> None:
    eve = Caller(actor="eve", role=Role.VIEWER, granted=frozenset({Permission.PAYLOAD}), sagas=frozenset({"trip"}))
    async with bench.asking(eve) as api:
        text = (await api.http.get("/me")).text
    assert "You act as <strong>viewer</strong>, for the sagas trip" in text
    assert "<code>payload:read</code>: yes" in text
    assert "<code>saga:retry</code>: no" in text
    assert "They need the right <code>token:manage</code>" in text


async def test_colours_and_zone_are_kept_for_one_person_and_every_page_has_them(bench) -> None:
    async with bench.asking(ADMIN) as api, bench.asking(ROLES[Role.VIEWER]) as other:
        chosen = await api.http.post("/me", data={"theme": "dark", "time_zone": "Asia/Kathmandu"})
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/me")
        for path in ("/", "/me", "/executions", "/executions/trip:t1", "/parked", "/bulks", "/executions/trip:none"):
            assert '<html lang="en" data-theme="dark">' in (await api.http.get(path)).text, path
        text = (await api.http.get("/executions")).text
        assert '<time datetime="2026-01-01T00:00:00+00:00" title="2026-01-01 00:00:00 UTC">' in text
        assert "<small>2026-01-01 05:45</small></time>" in text
        assert re.search(r"As of [\d: -]+ Asia/Kathmandu\.", text)
        assert '<html lang="en">' in (await other.http.get("/")).text


async def test_pages_that_do_not_know_who_looks_have_the_colours_of_the_last_who_was_here(bench) -> None:
    async with bench.asking(ADMIN) as api:
        await api.http.post("/me", data={"theme": "dark", "time_zone": "UTC"})
        await api.http.get("/me")
        told = api.http.headers.pop("Authorization")
        for path in ("/sign-in", "/docs", "/problems/not-found"):
            assert '<html lang="en" data-theme="dark">' in (await api.http.get(path)).text, path
        api.http.headers["Authorization"] = told
        await api.http.post("/me", data={"theme": "system", "time_zone": "UTC"})
        await api.http.get("/me")
        del api.http.headers["Authorization"]
        for path in ("/sign-in", "/docs", "/problems/not-found"):
            assert '<html lang="en">' in (await api.http.get(path)).text, path
        api.http.cookies.set("saga-colours", '"><img>', domain="localhost.local", path="/")
        assert "<img" not in (await api.http.get("/docs")).text


async def test_times_of_the_lists_filter_are_meant_in_the_zone_of_the_form(bench) -> None:
    async with bench.asking(ADMIN) as api:
        await api.http.post("/me", data={"theme": "system", "time_zone": "Asia/Kathmandu"})
        for clock, is_found in (("2026-01-01T05:44", True), ("2026-01-01T05:46", False)):
            asked = f"/executions?view=all&zone=Asia/Kathmandu&changed_after={clock}"
            text = (await api.http.get(asked)).text
            assert ("trip%3At1" in text) == is_found
            assert f'name="changed_after" value="{clock}"' in text


@pytest.mark.parametrize("said", ["0", "1700000000", "1e9", "0001-01-01", "9999-12-31T23:59", "9999-12-31T23:59Z"])
async def test_a_number_and_the_edge_of_the_calendar_are_no_time_of_the_lists_filter(bench, said) -> None:
    async with bench.asking(ADMIN) as api:
        for zone in ("Asia/Kathmandu", "America/Lima"):
            answer = await api.http.get(f"/executions?view=all&zone={zone}&changed_after={said}")
            assert (answer.status_code, "changed_after" in answer.text) == (422, True)


@pytest.mark.parametrize(("field", "value"), [("theme", "pink"), ("time_zone", "Mars/Olympus")])
async def test_what_cannot_be_chosen_is_told_and_nothing_changes(bench, field, value) -> None:
    async with bench.asking(ADMIN) as api:
        answer = await api.http.post("/me", data={"theme": "dark", "time_zone": "UTC", field: value})
        assert (answer.status_code, f"{field}: " in answer.text) == (422, True)
    assert bench.personal.preferred == {}


async def test_a_filter_is_kept_as_a_view_of_ones_own_and_removed(bench) -> None:
    async with bench.asking(ADMIN) as api, bench.asking(ROLES[Role.VIEWER]) as other:
        text = (await api.http.get("/executions?status=stuck&status=parked&q=a+b%26c")).text
        (query,) = re.findall(r'name="query" value="([^"]*)"', text)
        kept = await api.http.post("/me/views", data={"name": "Mine <3", "query": unescape(query)})
        assert kept.status_code == 303
        shown = (await api.http.get(kept.headers["location"])).text
        assert re.search(r'<a href="\?status=stuck[^"]*" aria-current="true">Mine &lt;3</a>', shown)
        assert "Mine" not in (await other.http.get("/executions")).text
        await other.http.post("/me/views/removal", data={"name": "Mine <3"})
        assert "Mine" in (await api.http.get("/me")).text, "nobody removes what is another's"
        await api.http.post("/me/views/removal", data={"name": "Mine <3"})
        assert "Mine" not in (await api.http.get("/executions")).text


@pytest.mark.parametrize("query", ["colour=red", "version=x", "status=gone"])
async def test_a_view_shows_what_the_list_can_show(bench, query) -> None:
    async with bench.asking(ADMIN) as api:
        answer = await api.http.post("/me/views", data={"name": "x", "query": query})
        assert (answer.status_code, "query: " in answer.text) == (422, True)


async def test_a_token_is_shown_once_lets_its_bearer_in_and_is_revoked(bench) -> None:
    async with bench.asking(ADMIN) as api:
        made = await api.http.post("/me/tokens", data=WANTED)
        assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
        (text,) = re.findall(r">(saga_[\w-]{43})<", made.text)
        page = (await api.http.get("/me")).text
        assert text not in page
        assert "operator, payload:read, for trip" in page
        (name,) = (one.id for one in bench.tokens.kept.values() if one.name == "ci")
        async with bench.asking(Authorization=f"Bearer {text}") as program:
            assert (await program.get("/me")).json()["actor"] == "token:ci"
            revoked = await api.http.post("/me/tokens/revocation", data={"token": name, "reason": WHY})
            assert revoked.status_code == 303
            assert (await program.get("/me")).status_code == 401
        assert "Revoke ci" not in (await api.http.get("/me")).text
    audited = [(row.entry.what, row.entry.result) for row in bench.register.rows]
    assert audited == [("create token", "accepted"), ("revoke token", "accepted")]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", "n" * 101, "name: 1 to"),
        ("days", "soon", "days: a number"),
        ("days", "1e400", "days: a number"),
        ("days", "0", "days: more than 0"),
        ("role", "king", "role: one of"),
        ("reason", "no", "reason"),
    ],
)
async def test_a_token_that_cannot_be_is_told_and_what_was_filled_in_stays(bench, field, value, told) -> None:
    async with bench.asking(ADMIN) as api:
        answer = await api.http.post("/me/tokens", data={**WANTED, field: value})
        assert (answer.status_code, told in answer.text) == (422, True)
        assert ('value="ci"' in answer.text) == (field != "name")
    assert len(bench.tokens.kept) == 1, "that of whoever asks"


async def test_nobody_hands_out_more_than_they_have(bench) -> None:
    some = Caller(actor="sam", role=Role.OPERATOR, granted=frozenset({Permission.TOKENS}), sagas=frozenset({"trip"}))
    async with bench.asking(some) as api:
        page = (await api.http.get("/me")).text
        assert "<option>operator</option>" in page
        assert "<option>admin</option>" not in page
        assert (await api.http.post("/me/tokens", data={**WANTED, "role": "admin"})).status_code == 403
        assert (await api.http.post("/me/tokens", data={**WANTED, "payload": "", "sagas": "bank"})).status_code == 403
        assert (await api.http.post("/me/tokens", data={**WANTED, "payload": "", "sagas": ""})).status_code == 201
    (made,) = (one for one in bench.tokens.kept.values() if one.name == "ci")
    assert made.caller.sagas == {"trip"}
    async with bench.asking(ROLES[Role.OPERATOR]) as api:
        assert (await api.http.post("/me/tokens", data=WANTED)).status_code == 403
        assert (await api.http.post("/me/tokens/revocation", data={"token": made.id, "reason": WHY})).status_code == 403


@pytest.mark.parametrize("path", ["/me/views", "/me/views/removal", "/me/tokens", "/me/tokens/revocation"])
async def test_whoever_looks_where_forms_are_sent_to_is_led_back(bench, path) -> None:
    async with bench.asking(ADMIN) as api:
        answer = await api.http.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
