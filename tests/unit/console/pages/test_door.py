"""Whoever must sign in first: nothing is in their way, they come back to where they were, and keep what they wrote."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from orchestrator.console.browsing import FIELD, SESSION, form_token
from orchestrator.console.pages import ROUTERS
from orchestrator.errors import StoreUnavailableError
from orchestrator.service.accounts import FIRST
from tests.api_kit import ApiBench
from tests.service_kit import WHY
from tests.unit.console.pages.test_doors import OWN, signed_in
from tests.unit.console.pages.test_doors import STUCK as FORM

SECRET = "a password that slipped in"


@pytest.fixture
def bench() -> ApiBench:
    made = ApiBench(pages=ROUTERS)
    made.ledger.keep_open(made.stuck("t1"))
    return made


async def test_a_session_that_ends_while_a_form_is_filled_in_loses_neither_place_nor_words(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        bench.sessions.kept.clear()
        answer = await api.http.post(FORM, data={"reason": "because <b>I</b> say so", "key": "k", "password": SECRET})
        assert answer.status_code == 401
        assert "your session is over: sign in again" in answer.text
        assert '<pre tabindex="0">because &lt;b&gt;I&lt;/b&gt; say so</pre>' in answer.text
        assert SECRET not in answer.text
        assert f'name="back" value="{FORM}"' in answer.text
        entered = await api.http.post("/sign-in", data={"name": FIRST, "password": OWN, "back": FORM})
        assert (entered.status_code, entered.headers["location"]) == (303, FORM)
    assert bench.register.operations == {}


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/bulks/new?operation=suspend&view=all", "?back=%2Fbulks%2Fnew%3Foperation%3Dsuspend%26view%3Dall"),
        ("/me/views", "?back=%2Fme%2Fviews"),
        ("/sign-out", ""),
    ],
)
async def test_who_sends_a_form_without_a_session_is_led_to_the_door_and_back_to_the_form(
    bench, path, leads_to
) -> None:
    async with bench.asking() as api:
        answer = await api.http.post(path, data={})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{leads_to}")


async def test_words_of_a_form_of_another_session_are_told_again(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        answer = await api.http.post(FORM, data={"reason": WHY, FIELD: form_token("z" * 43)})
        assert (answer.status_code, "not of this session" in answer.text) == (403, True)
        assert f'<pre tabindex="0">{WHY}</pre>' in answer.text
        assert f'<a href="{FORM}">The form anew</a>' in answer.text


async def test_words_of_a_form_that_met_a_ledger_that_is_away_are_told_again(bench, monkeypatch) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailableError("the ledger is away")

    async with bench.asking() as api:
        await signed_in(bench, api)
        monkeypatch.setattr(bench.personal, "preferences", away)
        answer = await api.http.post(FORM, data={"reason": WHY})
        assert (answer.status_code, f'<pre tabindex="0">{WHY}</pre>' in answer.text) == (503, True)


async def test_words_that_another_site_made_up_are_not_told(bench) -> None:
    async with bench.asking() as api:
        await signed_in(bench, api)
        forged = {"reason": WHY, FIELD: form_token(api.http.cookies[SESSION])}
        answer = await api.http.post(FORM, data=forged, headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, WHY in answer.text) == (403, False)


async def test_a_long_way_back_is_in_nobodys_way(bench) -> None:
    long = f"/executions?view=all&q={'x' * 290}&failed_step={'y' * 290}"
    async with bench.asking() as api:
        led = await api.http.get(long)
        shown = await api.http.get(led.headers["location"])
        assert (shown.status_code, "x" * 290 in shown.text) == (200, True)
        password = await bench.entering.accounts.make_first()
        entered = await api.http.post("/sign-in", data={"name": FIRST, "password": password, "back": long})
        assert (await api.http.get(entered.headers["location"])).status_code == 200
        chosen = await api.http.post("/password", data={"password": OWN, "again": OWN, "back": long})
        assert chosen.headers["location"] == long


class Elsewhere:
    """A provider that people are sent to."""

    issuer = "https://id.example"

    async def address(self, asked) -> str:
        return f"{self.issuer}/authorize?{urlencode({'state': asked.state})}"


@pytest.mark.parametrize(("length", "comes_back"), [(900, True), (1_200, False)])
async def test_a_provider_is_not_asked_to_carry_a_way_back_that_is_too_long_for_an_answer(length, comes_back) -> None:
    async with ApiBench(pages=ROUTERS, provider=Elsewhere()).asking() as api:
        back = f"/executions?q={'x' * length}"
        answer = await api.http.get("/sign-in/provider", params={"back": back})
        state = parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]
        returned = await api.http.get("/sign-in/callback", params={"state": state, "error": "access_denied"})
        assert (returned.status_code, "access_denied" in returned.text) == (401, True)
        assert (f'value="{back}"' in returned.text) is comes_back
