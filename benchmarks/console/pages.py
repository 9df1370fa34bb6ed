"""What the console's pages cost with a full ledger: the server's time and the bytes of each.

Neither servers nor a network: pages are asked for inside of this process, from a real ledger on SQLite. The best of
three rounds counts, after one that warms up.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr
from sqlalchemy import insert, select

from benchmarks.ledger.reading import percentile
from benchmarks.ledger.samples import BODY, NOW_MS
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger_tables import executions, messages
from orchestrator.service.health import Health
from orchestrator.service.pacing import Pacing
from orchestrator.settings import Settings
from workers.clock import SystemClock
from workers.console import open_app

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROUNDS, LOOKS = 3, 20
MANY_MESSAGES, AT_ONCE = 20_000, 2_000
LONG = "one with 20,000 messages"
GOALS: Mapping[str, float] = {"the list": 300.0, LONG: 1_500.0}
"""At most so many milliseconds, 95 of 100 times."""
PAGES = {
    "overview": "/",
    "the list": "/executions",
    "everything": "/executions?view=all",
    "those that failed at a step": "/executions?view=all&failed_step=carrier",
    "found by how a key begins": "/executions?view=all&q=0001",
    "found by how an id begins": "/executions?view=all&q=order:0001",
    "one execution": "/executions/{one}",
    LONG: "/executions/{long}",
    "parked messages": "/parked",
    "operations": "/operations",
    "oneself": "/me",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one page costs: milliseconds of the server's time in each round, and bytes."""

    page: str
    rounds: Sequence[float]
    size: int

    @property
    def is_missed(self) -> bool:
        """Whether no round reached its goal."""
        return min(self.rounds) > GOALS.get(self.page, float("inf"))

    def __str__(self) -> str:
        goal = f", at most {GOALS[self.page]:g}{': missed' if self.is_missed else ''}" if self.page in GOALS else ""
        return f"{self.page}: {min(self.rounds):.0f} ms{goal}; {self.size / 1_000:.0f} kB"


async def lengthen(url: str) -> tuple[str, str]:
    """Give one execution many messages; another one, and this one."""
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            ids = (await connection.execute(select(executions.c.execution_id).limit(2))).scalars().all()
            one, long = str(ids[0]), str(ids[1])
            for first in range(0, MANY_MESSAGES, AT_ONCE):
                rows = [_message(long, number) for number in range(first, first + AT_ONCE)]
                await connection.execute(insert(messages), rows)
        return one, long
    finally:
        await engine.dispose()


def _message(execution_id: str, number: int) -> dict[str, object]:
    ids = {"execution_id": execution_id, "message_id": f"more-{number}", "correlation_id": "c", "causation_id": "m"}
    said = {"direction": "in", "kind": "event", "type": "order.told", "step": "", "call": "", "attempt": 0}
    return {**ids, **said, "outcome": "", "at_ms": NOW_MS + number, "size": len(BODY), "body": BODY}


async def measure(url: str) -> list[Cost]:
    """Every page's cost, with the ledger as it was filled."""
    one, long = await lengthen(url)
    settings = Settings.model_validate({"ledger_url": SecretStr(url), "traces": "off"})
    async with open_app((), settings) as (app, _):
        # What is away is looked for beside: here the pages alone are measured.
        quiet = {"health": Health({}, SystemClock()), "pacing": Pacing(SystemClock())}
        app.state.console = replace(app.state.console, **quiet)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return [await _cost(client, name, path.format(one=one, long=long)) for name, path in PAGES.items()]


async def _cost(client: httpx.AsyncClient, name: str, path: str) -> Cost:
    rounds: list[float] = []
    size = 0
    for number in range(ROUNDS + 1):
        took: list[float] = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            answer = await client.get(path)
            took.append((time.perf_counter() - began) * 1_000)
            answer.raise_for_status()
            size = len(answer.content)
        if number:
            rounds.append(percentile(took))
    return Cost(name, rounds, size)
