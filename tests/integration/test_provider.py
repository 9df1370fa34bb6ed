"""Signing in at a real OpenID provider process: the whole flow, and every answer of it that must let nobody in."""

import re
import secrets
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from orchestrator.adapters.jwt.provider import Client, OpenIdProvider
from orchestrator.console.browsing import FLOW, SESSION
from orchestrator.console.pages import ROUTERS
from orchestrator.errors import UnknownCallerError
from orchestrator.service.access import Role
from orchestrator.service.providing import Request, Rules
from tests.api_kit import HERE, ApiBench
from tests.provider_kit import open_provider

CLIENT, SECRET, PASSWORD = "console", "a secret & more: +%/", "correct horse battery"
CALLBACK = f"{HERE}/sign-in/callback"
RULES = Rules(actor="sub", groups="groups", roles={Role.OPERATOR: frozenset({"oncall", "sre"})})
pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer(tmp_path_factory):
    async with open_provider(CALLBACK, tmp_path_factory.mktemp("provider") / "log") as address:
        yield address


def provider_at(issuer: str, rules: Rules = RULES, secret: str | None = SECRET) -> OpenIdProvider:
    client = Client(
        issuer=issuer, id=CLIENT, secret=secret, redirect=CALLBACK, scopes="openid groups", algorithms=("RS256",)
    )
    return OpenIdProvider(client, rules)


@pytest.fixture
def bench(issuer) -> ApiBench:
    return ApiBench(pages=ROUTERS, provider=provider_at(issuer))


async def grant(address: str, name: str) -> str:
    """Somebody signs in at the provider; where it sends their browser then."""
    async with httpx.AsyncClient(follow_redirects=False, timeout=60) as http:
        page = await http.get(address)
        for _ in range(12):
            if page.is_redirect:
                address = str(page.url.join(page.headers["location"]))
                if address.startswith(HERE):
                    return address
                page = await http.get(address)
            else:
                assert page.status_code == 200, page.text
                fields = dict(re.findall(r'<input[^>]*name="(csrf_token)"[^>]*value="([^"]+)"', page.text))
                known = {"login": name, "password": PASSWORD, "answer": "accept"}
                shown = set(re.findall(r'name="(login|password|answer)"', page.text))
                page = await http.post(page.url, data={**fields, **{one: known[one] for one in shown}})
    raise AssertionError(page.text)


def fresh() -> Request:
    """The provider takes no nonce twice."""
    return Request(*(secrets.token_urlsafe(32) for _ in range(3)))


async def leave(api, back: str = "") -> str:
    answer = await api.http.get("/sign-in/provider", params={"back": back})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_somebody_signs_in_there_and_is_here_what_their_group_says(bench, issuer) -> None:
    async with bench.asking() as api:
        assert f"Sign in at {urlsplit(issuer).netloc}" in (await api.http.get("/sign-in")).text
        address = await leave(api, "/executions?view=all")
        asked = parse_qs(urlsplit(address).query)
        assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
        back = await api.http.get(await grant(address, "olga"))
        assert (back.status_code, back.headers["location"]) == (303, "/executions?view=all"), back.text
        me = (await api.get("/me")).json()
        assert (me["actor"], me["role"]) == ("olga", "operator")
        assert FLOW not in api.http.cookies
        (session,) = bench.sessions.kept.values()
        assert (session.source, session.account) == (issuer, "olga")
        assert "eyJ" not in repr(bench.sessions.kept) + repr(bench.register.rows), "no token of the provider is kept"
        told = [(row.entry.what, row.entry.actor, row.entry.result) for row in bench.register.rows]
        assert told == [("sign in", "olga", "accepted")]


async def test_who_is_in_no_group_with_a_role_is_told_so(bench) -> None:
    async with bench.asking() as api:
        back = await api.http.get(await grant(await leave(api), "nick"))
        assert back.status_code == 401
        assert "you are nick, but the provider names no group" in back.text
        assert SESSION not in api.http.cookies


async def test_a_code_works_once(issuer) -> None:
    provider, asked = provider_at(issuer), fresh()
    code = parse_qs(urlsplit(await grant(await provider.address(asked), "olga")).query)["code"][0]
    assert (await provider.person(code, asked)).caller.role is Role.OPERATOR
    with pytest.raises(UnknownCallerError, match="does not accept the code"):
        await provider.person(code, asked)


async def test_the_answer_to_another_request_is_refused_by_its_nonce(issuer) -> None:
    provider = provider_at(issuer)
    asked = fresh()
    code = parse_qs(urlsplit(await grant(await provider.address(asked), "olga")).query)["code"][0]
    with pytest.raises(UnknownCallerError, match="answers another request"):
        await provider.person(code, Request(asked.state, "m" * 43, asked.verifier))


async def test_other_rules_end_sessions_at_once(bench, issuer) -> None:
    async with bench.asking() as api:
        await api.http.get(await grant(await leave(api), "olga"))
        session = api.http.cookies[SESSION]
    promoted = ApiBench(
        pages=ROUTERS,
        sessions=bench.sessions,
        provider=provider_at(issuer, Rules(actor="sub", groups="groups", roles={Role.ADMIN: frozenset({"oncall"})})),
    )
    with pytest.raises(UnknownCallerError, match="over"):
        await promoted.entering.sessions.of(session)


# The last three: this provider keeps a code that nobody could redeem, and takes it for whatever code comes next.


async def test_a_code_works_with_its_verifier_alone(issuer) -> None:
    provider, asked = provider_at(issuer), fresh()
    code = parse_qs(urlsplit(await grant(await provider.address(asked), "olga")).query)["code"][0]
    with pytest.raises(UnknownCallerError, match="invalid_grant"):
        await provider.person(code, Request(asked.state, asked.nonce, "w" * 43))


async def test_an_answer_is_for_the_browser_that_asked(bench) -> None:
    async with bench.asking() as victim, bench.asking() as thief:
        answer = await grant(await leave(thief), "olga")
        await leave(victim)
        forged = await victim.http.get(answer)
        assert (forged.status_code, SESSION in victim.http.cookies) == (401, False), "nobody is signed in as the thief"


async def test_a_wrong_secret_lets_nobody_in(issuer) -> None:
    provider = provider_at(issuer, secret="another")
    asked = fresh()
    code = parse_qs(urlsplit(await grant(await provider.address(asked), "olga")).query)["code"][0]
    with pytest.raises(UnknownCallerError, match="invalid_client"):
        await provider.person(code, asked)
