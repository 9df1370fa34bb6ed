"""A schema registry made by hand: what Confluent's documented REST API says of the calls that we make, in memory.

`tests/contracts/test_registry.py` holds it to that, and would hold a real one to it too: SAGA_TEST_REGISTRY=URL.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import encode_basic_auth, web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


@dataclass
class HandRegistry:
    """Subjects with their schemas. `login`: what it asks for, if anything."""

    login: str = ""
    level: str = "BACKWARD"
    subjects: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/subjects/{subject}/versions/latest", self._latest)
        app.router.add_post("/subjects/{subject}/versions", self._register)
        app.router.add_post("/compatibility/subjects/{subject}/versions/latest", self._compatible)
        app.router.add_get("/config", self._config)
        app.router.add_get("/config/{subject}", self._config)
        app.router.add_put("/config/{subject}", self._configure)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path))
        if self.login and request.headers.get("Authorization") != self.login:
            return _refused(401, 401, "Unauthorized")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _latest(self, request: web.Request) -> web.Response:
        subject = request.match_info["subject"]
        found = self.subjects.get(subject)
        if not found:
            return _refused(404, 40401, f"Subject '{subject}' not found.")
        number, kind, text = found[-1]
        # The kind of an Avro schema is left out.
        said = {} if kind == "AVRO" else {"schemaType": kind}
        return _answer({"subject": subject, "version": len(found), "id": number, "schema": text, **said})

    async def _register(self, request: web.Request) -> web.Response:
        kind, text = await _given(request)
        if not _is_schema(kind, text):
            return _refused(422, 42201, "Invalid schema")
        subject = self.subjects.setdefault(request.match_info["subject"], [])
        known = next((one for one in subject if one[1:] == (kind, text)), None)
        if known is None:
            if subject and self._complaints(request.match_info["subject"], kind, text):
                return _refused(409, 409, "Schema being registered is incompatible with an earlier schema")
            known = (sum(map(len, self.subjects.values())) + 1, kind, text)
            subject.append(known)
        return _answer({"id": known[0]})

    async def _compatible(self, request: web.Request) -> web.Response:
        kind, text = await _given(request)
        subject = request.match_info["subject"]
        if not self.subjects.get(subject):
            return _refused(404, 40401, f"Subject '{subject}' not found.")
        if not _is_schema(kind, text):
            return _refused(422, 42201, "Invalid schema")
        complaints = self._complaints(subject, kind, text)
        verbose = request.query.get("verbose") == "true"
        return _answer({"is_compatible": not complaints, **({"messages": complaints} if verbose else {})})

    async def _config(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject", "")
        if subject and subject not in self.levels and request.query.get("defaultToGlobal") != "true":
            return _refused(404, 40408, f"Subject '{subject}' does not have subject-level compatibility configured")
        return _answer({"compatibilityLevel": self.levels.get(subject, self.level)})

    async def _configure(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["compatibility"]
        self.levels[request.match_info["subject"]] = wanted
        return _answer({"compatibility": wanted})

    def _complaints(self, subject: str, kind: str, text: str) -> list[str]:
        """Of Avro the one rule that our tests need: a field that only one side has needs a default there."""
        _, old_kind, old_text = self.subjects[subject][-1]
        if old_kind != kind:
            return [f"schema type {kind} differs from {old_kind}"]
        if kind != "AVRO":
            return []
        old, new = ({one["name"]: one for one in json.loads(found).get("fields", [])} for found in (old_text, text))
        level = self.levels.get(subject, self.level)
        sides = [(new, old)] if level.startswith(("BACKWARD", "FULL")) else []
        sides += [(old, new)] if level.startswith(("FORWARD", "FULL")) else []
        return [
            f"READER_FIELD_MISSING_DEFAULT_VALUE: {name}"
            for reader, writer in sides
            for name, one in reader.items()
            if name not in writer and "default" not in one
        ]


async def _given(request: web.Request) -> tuple[str, str]:
    given = await request.json()
    return given.get("schemaType", "AVRO"), given["schema"]


def _is_schema(kind: str, text: str) -> bool:
    if kind == "PROTOBUF":
        return 'syntax = "proto3";' in text
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _answer(document: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(document), status=status, content_type=MEDIA_TYPE)


def _refused(status: int, code: int, message: str) -> web.Response:
    return _answer({"error_code": code, "message": message}, status)


def basic(user: str, password: str) -> str:
    return encode_basic_auth(user, password, encoding="utf-8")


@asynccontextmanager
async def serving(registry: HandRegistry | None = None) -> AsyncGenerator[str]:
    """Its address while the block runs."""
    runner = web.AppRunner((registry or HandRegistry()).app(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
