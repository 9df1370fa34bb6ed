"""Browsers without a browser: tabs that ask for their page as `live.js` does, one stream for all tabs of a browser."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

SOON_S, SLOWEST_S = 0.05, 10.0
"""As in `live.js`: the pause before a look doubles from the one to the other while changes keep coming."""


class Tab:
    """An open page.

    Args:
        path: of the page.
        execution_id: whose changes it heeds; empty = everybody's.
    """

    def __init__(self, client: httpx.AsyncClient, path: str, execution_id: str = "") -> None:
        self.looks = 0
        self.text = ""
        self.shown = asyncio.Condition()
        self._client = client
        self._path = path
        self._execution_id = execution_id
        self._loop = asyncio.get_running_loop()
        self._pause = SOON_S
        self._looked = -SLOWEST_S
        self._tag = ""
        self._is_wanted = False
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Ask for the page for the first time."""
        await self._ask()

    def hear(self, execution_id: str) -> None:
        """A signal has come; an empty id means that anything may have changed."""
        if execution_id and self._execution_id not in ("", execution_id):
            return
        self._is_wanted = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def shows(self, words: str) -> None:
        """Wait until the page has these words."""
        async with self.shown:
            await self.shown.wait_for(lambda: words in self.text)

    async def _look(self) -> None:
        while self._is_wanted:
            since = self._loop.time() - self._looked
            if since > SLOWEST_S:
                self._pause = SOON_S
            rest, self._pause = max(SOON_S, self._pause - since), min(SLOWEST_S, self._pause * 2)
            await asyncio.sleep(rest)
            self._is_wanted = False
            await self._ask()
            self._looked = self._loop.time()

    async def _ask(self) -> None:
        answer = await self._client.get(self._path, headers={"If-None-Match": self._tag} if self._tag else {})
        self.looks += 1
        if answer.status_code == HTTPStatus.NOT_MODIFIED:
            return
        answer.raise_for_status()
        self._tag = answer.headers.get("ETag", "")
        async with self.shown:
            self.text = answer.text
            self.shown.notify_all()


@asynccontextmanager
async def browser(client: httpx.AsyncClient, tabs: Sequence[Tab]) -> AsyncGenerator[None]:
    """These tabs, open and live while the block runs."""
    await asyncio.gather(*(tab.open() for tab in tabs))
    ready = asyncio.Event()
    listening = asyncio.create_task(_listen(client, tabs, ready))
    try:
        await asyncio.wait({listening, waiting := asyncio.create_task(ready.wait())}, return_when="FIRST_COMPLETED")
        waiting.cancel()
        if listening.done():
            listening.result()
        yield
    finally:
        listening.cancel()
        await asyncio.gather(listening, *(tab.close() for tab in tabs), return_exceptions=True)


async def _listen(client: httpx.AsyncClient, tabs: Sequence[Tab], ready: asyncio.Event) -> None:
    async for execution_id in _signals(client):
        for tab in tabs:
            tab.hear(execution_id)
        ready.set()


async def _signals(client: httpx.AsyncClient) -> AsyncGenerator[str]:
    """Which execution has changed; an empty text where anything may have."""
    async with client.stream("GET", "/api/v1/events", timeout=None) as answer:
        answer.raise_for_status()
        kind = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == "execution.changed":
                yield json.loads(value)["execution_id"]
            elif name == "data" and kind in ("ready", "reset"):
                yield ""
