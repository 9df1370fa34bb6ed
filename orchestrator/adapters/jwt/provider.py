"""An OpenID provider: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9700).

Implements `service.providing.Provider`. Nothing of what the provider gives but the claims is kept: no token of it
ever reaches a browser, a log or the ledger.
"""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import jwt
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from orchestrator.adapters.jwt.verifying import LEEWAY
from orchestrator.errors import IdentityUnavailableError, UnknownCallerError
from orchestrator.settings.fields import is_loopback

if TYPE_CHECKING:
    from orchestrator.service.providing import Person, Request, Rules

TIMEOUT = aiohttp.ClientTimeout(total=10)
LARGEST = 1_048_576
FRESH_SECONDS = 600.0
"""How long what the provider says of itself, and its keys, are believed without asking again."""
KEYS_EVERY_SECONDS = 30.0
"""Keys are asked for again at most so often for the sake of one that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What we are to the provider.

    Attributes:
        secret: None = it knows us by PKCE alone.
        redirect: where browsers come back to.
        algorithms: how it may sign.
    """

    issuer: str
    id: str
    secret: str | None = field(repr=False)
    redirect: str
    scopes: str
    algorithms: tuple[str, ...]


class Metadata(BaseModel):
    """What a provider says of itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class OpenIdProvider:
    """The provider of a client.

    Args:
        rules: what its claims mean here.
    """

    def __init__(self, client: Client, rules: Rules) -> None:
        self.issuer = client.issuer
        self._client = client
        self._rules = rules
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, dict[str, jwt.PyJWK]] | None = None

    async def basis(self, account: str) -> str:  # noqa: ARG002 - the same for all its people
        """The rules by which claims become rights."""
        return self._rules.fingerprint

    async def address(self, request: Request) -> str:
        """Where a browser goes to sign in."""
        metadata = await self._described()
        digest = hashlib.sha256(request.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect,
            "scope": self._client.scopes,
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"

    async def person(self, code: str, request: Request) -> Person:
        """Who came back with this code."""
        return self._rules.person(await self._claims(await self._id_token(code, request), request.nonce))

    async def _id_token(self, code: str, request: Request) -> str:
        metadata = await self._described()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect,
            "code_verifier": request.verifier,
        }
        headers = {}
        if self._client.secret is None:
            form["client_id"] = self._client.id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            user, password = quote(self._client.id, safe=""), quote(self._client.secret, safe="")
            headers["Authorization"] = aiohttp.encode_basic_auth(user, password, encoding="utf-8")
        else:
            form |= {"client_id": self._client.id, "client_secret": self._client.secret}
        status, answer = await _asked("POST", metadata.token_endpoint, data=form, headers=headers)
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):  # noqa: PLR2004
            said = str(answer.get("error", f"status {status}"))[:100]
            raise UnknownCallerError(f"the provider does not accept the code ({said}): sign in again")
        return token

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that was made by the provider, for us, in answer to this very request."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._client.algorithms:
                raise jwt.InvalidAlgorithmError(f"it must be signed by {', '.join(self._client.algorithms)}")
            claims: dict[str, Any] = jwt.decode(
                token,
                await self._key(str(header.get("kid", ""))),
                algorithms=list(self._client.algorithms),
                audience=self._client.id,
                issuer=self.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
            )
        except jwt.PyJWTError as error:
            raise UnknownCallerError(f"the provider's ID token is not accepted: {error}") from None
        several = claims["aud"] not in (self._client.id, [self._client.id])
        if claims["nonce"] != nonce or (several and "azp" not in claims):
            raise UnknownCallerError("the provider's ID token is not accepted: it answers another request")
        if claims.get("azp", self._client.id) != self._client.id:
            raise UnknownCallerError("the provider's ID token is not accepted: it is for another program")
        return claims

    async def _key(self, name: str) -> jwt.PyJWK:
        """A key of the provider; asks for them anew if it is not known, as after a rotation."""
        metadata, now = await self._described(), time.monotonic()
        read_at, keys = self._keys or (-KEYS_EVERY_SECONDS, {})
        age = now - read_at
        if self._keys is None or age > FRESH_SECONDS or (name not in keys and age > KEYS_EVERY_SECONDS):
            status, answer = await _asked("GET", metadata.jwks_uri)
            keys = _keys(answer) if status == 200 else {}  # noqa: PLR2004
            self._keys = (now, keys)
        only = next(iter(keys.values())) if not name and len(keys) == 1 else None
        key = keys.get(name) or only
        if key is None:
            raise jwt.InvalidKeyError("the provider has no such key")
        return key

    async def _described(self) -> Metadata:
        if self._metadata is None or time.monotonic() - self._metadata[0] > FRESH_SECONDS:
            status, answer = await _asked("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            self._metadata = (time.monotonic(), _metadata(self.issuer, status, answer))
        return self._metadata[1]


def _metadata(issuer: str, status: int, answer: dict[str, Any]) -> Metadata:
    try:
        found = Metadata.model_validate(answer)
    except ValidationError:
        raise IdentityUnavailableError(f"{issuer} does not say how to sign in there (status {status})") from None
    if found.issuer != issuer:
        raise IdentityUnavailableError(f"{issuer} calls itself {found.issuer[:200]}: set SAGA_OIDC_ISSUER to that")
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            raise IdentityUnavailableError(f"{issuer} names an address without TLS: {address[:200]}")
    return found


def _keys(document: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """Keys that may sign, by id; of kinds that we do not know none is taken."""
    try:
        found = jwt.PyJWKSet.from_dict(document).keys
    except (jwt.PyJWTError, AttributeError, TypeError) as error:
        raise IdentityUnavailableError(f"the provider's keys cannot be read: {error}") from None
    return {key.key_id or "": key for key in found if key.public_key_use in (None, "sig")}


async def _asked(method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """An answer in JSON, whatever its status; what is none is an empty one. Never follows to another address."""
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.request(method, address, allow_redirects=False, **more) as answer,
        ):
            body = bytearray()
            while len(body) <= LARGEST and (part := await answer.content.readany()):
                body += part
            return answer.status, _json(bytes(body)) if len(body) <= LARGEST else {}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        why = str(error) or type(error).__name__
        raise IdentityUnavailableError(f"the provider cannot be reached ({why[:200]}): try again") from None


def _json(body: bytes) -> dict[str, Any]:
    try:
        found: Any = from_json(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
