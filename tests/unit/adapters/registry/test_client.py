"""The registry's client: who it says it is, and what becomes of answers that are none."""

import pytest
from aiohttp import web
from pydantic import SecretStr

from orchestrator.adapters.registry.client import open_registry
from orchestrator.errors import OrchestratorError, RegistryError
from orchestrator.settings import load_settings
from tests.registry_kit import HandRegistry, basic, serving

SETTINGS = load_settings()
LOGINS = {
    basic("me", "secret"): {"registry_user": "me", "registry_password": SecretStr("secret")},
    basic("me", ""): {"registry_user": "me"},
    "Bearer token": {"registry_token": SecretStr("token"), "registry_user": "me"},
}


@pytest.mark.parametrize(("login", "changes"), LOGINS.items(), ids=["password", "no password", "token"])
async def test_it_says_who_it_is_and_a_refusal_tells_no_secret(login, changes, caplog) -> None:
    async with serving(HandRegistry(login=login)) as address:
        async with open_registry(address, SETTINGS.model_copy(update=changes)) as registry:
            assert await registry.latest("a") is None
        wrong = {"registry_user": "me", "registry_password": SecretStr("hidden")}
        async with open_registry(address, SETTINGS.model_copy(update=wrong)) as registry:
            with pytest.raises(
                RegistryError, match="GET subjects/a/versions/latest is answered 401: Unauthorized"
            ) as e:
                await registry.latest("a")
    assert "hidden" not in str(e.value) + caplog.text


async def test_a_subject_is_one_part_of_the_way_whatever_is_in_it() -> None:
    registry = HandRegistry()
    async with serving(registry) as address, open_registry(f"{address}/", SETTINGS) as client:
        await client.latest("a/b:c?d")
    assert registry.seen == [("GET", "/subjects/a%2Fb%3Ac%3Fd/versions/latest")]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (web.Response(text="<html>", status=200), "is answered 200: no JSON object"),
        (web.Response(text="[]", status=200), "is answered 200: no JSON object"),
        (web.Response(text="not here", status=404), "is answered 404: no JSON object"),
        (web.Response(text='{"error_code": 50001, "message": "store"}', status=500), "is answered 500: store"),
        (web.Response(text='{"id": 1}', status=200), "no JSON object with 'schema'"),
        (web.Response(status=302, headers={"Location": "http://elsewhere.example/"}), "is answered 302"),
    ],
    ids=["html", "list", "nothing", "fault", "no schema", "elsewhere"],
)
async def test_an_answer_that_is_none_is_told_and_not_followed(answer: web.Response, told: str) -> None:
    async def say(_: web.Request) -> web.Response:
        return answer

    app = web.Application()
    app.router.add_get("/{rest:.*}", say)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with open_registry(f"http://127.0.0.1:{runner.addresses[0][1]}", SETTINGS) as registry:
            with pytest.raises(RegistryError, match=told):
                await registry.latest("a")
    finally:
        await runner.cleanup()


async def test_one_that_is_away_is_told_by_its_address() -> None:
    async with open_registry("http://127.0.0.1:9", SETTINGS) as registry:
        with pytest.raises(RegistryError, match="the schema registry at http://127.0.0.1:9"):
            await registry.level("a")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("somewhere", "is no address"),
        ("ftp://somewhere", "is no address"),
        ("http://somewhere:port", "is no address"),
        ("https://me:secret@somewhere", "holds a user: set SAGA_REGISTRY_USER"),
        ("http://somewhere.example", "is unencrypted and leaves this machine"),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_before_anything_is_sent(address, told) -> None:
    with pytest.raises(OrchestratorError, match=told) as raised:
        async with open_registry(address, SETTINGS):
            pass
    assert "secret" not in str(raised.value)
