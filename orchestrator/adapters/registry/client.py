"""A schema registry that speaks the REST API of Confluent (Apicurio and Karapace offer it too). No real one was tried.

Implements `service.registry.SchemaRegistry`. Subjects are called as their message types.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import aiohttp
from pydantic_core import from_json
from yarl import URL

from orchestrator.contracts.registered import Registered
from orchestrator.errors import OrchestratorError, RegistryError
from orchestrator.settings.fields import is_loopback

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from orchestrator.contracts.registered import SchemaKind
    from orchestrator.settings import Settings

TIMEOUT = aiohttp.ClientTimeout(total=15)
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
NOT_FOUND, FAULT = 404, 400
SUBJECT_UNKNOWN, VERSION_UNKNOWN, LEVEL_UNKNOWN = 40401, 40402, 40408
"""Codes under which the registry says that there is nothing yet; another 404 is an address that is none."""
LEVEL = "compatibilityLevel"
MOST_TEXT = 500
"""How much of an answer is repeated, characters."""


@dataclass(frozen=True, slots=True)
class RegistryClient:
    """Open it with `open_registry`. Every method raises `RegistryError` when it does not get its answer."""

    session: aiohttp.ClientSession
    address: URL

    async def latest(self, subject: str) -> Registered | None:
        """The newest schema of a subject; None if there is none."""
        found = await self._call("GET", f"subjects/{_quoted(subject)}/versions/latest", "schema")
        if found is None:
            return None
        # A registry leaves the kind out when it is Avro.
        return Registered(cast("SchemaKind", found.get("schemaType") or "AVRO"), str(found["schema"]))

    async def level(self, subject: str) -> str:
        """How strictly the registry compares a subject, as `BACKWARD`."""
        found = await self._call("GET", f"config/{_quoted(subject)}?defaultToGlobal=true", LEVEL)
        if found is None:
            found = await self._call("GET", "config", LEVEL)
        return "NONE" if found is None else str(found[LEVEL])

    async def complaints(self, subject: str, schema: Registered) -> tuple[str, ...]:
        """What the registry has against a schema as the next one of its subject; nothing, if it would take it."""
        path = f"compatibility/subjects/{_quoted(subject)}/versions/latest?verbose=true"
        found = await self._call("POST", path, "is_compatible", _body(schema))
        if found is None or found["is_compatible"]:
            return ()
        said = [str(message)[:MOST_TEXT] for message in found.get("messages") or ()]
        return tuple(said) or ("the registry calls it incompatible and does not say why",)

    async def register(self, subject: str, schema: Registered) -> int:
        """Store a schema; its id, which is the old one if it was there already."""
        found = await self._call("POST", f"subjects/{_quoted(subject)}/versions", "id", _body(schema))
        if found is None:
            raise RegistryError(str(self.address), "it does not know the way to register a schema")
        return int(found["id"])

    async def _call(
        self, method: str, path: str, needs: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The answer, which has the field `needs`; None if what was asked for is not there yet."""
        url = URL(f"{str(self.address).rstrip('/')}/{path}", encoded=True)
        try:
            async with self.session.request(method, url, json=body, allow_redirects=False) as response:
                answer = _read(await response.read())
                code = answer.get("error_code")
                if response.status == NOT_FOUND and code in (SUBJECT_UNKNOWN, VERSION_UNKNOWN, LEVEL_UNKNOWN):
                    return None
                if response.status >= FAULT or needs not in answer:
                    told = str(answer.get("message", ""))[:MOST_TEXT] or f"no JSON object with {needs!r}"
                    raise RegistryError(str(self.address), f"{method} {path} is answered {response.status}: {told}")
                return answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RegistryError(str(self.address), str(error) or type(error).__name__) from error


@asynccontextmanager
async def open_registry(address: str, settings: Settings) -> AsyncGenerator[RegistryClient]:
    """The registry at an address, with the user or token of the settings.

    Raises:
        OrchestratorError: the address cannot be used: it is none, holds a password, or leaves the machine unencrypted.
    """
    url = _checked(address, settings)
    headers = {"Accept": MEDIA_TYPE}
    if settings.registry_token is not None:
        headers["Authorization"] = f"Bearer {settings.registry_token.get_secret_value()}"
    elif settings.registry_user is not None:
        secret = settings.registry_password.get_secret_value() if settings.registry_password else ""
        headers["Authorization"] = aiohttp.encode_basic_auth(settings.registry_user, secret, encoding="utf-8")
    async with aiohttp.ClientSession(headers=headers, timeout=TIMEOUT) as session:
        yield RegistryClient(session, url)


def _checked(address: str, settings: Settings) -> URL:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OrchestratorError("--registry is no address: write https://host, or http://127.0.0.1:8081")
    if parts.username or parts.password:
        # Command lines are seen by others, and end in histories.
        raise OrchestratorError("--registry holds a user: set SAGA_REGISTRY_USER and SAGA_REGISTRY_PASSWORD instead")
    if parts.scheme == "http" and not (is_loopback(parts.hostname) or settings.allow_plaintext):
        raise OrchestratorError("--registry is unencrypted and leaves this machine: use https://")
    return URL(address)


def _body(schema: Registered) -> dict[str, str]:
    return {"schema": schema.text, "schemaType": schema.kind}


def _read(content: bytes) -> dict[str, Any]:
    try:
        found: object = from_json(content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _quoted(subject: str) -> str:
    return quote(subject, safe="")
