"""Signing in: the first administrator's one-time password, the session it gives, and every way in which it ends."""

import re
from datetime import timedelta

import httpx
import pytest

from orchestrator.console.browsing import FIELD, SESSION, form_token
from orchestrator.console.pages import ROUTERS
from orchestrator.service.accounts import FIRST
from tests.api_kit import HERE, Api, ApiBench, Browser
from tests.service_kit import WHY

OWN = "a password of my own"
STUCK = "/executions/trip:t1/do/suspend"


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(pages=ROUTERS)
    made.ledger.keep_open(made.stuck("t1"))
    return made


async def enter(api: Api, password: str, **more: str) -> httpx.Response:
    return await api.http.post("/sign-in", data={"name": FIRST, "password": password, **more})


async def choose(api: Api, password: str = OWN, **more: str) -> httpx.Response:
    return await api.http.post("/password", data={"password": password, "again": password, **more})


async def signed_in(bench: ApiBench, api: Api) -> None:
    """The first administrator, with a password of their own."""
    await enter(api, await bench.entering.accounts.make_first())
    assert (await choose(api)).status_code == 303


async def test_the_first_administrator_signs_in_chooses_a_password_and_works(bench) -> None:
    password = await bench.entering.accounts.make_first()
    assert await bench.entering.accounts.make_first() == ""
    async with bench.asking() as api:
        led = await api.http.get("/executions?view=all")
        assert led.headers["location"] == "/sign-in?back=%2Fexecutions%3Fview%3Dall"
        assert 'autocomplete="current-password"' in (await api.http.get(led.headers["location"])).text
        entered = await enter(api, password, back="/executions?view=all")
        onward = "/password?back=%2Fexecutions%3Fview%3Dall"
        assert (entered.status_code, entered.headers["location"]) == (303, onward)
        assert 'name="back" value="/executions?view=all"' in (await api.http.get(onward)).text
        for path in ("/", "/me", STUCK):
            assert (await api.http.get(path)).headers["location"].startswith("/password")
        assert (await api.get("/me")).json()["code"] == "password-to-choose"
        assert (await choose(api, back="/me")).headers["location"] == "/me"
        assert "You act as <strong>admin</strong>" in (await api.http.get("/me")).text
        assert (await api.http.post(STUCK, data={"reason": WHY, "key": "k"})).status_code == 303
        assert (await api.get("/me")).json()["actor"] == FIRST, "the API takes a session for reading"
    told = [(row.entry.what, row.entry.actor, row.entry.result) for row in bench.register.rows]
    assert told[:3] == [
        ("make account", FIRST, "accepted"),
        ("sign in", FIRST, "accepted"),
        ("choose password", FIRST, "accepted"),
    ]


async def test_a_one_time_password_works_once(bench) -> None:
    password = await bench.entering.accounts.make_first()
    async with bench.asking() as first, bench.asking() as second:
        assert (await enter(first, password)).status_code == 303
        again = await enter(second, password)
        assert (again.status_code, "works once" in again.text) == (401, True)
        assert SESSION not in second.http.cookies


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"password": "short", "again": "short"}, "password: 12 to 200"),
        ({"password": OWN, "again": "another one, as long"}, "again: the same"),
    ],
)
async def test_a_password_that_does_not_fit_is_told(bench, said, told) -> None:
    async with bench.asking() as api:
        await enter(api, await bench.entering.accounts.make_first())
        answer = await api.http.post("/password", data=said)
        assert (answer.status_code, told in answer.text) == (422, True)
        assert OWN not in answer.text


async def test_the_one_time_password_is_not_chosen_again(bench) -> None:
    password = await bench.entering.accounts.make_first()
    async with bench.asking() as api:
        await enter(api, password)
        assert "another one than before" in (await choose(api, password)).text


async def test_another_password_ends_all_other_sessions_and_needs_the_present_one(bench) -> None:
    async with bench.asking() as here, bench.asking() as there:
        await signed_in(bench, here)
        await enter(there, OWN)
        assert (await there.http.get("/me")).status_code == 200
        assert "present: this is not" in (await choose(here, "another password", present="a guess")).text
        assert (await choose(here, "another password", present=OWN)).status_code == 303
        assert (await here.http.get("/me")).status_code == 200
        assert (await there.http.get("/me")).headers["location"].startswith("/sign-in")
        assert (await enter(there, OWN)).status_code == 401


async def test_signing_out_ends_the_session_wherever_its_cookie_is(bench) -> None:
    async with bench.asking() as api, bench.asking() as thief:
        await signed_in(bench, api)
        stolen = api.http.cookies[SESSION]
        assert (await api.http.post("/sign-out", data={})).headers["location"] == "/sign-in"
        assert SESSION not in api.http.cookies
        thief.http.cookies.set(SESSION, stolen, domain="localhost.local", path="/")
        assert (await thief.http.get("/me")).headers["location"].startswith("/sign-in")
    assert bench.sessions.kept == {}


@pytest.mark.parametrize(("passes", "is_good"), [(59, True), (61, False)])
async def test_a_session_that_nobody_uses_ends(bench, passes, is_good) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        bench.clock.moment += timedelta(minutes=passes)
        assert ((await api.http.get("/me")).status_code == 200) is is_good


async def test_a_session_that_is_used_ends_with_its_time(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        seen = []
        for _ in range(25):
            bench.clock.moment += timedelta(minutes=30)
            seen.append((await api.http.get("/me")).status_code)
        assert seen == [200] * 23 + [303, 303], "twelve hours"


async def test_a_reset_ends_sessions_and_makes_a_password_for_one_time(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        password = await bench.entering.accounts.reset(FIRST, by=bench.accounts.kept[FIRST].caller)
        assert (await api.http.get("/me")).headers["location"].startswith("/sign-in")
        assert (await enter(api, OWN)).status_code == 401
        assert (await enter(api, password)).headers["location"] == "/password"


async def test_signing_in_gives_another_session_each_time(bench) -> None:
    async with bench.asking() as api:
        planted = "p" * 43
        api.http.cookies.set(SESSION, planted, domain="localhost.local", path="/")
        await signed_in(bench, api)
        first = api.http.cookies[SESSION]
        await enter(api, OWN)
        assert len({planted, first, api.http.cookies[SESSION]}) == 3


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_cookie_is_for_this_host_alone_and_for_no_script(bench, scheme) -> None:
    transport = httpx.ASGITransport(bench.app())
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://localhost") as http:
        page = await http.get("/sign-in")
        token = re.search(rf'name="{FIELD}" value="([^"]+)"', page.text)
        assert token
        given = {"name": FIRST, "password": await bench.entering.accounts.make_first(), FIELD: token[1]}
        answer = await http.post("/sign-in", data=given, headers={"Sec-Fetch-Site": "same-origin"})
    cookie = next(one for one in answer.headers.get_list("set-cookie") if SESSION in one)
    assert "HttpOnly; Path=/; SameSite=lax" in cookie
    assert ("Secure" in cookie, cookie.startswith("__Host-")) == ((True, True) if scheme == "https" else (False, False))
    assert "domain" not in cookie.lower()
    assert "max-age" not in cookie.lower()


async def test_where_somebody_goes_then_is_a_path_of_ours(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        for back in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/evil"):
            assert (await enter(api, OWN, back=back)).headers["location"] == "/"
        assert (await enter(api, OWN, back="/audit?actor=x")).headers["location"] == "/audit?actor=x"


async def test_who_tries_too_often_waits(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        for _ in range(10):
            assert (await enter(api, "a guess")).status_code == 401
        late = await enter(api, OWN)
        assert (late.status_code, late.headers["retry-after"]) == (429, "300")
        bench.clock.moment += timedelta(minutes=6)
        assert (await enter(api, OWN)).status_code == 303
    refused = [
        row.entry for row in bench.register.rows if row.entry.what == "sign in" and row.entry.result == "refused"
    ]
    assert {(one.actor, "a guess" in one.text) for one in refused} == {("unknown", False)}


async def test_nobody_signs_in_where_others_can_read_it_on_the_way(bench) -> None:
    transport = httpx.ASGITransport(bench.app())
    async with Browser(transport=transport, base_url="http://sagas.example") as http:
        await http.get("/sign-in")
        password = await bench.entering.accounts.make_first()
        answer = await http.post("/sign-in", data={"name": FIRST, "password": password})
        assert (answer.status_code, "by https" in answer.text) == (403, True)
    assert bench.sessions.kept == {}


async def test_a_part_of_a_page_leads_the_whole_page_to_the_door(bench) -> None:
    async with bench.asking(**{"HX-Request": "true", "HX-Current-URL": f"{HERE}/executions?q=x"}) as api:
        answer = await api.http.get("/executions/trip:t1")
        assert answer.status_code == 401
        assert answer.headers["hx-redirect"] == "/sign-in?back=%2Fexecutions%3Fq%3Dx"


async def test_behind_a_proxy_everything_stays_below_its_path() -> None:
    bench = ApiBench(pages=ROUTERS, root_path="/ops/sagas")
    async with bench.asking() as api:
        led = await api.http.get("/executions")
        assert led.headers["location"] == "/ops/sagas/sign-in?back=%2Fops%2Fsagas%2Fexecutions"
        text = (await api.http.get("/sign-in?back=/ops/sagas/executions")).text
        assert 'action="/ops/sagas/sign-in"' in text
        entered = await enter(api, await bench.entering.accounts.make_first())
        assert entered.headers["location"] == "/ops/sagas/password"
        chosen = await choose(api, back="/ops/sagas/executions")
        assert chosen.headers["location"] == "/ops/sagas/executions"
        for path, name in (("/", "Overview"), ("/executions?view=all", "Executions"), ("/parked", "Parked messages")):
            shown = (await api.http.get(path)).text
            assert re.findall(r'<nav aria-label="Pages">.*?</nav>', shown, re.DOTALL)[0].count("aria-current") == 1
            assert f' aria-current="page">{name}</a>' in shown
        assert 'href="/ops/sagas/me" aria-current="page"' in (await api.http.get("/me")).text
        assert (await enter(api, OWN, back="/elsewhere")).headers["location"] == "/ops/sagas/"
        left = await api.http.post("/sign-out", data={})
        assert left.headers["location"] == "/ops/sagas/sign-in"


async def test_without_access_control_nobody_signs_in() -> None:
    async with ApiBench(access_control=False, pages=ROUTERS).asking() as api:
        assert (await api.http.get("/sign-in?back=/me")).headers["location"] == "/me"
        text = (await api.http.get("/me")).text
        assert "Access control is off" in text
        assert "Sign out" not in text


# -- forms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, "Not from another site"),
        ({"Sec-Fetch-Site": "same-site"}, "Not from another site"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, "Not from another site"),
        ({"Origin": "http://evil.example"}, "Not from another site"),
        ({"Origin": "null"}, "Not from another site"),
        ({}, "Not from another site"),
        ({"Sec-Fetch-Site": "same-origin"}, "not of this session"),
        ({"Origin": "http://localhost"}, "not of this session"),
    ],
)
async def test_a_forged_form_does_nothing(bench, headers, code) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        forged = {"reason": WHY, "key": "k", FIELD: form_token("z" * 43)}
        answer = await httpx.AsyncClient.post(api.http, STUCK, data=forged, headers=headers)
        assert (answer.status_code, code in answer.text) == (403, True)
        left = await httpx.AsyncClient.post(api.http, "/sign-out", data=forged, headers=headers)
        assert left.status_code == 403
    assert len(bench.sessions.kept) == 1
    assert {row.entry.what for row in bench.register.rows} == {"make account", "sign in", "choose password"}


async def test_a_browser_without_sec_fetch_is_known_by_its_origin(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        own = {"reason": WHY, "key": "k", FIELD: form_token(api.http.cookies[SESSION])}
        answer = await httpx.AsyncClient.post(api.http, STUCK, data=own, headers={"Origin": "http://localhost"})
        assert answer.status_code == 303


async def test_the_api_changes_nothing_for_a_session(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        for headers in ({}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}):
            answer = (
                await api.operate("suspend", **headers)
                if not headers
                else await api.post(
                    "/switches", {"kind": "starts", "name": "trip", "held": True, "reason": WHY}, **headers
                )
            )
            assert answer.status_code == 401, answer.text


async def test_another_sessions_form_is_not_ones_own(bench) -> None:
    async with bench.asking() as api, bench.asking() as other:
        await signed_in(bench, api)
        await enter(other, OWN)
        foreign = {"reason": WHY, "key": "k", FIELD: form_token(other.http.cookies[SESSION])}
        assert (await api.http.post(STUCK, data=foreign)).status_code == 403


# -- who may not ----------------------------------------------------------------------------------------------------


async def test_who_may_not_is_told_who_they_are_what_is_missing_and_what_next(bench) -> None:
    from dataclasses import replace

    from orchestrator.service.access import Role

    async with bench.asking() as api:
        await signed_in(bench, api)
        digest, session = next(iter(bench.sessions.kept.items()))
        viewer = replace(session.caller, actor="eve", role=Role.VIEWER)
        bench.sessions.kept[digest] = replace(session, caller=viewer)
        answer = await api.http.get("/audit")
        assert answer.status_code == 403
        assert "You are <strong>eve</strong>, viewer" in answer.text
        assert "<code>audit:read</code>" in answer.text
        assert "Ask an administrator" in answer.text
