"""ID tokens that let nobody in, and providers that are not what they say, by HTTP of this machine."""

import json
import time
from contextlib import asynccontextmanager
from typing import Any

import jwt
import jwt.algorithms
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.adapters.jwt.provider import LARGEST, Client, OpenIdProvider
from orchestrator.errors import IdentityUnavailableError, UnknownCallerError
from orchestrator.service.access import Role
from orchestrator.service.providing import Request, Rules

OURS, THEIRS = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ASKED = Request(state="s", nonce="n" * 43, verifier="v" * 43)
RULES = Rules(actor="sub", groups="groups", roles={Role.VIEWER: frozenset({"staff"})})


class Said:
    """What the provider answers."""

    def __init__(self) -> None:
        self.address = ""
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.key, self.kid, self.algorithm = OURS, "k1", "ES256"
        self.token: Any = None
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.keys = 0

    async def describe(self, _: web.Request) -> web.Response:
        paths = {"authorization_endpoint": "/a?x=1", "token_endpoint": "/t", "jwks_uri": "/k"}
        found = {name: self.address + path for name, path in paths.items()}
        return web.json_response({"issuer": self.address, **found, **self.metadata})

    async def jwks(self, _: web.Request) -> web.Response:
        self.keys += 1
        key = jwt.algorithms.ECAlgorithm.to_jwk(OURS.public_key(), as_dict=True)
        return web.json_response({"keys": [{**key, "kid": "k1"}]})

    async def token_for(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.headers.get("Authorization", ""), form))
        now = time.time()
        claims = {
            "iss": self.address,
            "aud": "console",
            "sub": "ann",
            "exp": now + 60,
            "iat": now,
            "nonce": ASKED.nonce,
        }
        claims |= {"groups": ["staff"], **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        made = jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid})
        return web.json_response({"id_token": made} if self.token is None else self.token)


@asynccontextmanager
async def provider(said: Said, secret: str | None = None, issuer: str = ""):
    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", said.describe),
            web.get("/k", said.jwks),
            web.post("/t", said.token_for),
        ]
    )
    async with TestServer(app) as server:
        said.address = f"http://127.0.0.1:{server.port}"
        client = Client(
            issuer=issuer or said.address,
            id="console",
            secret=secret,
            redirect="http://localhost/sign-in/callback",
            scopes="openid",
            algorithms=("ES256",),
        )
        yield OpenIdProvider(client, RULES)


async def test_a_good_token_says_who_it_is() -> None:
    async with provider(Said()) as one:
        person = await one.person("c", ASKED)
        assert (person.account, person.caller.actor, person.caller.role) == ("ann", "ann", Role.VIEWER)


WRONG: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "m" * 43}},
    "no nonce": {"claims": {"nonce": None}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "for another program": {"claims": {"aud": "other"}},
    "for several, none named": {"claims": {"aud": ["console", "other"]}},
    "for several, another named": {"claims": {"aud": ["console", "other"], "azp": "other"}},
    "one, another named": {"claims": {"azp": "other"}},
    "expired": {"claims": {"exp": time.time() - 60}},
    "for ever": {"claims": {"exp": None}},
    "of nobody": {"claims": {"sub": None}},
    "signed by somebody else": {"key": THEIRS},
    "a key that nobody knows": {"kid": "k2"},
    "not signed": {"key": None, "algorithm": "none"},
    "signed by what everybody knows": {"key": "x" * 64, "algorithm": "HS256"},
    "no token": {"token": {"access_token": "x"}},
    "no JSON object": {"token": ["x"]},
    "no JWT": {"token": {"id_token": "x.y.z"}},
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_token_that_is_not_what_it_must_be_lets_nobody_in(name) -> None:
    said = Said()
    vars(said).update(WRONG[name])
    async with provider(said) as one:
        with pytest.raises(UnknownCallerError) as caught:
            await one.person("c", ASKED)
    assert "eyJ" not in str(caught.value)


async def test_several_receivers_are_fine_if_we_are_the_one() -> None:
    said = Said()
    said.claims = {"aud": ["console", "other"], "azp": "console"}
    async with provider(said) as one:
        assert (await one.person("c", ASKED)).account == "ann"


@pytest.mark.parametrize(
    ("methods", "secret", "header", "fields"),
    [
        (["client_secret_basic"], "s: &", "Basic Y29uc29sZTpzJTNBJTIwJTI2", set()),
        (["client_secret_post"], "s", "", {"client_id", "client_secret"}),
        (["none"], None, "", {"client_id"}),
    ],
)
async def test_it_knows_us_as_it_wants_to(methods, secret, header, fields) -> None:
    said = Said()
    said.metadata = {"token_endpoint_auth_methods_supported": methods}
    async with provider(said, secret) as one:
        await one.person("c", ASKED)
    ((shown, form),) = said.asked
    assert shown == header
    assert set(form) == {"grant_type", "code", "redirect_uri", "code_verifier", *fields}


async def test_the_browser_is_sent_with_a_challenge_and_never_with_the_verifier() -> None:
    async with provider(Said()) as one:
        address = await one.address(ASKED)
    assert "/a?x=1&response_type=code&" in address
    assert ASKED.verifier not in address
    assert "code_challenge_method=S256" in address


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"token_endpoint": "http://evil.example/t"}, "without TLS"),
        ({"jwks_uri": "ftp://127.0.0.1/k"}, "without TLS"),
        ({"authorization_endpoint": None}, "does not say"),
        ({"more": "x" * LARGEST}, "does not say"),
    ],
)
async def test_a_provider_that_is_not_what_it_says_is_not_asked(metadata, told) -> None:
    said = Said()
    said.metadata = metadata
    async with provider(said) as one:
        for _ in range(2):
            with pytest.raises(IdentityUnavailableError, match=told):
                await one.address(ASKED)


async def test_a_provider_that_is_away_is_told() -> None:
    async with provider(Said()) as one:
        pass
    with pytest.raises(IdentityUnavailableError, match="cannot be reached"):
        await one.address(ASKED)


async def test_unknown_keys_do_not_make_us_ask_each_time() -> None:
    said = Said()
    said.kid = "k2"
    async with provider(said) as one:
        for _ in range(3):
            with pytest.raises(UnknownCallerError):
                await one.person("c", ASKED)
    assert said.keys == 1


def test_a_secret_is_not_shown() -> None:
    client = Client(issuer="i", id="c", secret="hidden", redirect="r", scopes="s", algorithms=())
    assert "hidden" not in repr(client) + json.dumps(str(client))
