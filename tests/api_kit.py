"""The API over a world by hand, called in this process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from orchestrator.console.api.app import build_app
from orchestrator.console.api.context import Console, Links
from orchestrator.console.api.cursors import Cursors
from orchestrator.console.browsing import FIELD, SESSION, VISIT, form_token
from orchestrator.console.pages import LOST
from orchestrator.errors import EngineUnavailableError
from orchestrator.service.access import Caller, Role
from orchestrator.service.accounts import LOCAL, LocalAccounts
from orchestrator.service.definitions import Definitions
from orchestrator.service.entering import Entering
from orchestrator.service.events import Events
from orchestrator.service.feed import Feed
from orchestrator.service.figures import Figuring
from orchestrator.service.health import Health, ledger_probe
from orchestrator.service.identity import Identity
from orchestrator.service.once import Once
from orchestrator.service.pacing import Pacing
from orchestrator.service.personal import Personal
from orchestrator.service.ports import Delivery
from orchestrator.service.sessions import Sessioning
from orchestrator.service.starting import Starting
from orchestrator.service.switches import Switching
from orchestrator.service.tokens import Issuing, Token, digest_of
from orchestrator.service.trail import Trail
from orchestrator.service.use_cases import Service
from tests.access_kit import MemoryAccounts, MemoryAnswers, MemoryPersonal, MemorySessions, MemoryTokens
from tests.event_kit import MemoryEvents
from tests.figures_kit import MemoryFigures
from tests.hand_kit import Hand
from tests.parked_kit import MemoryParked, cases_of
from tests.service_kit import TRIGGER, WHY, MemorySwitches, ServiceBench
from tests.trip_kit import trip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.service.health import Part, Probe

HERE = "http://localhost"
_APPS: dict[Any, tuple[FastAPI, Any]] = {}


@dataclass
class FakeExecutions:
    """Temporal's starts, by hand: the first event of a key starts an execution of `bench`."""

    bench: ServiceBench
    events: dict[str, str] = field(default_factory=dict)

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        if self.bench.live.away:
            raise EngineUnavailableError("Temporal is away")
        known = self.events.setdefault(execution_id, trigger.identity)
        if execution_id in self.bench.live.runs:
            return Delivery.DUPLICATE if known == trigger.identity else Delivery.CONFLICT
        hand = self.bench.live.runs[execution_id] = Hand(plan, execution_id, TRIGGER)
        self.bench.ledger.keep_open(hand)
        return Delivery.STARTED


@dataclass
class ApiBench(ServiceBench):
    """The service layer by hand, and the API in front of it."""

    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    answers: MemoryAnswers = field(default_factory=MemoryAnswers)
    personal: MemoryPersonal = field(default_factory=MemoryPersonal)
    switches: MemorySwitches = field(default_factory=MemorySwitches)
    parking: MemoryParked = field(default_factory=MemoryParked)
    messages: MemoryEvents = field(default_factory=MemoryEvents)
    started: dict[str, str] = field(default_factory=dict[str, str])
    provider: Any = None
    links: Links = field(default_factory=Links)
    gone: set[str] = field(default_factory=set)
    access_control: bool = True
    pages: tuple[Any, ...] = ()
    max_body: int = 100_000
    a_minute: int = 0
    root_path: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parking.register = self.switches.register = self.register
        accounts = LocalAccounts(self.accounts, self.register, self.clock)
        sources = {LOCAL: accounts, **({self.provider.issuer: self.provider} if self.provider else {})}
        sessions = Sessioning(self.sessions, self.clock, sources)
        self.entering = Entering(accounts, sessions, self.clock, self.provider)

    @property
    def service(self) -> Service:
        world, reading = self.world, self.reading
        definitions = Definitions([trip], reading)
        executions: Any = FakeExecutions(self, self.started)
        return Service(
            world=world,
            reading=reading,
            figuring=Figuring(MemoryFigures(self.ledger), self.clock),
            trail=Trail(self.register),
            events=Events(self.messages),
            operating=self.operating,
            bulking=self.bulking,
            running=self.running,
            switching=Switching(self.switches, self.register, self.clock, [trip]),
            definitions=definitions,
            starting=Starting(world, definitions, executions, self.switches),
            parked=cases_of(self.parking, self.register, self.clock),
            issuing=Issuing(self.tokens, self.register, self.clock),
            entering=self.entering,
            once=Once(self.answers, self.clock),
            personal=Personal(self.personal),
        )

    def app(self) -> FastAPI:
        service = self.service
        ledger: Any = self.ledger
        console = Console(
            service=service,
            identity=Identity(service.issuing, None, sessions=self.entering.sessions, is_on=self.access_control),
            feed=Feed(ledger, per_caller=2),
            cursors=Cursors("a secret of this test, 32 letters"),
            health=Health(self.probes(service), self.clock),
            pacing=Pacing(self.clock, self.a_minute),
            links=self.links,
            max_body=self.max_body,
        )
        # Building an app takes longer than a test of it: one of each kind serves all benches of this process.
        kind = (self.access_control, self.max_body, *map(id, self.pages))
        if kind not in _APPS:
            _APPS[kind] = (
                build_app(console, pages=self.pages, lost=LOST if self.pages else None),
                self.pages,
            )  # so that no other pages get their ids
        app, _ = _APPS[kind]
        app.state.console = console
        return app

    def probes(self, service: Service) -> dict[Part, Probe]:
        parts: tuple[Part, ...] = ("temporal", "broker", "workers")
        return {"ledger": ledger_probe(service.reading), **{part: partial(self.tell, part) for part in parts}}

    async def tell(self, part: Part) -> str:
        if part in self.gone or (part == "temporal" and self.live.away):
            raise EngineUnavailableError(f"{part} is away")
        return f"{part} answers"

    async def let_in(self, caller: Caller) -> str:
        """A token whose bearer is this caller."""
        text = f"saga_{caller.actor}-{len(self.tokens.kept)}"
        await self.tokens.add(
            Token(id=text, name=text, digest=digest_of(text), caller=caller, made_by="test", made_ms=0)
        )
        return text

    @asynccontextmanager
    async def asking(self, caller: Caller | None = None, **headers: str) -> AsyncIterator[Api]:
        """A client that acts as a caller; nobody unless told otherwise."""
        if caller is not None:
            headers["Authorization"] = f"Bearer {await self.let_in(caller)}"
        transport = httpx.ASGITransport(self.app(), raise_app_exceptions=False, root_path=self.root_path)
        async with Browser(transport=transport, base_url=HERE + self.root_path, headers=headers) as client:
            yield Api(client)


class Browser(httpx.AsyncClient):
    """Sends forms as a browser does from a page of ours: tests of forms need not fetch the token each time."""

    async def post(self, url: Any, **more: Any) -> httpx.Response:
        if "data" in more and "Authorization" not in self.headers:
            found = next((self.cookies[name] for name in (SESSION, VISIT) if name in self.cookies), "")
            if not found:
                found = "v" * 43
                self.cookies.set(VISIT, found, domain="localhost.local", path="/")
            more["data"] = {FIELD: form_token(found), **more["data"]}
            if "sec-fetch-site" not in self.headers:
                more["headers"] = {"Sec-Fetch-Site": "same-origin", **more.get("headers", {})}
        return await super().post(url, **more)


@dataclass
class Api:
    """A client of the API."""

    http: httpx.AsyncClient
    prefix: str = "/api/v1"

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(self.prefix + path, **more)

    async def post(self, path: str, body: Any, *, key: str = "k1", **headers: str) -> httpx.Response:
        given = {"Idempotency-Key": key} if key else {}
        return await self.http.post(self.prefix + path, json=body, headers={**given, **headers})

    async def operate(self, operation: str, *, name: str = "trip:t1", key: str = "k1", etag: str = "*", **more: Any):
        body = {"operation": operation, "reason": WHY, **more}
        headers = {"If-Match": etag} if etag else {}
        return await self.post(f"/executions/{name}/operations", body, key=key, **headers)


def is_problem(response: httpx.Response, status: int, code: str) -> bool:
    """Whether a response is this problem, with all that a problem has."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    found = response.json()
    assert {"type", "title", "status", "detail", "instance", "code", "errors", "trace_id", "retryable"} <= set(found)
    assert (response.status_code, found["status"], found["code"]) == (status, status, code), response.text
    assert response.headers["x-trace-id"] == found["trace_id"]
    assert found["type"].endswith(f"/problems/{code}")
    return True


ROLES = {role: Caller(actor=role.value, role=role) for role in Role}
