"""Secrets stay where they belong: canaries of each kind, through the real console over a real ledger, and nowhere seen.

Nobody needs Temporal or RabbitMQ for that: both are away here, which is one more way in which something could be told.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.event_store import SqlEventStore
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.parked_store import SqlParkedStore
from orchestrator.console.api.description import description
from orchestrator.console.browsing import SESSION
from orchestrator.service.accounts import FIRST
from orchestrator.service.records import MessageRecord
from orchestrator.settings import Settings
from tests.api_kit import Browser
from tests.console_kit import Snapshots
from tests.event_kit import stored
from tests.parked_kit import T0, arrival
from tests.service_kit import WHY, ServiceBench
from tests.trip_kit import trip
from workers.console import open_app

HOST = "http://localhost"
OK, DENIED = 200, 403
FACT = "canary-fact-5f1c"
"""In a fact, a message and a parked message: shown to those who may see payloads, and readable nowhere else."""
KEYS = {
    "payload_keys": SecretStr("k1:Y2FuYXJ5LWtleS1vZi1wYXlsb2Fkcy0zMi1ieXRlcyE="),
    "cursor_key": SecretStr("canary-cursor-key-of-32-characters!"),
    "rabbitmq_url": SecretStr("amqp://saga:canary-broker@127.0.0.1:1/"),
    "oidc_client_secret": SecretStr("canary-oidc-secret"),
}
PARKED = arrival(1, body=FACT.encode())
PASSWORD, WRONG = "canary-password-own", "canary-password-wrong"
PAGES = (
    *("/", "/executions?view=all", "/executions/trip:t1", "/executions/trip:t1/do/compensate", "/operations", "/audit"),
    *("/executions/trip:t1/do/edit_and_retry", "/sagas", "/sagas/trip", "/parked", "/bulks", "/me", "/password"),
    *("/executions/export?view=all&format=ndjson", "/bulks/new?view=all&operation=retry", "/executions/trip:none"),
    *("/docs", "/sign-in", "/healthz", "/readyz", "/version", "/api/v1/health", "/api/v1/openapi.json"),
)


@dataclass
class Seen:
    """All that anybody was answered, headers included; and the secrets that were made on the way."""

    answers: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    async def note(self, answer: httpx.Response) -> None:
        await answer.aread()
        told = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        self.answers.append(f"{answer.request.url} {told} {answer.text}")

    def hold(self, secret: str) -> bool:
        return any(secret in one for one in self.answers)


def settings(folder: Path) -> Settings:
    ledger = SecretStr(f"sqlite:///{folder / 'ledger.db'}")
    own: dict[str, Any] = {"temporal_address": "127.0.0.1:1", "ledger_url": ledger, "access_control": True, **KEYS}
    return Settings(**own)


async def fill(given: Settings) -> None:
    """An execution that is stuck, with messages and a parked message, each with the canary in it."""
    engine = open_engine(given.ledger)
    try:
        await migrate(engine)
        snapshots: Any = Snapshots()
        bench = ServiceBench()
        hand = bench.stuck("t1")
        hand.execution.state.facts["card"] = {"number": FACT}
        snapshots.keep_open(hand)
        letter = MessageRecord(
            execution_id="trip:t1",
            message_id="m1",
            direction="in",
            kind="event",
            type="trip.ordered",
            at_ms=T0,
            size=20,
            body=f'{{"card":"{FACT}"}}'.encode(),
        )
        await SqlLedger(engine, given.seal).write(snapshots.kept, [letter])
        await SqlParkedStore(engine, given.seal).record(PARKED, T0)
        await SqlEventStore(engine, given.seal).append([stored(1, headers={"x": FACT}, body=FACT.encode())])
    finally:
        await engine.dispose()


async def enter(http: httpx.AsyncClient, password: str) -> None:
    await http.post("/sign-in", data={"name": FIRST, "password": password})


async def roam(app: Any, seen: Seen) -> None:
    """What a person and a program do: sign in wrong and right, choose a password, make tokens, look at everything."""
    accounts = app.state.console.service.entering.accounts
    one_time = await accounts.make_first()
    hooks: Any = {"response": [seen.note]}
    async with Browser(transport=httpx.ASGITransport(app), base_url=HOST, event_hooks=hooks) as http:
        await enter(http, WRONG)
        await enter(http, one_time)
        await http.post("/password", data={"password": PASSWORD, "again": PASSWORD})
        for role, name in (("viewer", "eye"), ("admin", "all")):
            wanted = {"name": name, "role": role, "reason": WHY, "days": "1"}
            made = (await http.post("/me/tokens", data=wanted)).text
            seen.answers.pop()  # here it is shown, this once
            seen.secrets.append(made.partition('aria-label="the token">')[2].partition("<")[0])
        seen.secrets += [one_time, http.cookies[SESSION]]
        assert all(seen.secrets)
        assert (await http.get("/executions/trip:t1")).text.count(FACT) > 0, "who may see payloads does"
        seen.answers = [one for one in seen.answers if FACT not in one]
    viewer = {"Authorization": f"Bearer {seen.secrets[0]}"}
    paths = [f"/api/v1{path.removeprefix('/api/v1')}" for path, item in description()["paths"].items() if "get" in item]
    known = {"execution_id": "trip:t1", "message_id": PARKED.id, "fingerprint": PARKED.fingerprint}
    known |= {"direction": "in", "number": "1"}
    known |= {"name": "trip", "version": "1", "operation_id": "none", "bulk_id": "none", "token_id": "none"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST, headers=viewer) as http:
        http.event_hooks = hooks
        for path in (*PAGES, *(one.format(**known) for one in paths if not one.endswith("/events"))):
            await http.get(path)
        await http.get(f"/parked/messages/{PARKED.id}")
        for path in ("", "/api/v1"):
            assert (await http.get(f"{path}/executions/trip:t1/messages/in/m1")).status_code == OK
            assert (await http.get(f"{path}/messages/1")).status_code == OK
        for path in ("executions/trip:t1/messages/in/m1", "messages/1", f"parked/messages/{PARKED.id}"):
            assert (await http.get(f"/api/v1/{path}/body")).status_code == DENIED
        await http.get("/me", headers={"Authorization": f"Bearer {seen.secrets[1]}x"})


async def test_no_secret_is_in_a_page_an_answer_the_log_or_the_ledgers_files(tmp_path, caplog) -> None:
    caplog.set_level(logging.INFO)
    given, seen = settings(tmp_path), Seen()
    await fill(given)
    async with open_app([trip], given) as (app, _):
        await roam(app, seen)
    secrets = [*seen.secrets, PASSWORD, WRONG, "Y2FuYXJ5LWtleS1vZi1wYXlsb2Fkcy0zMi1ieXRlcyE", "canary-"]
    assert len(seen.answers) > 40
    assert [one for one in secrets if seen.hold(one)] == []
    assert [one for one in secrets if one in caplog.text] == []
    files = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert b"trip:t1" in files
    assert [one for one in secrets if one.encode() in files] == []


@pytest.mark.parametrize("name", KEYS)
def test_settings_do_not_show_their_secrets(tmp_path, name) -> None:
    assert KEYS[name].get_secret_value() not in repr(settings(tmp_path))
